//! What is offered in a load test, and what is bid for it.
//!
//! Flat out, bidders walk around a ring of lots, four for each of them, in one
//! direction. So two hardly ever meet on a lot, and nobody finds themselves
//! leading where they come back to. Amounts are microseconds since the start:
//! they rise with the time for everybody, so that nearly every bid stands.

use std::collections::BTreeSet;

use serde_json::json;

use super::tally::Accepted;
use super::{Plan, Style};
use crate::auction::money::Amount;
use crate::auction::name::LotId;
use crate::clock::Stopwatch;
use crate::limits::LOAD_CLOSE_TIMEOUT;
use crate::time::Span;

/// The seed's own items.
const SEED_ITEMS: &str = include_str!("../../items.json");
/// How many lots of the ring each bidder has to itself.
const LOTS_PER_BIDDER: usize = 4;
/// How long a lot runs after the load has ended.
const FLAT_OUT_MARGIN: Span = Span::from_s(3);
/// Three pauses of two seconds, and time to spare.
const SEED_MARGIN: Span = Span::from_s(10);
/// Everybody hears every line, so that each bidder makes the others wait longer.
const SEED_MARGIN_PER_BIDDER: Span = Span::from_ms(10);
/// The greatest amount in the seed's style: over every item's start.
const SEED_AMOUNT_MAX: u64 = 2_000;

/// The lots of a load test.
#[derive(Debug)]
pub(super) struct Offer {
    lots: Vec<LotId>,
    sale_file: String,
    duration: Span,
    stride: usize,
}

impl Offer {
    pub(super) fn new(plan: &Plan) -> Self {
        match plan.style {
            Style::FlatOut { span } | Style::Paced { span, .. } => {
                let duration = Span::from_ms(span.ms().saturating_add(FLAT_OUT_MARGIN.ms()));
                let count = plan.bidders * LOTS_PER_BIDDER;
                let items =
                    (1..=count).map(|id| (id.to_string(), json!(format!("Lot {id}")), json!(0)));
                Self::of(items, duration, LOTS_PER_BIDDER)
            }
            Style::Light { lots, span } => {
                let duration = Span::from_ms(span.ms().saturating_add(FLAT_OUT_MARGIN.ms()));
                let items =
                    (1..=lots).map(|id| (id.to_string(), json!(format!("Lot {id}")), json!(0)));
                Self::of(items, duration, 1)
            }
            Style::Seed => {
                let items: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(SEED_ITEMS).expect("the seed's items");
                let items = items
                    .into_iter()
                    .map(|(id, mut item)| (id, item["name"].take(), item["highest_bid"].take()));
                let bidders = u64::try_from(plan.bidders).unwrap_or(u64::MAX);
                let wait_ms = SEED_MARGIN_PER_BIDDER.ms().saturating_mul(bidders);
                Self::of(items, Span::from_ms(SEED_MARGIN.ms().saturating_add(wait_ms)), 1)
            }
        }
    }

    fn of(
        items: impl Iterator<Item = (String, serde_json::Value, serde_json::Value)>,
        duration: Span,
        stride: usize,
    ) -> Self {
        let seconds = duration.ms().div_ceil(1000);
        let (mut lots, mut members) = (Vec::new(), Vec::new());
        for (id, name, start) in items {
            lots.push(LotId::parse(&id).expect("a number is a lot's id"));
            let item = json!({
                "name": name, "highest_bid": start, "highest_bidder": null, "duration": seconds,
            });
            members.push(format!("{}: {item}", json!(id)));
        }
        let sale_file = format!("{{\n{}\n}}\n", members.join(",\n"));
        Self { lots, sale_file, duration, stride }
    }

    /// The sale file in the seed's form.
    pub(super) fn sale_file(&self) -> &str {
        &self.sale_file
    }

    /// How long to wait for the close of the sale.
    pub(super) const fn patience(&self) -> Span {
        Span::from_ms(self.duration.ms().saturating_add(LOAD_CLOSE_TIMEOUT.ms()))
    }

    /// Where a bidder begins on the ring.
    pub(super) const fn begin(&self, bidder: usize) -> usize {
        bidder * self.stride % self.lots.len()
    }

    /// The lot after that one on the ring.
    pub(super) const fn after(&self, place: usize) -> usize {
        (place + 1) % self.lots.len()
    }

    /// The lot at a place of the ring.
    pub(super) fn lot(&self, place: usize) -> LotId {
        self.lots[place].clone()
    }

    /// An amount over all that were bid until now.
    pub(super) fn amount(&self, start: Stopwatch) -> Amount {
        Amount::new(start.elapsed_us().saturating_add(1)).expect("a load test of no years")
    }

    /// A random lot, amount and pause, as the seed's bidders have them.
    pub(super) fn random(&self) -> (usize, Amount, Span) {
        let lots = u64::try_from(self.lots.len()).expect("few lots");
        let lot = usize::try_from(random_below(lots)).expect("one of few lots");
        let amount = Amount::new(1 + random_below(SEED_AMOUNT_MAX)).expect("a small amount");
        (lot, amount, Span::from_ms(500 + random_below(1_501)))
    }

    /// Some time up to `span`.
    pub(super) fn random_up_to(&self, span: Span) -> Span {
        Span::from_ms(random_below(span.ms().saturating_add(1)))
    }

    /// An amount that opens the bidding on any lot.
    pub(super) fn any_start(&self) -> Amount {
        Amount::new(SEED_AMOUNT_MAX).expect("a small amount")
    }

    /// The places of the lots without a bid.
    pub(super) fn without_a_bid(&self, accepted: &[Accepted]) -> Vec<usize> {
        let with: BTreeSet<usize> = accepted.iter().map(|bid| bid.lot).collect();
        (0..self.lots.len()).filter(|place| !with.contains(place)).collect()
    }
}

/// Without randomness from the system there are no keys either, so this is never asked then.
fn random_below(bound: u64) -> u64 {
    getrandom::u64().expect("the system gave randomness for the keys") % bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Times, read_sale_file};

    fn plan(style: Style) -> Plan {
        Plan { bidders: 7, style, idle: 0, witnesses: 0, folder: "f".into(), program: "p".into() }
    }

    #[test]
    fn the_sale_file_is_one_that_the_server_takes() {
        let flat_out = Offer::new(&plan(Style::FlatOut { span: Span::from_ms(1_500) }));
        let lots = read_sale_file(flat_out.sale_file().as_bytes(), Times::Absolute)
            .expect("a sale file")
            .lot_terms();
        assert_eq!(lots.len(), 28);
        assert!(lots.iter().zip(&flat_out.lots).all(|(lot, id)| lot.id == *id));
        let seed = Offer::new(&plan(Style::Seed));
        let lots = read_sale_file(seed.sale_file().as_bytes(), Times::Absolute)
            .expect("a sale file")
            .lot_terms();
        let starts: Vec<u64> = lots.iter().map(|lot| lot.start.minor_units()).collect();
        assert_eq!(starts, [51, 101, 1001, 6, 501]);
        assert!(lots.iter().all(|lot| lot.start <= seed.any_start()));
    }

    #[test]
    fn bidders_begin_apart_and_walk_the_whole_ring() {
        let offer = Offer::new(&plan(Style::FlatOut { span: Span::from_s(1) }));
        assert_eq!((offer.begin(0), offer.begin(1), offer.begin(6)), (0, 4, 24));
        assert_eq!((offer.after(5), offer.after(27)), (6, 0));
    }

    #[test]
    fn random_bids_stay_in_their_bounds() {
        let offer = Offer::new(&plan(Style::Seed));
        for _ in 0..200 {
            let (lot, amount, pause) = offer.random();
            assert!(lot < 5 && (1..=SEED_AMOUNT_MAX).contains(&amount.minor_units()));
            assert!((500..=2_000).contains(&pause.ms()));
        }
    }
}
