//! What a sheet lists line by line: bids and clock entries.
//!
//! Kept only for who asks ([`Anchors::keeping_annexes`](super::Anchors::keeping_annexes)),
//! and only up to a limit, since a ledger can be longer than any memory.

use super::tally::Trace;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Party};
use crate::auction::refusal::Code;
use crate::limits::{ANNEX_BIDS_MAX, ANNEX_CLOCKS_MAX};
use crate::time::Timestamp;

/// What a bid rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The house's word that it saw the bid on the bidder's TLS session.
    Attested,
    /// The bidder's signature.
    Signed,
    /// The signature of staff, who entered it for somebody in the room.
    Clerk,
}

/// What became of a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was accepted.
    Accepted {
        /// The lot's end after it, if it has one.
        ends_at: Option<Timestamp>,
    },
    /// It was refused and recorded whole.
    Refused(Code),
}

/// A bid in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidEntry {
    /// Its line.
    pub trace: Trace,
    /// On which lot; of a refused bid it need not exist.
    pub lot: LotId,
    /// Who bid.
    pub bidder: Party,
    /// How much.
    pub amount: Amount,
    /// What it rests on.
    pub evidence: Evidence,
    /// What became of it.
    pub answer: Answer,
    /// The line of the void that took it back.
    pub voided_by: Option<u64>,
}

/// A note that wall clock and official time had parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockEntry {
    /// Its line.
    pub seq: u64,
    /// The official time.
    pub at: Timestamp,
    /// What the wall clock said.
    pub wall: Timestamp,
    /// Whether the operator accepted it at a start.
    pub accepted: bool,
}

/// The lists, the oldest entry first.
#[derive(Clone, Debug, Default)]
pub struct Annexes {
    /// Every bid, accepted or refused, that is recorded whole.
    pub bids: Vec<BidEntry>,
    /// How many more there were than the list takes.
    pub bids_left_out: u64,
    /// Every clock entry.
    pub clocks: Vec<ClockEntry>,
    /// How many more there were than the list takes.
    pub clocks_left_out: u64,
}

impl Annexes {
    pub(super) fn keep_bid(&mut self, bid: impl FnOnce() -> BidEntry) {
        if self.bids.len() < ANNEX_BIDS_MAX {
            self.bids.push(bid());
        } else {
            self.bids_left_out += 1;
        }
    }

    /// Notes that the bid of line `voided` was taken back by line `by`.
    pub(super) fn note_void(&mut self, voided: u64, by: u64) {
        if let Some(bid) = self.bids.iter_mut().rfind(|bid| bid.trace.seq == voided) {
            bid.voided_by = Some(by);
        }
    }

    pub(super) fn keep_clock(&mut self, clock: ClockEntry) {
        if self.clocks.len() < ANNEX_CLOCKS_MAX {
            self.clocks.push(clock);
        } else {
            self.clocks_left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_lists_is_counted() {
        let mut annexes = Annexes::default();
        let clock =
            ClockEntry { seq: 1, at: Timestamp::ZERO, wall: Timestamp::ZERO, accepted: false };
        for _ in 0..=ANNEX_CLOCKS_MAX {
            annexes.keep_clock(clock);
        }
        assert_eq!((annexes.clocks.len(), annexes.clocks_left_out), (ANNEX_CLOCKS_MAX, 1));
    }
}
