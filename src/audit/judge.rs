//! The lines in their order: first line 0 and the catalogue, then the replay.
//!
//! What comes here is whole, canonical and chained. From here on the question is
//! what it means, and whether it may stand where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::anchors::Anchors;
use super::finding::{Finding, FindingKind, Findings};
use super::items;
use super::replay::{Place, Replay};
use super::signatures::{Checked, Keys};
use crate::auction::catalogue::LotTerms;
use crate::auction::sale::Sale;
use crate::ledger::chain::Hashed;
use crate::ledger::entry::Kind;
use crate::ledger::hash::Hash;
use crate::ledger::merkle::Frontier;
use crate::limits::LOTS_MAX;
use crate::record::{self, Opening, Record, RecordError};
use crate::time::Timestamp;

/// A line that parses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    pub(super) at: Option<Timestamp>,
    pub(super) body_bytes: usize,
    /// The hashes of its bytes, which are not kept.
    pub(super) hashed: Hashed,
}

/// Such a line with the hash that it names, and with its body read and checked.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) entry: Entry,
    pub(super) prev: Hash,
    pub(super) checked: Result<Checked, RecordError>,
}

/// Judges entries in their order.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    stage: Stage,
    last_at: Option<Timestamp>,
    last_kind: Option<Kind>,
    tree: Frontier,
    seen: Seen,
}

#[derive(Clone, Debug)]
enum Stage {
    Empty,
    Catalogue(Box<Beginning>),
    Running(Box<Replay>),
    /// The beginning is wrong: nothing that follows can be judged by it.
    Unjudged,
}

/// A sale whose lots are still being read.
#[derive(Clone, Debug)]
struct Beginning {
    opening: Opening,
    at: Timestamp,
    keys: Arc<Keys>,
    lots: Vec<LotTerms>,
}

/// The roots and leaves that the auditor's receipts and checkpoints speak of.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    sizes: BTreeSet<u64>,
    lines: BTreeSet<u64>,
    pub(super) roots: BTreeMap<u64, Hash>,
    pub(super) leaves: BTreeMap<u64, Hash>,
}

impl Seen {
    fn note_root(&mut self, tree: &Frontier) {
        if self.sizes.contains(&tree.size()) {
            self.roots.insert(tree.size(), tree.root());
        }
    }

    fn note_leaf(&mut self, seq: u64, leaf: Hash) {
        if self.lines.contains(&seq) {
            self.leaves.insert(seq, leaf);
        }
    }
}

impl Judge {
    pub(super) fn new(anchors: &Anchors) -> Self {
        let tree = Frontier::new();
        let mut seen = Seen { sizes: anchors.sizes(), lines: anchors.lines(), ..Seen::default() };
        seen.note_root(&tree);
        Self { stage: Stage::Empty, last_at: None, last_kind: None, tree, seen }
    }

    /// The tree over the lines taken.
    pub(super) const fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// What the receipts and checkpoints held are compared with.
    pub(super) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The last line's type.
    pub(super) const fn last_kind(&self) -> Option<Kind> {
        self.last_kind
    }

    /// The replay, once the catalogue was whole and right.
    pub(super) const fn replay(&self) -> Option<&Replay> {
        match &self.stage {
            Stage::Running(replay) => Some(replay),
            Stage::Empty | Stage::Catalogue(_) | Stage::Unjudged => None,
        }
    }

    /// The sale's keys, once line 0 was traced back to the trusted CA.
    pub(super) const fn keys(&self) -> Option<&Arc<Keys>> {
        match &self.stage {
            Stage::Catalogue(beginning) => Some(&beginning.keys),
            Stage::Running(replay) => Some(replay.keys()),
            Stage::Empty | Stage::Unjudged => None,
        }
    }

    /// Whether the beginning was wrong, so that nothing after it was judged.
    pub(super) const fn is_unjudged(&self) -> bool {
        matches!(self.stage, Stage::Unjudged)
    }

    /// Judges the next entry and takes it into the tree.
    pub(super) fn take(&mut self, read: Read, anchors: &Anchors, findings: &mut Findings) {
        let Read { entry, checked, .. } = read;
        let leaf = entry.hashed.leaf();
        let time_is_right = self.check_time(&entry, findings);
        let stage = std::mem::replace(&mut self.stage, Stage::Unjudged);
        self.stage = match (stage, checked) {
            (Stage::Running(mut replay), checked) => {
                if !time_is_right {
                    replay.derail();
                }
                let place =
                    Place { tree: &self.tree, after: self.last_kind, last_at: self.last_at };
                replay.take(&entry, checked, &place, findings);
                Stage::Running(replay)
            }
            (stage, checked) => begin(stage, &entry, checked, anchors, findings),
        };
        self.last_kind = Some(entry.kind);
        self.last_at = self.last_at.max(entry.at);
        self.tree.append(leaf);
        self.seen.note_root(&self.tree);
        self.seen.note_leaf(entry.seq, leaf);
    }

    fn check_time(&self, entry: &Entry, findings: &mut Findings) -> bool {
        match (self.last_at, entry.at) {
            (Some(last), Some(at)) if at < last => {
                let detail = format!("it is of {at}, the line before of {last}");
                findings.push(Finding::at(entry.seq, FindingKind::Time, detail));
                false
            }
            _ => true,
        }
    }
}

/// The finding for a body that cannot be read.
pub(super) fn record_finding(seq: u64, error: &RecordError) -> Finding {
    Finding::at(seq, FindingKind::named(error.kind()).unwrap_or(FindingKind::Schema), error)
}

/// Takes a line of the beginning: line 0, then the lots.
fn begin(
    stage: Stage,
    entry: &Entry,
    checked: Result<Checked, RecordError>,
    anchors: &Anchors,
    findings: &mut Findings,
) -> Stage {
    let begun = match (stage, checked) {
        (Stage::Unjudged | Stage::Running(_), _) => return Stage::Unjudged,
        (_, Err(error)) => Err(record_finding(entry.seq, &error)),
        (Stage::Empty, Ok(Checked::Unsigned(Record::Open(opening)))) => {
            open(entry, *opening, anchors)
        }
        (Stage::Catalogue(beginning), Ok(Checked::Unsigned(Record::Lot(lot)))) => {
            beginning.take(entry, *lot, anchors, findings)
        }
        (Stage::Empty, Ok(_)) => {
            let detail = format!("a ledger begins with an open entry, not with {}", entry.kind);
            Err(Finding::at(entry.seq, FindingKind::Schema, detail))
        }
        (Stage::Catalogue(beginning), Ok(_)) => Err(beginning.broken_off(entry)),
    };
    begun.unwrap_or_else(|finding| {
        findings.push(finding);
        Stage::Unjudged
    })
}

fn open(entry: &Entry, opening: Opening, anchors: &Anchors) -> Result<Stage, Finding> {
    let wrong = |kind, detail: String| Err(Finding::at(entry.seq, kind, detail));
    if usize::try_from(opening.lot_count).map_or(true, |lots| lots > LOTS_MAX) {
        let detail = format!("it announces {} lots, more than {LOTS_MAX}", opening.lot_count);
        return wrong(FindingKind::Limit, detail);
    }
    if opening.lot_count == 0 {
        return wrong(FindingKind::Rules, "it announces no lot".to_owned());
    }
    let at = entry.at.unwrap_or(Timestamp::ZERO);
    let keys = Arc::new(Keys::trace(&opening, entry.hashed.line(), at, anchors)?);
    Ok(Stage::Catalogue(Box::new(Beginning { opening, at, keys, lots: Vec::new() })))
}

impl Beginning {
    fn take(
        mut self: Box<Self>,
        entry: &Entry,
        lot: LotTerms,
        anchors: &Anchors,
        findings: &mut Findings,
    ) -> Result<Stage, Finding> {
        if entry.at > Some(self.at) {
            let detail = format!("a lot is entered at the opening's time, {}", self.at);
            findings.push(Finding::at(entry.seq, FindingKind::Time, detail));
        }
        self.lots.push(lot);
        if u64::try_from(self.lots.len()).is_ok_and(|lots| lots < self.opening.lot_count) {
            return Ok(Stage::Catalogue(self));
        }
        if let Some(items) = &anchors.items {
            items::compare(&self.opening, &self.lots, items, findings);
        }
        let catalogue = record::catalogue(&self.opening, self.lots)
            .map_err(|fault| Finding::at(0, FindingKind::Rules, fault))?;
        let sale = Sale::open(Arc::new(catalogue), self.at);
        Ok(Stage::Running(Box::new(Replay::new(
            self.opening,
            self.keys,
            sale,
            anchors.keeps_annexes,
        ))))
    }

    fn broken_off(&self, entry: &Entry) -> Finding {
        let detail = format!(
            "line 0 announces {} lots, and a {} follows after {}",
            self.opening.lot_count,
            entry.kind,
            self.lots.len()
        );
        Finding::at(entry.seq, FindingKind::Rules, detail)
    }
}
