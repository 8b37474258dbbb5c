//! Keys, identity and replay: who may have said it.

use ed25519_dalek::SigningKey;
use gavel::auction::name::{HouseName, Role, SaleId};
use gavel::audit::{FindingKind, audit};
use gavel::ledger::entry::Kind;
use gavel::pki::{Ca, Grant, KeyMaker};
use gavel::record::{
    AcceptedBid, BidEvidence, EnrolmentEvidence, Opening, Revocation, SignedBid, draft_bid,
    draft_enrol, draft_open, draft_revoke,
};
use gavel::time::Span;
use serde_json::json;

use super::forge::Forge;
use super::world::{Person, at, days_before, expect, expect_of, name, world};

/// Forges the honest ledger; `forge` gives the line at which it must be found.
#[track_caller]
fn check(what: &str, kind: FindingKind, forge: impl FnOnce(&mut Forge) -> usize) {
    let mut forged = Forge::honest();
    let line = u64::try_from(forge(&mut forged)).expect("small");
    expect_of(what, &forged.forged(), kind, Some(line));
}

/// A bid entry of Alice's second bid's place, with another bid in it.
fn alices_raise(forge: &Forge) -> usize {
    forge.find(Kind::Bid, 29_000)
}

fn accepted(bid: SignedBid) -> AcceptedBid {
    AcceptedBid {
        evidence: BidEvidence::Signed(bid),
        ends_at: Some(at(39_000)),
        reserve_met: None,
        lag_us: 1,
    }
}

fn grant(who: &str, role: Role) -> Grant {
    Grant { name: name(who), role, maker: KeyMaker::Holder, lifetime: Span::from_s(30 * 86_400) }
}

fn with_opening(change: impl FnOnce(&mut Opening)) -> Vec<u8> {
    let mut forge = Forge::honest();
    let mut opening = world().opening();
    change(&mut opening);
    forge.replace(0, &draft_open(&opening, at(0)));
    forge.forged()
}

#[test]
fn keys_that_the_trusted_ca_did_not_certify_are_untrusted() {
    let world = world();
    let other_key = world.key_of([78; 32]);
    let ledger = Forge::honest().sealed_by(&other_key);
    expect_of("sealed by another key", &ledger, FindingKind::Untrusted, Some(3));

    let stranger = Ca::create(world.house.clone(), at(0)).expect("another CA of the same name");
    let seal = |ca: &Ca, sale: &SaleId| {
        let key = world.sealing_key().verifying_key().to_bytes();
        ca.certify_sealer(&key, sale, at(0)).expect("certifies").0
    };
    let untrusted = |what, ledger: Vec<u8>| {
        expect_of(what, &ledger, FindingKind::Untrusted, Some(0));
    };
    let replaced = with_opening(|o| o.sealers = vec![seal(&stranger, &world.sale)]);
    untrusted("the sealing certificate replaced", replaced);
    let whole = with_opening(|o| {
        o.sealers = vec![seal(&stranger, &world.sale)];
        o.ca = stranger.anchor().der().to_vec();
    });
    untrusted("another CA altogether", whole);
    let autumn = SaleId::parse("autumn").expect("an id");
    let other_sale = with_opening(|o| o.sealers = vec![seal(&world.ca, &autumn)]);
    untrusted("the sealer of another sale", other_sale);
    let other_house = with_opening(|o| o.house = HouseName::parse("other").expect("a name"));
    untrusted("another house", other_house);
    let person = with_opening(|o| o.sealers = world.alice.identity.chain.clone());
    untrusted("a bidder's certificate as sealer", person);
    let weak = with_opening(|o| {
        let certified = world.ca.certify_sealer(&[0; 32], &world.sale, at(0));
        o.sealers = vec![certified.expect("certifies").0];
    });
    expect_of("a small-order sealing key", &weak, FindingKind::Signature, Some(0));
}

#[test]
fn one_root_cause_is_one_finding() {
    let ledger = with_opening(|o| {
        o.ca = Ca::create(o.house.clone(), at(0)).expect("a CA").anchor().der().to_vec();
    });
    assert_eq!(audit(&ledger, world().anchors()).findings.len(), 1);
}

#[test]
fn signatures_that_can_never_be_right_are_named_as_such() {
    check("a zero signature", FindingKind::Signature, |forge| {
        let line = alices_raise(forge);
        forge.pieces[line].body["sig"] = json!(format!("{}==", "A".repeat(86)));
        line
    });
    check("a small-order bid key", FindingKind::Signature, |forge| {
        let line = alices_raise(forge);
        forge.pieces[line].body["bid"]["bid_key"] = json!("0".repeat(64));
        line
    });
    check("a high s", FindingKind::Signature, |forge| {
        let line = forge.find(Kind::Enrol, 100);
        let mut enrolment = world().alice.enrolment(world().sale_hash);
        if let EnrolmentEvidence::Signed { cert_sig, .. } = &mut enrolment.evidence {
            negate_s(cert_sig);
        }
        forge.replace(line, &draft_enrol(&enrolment, at(100)));
        line
    });
    check("another algorithm", FindingKind::Schema, |forge| {
        let line = alices_raise(forge);
        forge.pieces[line].body["evidence"] = json!("rsa");
        line
    });
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

#[test]
fn enrolments_bind_certificate_name_and_key() {
    let world = world();
    let mallory = Person::new(&world.ca, &grant("alice", Role::Bidder), 9);
    check("a second certificate key under a name", FindingKind::Roster, |forge| {
        let line = forge.find(Kind::Bid, 2_000);
        forge.insert(line, &draft_enrol(&mallory.enrolment(world.sale_hash), at(1_500)));
        line
    });
    check("the certificate of a name replaced", FindingKind::Roster, |forge| {
        let line = forge.find(Kind::Enrol, 100);
        forge.replace(line, &draft_enrol(&mallory.enrolment(world.sale_hash), at(100)));
        forge.find(Kind::Bid, 2_000)
    });
    check("another certificate of the same key", FindingKind::Enrolment, |forge| {
        let grant = grant("alice", Role::Bidder);
        let key = world.alice.secret.public_key();
        let renewed = world.ca.certify_person(&key, &grant, days_before(3)).expect("certifies");
        let line = forge.find(Kind::Enrol, 100);
        let mut enrolment = world.alice.enrolment(world.sale_hash);
        enrolment.chain = renewed.chain;
        forge.replace(line, &draft_enrol(&enrolment, at(100)));
        line
    });
    check("somebody's bid key enrolled by another", FindingKind::Enrolment, |forge| {
        let line = forge.find(Kind::Enrol, 1_000);
        let mut theft = world.carol.enrolment(world.sale_hash);
        let alices = world.alice.enrolment(world.sale_hash).evidence;
        if let (
            EnrolmentEvidence::Signed { bid_key, bid_sig, .. },
            EnrolmentEvidence::Signed { bid_key: hers, bid_sig: her_sig, .. },
        ) = (&mut theft.evidence, alices)
        {
            (*bid_key, *bid_sig) = (hers, her_sig);
        }
        forge.insert(line, &draft_enrol(&theft, at(900)));
        line
    });
    check("another role than the certificate's", FindingKind::Enrolment, |forge| {
        let line = forge.find(Kind::Enrol, 100);
        forge.pieces[line].body["role"] = json!("clerk");
        line
    });
    check("enrolled after bidding", FindingKind::Roster, |forge| {
        let enrol = forge.find(Kind::Enrol, 200);
        let enrol = forge.pieces.remove(enrol);
        let bid = forge.find(Kind::Bid, 2_600);
        forge.pieces.insert(bid + 1, super::forge::Piece { ts: 2_600, ..enrol });
        bid
    });
}

#[test]
fn certificates_are_judged_at_their_entrys_time() {
    let world = world();
    let day = Span::from_s(86_400);
    let made =
        [("expired", days_before(100)), ("not yet valid", at(0).plus(Span::from_s(40 * 86_400)))];
    for (what, made) in made {
        check(what, FindingKind::CertificateTime, |forge| {
            let dora = Grant { lifetime: day, ..grant("dora", Role::Bidder) };
            let dora = Person::certified(&world.ca, &dora, made, 11);
            let line = forge.find(Kind::Enrol, 200);
            forge.insert(line, &draft_enrol(&dora.enrolment(world.sale_hash), at(150)));
            line
        });
    }
    check("revoked before the bid", FindingKind::Revoked, |forge| {
        let line = alices_raise(forge);
        let revocation = Revocation {
            serial: world.alice.identity.serial.clone(),
            reason: gavel::pki::RevocationReason::KeyCompromise,
            crl_number: 6,
            crl_hash: gavel::ledger::Hash::of(b"a list"),
        };
        forge.insert(line, &draft_revoke(&revocation, at(20_000)));
        line + 1
    });
}

#[test]
fn bids_are_their_bidders_own_words() {
    let world = world();
    check("moved to another bidder", FindingKind::BidSignature, |forge| {
        let line = alices_raise(forge);
        forge.pieces[line].body["bid"]["bidder"] = json!("bob");
        line
    });
    check("moved to another lot", FindingKind::BidSignature, |forge| {
        let line = forge.find(Kind::Bid, 3_000);
        forge.pieces[line].body["bid"]["lot"] = json!("1");
        line
    });
    check("another amount", FindingKind::BidSignature, |forge| {
        let line = alices_raise(forge);
        forge.pieces[line].body["bid"]["amount"] = json!(71);
        line
    });
    check("an attested bid marked signed", FindingKind::BidSignature, |forge| {
        let line = forge.find(Kind::Bid, 1_000);
        let mut bid = world.bid(&world.alice, "1", 50, 1);
        bid.signature[5] ^= 1;
        let ends_at = Some(at(31_000));
        let claimed = AcceptedBid {
            evidence: BidEvidence::Signed(bid),
            ends_at,
            reserve_met: None,
            lag_us: 1,
        };
        forge.replace(line, &draft_bid(&claimed, at(1_000)));
        line
    });
    check("signed by nobody's enrolled key", FindingKind::Roster, |forge| {
        let line = alices_raise(forge);
        let mallory = Person { bid_key: SigningKey::from_bytes(&[12; 32]), ..copy(&world.alice) };
        forge.replace(line, &draft_bid(&accepted(world.bid(&mallory, "1", 70, 4)), at(29_000)));
        line
    });
    check("signed for another line 0", FindingKind::Rule, |forge| {
        let line = alices_raise(forge);
        let other = gavel::ledger::Hash::of(b"another line 0");
        let bid = world.alice.bid(world.head, other, "1", 70, 4);
        forge.replace(line, &draft_bid(&accepted(bid), at(29_000)));
        line
    });
}

fn copy(person: &Person) -> Person {
    Person {
        identity: person.identity.clone(),
        secret: gavel::pki::P256Secret::from_pkcs8(person.secret.pkcs8()).expect("a key"),
        bid_key: person.bid_key.clone(),
    }
}

#[test]
fn replays_are_found() {
    let world = world();
    check("n used twice", FindingKind::ReusedN, |forge| {
        let line = alices_raise(forge);
        forge.replace(line, &draft_bid(&accepted(world.bid(&world.alice, "1", 70, 1)), at(29_000)));
        line
    });
    check("a refused bid accepted later", FindingKind::ReusedN, |forge| {
        let line = alices_raise(forge);
        forge.replace(line, &draft_bid(&accepted(world.bid(&world.bob, "1", 58, 1)), at(29_000)));
        line
    });
    check("a head that was never sealed", FindingKind::Head, |forge| {
        let line = alices_raise(forge);
        let root = gavel::ledger::Hash::of(b"another ledger");
        let head = gavel::record::Head { root, size: 3 };
        let bid = world.alice.bid(head, world.sale_hash, "1", 70, 4);
        forge.replace(line, &draft_bid(&accepted(bid), at(29_000)));
        line
    });
    check("an attested bid under a name with a bid key", FindingKind::Unsigned, |forge| {
        let line = alices_raise(forge);
        let bid = world.bid(&world.alice, "1", 70, 4).statement;
        let attested =
            BidEvidence::Attested { bidder: bid.bidder, lot: bid.lot, amount: bid.amount };
        let claimed = AcceptedBid {
            evidence: attested,
            ends_at: Some(at(39_000)),
            reserve_met: None,
            lag_us: 1,
        };
        forge.replace(line, &draft_bid(&claimed, at(29_000)));
        line
    });
}

#[test]
fn several_forged_bids_are_all_found() {
    let mut forge = Forge::honest();
    let lines = [forge.find(Kind::Bid, 2_600), alices_raise(&forge)];
    for line in lines {
        forge.pieces[line].body["sig"] =
            forge.pieces[forge.find(Kind::Bid, 2_000)].body["sig"].clone();
    }
    let audit = audit(&forge.forged(), world().anchors());
    for line in lines {
        let line = Some(u64::try_from(line).expect("small"));
        expect("a borrowed signature", &audit, FindingKind::BidSignature, line);
    }
}
