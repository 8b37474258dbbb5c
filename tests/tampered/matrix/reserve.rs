//! Hidden reserves: what the house said of them while they were hidden.

use gavel::audit::FindingKind::{Closed, Items, Reserve, Role, Rules, Winner};
use gavel::ledger::entry::Kind;
use gavel::record::{Times, read_sale_file};
use serde_json::{Value, json};

use super::case::{Brought, in_hall};
use super::{Case, Given, Row, resigned};
use crate::acting::instead;
use crate::forge::{Forge, Piece};
use crate::halls::{OF_CLOCK, OF_RUG, OF_VASE, OF_VASE_LOWERED, hall};
use crate::reserving::{flag, opened};
use crate::staff::{lower, opening, people};

pub(super) const ROWS: &[Row] = &[
    resigned(
        "reserve-said-met",
        "a price under the reserve said to meet it, so that the lot sells",
        Reserve,
        || {
            in_hall(|forge| {
                flag(forge, Kind::Bid, 14_000, true);
                let line = forge.find_lot(Kind::LotClose, "4");
                forge.pieces[line].body = json!({
                    "lot": "4", "outcome": "sold", "price": 150, "winner": "alice",
                    "reserves": [opened(OF_RUG)],
                });
                line
            })
        },
    ),
    resigned(
        "reserve-said-unmet",
        "a price that meets the reserve said to be under it, so that the lot does not sell",
        Reserve,
        || {
            in_hall(|forge| {
                flag(forge, Kind::Bid, 1_600, false);
                let line = forge.find_lot(Kind::LotClose, "1");
                forge.pieces[line].body = unsold("1", &json!([opened(OF_CLOCK)]));
                line
            })
        },
    ),
    resigned(
        "reserve-said-both",
        "the same price said to be under the reserve and to meet it",
        Reserve,
        || in_hall(|forge| flag(forge, Kind::Void, 1_400, true)),
    ),
    resigned(
        "reserve-not-said",
        "nothing said of a price on a lot with a reserve",
        Reserve,
        || in_hall(|forge| dropped(forge, (Kind::Bid, 1_200), "reserve_met")),
    ),
    resigned("reserve-said-of-none", "a reserve spoken of on a lot that has none", Reserve, || {
        in_hall(|forge| flag(forge, Kind::Bid, 3_000, true))
    }),
    resigned("reserve-never-revealed", "a reserve never revealed", Reserve, || {
        in_hall(|forge| dropped(forge, (Kind::LotClose, 31_200), "reserves"))
    }),
    resigned(
        "reserve-never-revealed-withdrawn",
        "the reserve of a withdrawn lot never revealed",
        Reserve,
        || in_hall(|forge| dropped(forge, (Kind::Withdraw, 14_100), "reserves")),
    ),
    resigned(
        "reserve-another-amount",
        "another reserve revealed than committed to",
        Reserve,
        || in_hall(|forge| reveal(forge, 31_200, json!([opened((501, OF_CLOCK.1))]))),
    ),
    resigned("reserve-another-nonce", "a reserve revealed with another nonce", Reserve, || {
        in_hall(|forge| reveal(forge, 31_200, json!([opened((OF_CLOCK.0, 1))])))
    }),
    resigned(
        "reserve-one-of-two",
        "only the lowered one of two reserves revealed",
        Reserve,
        || in_hall(|forge| reveal(forge, 2_300, json!([opened(OF_VASE_LOWERED)]))),
    )
    .also(&[Reserve]),
    resigned("reserve-raised", "a reserve raised under the name of lowering it", Reserve, || {
        in_hall(|forge| {
            let deed = lower("2", &opening(1_000, 0xc2));
            let act = hall().act(&people().ada, 20, deed);
            instead(forge, (Kind::Reserve, 2_200), &act);
            flag(forge, Kind::Reserve, 2_200, false);
            let line = reveal(forge, 2_300, json!([opened(OF_VASE), opened((1_000, 0xc2))]));
            forge.body(line)["outcome"] = json!("unsold/reserve-not-met");
            forge.pieces[line].drop_key("paddle");
            forge.pieces[line].drop_key("price");
            line
        })
    }),
    resigned("reserve-lowered-by-clerk", "a reserve lowered by a clerk", Role, || {
        in_hall(|forge| {
            let deed = lower("2", &opening(OF_VASE_LOWERED.0, OF_VASE_LOWERED.1));
            let act = hall().act(&people().cleo, 25, deed);
            instead(forge, (Kind::Reserve, 2_200), &act)
        })
    }),
    resigned("reserve-lowered-late", "a reserve lowered after the lot's end", Closed, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Pause, 3_100);
            let act = hall().act(&people().ada, 35, lower("2", &opening(100, 1)));
            forge.put(line, Piece::new(Kind::Reserve, 3_050, json!({})).acted(&act))
        })
    }),
    resigned("reserve-sold-under", "a lot sold though its reserve was not met", Winner, || {
        in_hall(|forge| {
            let line = forge.find_lot(Kind::LotClose, "4");
            forge.pieces[line].body = json!({
                "lot": "4", "outcome": "sold", "price": 150, "winner": "alice",
                "reserves": [opened(OF_RUG)],
            });
            line
        })
    }),
    resigned(
        "reserve-unsold-though-met",
        "a lot unsold though its reserve was met",
        Winner,
        || {
            in_hall(|forge| {
                let line = forge.find_lot(Kind::LotClose, "1");
                forge.pieces[line].body = unsold("1", &json!([opened(OF_CLOCK)]));
                line
            })
        },
    ),
    resigned(
        "reserve-commitment-changed",
        "the catalogue commits to another reserve",
        Rules,
        || {
            in_hall(|forge| {
                forge.body(1)["reserve_commit"] = json!("0".repeat(64));
                0
            })
        },
    ),
    resigned("reserve-not-shown", "a reserve on a lot that was shown without one", Items, || {
        let shown = br#"{"1":{"name":"A lot","highest_bid":99,"duration":30}}"#;
        let shown = read_sale_file(shown, Times::Absolute).expect("a sale file");
        Case::by_the_house(hall().ledger.clone(), 0).with(Brought::Items(Box::new(shown)))
    })
    .given(&[Given::Items])
    .also(&[Items]),
];

/// A lot's outcome when its reserve was not met.
fn unsold(lot: &str, reserves: &Value) -> Value {
    json!({"lot": lot, "outcome": "unsold/reserve-not-met", "reserves": reserves})
}

fn reveal(forge: &mut Forge, ms: u64, openings: Value) -> usize {
    let line = forge.find(Kind::LotClose, ms);
    forge.body(line)["reserves"] = openings;
    line
}

fn dropped(forge: &mut Forge, (kind, ms): (Kind, u64), key: &str) -> usize {
    let line = forge.find(kind, ms);
    forge.pieces[line].drop_key(key);
    line
}
