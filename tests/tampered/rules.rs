//! The rules: a ledger signed by everybody, in which the auction was not held as it
//! should have been.

use gavel::auction::event::{Event, Happening, Outcome, UnsoldReason};
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Party};
use gavel::auction::refusal::Code;
use gavel::audit::{FindingKind, audit};
use gavel::ledger::entry::Kind;
use gavel::record::{
    AcceptedBid, BidEvidence, Refused, draft_bid, draft_event, draft_lot, draft_open, draft_refused,
};
use gavel::time::Timestamp;
use serde_json::json;

use super::forge::{Forge, Piece};
use super::world::{Person, at, expect, expect_of, name, world};

#[track_caller]
fn check(what: &str, kind: FindingKind, forge: impl FnOnce(&mut Forge) -> usize) {
    let mut forged = Forge::honest();
    let line = u64::try_from(forge(&mut forged)).expect("small");
    expect_of(what, &forged.forged(), kind, Some(line));
}

/// Puts a bid that its bidder really signed where Alice's raise stood.
fn bid_at(
    forge: &mut Forge,
    ms: u64,
    (who, lot, amount, n): (&Person, &str, u64, u64),
    ends_at: Timestamp,
) -> usize {
    let line = forge.find(Kind::Bid, 29_000);
    let evidence = BidEvidence::Signed(world().bid(who, lot, amount, n));
    let accepted = AcceptedBid { evidence, ends_at: Some(ends_at), reserve_met: None, lag_us: 1 };
    forge.replace(line, &draft_bid(&accepted, at(ms)));
    line
}

fn event(forge: &mut Forge, place: usize, ms: u64, what: Happening) -> usize {
    let draft = draft_event(&Event { at: at(ms), what }).expect("is no bid");
    forge.insert(place, &draft);
    place
}

fn id(text: &str) -> LotId {
    LotId::parse(text).expect("an id")
}

#[test]
fn bids_that_the_rules_refuse_are_found() {
    let world = world();
    check("below the increment", FindingKind::Increment, |forge| {
        bid_at(forge, 29_000, (&world.alice, "1", 64, 4), at(39_000))
    });
    check("equal to the price", FindingKind::Increment, |forge| {
        bid_at(forge, 29_000, (&world.alice, "1", 60, 4), at(39_000))
    });
    check("the leader raises himself", FindingKind::Rule, |forge| {
        bid_at(forge, 29_000, (&world.bob, "1", 90, 4), at(39_000))
    });
    check("below the start", FindingKind::Rule, |forge| {
        let line = forge.find(Kind::Bid, 3_000);
        let evidence = BidEvidence::Signed(world.bid(&world.bob, "2", 99, 3));
        let accepted =
            AcceptedBid { evidence, ends_at: Some(at(11_000)), reserve_met: None, lag_us: 1 };
        forge.replace(line, &draft_bid(&accepted, at(3_000)));
        line
    });
    check("on a lot that is not there", FindingKind::Rule, |forge| {
        bid_at(forge, 29_000, (&world.alice, "9", 70, 4), at(39_000))
    });
    check("on a closed lot", FindingKind::Closed, |forge| {
        bid_at(forge, 29_000, (&world.alice, "2", 700, 4), at(39_000))
    });
    check("at the lot's end", FindingKind::Closed, |forge| {
        bid_at(forge, 31_000, (&world.alice, "1", 70, 4), at(41_000))
    });
}

#[test]
fn ends_and_winners_follow_from_the_bids() {
    let world = world();
    check("an extension withheld", FindingKind::Extension, |forge| {
        bid_at(forge, 29_000, (&world.alice, "1", 70, 4), at(31_000))
    });
    check("an extension that is none", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::Bid, 2_600);
        forge.pieces[line].body["ends_at"] = json!(at(35_000).unix_ms());
        line
    });
    check("another winner", FindingKind::Winner, |forge| {
        let line = forge.find(Kind::LotClose, 39_000);
        forge.pieces[line].body["winner"] = json!("bob");
        line
    });
    check("another price", FindingKind::Winner, |forge| {
        let line = forge.find(Kind::LotClose, 39_000);
        forge.pieces[line].body["price"] = json!(60);
        line
    });
    check("sold passed off as unsold", FindingKind::Winner, |forge| {
        let line = forge.find(Kind::LotClose, 39_000);
        forge.pieces.remove(line);
        let outcome = Outcome::Unsold(UnsoldReason::NoBids);
        event(
            forge,
            line,
            39_000,
            Happening::LotClosed { lot: id("1"), outcome, reserves: Vec::new() },
        )
    });
    check("other totals", FindingKind::Totals, |forge| {
        let line = forge.find(Kind::Close, 39_000);
        forge.pieces[line].body["hammer_total"] = json!(1);
        line
    });
    let sold = |price| Outcome::Sold {
        to: Party::Named(name("bob")),
        hammer_price: Amount::new(price).expect("an amount"),
    };
    check("a lot closed twice", FindingKind::Closed, |forge| {
        let line = forge.find(Kind::Bid, 29_000);
        event(
            forge,
            line,
            22_000,
            Happening::LotClosed { lot: id("2"), outcome: sold(100), reserves: Vec::new() },
        )
    });
    check("a lot closed early", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Bid, 29_000);
        event(
            forge,
            line,
            22_000,
            Happening::LotClosed { lot: id("1"), outcome: sold(60), reserves: Vec::new() },
        )
    });
}

#[test]
fn time_and_order_are_kept() {
    check("time set back", FindingKind::Time, |forge| {
        let line = forge.find(Kind::Bid, 2_600);
        forge.pieces[line].ts = 2_499;
        line
    });
    check("a tick left out", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Tick, 21_000);
        forge.pieces.remove(line);
        line
    });
    check("a tick too early", FindingKind::Order, |forge| {
        let line = forge.find(Kind::Tick, 21_000);
        forge.pieces[line].ts = 20_999;
        line
    });
    check("a closing left out", FindingKind::Order, |forge| {
        let line = forge.find(Kind::LotClose, 11_000);
        forge.pieces.remove(line);
        line
    });
    check("a clock entry without drift", FindingKind::Clock, |forge| {
        let line = forge.find(Kind::Clock, 4_000);
        forge.pieces[line].body["wall"] = json!(at(4_100).unix_ms());
        line
    });
    check("an outage over time with entries", FindingKind::Outage, |forge| {
        let clock = forge.find(Kind::Clock, 4_000);
        assert_eq!(forge.pieces[clock - 1].kind, Kind::Seal);
        event(forge, clock, 3_500, Happening::OutageEnded { from: at(1_000) })
    });
    check("an outage without a restart", FindingKind::Outage, |forge| {
        let line = forge.find(Kind::Bid, 2_600);
        event(forge, line, 2_550, Happening::OutageEnded { from: at(2_500) })
    });
}

#[test]
fn the_terms_do_not_change() {
    let world = world();
    check("a second opening", FindingKind::Rules, |forge| {
        let line = forge.find(Kind::Bid, 2_000);
        forge.insert(line, &draft_open(&world.opening(), at(1_500)));
        line
    });
    check("a lot's terms again", FindingKind::Rules, |forge| {
        let line = forge.find(Kind::Bid, 2_000);
        forge.insert(line, &draft_lot(&world.lots[0], at(1_500)));
        line
    });
    let mut forge = Forge::honest();
    forge.pieces[1].body["start"] = json!(40);
    expect_of("a lot that line 0 does not commit to", &forge.forged(), FindingKind::Rules, Some(0));
    let mut forge = Forge::honest();
    forge.pieces.remove(2);
    expect_of("a lot left out", &forge.forged(), FindingKind::Rules, Some(2));
    let mut forge = Forge::honest();
    forge.pieces[0].body["currency"] = json!({"code": "EUR", "minor_digits": 2});
    let line = forge.find(Kind::Bid, 2_000);
    let line = Some(u64::try_from(line).expect("small"));
    expect_of("another currency", &forge.forged(), FindingKind::Rule, line);
}

#[test]
fn refusals_are_judged_like_bids() {
    let world = world();
    let refused = |forge: &mut Forge, who: &Person, amount, n, code| {
        let line = forge.find(Kind::Refusal, 2_500);
        let bid = world.bid(who, "1", amount, n);
        forge.replace(line, &draft_refused(&Refused { signed: bid.into(), code }, at(2_500)));
        line
    };
    check("a good bid refused", FindingKind::Refusal, |forge| {
        refused(forge, &world.bob, 60, 1, Code::TooLow)
    });
    check("refused for another reason", FindingKind::Refusal, |forge| {
        refused(forge, &world.bob, 58, 1, Code::AlreadyLeading)
    });
    check("a refusal of a bid that nobody made", FindingKind::BidSignature, |forge| {
        let line = refused(forge, &world.bob, 58, 1, Code::TooLow);
        forge.pieces[line].body["bid"]["amount"] = json!(57);
        line
    });
    check("recorded beyond the cap", FindingKind::Refusal, |forge| {
        let line = forge.find(Kind::Refusal, 2_500);
        for more in 1..=2 {
            let bid = world.bid(&world.bob, "1", 58, 1 + more);
            let refused = Refused { signed: bid.into(), code: Code::TooLow };
            forge.insert(
                line + usize::try_from(more).expect("small"),
                &draft_refused(&refused, at(2_500)),
            );
        }
        line + 2
    });
    // Bob's later bid was numbered 2: with the counted n it is a replay on the house's word.
    check("an accepted bid under a counted number", FindingKind::ReusedN, |forge| {
        let line = forge.find(Kind::Refusal, 2_500);
        let bob = gavel::record::BidKey::from(&world.bob.bid_key);
        let body = json!({
            "counts": [{"code": "too-low", "count": 1}],
            "keys": [{"bid_key": bob.to_string(), "n": 2}],
        });
        forge.pieces[line] = Piece { kind: Kind::Refusal, ts: 2_500, body };
        forge.find(Kind::Bid, 2_600)
    });
}

#[test]
fn after_a_wrong_line_the_others_are_not_blamed() {
    let mut forge = Forge::honest();
    let line = forge.find(Kind::Tick, 21_000);
    forge.pieces.remove(line);
    let audit = audit(&forge.forged(), world().anchors());
    assert_eq!(audit.findings.len(), 1, "{:?}", audit.findings);
    expect("a tick left out", &audit, FindingKind::Order, None);
}
