//! A ledger read in batches. What can be known of a line by itself, its form, its hashes, and what
//! a visitor wants worked out of it, is found on every core; what depends on the lines before it
//! is left to whoever takes the batches in their order.

use std::io::{self, BufRead, BufReader, Read as _};
use std::ops::Range;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::disk::DiskFile;
use crate::ledger::chain::Hashed;
use crate::ledger::entry::{Line, LineError, Outline};
use crate::limits::LINE_BYTES_MAX;

/// How many lines make a batch: enough for every core to be busy, little enough to wait.
const BATCH_LINES: usize = 1024;

/// Some lines on end, as they stand in the file.
pub(super) struct Batch<T> {
    pub(super) bytes: Vec<u8>,
    /// Each line's place in the bytes, with its LF, and what it is.
    pub(super) lines: Vec<Placed<T>>,
    /// The hash of the file so far, before these bytes and after them.
    pub(super) before: Sha256,
    pub(super) after: Sha256,
}

type Placed<T> = (Range<usize>, Result<Read<T>, NoLine>);

/// A line of a batch.
pub(super) struct Read<T> {
    pub(super) outline: Outline,
    pub(super) hashed: Hashed,
    pub(super) prepared: T,
}

/// Why a line of a batch is none.
pub(super) enum NoLine {
    /// The file ends before it does.
    Torn,
    /// It is longer than any line.
    TooLong,
    /// It is not in form.
    Malformed(LineError),
}

/// The batches of a file, to be taken one after the other.
pub(super) struct Batches<'a, P> {
    reader: BufReader<Box<dyn DiskFile>>,
    sha256: Sha256,
    /// What went wrong behind lines that were read: they come first.
    failed: Option<io::Error>,
    prepare: &'a P,
}

impl<'a, P> Batches<'a, P> {
    pub(super) fn new(file: Box<dyn DiskFile>, prepare: &'a P) -> Self {
        let reader = BufReader::with_capacity(super::READ_BYTES, file);
        Self { reader, sha256: Sha256::new(), failed: None, prepare }
    }

    /// The next batch; `None` at the file's end.
    pub(super) fn next<T: Send>(&mut self) -> io::Result<Option<Batch<T>>>
    where
        P: Fn(&[u8], &Line<'_>) -> T + Sync,
    {
        let (bytes, places) = self.gather()?;
        if places.is_empty() {
            return Ok(None);
        }
        let before = self.sha256.clone();
        let mut after = before.clone();
        let read = |place: Range<usize>| (place.clone(), self.read(&bytes[place]));
        let (lines, ()) =
            rayon::join(|| places.into_par_iter().map(read).collect(), || after.update(&bytes));
        self.sha256 = after.clone();
        Ok(Some(Batch { bytes, lines, before, after }))
    }

    fn gather(&mut self) -> io::Result<(Vec<u8>, Vec<Range<usize>>)> {
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(BATCH_LINES));
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        while places.len() < BATCH_LINES {
            let begin = bytes.len();
            match next_line(&mut self.reader, &mut bytes) {
                Ok(_) => {}
                Err(error) if places.is_empty() => return Err(error),
                Err(error) => {
                    bytes.truncate(begin);
                    self.failed = Some(error);
                    break;
                }
            }
            if bytes.len() == begin {
                break;
            }
            places.push(begin..bytes.len());
        }
        Ok((bytes, places))
    }

    fn read<T>(&self, raw: &[u8]) -> Result<Read<T>, NoLine>
    where
        P: Fn(&[u8], &Line<'_>) -> T,
    {
        let Some(text) = raw.strip_suffix(b"\n") else {
            return Err(if raw.len() > LINE_BYTES_MAX { NoLine::TooLong } else { NoLine::Torn });
        };
        let line = Line::parse(text).map_err(NoLine::Malformed)?;
        let prepared = (self.prepare)(text, &line);
        Ok(Read { outline: line.outline(), hashed: Hashed::of(text), prepared })
    }
}

/// Reads up to and with the next LF, but never more than the longest line needs.
fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    reader.take(super::count(LINE_BYTES_MAX + 1)).read_until(b'\n', bytes)
}
