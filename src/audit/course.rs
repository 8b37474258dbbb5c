//! The lines in their order, as far as the file itself is concerned: whether each is one, and
//! whether it follows the one before it.
//!
//! A line is judged once the next one has named its hash. So a changed byte is
//! found as what it is, a broken chain, and not as its consequences.

use super::anchors::Anchors;
use super::finding::{Finding, FindingKind, Findings};
use super::judge::{Judge, Read};
use super::lines::check_torn;
use super::signatures::Checked;
use crate::ledger::chain::{ChainError, Links};
use crate::ledger::entry::{Line, LineError};
use crate::ledger::hash::Hash;

/// Takes the lines one after the other.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) anchors: Anchors,
    /// The links after the newest line that chains.
    links: Links,
    front: Front,
    pub(super) judge: Judge,
    pub(super) findings: Findings,
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

impl Course {
    pub(super) fn new(anchors: Anchors) -> Self {
        Self {
            judge: Judge::new(&anchors),
            anchors,
            links: Links::new(),
            front: Front::Empty,
            findings: Findings::default(),
        }
    }

    /// Whether the chain is broken, so that nothing that follows is read.
    pub(super) const fn is_broken(&self) -> bool {
        matches!(self.front, Front::Broken)
    }

    /// Takes the next lines.
    pub(super) fn take(&mut self, lines: Vec<Result<Read, LineError>>) {
        for line in lines {
            if self.is_broken() {
                return;
            }
            match line {
                Ok(read) => self.line(read),
                Err(error) => {
                    let kind = FindingKind::named(error.kind()).unwrap_or(FindingKind::Schema);
                    self.break_off(kind, error.to_string());
                }
            }
        }
    }

    /// Ends at the end of a file whose last bytes without a line end are `tail`, and says whether
    /// it was read to there.
    pub(super) fn end(&mut self, tail: &[u8]) -> bool {
        if self.is_broken() {
            return false;
        }
        let chains = self.take_front(None);
        if chains && !tail.is_empty() {
            self.tail(tail);
        }
        chains
    }

    fn line(&mut self, read: Read) {
        let Read { entry, prev, .. } = &read;
        let (prev, hashed, at) = (*prev, entry.hashed, entry.at);
        let line = Line { kind: entry.kind, seq: entry.seq, prev, at, body: "" };
        match (self.links.check(&line), std::mem::replace(&mut self.front, Front::Empty)) {
            (Err(ChainError::Prev { .. }), Front::Unconfirmed(held)) => {
                self.links.advance_hashed(hashed, at);
                self.front = Front::Doubtful(held, Box::new(read));
            }
            (Ok(()), front @ (Front::Empty | Front::Unconfirmed(_))) => {
                self.front = front;
                self.take_front(None);
                self.links.advance_hashed(hashed, at);
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
    pub(super) fn break_off(&mut self, kind: FindingKind, detail: String) {
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
                    |named| named == second.entry.hashed.line(),
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
        // Whatever its batch was read under: it must not matter where a file is cut.
        if self.judge.keys().is_none() {
            return false;
        }
        let Ok(Checked::Seal(Ok(seal))) = &second.checked else { return false };
        let mut tree = self.judge.tree().clone();
        tree.append(first.entry.hashed.leaf());
        seal.checkpoint().root == tree.root()
    }

    /// Judges what stands after the last LF: the beginning of a line, or no such thing.
    fn tail(&mut self, tail: &[u8]) {
        let finding = match check_torn(tail) {
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
}
