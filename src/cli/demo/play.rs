//! What happens in the demo: who bids what, and when.

use std::time::Duration;

use tokio::sync::mpsc;

use super::people::Wish;
use crate::auction::catalogue::{LotTerms, Timer};
use crate::auction::money::Amount;
use crate::auction::name::LotId;
use crate::clock::Clock;
use crate::record::{Times, read_sale_file};
use crate::time::Span;

/// Those who bid, in the order that [`PLAY`] counts them.
pub(super) const BIDDERS: &[&str] = &["alice", "bob", "carol", "dave"];
const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const DAVE: usize = 3;

/// The seed's own items; only their timers are shorter.
const ITEMS: &[u8] = include_bytes!("../../../items.json");
/// So many times shorter is the demo than the seed's sale.
const TIMES_SHORTER: u64 = 10;
/// So many times longer it is if people are to bid.
const TIMES_LONGER: u64 = 10;

/// One move of the play.
struct Move {
    at_ms: u64,
    bidder: usize,
    lot: &'static str,
    amount: u64,
    /// Whether the "no" is the point; else the bidder goes along with what others bid.
    is_vain: bool,
}

const fn bid(at_ms: u64, bidder: usize, lot: &'static str, amount: u64) -> Move {
    Move { at_ms, bidder, lot, amount, is_vain: false }
}

const fn vain(at_ms: u64, bidder: usize, lot: &'static str, amount: u64) -> Move {
    Move { at_ms, bidder, lot, amount, is_vain: true }
}

/// With timers of 12, 6, 3, 5 and 7 seconds. Lot 3 finds only a bid that is too low,
/// which starts no timer: it closes unsold when the sale's hours end.
const PLAY: &[Move] = &[
    bid(900, ALICE, "1", 60),
    bid(1_700, BOB, "1", 75),
    bid(2_500, CAROL, "2", 120),
    vain(3_200, DAVE, "3", 900),
    bid(4_000, BOB, "2", 150),
    vain(4_600, BOB, "2", 160),
    bid(5_300, DAVE, "4", 30),
    bid(6_000, CAROL, "1", 90),
    bid(6_700, ALICE, "4", 45),
    bid(7_300, DAVE, "1", 100),
    bid(7_900, ALICE, "2", 260),
    vain(9_000, BOB, "2", 300),
    bid(9_700, DAVE, "4", 66),
    bid(10_500, CAROL, "5", 600),
    bid(11_200, BOB, "5", 750),
    bid(11_900, ALICE, "1", 135),
    bid(14_800, DAVE, "5", 985),
    bid(16_200, CAROL, "5", 1_200),
];

/// The lots, with timers for the demo.
pub(super) fn lots(keep_open: bool) -> Vec<LotTerms> {
    let file = read_sale_file(ITEMS, Times::Absolute).expect("the seed's items");
    let mut lots = file.lot_terms();
    for lot in &mut lots {
        if let Timer::FirstBid { duration } = lot.timer {
            let ms = duration.ms();
            let ms = if keep_open { ms * TIMES_LONGER } else { ms / TIMES_SHORTER };
            lot.timer = Timer::FirstBid { duration: Span::from_ms(ms) };
        }
    }
    lots
}

/// When lots without any bid close.
pub(super) const fn ends_in(keep_open: bool) -> Span {
    if keep_open { Span::from_s(30 * 60) } else { Span::from_ms(14_000) }
}

/// Tells the bidders what to bid, each at its moment.
pub(super) async fn direct(bidders: Vec<mpsc::Sender<Wish>>, clock: Clock) {
    let start = clock.now();
    for play in PLAY {
        let passed = clock.now().since(start).ms();
        tokio::time::sleep(Duration::from_millis(play.at_ms.saturating_sub(passed))).await;
        let lot = LotId::parse(play.lot).expect("a lot's id");
        let amount = Amount::new(play.amount).expect("an amount");
        // A bidder who is gone has said why.
        let _ = bidders[play.bidder].send(Wish { lot, amount, is_vain: play.is_vain }).await;
    }
    // Until the sale ends the bidders wait for more, and so stay connected.
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::catalogue::{Catalogue, SaleTerms, VoidPolicy};
    use crate::auction::event::{Bid, Input, Outcome};
    use crate::auction::lot::LotState;
    use crate::auction::money::Currency;
    use crate::auction::name::{Name, Role};
    use crate::auction::sale::Sale;
    use crate::time::Timestamp;

    fn open_sale() -> Sale {
        let terms = SaleTerms {
            currency: Currency::seed(),
            attested: true,
            opens_at: None,
            sale_ends_at: Some(Timestamp::ZERO.plus(ends_in(false))),
            restart_grace: Span::ZERO,
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        };
        let catalogue = Catalogue::new(terms, lots(false)).expect("a catalogue");
        Sale::open(std::sync::Arc::new(catalogue), Timestamp::ZERO)
    }

    fn run_until(sale: &mut Sale, at: Timestamp) {
        while let Some((due, input)) = sale.due().filter(|(due, _)| *due <= at) {
            let event = sale.decide(due, input).expect("what is due");
            sale.apply(&event);
        }
    }

    #[test]
    fn the_play_ends_as_its_author_meant() {
        let mut sale = open_sale();
        for play in PLAY {
            let at = Timestamp::ZERO.plus(Span::from_ms(play.at_ms));
            run_until(&mut sale, at);
            let name = Name::parse(BIDDERS[play.bidder]).expect("a name");
            let lot = LotId::parse(play.lot).expect("an id");
            let amount = Amount::new(play.amount).expect("an amount");
            let bid = Bid::own(name, Role::Bidder, lot, amount);
            match sale.decide(at, Input::Bid { bid, seq: play.at_ms, reserve_met: None }) {
                Ok(event) => {
                    assert!(!play.is_vain, "{} ms", play.at_ms);
                    sale.apply(&event);
                }
                Err(_) => assert!(play.is_vain, "{} ms", play.at_ms),
            }
        }
        run_until(&mut sale, Timestamp::ZERO.plus(Span::from_s(18)));
        assert!(sale.is_closed());
        assert_eq!((sale.totals().sold, sale.totals().unsold), (4, 1));
        let mut ends: Vec<(Timestamp, bool)> = sale
            .lots()
            .map(|lot| match lot.state() {
                LotState::Closed { outcome, at } => (*at, matches!(outcome, Outcome::Sold { .. })),
                _ => panic!("an open lot"),
            })
            .collect();
        assert_eq!(ends.iter().filter(|(_, sold)| *sold).count(), 4);
        ends.sort();
        ends.dedup_by_key(|(at, _)| *at);
        assert_eq!(ends.len(), 5, "the lots end at different times");
    }
}
