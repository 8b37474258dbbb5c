//! Every signed checkpoint that was seen anywhere: by the sale's key, one root for each size, and
//! that of the final ledger.

use std::collections::HashMap;

use super::super::{Source, Violation};
use super::ledger::Ledger;
use gavel::ledger::{Checkpoint, Hash};

/// The signed checkpoints so far.
pub(super) struct Seals<'a> {
    ledger: &'a Ledger<'a>,
    roots: HashMap<u64, (Hash, Source)>,
    count: usize,
}

impl<'a> Seals<'a> {
    pub(super) fn new(ledger: &'a Ledger<'a>) -> Self {
        Self { ledger, roots: HashMap::new(), count: 0 }
    }

    /// Takes a checkpoint whose signature was checked.
    pub(super) fn signed(
        &mut self,
        checkpoint: &Checkpoint,
        source: &Source,
        found: &mut Vec<Violation>,
    ) {
        self.count += 1;
        let Checkpoint { size, root, .. } = *checkpoint;
        let (known, first) = self.roots.entry(size).or_insert_with(|| (root, source.clone()));
        if *known != root {
            let (first, second) = (first.clone(), source.clone());
            found.push(Violation::TwoSeals { size, first, second });
        }
        if self.ledger.root(size) != Some(root) {
            found.push(Violation::SealOffTree { size, source: source.clone() });
        }
    }

    /// Takes a checkpoint as somebody was shown it.
    pub(super) fn note(&mut self, source: &str, note: &str, found: &mut Vec<Violation>) {
        self.shown(note, &Source::Note { source: source.to_owned() }, found);
    }

    /// Takes the seals of the final ledger.
    pub(super) fn seals_of_the_ledger(&mut self, found: &mut Vec<Violation>) {
        for (seq, note) in &self.ledger.seals {
            self.shown(note, &Source::Ledger { seq: *seq }, found);
        }
    }

    fn shown(&mut self, note: &str, source: &Source, found: &mut Vec<Violation>) {
        match self.ledger.sale.checkpoint(note) {
            Ok(signed) => self.signed(signed.checkpoint(), source, found),
            Err(why) => {
                found.push(Violation::BadNote { source: source.clone(), why: why.to_string() });
            }
        }
    }

    /// What was signed, by size; the first of each.
    pub(super) fn roots(&self) -> impl Iterator<Item = (u64, Hash)> {
        self.roots.iter().map(|(size, (root, _))| (*size, *root))
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }
}
