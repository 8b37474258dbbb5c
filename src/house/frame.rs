//! The frame that gathers, and what follows once it is on the disk: group commit as
//! LEDGER 2 has it.

use super::answers::Released;
use super::{After, House};
use crate::auction::event::Event;
use crate::auction::refusal::Code;
use crate::ledger::chain::Chained;
use crate::ledger::entry::{Draft, Kind};
use crate::ledger::store::Committed;
use crate::limits::COUNTED_KEYS_PER_LINE_MAX;
use crate::record::{self, BidKey, Counts, Head};

impl House {
    pub(super) fn enter_event(&mut self, event: Event) {
        self.open_frame();
        let draft = record::draft_event(&event).expect("bids are entered by `accept`");
        self.append(draft);
        self.sale.apply(&event);
        self.frame.events.push(event);
    }

    pub(super) fn append_outside_the_rules(&mut self, draft: Draft) -> u64 {
        self.open_frame();
        self.sale.elapse(draft.at);
        self.append(draft)
    }

    pub(super) fn append(&mut self, draft: Draft) -> u64 {
        let chained = self.chain.append(draft).expect("checked parts fit a line, in time");
        let seq = chained.seq();
        self.frame.lines.push(chained);
        seq
    }

    /// Begins a frame with the seal line that the last one left owing.
    pub(super) fn open_frame(&mut self) {
        if self.frame.lines.is_empty() && self.seal_owed {
            self.append_owed_seal();
        }
    }

    fn append_owed_seal(&mut self) {
        let chained = self.chain.append_seal(&self.newest).expect("a seal fits a line");
        let checkpoint = self.newest.checkpoint();
        self.roster.apply_seal(Head { root: checkpoint.root, size: checkpoint.size });
        self.frame.lines.push(chained);
        self.seal_owed = false;
    }

    pub(super) fn count(&mut self, code: Code) {
        *self.frame.counted.entry(code).or_insert(0) += 1;
    }

    /// Enters the summary of the refusals that were only counted, before the
    /// answers that it belongs to go out (LEDGER 1, `refusal`).
    pub(super) fn flush_counts(&mut self) {
        let at = self.sale.last();
        let mut counts: Vec<(Code, u64)> =
            std::mem::take(&mut self.frame.counted).into_iter().collect();
        let keys: Vec<(BidKey, u64)> =
            std::mem::take(&mut self.frame.counted_keys).into_iter().collect();
        let mut keys = keys.chunks(COUNTED_KEYS_PER_LINE_MAX);
        while !counts.is_empty() {
            let summary = Counts {
                counts: std::mem::take(&mut counts),
                keys: keys.next().unwrap_or_default().to_vec(),
            };
            self.append_outside_the_rules(record::draft_counts(&summary, at));
        }
        for rest in keys {
            let summary = Counts { counts: Vec::new(), keys: rest.to_vec() };
            self.append_outside_the_rules(record::draft_counts(&summary, at));
        }
    }

    /// The open frame's lines, for one write and one sync. With nothing entered it is
    /// the seal line that is still owed, by itself, or nothing at all.
    pub fn take_frame(&mut self) -> Vec<Chained> {
        self.flush_counts();
        self.open_frame();
        std::mem::take(&mut self.frame.lines)
    }

    /// Whether a seal line is owed, to be written by itself when nothing else waits.
    pub const fn owes_seal(&self) -> bool {
        self.seal_owed
    }

    /// Takes back a frame that is durable, and signs the checkpoint of the tree
    /// that it completes, unless the frame was a seal line by itself.
    pub fn committed(&mut self, lines: Vec<Committed>) -> After {
        let news = lines.iter().any(|line| line.kind() != Kind::Seal);
        if news {
            self.seal_durable_tree();
        }
        let events = std::mem::take(&mut self.frame.events);
        let released = Released { lines, events, checkpoint: self.newest.clone() };
        if !self.sale.is_closed() || self.key.is_none() {
            return After::Released(released);
        }
        self.seal_the_close(released, news)
    }

    fn seal_the_close(&mut self, released: Released, news: bool) -> After {
        if news {
            self.frame.events = released.events;
            self.held = released.lines;
            self.append_owed_seal();
            return After::SealFirst(std::mem::take(&mut self.frame.lines));
        }
        self.key = None;
        let mut lines = std::mem::take(&mut self.held);
        lines.extend(released.lines);
        After::Released(Released { lines, ..released })
    }

    fn seal_durable_tree(&mut self) {
        let key = self.key.as_ref().expect("nothing is entered once the sale is finished");
        self.newest = key.sign(self.chain.size(), self.chain.root());
        self.notes.insert(self.chain.size(), self.newest.note().into());
        self.seal_owed = true;
    }
}
