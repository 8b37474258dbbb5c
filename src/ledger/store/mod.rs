//! The only disk of the ledger: lock, birth, start, group commit and anchor
//! (LEDGER 2), in an order from which no crash makes the house sign two trees.
//!
//! It knows files, bytes and the order of syncs. It refuses to know what a line
//! means, whose key signs, and what time it is; whether a house may go on is
//! decided by [`start`] from facts that others find.
//!
//! ```text
//! lock -> nothing there -> create(first lines) ----------------> Store
//!      -> a ledger      -> scan -> start(facts) -> rewrite(scan) -> Store
//! Store: commit(frame), commit(frame), write_anchor(checkpoint), commit(frame), ..
//! ```
//!
//! A failed write or sync leaves unknown what the disk holds, and asking it
//! again may bring a false yes (a kernel forgets the dirty pages of a failed
//! sync). So nothing is tried twice: the store is poisoned, the process ends,
//! and the next start reads what there is.

mod batch;
mod beyond;
mod copy;
mod disk;
mod failure;
mod files;
mod further;
mod locked;
mod place;
mod scan;
mod start;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use copy::{Job, LedgerCopy};
use place::Place;

pub use copy::CopyLost;
pub use disk::{Disk, DiskFile, DiskLock, Entry, Readers, Status};
pub use failure::{Cause, Operation, StoreFailure};
pub use files::{Files, look};
pub use locked::{Locked, lock, lock_on};
pub use scan::{Break, Scan, ScanError, Visit};
pub use start::{AnchorFound, Continuation, End, Found, Hindrance, Present, Start, start};

use super::chain::Chained;
use super::checkpoint::SignedCheckpoint;
#[cfg(feature = "planted-faults")]
use crate::planted;
use failure::failed;

/// How much is read from a file at once.
const READ_BYTES: usize = 64 * 1024;
/// How many lines a birth gathers for one write; its one sync comes after all of them.
const BIRTH_LINES_PER_WRITE: usize = 1024;

/// A line that is on disk. Whoever announces anything takes one of these, and
/// only the store makes them, after the sync:
///
/// ```compile_fail
/// fn announce(chained: gavel::ledger::chain::Chained) -> gavel::ledger::store::Committed {
///     gavel::ledger::store::Committed(chained)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Committed(Chained);

impl Deref for Committed {
    type Target = Chained;

    fn deref(&self) -> &Chained {
        &self.0
    }
}

/// A ledger open for appending, with its lock. It has one owner: the floor.
///
/// ```compile_fail
/// fn second(store: &gavel::ledger::store::Store) -> gavel::ledger::store::Store {
///     store.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Store {
    place: Place,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    offsets: Vec<u64>,
    bytes: u64,
    cut: Option<PathBuf>,
    copy: Option<LedgerCopy>,
    lost: Option<CopyLost>,
    poisoned: bool,
}

impl Store {
    fn new(
        place: Place,
        file: Box<dyn DiskFile>,
        offsets: Vec<u64>,
        bytes: u64,
        cut: Option<PathBuf>,
    ) -> Self {
        let path = place.ledger();
        Self { place, path, file, offsets, bytes, cut, copy: None, lost: None, poisoned: false }
    }

    /// Writes the frame, waits for the disk, and only then gives it back: one
    /// write, one sync. After any failure the store takes no more.
    pub fn commit(&mut self, frame: Vec<Chained>) -> Result<Vec<Committed>, StoreFailure> {
        self.unless_poisoned(|store| store.append(&frame))?;
        Ok(frame.into_iter().map(Committed).collect())
    }

    /// Replaces the anchor by a newer checkpoint, or the same with more cosignatures; never one
    /// ahead of the disk.
    pub fn write_anchor(&mut self, newest: &SignedCheckpoint) -> Result<(), StoreFailure> {
        let size = newest.checkpoint().size;
        if size > self.lines() {
            let (path, committed) = (self.path.clone(), self.lines());
            return Err(StoreFailure::AheadOfDisk { path, size, committed });
        }
        self.unless_poisoned(|store| {
            let anchor = store.place.anchor();
            let note = newest.note();
            store.on_both(Job::Anchor(note.to_owned()), |store| {
                place::put_whole(store.place.disk(), &anchor, |file, new| {
                    place::write(file, note.as_bytes(), new)
                })
                .map(drop)
            })
        })
    }

    /// The file of the newest cosigned checkpoint, for somebody who may wait for the disk.
    pub fn cosigned_file(&self) -> CosignedFile {
        CosignedFile { disk: self.place.shared_disk(), path: self.place.cosigned() }
    }

    /// Replaces what the house keeps to itself (0600), before the line that rests on it.
    pub fn write_private(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.unless_poisoned(|store| {
            store.on_both(Job::Private(Arc::new(bytes.to_vec())), |store| {
                place::put_private(store.place.disk(), &store.place.private(), bytes)
            })
        })
    }

    /// Erases what the house kept to itself, once the last seal is on the disk.
    pub fn erase_private(&mut self) -> Result<(), StoreFailure> {
        self.on_both(Job::ErasePrivate, |store| {
            place::erase(store.place.disk(), &store.place.private())
        })
    }

    fn with(self, copy: Option<LedgerCopy>) -> Self {
        Self { copy, ..self }
    }

    /// How many lines are on disk.
    pub fn lines(&self) -> u64 {
        count(self.offsets.len())
    }

    /// How many bytes are on disk; what is beyond them in the file is nobody's to read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where line `seq` begins; for the line after the last, where it will begin.
    pub fn offset_of(&self, seq: u64) -> Option<u64> {
        if seq == self.lines() {
            return Some(self.bytes);
        }
        self.offsets.get(usize::try_from(seq).ok()?).copied()
    }

    /// Where the ledger is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where this start put the bytes that it cut off, if it cut any.
    pub fn cut(&self) -> Option<&Path> {
        self.cut.as_deref()
    }

    /// Where the copy is kept, if one is kept up.
    pub fn copy(&self) -> Option<&Path> {
        self.copy.as_ref().map(LedgerCopy::path)
    }

    /// Why the copy was given up, once.
    pub fn take_copy_lost(&mut self) -> Option<CopyLost> {
        self.lost.take()
    }

    /// Does something on the ledger's own disk and on the copy's at the same time, and waits for
    /// both. Only the ledger's own can fail: a copy that does is given up.
    fn on_both(
        &mut self,
        job: Job,
        own: impl FnOnce(&mut Self) -> Result<(), StoreFailure>,
    ) -> Result<(), StoreFailure> {
        if let Some(copy) = &self.copy {
            copy.begin(job);
        }
        own(self)?;
        if let Some(Err(why)) = self.copy.as_mut().map(LedgerCopy::finish)
            && let Some(copy) = self.copy.take()
        {
            let path = copy.path().to_owned();
            self.lost = Some(CopyLost { path, lines: self.lines(), why });
        }
        Ok(())
    }

    /// Stays poisoned unless `write` comes back with a yes, however it ends.
    fn unless_poisoned(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), StoreFailure>,
    ) -> Result<(), StoreFailure> {
        if std::mem::replace(&mut self.poisoned, true) {
            return Err(StoreFailure::Poisoned { path: self.path.clone() });
        }
        write(self)?;
        self.poisoned = false;
        Ok(())
    }

    fn append(&mut self, frame: &[Chained]) -> Result<(), StoreFailure> {
        if frame.is_empty() {
            return Ok(());
        }
        self.check_untouched()?;
        let Laid { buffer, offsets } = lay_out(frame, self.lines(), self.bytes, &self.path)?;
        let buffer = Arc::new(buffer);
        self.on_both(Job::Append(Arc::clone(&buffer)), |store| store.write_and_sync(&buffer))?;
        self.offsets.extend(offsets);
        self.bytes += count(buffer.len());
        Ok(())
    }

    fn write_and_sync(&mut self, buffer: &[u8]) -> Result<(), StoreFailure> {
        #[cfg(feature = "planted-faults")]
        let buffer = &planted::reorder(buffer);
        let written = self.file.write_all(buffer).map_err(failed(Operation::Write, &self.path));
        #[cfg(feature = "planted-faults")]
        let written = written.or_else(planted::forgive);
        written?;
        #[cfg(feature = "planted-faults")]
        if planted::skips_sync() {
            return Ok(());
        }
        self.sync()
    }

    fn sync(&self) -> Result<(), StoreFailure> {
        let synced = self.file.sync_data().map_err(failed(Operation::Sync, &self.path));
        #[cfg(feature = "planted-faults")]
        let synced = synced.or_else(planted::forgive);
        synced
    }

    /// The sync that a planted fault left out where it belongs.
    #[cfg(feature = "planted-faults")]
    pub(crate) fn sync_late(&self) -> Result<(), StoreFailure> {
        self.sync()
    }

    /// An editor that saved over the file, or a second writer that ignores the
    /// lock, must be noticed before anything more is promised.
    fn check_untouched(&self) -> Result<(), StoreFailure> {
        let found = self.file.status().map_err(failed(Operation::Inspect, &self.path))?;
        if found.bytes == self.bytes && found.named {
            Ok(())
        } else {
            Err(StoreFailure::Changed { path: self.path.clone() })
        }
    }
}

/// The file beside the anchor that holds the newest cosigned checkpoint. Nothing rests on it: a
/// failure here spoils neither ledger nor store.
#[derive(Debug)]
pub struct CosignedFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl CosignedFile {
    /// Replaces the checkpoint as a whole.
    pub fn replace(&self, cosigned: &SignedCheckpoint) -> Result<(), StoreFailure> {
        let note = cosigned.note().as_bytes();
        place::put_whole(&*self.disk, &self.path, |file, new| place::write(file, note, new))
            .map(drop)
    }
}

/// Lines as they will stand in the file, each with its LF, and where each begins there.
struct Laid {
    buffer: Vec<u8>,
    offsets: Vec<u64>,
}

/// Lays lines out behind the `expected` lines and `bytes` that are there already.
fn lay_out(
    lines: &[Chained],
    mut expected: u64,
    bytes: u64,
    path: &Path,
) -> Result<Laid, StoreFailure> {
    let mut buffer = Vec::with_capacity(lines.iter().map(|line| line.bytes().len() + 1).sum());
    let mut offsets = Vec::with_capacity(lines.len());
    for line in lines {
        let given = line.seq();
        if given != expected {
            return Err(StoreFailure::OutOfOrder { path: path.to_owned(), expected, given });
        }
        offsets.push(bytes + count(buffer.len()));
        buffer.extend_from_slice(line.bytes());
        buffer.push(b'\n');
        expected += 1;
    }
    Ok(Laid { buffer, offsets })
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("memory is smaller than 2^64 bytes")
}

#[cfg(test)]
mod tests;
