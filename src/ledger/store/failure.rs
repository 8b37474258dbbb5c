//! What goes wrong with a disk, told apart by what an operator can do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store did not do what it was asked. The operator's affair, never a bidder's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFailure {
    /// Another process holds the lock of this sale.
    #[error("another server holds {}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A sale was to be born where its ledger already stands.
    #[error("{} exists already", path.display())]
    Exists {
        /// The ledger.
        path: PathBuf,
    },
    /// The file is not what it was a moment ago: somebody else writes to it, or the disk lies.
    #[error("{} was changed by somebody else", path.display())]
    Changed {
        /// The ledger.
        path: PathBuf,
    },
    /// A second disk does not answer.
    #[error("the disk of {} has not answered in time", path.display())]
    Silent {
        /// The file.
        path: PathBuf,
    },
    /// A line was handed over that does not follow the last one on disk.
    #[error("line {given} was to be written to {} where line {expected} belongs", path.display())]
    OutOfOrder {
        /// The ledger.
        path: PathBuf,
        /// The number of the line that belongs there.
        expected: u64,
        /// The number of the line that was handed over.
        given: u64,
    },
    /// A checkpoint was to be anchored that speaks of lines not yet on disk.
    #[error("a checkpoint of {size} lines was to go ahead of the {committed} in {}", path.display())]
    AheadOfDisk {
        /// The ledger.
        path: PathBuf,
        /// The size the checkpoint speaks of.
        size: u64,
        /// How many lines are on disk.
        committed: u64,
    },
    /// An earlier write failed; what the disk holds is unknown until the next start.
    #[error("{} takes no more writes since one failed", path.display())]
    Poisoned {
        /// The ledger.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: Operation,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What the store was doing to a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Making a folder.
    MakeFolder,
    /// Opening or making a file.
    Open,
    /// Taking a file lock.
    Lock,
    /// Asking whether it is there, and how long it is.
    Inspect,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Waiting for the disk.
    Sync,
    /// Renaming a finished file to this name.
    RenameTo,
    /// Removing what an interrupted start left behind.
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakeFolder => "make the folder",
            Self::Open => "open",
            Self::Lock => "lock",
            Self::Inspect => "inspect",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::RenameTo => "rename a file to",
            Self::Remove => "remove",
        })
    }
}

/// What lies behind a failure, as far as it decides what an operator does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Another server runs this sale, or writes to its files.
    OtherServer,
    /// No room is left, or the quota is used up.
    DiskFull,
    /// The file system is mounted read only.
    ReadOnly,
    /// The user that runs the server may not.
    Permission,
    /// A file or folder is missing.
    Missing,
    /// Anything else: a failing disk, or a bug.
    Other,
}

impl StoreFailure {
    /// What lies behind it.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Locked { .. } | Self::Changed { .. } => Cause::OtherServer,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::DiskFull,
                io::ErrorKind::ReadOnlyFilesystem => Cause::ReadOnly,
                io::ErrorKind::PermissionDenied => Cause::Permission,
                io::ErrorKind::NotFound => Cause::Missing,
                _ => Cause::Other,
            },
            Self::Exists { .. }
            | Self::Silent { .. }
            | Self::OutOfOrder { .. }
            | Self::AheadOfDisk { .. }
            | Self::Poisoned { .. } => Cause::Other,
        }
    }

    /// The file or folder it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Locked { path }
            | Self::Exists { path }
            | Self::Changed { path }
            | Self::Silent { path }
            | Self::OutOfOrder { path, .. }
            | Self::AheadOfDisk { path, .. }
            | Self::Poisoned { path }
            | Self::Io { path, .. } => path,
        }
    }
}

/// Says, for `map_err`, what was being done to which path.
pub(super) fn failed(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> StoreFailure {
    move |source| StoreFailure::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_can_tell_the_causes_apart() {
        let check = |kind: io::ErrorKind, cause: Cause| {
            let failure = failed(Operation::Write, Path::new("x.jsonl"))(kind.into());
            assert_eq!(failure.cause(), cause);
            assert_eq!(failure.to_string(), "cannot write x.jsonl");
        };
        check(io::ErrorKind::StorageFull, Cause::DiskFull);
        check(io::ErrorKind::QuotaExceeded, Cause::DiskFull);
        check(io::ErrorKind::ReadOnlyFilesystem, Cause::ReadOnly);
        check(io::ErrorKind::PermissionDenied, Cause::Permission);
        check(io::ErrorKind::NotFound, Cause::Missing);
        check(io::ErrorKind::Other, Cause::Other);
        let locked = StoreFailure::Locked { path: "x.lock".into() };
        assert_eq!(locked.cause(), Cause::OtherServer);
    }
}
