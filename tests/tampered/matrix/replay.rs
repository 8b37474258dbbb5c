//! Old words used again, or other words put into somebody's mouth.

use gavel::auction::act::Deed;
use gavel::audit::FindingKind::{BidSignature, Head, Increment, ReusedN, Rule, Winner};
use gavel::audit::audit;
use gavel::ledger::Hash;
use gavel::ledger::entry::Kind;
use gavel::record::{self, BidKey, SignedAct, SignedBid, draft_bid};
use serde_json::json;

use super::case::{in_hall, spring};
use super::spring::{accepted, put_bid, raise};
use super::{Case, Row, resigned};
use crate::forge::{Forge, Piece};
use crate::halls::hall;
use crate::signing::{pause, paused};
use crate::staff::{id, people};
use crate::world::{at, expect, world};

pub(super) const ROWS: &[Row] = &[
    // ---- Other words ----
    resigned("replay-another-amount", "another amount than was signed", BidSignature, || {
        spring(|forge| {
            let line = raise(forge);
            forge.body(line)["bid"]["amount"] = json!(71);
            line
        })
    })
    .also(&[Winner]),
    resigned("replay-from-another-lot", "a bid from another lot", BidSignature, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 3_000);
            forge.body(line)["bid"]["lot"] = json!("1");
            line
        })
    })
    .also(&[Rule]),
    resigned("replay-from-another-sale", "a bid that was signed for another line 0", Rule, || {
        let other = Hash::of(b"another line 0");
        put(world().alice.bid(world().head, other, "1", 70, 4))
    }),
    resigned("replay-borrowed-signature", "the signature of another bid", BidSignature, || {
        spring(|forge| {
            let line = raise(forge);
            let sig = forge.pieces[forge.find(Kind::Bid, 2_000)].body["sig"].clone();
            forge.body(line)["sig"] = sig;
            line
        })
    }),
    resigned("replay-marked-signed", "an unsigned bid marked signed", BidSignature, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 1_000);
            let mut bid = world().bid(&world().alice, "1", 50, 1);
            bid.signature[5] ^= 1;
            forge.replace(line, &draft_bid(&accepted(bid, at(31_000)), at(1_000)));
            line
        })
    })
    .also(&[Rule]),
    resigned("replay-refusal-forged", "a refusal of a bid that nobody made", BidSignature, || {
        spring(|forge| {
            let line = forge.find(Kind::Refusal, 2_500);
            forge.body(line)["bid"]["amount"] = json!(57);
            line
        })
    }),
    // ---- Old words ----
    resigned("replay-n-twice", "n used twice", ReusedN, || {
        put(world().bid(&world().alice, "1", 70, 1))
    }),
    resigned("replay-entry-again", "an accepted bid entered again", ReusedN, || {
        spring(|forge| {
            let line = raise(forge);
            let first = forge.pieces[forge.find(Kind::Bid, 2_000)].clone();
            forge.pieces[line] = Piece { ts: 29_000, ..first };
            line
        })
    })
    .also(&[Increment]),
    resigned("replay-refused-bid", "a refused signed bid accepted later", ReusedN, || {
        put(world().bid(&world().bob, "1", 58, 1))
    })
    .also(&[Rule]),
    resigned(
        "replay-counted-n",
        "a bid accepted under a number that was counted as used",
        ReusedN,
        || {
            spring(|forge| {
                let line = forge.find(Kind::Refusal, 2_500);
                let bob = BidKey::from(&world().bob.bid_key).to_string();
                let body = json!({
                    "counts": [{"code": "too-low", "count": 1}],
                    "keys": [{"bid_key": bob, "n": 2}],
                });
                forge.pieces[line] = Piece::new(Kind::Refusal, 2_500, body);
                forge.find(Kind::Bid, 2_600)
            })
        },
    ),
    resigned("replay-act-again", "an act of staff entered again", ReusedN, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Say, 14_700);
            let again = forge.pieces[line].clone();
            forge.put(line + 1, again)
        })
    })
    .also(&[Rule]),
    resigned("replay-act-n-below", "an act under a number below one used", ReusedN, || {
        in_hall(|forge| paused(forge, &pause(hall(), 11)))
    }),
    resigned("replay-refused-act", "a refused act done later", ReusedN, || {
        in_hall(|forge| {
            let line = forge.find(Kind::LotClose, 14_600);
            let act = hall().act(&people().ada, 70, Deed::Withdraw { lot: id("8") });
            forge.pieces[line] = Piece::new(Kind::Withdraw, 14_600, json!({})).acted(&act);
            line
        })
    })
    .also(&[Rule]),
    resigned("replay-room-bid-again", "a bid from the room entered again", ReusedN, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Bid, 2_100);
            let again = forge.pieces[line].clone();
            forge.put(line + 1, again)
        })
    })
    .also(&[Increment]),
    // ---- Another ledger seen ----
    resigned("replay-head-never-sealed", "a head that was never sealed", Head, || {
        let head = record::Head { root: Hash::of(b"another ledger"), ..world().head };
        put(world().alice.bid(head, world().sale_hash, "1", 70, 4))
    }),
    resigned("replay-head-between-seals", "a head of a size that was never sealed", Head, || {
        let head = record::Head { size: world().head.size + 1, ..world().head };
        put(world().alice.bid(head, world().sale_hash, "1", 70, 4))
    }),
    resigned("replay-head-to-come", "a head that is larger than the ledger then was", Head, || {
        let head = record::Head { root: Hash::of(b"later"), size: 1_000 };
        put(world().alice.bid(head, world().sale_hash, "1", 70, 4))
    }),
    resigned("replay-act-head", "an act over a head that was never sealed", Head, || {
        in_hall(|forge| {
            let mut act = pause(hall(), 30);
            act.statement.head.root = Hash::of(b"another ledger");
            paused(forge, &SignedAct::sign(act.statement, &people().cleo.bid_key))
        })
    }),
];

/// The small sale with another bid where Alice's raise stood.
fn put(bid: SignedBid) -> Case {
    spring(|forge| put_bid(forge, bid))
}

#[test]
fn several_forged_bids_are_all_found() {
    let mut forge = Forge::honest();
    let lines = [forge.find(Kind::Bid, 2_600), raise(&forge)];
    for line in lines {
        forge.pieces[line].body["sig"] =
            forge.pieces[forge.find(Kind::Bid, 2_000)].body["sig"].clone();
    }
    let audit = audit(&forge.forged(), world().anchors());
    for line in lines {
        let line = Some(u64::try_from(line).expect("small"));
        expect("a borrowed signature", &audit, BidSignature, line);
    }
}
