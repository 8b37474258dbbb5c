//! A second disk: the same frames, written and synced there before anything is answered.
//!
//! The two disks work at the same time, the copy's on a thread of its own, so a frame takes as
//! long as the slower of them. The copy serves the sale and must never stop it: one that fails, or
//! does not answer in time, is given up for good and said to be lost. What it holds then is a
//! ledger that ends early. If the disk still takes it, word of that is left beside it, and a start
//! there refuses; else whoever goes on from it must know (docs/operations.md).

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::DiskFile;
use super::failure::{Operation, StoreFailure, failed};
use super::place::{self, Place};
use crate::limits::COPY_TIMEOUT;

/// What the copy is to do, as the ledger's own disk does it.
#[derive(Debug)]
pub(super) enum Job {
    /// Append these bytes and sync them.
    Append(Arc<Vec<u8>>),
    /// Replace the anchor by this note.
    Anchor(String),
    /// Replace what the house keeps to itself.
    Private(Arc<Vec<u8>>),
    /// Erase that.
    ErasePrivate,
}

/// Why a copy was given up.
#[derive(Debug)]
pub struct CopyLost {
    /// The copy's ledger.
    pub path: PathBuf,
    /// How many lines are surely in it.
    pub lines: u64,
    /// What happened.
    pub why: StoreFailure,
}

/// A copy of the ledger that is kept up.
#[derive(Debug)]
pub(super) struct LedgerCopy {
    path: PathBuf,
    jobs: SyncSender<Job>,
    /// In a lock only so that a store can be looked at from several threads.
    done: Mutex<Receiver<Result<(), StoreFailure>>>,
}

/// Who writes the copy.
struct Copyist {
    place: Place,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    bytes: u64,
}

impl LedgerCopy {
    /// Keeps up the copy in `place`, whose file holds the ledger's first `bytes`.
    pub(super) fn keep(
        place: Place,
        file: Box<dyn DiskFile>,
        bytes: u64,
    ) -> Result<Self, StoreFailure> {
        let path = place.ledger();
        let mut copyist = Copyist { place, path: path.clone(), file, bytes };
        let (jobs, waiting) = sync_channel(1);
        let (finished, done) = sync_channel(1);
        let work = move || {
            for job in waiting {
                // A copy that was given up meanwhile is written no more.
                let done = copyist.work(&job);
                let failed = done.is_err();
                if finished.send(done).is_err() || failed {
                    return copyist.leave_word();
                }
            }
        };
        let thread = std::thread::Builder::new().name("copy".into());
        thread.spawn(work).map_err(failed(Operation::Open, &path))?;
        Ok(Self { path, jobs, done: Mutex::new(done) })
    }

    /// The copy's ledger.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a job; [`LedgerCopy::finish`] waits for its end.
    pub(super) fn begin(&self, job: Job) {
        // A copyist that is gone is found out by the one who waits for it.
        let _ = self.jobs.send(job);
    }

    /// Waits for the job that was begun, but not for ever.
    pub(super) fn finish(&mut self) -> Result<(), StoreFailure> {
        let done = self.done.get_mut().unwrap_or_else(PoisonError::into_inner);
        match done.recv_timeout(COPY_TIMEOUT.into()) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(StoreFailure::Silent { path: self.path.clone() })
            }
        }
    }
}

impl Copyist {
    fn work(&mut self, job: &Job) -> Result<(), StoreFailure> {
        let disk = self.place.disk();
        match job {
            Job::Append(bytes) => self.append(bytes),
            Job::Anchor(note) => {
                let anchor = self.place.anchor();
                place::put_whole(disk, &anchor, |file, new| {
                    place::write(file, note.as_bytes(), new)
                })
                .map(drop)
            }
            Job::Private(bytes) => place::put_private(disk, &self.place.private(), bytes),
            Job::ErasePrivate => place::erase(disk, &self.place.private()),
        }
    }

    /// Leaves word that the copy was given up, if the disk takes it: who finds it later, with a
    /// ledger that ends early, must not go on from it.
    fn leave_word(&self) {
        let word = b"The sale went on without this copy. Do not go on from it.\n";
        let mark = self.place.copy_lost();
        // A disk that does not even take this may take nothing else.
        drop(place::put_whole(self.place.disk(), &mark, |file, new| place::write(file, word, new)));
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        let found = self.file.status().map_err(failed(Operation::Inspect, &self.path))?;
        if found.bytes != self.bytes || !found.named {
            return Err(StoreFailure::Changed { path: self.path.clone() });
        }
        place::write(&mut *self.file, bytes, &self.path)?;
        self.bytes += super::count(bytes.len());
        #[cfg(feature = "planted-faults")]
        if crate::planted::is_armed(crate::planted::Fault::NoCopySync) {
            return Ok(());
        }
        self.file.sync_data().map_err(failed(Operation::Sync, &self.path))
    }
}
