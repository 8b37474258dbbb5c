//! The auditor: a ledger as bytes, judged by whoever holds a copy of it.
//!
//! Pure: it opens no file, reads no clock, and shares with the live house only
//! the format, the roster and the rules, never the code that it must catch. It
//! reads line by line and keeps no more than the sale's own state; what it trusts
//! is handed to it as [`Anchors`], which cannot be made from a ledger.
//!
//! ```text
//!   chunk -> line -> parse, seq, prev -> [the next line confirms its hash]
//!         -> signatures and certificates -> its place -> roster -> rules
//! ```
//!
//! A line is judged once the next one has named its hash. So a changed byte is
//! found as what it is, a broken chain, and not as its consequences.

mod accuse;
mod anchors;
mod annexes;
mod convict;
mod finding;
mod held;
mod items;
mod judge;
mod lines;
mod people;
mod quorum;
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

use finding::Findings;
use judge::{Entry, Judge, Read};
use lines::Lines;

use crate::ledger::chain::{ChainError, Links};
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::entry::{Line, LineError};
use crate::ledger::hash::Hash;
use crate::ledger::merkle::leaf_hash;
use crate::limits::LINE_BYTES_MAX;
use crate::record::Record;

/// Audits a ledger that is in memory.
pub fn audit(ledger: &[u8], anchors: Anchors) -> Audit {
    let mut auditor = Auditor::new(anchors);
    auditor.feed(ledger);
    auditor.finish()
}

/// An audit in progress. A clone goes on from where it stands.
#[derive(Clone, Debug)]
pub struct Auditor {
    anchors: Anchors,
    file: Sha256,
    bytes: u64,
    lines: Lines,
    /// The links after the newest line that chains.
    links: Links,
    front: Front,
    judge: Judge,
    findings: Findings,
}

/// The newest lines, which are not judged yet.
#[derive(Clone, Debug)]
enum Front {
    Empty,
    /// The next line must name this one's hash.
    Unconfirmed(Box<Read>),
    /// The second does not name the first one's hash: one of them was changed, and
    /// the line after them tells which.
    Doubtful(Box<Read>, Box<Read>),
    /// The chain is broken: what follows is not read.
    Broken,
}

impl Auditor {
    /// Begins an audit.
    pub fn new(anchors: Anchors) -> Self {
        Self {
            judge: Judge::new(&anchors),
            anchors,
            file: Sha256::new(),
            bytes: 0,
            lines: Lines::default(),
            links: Links::new(),
            front: Front::Empty,
            findings: Findings::default(),
        }
    }

    /// Takes the next bytes of the ledger, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.file.update(chunk);
        self.bytes = self.bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let mut rest = chunk;
        while !rest.is_empty() && !matches!(self.front, Front::Broken) {
            match self.lines.next(rest) {
                Ok((line, left)) => {
                    rest = left;
                    if let Some(line) = line {
                        self.line(line);
                    }
                }
                Err(lines::TooLong) => {
                    let detail = format!("it is longer than {LINE_BYTES_MAX} bytes");
                    self.break_off(FindingKind::Limit, detail);
                }
            }
        }
    }

    /// Ends the audit.
    pub fn finish(mut self) -> Audit {
        if matches!(self.front, Front::Broken) {
            return self.conclude(false);
        }
        let chains = self.take_front(None);
        if chains {
            self.tail();
        }
        self.conclude(chains)
    }

    // ---- Bytes and chain ----

    fn line(&mut self, raw: Vec<u8>) {
        let (read, prev) = match read(raw) {
            Ok(read) => read,
            Err(error) => {
                let kind = FindingKind::named(error.kind()).unwrap_or(FindingKind::Schema);
                return self.break_off(kind, error.to_string());
            }
        };
        let entry = &read.entry;
        let line = Line { kind: entry.kind, seq: entry.seq, prev, at: entry.at, body: "" };
        match (self.links.check(&line), std::mem::replace(&mut self.front, Front::Empty)) {
            (Err(ChainError::Prev { .. }), Front::Unconfirmed(held)) => {
                self.links.advance(&entry.raw, entry.at);
                self.front = Front::Doubtful(held, Box::new(read));
            }
            (Ok(()), front @ (Front::Empty | Front::Unconfirmed(_))) => {
                self.front = front;
                self.take_front(None);
                self.links.advance(&entry.raw, entry.at);
                self.front = Front::Unconfirmed(Box::new(read));
            }
            (_, front @ Front::Doubtful(..)) => {
                self.front = front;
                self.take_front(Some(prev));
            }
            (Err(error), front) => {
                self.front = front;
                let kind = FindingKind::named(error.kind()).unwrap_or(FindingKind::Hash);
                self.break_off(kind, error.to_string());
            }
            (Ok(()), Front::Broken) => self.front = Front::Broken,
        }
    }

    /// Ends the reading at the line after the newest that chains.
    fn break_off(&mut self, kind: FindingKind, detail: String) {
        let line = self.links.size();
        if self.take_front(None) {
            self.findings.push(Finding::at(line, kind, detail));
        }
        self.front = Front::Broken;
    }

    /// Judges the lines that wait, and says whether they chain. Of two that do not,
    /// the hash that the line after them names tells which was changed.
    fn take_front(&mut self, named: Option<Hash>) -> bool {
        match std::mem::replace(&mut self.front, Front::Empty) {
            Front::Empty => true,
            Front::Broken => false,
            Front::Unconfirmed(read) => {
                self.judge.take(*read, &self.anchors, &mut self.findings);
                true
            }
            Front::Doubtful(first, second) => {
                let second_is_whole = named.map_or_else(
                    || !self.is_sealed_by(&first, &second),
                    |named| named == Hash::of(&second.entry.raw),
                );
                self.settle(*first, &second, second_is_whole);
                self.front = Front::Broken;
                false
            }
        }
    }

    /// Reports which of two lines that do not chain was changed.
    fn settle(&mut self, first: Read, second: &Read, second_is_whole: bool) {
        let (one, next) = (first.entry.seq, second.entry.seq);
        let changed = if second_is_whole { one } else { next };
        let detail = format!("line {next} does not name the hash of line {one}");
        if !second_is_whole {
            self.judge.take(first, &self.anchors, &mut self.findings);
        }
        self.findings.push(Finding::at(changed, FindingKind::Hash, detail));
    }

    /// Whether `second` is a valid seal over the tree that ends in `first`.
    fn is_sealed_by(&self, first: &Read, second: &Read) -> bool {
        let (Some(keys), Ok(Record::Seal { note })) = (self.judge.keys(), &second.record) else {
            return false;
        };
        let mut tree = self.judge.tree().clone();
        tree.append(leaf_hash(&first.entry.raw));
        SignedCheckpoint::verify(note, &keys.origin, &keys.sealing_key)
            .is_ok_and(|seal| seal.checkpoint().root == tree.root())
    }

    /// Judges what stands after the last LF: the beginning of a line, or no such thing.
    fn tail(&mut self) {
        let tail = self.lines.tail();
        if tail.is_empty() {
            return;
        }
        let finding = match lines::check_torn(tail) {
            Ok(()) => {
                let detail = format!("{} bytes without a line end", tail.len());
                Finding::at(self.links.size(), FindingKind::Torn, detail)
            }
            Err(error) => {
                let kind = FindingKind::named(error.kind()).unwrap_or(FindingKind::Canonical);
                Finding::at(self.links.size(), kind, error)
            }
        };
        self.findings.push(finding);
    }

    fn conclude(self, is_whole: bool) -> Audit {
        let facts = verdict::FileFacts {
            bytes: self.bytes,
            lines: self.judge.tree().size(),
            sha256: Hash::from_bytes(self.file.finalize().into()),
        };
        verdict::conclude(facts, &self.judge, &self.anchors, self.findings, is_whole)
    }
}

/// Reads a line, and the hash that it names.
fn read(raw: Vec<u8>) -> Result<(Read, Hash), LineError> {
    let line = Line::parse(&raw)?;
    let Line { kind, seq, prev, at, body } = line;
    let (body_bytes, record) = (body.len(), Record::read(&line));
    Ok((Read { entry: Entry { kind, seq, at, body_bytes, raw }, record }, prev))
}
