//! Many files of keys in one folder, made so that a crash leaves nothing odd.
//!
//! A file is first written beside its place under a name that ends in a tag of
//! the caller's. Whoever goes on after a crash gives the same tag, finds what
//! was left, and leaves nothing behind: an orphan would be a copy of a key.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::{FILE_MODE, KeyFault, is_there, read_secret, remove_leftover, sync_folder_of};
use crate::limits::{CREDENTIAL_FILE_BYTES_MAX, SYNCS_AT_ONCE};

/// Writes files for their owner only, each synced and the folder once at the end. One that is
/// there with the same bytes is left; one with other bytes is a fault, and never overwritten.
pub(in crate::pki) fn create_all(
    folder: &Path,
    tag: &str,
    files: &[(&str, &[u8])],
) -> Result<(), KeyFault> {
    // A sync waits for the disk, and the disk takes several of them at a time.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(SYNCS_AT_ONCE).build();
    let threads = threads.map_err(io::Error::other).map_err(KeyFault::io("write into", folder))?;
    threads.install(|| {
        files.par_iter().try_for_each(|(name, bytes)| create_one(folder, tag, name, bytes))
    })?;
    sync_folder_of(&folder.join("files"))?;
    // The folder itself may be new.
    sync_folder_of(folder)
}

fn create_one(folder: &Path, tag: &str, name: &str, bytes: &[u8]) -> Result<(), KeyFault> {
    let (path, beside) = (folder.join(name), folder.join(format!(".{name}.{tag}")));
    if !is_there(&path)? {
        write_over(&beside, bytes).map_err(KeyFault::io("write", &path))?;
        // A link, unlike a rename, never takes the place of another file.
        fs::hard_link(&beside, &path).map_err(KeyFault::io("write", &path))?;
    } else if **read_secret(&path, CREDENTIAL_FILE_BYTES_MAX)? != *bytes {
        return Err(KeyFault::Exists { path });
    }
    remove_leftover(&beside);
    Ok(())
}

/// The names of all that is in a folder; none if there is no such folder.
pub(in crate::pki) fn file_names(folder: &Path) -> Result<HashSet<OsString>, KeyFault> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        other => other.map_err(KeyFault::io("look into", folder))?,
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    names.collect::<io::Result<_>>().map_err(KeyFault::io("look into", folder))
}

/// Writes a file for its owner only in place of any that is there, by way of `beside`.
pub(in crate::pki) fn replace_through(
    path: &Path,
    beside: &Path,
    bytes: &[u8],
) -> Result<(), KeyFault> {
    write_over(beside, bytes)
        .and_then(|()| fs::rename(beside, path))
        .map_err(KeyFault::io("write", path))?;
    sync_folder_of(path)
}

/// The path from the root, so that it still holds in another working folder.
pub(in crate::pki) fn absolute(path: &Path) -> Result<PathBuf, KeyFault> {
    std::path::absolute(path).map_err(KeyFault::io("look at", path))
}

/// Writes and syncs a new file where a crash may have left one.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_leftover(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{mode_of, names_in};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("a.pem", b"one"), ("b.pem", b"two")];

    #[test]
    fn what_a_crash_left_is_gone_on_with() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = temp.path();
        fs::write(folder.join(".a.pem.tag"), "on").expect("writes");
        create_all(folder, "tag", FILES).expect("creates");
        assert_eq!(mode_of(&folder.join("a.pem")), 0o600);
        // A crash between the link and the removing.
        fs::hard_link(folder.join("b.pem"), folder.join(".b.pem.tag")).expect("links");
        create_all(folder, "tag", FILES).expect("is there");
        let mut names = names_in(folder);
        names.sort();
        assert_eq!(names, ["a.pem", "b.pem"]);
    }

    #[test]
    fn a_file_of_somebody_elses_is_left_as_it_is() {
        let temp = tempfile::tempdir().expect("a folder");
        super::super::create(&temp.path().join("b.pem"), b"other").expect("creates");
        let fault = create_all(temp.path(), "tag", FILES).expect_err("is in the way");
        assert!(matches!(fault, KeyFault::Exists { path } if path.ends_with("b.pem")));
        assert_eq!(fs::read(temp.path().join("b.pem")).expect("reads"), b"other");
    }

    #[test]
    fn a_file_is_replaced_through_another_that_a_crash_may_have_left() {
        let temp = tempfile::tempdir().expect("a folder");
        let (path, beside) = (temp.path().join("x"), temp.path().join("x.new"));
        fs::write(&beside, "a longer text that was cut off").expect("writes");
        for text in ["one", "two"] {
            replace_through(&path, &beside, text.as_bytes()).expect("replaces");
            assert_eq!(fs::read_to_string(&path).expect("reads"), text);
        }
        assert_eq!(names_in(temp.path()), ["x"]);
    }
}
