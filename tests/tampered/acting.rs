//! Acts of staff: who may, on which lots, why, and what follows from each.

use gavel::auction::act::Deed;
use gavel::audit::FindingKind;
use gavel::ledger::entry::Kind;
use gavel::record::SignedAct;
use serde_json::{Value, json};

use super::forge::{Forge, Piece};
use super::halls::{OF_VASE_LOWERED, evening, hall};
use super::staff::{Hall, check, id, lower, opening, people, reissue, title};
use super::world::{Person, at, name};

/// Another signed act in the entry of `kind` at `ms`.
pub(crate) fn instead(forge: &mut Forge, (kind, ms): (Kind, u64), act: &SignedAct) -> usize {
    let line = forge.find(kind, ms);
    forge.pieces[line].set_act(act);
    line
}

/// A further act of Ada's, numbered 33, in an entry of `kind` before the one of `before`.
pub(crate) fn further(
    base: &Hall,
    forge: &mut Forge,
    before: (Kind, u64),
    (kind, deed, body): (Kind, Deed, Value),
) -> usize {
    let line = forge.find(before.0, before.1);
    let act = base.act(&people().ada, 33, deed);
    forge.put(line, Piece::new(kind, before.1 - 50, body).acted(&act))
}

pub(crate) fn hammer(lot: &str, seen: Option<u64>) -> Deed {
    Deed::Hammer { lot: id(lot), seen }
}

pub(crate) fn void(lot: &str, seen: Option<u64>) -> Deed {
    Deed::Void { lot: id(lot), seen }
}

/// What the bid of that place is named by.
pub(crate) fn seq(forge: &Forge, ms: u64) -> Option<u64> {
    u64::try_from(forge.find(Kind::Bid, ms)).ok()
}

/// The hall's acts, each with the entry that it stands in.
fn acts(forge: &Forge) -> Vec<((Kind, u64), Deed)> {
    let lowered = opening(OF_VASE_LOWERED.0, OF_VASE_LOWERED.1);
    let (alice, again) = (&people().alice, &people().alice_again);
    vec![
        ((Kind::Void, 1_400), void("1", seq(forge, 1_300))),
        ((Kind::LotOpen, 2_000), Deed::Open { lot: id("2") }),
        ((Kind::Reserve, 2_200), lower("2", &lowered)),
        ((Kind::LotClose, 2_300), hammer("2", seq(forge, 2_100))),
        ((Kind::Pause, 3_100), Deed::Pause { lot: id("3") }),
        ((Kind::Resume, 13_100), Deed::Resume { lot: id("3") }),
        ((Kind::Withdraw, 14_100), Deed::Withdraw { lot: id("5") }),
        ((Kind::Extend, 14_200), Deed::Extend { lot: id("6"), ends_at: at(80_000) }),
        ((Kind::Say, 14_700), Deed::Say { lot: Some(id("6")), text: title("A fine rug.") }),
        ((Kind::Reissue, 15_000), reissue(&name("alice"), alice, again)),
        ((Kind::Closing, 40_000), Deed::Closing),
    ]
}

#[test]
fn acts_are_for_staff() {
    let (hall, people) = (hall(), people());
    let all = acts(&Forge::of(&hall.ledger));
    for (entry, deed) in all {
        let by = |who: &Person, what: &str| {
            check(hall, &format!("{} {what}", deed.as_str()), FindingKind::Role, |forge| {
                instead(forge, entry, &hall.act(who, 500, deed.clone()))
            });
        };
        by(&people.bob, "by a bidder");
        let for_clerks = [Kind::LotOpen, Kind::Pause, Kind::Resume, Kind::Say];
        if !for_clerks.contains(&entry.0) {
            by(&people.cleo, "by a clerk");
        }
    }
}

#[test]
fn what_changes_an_outcome_says_why() {
    let (hall, people) = (hall(), people());
    let all = acts(&Forge::of(&hall.ledger));
    for (entry, deed) in all.into_iter().filter(|(_, deed)| deed.needs_reason()) {
        check(hall, &format!("{} without a reason", deed.as_str()), FindingKind::Role, |forge| {
            let order = gavel::record::Order::Deed(deed.clone());
            instead(forge, entry, &hall.order(&people.ada, 500, order, None))
        });
    }
}

#[test]
fn acts_are_for_lots_in_their_state() {
    let hall = hall();
    let nothing = || json!({});
    let sold = || json!({"lot": "2", "outcome": "unsold/no-bids"});
    let here = (Kind::Refusal, 3_200);
    let rows = [
        (
            "open an open lot",
            FindingKind::Rule,
            Kind::LotOpen,
            Deed::Open { lot: id("4") },
            json!({"lot": "4"}),
        ),
        (
            "open a closed lot",
            FindingKind::Closed,
            Kind::LotOpen,
            Deed::Open { lot: id("2") },
            json!({"lot": "2"}),
        ),
        (
            "resume an open lot",
            FindingKind::Rule,
            Kind::Resume,
            Deed::Resume { lot: id("4") },
            json!({"lot": "4"}),
        ),
        (
            "resume a closed lot",
            FindingKind::Closed,
            Kind::Resume,
            Deed::Resume { lot: id("2") },
            json!({"lot": "2"}),
        ),
        (
            "pause a pending lot",
            FindingKind::Rule,
            Kind::Pause,
            Deed::Pause { lot: id("10") },
            nothing(),
        ),
        (
            "pause a paused lot",
            FindingKind::Rule,
            Kind::Pause,
            Deed::Pause { lot: id("3") },
            nothing(),
        ),
        (
            "pause a closed lot",
            FindingKind::Closed,
            Kind::Pause,
            Deed::Pause { lot: id("2") },
            nothing(),
        ),
        ("hammer a lot twice", FindingKind::Closed, Kind::LotClose, hammer("2", None), sold()),
        (
            "hammer a paused lot",
            FindingKind::Rule,
            Kind::LotClose,
            hammer("3", None),
            json!({"lot": "3", "outcome": "unsold/no-bids"}),
        ),
        (
            "hammer a pending lot",
            FindingKind::Rule,
            Kind::LotClose,
            hammer("10", None),
            json!({"lot": "10", "outcome": "unsold/no-bids"}),
        ),
        ("void on a lot without a bid", FindingKind::Rule, Kind::Void, void("6", None), nothing()),
        (
            "withdraw a closed lot",
            FindingKind::Closed,
            Kind::Withdraw,
            Deed::Withdraw { lot: id("2") },
            nothing(),
        ),
        (
            "withdraw a lot that is not there",
            FindingKind::Rule,
            Kind::Withdraw,
            Deed::Withdraw { lot: id("99") },
            nothing(),
        ),
    ];
    for (what, finding, kind, deed, body) in rows {
        check(hall, what, finding, |forge| further(hall, forge, here, (kind, deed, body)));
    }
    let extend = |lot: &str, ms: u64| Deed::Extend { lot: id(lot), ends_at: at(ms) };
    let ends = json!({"ends_at": at(90_000).unix_ms()});
    check(hall, "extend a closed lot", FindingKind::Closed, |forge| {
        further(hall, forge, here, (Kind::Extend, extend("2", 90_000), ends.clone()))
    });
    check(hall, "extend a pending lot", FindingKind::Rule, |forge| {
        further(hall, forge, here, (Kind::Extend, extend("10", 90_000), ends))
    });
    check(hall, "hammer at the lot's end", FindingKind::Closed, |forge| {
        let line = forge.find_lot(Kind::LotClose, "1");
        let body = json!({"lot": "1", "outcome": "unsold/no-bids"});
        let act = hall.act(&people().ada, 95, hammer("1", None));
        forge.put(line, Piece::new(Kind::LotClose, 31_200, body).acted(&act))
    });
}

#[test]
fn hammer_and_void_name_the_bid_that_stands() {
    let (hall, people) = (hall(), people());
    let hammered = (Kind::LotClose, 2_300);
    check(hall, "hammered as without a bid", FindingKind::Rule, |forge| {
        instead(forge, hammered, &hall.act(&people.ada, 30, hammer("2", None)))
    });
    check(hall, "a void of the bid before a later one", FindingKind::Rule, |forge| {
        let earlier = seq(forge, 15_300);
        instead(forge, (Kind::Void, 83_000), &hall.act(&people.ada, 110, void("9", earlier)))
    });
}

#[test]
fn what_a_void_leaves_follows_from_the_terms() {
    let (hall, evening) = (hall(), evening());
    check(hall, "no bid stands again", FindingKind::Rule, |forge| {
        let line = forge.find(Kind::Void, 83_000);
        forge.pieces[line].drop_key("standing");
        line
    });
    check(evening, "a bid stands again though the terms reopen", FindingKind::Rule, |forge| {
        let line = forge.find(Kind::Void, 1_300);
        forge.body(line)["standing"] = json!(seq(forge, 1_100));
        line
    });
    check(hall, "an extension too long", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::Void, 83_000);
        forge.body(line)["ends_at"] = json!(at(93_001).unix_ms());
        line
    });
}

#[test]
fn a_pause_freezes_the_time_left() {
    let hall = hall();
    for left in [56_901, 0] {
        check(hall, "another time left", FindingKind::Extension, |forge| {
            let line = forge.find(Kind::Pause, 3_100);
            forge.body(line)["left_ms"] = json!(left);
            line
        });
    }
    check(hall, "no time left", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::Pause, 3_100);
        forge.pieces[line].drop_key("left_ms");
        line
    });
    check(hall, "resumed by the closing with another end", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::Resume, 40_000);
        forge.body(line)["ends_at"] = json!(at(60_000).unix_ms());
        line
    });
    check(hall, "opened with an end that it has not", FindingKind::Extension, |forge| {
        let line = forge.find(Kind::LotOpen, 2_000);
        forge.body(line)["ends_at"] = json!(at(60_000).unix_ms());
        line
    });
}

#[test]
fn an_end_is_only_moved_forward() {
    let (hall, people) = (hall(), people());
    for (what, ms) in [("to where it is", 60_000), ("to the past", 14_000)] {
        check(hall, what, FindingKind::Extension, |forge| {
            let deed = Deed::Extend { lot: id("6"), ends_at: at(ms) };
            let act = hall.act(&people.ada, 50, deed);
            let line = instead(forge, (Kind::Extend, 14_200), &act);
            forge.body(line)["ends_at"] = json!(at(ms).unix_ms());
            line
        });
    }
}

#[test]
fn a_hammer_sells_to_who_leads_for_the_price() {
    let hall = hall();
    let change = |what: &str, change: fn(&mut Value)| {
        check(hall, what, FindingKind::Winner, |forge| {
            let line = forge.find(Kind::LotClose, 2_300);
            change(forge.body(line));
            line
        });
    };
    change("hammered to somebody of the paddle's name", |body| {
        body["winner"] = body["paddle"].take();
        body.as_object_mut().expect("a body").remove("paddle");
    });
    change("passed as without a bid", |body| {
        body["outcome"] = json!("unsold/no-bids");
        for key in ["paddle", "price"] {
            body.as_object_mut().expect("a body").remove(key);
        }
    });
}

#[test]
fn a_name_passes_from_the_key_that_has_it_to_another() {
    let (hall, people) = (hall(), people());
    let (alice, again) = (&people.alice, &people.alice_again);
    for (what, deed) in [
        ("to the key that it has", reissue(&name("alice"), alice, alice)),
        ("of a name that nobody has", reissue(&name("erin"), alice, again)),
    ] {
        check(hall, what, FindingKind::Roster, |forge| {
            instead(forge, (Kind::Reissue, 15_000), &hall.act(&people.ada, 90, deed.clone()))
        });
    }
}
