//! The end of lots and of the sale: by time, by the hammer, by the close of the sale, and
//! what stands between.

use gavel::audit::FindingKind;
use gavel::ledger::entry::Kind;
use serde_json::json;

use super::forge::{Forge, Piece};
use super::halls::{evening, hall};
use super::staff::{check, people, title};
use super::world::{OPENED, at, expect_of};
use gavel::auction::act::Deed;

fn remove(forge: &mut Forge, line: usize) -> usize {
    forge.pieces.remove(line);
    line
}

#[test]
fn what_the_close_of_the_sale_causes_stands_right_after_it() {
    let hall = hall();
    check(hall, "all closings missing", FindingKind::Order, |forge| {
        for lot in ["6", "7", "10"] {
            let line = forge.find_lot(Kind::LotClose, lot);
            forge.pieces.remove(line);
        }
        forge.find(Kind::Tick, 50_000)
    });
    check(hall, "the resumption missing", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Resume, 40_000);
        remove(forge, line)
    });
    check(hall, "the resumption after a closing", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Resume, 40_000);
        forge.pieces.swap(line, line + 1);
        line
    });
    check(hall, "closings in another order", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "6");
        forge.pieces.swap(line, line + 1);
        line
    });
    check(hall, "closings a moment later", FindingKind::Order, |forge| {
        let first = forge.find(Kind::Resume, 40_000);
        for piece in &mut forge.pieces[first..=first + 3] {
            piece.ts += 1;
        }
        first
    });
    check(hall, "a lot with a bid closed as well", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "10") + 1;
        let body = json!({"lot": "3", "outcome": "sold", "price": 100, "winner": "alice"});
        forge.put(line, Piece::new(Kind::LotClose, 40_000, body))
    });
}

#[test]
fn what_staff_did_is_not_passed_off_as_the_work_of_time() {
    let hall = hall();
    for (what, kind, ms) in
        [("an opening", Kind::LotOpen, 2_000), ("a resumption", Kind::Resume, 13_100)]
    {
        check(hall, what, FindingKind::Order, |forge| {
            let line = forge.find(kind, ms);
            forge.pieces[line].drop_key("act");
            forge.pieces[line].drop_key("sig");
            line
        });
    }
}

#[test]
fn lots_close_once_and_at_their_time() {
    let hall = hall();
    check(hall, "a lot closed twice", FindingKind::Closed, |forge| {
        let line = forge.find(Kind::Bid, 3_000);
        let body = json!({"lot": "8", "outcome": "unsold/no-bids"});
        let closed = forge.find_lot(Kind::LotClose, "8");
        forge.put(closed + 1, Piece::new(Kind::LotClose, 14_600, body));
        assert!(line < closed);
        closed + 1
    });
    check(hall, "a withdrawn lot closed", FindingKind::Closed, |forge| {
        let line = forge.find(Kind::Extend, 14_200);
        let body = json!({"lot": "5", "outcome": "unsold/no-bids"});
        forge.put(line, Piece::new(Kind::LotClose, 14_150, body))
    });
    check(hall, "a moment early", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "4");
        forge.pieces[line].ts -= 1;
        line
    });
    check(hall, "at the end that an extension has moved", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Tick, 25_400);
        let body = json!({"lot": "6", "outcome": "unsold/no-bids"});
        forge.put(line, Piece::new(Kind::LotClose, 25_000, body))
    });
    check(hall, "a paused lot at the end that it had", FindingKind::Order, |forge| {
        // Lot 9 was to end at 60 s; it goes on at 40 s.
        let line = forge.find_lot(Kind::LotClose, "4") + 1;
        let body = json!({"lot": "9", "outcome": "sold", "price": 100, "winner": "alice"});
        forge.put(line, Piece::new(Kind::LotClose, 60_000, body))
    });
}

#[test]
fn the_sale_ends_when_its_terms_say() {
    let evening = evening();
    check(evening, "a lot kept open that a void has left bare", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "4");
        remove(forge, line)
    });
    check(evening, "a lot with a bid closed by the sale's end", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "5") + 1;
        let body = json!({"lot": "3", "outcome": "sold", "price": 100, "winner": "bob"});
        forge.put(line, Piece::new(Kind::LotClose, 25_000, body))
    });
}

#[test]
fn time_goes_on_while_lots_are_paused() {
    let (hall, evening) = (hall(), evening());
    check(evening, "a tick while all lots are paused", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Resume, 45_000);
        forge.put(line, Piece::new(Kind::Tick, 37_000, json!({})))
    });
    check(evening, "a tick left out once one goes on", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Tick, 60_000);
        remove(forge, line)
    });
    check(hall, "an act's time set back", FindingKind::Time, |forge| {
        let line = forge.find(Kind::Pause, 3_100);
        forge.pieces[line].ts = 2_999;
        line
    });
    check(hall, "an outage over acts", FindingKind::Outage, |forge| {
        let line = forge.find(Kind::Bid, 3_000);
        let body = json!({"from": OPENED + 2_200, "to": OPENED + 2_900});
        forge.put(line, Piece::new(Kind::Outage, 2_900, body))
    });
}

/// Lot 3 of the evening was to end at 58 s; the house was away for 5 s, and gives 60 s.
#[test]
fn no_lot_closes_for_time_that_the_house_was_away() {
    let evening = evening();
    check(evening, "at its old end", FindingKind::Order, |forge| {
        let line = forge.find_lot(Kind::LotClose, "3");
        let mut closing = forge.pieces.remove(line);
        closing.ts = 58_000;
        let after = forge.pieces.iter().position(|piece| piece.ts > 58_000).expect("later ones");
        forge.put(after, closing)
    });
    let outage = |forge: &mut Forge, from: u64, to: u64| {
        let line = forge.find(Kind::Outage, 50_000);
        let body = json!({"from": OPENED + from, "to": OPENED + to});
        forge.pieces[line] = Piece::new(Kind::Outage, to, body);
        line
    };
    check(evening, "away before the last entry", FindingKind::Outage, |forge| {
        outage(forge, 44_999, 50_000)
    });
    check(evening, "back before it was away", FindingKind::Outage, |forge| {
        outage(forge, 50_001, 50_000)
    });
    check(evening, "away for another time than it says", FindingKind::Schema, |forge| {
        let line = outage(forge, 45_000, 50_000);
        forge.body(line)["to"] = json!(OPENED + 49_000);
        line
    });
}

#[test]
fn the_close_is_the_last_word() {
    let (hall, people) = (hall(), people());
    for (what, key, value) in [
        ("another total", "hammer_total", 1_169),
        ("a lot more sold", "sold", 6),
        ("a lot less withdrawn", "withdrawn", 0),
    ] {
        check(hall, what, FindingKind::Totals, |forge| {
            let line = forge.find(Kind::Close, 93_000);
            forge.body(line)[key] = json!(value);
            line
        });
    }
    let say = Deed::Say { lot: None, text: title("Good night.") };
    for further in [0, 1] {
        check(hall, "said after the close", FindingKind::Closed, |forge| {
            let line = forge.find(Kind::Close, 93_000) + 1 + further;
            let act = hall.act(&people.ada, 500, say.clone());
            forge.put(line, Piece::new(Kind::Say, 93_000, json!({})).acted(&act))
        });
    }
    let mut forge = Forge::of(&hall.ledger);
    forge.pieces.truncate(forge.pieces.len() - 2);
    expect_of("no close", &forge.forged(), FindingKind::Unclosed, None);
}

#[test]
fn the_terms_of_a_hall_do_not_change() {
    let hall = hall();
    let mid_sale = |what: &str, change: fn(&mut Piece)| {
        check(hall, what, FindingKind::Rules, |forge| {
            let line = forge.find(Kind::Pause, 3_100);
            let mut open = forge.pieces[0].clone();
            open.ts = 3_050;
            change(&mut open);
            forge.put(line, open)
        });
    };
    mid_sale("other voids", |open| open.body["terms"]["void_policy"] = json!("reopen"));
    mid_sale("other fees", |open| open.body["terms"]["fees"]["premium_bps"] = json!(2_500));
    mid_sale("no room", |open| open.body["terms"]["room_bids"] = json!(false));
    check(hall, "a lot's other increments in mid-sale", FindingKind::Rules, |forge| {
        let line = forge.find(Kind::Pause, 3_100);
        let mut lot = forge.pieces[3].clone();
        lot.ts = 3_050;
        lot.body["increments"] = json!([[0, 5]]);
        forge.put(line, lot)
    });
    for (what, key, value) in [
        ("other increments than those committed to", "increments", json!([[0, 5]])),
        ("another hard end", "hard_end", json!(at(64_000).unix_ms())),
    ] {
        check(hall, what, FindingKind::Rules, |forge| {
            forge.body(3)[key] = value;
            0
        });
    }
    // Line 0 itself: whoever has signed has signed for another.
    for (key, value) in [
        ("void_policy", json!("reopen")),
        ("room_bids", json!(false)),
        ("fees", json!({"commission_bps": 0, "premium_bps": 1, "tax_bps": 0, "tax_on": "premium"})),
    ] {
        let mut forge = Forge::of(&hall.ledger);
        forge.body(0)["terms"][key] = value;
        let forged = forge.forged();
        for (kind, found) in [
            (forge.find(Kind::Enrol, 100), FindingKind::Enrolment),
            (forge.find(Kind::Bid, 1_200), FindingKind::Rule),
            (forge.find(Kind::Void, 1_400), FindingKind::Rule),
        ] {
            let line = u64::try_from(kind).expect("small");
            expect_of(key, &forged, found, Some(line));
        }
    }
}
