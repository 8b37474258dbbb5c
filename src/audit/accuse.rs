//! Makes evidence: a second reading of a ledger that contradicts what somebody holds.
//!
//! The audit itself keeps no tree, so that its memory does not grow; whoever has found a
//! fork reads the ledger once more, with the tree (64 bytes for each line).

use std::collections::{BTreeMap, BTreeSet};

use super::Anchors;
use super::anchors::{HeldCheckpoint, HeldReceipt};
use super::convict::convict;
use super::lines::Lines;
use super::receipt;
use super::signatures::Keys;
use crate::ledger::chain::Links;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::entry::{Kind, Line};
use crate::ledger::evidence::{Contradiction, Evidence, ProvenEntry, SealedTree};
use crate::ledger::hash::Hash;
use crate::ledger::merkle::{Tree, leaf_hash};
use crate::limits::AUDIT_BATCH_LINES;
use crate::record::Record;

/// Evidence, and what it was made from.
#[derive(Clone, Debug)]
pub struct Accusation {
    /// The name of the receipt's or checkpoint's file.
    pub label: String,
    /// The evidence; it was judged and stands.
    pub evidence: Evidence,
}

/// Reads a ledger for what contradicts receipts and checkpoints.
#[derive(Debug)]
pub struct Accuser {
    anchors: Anchors,
    wanted: BTreeSet<u64>,
    lines: Lines,
    links: Links,
    /// The rest is not read: it does not chain, or line 0 is not this house's.
    is_broken: bool,
    shown: Shown,
}

/// What the ledger shows.
#[derive(Debug, Default)]
struct Shown {
    keys: Option<(Keys, Vec<u8>)>,
    tree: Tree,
    /// The lines that somebody holds a receipt for, and line 0.
    entries: BTreeMap<u64, String>,
    /// The newest tree that the house signed.
    newest: Option<SignedCheckpoint>,
    close: Option<(u64, String)>,
}

impl Accuser {
    /// Begins to read.
    pub fn new(anchors: Anchors) -> Self {
        let mut wanted = anchors.lines();
        wanted.insert(0);
        Self {
            anchors,
            wanted,
            lines: Lines::default(),
            links: Links::new(),
            is_broken: false,
            shown: Shown::default(),
        }
    }

    /// Takes the next bytes of the ledger, cut anywhere.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !rest.is_empty() && !self.is_broken {
            let taken = self.lines.take(rest, AUDIT_BATCH_LINES);
            let whole = self.lines.split_off();
            let chains = (0..whole.len()).all(|place| self.take(whole.line(place)).is_some());
            self.is_broken = !chains || taken.is_err();
            rest = taken.unwrap_or_default();
        }
    }

    /// What convicts the house, one for each receipt and checkpoint that does.
    pub fn finish(self) -> Vec<Accusation> {
        let Self { anchors, shown, .. } = self;
        let receipts =
            anchors.receipts.iter().map(|held| (&held.label, shown.accuse_receipt(held)));
        let checkpoints =
            anchors.checkpoints.iter().map(|held| (&held.label, shown.accuse_checkpoint(held)));
        let found = receipts.chain(checkpoints).filter_map(|(label, evidence)| {
            Some(Accusation { label: label.clone(), evidence: evidence? })
        });
        found.collect()
    }

    /// Takes one line; none if the ledger breaks at it.
    fn take(&mut self, raw: &[u8]) -> Option<()> {
        let line = Line::parse(raw).ok()?;
        self.links.check(&line).ok()?;
        match line.kind {
            Kind::Open => self.take_opening(&line, raw)?,
            Kind::Seal => self.shown.take_seal(&line),
            Kind::Close => self.shown.close = Some((line.seq, text(raw)?)),
            _ => {}
        }
        if self.wanted.contains(&line.seq) {
            self.shown.entries.insert(line.seq, text(raw)?);
        }
        self.links.advance(raw, line.at);
        self.shown.tree.append(leaf_hash(raw));
        Some(())
    }

    fn take_opening(&mut self, line: &Line<'_>, raw: &[u8]) -> Option<()> {
        let Ok(Record::Open(opening)) = Record::read(line) else { return None };
        let keys = Keys::trace(&opening, Hash::of(raw), line.at?, &self.anchors).ok()?;
        self.shown.keys = Some((keys, opening.sealers.first()?.clone()));
        Some(())
    }
}

fn text(raw: &[u8]) -> Option<String> {
    String::from_utf8(raw.to_vec()).ok()
}

impl Shown {
    fn take_seal(&mut self, line: &Line<'_>) {
        let (Some((keys, _)), Ok(Record::Seal { note })) = (&self.keys, Record::read(line)) else {
            return;
        };
        if let Ok(sealed) = SignedCheckpoint::verify(&note, &keys.origin, &keys.sealing_key) {
            let checkpoint = sealed.checkpoint();
            if checkpoint.size == self.tree.size() && checkpoint.root == self.tree.root() {
                self.newest = Some(sealed);
            }
        }
    }

    fn accuse_receipt(&self, held: &HeldReceipt) -> Option<Evidence> {
        let (keys, _) = self.keys.as_ref()?;
        let proven = receipt::prove(&held.receipt, &keys.anchor).ok()?;
        let (receipt, newest) = (&held.receipt, self.newest.as_ref()?);
        let note = proven.sealed.bare_note(&proven.key);
        let first = SealedTree { note, sealer: receipt.sealer.clone() };
        let size = newest.checkpoint().size;
        if receipt.index < size && self.entries.get(&receipt.index) != Some(&receipt.entry) {
            let (entry, proof) = (receipt.entry.clone(), receipt.proof.clone());
            let lines = Contradiction::Lines {
                index: receipt.index,
                first: ProvenEntry { entry, proof },
                second: self.proven(receipt.index, size, self.entries.get(&receipt.index)?)?,
            };
            return self.stands(first, lines);
        }
        self.accuse_tree(&first, proven.sealed.checkpoint(), proven.key == keys.sealing_key)
    }

    fn accuse_checkpoint(&self, held: &HeldCheckpoint) -> Option<Evidence> {
        let (keys, sealer) = self.keys.as_ref()?;
        // One by another key comes without the certificate that would make it the house's.
        let key = &keys.sealing_key;
        let sealed = SignedCheckpoint::verify_cosigned(&held.note, &keys.origin, key).ok()?;
        let first = SealedTree { note: sealed.bare_note(key), sealer: sealer.clone() };
        self.accuse_tree(&first, sealed.checkpoint(), true)
    }

    /// Holds a signed tree against the newest one that the ledger shows.
    fn accuse_tree(
        &self,
        first: &SealedTree,
        held: &Checkpoint,
        same_key: bool,
    ) -> Option<Evidence> {
        let size = self.newest.as_ref()?.checkpoint().size;
        let roots = || {
            let gives = self.tree.root_at(held.size).filter(|_| held.size <= size)?;
            let proof = self.tree.consistency(held.size, size)?;
            self.stands(first.clone(), Contradiction::Roots { gives, proof })
        };
        let closed = || {
            let (index, entry) = self.close.as_ref()?;
            let close = self.proven(*index, size, entry)?;
            self.stands(first.clone(), Contradiction::Closed { index: *index, close })
        };
        let sealers = || {
            let opening = self.proven(0, size, self.entries.get(&0)?)?;
            self.stands(first.clone(), Contradiction::Sealers { opening }).filter(|_| !same_key)
        };
        roots().or_else(closed).or_else(sealers)
    }

    fn proven(&self, index: u64, size: u64, entry: &str) -> Option<ProvenEntry> {
        Some(ProvenEntry { entry: entry.to_owned(), proof: self.tree.inclusion(index, size)? })
    }

    /// The evidence, if it convicts.
    fn stands(&self, first: SealedTree, contradiction: Contradiction) -> Option<Evidence> {
        let ((keys, sealer), newest) = (self.keys.as_ref()?, self.newest.as_ref()?);
        let second = SealedTree { note: newest.note().to_owned(), sealer: sealer.clone() };
        let evidence = Evidence { first, second, contradiction };
        // As somebody else will read it.
        let evidence = Evidence::parse(&evidence.to_text()).ok()?;
        convict(&evidence, &keys.anchor).is_ok().then_some(evidence)
    }
}
