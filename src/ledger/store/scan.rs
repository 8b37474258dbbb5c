//! The first reading of a ledger at a start: how far it is whole.
//!
//! A *break* is a line that is torn, does not parse, or is wrong in `seq` or
//! `prev` (LEDGER 2, Start); what is before it is kept. What a line means is
//! the visitor's business, as is the answer to a line that chains and means
//! something wrong: that is no break, and the visitor refuses with its own error.
//! Nor is a whole line of another version one: it is refused, never cut off.
//!
//! What can be worked out of a line by itself is, on every core, while the lines before it are
//! judged in their order ([`batch`](super::batch)).

use std::path::Path;

use sha2::{Digest, Sha256};

use super::batch::{Batch, Batches, NoLine, Read};
use super::disk::Disk;
use super::failure::{Operation, StoreFailure, failed};
use super::place::is_there;
use crate::ledger::chain::{ChainError, Hashed, Links};
use crate::ledger::entry::{Line, LineError};
use crate::ledger::hash::Hash;
use crate::limits::LINE_BYTES_MAX;

/// What a visitor says to a line that parses and chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// It is part of the ledger.
    Keep,
    /// Its body does not parse either: the ledger breaks here.
    Break,
}

/// Why the first line after the kept ones is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Break {
    /// The file ends before the line does.
    #[error("the last line is torn")]
    Torn,
    /// No line end within the longest line.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is no ledger line.
    #[error("it is no ledger line")]
    Malformed(#[source] LineError),
    /// It has another number, or names another line before it.
    #[error("it does not follow the line before it")]
    Unchained(#[source] ChainError),
    /// The visitor could not read its body.
    #[error("its body does not parse")]
    Body,
}

/// Why a scan did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The disk did not give the file.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// A whole line is of a version of the format that this program does not know.
    #[error("line {line} is of another version")]
    OtherVersion {
        /// The number of the line, from 0.
        line: u64,
        /// What is not known of it.
        #[source]
        source: LineError,
    },
    /// The visitor refuses a line that parses and chains.
    #[error("line {line} is refused")]
    Refused {
        /// The number of the line, from 0.
        line: u64,
        /// Why.
        #[source]
        source: E,
    },
}

/// How far a ledger is whole: what a rewrite keeps, and by which hash it knows
/// that it reads the same bytes again. Holds 8 bytes for each line.
#[derive(Debug)]
pub struct Scan {
    pub(super) offsets: Vec<u64>,
    pub(super) bytes: u64,
    pub(super) bytes_found: u64,
    pub(super) sha256: Hash,
    broken: Option<Break>,
}

impl Scan {
    /// How many lines are kept; also the number of the line at the break.
    pub fn lines(&self) -> u64 {
        super::count(self.offsets.len())
    }

    /// How many bytes are kept; also where the break is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many bytes at the end are not kept.
    pub fn bytes_cut(&self) -> u64 {
        self.bytes_found.saturating_sub(self.bytes)
    }

    /// SHA-256 of the kept bytes.
    pub fn sha256(&self) -> Hash {
        self.sha256
    }

    /// What is wrong at the break, if there is one.
    pub fn broken(&self) -> Option<&Break> {
        self.broken.as_ref()
    }
}

/// Reads the file and shows the visitor each line that parses and chains, with what `prepare`
/// has worked out of it.
pub(super) fn scan<T: Send, E: Send>(
    disk: &dyn Disk,
    path: &Path,
    prepare: impl Fn(&[u8], &Line<'_>) -> T + Sync,
    mut visit: impl FnMut(&[u8], &Line<'_>, T, Hashed) -> Result<Visit, E> + Send,
) -> Result<Scan, ScanError<E>> {
    is_there(disk, path)?;
    let file = disk.open(path).map_err(failed(Operation::Open, path))?;
    let bytes_found = file.status().map_err(failed(Operation::Inspect, path))?.bytes;
    let (mut kept, mut broken) = (Kept::default(), None);
    let mut reading = Batches::new(file, &prepare);
    let unread = |error| ScanError::Store(failed(Operation::Read, path)(error));
    let mut next = reading.next().map_err(unread)?;
    while let (Some(batch), None) = (next.take(), &broken) {
        // No thread of the pool waits for another: whoever scans may be one of them.
        let (judged, read) = rayon::join(|| kept.take(batch, &mut visit), || reading.next());
        broken = judged?;
        if broken.is_none() {
            next = read.map_err(unread)?;
        }
    }
    let sha256 = Hash::from_bytes(kept.sha256.finalize().into());
    Ok(Scan { offsets: kept.offsets, bytes: kept.bytes, bytes_found, sha256, broken })
}

/// What is kept so far.
#[derive(Default)]
struct Kept {
    links: Links,
    offsets: Vec<u64>,
    bytes: u64,
    sha256: Sha256,
}

impl Kept {
    /// Keeps a batch up to its first break.
    fn take<T, E>(
        &mut self,
        batch: Batch<T>,
        visit: &mut impl FnMut(&[u8], &Line<'_>, T, Hashed) -> Result<Visit, E>,
    ) -> Result<Option<Break>, ScanError<E>> {
        let mut kept = 0;
        for (place, found) in batch.lines {
            let end = place.end;
            let raw = batch.bytes.get(place).unwrap_or_default();
            if let Some(broken) = self.judge(raw, found, visit)? {
                self.sha256 = batch.before;
                self.sha256.update(batch.bytes.get(..kept).unwrap_or_default());
                return Ok(Some(broken));
            }
            kept = end;
        }
        self.sha256 = batch.after;
        Ok(None)
    }

    /// Keeps a line, or says why the ledger breaks before it.
    fn judge<T, E>(
        &mut self,
        raw: &[u8],
        found: Result<Read<T>, NoLine>,
        visit: &mut impl FnMut(&[u8], &Line<'_>, T, Hashed) -> Result<Visit, E>,
    ) -> Result<Option<Break>, ScanError<E>> {
        let number = self.links.size();
        let Read { outline, hashed, prepared } = match found {
            Ok(read) => read,
            Err(NoLine::Torn) => return Ok(Some(Break::Torn)),
            Err(NoLine::TooLong) => return Ok(Some(Break::TooLong)),
            Err(NoLine::Malformed(source)) if source.is_of_another_version() => {
                return Err(ScanError::OtherVersion { line: number, source });
            }
            Err(NoLine::Malformed(error)) => return Ok(Some(Break::Malformed(error))),
        };
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let line = outline.over(text);
        if let Err(error) = self.links.check(&line) {
            return Ok(Some(Break::Unchained(error)));
        }
        let visited = visit(text, &line, prepared, hashed);
        match visited.map_err(|source| ScanError::Refused { line: number, source })? {
            Visit::Break => Ok(Some(Break::Body)),
            Visit::Keep => {
                self.offsets.push(self.bytes);
                self.bytes += super::count(raw.len());
                // Whether time goes back is no break and the visitor's to judge.
                self.links.advance_hashed(hashed, None);
                Ok(None)
            }
        }
    }
}
