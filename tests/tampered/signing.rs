//! What staff sign: nobody else's words, once, by a key that is theirs, over the ledger
//! that they saw.

use gavel::auction::act::Deed;
use gavel::audit::FindingKind;
use gavel::ledger::Hash;
use gavel::ledger::entry::Kind;
use gavel::record::{Head, SignedAct};
use serde_json::{Value, json};

use super::forge::Forge;
use super::halls::{evening, hall};
use super::staff::{Hall, check, id, people, reissue};
use super::world::{at, name};

/// What is changed in an entry, which is found by its kind and time.
type Edit = (&'static str, Kind, u64, fn(&mut Value));

pub(crate) fn pause(base: &Hall, n: u64) -> SignedAct {
    base.act(&people().cleo, n, Deed::Pause { lot: id("3") })
}

/// Another signed act in the place of the pause of lot 3.
pub(crate) fn paused(forge: &mut Forge, act: &SignedAct) -> usize {
    let line = forge.find(Kind::Pause, 3_100);
    forge.pieces[line].set_act(act);
    line
}

#[test]
fn an_act_is_its_signers_own_word() {
    let hall = hall();
    let edits: [Edit; 7] = [
        ("the bid that was seen", Kind::LotClose, 2_300, |body| body["act"]["seen"] = json!(1)),
        ("a paddle", Kind::Bid, 2_100, |body| body["act"]["paddle"] = json!("18")),
        ("a commitment", Kind::Reserve, 2_200, |body| {
            body["act"]["reserve_commit"] = json!("0".repeat(64));
        }),
        ("a lot", Kind::Resume, 13_100, |body| {
            body["act"]["lot"] = json!("4");
            body["lot"] = json!("4");
        }),
        ("an end", Kind::Extend, 14_200, |body| {
            let later = json!(at(81_000).unix_ms());
            body["act"]["ends_at"] = later.clone();
            body["ends_at"] = later;
        }),
        ("what was said", Kind::Say, 14_700, |body| body["act"]["text"] = json!("A poor rug.")),
        ("a name", Kind::Reissue, 15_000, |body| body["act"]["name"] = json!("bob")),
    ];
    for (what, kind, ms, edit) in edits {
        check(hall, what, FindingKind::BidSignature, |forge| {
            let line = forge.find(kind, ms);
            edit(forge.body(line));
            line
        });
    }
    check(hall, "a borrowed signature", FindingKind::BidSignature, |forge| {
        let line = forge.find(Kind::Closing, 40_000);
        let sig = forge.pieces[forge.find(Kind::Reissue, 15_000)].body["sig"].clone();
        forge.body(line)["sig"] = sig;
        line
    });
    check(hall, "a signature of zeros", FindingKind::Signature, |forge| {
        let line = forge.find(Kind::Closing, 40_000);
        forge.body(line)["sig"] = json!(format!("{}==", "A".repeat(86)));
        line
    });
}

#[test]
fn an_act_is_by_a_key_of_its_signer() {
    let (hall, people) = (hall(), people());
    check(hall, "for another sale", FindingKind::Rule, |forge| {
        let mut act = pause(evening(), 30);
        act.statement.head = hall.head;
        paused(forge, &SignedAct::sign(act.statement, &people.cleo.bid_key))
    });
    check(hall, "by a key whose name was reissued", FindingKind::Revoked, |forge| {
        let line = forge.find(Kind::Reissue, 15_000);
        let deed = reissue(&name("cleo"), &people.cleo, &people.alice_again);
        forge.pieces[line].set_act(&hall.act(&people.ada, 90, deed));
        // Alice's other key gets no name now: her lines go with it.
        for (kind, ms) in [(Kind::Enrol, 15_100), (Kind::Refusal, 15_200), (Kind::Bid, 15_300)] {
            let line = forge.find(kind, ms);
            forge.pieces.remove(line);
        }
        forge.find(Kind::Pause, 15_400)
    });
}

#[test]
fn a_number_is_used_once() {
    let hall = hall();
    check(hall, "a number used before", FindingKind::ReusedN, |forge| {
        paused(forge, &pause(hall, 20))
    });
}

#[test]
fn an_act_names_a_ledger_that_was_sealed() {
    let (hall, people) = (hall(), people());
    let heads = [
        ("a size that was never sealed", Head { size: hall.head.size + 1, ..hall.head }),
        ("a tree to come", Head { root: Hash::of(b"later"), size: 1_000 }),
    ];
    for (what, head) in heads {
        check(hall, what, FindingKind::Head, |forge| {
            let mut act = pause(hall, 30);
            act.statement.head = head;
            paused(forge, &SignedAct::sign(act.statement, &people.cleo.bid_key))
        });
    }
}

#[test]
fn an_act_has_the_fields_of_its_kind() {
    let hall = hall();
    let edits: [Edit; 11] = [
        ("another kind's field", Kind::Pause, 3_100, |body| body["act"]["seen"] = json!(1)),
        ("a field that no act has", Kind::Pause, 3_100, |body| body["act"]["why"] = json!("x")),
        ("no such act", Kind::Pause, 3_100, |body| body["act"]["act"] = json!("stop")),
        ("another act than the entry's", Kind::Pause, 3_100, |body| {
            body["act"]["act"] = json!("resume");
        }),
        ("a room bid as an act", Kind::Pause, 3_100, |body| {
            body["act"]["act"] = json!("enter");
            body["act"]["amount"] = json!(100);
            body["act"]["paddle"] = json!("17");
        }),
        ("an empty reason", Kind::Void, 1_400, |body| body["act"]["reason"] = json!("")),
        ("a paddle and a name", Kind::Bid, 2_100, |body| body["act"]["name"] = json!("bob")),
        ("a bid and an act", Kind::Bid, 2_100, |body| body["bid"] = json!({})),
        ("another lot than the act's", Kind::LotOpen, 2_000, |body| body["lot"] = json!("10")),
        ("another end than the act's", Kind::Extend, 14_200, |body| {
            body["ends_at"] = json!(at(81_000).unix_ms());
        }),
        ("a closing of a lot", Kind::Closing, 40_000, |body| body["act"]["lot"] = json!("1")),
    ];
    for (what, kind, ms, edit) in edits {
        check(hall, what, FindingKind::Schema, |forge| {
            let line = forge.find(kind, ms);
            edit(forge.body(line));
            line
        });
    }
    check(hall, "a key in upper-case hex", FindingKind::Canonical, |forge| {
        let line = forge.find(Kind::Reissue, 15_000);
        forge.body(line)["act"]["new_key"] = json!("F".repeat(64));
        line
    });
    check(hall, "a paddle in another script", FindingKind::Charset, |forge| {
        let line = forge.find(Kind::Bid, 2_100);
        forge.body(line)["act"]["paddle"] = json!("１７");
        line
    });
    for (kind, ms) in [(Kind::Pause, 3_100), (Kind::LotOpen, 2_000), (Kind::Bid, 2_100)] {
        for key in ["act", "sig"] {
            check(hall, &format!("a {kind} without its {key}"), FindingKind::Schema, |forge| {
                let line = forge.find(kind, ms);
                forge.pieces[line].drop_key(key);
                line
            });
        }
    }
}
