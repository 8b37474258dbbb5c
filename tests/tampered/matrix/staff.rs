//! What the house's own people do: their roles, their reasons, and what follows from an act.

use gavel::auction::act::Deed;
use gavel::auction::name::{Party, Role};
use gavel::auction::refusal::Code;
use gavel::audit::FindingKind::{
    BidSignature, Closed, Extension, Order as Due, Refusal, Revoked, Role as WrongRole, Roster,
    Rule, Schema, Winner,
};
use gavel::ledger::entry::Kind;
use gavel::record::{Order, SignedAct, draft_enrol, draft_revoke};
use serde_json::json;

use super::Expected::Valid;
use super::case::{in_evening, in_hall};
use super::spring::{grant, put_bid, revocation};
use super::{Case, Row, resigned};
use crate::acting::{further, hammer, instead, seq, void};
use crate::forge::{Forge, Piece};
use crate::halls::{evening, hall};
use crate::refusing::refused;
use crate::signing::{pause, paused};
use crate::staff::{id, paddle, people};
use crate::world::{Person, at, name, world};

pub(super) const ROWS: &[Row] = &[
    // ---- Who, and why ----
    resigned("staff-void-by-bidder", "a void by a bidder", WrongRole, || {
        in_hall(|forge| {
            let act = hall().act(&people().dora, 1, void("1", seq(forge, 1_300)));
            instead(forge, (Kind::Void, 1_400), &act)
        })
    }),
    resigned("staff-void-by-clerk", "a void by a clerk", WrongRole, || {
        in_hall(|forge| {
            let act = hall().act(&people().cleo, 5, void("1", seq(forge, 1_300)));
            instead(forge, (Kind::Void, 1_400), &act)
        })
    }),
    resigned("staff-void-without-reason", "a void without a reason", WrongRole, || {
        in_hall(|forge| {
            let order = Order::Deed(void("1", seq(forge, 1_300)));
            let act = hall().order(&people().ada, 10, order, None);
            instead(forge, (Kind::Void, 1_400), &act)
        })
    }),
    resigned("staff-withdrawal-without-reason", "a withdrawal without a reason", WrongRole, || {
        in_hall(|forge| {
            let order = Order::Deed(Deed::Withdraw { lot: id("5") });
            let act = hall().order(&people().ada, 40, order, None);
            instead(forge, (Kind::Withdraw, 14_100), &act)
        })
    }),
    resigned("staff-hammer-by-clerk", "a lot hammered by a clerk", WrongRole, || {
        in_hall(|forge| {
            let act = hall().act(&people().cleo, 25, hammer("2", seq(forge, 2_100)));
            instead(forge, (Kind::LotClose, 2_300), &act)
        })
    }),
    resigned("staff-not-enrolled", "an act by a key that nobody enrolled", Roster, || {
        in_hall(|forge| {
            let stranger = people().cleo.with_bid_key(99);
            let act = hall().act(&stranger, 30, Deed::Pause { lot: id("3") });
            paused(forge, &act)
        })
    }),
    resigned("staff-under-another-name", "an act under another's name", Roster, || {
        in_hall(|forge| {
            let mut act = pause(hall(), 30);
            act.statement.bidder = name("ada");
            paused(forge, &SignedAct::sign(act.statement, &people().cleo.bid_key))
        })
    }),
    resigned("staff-revoked", "an act by somebody whose certificate is revoked", Revoked, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Pause, 3_100);
            let revocation = revocation(&people().cleo.identity.serial);
            forge.insert(line, &draft_revoke(&revocation, at(3_050)));
            line + 1
        })
    })
    .also(&[Revoked, Rule]),
    resigned("staff-another-reason", "another reason than was signed", BidSignature, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Void, 1_400);
            forge.body(line)["act"]["reason"] = json!("a better one");
            line
        })
    }),
    resigned("staff-unsigned", "an act without a signature", Schema, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Pause, 3_100);
            forge.pieces[line].drop_key("sig");
            line
        })
    }),
    resigned(
        "staff-hidden-behind-the-clock",
        "a hammer passed off as the work of time",
        Due,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::LotClose, 2_300);
                forge.pieces[line].drop_key("act");
                forge.pieces[line].drop_key("sig");
                line
            })
        },
    ),
    resigned(
        "staff-second-certificate",
        "a bid by an auctioneer who has a second certificate, as a bidder",
        WrongRole,
        || {
            let ada = Person::new(&world().ca, &grant("dora", Role::Auctioneer), 11);
            let key = ada.secret.public_key();
            let grant = grant("dora", Role::Bidder);
            let identity = world().ca.certify_person(&key, &grant, at(0)).expect("certifies");
            let shill = Person { identity, ..ada.with_bid_key(13) };
            let mut forge = Forge::honest();
            let line = forge.find(Kind::Enrol, 200);
            for person in [&ada, &shill] {
                let enrolment = person.enrolment(world().sale_hash);
                forge.insert(line, &draft_enrol(&enrolment, at(150)));
            }
            put_bid(&mut forge, world().bid(&shill, "1", 70, 1));
            let closing = forge.find(Kind::LotClose, 39_000);
            forge.body(closing)["winner"] = json!("dora");
            Case::resigned(&forge, None)
        },
    )
    .expecting(Valid { unchecked: "whether two bidders are one person, or the house's friend" }),
    // ---- Bids from the room ----
    resigned(
        "staff-room-bid-by-bidder",
        "a bid from the room entered by a bidder",
        WrongRole,
        || {
            in_hall(|forge| {
                let act = hall().enter(&people().dora, 1, paddle(), "2", 300);
                instead(forge, (Kind::Bid, 2_100), &act)
            })
        },
    ),
    resigned(
        "staff-room-bid-for-staff",
        "a bid from the room for the house's own",
        WrongRole,
        || {
            in_hall(|forge| {
                let act = hall().enter(&people().cleo, 20, Party::Named(name("ada")), "2", 300);
                instead(forge, (Kind::Bid, 2_100), &act)
            })
        },
    )
    .also(&[Winner]),
    resigned(
        "staff-room-bid-forbidden",
        "a bid from the room in a sale that takes none",
        Rule,
        || {
            in_evening(|forge| {
                let ends_at = at(20_000).unix_ms();
                let body = json!({"ends_at": ends_at, "evidence": "clerk", "lag_us": 1});
                let act = evening().enter(&people().cleo, 5, paddle(), "1", 110);
                let line = forge.find(Kind::Bid, 1_500) + 1;
                forge.put(line, Piece::new(Kind::Bid, 1_550, body).acted(&act))
            })
        },
    ),
    resigned(
        "staff-room-bid-amount",
        "a bid from the room for another amount",
        BidSignature,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Bid, 2_100);
                forge.body(line)["act"]["amount"] = json!(310);
                line
            })
        },
    )
    .also(&[Winner]),
    // ---- What was seen ----
    resigned("staff-hammer-stale", "a lot hammered over a bid that was not seen", Rule, || {
        in_hall(|forge| {
            let act = hall().act(&people().ada, 30, hammer("2", seq(forge, 1_600)));
            instead(forge, (Kind::LotClose, 2_300), &act)
        })
    }),
    resigned("staff-void-earlier", "a void of another bid than the latest", Rule, || {
        in_hall(|forge| {
            let act = hall().act(&people().ada, 10, void("1", seq(forge, 1_200)));
            instead(forge, (Kind::Void, 1_400), &act)
        })
    }),
    resigned("staff-act-on-closed-lot", "a void on a closed lot", Closed, || {
        in_hall(|forge| {
            let act = (Kind::Void, void("2", None), json!({}));
            further(hall(), forge, (Kind::Refusal, 3_200), act)
        })
    }),
    resigned(
        "staff-withdrawn-after-bids",
        "a lot without reserve withdrawn over a bid",
        Rule,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Refusal, 14_500);
                let act = hall().act(&people().ada, 70, Deed::Withdraw { lot: id("8") });
                forge.pieces[line] = Piece::new(Kind::Withdraw, 14_500, json!({})).acted(&act);
                line
            })
        },
    ),
    // ---- What follows ----
    resigned("staff-void-another-stands", "after a void another bid stands", Rule, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Void, 83_000);
            forge.body(line)["standing"] = json!(seq(forge, 3_000));
            line
        })
    }),
    resigned("staff-void-extension", "the extension that a void gives withheld", Extension, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Void, 83_000);
            forge.body(line)["ends_at"] = json!(at(89_000).unix_ms());
            line
        })
    }),
    resigned("staff-pause-time-left", "a pause that leaves less time", Extension, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Pause, 3_100);
            forge.body(line)["left_ms"] = json!(56_899);
            line
        })
    }),
    resigned("staff-resumed-short", "a lot resumed with an earlier end", Extension, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Resume, 13_100);
            forge.body(line)["ends_at"] = json!(at(60_000).unix_ms());
            line
        })
    }),
    resigned("staff-end-moved-back", "an end moved back", Extension, || {
        in_hall(|forge| {
            let deed = Deed::Extend { lot: id("6"), ends_at: at(59_999) };
            let act = hall().act(&people().ada, 50, deed);
            let line = instead(forge, (Kind::Extend, 14_200), &act);
            forge.body(line)["ends_at"] = json!(at(59_999).unix_ms());
            line
        })
    }),
    resigned("staff-hammered-to-another", "a lot hammered to another paddle", Winner, || {
        in_hall(|forge| {
            let line = forge.find(Kind::LotClose, 2_300);
            forge.body(line)["paddle"] = json!("18");
            line
        })
    }),
    resigned("staff-hammered-for-less", "a lot hammered for another price", Winner, || {
        in_hall(|forge| {
            let line = forge.find(Kind::LotClose, 2_300);
            forge.body(line)["price"] = json!(299);
            line
        })
    }),
    resigned(
        "staff-closing-left-out",
        "the sale closed and one of its lots kept open",
        Due,
        || {
            in_hall(|forge| {
                let line = forge.find_lot(Kind::LotClose, "6");
                forge.pieces.remove(line);
                line
            })
        },
    ),
    resigned("staff-closed-over-a-bid", "the sale closed over a lot with a bid", Rule, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Refusal, 14_500);
            let act = hall().act(&people().ada, 70, Deed::Closing);
            forge.pieces[line] = Piece::new(Kind::Closing, 14_500, json!({})).acted(&act);
            line
        })
    }),
    // ---- Refusals ----
    resigned("staff-good-act-refused", "a good act refused", Refusal, || {
        in_hall(|forge| {
            let act = hall().act(&people().cleo, 25, Deed::Pause { lot: id("4") });
            refused(forge, (Kind::Bid, 3_000), act, Code::Paused)
        })
    })
    .also(&[Rule]),
    resigned(
        "staff-refused-for-another-reason",
        "an act refused for another reason",
        Refusal,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Refusal, 14_500);
                forge.body(line)["code"] = json!("role");
                line
            })
        },
    ),
];
