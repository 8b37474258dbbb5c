//! A sale's files under its lock, before anything is appended: birth, or a
//! reading that changes nothing and then a rewrite that makes it sure.

use std::io::Read as _;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::copy::LedgerCopy;
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
    /// Where a copy is to be kept.
    copy: Option<Place>,
}

/// Takes the lock of a sale, and makes its folder (0700) where it is missing.
pub fn lock(folder: &Path, sale: &str) -> Result<Locked, StoreFailure> {
    lock_on(Arc::new(Local), folder, sale)
}

/// Does the same on another disk than this machine's.
pub fn lock_on(disk: Arc<dyn Disk>, folder: &Path, sale: &str) -> Result<Locked, StoreFailure> {
    Ok(Locked { files: Files::of(Place::lock(disk, folder, sale)?), copy: None })
}

impl Deref for Locked {
    type Target = Files;

    fn deref(&self) -> &Files {
        &self.files
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Files {
        &mut self.files
    }
}

impl Locked {
    /// Keeps the anchor in a folder of its own, best on another disk. The
    /// folder must exist, and is locked as well.
    pub fn anchor_in(mut self, folder: &Path) -> Result<Self, StoreFailure> {
        self.files.place.anchor_in(folder)?;
        Ok(self)
    }

    /// Keeps a copy of the ledger in a folder of its own, on another disk, and of all that goes on
    /// with it. The folder is made where it is missing, and locked as well.
    ///
    /// The start begins from whichever of the two goes further: a crash between them leaves one a
    /// frame behind.
    pub fn copy_in(self, folder: &Path) -> Result<Self, StoreFailure> {
        let disk = self.files.place.shared_disk();
        self.copy_on(disk, folder)
    }

    /// Does the same with a disk that is another one for the program too.
    pub(super) fn copy_on(
        mut self,
        disk: Arc<dyn Disk>,
        folder: &Path,
    ) -> Result<Self, StoreFailure> {
        let place = self.files.place.beside(disk, folder)?;
        self.files.hold_to_copy(&place)?;
        self.copy = Some(place);
        Ok(self)
    }

    /// Writes what the house keeps to itself (0600), before the lines that rest on it.
    pub fn write_private(&self, bytes: &[u8]) -> Result<(), StoreFailure> {
        for place in [Some(&self.files.place), self.copy.as_ref()].into_iter().flatten() {
            place::put_private(place.disk(), &place.private(), bytes)?;
        }
        Ok(())
    }

    /// Brings the ledger into being with its first lines, all of them or none (LEDGER 2, Birth).
    pub fn create(mut self, lines: Vec<Chained>) -> Result<(Store, Vec<Committed>), StoreFailure> {
        let path = self.files.place.ledger();
        if place::is_there(self.files.place.disk(), &path)? {
            return Err(StoreFailure::Exists { path });
        }
        let mut offsets = Vec::with_capacity(lines.len());
        let mut bytes = 0;
        let file = place::put_whole(self.files.place.disk(), &path, |file, new| {
            for frame in lines.chunks(super::BIRTH_LINES_PER_WRITE) {
                let laid = super::lay_out(frame, super::count(offsets.len()), bytes, &path)?;
                place::write(file, &laid.buffer, new)?;
                bytes += super::count(laid.buffer.len());
                offsets.extend(laid.offsets);
            }
            Ok(())
        })?;
        let copy = self.bring_copy(bytes, None)?;
        let store = Store::new(self.files.place, file, offsets, bytes, None).with(copy);
        Ok((store, lines.into_iter().map(Committed).collect()))
    }

    /// Makes the kept bytes sure, at every start: after a failed sync the page
    /// cache shows what the disk lacks. Cut bytes go to a fresh file first; then
    /// the kept ones are read again, known by their hash, and written to a new
    /// file that takes the old one's name.
    pub fn rewrite(mut self, scan: Scan) -> Result<Store, StoreFailure> {
        let (path, from) = (self.files.place.ledger(), self.files.source().ledger());
        let mut old =
            self.files.source().disk().open(&from).map_err(failed(Operation::Open, &from))?;
        let length = old.status().map_err(failed(Operation::Inspect, &from))?.bytes;
        if length != scan.bytes_found {
            return Err(StoreFailure::Changed { path: from });
        }
        self.save_parted()?;
        let cut = self.save_cut(&scan, &mut *old)?;
        self.take_private()?;
        #[cfg(feature = "planted-faults")]
        if crate::planted::is_armed(crate::planted::Fault::TrustPageCache) {
            let found = self.files.place.disk().open_to_append(&path, scan.bytes);
            let file = found.map_err(failed(Operation::Open, &path))?;
            return Ok(Store::new(self.files.place, file, scan.offsets, scan.bytes, cut));
        }
        old.rewind().map_err(failed(Operation::Read, &from))?;
        let file = place::put_whole(self.files.place.disk(), &path, |new_file, new| {
            if copy(&mut *old, &from, scan.bytes, new_file, new)? == scan.sha256 {
                Ok(())
            } else {
                Err(StoreFailure::Changed { path: from.clone() })
            }
        })?;
        let copy = self.bring_copy(scan.bytes, Some(scan.sha256))?;
        Ok(Store::new(self.files.place, file, scan.offsets, scan.bytes, cut).with(copy))
    }

    /// What the house keeps to itself comes from where the ledger is read, before the lines do.
    fn take_private(&self) -> Result<(), StoreFailure> {
        let (own, from) = (&self.files.place, self.files.source());
        if from.private() == own.private() {
            return Ok(());
        }
        match self.files.private()? {
            Some(private) => place::put_private(own.disk(), &own.private(), &private),
            None => place::erase(own.disk(), &own.private()),
        }
    }

    /// Makes the copy's files what the ledger's own are, and keeps them up from here on.
    fn bring_copy(
        &mut self,
        bytes: u64,
        sha256: Option<Hash>,
    ) -> Result<Option<LedgerCopy>, StoreFailure> {
        let Some(place) = self.copy.take() else { return Ok(None) };
        match self.files.private()? {
            Some(private) => place::put_private(place.disk(), &place.private(), &private)?,
            None => place::erase(place.disk(), &place.private())?,
        }
        let path = self.files.place.ledger();
        let mut own =
            self.files.place.disk().open(&path).map_err(failed(Operation::Open, &path))?;
        let file = place::put_whole(place.disk(), &place.ledger(), |file, new| {
            let copied = copy(&mut *own, &path, bytes, file, new)?;
            if sha256.is_none_or(|sha256| sha256 == copied) {
                Ok(())
            } else {
                Err(StoreFailure::Changed { path: path.clone() })
            }
        })?;
        // Last: from here on it is a copy to go on from.
        place::erase(place.disk(), &place.copy_lost())?;
        LedgerCopy::keep(place, file, bytes).map(Some)
    }

    fn save_cut(
        &self,
        scan: &Scan,
        old: &mut dyn DiskFile,
    ) -> Result<Option<PathBuf>, StoreFailure> {
        if scan.bytes_cut() == 0 {
            return Ok(None);
        }
        let path = self.files.source().ledger();
        self.save(old, &path, scan.bytes, scan.bytes_cut()).map(Some)
    }

    /// Puts aside what only the one of ledger and copy holds that is not read from: half a line,
    /// as a rule.
    fn save_parted(&self) -> Result<(), StoreFailure> {
        let Some((other, compared)) = self.files.other() else { return Ok(()) };
        let (path, common) = (other.ledger(), compared.common);
        let mut file = other.disk().open(&path).map_err(failed(Operation::Open, &path))?;
        let length = file.status().map_err(failed(Operation::Inspect, &path))?.bytes;
        if length > common {
            self.save(&mut *file, &path, common, length - common)?;
        }
        Ok(())
    }

    /// Puts bytes that are not kept into a fresh synced file.
    fn save(
        &self,
        from: &mut dyn DiskFile,
        path: &Path,
        at: u64,
        bytes: u64,
    ) -> Result<PathBuf, StoreFailure> {
        from.seek(std::io::SeekFrom::Start(at)).map_err(failed(Operation::Read, path))?;
        let (mut file, broken) = self.files.place.fresh_broken()?;
        copy(from, path, bytes, &mut *file, &broken)?;
        file.sync_all().map_err(failed(Operation::Sync, &broken))?;
        place::sync_folder_of(self.files.place.disk(), &broken)?;
        Ok(broken)
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
