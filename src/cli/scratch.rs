//! A folder for throw-away files: one that the user names and keeps, or a
//! temporary one that goes with the command.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Failure, fault};
use crate::pki::keys::{self, KeyFault, shown};

/// A folder in which nothing stood before.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    is_temporary: bool,
}

impl Scratch {
    /// Takes the folder that the user names, or makes a temporary one for `purpose`.
    pub(crate) fn new(named: Option<&Path>, purpose: &str) -> Result<Self, Failure> {
        match named {
            Some(path) => Self::named(path),
            None => Self::temporary(purpose),
        }
    }

    fn named(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            let mut entries =
                fs::read_dir(path).map_err(|error| fault::of_io("read", path, &error))?;
            if entries.next().is_some() {
                let message = format!("{} is not empty", shown(path));
                return Err(Failure::usage("file-exists", message)
                    .hint("name an empty folder, or one that is not there yet"));
            }
        } else {
            keys::make_folder(path)?;
        }
        // Commands in other terminals need the whole path.
        let path = path.canonicalize().map_err(|error| fault::of_io("read", path, &error))?;
        Ok(Self { path, is_temporary: false })
    }

    fn temporary(purpose: &str) -> Result<Self, Failure> {
        let number = getrandom::u32().map_err(|_| KeyFault::Randomness)?;
        let path = std::env::temp_dir().join(format!("gavel-{purpose}-{number:08x}"));
        keys::make_folder(&path)?;
        Ok(Self { path, is_temporary: true })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes when the command ends.
    pub(crate) const fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_temporary {
            // Whatever cannot be removed is the system's to clean up: it is temporary.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_and_a_named_one_stays() {
        let temporary = Scratch::new(None, "test").expect("a folder");
        let path = temporary.path().to_owned();
        assert!(path.is_dir() && temporary.is_temporary());
        drop(temporary);
        assert!(!path.exists());
        let outer = tempfile::tempdir().expect("a folder");
        let named = Scratch::new(Some(&outer.path().join("new")), "test").expect("a folder");
        let path = named.path().to_owned();
        drop(named);
        assert!(path.is_dir());
        fs::write(path.join("file"), b"x").expect("writes");
        assert!(Scratch::new(Some(&path), "test").is_err());
    }
}
