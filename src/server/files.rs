//! The files that the server reads while it runs: the ledger, to hand out its
//! lines, and the revocation list. It writes none; the store does.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::limits::CRL_FILE_BYTES_MAX;

/// The ledger's file, for reading what is known to be on the disk.
#[derive(Debug)]
pub(super) struct LedgerReader {
    file: File,
}

impl LedgerReader {
    /// Opens the ledger. Its name is never given to another file while the server runs.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)? })
    }

    /// The bytes of that range.
    pub(super) fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start))
            .map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }
}

/// The revocation list's file, watched for changes.
#[derive(Debug)]
pub(super) struct CrlFile {
    path: PathBuf,
    seen: Option<Mark>,
}

/// By what a changed file is known without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    inode: u64,
    size: u64,
    changed_s: i64,
    changed_ns: i64,
}

impl CrlFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's bytes, if it has changed since the last look; at most one
    /// byte more than a list may have.
    pub(super) fn changed(&mut self) -> io::Result<Option<Vec<u8>>> {
        let found = fs::metadata(&self.path)?;
        let mark = Mark {
            inode: found.ino(),
            size: found.size(),
            changed_s: found.ctime(),
            changed_ns: found.ctime_nsec(),
        };
        if self.seen == Some(mark) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?.take(CRL_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        self.seen = Some(mark);
        Ok(Some(bytes))
    }
}
