//! The auditor: a ledger as bytes, judged by whoever holds a copy of it.
//!
//! Pure: it opens no file, reads no clock, and shares with the live house only
//! the format, the roster and the rules, never the code that it must catch. It
//! reads line by line and keeps no more than the sale's own state; what it trusts
//! is handed to it as [`Anchors`], which cannot be made from a ledger.
//!
//! ```text
//!   chunk -> lines -> [on every core: parse, hashes, signatures and certificates]
//!         -> [in order: seq, prev -> the next line confirms its hash -> its place -> roster -> rules]
//! ```
//!
//! What a line is by itself is found for a batch of lines on all cores, while the batch before it
//! takes its course (`audit::course`); so neither waits for the other, and two batches are the
//! most that is in memory of a file.

mod accuse;
mod anchors;
mod annexes;
mod convict;
mod course;
mod finding;
mod held;
mod items;
mod judge;
mod lines;
mod people;
mod quorum;
mod read;
mod receipt;
mod replay;
mod results;
mod rules;
mod signatures;
mod tally;
mod verdict;
mod vkey;

pub use accuse::{Accusation, Accuser};
pub use anchors::{AnchorError, Anchors, Trust};
pub use annexes::{Annexes, Answer, BidEntry, ClockEntry, Evidence};
pub use convict::{ConvictFault, Conviction, convict};
pub use finding::{Finding, FindingKind, Weight};
pub use people::{People, SeveralKeys};
pub use receipt::{Proven, ReceiptFault, named_sale, prove};
pub use results::{Headlines, LotResult, Results};
pub use tally::{StaffAct, Trace};
pub use verdict::{Audit, Audited, Verdict};
pub use vkey::sealing_vkey;

use sha2::{Digest as _, Sha256};

use course::Course;
use judge::Read;
use lines::{Lines, TooLong};

use crate::ledger::entry::LineError;
use crate::ledger::hash::Hash;
use crate::limits::LINE_BYTES_MAX;
use crate::record::ReadyKeys;

/// Audits a ledger that is in memory.
pub fn audit(ledger: &[u8], anchors: Anchors) -> Audit {
    let mut auditor = Auditor::new(anchors);
    auditor.feed(ledger);
    auditor.finish()
}

/// How many lines of a chunk make its first batch; the next ones are larger. So where the chain
/// breaks early, little is read for nothing.
const FIRST_LINES: usize = 2;

/// An audit in progress. A clone goes on from where it stands.
#[derive(Clone, Debug)]
pub struct Auditor {
    file: Sha256,
    bytes: u64,
    /// What was fed of a line whose end was not.
    lines: Lines,
    /// What was read and has not taken its course yet.
    ahead: Vec<Result<Read, LineError>>,
    /// A line was too long: nothing behind it is read.
    is_cut: bool,
    ready_keys: ReadyKeys,
    course: Course,
}

impl Auditor {
    /// Begins an audit.
    pub fn new(anchors: Anchors) -> Self {
        Self {
            file: Sha256::new(),
            bytes: 0,
            lines: Lines::default(),
            ahead: Vec::new(),
            is_cut: false,
            ready_keys: ReadyKeys::default(),
            course: Course::new(anchors),
        }
    }

    /// Takes the next bytes of the ledger, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.file.update(chunk);
        self.bytes = self.bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let (mut rest, mut lines_max) = (chunk, FIRST_LINES);
        while !rest.is_empty() && !self.is_cut && !self.course.is_broken() {
            // Only when line 1 has named the hash of line 0 are there keys to check seals under.
            let is_begun = self.course.judge.tree().size() > 0;
            match self.lines.take(rest, if is_begun { lines_max } else { 1 }) {
                Ok(left) => {
                    rest = left;
                    self.work();
                    lines_max = lines_max.saturating_mul(4);
                }
                Err(TooLong) => self.cut(),
            }
        }
    }

    /// Ends the audit.
    pub fn finish(mut self) -> Audit {
        self.catch_up();
        let is_whole = self.course.end(self.lines.tail());
        let Course { anchors, judge, findings, .. } = self.course;
        let facts = verdict::FileFacts {
            bytes: self.bytes,
            lines: judge.tree().size(),
            sha256: Hash::from_bytes(self.file.finalize().into()),
        };
        verdict::conclude(facts, &judge, &anchors, findings, is_whole)
    }

    /// Reads the whole lines that wait, on every core, while those read before take their course.
    fn work(&mut self) {
        if self.lines.len() == 0 {
            return;
        }
        if self.course.judge.keys().is_none() {
            self.catch_up();
        }
        let lines = self.lines.split_off();
        let ahead = std::mem::take(&mut self.ahead);
        let keys = self.course.judge.keys().cloned();
        let (course, ready_keys) = (&mut self.course, &self.ready_keys);
        let read = || read::read_all(&lines, keys.as_deref(), ready_keys);
        // No thread of the pool waits for another: whoever audits may be one of them.
        let ((), read) = rayon::join(|| course.take(ahead), read);
        read::enrolled_in(&read).for_each(|key| self.ready_keys.add(key));
        self.ahead = read;
    }

    fn catch_up(&mut self) {
        self.course.take(std::mem::take(&mut self.ahead));
    }

    /// Ends the reading before a line that is too long to be one.
    fn cut(&mut self) {
        self.work();
        self.catch_up();
        self.is_cut = true;
        if !self.course.is_broken() {
            let detail = format!("it is longer than {LINE_BYTES_MAX} bytes");
            self.course.break_off(FindingKind::Limit, detail);
        }
    }
}
