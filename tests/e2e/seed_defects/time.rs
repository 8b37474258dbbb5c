//! Timers, ends, clocks and restarts.

use std::sync::Arc;

use gavel::auction::catalogue::{Catalogue, SaleTerms, VoidPolicy};
use gavel::auction::event::{Bid, Event, Happening, Input, Outcome};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{LotId, Party, Role};
use gavel::auction::refusal::{Code, Unfit};
use gavel::auction::sale::Sale;
use gavel::audit::Verdict;
use gavel::record::{Times, read_sale_file};
use gavel::server::How;
use gavel::time::{Span, Timestamp};
use serde_json::Value;

use super::super::bidder::{Bidder, code, text};
use super::super::wire::Typist;
use super::super::world::{Plan, World, items, name};
use super::lasting;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_03_a_rejected_bid_starts_no_timer() {
    let items = items(&[("1", 50, 1), ("2", 50, 1)]);
    let (world, hall) = World::open_new(Plan { items, ..Plan::default() }).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    assert!(alice.ask("BID 1 50", "[").await.ends_with("[too-low]"));
    assert!(alice.ask("BID 1 1", "[").await.ends_with("[too-low]"));
    // A timer of the same length, begun after it, runs out: the first has not begun.
    alice.ask("BID 2 51", "Bid accepted!").await;
    let said = alice.hear("Lot 2 → alice with 51").await;
    assert!(!said.contains("Lot 1"));
    alice.ask("STATUS 1", "Its time starts with the first bid.").await;
    alice.ask("BID 1 51", "Bid accepted!").await;
    alice.hear("Lot 1 → alice with 51").await;
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_04_an_item_nobody_bids_on_closes() {
    let plan = Plan { ends_in: Some(Span::from_ms(1_200)), ..Plan::default() };
    let (world, mut hall) = World::open_new(plan).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    for id in 1..=3 {
        alice.hear(&format!("Lot {id} → nobody: there was no bid")).await;
    }
    alice.hear("The sale has closed: 0 sold, 3 unsold.").await;
    alice.ask("STATUS 2", "This item has ended. Nobody won it: there was no bid.").await;
    hall.finished().await;
    hall.stop().await;
    let closed = world.entries_of("lot_close");
    assert!(closed.iter().all(|entry| entry["body"]["outcome"] == "unsold/no-bids"));
    assert_eq!(closed.len(), 3);
    assert_eq!(world.audit(&[]).verdict(), Verdict::Valid);
}

/// A sale of two lots of 10 seconds, opened at 1000 s.
fn two_lots() -> Sale {
    let lots = read_sale_file(items(&[("1", 50, 10), ("2", 50, 10)]).as_bytes(), Times::Absolute)
        .expect("lots")
        .lot_terms();
    let terms = SaleTerms {
        currency: Currency::seed(),
        attested: false,
        opens_at: None,
        sale_ends_at: None,
        restart_grace: Span::from_s(60),
        room_bids: false,
        void_policy: VoidPolicy::Reinstate,
    };
    let mut sale = Sale::open(Arc::new(Catalogue::new(terms, lots).expect("lots")), at(0));
    for lot in ["1", "2"] {
        let lot = LotId::parse(lot).expect("an id");
        take(&mut sale, at(0), Input::LotOpen { lot });
    }
    sale
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_000_000 + ms).expect("in range")
}

fn take(sale: &mut Sale, at: Timestamp, input: Input) -> Event {
    let event = sale.decide(at, input).expect("is taken");
    sale.apply(&event);
    event
}

fn bid(who: &str, amount: u64) -> Input {
    let lot = LotId::parse("1").expect("an id");
    let amount = Amount::new(amount).expect("an amount");
    let bid = Bid::own(name(who), Role::Bidder, lot, amount);
    Input::Bid { bid, seq: 0, reserve_met: None }
}

#[test]
fn seed_12_a_step_of_the_wall_clock_moves_no_closing() {
    let hour = 3_600_000;
    for wall in [at(2_000 + hour), Timestamp::from_unix_ms(5).expect("in range")] {
        let mut sale = two_lots();
        take(&mut sale, at(1_000), bid("alice", 60));
        let end = sale.lots().next().expect("a lot").ends_at();
        assert_eq!(end, Some(at(11_000)));
        take(&mut sale, at(2_000), Input::Clock { wall, accepted: false });
        assert_eq!(sale.lots().next().expect("a lot").ends_at(), end, "wall clock at {wall}");
        take(&mut sale, at(10_999), bid("bob", 61));
        let (due, _) = sale.due().expect("the close");
        assert_eq!(Some(due), end, "wall clock at {wall}");
    }
}

#[test]
fn seed_13_a_lot_closes_at_its_millisecond() {
    let mut sale = two_lots();
    take(&mut sale, at(500), bid("alice", 60));
    // The last millisecond counts; the end itself does not, however late it is noticed.
    let (due, input) = sale.due().expect("a tick");
    assert!(matches!(input, Input::LotClose { .. } | Input::Tick), "{input:?} at {due}");
    take(&mut sale, at(10_499), bid("bob", 61));
    let late = sale.decide(at(10_500), bid("carol", 62));
    assert!(matches!(late, Err(Unfit::Overdue { due }) if due == at(10_500)), "{late:?}");
    let (due, input) = sale.due().expect("the close");
    assert_eq!(due, at(10_500));
    let closed = take(&mut sale, due, input);
    let Happening::LotClosed { outcome: Outcome::Sold { to, .. }, .. } = closed.what else {
        panic!("{closed:?}")
    };
    assert_eq!(to, Party::Named(name("bob")));
    let late = sale.decide(at(10_500), bid("carol", 62));
    assert!(matches!(late, Err(Unfit::Refused(why)) if why.code() == Code::Closed));
}

/// Where the last bid on `lot` said that it would end, and where it did.
fn ends(world: &World, lot: &str) -> (Value, Value) {
    let of = |kind: &str| {
        let mut entries = world.entries_of(kind);
        entries.retain(|e| e["body"]["lot"] == lot || e["body"]["bid"]["lot"] == lot);
        entries.pop().unwrap_or_else(|| panic!("no {kind} of lot {lot}"))
    };
    (of("bid")["body"]["ends_at"].clone(), of("lot_close")["ts"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_13_the_ledger_closes_each_lot_at_its_end_exactly() {
    let items = items(&[("1", 0, 1), ("2", 0, 1), ("3", 0, 2)]);
    let (world, mut hall) = World::open_new(Plan { items, ..Plan::default() }).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    for lot in 1..=3 {
        alice.ask(&format!("BID {lot} 7"), "Bid accepted!").await;
    }
    hall.finished().await;
    hall.stop().await;
    for lot in ["1", "2", "3"] {
        let (promised, closed) = ends(&world, lot);
        assert_eq!(promised, closed, "lot {lot}");
    }
    assert_eq!(world.audit(&[]).verdict(), Verdict::Valid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_14_a_restart_loses_nothing() {
    let plan = Plan { items: lasting(), ..Plan::default() };
    let (world, hall) = World::open_new(plan).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut bidder = Bidder::enrolled(hall.address, &alice).await;
    let mut receipts = Vec::new();
    for (lot, amount) in [("1", 60), ("2", 160)] {
        let reply = bidder.bid(lot, amount).await;
        bidder.receipt(&reply);
        receipts.push(text(&reply["receipt"]).to_owned());
    }
    let last_bid = bidder.signed("3", 1500);
    let reply = bidder.request(last_bid.clone()).await;
    let receipt = bidder.receipt(&reply);
    assert!(!hall.stop().await.finished);
    let before = world.ledger();

    let hall = world.open().await;
    assert!(matches!(hall.how, How::WentOn { cut: None, .. }), "{:?}", hall.how);
    assert!(world.ledger().starts_with(&before), "no line was changed");
    let mut typist = Typist::enter(hall.address, &bob).await;
    typist.ask("STATUS 1", "Current highest bid is 60 by alice.").await;
    assert!(typist.ask("BID 1 60", "[").await.ends_with("[too-low]"));
    typist.ask("BID 1 61", "Bid accepted!").await;
    // Did it land? The same bytes again get the same line, not a second bid.
    let mut bidder = Bidder::again(hall.address, &alice, &bidder).await;
    let again = bidder.request(last_bid).await;
    assert_eq!(bidder.receipt(&again).entry, receipt.entry);
    assert_eq!(code(&bidder.bid("3", 1501).await), "already-leading");
    hall.stop().await;
    let receipts: Vec<&str> = receipts.iter().map(String::as_str).collect();
    let audit = world.audit(&receipts);
    assert_eq!(audit.verdict(), Verdict::Incomplete, "{:?}", audit.findings);
    assert_eq!(world.entries_of("outage").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_14_a_half_written_line_is_cut_off_and_the_rest_kept() {
    let plan = Plan { items: lasting(), ..Plan::default() };
    let (world, hall) = World::open_new(plan).await;
    let mut bidder = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let reply = bidder.bid("1", 60).await;
    bidder.receipt(&reply);
    hall.stop().await;
    let whole = world.ledger();
    let torn = [whole.as_slice(), b"{\"body\":{\"bid\":{\"amount\":9"].concat();
    std::fs::write(world.ledger_path(), torn).expect("writes");
    let hall = world.open().await;
    let How::WentOn { cut: Some(cut), .. } = &hall.how else { panic!("{:?}", hall.how) };
    assert!(std::fs::read(cut).expect("is kept").starts_with(b"{\"body\""));
    assert!(world.ledger().starts_with(&whole));
    let mut bob = Typist::enter(hall.address, &world.person("bob")).await;
    bob.ask("STATUS 1", "Current highest bid is 60 by alice.").await;
    hall.stop().await;
}
