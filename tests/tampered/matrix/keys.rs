//! Whose key seals: everything else that the auditor believes is traced back to it.

use gavel::auction::name::{HouseName, SaleId};
use gavel::audit::FindingKind::{
    CertificateTime, Head, Refusal, Roster, Schema, Signature, Untrusted,
};
use gavel::ledger::encoding::encode_base64;
use gavel::ledger::entry::Kind;
use gavel::pki::Ca;
use gavel::record::{EnrolmentEvidence, draft_enrol};
use gavel::time::Span;
use serde_json::json;

use super::case::spring;
use super::spring::{opened_as, raise};
use super::{Case, Row, resigned};
use crate::forge::Forge;
use crate::world::{at, world};

pub(super) const ROWS: &[Row] = &[
    resigned("keys-another-seals", "all re-signed with another key", Untrusted, || {
        let ledger = Forge::honest().sealed_by(&world().key_of([78; 32]));
        Case::by_the_house(ledger, 3)
    })
    .also(&[Untrusted, Head, Refusal]),
    resigned("keys-sealer-replaced", "the sealing certificate replaced", Untrusted, || {
        opened_as(|opening| opening.sealers = vec![sealer_of(&stranger(), &opening.sale)])
    }),
    resigned("keys-ca-replaced", "another CA altogether, of the same name", Untrusted, || {
        opened_as(|opening| {
            let stranger = stranger();
            opening.sealers = vec![sealer_of(&stranger, &opening.sale)];
            opening.ca = stranger.anchor().der().to_vec();
        })
    }),
    resigned("keys-ca-claimed", "another CA named over our sealing certificate", Untrusted, || {
        opened_as(|opening| opening.ca = stranger().anchor().der().to_vec())
    }),
    resigned("keys-another-house", "the sealer of another house", Untrusted, || {
        opened_as(|opening| opening.house = HouseName::parse("other").expect("a name"))
    }),
    resigned("keys-bidder-seals", "a bidder's certificate as the sealer's", Untrusted, || {
        opened_as(|opening| opening.sealers = world().alice.identity.chain.clone())
    }),
    resigned(
        "keys-sealer-expired",
        "a sealing certificate that had expired",
        CertificateTime,
        || {
            spring(|forge| {
                // Valid for a year.
                forge.pieces.iter_mut().for_each(|piece| piece.ts += 400 * 86_400_000);
                0
            })
        },
    ),
    resigned(
        "keys-sealer-not-yet-valid",
        "a sealing certificate that was not yet valid",
        CertificateTime,
        || {
            opened_as(|opening| {
                let key = world().sealing_key().verifying_key().to_bytes();
                let later = at(0).plus(Span::from_s(40 * 86_400));
                let certified = world().ca.certify_sealer(&key, &opening.sale, later);
                opening.sealers = vec![certified.expect("certifies").0];
            })
        },
    ),
    resigned("keys-two-sealers", "two sealing certificates", Schema, || {
        opened_as(|opening| opening.sealers.push(opening.sealers[0].clone()))
    }),
    resigned("keys-no-sealer", "no sealing certificate", Schema, || {
        opened_as(|opening| opening.sealers.clear())
    }),
    resigned("keys-small-order-sealer", "a small-order key as the sealing key", Signature, || {
        opened_as(|opening| {
            let certified = world().ca.certify_sealer(&[0; 32], &opening.sale, at(0));
            opening.sealers = vec![certified.expect("certifies").0];
        })
    }),
    resigned("keys-zero-signature", "a bid under a zero signature", Signature, || {
        spring(|forge| {
            let line = raise(forge);
            forge.body(line)["sig"] = json!(encode_base64(&[0; 64]));
            line
        })
    }),
    resigned("keys-small-order-bid-key", "a bid under a small-order key", Signature, || {
        spring(|forge| {
            let line = raise(forge);
            forge.body(line)["bid"]["bid_key"] = json!("0".repeat(64));
            line
        })
    }),
    resigned("keys-small-order-enrolled", "a small-order key enrolled", Signature, || {
        spring(|forge| {
            let line = forge.find(Kind::Enrol, 100);
            forge.body(line)["bid_key"] = json!("0".repeat(64));
            line
        })
    })
    .also(&[Roster]),
    resigned("keys-high-s", "a P-256 signature with high s", Signature, || {
        spring(|forge| {
            let line = forge.find(Kind::Enrol, 100);
            let mut enrolment = world().alice.enrolment(world().sale_hash);
            if let EnrolmentEvidence::Signed { cert_sig, .. } = &mut enrolment.evidence {
                negate_s(cert_sig);
            }
            forge.replace(line, &draft_enrol(&enrolment, at(100)));
            line
        })
    })
    .also(&[Roster]),
    resigned("keys-another-algorithm", "another algorithm named", Schema, || {
        spring(|forge| {
            let line = raise(forge);
            forge.body(line)["evidence"] = json!("rsa");
            line
        })
    }),
];

/// Another CA for a house of the same name.
fn stranger() -> Ca {
    Ca::create(world().house.clone(), at(0)).expect("a CA")
}

/// The certificate of the sealing key by that CA.
fn sealer_of(ca: &Ca, sale: &SaleId) -> Vec<u8> {
    let key = world().sealing_key().verifying_key().to_bytes();
    ca.certify_sealer(&key, sale, at(0)).expect("certifies").0
}

/// The other s of a P-256 signature: n - s.
fn negate_s(signature: &mut [u8; 64]) {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let mut borrow = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i32::from(order) - i32::from(*byte) - borrow;
        borrow = i32::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).expect("a byte");
    }
}
