//! What staff type is taken as they mean it, or not at all.

use std::sync::Arc;

use super::*;
use crate::auction::catalogue::{Catalogue, LotTerms, SaleTerms, Timer, VoidPolicy};
use crate::auction::event::{Bid, Input};
use crate::auction::increments::Increments;
use crate::auction::name::Role;
use crate::time::Span;

fn lot_id(text: &str) -> LotId {
    LotId::parse(text).expect("an id")
}

fn euro() -> Currency {
    Currency::new(Some("EUR"), 2).expect("a currency")
}

/// A sale of three lots: the first is open with a bid of 1.50 by entry 9, the others wait.
fn sale() -> Sale {
    let lot = |id: &str| LotTerms {
        id: lot_id(id),
        name: Title::parse("A thing").expect("a title"),
        start: Amount::new(100).expect("in range"),
        increments: Increments::constant(50).expect("a table"),
        timer: Timer::Manual,
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    };
    let terms = SaleTerms {
        currency: euro(),
        attested: false,
        opens_at: None,
        sale_ends_at: None,
        restart_grace: Span::ZERO,
        room_bids: true,
        void_policy: VoidPolicy::Reinstate,
    };
    let catalogue = Catalogue::new(terms, vec![lot("1"), lot("2"), lot("vase")]);
    let mut sale = Sale::open(Arc::new(catalogue.expect("a catalogue")), at(0));
    let act = crate::auction::act::Act {
        by: Name::parse("ada").expect("a name"),
        role: Role::Auctioneer,
        deed: Deed::Open { lot: lot_id("1") },
        reason: None,
    };
    let word = crate::auction::act::Word::Nothing;
    let opened = sale.decide(at(1), Input::Act { act, word }).expect("opens");
    sale.apply(&opened);
    let alice = Name::parse("alice").expect("a name");
    let bid = Bid::own(alice, Role::Bidder, lot_id("1"), Amount::new(150).expect("in range"));
    let stands = sale.decide(at(2), Input::Bid { bid, seq: 9, reserve_met: None });
    sale.apply(&stands.expect("stands"));
    sale
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_780_315_200_000 + ms).expect("in range")
}

fn read(line: &str, current: Option<&str>) -> Result<Wanted, Unclear> {
    let (sale, current) = (sale(), current.map(lot_id));
    let words: Vec<&str> = line.split_whitespace().collect();
    View { sale: &sale, current: current.as_ref(), now: at(5) }.read(&words)
}

fn why(text: &str) -> Option<Title> {
    Some(Title::parse(text).expect("a title"))
}

#[test]
fn a_lot_is_named_or_is_the_one_that_is_being_sold() {
    let hammer = deed(Deed::Hammer { lot: lot_id("1"), seen: Some(9) }, None);
    assert_eq!(read("hammer 1", None), Ok(hammer.clone()));
    assert_eq!(read("H", Some("1")), Ok(hammer.clone()));
    assert_eq!(read("h 1 1.50", Some("2")), Ok(hammer));
    assert_eq!(read("h", None), Err(Unclear::NoCurrentLot));
    assert_eq!(read("h 7", None), Err(Unclear::NoSuchLot { lot: "7".to_owned() }));
    let open = |id| Ok(deed(Deed::Open { lot: lot_id(id) }, None));
    assert_eq!(read("n", None), open("2"));
    assert_eq!(read("open VASE", None), open("vase"));
}

#[test]
fn a_hammer_names_the_bid_that_was_seen() {
    let seen_other = read("hammer 1 1.00", None).expect_err("another price");
    assert_eq!(seen_other.to_string(), "another bid has come in: 1.50 EUR stands, not 1.00 EUR");
    assert_eq!(read("pass 1", None), Err(Unclear::WouldSell));
    assert_eq!(read("p", Some("2")), Ok(deed(Deed::Hammer { lot: lot_id("2"), seen: None }, None)));
}

#[test]
fn what_is_left_of_the_line_says_why() {
    let void = |reason| Ok(deed(Deed::Void { lot: lot_id("1"), seen: Some(9) }, reason));
    assert_eq!(read("void 1 typo, meant 200", None), void(why("typo, meant 200")));
    assert_eq!(read("void typo, meant 200", Some("1")), void(why("typo, meant 200")));
    assert_eq!(read("void 7 typo", Some("1")), Err(Unclear::NoSuchLot { lot: "7".to_owned() }));
    // Without a reason the rules refuse it, with a code of their own.
    assert_eq!(read("void 1", None), void(None));
    let extend = Deed::Extend { lot: lot_id("2"), ends_at: at(5 + 300_000) };
    assert_eq!(read("extend 2 5m snow", None), Ok(deed(extend, why("snow"))));
    let until = read("extend 2 2026-06-01T12:00:00+02:00 snow", None).expect("a time");
    let ends_at = Timestamp::from_unix_ms(1_780_308_000_000).expect("in range");
    assert_eq!(until, deed(Deed::Extend { lot: lot_id("2"), ends_at }, why("snow")));
}

#[test]
fn the_room_bids_by_paddle_or_name() {
    let enter = |party, lot, amount| {
        let amount = Amount::new(amount).expect("in range");
        let order = Order::Enter { party, lot: lot_id(lot), amount };
        Ok(Wanted::Act { order, reason: None })
    };
    let name = |text| Name::parse(text).expect("a name");
    assert_eq!(read("bid 12 1 2", None), enter(Party::Paddle(name("12")), "1", 200));
    assert_eq!(read("bid 12 2.50", Some("1")), enter(Party::Paddle(name("12")), "1", 250));
    assert_eq!(read("bid @Bob 1 2", None), enter(Party::Named(name("bob")), "1", 200));
    let amount = read("bid 12 1 2,50", None).expect_err("no amount");
    assert!(amount.to_string().contains("write 1.50"), "{amount}");
    assert!(matches!(read("bid 12", Some("1")), Err(Unclear::Form { .. })));
}

#[test]
fn what_is_unclear_does_nothing() {
    for line in ["", "frob 1", "say", "extend 1", "extend 1 soon", "reserve 1", "close-sale now"] {
        assert!(read(line, Some("1")).is_err(), "{line}");
    }
    let said = read("say a\u{1b}[2J", None).expect_err("it would move a cursor");
    assert!(!said.to_string().contains('\u{1b}'));
}
