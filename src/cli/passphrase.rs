//! The passphrase of the CA's key: from a file, or typed at a terminal.
//!
//! Never from a flag or a variable, which other users of the machine can read.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::limits::PASSPHRASE_FILE_BYTES_MAX;
use crate::pki::keys::{self, KeyFault, Passphrase};
use crate::pki::{OfficeFault, ServeFault};

/// Where the passphrase of the CA's key comes from.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// Read the passphrase of the CA's key from a file (its first line)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Source {
    /// Takes the passphrase from its file, if one is named.
    pub(super) fn given(&self) -> Result<Option<Passphrase>, Failure> {
        self.passphrase_file.as_deref().map(read).transpose()
    }

    /// Runs `work` with the passphrase of the file or none; where the key turns out to
    /// need one and a person is there, asks and runs it again.
    pub(super) fn open<T>(
        &self,
        work: impl Fn(Option<&Passphrase>) -> Result<T, OfficeFault>,
    ) -> Result<T, Failure> {
        let given = self.given()?;
        match work(given.as_ref()) {
            Err(fault) if asks_for_passphrase(&fault) && std::io::stdin().is_terminal() => {
                let typed = ask("passphrase of the CA's key: ")?;
                Ok(work(Some(&typed))?)
            }
            other => Ok(other?),
        }
    }
}

/// Asks for a new passphrase, twice, since nobody sees what they type.
pub(super) fn choose() -> Result<Passphrase, Failure> {
    let first = type_in("new passphrase for the CA's key: ")?;
    if type_in("the same again: ")? != first {
        return Err(Failure::usage("passphrase-mismatch", "the two passphrases differ")
            .hint("nothing was made; run it again"));
    }
    take(first)
}

fn ask(prompt: &str) -> Result<Passphrase, Failure> {
    take(type_in(prompt)?)
}

fn type_in(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(|_| {
        Failure::usage("no-terminal", "there is no terminal to type a passphrase at")
            .hint("give --passphrase-file FILE")
    })
}

fn take(text: String) -> Result<Passphrase, Failure> {
    Passphrase::new(text)
        .ok_or_else(|| Failure::usage("passphrase-empty", "the passphrase is empty"))
}

fn read(path: &Path) -> Result<Passphrase, Failure> {
    let bytes = keys::read_secret(path, PASSPHRASE_FILE_BYTES_MAX)?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = String::from_utf8(line.to_vec()).map_err(|_| {
        Failure::usage("file-unreadable", format!("{} is not UTF-8", keys::shown(path)))
            .hint("give the file that holds the passphrase")
    })?;
    take(text)
}

fn asks_for_passphrase(fault: &OfficeFault) -> bool {
    match fault {
        OfficeFault::File(file) | OfficeFault::Serve(ServeFault::File(file)) => {
            matches!(file, KeyFault::PassphraseNeeded { .. })
        }
        _ => false,
    }
}
