//! A sale's files under its lock, before anything is appended: birth, or a
//! reading that changes nothing and then a rewrite that makes it sure.

use std::io::Read as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::disk::{Disk, DiskFile, Local};
use super::failure::{Operation, StoreFailure, failed};
use super::files::Files;
use super::place::{self, Place};
use super::scan::Scan;
use super::{Committed, Store};
use crate::ledger::chain::Chained;
use crate::ledger::hash::Hash;

/// The lock on one sale's files. Nothing is read before it is held.
#[derive(Debug)]
pub struct Locked {
    files: Files,
}

/// Takes the lock of a sale, and makes its folder (0700) where it is missing.
pub fn lock(folder: &Path, sale: &str) -> Result<Locked, StoreFailure> {
    lock_on(Arc::new(Local), folder, sale)
}

/// Does the same on another disk than this machine's.
pub fn lock_on(disk: Arc<dyn Disk>, folder: &Path, sale: &str) -> Result<Locked, StoreFailure> {
    Ok(Locked { files: Files { place: Place::lock(disk, folder, sale)? } })
}

impl Deref for Locked {
    type Target = Files;

    fn deref(&self) -> &Files {
        &self.files
    }
}

impl Locked {
    /// Keeps the anchor in a folder of its own, best on another disk. The
    /// folder must exist, and is locked as well.
    pub fn anchor_in(mut self, folder: &Path) -> Result<Self, StoreFailure> {
        self.files.place.anchor_in(folder)?;
        Ok(self)
    }

    /// Writes what the house keeps to itself (0600), before the lines that rest on it.
    pub fn write_private(&self, bytes: &[u8]) -> Result<(), StoreFailure> {
        place::put_private(self.files.place.disk(), &self.files.place.private(), bytes)
    }

    /// Brings the ledger into being with its first lines, all of them or none (LEDGER 2, Birth).
    pub fn create(self, lines: Vec<Chained>) -> Result<(Store, Vec<Committed>), StoreFailure> {
        let path = self.files.place.ledger();
        if place::is_there(self.files.place.disk(), &path)? {
            return Err(StoreFailure::Exists { path });
        }
        let mut offsets = Vec::with_capacity(lines.len());
        let mut bytes = 0;
        let file = place::put_whole(self.files.place.disk(), &path, |file, new| {
            for frame in lines.chunks(super::BIRTH_LINES_PER_WRITE) {
                let buffer = super::lay_out(frame, &mut offsets, &mut bytes, &path)?;
                place::write(file, &buffer, new)?;
            }
            Ok(())
        })?;
        let store = Store::new(self.files.place, file, offsets, bytes, None);
        Ok((store, lines.into_iter().map(Committed).collect()))
    }

    /// Makes the kept bytes sure, at every start: after a failed sync the page
    /// cache shows what the disk lacks. Cut bytes go to a fresh file first; then
    /// the kept ones are read again, known by their hash, and written to a new
    /// file that takes the old one's name.
    pub fn rewrite(self, scan: Scan) -> Result<Store, StoreFailure> {
        let path = self.files.place.ledger();
        let mut old =
            self.files.place.disk().open(&path).map_err(failed(Operation::Open, &path))?;
        let length = old.status().map_err(failed(Operation::Inspect, &path))?.bytes;
        if length != scan.bytes_found {
            return Err(StoreFailure::Changed { path });
        }
        let cut = self.save_cut(&scan, &mut *old)?;
        #[cfg(feature = "planted-faults")]
        if crate::planted::is_armed(crate::planted::Fault::TrustPageCache) {
            let found = self.files.place.disk().open_to_append(&path, scan.bytes);
            let file = found.map_err(failed(Operation::Open, &path))?;
            return Ok(Store::new(self.files.place, file, scan.offsets, scan.bytes, cut));
        }
        old.rewind().map_err(failed(Operation::Read, &path))?;
        let file = place::put_whole(self.files.place.disk(), &path, |new_file, new| {
            if copy(&mut *old, &path, scan.bytes, new_file, new)? == scan.sha256 {
                Ok(())
            } else {
                Err(StoreFailure::Changed { path: path.clone() })
            }
        })?;
        Ok(Store::new(self.files.place, file, scan.offsets, scan.bytes, cut))
    }

    fn save_cut(
        &self,
        scan: &Scan,
        old: &mut dyn DiskFile,
    ) -> Result<Option<PathBuf>, StoreFailure> {
        if scan.bytes_cut() == 0 {
            return Ok(None);
        }
        let path = self.files.place.ledger();
        let from = std::io::SeekFrom::Start(scan.bytes);
        old.seek(from).map_err(failed(Operation::Read, &path))?;
        let (mut file, broken) = self.files.place.fresh_broken()?;
        copy(old, &path, scan.bytes_cut(), &mut *file, &broken)?;
        file.sync_all().map_err(failed(Operation::Sync, &broken))?;
        place::sync_folder_of(self.files.place.disk(), &broken)?;
        Ok(Some(broken))
    }
}

/// Copies exactly `bytes` through our own memory and gives their SHA-256.
/// Never `io::copy`, `fs::copy` or a reflink: those let the kernel share or
/// move blocks that we have not seen, and that may be other than those we validated.
fn copy(
    from: &mut dyn DiskFile,
    from_path: &Path,
    bytes: u64,
    to: &mut dyn DiskFile,
    to_path: &Path,
) -> Result<Hash, StoreFailure> {
    let mut sha256 = Sha256::new();
    let mut buffer = Vec::with_capacity(super::READ_BYTES);
    let mut left = bytes;
    while left > 0 {
        buffer.clear();
        let read = from
            .take(left.min(super::count(super::READ_BYTES)))
            .read_to_end(&mut buffer)
            .map_err(failed(Operation::Read, from_path))?;
        if read == 0 {
            return Err(StoreFailure::Changed { path: from_path.to_owned() });
        }
        sha256.update(&buffer);
        place::write(to, &buffer, to_path)?;
        left -= super::count(read);
    }
    Ok(Hash::from_bytes(sha256.finalize().into()))
}
