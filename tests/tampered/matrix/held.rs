//! What only something from outside can show: a second history, another catalogue, a
//! revocation kept back.

use ed25519_dalek::SigningKey;
use gavel::auction::money::Amount;
use gavel::audit::FindingKind::{
    Checkpoint, Crl, Fork, Items, Policy, Receipt, Results, Truncated, Unclosed,
};
use gavel::audit::audit;
use gavel::ledger::VerifierKey;
use gavel::ledger::entry::Kind;
use gavel::ledger::note::{Note, TYPE_ED25519};
use gavel::pki::{Ca, Serial};
use gavel::record::SaleFile;
use gavel::sheet::Sheet;
use serde_json::json;

use super::Expected::{Incomplete, Valid};
use super::case::Brought;
use super::{Case, Given, Row, resigned, untouched};
use crate::forge::Forge;
use crate::held::{crl, cut_and_closed, raise_and_its_receipt, receipt_of, rewritten};
use crate::quorum::{cosigned, policy, whole};
use crate::world::{at, days_before, world};

/// What a verdict says when nobody else's word was given.
const ALONE: &str = "no receipt and no witness was given: another ledger may exist";

pub(super) const ROWS: &[Row] = &[
    // ---- Another history ----
    resigned("held-rewritten-receipt", "a ledger that a held receipt contradicts", Fork, || {
        Case::by_the_house(rewritten(), 11).with(receipt())
    })
    .given(&[Given::Receipt]),
    resigned("held-rewritten-checkpoint", "a ledger that a checkpoint contradicts", Fork, || {
        Case::by_the_house(rewritten(), None).with(checkpoint())
    })
    .given(&[Given::Checkpoint]),
    resigned("held-rewritten-alone", "the same, and nobody holds anything", Fork, || {
        Case::by_the_house(rewritten(), None)
    })
    .expecting(Valid { unchecked: ALONE }),
    resigned(
        "held-tail-receipt",
        "the tail cut and the sale closed again, against a receipt for what was cut",
        Fork,
        || {
            let (line, receipt) = raise_and_its_receipt();
            Case::by_the_house(cut_and_closed(), line).with(Brought::Receipt(receipt))
        },
    )
    .given(&[Given::Receipt]),
    resigned(
        "held-tail-checkpoint",
        "the tail cut and the sale closed again, against a checkpoint over more lines",
        Fork,
        || {
            Case::by_the_house(cut_and_closed(), None).with(Brought::Checkpoint(cosigned(
                world(),
                whole(),
                &[],
            )))
        },
    )
    .given(&[Given::Checkpoint]),
    resigned(
        "held-tail-alone",
        "the tail cut and the sale closed again, and nobody holds anything",
        Fork,
        || Case::by_the_house(cut_and_closed(), None),
    )
    .expecting(Valid { unchecked: ALONE }),
    resigned(
        "held-tail-older-receipt",
        "the tail cut and the sale closed again, against a receipt for an earlier line",
        Fork,
        || Case::by_the_house(cut_and_closed(), None).with(receipt()),
    )
    .given(&[Given::Receipt])
    .expecting(Valid {
        unchecked: "no witness was given: what stands after the first 15 lines rests on the \
                    house's word that there is no other ledger",
    }),
    untouched("held-two-keys", "a receipt under another certified key of the sale", Fork, || {
        let key = world().key_of([78; 32]);
        let public = key.verifying_key().to_bytes();
        let (sealer, _) =
            world().ca.certify_sealer(&public, &world().sale, at(0)).expect("certifies");
        let receipt = receipt_of(&world().ledger, 11, &key, sealer);
        Case::untouched(11).with(Brought::Receipt(receipt))
    })
    .given(&[Given::Receipt]),
    untouched(
        "held-two-keys-checkpoint",
        "a checkpoint of the sale under another key",
        Fork,
        || {
            let note = world().key_of([78; 32]).sign(4, world().head.root).note().to_owned();
            Case::untouched(None).with(Brought::Checkpoint(note))
        },
    )
    .given(&[Given::Checkpoint]),
    // ---- Less than there was ----
    resigned("held-checkpoint-beyond", "a checkpoint larger than the ledger", Truncated, || {
        Case::by_the_house(cut(), None).with(checkpoint())
    })
    .given(&[Given::Checkpoint])
    .after(&[Unclosed]),
    resigned("held-receipt-beyond", "a receipt for a line that is not there", Truncated, || {
        Case::by_the_house(cut(), 11).with(receipt())
    })
    .given(&[Given::Receipt])
    .also(&[Unclosed]),
    // ---- Nothing proven ----
    untouched("held-receipt-of-another-sale", "a receipt of another sale", Receipt, || {
        let other = world().receipt.replace("test-house/spring", "test-house/autumn");
        honest().with(Brought::Receipt(other))
    })
    .given(&[Given::Receipt])
    .expecting(Incomplete(Receipt)),
    untouched("held-receipt-damaged", "a damaged receipt", Receipt, || {
        honest().with(Brought::Receipt(world().receipt.replacen("index 11", "index 12", 1)))
    })
    .given(&[Given::Receipt])
    .expecting(Incomplete(Receipt)),
    resigned("held-receipt-of-a-stranger", "a receipt that another CA certifies", Receipt, || {
        let key = world().key_of([79; 32]);
        let public = key.verifying_key().to_bytes();
        let (sealer, _) =
            stranger().certify_sealer(&public, &world().sale, at(0)).expect("certifies");
        let receipt = receipt_of(&rewritten(), 11, &key, sealer);
        Case::by_the_house(rewritten(), None).with(Brought::Receipt(receipt))
    })
    .given(&[Given::Receipt])
    .expecting(Incomplete(Receipt)),
    untouched(
        "held-checkpoint-of-another-sale",
        "a checkpoint of another sale",
        Checkpoint,
        || {
            let other = world().checkpoint.replace("test-house/spring", "test-house/autumn");
            honest().with(Brought::Checkpoint(other))
        },
    )
    .given(&[Given::Checkpoint])
    .expecting(Incomplete(Checkpoint)),
    // ---- Witnesses ----
    untouched("held-quorum-unmet", "a witness quorum unmet", Policy, || {
        witnessed("", Some(cosigned(world(), whole(), &[2])))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .expecting(Incomplete(Policy)),
    untouched("held-quorum-nobody", "a policy, and no cosignature at all", Policy, || {
        witnessed("", None)
    })
    .given(&[Given::Policy])
    .expecting(Incomplete(Policy)),
    untouched("held-quorum-early", "cosignatures over the beginning alone", Policy, || {
        witnessed("", Some(cosigned(world(), 9, &[1, 2, 3])))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .expecting(Incomplete(Policy)),
    untouched("held-quorum-of-strangers", "cosignatures of other witnesses", Policy, || {
        witnessed("", Some(cosigned(world(), whole(), &[7, 8, 9])))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .expecting(Incomplete(Policy)),
    untouched("held-quorum-forged", "a cosignature that is none", Policy, || {
        let mut note = Note::parse(&cosigned(world(), whole(), &[1, 2])).expect("a note");
        note.signatures[1].signature[40] ^= 1;
        witnessed("", Some(note.to_string()))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .expecting(Incomplete(Policy)),
    untouched("held-quorum-another-log", "a policy for another sale's key", Policy, || {
        let stranger = SigningKey::from_bytes(&[99; 32]).verifying_key();
        let stranger = VerifierKey::new("other/log", TYPE_ED25519, &stranger).expect("a key");
        let note = cosigned(world(), whole(), &[1, 2]);
        witnessed(&format!("log {stranger}\n"), Some(note))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .expecting(Incomplete(Policy)),
    resigned("held-quorum-over-another", "a ledger beside the one that was cosigned", Fork, || {
        let note = cosigned(world(), whole(), &[1, 2, 3]);
        Case::by_the_house(rewritten(), None)
            .with(Brought::Policy(policy("")))
            .with(Brought::Checkpoint(note))
    })
    .given(&[Given::Policy, Given::Checkpoint])
    .also(&[Policy]),
    // ---- What was shown ----
    untouched("held-items-price", "a catalogue with another start than was shown", Items, || {
        shown(2, |items| items[1].start = Amount::new(90).expect("an amount"))
    })
    .given(&[Given::Items]),
    untouched("held-items-lot", "a lot that was not shown", Items, || {
        shown(0, |items| drop(items.pop()))
    })
    .given(&[Given::Items]),
    resigned("held-items-currency", "another currency than was shown", Items, || {
        let mut forge = Forge::honest();
        forge.pieces.truncate(4);
        forge.pieces[0].body["currency"] = json!({"code": "EUR", "minor_digits": 2});
        let items = SaleFile::of_items(world().lots.clone());
        Case::resigned(&forge, 0).with(Brought::Items(Box::new(items)))
    })
    .given(&[Given::Items])
    .also(&[Unclosed]),
    // ---- Revocations ----
    untouched("held-crl-without-record", "a recorded revocation that no list holds", Crl, || {
        honest().with(Brought::Crl(crl(world(), 8, &[])))
    })
    .given(&[Given::Crl]),
    untouched("held-crl-older", "a list older than the ledger's", Crl, || {
        honest().with(Brought::Crl(crl(world(), 6, &[carol()])))
    })
    .given(&[Given::Crl]),
    untouched("held-crl-another", "another list of the number that the ledger names", Crl, || {
        honest().with(Brought::Crl(crl(world(), 7, &[carol()])))
    })
    .given(&[Given::Crl]),
    untouched("held-crl-of-a-stranger", "a list that another CA signed", Crl, || {
        let list = stranger().sign_crl(9, &[], at(50_000)).expect("signs").into_bytes();
        honest().with(Brought::Crl(list))
    })
    .given(&[Given::Crl]),
    untouched("held-crl-garbage", "a list that is none", Crl, || {
        honest().with(Brought::Crl(b"no list".to_vec()))
    })
    .given(&[Given::Crl]),
    // ---- Results ----
    untouched("held-results-edited", "a sheet of results that was edited", Results, || {
        let audit = audit(&world().ledger, world().anchors());
        let sheet = Sheet::of(audit.audited().expect("is clean")).json();
        assert!(sheet.contains("\"alice\""));
        honest().with(Brought::Results(sheet.replacen("\"alice\"", "\"mallory\"", 1)))
    })
    .given(&[Given::Results]),
];

fn receipt() -> Brought {
    Brought::Receipt(world().receipt.clone())
}

fn checkpoint() -> Brought {
    Brought::Checkpoint(world().checkpoint.clone())
}

/// The honest ledger, a policy of two among three witnesses, and what somebody cosigned.
fn witnessed(head: &str, note: Option<String>) -> Case {
    let case = honest().with(Brought::Policy(policy(head)));
    note.into_iter().fold(case, |case, note| case.with(Brought::Checkpoint(note)))
}

fn honest() -> Case {
    Case::untouched(None)
}

fn stranger() -> Ca {
    Ca::create(world().house.clone(), days_before(1)).expect("a CA")
}

fn carol() -> &'static Serial {
    &world().carol.identity.serial
}

/// The first eleven lines, the last of which is a seal.
fn cut() -> Vec<u8> {
    let mut forge = Forge::honest();
    forge.pieces.truncate(11);
    assert_eq!(forge.pieces[10].kind, Kind::Seal);
    forge.forged()
}

/// The honest ledger beside other items than the house held the sale with.
fn shown(line: usize, change: impl FnOnce(&mut Vec<gavel::auction::catalogue::LotTerms>)) -> Case {
    let mut items = world().lots.clone();
    change(&mut items);
    let items = SaleFile::of_items(items);
    Case::untouched(line).with(Brought::Items(Box::new(items)))
}
