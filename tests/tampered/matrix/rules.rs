//! A ledger signed by everybody, in which the auction was not held as it should have been.

use gavel::auction::event::{Happening, Outcome, UnsoldReason};
use gavel::auction::money::Amount;
use gavel::auction::name::Party;
use gavel::auction::refusal::Code;
use gavel::audit::FindingKind::{
    Clock, Closed, Enrolment, Extension, Increment, Order, Outage, Refusal, Role as WrongRole,
    Rule, Rules, Time, Totals, Winner,
};
use gavel::ledger::entry::Kind;
use gavel::record::{BidKey, Refused, draft_lot, draft_open, draft_refused};
use serde_json::json;

use super::Expected::Valid;
use super::case::{in_evening, in_hall, spring};
use super::spring::{bid_at, event, id, opened_as};
use super::{Case, Row, resigned};
use crate::bidding::further;
use crate::forge::{Forge, Piece};
use crate::halls::hall;
use crate::held::cut_and_closed;
use crate::staff::people;
use crate::world::{OPENED, at, name, world};

pub(super) const ROWS: &[Row] = &[
    // ---- Bids ----
    resigned("rules-below-increment", "a bid below the increment", Increment, || {
        raised(&world().alice, "1", 64)
    }),
    resigned("rules-equal-to-price", "a bid equal to the price", Increment, || {
        raised(&world().alice, "1", 60)
    }),
    resigned("rules-below-start", "a bid below the start", Rule, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Bid, 14_000);
            forge.pieces[line].set_bid(&hall().bid(&people().alice, "4", 99, 4));
            line
        })
    }),
    resigned("rules-leader-raises", "the leader raises their own bid", Rule, || {
        raised(&world().bob, "1", 90)
    }),
    resigned("rules-no-such-lot", "a bid on a lot that is not there", Rule, || {
        raised(&world().alice, "9", 70)
    }),
    resigned("rules-seller-bids", "the seller bids", Rule, || {
        in_hall(|forge| {
            let bid = hall().bid(&people().dora, "7", 100, 1);
            further(forge, (Kind::Pause, 15_400), &bid, Some(70_000))
        })
    }),
    resigned("rules-staff-bid", "an auctioneer bids", WrongRole, || {
        in_hall(|forge| {
            let bid = hall().bid(&people().ada, "6", 100, 95);
            further(forge, (Kind::Pause, 15_400), &bid, Some(80_000))
        })
    }),
    resigned("rules-before-opening", "a bid on a lot that has not opened", Rule, || {
        in_hall(|forge| {
            further(forge, (Kind::Pause, 15_400), &hall().bid(&people().dora, "10", 100, 1), None)
        })
    }),
    resigned("rules-while-paused", "a bid on a paused lot", Rule, || {
        in_hall(|forge| {
            let bid = hall().bid(&people().dora, "3", 110, 1);
            further(forge, (Kind::Pause, 3_100), &bid, Some(60_000))
        })
    }),
    resigned("rules-after-close", "a bid on a closed lot", Closed, || {
        raised(&world().alice, "2", 700)
    }),
    resigned("rules-at-the-end", "a bid at the lot's end", Closed, || {
        spring(|forge| {
            let line = bid_at(forge, 31_000, (&world().alice, "1", 70, 4), at(41_000));
            let late = forge.pieces.remove(line);
            let revoked = forge.find(Kind::Revoke, 30_000);
            forge.put(revoked + 1, late)
        })
    }),
    // ---- Ends ----
    resigned("rules-extension-withheld", "an extension withheld", Extension, || {
        spring(|forge| bid_at(forge, 29_000, (&world().alice, "1", 70, 4), at(31_000)))
    }),
    resigned("rules-extension-invented", "an extension that no bid has caused", Extension, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_600);
            forge.body(line)["ends_at"] = json!(at(35_000).unix_ms());
            line
        })
    }),
    resigned("rules-past-hard-end", "an extension past the hard end", Extension, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Bid, 66_000);
            forge.body(line)["ends_at"] = json!(at(76_000).unix_ms());
            line
        })
    }),
    resigned("rules-closed-early", "a lot closed early", Order, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 29_000);
            event(forge, line, 22_000, closed("1", sold("bob", 60)))
        })
    }),
    resigned("rules-closing-left-out", "a closing left out", Order, || {
        spring(|forge| removed(forge, Kind::LotClose, 11_000))
    }),
    resigned("rules-closed-twice", "a lot closed twice", Closed, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 29_000);
            event(forge, line, 22_000, closed("2", sold("bob", 100)))
        })
    }),
    resigned("rules-sale-end-ignored", "lots kept open past the end of the sale", Order, || {
        in_evening(|forge| {
            for lot in ["2", "5"] {
                let line = forge.find_lot(Kind::LotClose, lot);
                forge.pieces.remove(line);
            }
            forge.find(Kind::Void, 26_000)
        })
    }),
    resigned("rules-stagger-ignored", "a lot closed at another lot's end", Order, || {
        in_evening(|forge| {
            let line = forge.find_lot(Kind::LotClose, "1") + 1;
            let body = json!({"lot": "2", "outcome": "unsold/no-bids"});
            forge.put(line, Piece::new(Kind::LotClose, 20_000, body))
        })
    }),
    // ---- Outcomes ----
    resigned("rules-another-winner", "another winner", Winner, || {
        spring(|forge| closing(forge, |body| body["winner"] = json!("bob")))
    }),
    resigned("rules-another-price", "another hammer price", Winner, || {
        spring(|forge| closing(forge, |body| body["price"] = json!(60)))
    }),
    resigned("rules-sold-as-unsold", "a sold lot passed off as unsold", Winner, || {
        spring(|forge| {
            let line = removed(forge, Kind::LotClose, 39_000);
            event(forge, line, 39_000, closed("1", Outcome::Unsold(UnsoldReason::NoBids)))
        })
    }),
    resigned("rules-totals", "other totals at the close", Totals, || {
        spring(|forge| {
            let line = forge.find(Kind::Close, 39_000);
            forge.body(line)["hammer_total"] = json!(1);
            line
        })
    }),
    resigned("rules-closed-with-open-lots", "the sale closed with lots open", Order, || {
        in_hall(|forge| {
            let line = forge.find_lot(Kind::LotClose, "4") + 1;
            let body = json!({"hammer_total": 950, "sold": 3, "unsold": 4, "withdrawn": 1});
            forge.put(line, Piece::new(Kind::Close, 60_000, body))
        })
    })
    .also(&[Closed]),
    // ---- Time ----
    resigned("rules-time-set-back", "time set back", Time, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_600);
            forge.pieces[line].ts = 2_499;
            line
        })
    }),
    resigned("rules-tick-left-out", "a tick left out", Order, || {
        spring(|forge| removed(forge, Kind::Tick, 21_000))
    }),
    resigned("rules-tick-early", "a tick too early", Order, || {
        spring(|forge| {
            let line = forge.find(Kind::Tick, 21_000);
            forge.pieces[line].ts = 20_999;
            line
        })
    }),
    resigned("rules-clock-without-drift", "a clock entry without any drift", Clock, || {
        spring(|forge| {
            let line = forge.find(Kind::Clock, 4_000);
            forge.body(line)["wall"] = json!(at(4_100).unix_ms());
            line
        })
    }),
    // ---- Terms ----
    resigned("rules-changed-in-mid-sale", "a rule changed in mid-sale", Rules, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_000);
            let mut opening = world().opening();
            opening.terms.sale.room_bids = true;
            forge.insert(line, &draft_open(&opening, at(1_500)));
            line
        })
    }),
    resigned("rules-lot-changed-in-mid-sale", "a lot's terms changed in mid-sale", Rules, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_000);
            let mut lot = world().lots[0].clone();
            lot.start = amount(10);
            forge.insert(line, &draft_lot(&lot, at(1_500)));
            line
        })
    }),
    resigned("rules-lot-changed", "a lot that line 0 does not commit to", Rules, || {
        spring(|forge| {
            forge.body(1)["start"] = json!(40);
            0
        })
    }),
    resigned("rules-lot-left-out", "a lot of line 0 left out", Rules, || {
        spring(|forge| {
            forge.pieces.remove(2);
            2
        })
    }),
    resigned("rules-no-lots", "a sale without any lot", Rules, || {
        opened_as(|opening| opening.lot_count = 0)
    }),
    resigned("rules-another-currency", "another currency", Rule, || {
        reworded(|body| body["currency"] = json!({"code": "EUR", "minor_digits": 2}))
    })
    .after(&[Enrolment])
    .also(&[Refusal, Rule]),
    resigned("rules-other-terms", "other terms in line 0 than everybody signed for", Rule, || {
        reworded(|body| body["terms"]["void_policy"] = json!("reopen"))
    })
    .after(&[Enrolment])
    .also(&[Refusal, Rule]),
    // ---- Refusals ----
    resigned("rules-good-bid-refused", "a good bid refused", Refusal, || refused(60, Code::TooLow)),
    resigned("rules-refused-for-another-reason", "refused for another reason", Refusal, || {
        refused(58, Code::AlreadyLeading)
    }),
    resigned(
        "rules-refused-beyond-cap",
        "more refusals recorded than line 0 allows",
        Refusal,
        || {
            spring(|forge| {
                // Two a minute, and the first stands at 2,500 ms.
                let line = forge.find(Kind::Bid, 3_000);
                for (more, n) in [(1, 4), (2, 5)] {
                    let signed = world().bid(&world().bob, "1", 90, n).into();
                    let refused = Refused { signed, code: Code::AlreadyLeading };
                    forge.insert(line + more, &draft_refused(&refused, at(3_000)));
                }
                line + 2
            })
        },
    ),
    resigned(
        "rules-refused-as-busy",
        "a refusal under a code that only the wire has",
        Refusal,
        || {
            spring(|forge| {
                let line = forge.find(Kind::Refusal, 2_500);
                forge.body(line)["code"] = json!("busy");
                line
            })
        },
    ),
    resigned(
        "rules-silenced-by-counting",
        "a bidder's numbers counted as used up, so that every later bid is refused",
        Refusal,
        || Case::resigned(&silenced(), None),
    )
    .expecting(Valid { unchecked: "1 refusal only counted: the house's word" }),
    // ---- Outages ----
    resigned(
        "rules-outage-over-entries",
        "an outage that covers time with entries",
        Outage,
        || {
            spring(|forge| {
                let clock = forge.find(Kind::Clock, 4_000);
                event(forge, clock, 3_500, Happening::OutageEnded { from: at(1_000) })
            })
        },
    ),
    resigned("rules-outage-without-restart", "an outage without a restart", Outage, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_600);
            event(forge, line, 2_550, Happening::OutageEnded { from: at(2_500) })
        })
    }),
    resigned("rules-outage-over-what-was-due", "an outage over a lot's end", Outage, || {
        in_evening(|forge| {
            let line = forge.find(Kind::Outage, 50_000);
            let body = json!({"from": OPENED + 59_000, "to": OPENED + 60_000});
            forge.pieces[line] = Piece::new(Kind::Outage, 60_000, body);
            line
        })
    }),
    resigned(
        "rules-grace-withheld",
        "a lot closed without the grace after an outage",
        Order,
        || {
            in_evening(|forge| {
                let line = forge.find_lot(Kind::LotClose, "3");
                let mut closing = forge.pieces.remove(line);
                closing.ts = 63_000;
                let after = forge.pieces.iter().position(|piece| piece.ts > 63_000);
                forge.put(after.expect("later ones"), closing)
            })
        },
    ),
];

fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

/// Another bid of that bidder, signed and numbered 4, where Alice's raise stood.
fn raised(who: &crate::world::Person, lot: &str, amount: u64) -> Case {
    spring(|forge| bid_at(forge, 29_000, (who, lot, amount, 4), at(39_000)))
}

fn sold(to: &str, price: u64) -> Outcome {
    Outcome::Sold { to: Party::Named(name(to)), hammer_price: amount(price) }
}

fn closed(lot: &str, outcome: Outcome) -> Happening {
    Happening::LotClosed { lot: id(lot), outcome, reserves: Vec::new() }
}

/// The last closing, changed.
fn closing(forge: &mut Forge, change: impl FnOnce(&mut serde_json::Value)) -> usize {
    let line = forge.find(Kind::LotClose, 39_000);
    change(forge.body(line));
    line
}

/// Takes an entry out, and gives the place where it is missed.
fn removed(forge: &mut Forge, kind: Kind, ms: u64) -> usize {
    let line = forge.find(kind, ms);
    forge.pieces.remove(line);
    line
}

/// Line 0 with other words, under which nobody has signed anything.
fn reworded(change: impl FnOnce(&mut serde_json::Value)) -> Case {
    spring(|forge| {
        change(forge.body(0));
        // The enrolments go with it: they are bound to line 0 as well.
        forge.find(Kind::Bid, 2_000)
    })
}

/// The small sale in which Alice's raise is refused, since all her numbers were counted as used.
fn silenced() -> Forge {
    let mut forge = Forge::of(&cut_and_closed());
    let line = forge.find(Kind::Revoke, 30_000);
    let key = BidKey::from(&world().alice.bid_key).to_string();
    let body = json!({
        "counts": [{"code": "too-low", "count": 1}],
        "keys": [{"bid_key": key, "n": 9_007_199_254_740_991_u64}],
    });
    forge.put(line, Piece::new(Kind::Refusal, 28_000, body));
    let signed = world().bid(&world().alice, "1", 70, 4).into();
    let refused = Refused { signed, code: Code::ReusedN };
    forge.insert(line + 1, &draft_refused(&refused, at(29_000)));
    forge
}

/// Another signed bid of Bob's where one was refused.
fn refused(amount: u64, code: Code) -> Case {
    spring(|forge| {
        let line = forge.find(Kind::Refusal, 2_500);
        let signed = world().bid(&world().bob, "1", amount, 1).into();
        forge.replace(line, &draft_refused(&Refused { signed, code }, at(2_500)));
        line
    })
}
