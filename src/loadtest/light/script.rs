//! One bidder's bids, signed and written out before the load begins: signing costs the
//! generator a third of what checking costs the server.

use std::ops::Range;
use std::sync::Arc;

use super::course::Course;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name};
use crate::client::{Pen, Stem, bid_request};
use crate::ledger::Hash;
use crate::loadtest::tally::count;
use crate::record::Head;
use crate::wire::json::RequestId;

/// What all bids of one bidder have in common.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) place: usize,
    pub(super) name: Name,
    pub(super) head: Head,
    pub(super) sale_hash: Hash,
}

/// A bidder's hand: what it signs its bids with.
pub(super) struct Hand {
    pub(super) signer: Signer,
    pub(super) pen: Pen,
    pub(super) lots: Arc<[LotId]>,
}

/// Requests, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Script {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    bids: Vec<(usize, Amount)>,
}

impl Script {
    /// Signs the first `turns` bids of the course.
    pub(super) fn write(hand: &Hand, course: &Course, turns: usize) -> Self {
        let mut script = Self::default();
        for turn in 0..turns {
            let (lot, amount) = course.bid(hand.signer.place, turn);
            script.add(hand, lot, amount);
        }
        script
    }

    /// Signs one more. The request of bid `turn` has that number, and the bid has the next one: a
    /// key's numbers begin with 1.
    pub(super) fn add(&mut self, hand: &Hand, lot: usize, amount: Amount) {
        let Hand { signer, pen, lots } = hand;
        let id = count(self.turns());
        let stem = Stem {
            bidder: signer.name.clone(),
            head: signer.head,
            n: id + 1,
            sale_hash: signer.sale_hash,
        };
        let id = RequestId::new(id).expect("few bids");
        let request = bid_request(id, &pen.bid(stem, lots[lot].clone(), amount));
        self.bytes.extend_from_slice(&request.to_line());
        self.ends.push(self.bytes.len());
        self.bids.push((lot, amount));
    }

    /// How many bids there are.
    pub(super) const fn turns(&self) -> usize {
        self.ends.len()
    }

    /// The place of the lot and the amount of a bid.
    pub(super) fn bid(&self, turn: usize) -> (usize, Amount) {
        self.bids[turn]
    }

    /// Those requests, as they are sent.
    pub(super) fn requests(&self, turns: Range<usize>) -> &[u8] {
        let end = |turn: usize| turn.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[end(turns.start)..end(turns.end)]
    }

    /// How long a request is on average, in bytes.
    pub(super) const fn request_bytes(&self) -> usize {
        match self.bytes.len().checked_div(self.ends.len()) {
            Some(bytes) => bytes,
            None => 0,
        }
    }
}
