//! One bidder's bids, signed and written out before the load begins: signing costs the
//! generator a third of what checking costs the server.

use std::ops::Range;

use super::course::Course;
use crate::auction::name::{LotId, Name};
use crate::client::{Pen, Stem, bid_request};
use crate::ledger::Hash;
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

/// Requests, one behind the other.
#[derive(Debug)]
pub(super) struct Script {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Script {
    /// Signs the first `turns` bids of the course. The request of bid `turn` has that number, and
    /// the bid has the next one: a key's numbers begin with 1.
    pub(super) fn write(
        signer: &Signer,
        pen: &Pen,
        course: Course,
        lots: &[LotId],
        turns: usize,
    ) -> Self {
        let mut script = Self { bytes: Vec::new(), ends: Vec::with_capacity(turns) };
        for turn in 0..turns {
            let id = u64::try_from(turn).unwrap_or(u64::MAX);
            let (lot, amount) = course.bid(signer.place, turn);
            let stem = Stem {
                bidder: signer.name.clone(),
                head: signer.head,
                n: id + 1,
                sale_hash: signer.sale_hash,
            };
            let id = RequestId::new(id).expect("few bids");
            let request = bid_request(id, &pen.bid(stem, lots[lot].clone(), amount));
            script.bytes.extend_from_slice(&request.to_line());
            script.ends.push(script.bytes.len());
        }
        script
    }

    /// How many bids there are.
    pub(super) const fn turns(&self) -> usize {
        self.ends.len()
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
