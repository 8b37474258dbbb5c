//! Who somebody is: certificates, enrolments, revocations, names that pass to another key.

use gavel::auction::name::{HouseName, Role, SaleId};
use gavel::audit::FindingKind::{
    BidSignature, CertificateTime, Enrolment, Order, Refusal, Revoked, Roster, Rule, Unsigned,
    Untrusted, Winner,
};
use gavel::ledger::entry::Kind;
use gavel::pki::{Ca, Grant};
use gavel::record::{BidEvidence, EnrolmentEvidence, draft_bid, draft_enrol, draft_revoke};
use gavel::time::Span;
use serde_json::json;

use super::case::{in_hall, spring};
use super::spring::{accepted, grant, opened_as, put_bid, raise, revocation};
use super::{Row, resigned};
use crate::acting::instead;
use crate::forge::{Forge, Piece};
use crate::halls::hall;
use crate::staff::{people, reissue};
use crate::world::{OPENED, Person, at, days_before, name, world};

pub(super) const ROWS: &[Row] = &[
    // ---- Certificates ----
    resigned("identity-sealer-of-another-sale", "the sealer of another sale", Untrusted, || {
        opened_as(|opening| {
            let key = world().sealing_key().verifying_key().to_bytes();
            let autumn = SaleId::parse("autumn").expect("an id");
            let (sealer, _) = world().ca.certify_sealer(&key, &autumn, at(0)).expect("certifies");
            opening.sealers = vec![sealer];
        })
    }),
    resigned("identity-of-a-stranger", "a certificate of another CA enrolled", Untrusted, || {
        let stranger = Ca::create(world().house.clone(), at(0)).expect("a CA");
        enrolled(&Person::new(&stranger, &grant("dora", Role::Bidder), 11))
    }),
    resigned(
        "identity-of-another-house",
        "a certificate of another house enrolled",
        Untrusted,
        || {
            let other = HouseName::parse("other").expect("a name");
            let other = Ca::create(other, at(0)).expect("a CA");
            enrolled(&Person::new(&other, &grant("dora", Role::Bidder), 11))
        },
    ),
    resigned(
        "identity-expired",
        "a certificate that had expired at the entry's time",
        CertificateTime,
        || enrolled(&certified(days_before(100))),
    ),
    resigned(
        "identity-not-yet-valid",
        "a certificate not yet valid at the entry's time",
        CertificateTime,
        || enrolled(&certified(at(0).plus(Span::from_s(40 * 86_400)))),
    ),
    resigned(
        "identity-expired-before-the-bid",
        "a certificate that expired between the enrolment and the bid",
        CertificateTime,
        || {
            spring(|forge| {
                // Valid for a day, which ends 20 s after the opening.
                let made = days_before(1).plus(Span::from_s(20));
                let dora = certified(made);
                let line = forge.find(Kind::Enrol, 200);
                forge.insert(line, &draft_enrol(&dora.enrolment(world().sale_hash), at(150)));
                put_bid(forge, world().bid(&dora, "1", 70, 1))
            })
        },
    )
    .also(&[Winner]),
    resigned("identity-revoked", "revoked before the bid", Revoked, || {
        spring(|forge| {
            let line = raise(forge);
            let revocation = revocation(&world().alice.identity.serial);
            forge.insert(line, &draft_revoke(&revocation, at(25_000)));
            line + 1
        })
    }),
    resigned("identity-revoked-enrolment", "revoked before the enrolment", Revoked, || {
        spring(|forge| {
            let line = forge.find(Kind::Enrol, 100);
            let revocation = revocation(&world().alice.identity.serial);
            forge.insert(line, &draft_revoke(&revocation, at(50)));
            line + 1
        })
    })
    .also(&[Roster]),
    // ---- Enrolments ----
    resigned(
        "identity-certificate-replaced",
        "the certificate of a name replaced by another under that name",
        Roster,
        || {
            spring(|forge| {
                let line = forge.find(Kind::Enrol, 100);
                forge.replace(line, &draft_enrol(&mallory().enrolment(world().sale_hash), at(100)));
                forge.find(Kind::Bid, 2_000)
            })
        },
    )
    .also(&[Roster]),
    resigned("identity-name-twice", "a second certificate enrolled under a name", Roster, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_000);
            forge.insert(line, &draft_enrol(&mallory().enrolment(world().sale_hash), at(1_500)));
            line
        })
    }),
    resigned(
        "identity-certificate-renewed",
        "another certificate of the same key attached to an enrolment",
        Enrolment,
        || {
            spring(|forge| {
                let key = world().alice.secret.public_key();
                let grant = grant("alice", Role::Bidder);
                let renewed = world().ca.certify_person(&key, &grant, days_before(3));
                let line = forge.find(Kind::Enrol, 100);
                let mut enrolment = world().alice.enrolment(world().sale_hash);
                enrolment.chain = renewed.expect("certifies").chain;
                forge.replace(line, &draft_enrol(&enrolment, at(100)));
                line
            })
        },
    )
    .also(&[Roster]),
    resigned(
        "identity-bid-key-stolen",
        "somebody's public bid key enrolled by another",
        Enrolment,
        || {
            spring(|forge| {
                let line = forge.find(Kind::Enrol, 1_000);
                let mut theft = world().carol.enrolment(world().sale_hash);
                let alices = world().alice.enrolment(world().sale_hash).evidence;
                if let (
                    EnrolmentEvidence::Signed { bid_key, bid_sig, .. },
                    EnrolmentEvidence::Signed { bid_key: hers, bid_sig: her_sig, .. },
                ) = (&mut theft.evidence, alices)
                {
                    (*bid_key, *bid_sig) = (hers, her_sig);
                }
                forge.insert(line, &draft_enrol(&theft, at(900)));
                line
            })
        },
    ),
    resigned("identity-bid-key-twice", "a bid key enrolled twice", Enrolment, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_000);
            let again = world().alice.enrolment(world().sale_hash);
            forge.insert(line, &draft_enrol(&again, at(1_500)));
            line
        })
    }),
    resigned("identity-too-many-keys", "a seventeenth bid key under a name", Roster, || {
        spring(|forge| {
            let line = forge.find(Kind::Bid, 2_000);
            for (more, seed) in (101..117).enumerate() {
                let enrolment = world().alice.with_bid_key(seed).enrolment(world().sale_hash);
                forge.insert(line + more, &draft_enrol(&enrolment, at(1_500)));
            }
            line + 15
        })
    }),
    resigned(
        "identity-another-role",
        "a role that the certificate does not have",
        Enrolment,
        || {
            spring(|forge| {
                let line = forge.find(Kind::Enrol, 100);
                forge.body(line)["role"] = json!("clerk");
                line
            })
        },
    )
    .also(&[Roster]),
    resigned("identity-enrolled-after-bidding", "enrolled after bidding", Roster, || {
        spring(|forge| {
            let enrol = forge.find(Kind::Enrol, 200);
            let enrol = forge.pieces.remove(enrol);
            let bid = forge.find(Kind::Bid, 2_600);
            forge.put(bid + 1, Piece { ts: 2_600, ..enrol });
            bid
        })
    })
    .after(&[Refusal]),
    resigned("identity-not-enrolled", "a bid by a key that nobody enrolled", Roster, || {
        spring(|forge| {
            let stranger = world().alice.with_bid_key(12);
            put_bid(forge, world().bid(&stranger, "1", 70, 4))
        })
    }),
    resigned("identity-bid-moved", "a bid moved to another bidder", BidSignature, || {
        spring(|forge| {
            let line = raise(forge);
            forge.body(line)["bid"]["bidder"] = json!("bob");
            line
        })
    })
    .also(&[Rule]),
    // ---- Without signature ----
    resigned(
        "identity-unsigned-though-keyed",
        "an unsigned bid under a name that has a bid key",
        Unsigned,
        || {
            spring(|forge| {
                let line = raise(forge);
                let bid = world().bid(&world().alice, "1", 70, 4);
                let mut unsigned = accepted(bid.clone(), at(39_000));
                let bid = bid.statement;
                unsigned.evidence =
                    BidEvidence::Attested { bidder: bid.bidder, lot: bid.lot, amount: bid.amount };
                forge.replace(line, &draft_bid(&unsigned, at(29_000)));
                line
            })
        },
    ),
    resigned(
        "identity-unsigned-though-forbidden",
        "an unsigned bid in a sale whose terms forbid it",
        Unsigned,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Bid, 66_000);
                *forge.body(line) = json!({
                    "bid": {"amount": 120, "bidder": "bob", "lot": "3"},
                    "ends_at": at(75_000).unix_ms(),
                    "evidence": "attested",
                    "lag_us": 1,
                });
                line
            })
        },
    ),
    resigned(
        "identity-session-though-forbidden",
        "somebody enrolled without bid key in a sale whose terms forbid it",
        Unsigned,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Bid, 1_200);
                forge.insert(line, &draft_enrol(&world().carol.attested(), at(1_100)));
                line
            })
        },
    )
    .also(&[Rule]),
    // ---- A name that passes on ----
    resigned("identity-taken-over", "a name taken over without a reissue", Roster, || {
        in_hall(|forge| {
            let line = forge.find(Kind::Reissue, 15_000);
            forge.pieces.remove(line);
            forge.find(Kind::Enrol, 15_100)
        })
    })
    .also(&[Refusal, Roster, Rule]),
    resigned("identity-reissued-to-another", "a name reissued to yet another key", Roster, || {
        in_hall(|forge| {
            let deed = reissue(&name("alice"), &people().alice, &people().bob);
            instead(forge, (Kind::Reissue, 15_000), &hall().act(&people().ada, 90, deed));
            forge.find(Kind::Enrol, 15_100)
        })
    })
    .also(&[Roster]),
    resigned(
        "identity-reissued-from-another",
        "a name reissued from a key that does not have it",
        Roster,
        || {
            in_hall(|forge| {
                let deed = reissue(&name("alice"), &people().bob, &people().alice_again);
                instead(forge, (Kind::Reissue, 15_000), &hall().act(&people().ada, 90, deed))
            })
        },
    )
    .also(&[Roster, Refusal]),
    resigned(
        "identity-reissued-key-bids",
        "a bid by a key whose name was reissued",
        Revoked,
        || {
            in_hall(|forge| {
                let line = forge.find(Kind::Refusal, 15_200);
                let body = json!({"ends_at": OPENED + 80_000, "evidence": "signed", "lag_us": 1});
                let mut bid = Piece::new(Kind::Bid, 15_200, body);
                bid.set_bid(&hall().bid(&people().alice, "6", 100, 5));
                forge.pieces[line] = bid;
                line
            })
        },
    )
    .also(&[Order]),
];

/// Somebody with a second certificate under Alice's name.
fn mallory() -> Person {
    Person::new(&world().ca, &grant("alice", Role::Bidder), 9)
}

/// Dora with a certificate for one day.
fn certified(made: gavel::time::Timestamp) -> Person {
    let grant = Grant { lifetime: Span::from_s(86_400), ..grant("dora", Role::Bidder) };
    Person::certified(&world().ca, &grant, made, 11)
}

/// The small sale with one more enrolment.
fn enrolled(person: &Person) -> super::Case {
    spring(|forge: &mut Forge| {
        let line = forge.find(Kind::Enrol, 200);
        forge.insert(line, &draft_enrol(&person.enrolment(world().sale_hash), at(150)));
        line
    })
}
