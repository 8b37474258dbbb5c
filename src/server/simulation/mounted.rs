//! The simulated disk as one process sees it: the store's own seam, [`Disk`].

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{FakeDisk, Node};
use crate::ledger::store::{Disk, DiskFile, DiskLock, Entry, Readers, Status};

/// The disk in one life of the process.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    pub(super) disk: Arc<FakeDisk>,
    pub(super) life: u64,
}

#[derive(Debug)]
struct OpenFile {
    mounted: Mounted,
    path: PathBuf,
    inode: usize,
    at: usize,
}

#[derive(Debug)]
struct Lock {
    mounted: Mounted,
    path: PathBuf,
}

impl Mounted {
    fn file(&self, path: &Path, inode: usize) -> Box<dyn DiskFile> {
        Box::new(OpenFile { mounted: self.clone(), path: path.to_owned(), inode, at: 0 })
    }
}

impl Disk for Mounted {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        Ok(self.disk.state_of(path).map(|node| match node {
            Node::File(_) => Entry::File,
            Node::Folder => Entry::Other,
        }))
    }

    fn is_folder(&self, path: &Path) -> bool {
        path == Path::new("/") || self.disk.state_of(path) == Some(Node::Folder)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.put(self.life, path, true).map(drop)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_folder(self.life, path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        match self.disk.state_of(path) {
            Some(Node::File(inode)) => Ok(self.file(path, inode)),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn create_new(&self, path: &Path, _: Readers) -> io::Result<Box<dyn DiskFile>> {
        match self.disk.put(self.life, path, false)? {
            Node::File(inode) => Ok(self.file(path, inode)),
            Node::Folder => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    #[cfg(feature = "planted-faults")]
    fn open_to_append(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = self.open(path)?;
        if let Some(Node::File(inode)) = self.disk.state_of(path) {
            self.disk.truncate(inode, usize::try_from(bytes).expect("fits"));
        }
        Ok(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(self.life, from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(self.life, path)
    }

    fn lock(&self, path: &Path, make: bool) -> io::Result<Box<dyn DiskLock>> {
        if self.disk.state_of(path).is_none() {
            if !make {
                return Err(io::ErrorKind::NotFound.into());
            }
            self.disk.put(self.life, path, false)?;
        }
        if !self.disk.locks_of(|locks| locks.insert(path.to_owned())) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock { mounted: self.clone(), path: path.to_owned() }))
    }
}

impl DiskFile for OpenFile {
    fn sync_data(&self) -> io::Result<()> {
        self.mounted.disk.sync(self.mounted.life, self.inode, &self.path)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn status(&self) -> io::Result<Status> {
        let disk = &self.mounted.disk;
        let bytes = disk.inode(self.inode, |inode| inode.written.len());
        let bytes = u64::try_from(bytes).expect("fits");
        Ok(Status { bytes, named: disk.is_named(self.inode) })
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let disk = Arc::clone(&self.mounted.disk);
        let most = disk.short(buffer.len());
        let read = disk.inode(self.inode, |inode| {
            let rest = inode.written.get(self.at..).unwrap_or_default();
            let count = rest.len().min(most);
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        });
        self.at += read;
        Ok(read)
    }
}

impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Mounted { disk, life } = &self.mounted;
        disk.write(*life, self.inode, &self.path, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => {
                self.at = usize::try_from(at).map_err(|_| io::ErrorKind::InvalidInput)?;
                Ok(at)
            }
            SeekFrom::Current(_) | SeekFrom::End(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl DiskLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.mounted.disk.locks_of(|locks| locks.remove(&self.path));
    }
}
