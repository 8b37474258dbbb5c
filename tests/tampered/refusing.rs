//! Refusals in a hall: each is judged by the roster and the rules like what was taken.

use gavel::auction::act::Deed;
use gavel::auction::name::Party;
use gavel::auction::refusal::Code;
use gavel::audit::{FindingKind, Verdict, audit};
use gavel::ledger::entry::Kind;
use gavel::record::{Order, Refused, Signed, draft_refused};
use serde_json::json;

use super::forge::Forge;
use super::halls::hall;
use super::staff::{check, id, lower, opening, paddle, people, reissue};
use super::world::{at, name, world};

/// A refusal after the entry of `kind` at `ms`.
pub(crate) fn refused(
    forge: &mut Forge,
    (kind, ms): (Kind, u64),
    signed: impl Into<Signed>,
    code: Code,
) -> usize {
    let line = forge.find(kind, ms) + 1;
    let refused = Refused { signed: signed.into(), code };
    forge.insert(line, &draft_refused(&refused, at(ms)));
    line
}

#[test]
fn good_ones_are_not_refused() {
    let (hall, people) = (hall(), people());
    let (ada, cleo) = (&people.ada, &people.cleo);
    let bid_stands = |forge: &Forge| u64::try_from(forge.find(Kind::Bid, 1_600)).ok();
    check(hall, "a hammer, as if another bid were in", FindingKind::Refusal, |forge| {
        let act = hall.act(ada, 35, Deed::Hammer { lot: id("1"), seen: bid_stands(forge) });
        refused(forge, (Kind::Bid, 3_000), act, Code::BidIn)
    });
    check(hall, "a void", FindingKind::Refusal, |forge| {
        let act = hall.act(ada, 35, Deed::Void { lot: id("1"), seen: bid_stands(forge) });
        refused(forge, (Kind::Bid, 3_000), act, Code::NoBid)
    });
    check(hall, "a withdrawal of a lot with a reserve", FindingKind::Refusal, |forge| {
        let act = hall.act(ada, 35, Deed::Withdraw { lot: id("5") });
        refused(forge, (Kind::Bid, 3_000), act, Code::WithoutReserve)
    });
    check(hall, "a room bid", FindingKind::Refusal, |forge| {
        let act = hall.enter(cleo, 25, paddle(), "4", 200);
        refused(forge, (Kind::Bid, 3_000), act, Code::TooLow)
    });
    check(hall, "a room bid for a bidder", FindingKind::Refusal, |forge| {
        let act = hall.enter(cleo, 25, Party::Named(name("dora")), "4", 200);
        refused(forge, (Kind::Bid, 3_000), act, Code::Role)
    });
    check(hall, "a reissue", FindingKind::Refusal, |forge| {
        let deed = reissue(&name("alice"), &people.alice, &people.alice_again);
        refused(forge, (Kind::Bid, 3_000), hall.act(ada, 35, deed), Code::NoSuchName)
    });
    check(hall, "an extension", FindingKind::Refusal, |forge| {
        let act = hall.act(ada, 35, Deed::Extend { lot: id("6"), ends_at: at(60_001) });
        refused(forge, (Kind::Bid, 3_000), act, Code::NotLater)
    });
    check(hall, "a closing of the sale", FindingKind::Refusal, |forge| {
        refused(forge, (Kind::Bid, 3_000), hall.act(ada, 35, Deed::Closing), Code::OpenLots)
    });
}

#[test]
fn a_refusal_names_the_first_code_that_applies() {
    let (hall, people) = (hall(), people());
    let (ada, cleo, bob) = (&people.ada, &people.cleo, &people.bob);
    for (what, ms, code) in [
        ("a bid on a paused lot", 3_200, "too-low"),
        ("a bid by a key whose name was reissued", 15_200, "not-enrolled"),
    ] {
        check(hall, what, FindingKind::Refusal, |forge| {
            let line = forge.find(Kind::Refusal, ms);
            forge.body(line)["code"] = json!(code);
            line
        });
    }
    let here = (Kind::Bid, 3_000);
    let closed = id("2");
    let rows = [
        ("role before lot", hall.act(bob, 3, Deed::Pause { lot: id("99") }), Code::NoSuchLot),
        (
            "role before reason",
            hall.order(cleo, 25, Order::Deed(Deed::Withdraw { lot: closed.clone() }), None),
            Code::NoReason,
        ),
        (
            "reason before lot",
            hall.order(ada, 35, Order::Deed(Deed::Withdraw { lot: closed.clone() }), None),
            Code::Closed,
        ),
        (
            "state before what was seen",
            hall.act(ada, 35, Deed::Hammer { lot: closed, seen: None }),
            Code::BidIn,
        ),
        ("number before role", hall.act(bob, 1, Deed::Closing), Code::Role),
        (
            "a clerk's lower reserve",
            hall.act(cleo, 25, lower("4", &opening(1, 1))),
            Code::ReserveNotLowered,
        ),
        (
            "a lower reserve of a closed lot",
            hall.act(ada, 35, lower("2", &opening(1, 1))),
            Code::ReserveNotLowered,
        ),
    ];
    for (what, act, code) in rows {
        check(hall, what, FindingKind::Refusal, |forge| refused(forge, here, act, code));
    }
}

#[test]
fn a_refused_act_is_its_signers_own_word_too() {
    let hall = hall();
    check(hall, "another reason", FindingKind::BidSignature, |forge| {
        let line = forge.find(Kind::Refusal, 14_500);
        forge.body(line)["act"]["reason"] = json!("another");
        line
    });
    check(hall, "a key that nobody enrolled", FindingKind::Refusal, |forge| {
        let act = hall.act(&people().alice_again, 1, Deed::Closing);
        refused(forge, (Kind::Bid, 3_000), act, Code::NotEnrolled)
    });
    check(hall, "a bid and an act", FindingKind::Schema, |forge| {
        let line = forge.find(Kind::Refusal, 14_500);
        let bid = forge.pieces[forge.find(Kind::Refusal, 3_200)].body["bid"].clone();
        forge.body(line)["bid"] = bid;
        line
    });
}

/// Whether a reserve would have been lower, only its opening could say, and nobody has it.
#[test]
fn that_a_reserve_was_not_lowered_rests_on_the_houses_word() {
    let hall = hall();
    let mut forge = Forge::of(&hall.ledger);
    let act = hall.act(&people().ada, 35, lower("4", &opening(1, 1)));
    refused(&mut forge, (Kind::Bid, 3_000), act, Code::ReserveNotLowered);
    // Lines behind it are one further: what names a line is signed anew.
    let seen = |forge: &Forge, ms: u64| u64::try_from(forge.find(Kind::Bid, ms)).ok();
    for (kind, n, ms, deed) in [
        (Kind::LotClose, 80, 14_600, Deed::Hammer { lot: id("8"), seen: seen(&forge, 14_400) }),
        (Kind::Void, 110, 83_000, Deed::Void { lot: id("9"), seen: seen(&forge, 79_000) }),
    ] {
        let line = forge.find(kind, ms);
        forge.pieces[line].set_act(&hall.act(&people().ada, n, deed));
    }
    let void = forge.find(Kind::Void, 83_000);
    forge.body(void)["standing"] = json!(seen(&forge, 15_300));
    let audit = audit(&forge.forged(), world().anchors());
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let said = "1 refusal of a lower reserve: the house's word that it was not lower";
    assert!(audit.unchecked.iter().any(|line| line == said), "{:?}", audit.unchecked);
}
