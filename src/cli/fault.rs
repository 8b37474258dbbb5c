//! Files that cannot be used, as every command reports them.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

use super::Failure;
use crate::pki::keys::{KeyFault, shown};

/// An error with everything behind it: `cannot read x: No such file or directory`.
pub(crate) fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = plain(cause);
        // A transparent error repeats its cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The system's own words begin with a capital and end with a number.
fn plain(cause: &(dyn Error + 'static)) -> String {
    let text = cause.to_string();
    match cause.downcast_ref::<std::io::Error>() {
        Some(_) => {
            let text = text.split(" (os error").next().unwrap_or_default();
            text.to_lowercase()
        }
        None => text,
    }
}

impl From<KeyFault> for Failure {
    fn from(fault: KeyFault) -> Self {
        let message = whole(&fault);
        match &fault {
            KeyFault::Busy { .. } => {
                Self::operator("folder-busy", message).hint("wait for the other command to end")
            }
            KeyFault::Exists { .. } => {
                Self::usage("file-exists", message).hint("move it away, or work in another folder")
            }
            KeyFault::Io { action, path, source } => of_io(action, path, source),
            KeyFault::Loose { path, .. } => {
                let failure =
                    Self::usage("loose-mode", message).hint(fault.mend().unwrap_or_default());
                if path.is_dir() {
                    failure
                } else {
                    failure.hint("if somebody may have read it, what is in it must be replaced")
                }
            }
            KeyFault::NotAKey { .. } => {
                Self::usage("not-a-key", message).hint("bring the file back from a copy")
            }
            KeyFault::PassphraseNeeded { .. } => Self::usage("passphrase-needed", message)
                .hint("give --passphrase-file FILE, or run it at a terminal"),
            KeyFault::Randomness => Self::operator("no-randomness", message)
                .hint("the system's getrandom fails: look at its limits and try again"),
            KeyFault::TooLarge { .. } => {
                Self::usage("file-too-large", message).hint("give the file that was meant")
            }
            KeyFault::WrongPassphrase { .. } => Self::usage("passphrase-wrong", message).hint(
                "of a passphrase file only the first line counts; nobody can recover a lost one",
            ),
        }
    }
}

/// The system's refusal while doing something to a file.
pub(crate) fn of_io(action: &str, path: &Path, source: &std::io::Error) -> Failure {
    let message = format!("cannot {action} {}: {}", shown(path), plain(source));
    let reads = matches!(action, "read" | "look at");
    match source.kind() {
        ErrorKind::NotFound => Failure::usage("file-missing", message)
            .hint("paths begin in the folder that you are in; `pwd` says which"),
        ErrorKind::PermissionDenied => Failure::usage("no-permission", message)
            .hint(format!("ls -ld {} says who may", shown(path))),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Failure::operator("disk-full", message).hint("make room: df -h says where")
        }
        ErrorKind::ReadOnlyFilesystem => Failure::operator("read-only", message)
            .hint("mount it for writing, or work in another folder"),
        _ if reads => Failure::usage("file-unreadable", message)
            .hint(format!("ls -ld {} says what it is", shown(path))),
        _ => Failure::operator("file-unwritable", message)
            .hint("look at the folder's modes (ls -ld) and at the disk (df -h, dmesg)"),
    }
}
