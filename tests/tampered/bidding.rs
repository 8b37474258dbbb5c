//! Bids in a hall with staff: by whom, when, how much, and the end that each leads to.

use gavel::audit::{FindingKind, audit};
use gavel::ledger::entry::Kind;
use gavel::record::SignedBid;
use serde_json::json;

use super::forge::{Forge, Piece};
use super::halls::{evening, hall};
use super::staff::{check, paddle, people};
use super::world::{at, world};

/// Another signed bid in the place of the one at `ms`.
fn instead(forge: &mut Forge, ms: u64, bid: &SignedBid) -> usize {
    let line = forge.find(Kind::Bid, ms);
    forge.pieces[line].set_bid(bid);
    line
}

/// A further bid after the entry of `kind` at `after`, on a lot that ends at `ends_at`.
pub(crate) fn further(
    forge: &mut Forge,
    (kind, after): (Kind, u64),
    bid: &SignedBid,
    ends_at: Option<u64>,
) -> usize {
    let mut body = json!({"evidence": "signed", "lag_us": 1});
    if let Some(ms) = ends_at {
        body["ends_at"] = json!(at(ms).unix_ms());
    }
    let mut piece = Piece::new(Kind::Bid, after + 50, body);
    piece.set_bid(bid);
    let line = forge.find(kind, after) + 1;
    forge.put(line, piece)
}

#[test]
fn amounts_follow_the_ask() {
    let (hall, bob) = (hall(), &people().bob);
    check(hall, "below the increment", FindingKind::Increment, |forge| {
        instead(forge, 66_000, &hall.bid(bob, "3", 109, 5))
    });
    check(hall, "equal to the price", FindingKind::Increment, |forge| {
        instead(forge, 66_000, &hall.bid(bob, "3", 100, 5))
    });
    let evening = evening();
    check(evening, "below the start of a lot that begins again", FindingKind::Rule, |forge| {
        instead(forge, 1_400, &evening.bid(bob, "3", 99, 2))
    });
}

#[test]
fn a_replay_that_broke_off_is_not_called_whole() {
    let (hall, bob) = (hall(), &people().bob);
    let extent = |ledger: &[u8]| {
        let checked = audit(ledger, world().anchors()).checked;
        let replayed = checked.iter().find_map(|line| line.split_once("replayed by the rules, "));
        replayed.expect("it was replayed").1.to_owned()
    };
    assert_eq!(extent(&hall.ledger), "each time, end, winner and price");
    let mut forge = Forge::of(&hall.ledger);
    instead(&mut forge, 66_000, &hall.bid(bob, "3", 109, 5));
    assert_eq!(extent(&forge.forged()), "as far as the rules could follow");
}

#[test]
fn who_may_bid() {
    let (hall, people) = (hall(), people());
    let bob = &people.bob;
    check(hall, "the leader raises", FindingKind::Rule, |forge| {
        instead(forge, 66_000, &hall.bid(&people.alice_again, "3", 120, 2))
    });
    check(hall, "the leader raises though the reserve is met", FindingKind::Rule, |forge| {
        let bid = hall.bid(bob, "1", 600, 3);
        let line = further(forge, (Kind::Bid, 1_600), &bid, Some(31_200));
        forge.body(line)["reserve_met"] = json!(true);
        line
    });
    check(hall, "a clerk bids", FindingKind::Role, |forge| {
        let bid = hall.bid(&people.cleo, "6", 100, 70);
        further(forge, (Kind::Pause, 15_400), &bid, Some(80_000))
    });
}

#[test]
fn room_bids_are_for_clerks_where_the_terms_take_them() {
    let (hall, _evening, people) = (hall(), evening(), people());
    let enter = |forge: &mut Forge, act| {
        let line = forge.find(Kind::Bid, 2_100);
        forge.pieces[line].set_act(&act);
        line
    };
    check(hall, "a room bid below the start", FindingKind::Rule, |forge| {
        enter(forge, hall.enter(&people.cleo, 20, paddle(), "2", 99))
    });
    check(hall, "a room bid on a lot that is not there", FindingKind::Rule, |forge| {
        enter(forge, hall.enter(&people.cleo, 20, paddle(), "99", 300))
    });
}

#[test]
fn bids_are_for_open_lots() {
    let (hall, people) = (hall(), people());
    let bob = &people.bob;
    check(hall, "on a lot that was hammered", FindingKind::Closed, |forge| {
        further(forge, (Kind::Bid, 3_000), &hall.bid(bob, "2", 400, 3), None)
    });
    check(hall, "on a lot that was withdrawn", FindingKind::Closed, |forge| {
        further(forge, (Kind::Extend, 14_200), &hall.bid(bob, "5", 400, 4), None)
    });
    check(hall, "at the end that a pause has moved", FindingKind::Closed, |forge| {
        let line = forge.find(Kind::Bid, 66_000);
        forge.pieces[line].ts = 70_000;
        line
    });
}

#[test]
fn a_bid_leads_to_the_end_that_the_soft_close_gives() {
    let (hall, evening) = (hall(), evening());
    let end = |forge: &mut Forge, ms: u64, ends_at: u64| {
        let line = forge.find(Kind::Bid, ms);
        forge.body(line)["ends_at"] = json!(at(ends_at).unix_ms());
        line
    };
    for (what, ms, ends_at) in [
        ("an extension withheld", 66_000, 70_000),
        ("an extension to the hard end that no pause has moved", 66_000, 65_000),
        ("an extension by a bid before the window", 14_000, 60_001),
        ("an extension too short", 79_000, 88_999),
        ("an end that the first bid does not start", 1_200, 31_201),
    ] {
        check(hall, what, FindingKind::Extension, |forge| end(forge, ms, ends_at));
    }
    check(hall, "an end withheld", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::Bid, 1_200);
        forge.pieces[line].drop_key("ends_at");
        line
    });
    check(hall, "an end for a lot that only the hammer closes", FindingKind::Extension, |forge| {
        end(forge, 2_100, 60_000)
    });
    check(evening, "a soft close by a refused bid", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "1");
        forge.pieces[line].ts = 25_000;
        line
    });
}
