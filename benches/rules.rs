//! What the rules of the auction cost a bid, in a sale of one lot and in one of a thousand.
//!
//! ```text
//! cargo bench --bench rules
//! ```

mod timing;

use std::hint::black_box;
use std::sync::Arc;

use gavel::auction::catalogue::{Catalogue, SaleTerms, VoidPolicy};
use gavel::auction::event::{Bid, Event, Input};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{LotId, Name, Role};
use gavel::auction::sale::Sale;
use gavel::limits::RESTART_GRACE;
use gavel::record::{Times, read_sale_file};
use gavel::time::Timestamp;

use timing::Table;

/// How many bids one run takes.
const BIDS: usize = 2_000;

fn main() {
    let table = Table::begin("The rules of the auction");
    for (lots, of) in [(1, "1 lot"), (1_000, "1,000 lots")] {
        let name = |what: &str| format!("{what}, {of}");
        let sale = opened(lots);
        let first: Vec<Input> = (0..BIDS).map(|turn| bid(lots, turn % lots)).collect();
        table.measure(
            &name("decide a bid that stands"),
            BIDS,
            || first.clone(),
            |inputs| {
                for input in inputs.drain(..) {
                    black_box(sale.decide(start(), input).expect("stands"));
                }
            },
        );
        let played = played(lots);
        let low: Vec<Input> = (0..BIDS).map(|turn| bid(lots, turn % lots)).collect();
        table.measure(
            &name("decide a bid that is too low"),
            BIDS,
            || low.clone(),
            |inputs| {
                for input in inputs.drain(..) {
                    black_box(played.decide(start(), input).expect_err("is too low"));
                }
            },
        );
        let all: Vec<Input> = (0..BIDS).map(|turn| bid(lots, turn)).collect();
        let fresh = || (sale.clone(), all.clone());
        table.measure(&name("decide and apply a bid"), BIDS, fresh, |(sale, inputs)| {
            for input in inputs.drain(..) {
                take(sale, input);
            }
        });
        let events = events(lots);
        let fresh = || sale.clone();
        table.measure(&name("apply a bid"), BIDS, fresh, |sale| {
            events.iter().for_each(|event| sale.apply(event));
        });
    }
}

/// The bid of a turn: round after round over the lots, each round one unit more, by the other
/// of two bidders.
fn bid(lots: usize, turn: usize) -> Input {
    let (round, lot) = (turn / lots, turn % lots);
    let bidder = if round.is_multiple_of(2) { "ada" } else { "grace" };
    let bid = Bid::own(
        Name::parse(bidder).expect("a name"),
        Role::Bidder,
        LotId::parse(&(lot + 1).to_string()).expect("a lot id"),
        Amount::new(u64::try_from(round).expect("few") + 1).expect("an amount"),
    );
    Input::Bid { bid, seq: u64::try_from(turn).expect("few") + 1, reserve_met: None }
}

fn take(sale: &mut Sale, input: Input) -> Event {
    let event = sale.decide(start(), input).expect("stands");
    sale.apply(&event);
    event
}

/// A sale in which every lot takes bids.
fn opened(lots: usize) -> Sale {
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":86400}}"#);
    let lots: Vec<String> = (1..=lots).map(lot).collect();
    let file = format!("{{{}}}", lots.join(","));
    let file = read_sale_file(file.as_bytes(), Times::Absolute).expect("a sale file");
    let terms = SaleTerms {
        currency: Currency::seed(),
        attested: false,
        opens_at: None,
        sale_ends_at: None,
        restart_grace: RESTART_GRACE,
        room_bids: false,
        void_policy: VoidPolicy::Reinstate,
    };
    let catalogue = Catalogue::new(terms, file.lot_terms()).expect("a catalogue");
    let mut sale = Sale::open(Arc::new(catalogue), start());
    while let Some((at, input)) = sale.due().filter(|(at, _)| *at <= start()) {
        let event = sale.decide(at, input).expect("is due");
        sale.apply(&event);
    }
    sale
}

/// The same after all bids.
fn played(lots: usize) -> Sale {
    let mut sale = opened(lots);
    (0..BIDS).for_each(|turn| drop(take(&mut sale, bid(lots, turn))));
    sale
}

/// What all bids lead to.
fn events(lots: usize) -> Vec<Event> {
    let mut sale = opened(lots);
    (0..BIDS).map(|turn| take(&mut sale, bid(lots, turn))).collect()
}

fn start() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).expect("a time")
}
