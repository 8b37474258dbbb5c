//! Which bid comes when. On many lots it is fixed before anybody bids, so that it can be signed
//! beforehand.
//!
//! On many lots each bidder works through a stretch of the catalogue that nobody else is on, and
//! then moves on to its neighbour's, one higher. A bid is refused only if somebody runs a whole
//! stretch ahead of a neighbour. On one lot each bid is one higher than the last that was sent,
//! and signed when it is sent; who is overtaken on the way is refused, as in a hall.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::auction::money::Amount;
use crate::loadtest::tally::count;

/// How many lots a stretch has: more than any bidder has bids on their way.
const STRETCH_LOTS: usize = 64;

/// The course of a load test.
#[derive(Clone, Debug)]
pub(super) struct Course {
    bidders: usize,
    one_lot: bool,
    /// How many bids on the one lot were asked for.
    asked: Arc<AtomicUsize>,
}

impl Course {
    pub(super) fn new(bidders: usize, one_lot: bool) -> Self {
        Self { bidders, one_lot, asked: Arc::default() }
    }

    /// How many lots it takes.
    pub(super) const fn lots(&self) -> usize {
        if self.one_lot { 1 } else { self.bidders * STRETCH_LOTS }
    }

    /// Whether a bid can be signed beforehand. On one lot it is over the one before it, whoever
    /// made that.
    pub(super) const fn is_fixed(&self) -> bool {
        !self.one_lot
    }

    /// The place of the lot and the amount of a bidder's bid number `turn`, from 0. Where that is
    /// not fixed it is over all that were asked for before.
    pub(super) fn bid(&self, bidder: usize, turn: usize) -> (usize, Amount) {
        let (lot, amount) = if self.one_lot {
            (0, self.asked.fetch_add(1, Ordering::Relaxed) + 1)
        } else {
            let (lap, place) = (turn / STRETCH_LOTS, turn % STRETCH_LOTS);
            ((bidder + lap) % self.bidders * STRETCH_LOTS + place, lap + 1)
        };
        (lot, Amount::new(count(amount)).expect("a load test of no years"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The bids in the order in which bidders place them who keep step.
    fn in_step(course: &Course, turns: usize) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        (0..turns).flat_map(move |turn| {
            (0..course.bidders).map(move |bidder| {
                let (lot, amount) = course.bid(bidder, turn);
                (bidder, lot, amount.minor_units())
            })
        })
    }

    #[test]
    fn in_step_every_bid_stands() {
        for one_lot in [false, true] {
            let course = Course::new(3, one_lot);
            let mut standing: BTreeMap<usize, (usize, u64)> = BTreeMap::new();
            for (bidder, lot, amount) in in_step(&course, 4 * STRETCH_LOTS) {
                assert!(lot < course.lots());
                if let Some((leader, least)) = standing.insert(lot, (bidder, amount)) {
                    assert!(leader != bidder && amount > least, "{bidder} on {lot}");
                }
            }
            assert_eq!(standing.len(), course.lots());
        }
    }
}
