//! A history that is about to be spoilt, and what in it there is to spoil.

use std::collections::BTreeSet;
use std::sync::Arc;

use gavel::ledger::{Kind as LineKind, Receipt, SealingKey};

use super::super::history::{Event, History, Run};

/// A history that is about to be spoilt, with the key that a house would do it with.
#[derive(Clone)]
pub(super) struct Workshop {
    pub(super) history: History,
    pub(super) key: Arc<SealingKey>,
}

/// An acknowledged bid.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    /// When it was answered first.
    pub(super) at_us: u64,
    pub(super) op: u64,
    pub(super) seq: u64,
    pub(super) receipt: String,
}

impl Workshop {
    pub(super) fn snapshots(&self) -> Vec<usize> {
        let is_one = |place: &usize| matches!(self.history.events[*place], Event::Snapshot { .. });
        (0..self.history.events.len()).filter(is_one).collect()
    }

    pub(super) fn line(&self, wanted: u64, with: usize) -> &str {
        let line = self.history.events.iter().find_map(|event| match event {
            Event::Line { seq, variant, line } if (*seq, *variant) == (wanted, with) => Some(line),
            _ => None,
        });
        line.expect("a line that was told")
    }

    /// The lines of the so-manieth snapshot, counted from the last.
    pub(super) fn lines(&self, from_last: usize) -> Vec<String> {
        let place = self.snapshots()[self.snapshots().len() - 1 - from_last];
        let Event::Snapshot { runs, .. } = &self.history.events[place] else { unreachable!() };
        let each = runs.iter().flat_map(|run| (run.from..run.to).map(|seq| (seq, run.variant)));
        each.map(|(seq, variant)| self.line(seq, variant).to_owned()).collect()
    }

    pub(super) fn set_lines(&mut self, from_last: usize, lines: &[String]) {
        let runs = (0..).zip(lines).map(|(seq, line)| Run {
            from: seq,
            to: seq + 1,
            variant: self.variant(seq, line),
        });
        let new: Vec<Run> = runs.collect();
        let place = self.snapshots()[self.snapshots().len() - 1 - from_last];
        let Event::Snapshot { runs, .. } = &mut self.history.events[place] else { unreachable!() };
        *runs = new;
    }

    pub(super) fn variant(&mut self, wanted: u64, text: &str) -> usize {
        let mut count = 0;
        for event in &self.history.events {
            if let Event::Line { seq, variant, line } = event
                && *seq == wanted
            {
                if line == text {
                    return *variant;
                }
                count += 1;
            }
        }
        let line = text.to_owned();
        self.history.events.push(Event::Line { seq: wanted, variant: count, line });
        count
    }

    /// The acknowledged bids, in the order of the ledger.
    pub(super) fn landed(&self) -> Vec<Landed> {
        let mut landed: Vec<Landed> = Vec::new();
        for event in &self.history.events {
            let Event::Ok { at_us, op, receipt } = event else { continue };
            let read = Receipt::parse(receipt).expect("a receipt");
            let is_bid = read.line().is_ok_and(|line| line.kind == LineKind::Bid);
            if is_bid && landed.iter().all(|known| known.op != *op) {
                let (at_us, op, receipt) = (*at_us, *op, receipt.clone());
                landed.push(Landed { at_us, op, seq: read.index, receipt });
            }
        }
        landed.sort_by_key(|landed| landed.seq);
        assert!(landed.len() > 4, "there is something to spoil");
        landed
    }

    pub(super) fn middle(&self) -> Landed {
        let landed = self.landed();
        landed[landed.len() / 2].clone()
    }

    pub(super) fn edit_ledger(&mut self, edit: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.lines(0);
        edit(&mut lines);
        self.set_lines(0, &lines);
    }

    /// Changes each event about an operation.
    pub(super) fn edit_op(&mut self, wanted: u64, mut edit: impl FnMut(&mut Event) -> bool) {
        self.history.events.retain_mut(|event| match event {
            Event::Invoke { op, .. }
            | Event::Again { op, .. }
            | Event::Ok { op, .. }
            | Event::Refused { op, .. }
            | Event::Unknown { op, .. }
                if *op == wanted =>
            {
                edit(event)
            }
            _ => true,
        });
    }

    pub(super) fn set_receipt(&mut self, wanted: u64, text: &str) {
        self.edit_op(wanted, |event| {
            if let Event::Ok { receipt, .. } = event {
                text.clone_into(receipt);
            }
            true
        });
    }

    pub(super) fn last_us(&self) -> u64 {
        let times = self.history.events.iter().filter_map(|event| match event {
            Event::Ok { at_us, .. } | Event::Snapshot { at_us, .. } => Some(*at_us),
            _ => None,
        });
        times.max().expect("answers")
    }

    pub(super) fn note_mut(&mut self) -> (&mut String, &String) {
        let notes = self.history.events.iter_mut().filter_map(|event| match event {
            Event::Note { source, note } => Some((note, &*source)),
            _ => None,
        });
        notes.last().expect("a note")
    }

    /// A run of more than two lines of somebody: of live lines, or the first that was asked for
    /// after a reconnect.
    pub(super) fn run_mut(&mut self, wanted: bool) -> (String, u64, &mut Run) {
        let mut begun = BTreeSet::new();
        let runs = self.history.events.iter_mut().filter_map(|event| match event {
            Event::Saw { process, connection, asked, run }
                if *asked == wanted
                    && (begun.insert(*connection) || !wanted)
                    && run.to > run.from + 2
                    && process.starts_with("bidder") =>
            {
                Some((process.clone(), *connection, run))
            }
            _ => None,
        });
        runs.last().expect("a reader")
    }
}

pub(super) fn place(seq: u64) -> usize {
    usize::try_from(seq).expect("fits")
}
