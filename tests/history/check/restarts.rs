//! The ledger's file from one start to the next: it only grows, but for a tail of which nobody
//! was told, and it held a line before anybody was answered by it.

use super::super::Violation;
use super::ledger::Ledger;
use super::operations::Operations;
use super::readers::Readers;
use super::seals::Seals;
use super::{Lines, Snapshot, number};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Frontier, Line};
use gavel::record::Record;

/// Checks each snapshot against the next, and against what had been answered by then.
pub(super) fn check(
    snapshots: &[Snapshot],
    lines: &Lines<'_>,
    ledger: &Ledger<'_>,
    readers: &Readers<'_>,
    operations: &Operations<'_>,
    seals: &Seals<'_>,
    found: &mut Vec<Violation>,
) {
    check_answers(snapshots, operations, found);
    for (place, pair) in snapshots.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let same =
            before.variants.iter().zip(&after.variants).take_while(|(one, next)| one == next);
        let kept = same.count();
        if kept == before.variants.len() {
            continue;
        }
        let cut = Cut { before, kept, lines, ledger };
        let told = cut.first_seen(readers).or_else(|| cut.first_in_receipt(operations));
        if let Some(seq) = told.or_else(|| cut.first_signed(seals)) {
            found.push(Violation::Forked { restart: number(place) + 1, seq });
        }
    }
}

/// Whoever was answered before the file was read finds the line in it.
fn check_answers(snapshots: &[Snapshot], operations: &Operations<'_>, found: &mut Vec<Violation>) {
    for (op, at_us, receipt) in operations.acknowledged() {
        let next = snapshots.partition_point(|snapshot| snapshot.at_us < at_us);
        let missing =
            snapshots.get(next).filter(|snapshot| number(snapshot.variants.len()) <= receipt.index);
        if missing.is_some() {
            let (seq, restart) = (receipt.index, number(next) + 1);
            found.push(Violation::AheadOfDisk { op, seq, restart });
        }
    }
}

/// What a start has cut off: the lines of `before` from number `kept` on.
struct Cut<'a> {
    before: &'a Snapshot,
    kept: usize,
    lines: &'a Lines<'a>,
    ledger: &'a Ledger<'a>,
}

impl Cut<'_> {
    /// The lines that were cut and did not come back as they were.
    fn gone(&self) -> impl Iterator<Item = (usize, usize)> {
        let after_all =
            |(seq, variant): &(usize, usize)| self.ledger.variants.get(*seq) != Some(variant);
        self.before.variants.iter().copied().enumerate().skip(self.kept).filter(after_all)
    }

    fn first_seen(&self, readers: &Readers<'_>) -> Option<u64> {
        let mut gone = self.gone().map(|(seq, variant)| (number(seq), variant));
        gone.find(|(seq, variant)| readers.was_told(*seq, *variant)).map(|(seq, _)| seq)
    }

    fn first_in_receipt(&self, operations: &Operations<'_>) -> Option<u64> {
        let gone: Vec<(usize, usize)> = self.gone().collect();
        let told = operations.acknowledged().filter_map(|(_, _, receipt)| {
            let seq = usize::try_from(receipt.index).ok()?;
            let variant = self.lines.variant_of(seq, &receipt.entry)?;
            gone.binary_search(&(seq, variant)).is_ok().then_some(receipt.index)
        });
        told.min()
    }

    /// The first line that was covered by a checkpoint: in the tail itself, or shown to somebody.
    fn first_signed(&self, seals: &Seals<'_>) -> Option<u64> {
        let (mut tree, mut roots) = (Frontier::new(), Vec::new());
        for (seq, variant) in self.before.variants.iter().enumerate() {
            let line = self.lines.line(seq, *variant)?;
            if seq > self.kept && self.is_seal(line, &tree) {
                return Some(number(self.kept));
            }
            tree.append(leaf_hash(line.as_bytes()));
            roots.push(tree.root());
        }
        let shown = seals.roots().any(|(size, root)| {
            let beyond = size > number(self.kept) && self.ledger.root(size) != Some(root);
            let last = usize::try_from(size).ok().and_then(|size| size.checked_sub(1));
            beyond && last.is_some_and(|last| roots.get(last) == Some(&root))
        });
        shown.then(|| number(self.kept))
    }

    fn is_seal(&self, line: &str, tree: &Frontier) -> bool {
        let record = Line::parse(line.as_bytes()).ok().and_then(|line| Record::read(&line).ok());
        let Some(Record::Seal { note }) = record else { return false };
        let gone = self.ledger.root(tree.size()) != Some(tree.root());
        let signed = self.ledger.sale.checkpoint(&note);
        gone && signed.is_ok_and(|signed| signed.checkpoint().root == tree.root())
    }
}
