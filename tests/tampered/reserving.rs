//! Hidden reserves: what the house said of them, and what opens them.

use gavel::audit::FindingKind;
use gavel::ledger::Hash;
use gavel::ledger::entry::Kind;
use serde_json::{Value, json};

use super::forge::{Forge, Piece};
use super::halls::{OF_CLOCK, OF_VASE, OF_VASE_LOWERED, hall};
use super::staff::{check, lower, opening, people};

pub(crate) fn opened((reserve, nonce): (u64, u8)) -> Value {
    json!({"nonce": Hash::from_bytes([nonce; 32]).to_string(), "reserve": reserve})
}

pub(crate) fn flag(forge: &mut Forge, kind: Kind, ms: u64, met: bool) -> usize {
    let line = forge.find(kind, ms);
    forge.body(line)["reserve_met"] = json!(met);
    line
}

#[test]
fn what_was_said_of_prices_is_kept() {
    let hall = hall();
    check(hall, "a bid that was beaten said to meet the reserve", FindingKind::Reserve, |forge| {
        flag(forge, Kind::Bid, 1_500, true);
        forge.find_lot(Kind::LotClose, "1")
    });
    check(hall, "yes and then no of a greater price", FindingKind::Reserve, |forge| {
        flag(forge, Kind::Bid, 1_200, true);
        flag(forge, Kind::Bid, 1_300, false)
    });
    check(hall, "a lowered reserve that the price did not meet", FindingKind::Reserve, |forge| {
        flag(forge, Kind::Reserve, 2_200, false);
        let line = forge.find(Kind::LotClose, 2_300);
        forge.body(line)["outcome"] = json!("unsold/reserve-not-met");
        forge.pieces[line].drop_key("paddle");
        forge.pieces[line].drop_key("price");
        line
    });
}

#[test]
fn it_is_said_of_prices_on_lots_with_a_reserve_and_of_no_others() {
    let hall = hall();
    for (what, kind, ms) in [
        ("not said of a room bid", Kind::Bid, 2_100),
        ("not said after a void", Kind::Void, 1_400),
        ("not said under the lower reserve", Kind::Reserve, 2_200),
    ] {
        check(hall, what, FindingKind::Reserve, |forge| {
            let line = forge.find(kind, ms);
            forge.pieces[line].drop_key("reserve_met");
            line
        });
    }
    check(hall, "said after a void on a lot without", FindingKind::Reserve, |forge| {
        flag(forge, Kind::Void, 83_000, true)
    });
}

#[test]
fn every_commitment_is_opened_once_its_lot_has_ended() {
    let hall = hall();
    let ends = [
        (Kind::LotClose, 31_200),
        (Kind::LotClose, 2_300),
        (Kind::LotClose, 60_000),
        (Kind::Withdraw, 14_100),
    ];
    for (kind, ms) in ends {
        check(hall, "a reserve never revealed", FindingKind::Reserve, |forge| {
            let line = forge.find(kind, ms);
            forge.pieces[line].drop_key("reserves");
            line
        });
        check(hall, "an opening with another nonce", FindingKind::Reserve, |forge| {
            let line = forge.find(kind, ms);
            forge.body(line)["reserves"][0]["nonce"] = json!("0".repeat(64));
            line
        });
        check(hall, "an opening too many", FindingKind::Reserve, |forge| {
            let line = forge.find(kind, ms);
            let more = forge.body(line)["reserves"].as_array_mut().expect("openings");
            more.push(opened((1, 1)));
            line
        });
    }
    let of_vase = |forge: &mut Forge, openings: Value| {
        let line = forge.find(Kind::LotClose, 2_300);
        forge.body(line)["reserves"] = openings;
        line
    };
    check(hall, "the first reserve alone", FindingKind::Reserve, |forge| {
        of_vase(forge, json!([opened(OF_VASE)]))
    });
    check(hall, "openings in another order", FindingKind::Reserve, |forge| {
        of_vase(forge, json!([opened(OF_VASE_LOWERED), opened(OF_VASE)]))
    });
    check(hall, "an opening where nothing was committed to", FindingKind::Reserve, |forge| {
        let line = forge.find_lot(Kind::LotClose, "6");
        forge.body(line)["reserves"] = json!([opened(OF_CLOCK)]);
        line
    });
    check(hall, "an empty list of openings", FindingKind::Schema, |forge| {
        let line = forge.find_lot(Kind::LotClose, "6");
        forge.body(line)["reserves"] = json!([]);
        line
    });
}

#[test]
fn a_reserve_is_only_lowered() {
    let (hall, people) = (hall(), people());
    let raised_to = |reserve: u64| {
        move |forge: &mut Forge| {
            let line = forge.find(Kind::Reserve, 2_200);
            let deed = lower("2", &opening(reserve, 0xc2));
            forge.pieces[line].set_act(&hall.act(&people.ada, 20, deed));
            flag(forge, Kind::Reserve, 2_200, false);
            let line = forge.find(Kind::LotClose, 2_300);
            let body = forge.body(line);
            body["outcome"] = json!("unsold/reserve-not-met");
            body["reserves"] = json!([opened(OF_VASE), opened((reserve, 0xc2))]);
            forge.pieces[line].drop_key("paddle");
            forge.pieces[line].drop_key("price");
            line
        }
    };
    check(hall, "a reserve kept as it was", FindingKind::Reserve, raised_to(900));
    check(hall, "a reserve given to a lot without", FindingKind::Reserve, |forge| {
        let line = forge.find(Kind::Pause, 3_100);
        let act = hall.act(&people.ada, 35, lower("3", &opening(100, 1)));
        let piece = Piece::new(Kind::Reserve, 3_050, json!({"reserve_met": true}));
        forge.put(line, piece.acted(&act))
    });
}

#[test]
fn outcomes_follow_the_reserve() {
    let hall = hall();
    check(hall, "hammered under the reserve", FindingKind::Winner, |forge| {
        let line = forge.find(Kind::Reserve, 2_200);
        forge.pieces.remove(line);
        forge.body(line)["reserves"] = json!([opened(OF_VASE)]);
        line
    });
}

#[test]
fn the_catalogue_commits_to_reserves() {
    check(hall(), "no reserve", FindingKind::Rules, |forge| {
        forge.pieces[1].drop_key("reserve_commit");
        0
    });
}
