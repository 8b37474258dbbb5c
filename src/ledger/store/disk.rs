//! What the store asks of a disk, and the disk of this machine.
//!
//! This is the one seam under the store: a simulation puts a disk here that keeps what is written
//! apart from what is durable, loses the one and fails the other. It is a file system and nothing
//! more; in which order to write, sync and rename is the store's business alone.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// A disk. Its errors are the operating system's.
pub trait Disk: fmt::Debug + Send + Sync {
    /// What stands under a name, links not followed; `None` if nothing does.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;
    /// Whether a folder stands there, or a link to one.
    fn is_folder(&self, path: &Path) -> bool;
    /// Makes one folder, for its owner alone. It is not synced into the one above.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Makes a file that must not be there yet, and opens it for appending.
    fn create_new(&self, path: &Path, readers: Readers) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that is there for appending after its first `bytes`, which no store may.
    #[cfg(feature = "planted-faults")]
    fn open_to_append(&self, _path: &Path, _bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Gives a file another name, in place of whatever had that.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Locks a file, which is made where it is missing and `make` is set, until the lock is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if somebody else holds it.
    fn lock(&self, path: &Path, make: bool) -> io::Result<Box<dyn DiskLock>>;
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A plain file.
    File,
    /// A folder, a link, or something odder.
    Other,
}

/// Who may read a new file, besides its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody: mode 0644, less the umask.
    All,
    /// Nobody: mode 0600.
    Owner,
}

/// An open file.
pub trait DiskFile: Read + Write + Seek + fmt::Debug + Send + Sync {
    /// Waits until the file's bytes are durable, and its length.
    fn sync_data(&self) -> io::Result<()>;
    /// Waits until the file's bytes and all that is said of it are durable.
    fn sync_all(&self) -> io::Result<()>;
    /// How long the file is, and whether it still has a name.
    fn status(&self) -> io::Result<Status>;
}

/// How an open file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its length in bytes.
    pub bytes: u64,
    /// Whether a name leads to it.
    pub named: bool,
}

/// A lock that ends when it is dropped.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local;

impl Disk for Local {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => Ok(Some(Entry::File)),
            Ok(_) => Ok(Some(Entry::Other)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn create_new(&self, path: &Path, readers: Readers) -> io::Result<Box<dyn DiskFile>> {
        let mode = match readers {
            Readers::All => 0o644,
            Readers::Owner => 0o600,
        };
        Ok(Box::new(OpenOptions::new().append(true).create_new(true).mode(mode).open(path)?))
    }

    #[cfg(feature = "planted-faults")]
    fn open_to_append(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len(bytes)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn lock(&self, path: &Path, make: bool) -> io::Result<Box<dyn DiskLock>> {
        let mut options = OpenOptions::new();
        if make {
            // Whoever may open a lock file may hold it and keep the house from starting.
            options.write(true).create(true).truncate(false).mode(0o600);
        }
        let file = options.read(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DiskFile for File {
    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn status(&self) -> io::Result<Status> {
        let found = self.metadata()?;
        Ok(Status { bytes: found.len(), named: found.nlink() > 0 })
    }
}

impl DiskLock for File {}
