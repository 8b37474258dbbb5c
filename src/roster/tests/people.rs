//! People with certificates, and what they sign, for the roster's tests.

use ed25519_dalek::SigningKey;

use crate::auction::act::KeyHash;
use crate::auction::catalogue::{SaleTerms, VoidPolicy};
use crate::auction::money::Currency;
use crate::auction::name::{HouseName, Name, Role};
use crate::ledger::hash::Hash;
use crate::pki::{Ca, Grant, Identity, KeyMaker, P256Secret};
use crate::record::{
    Authenticated, BidKey, Claim, Enrolled, Enrolment, EnrolmentEvidence, EnrolmentStatement, Head,
    Terms,
};
use crate::roster::Roster;
use crate::time::{Span, Timestamp};

pub(super) const OPENED_MS: u64 = 1_800_000_000_000;
pub(super) const SALE: Hash = Hash::from_bytes([5; 32]);
/// The first seal line, that of the birth.
pub(super) const HEAD: Head = Head { root: Hash::from_bytes([1; 32]), size: 3 };
/// How long every certificate lives.
const LIFETIME: Span = Span::from_s(86_400);

/// When every certificate of these tests has expired.
pub(super) const LATE: Timestamp = Timestamp::ZERO.plus(Span::from_ms(OPENED_MS + 200_000_000));

pub(super) fn at_s(s: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED_MS + s * 1_000).expect("in range")
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub(super) fn bid_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn terms(attested: bool) -> Terms {
    Terms {
        sale: SaleTerms {
            currency: Currency::seed(),
            attested,
            opens_at: None,
            sale_ends_at: None,
            restart_grace: Span::ZERO,
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        },
        fees: None,
        refusal_bytes_max: 1_000,
        refusals_per_minute_max: 3,
    }
}

/// A roster with its first head, that takes attested bids too.
pub(super) fn roster() -> Roster {
    let mut roster = Roster::new(SALE, &terms(true));
    roster.apply_seal(HEAD);
    roster
}

/// A CA that certifies people as the test asks.
pub(super) struct House {
    ca: Ca,
    name: HouseName,
}

/// Somebody with a certificate and its key.
pub(super) struct Person {
    pub(super) identity: Identity,
    pub(super) secret: P256Secret,
}

impl House {
    pub(super) fn new() -> Self {
        let name = HouseName::parse("test-house").expect("a name");
        Self { ca: Ca::create(name.clone(), at_s(0)).expect("makes a CA"), name }
    }

    /// Certifies `who` at so many seconds, for a key of their own.
    pub(super) fn person(&self, who: &str, role: Role) -> Person {
        self.certified(who, role, P256Secret::generate().expect("a key"), at_s(0))
    }

    pub(super) fn certified(
        &self,
        who: &str,
        role: Role,
        secret: P256Secret,
        at: Timestamp,
    ) -> Person {
        let (name, maker) = (name(who), KeyMaker::Holder);
        let grant = Grant { name, role, maker, lifetime: LIFETIME };
        let identity = self.ca.certify_person(&secret.public_key(), &grant, at).expect("certifies");
        Person { identity, secret }
    }

    /// The enrolment of a bid key, signed by it and by the certificate's key.
    pub(super) fn enrolled(
        &self,
        person: &Person,
        bid_key: &SigningKey,
    ) -> Authenticated<Enrolled> {
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(bid_key),
            bidder: person.identity.name.clone(),
            cert: Hash::of(person.identity.leaf()),
            role: person.identity.role,
            sale_hash: SALE,
        };
        let evidence = EnrolmentEvidence::Signed {
            bid_key: statement.bid_key,
            bid_sig: statement.sign(bid_key),
            cert_sig: person.secret.sign(&statement.certificate_message()).expect("signs"),
        };
        self.authenticated(person, evidence)
    }

    pub(super) fn attested(&self, person: &Person) -> Authenticated<Enrolled> {
        self.authenticated(person, EnrolmentEvidence::Attested)
    }

    fn authenticated(
        &self,
        person: &Person,
        evidence: EnrolmentEvidence,
    ) -> Authenticated<Enrolled> {
        let Identity { name, role, chain, not_before, .. } = &person.identity;
        let enrolment =
            Enrolment { bidder: name.clone(), role: *role, chain: chain.clone(), evidence };
        let judged_at = (*not_before).max(at_s(0));
        enrolment.authenticate(&SALE, self.ca.anchor(), &self.name, judged_at).expect("is good")
    }
}

impl Person {
    pub(super) fn key_hash(&self) -> KeyHash {
        KeyHash(*self.identity.key.bytes())
    }
}

/// What somebody signs with the bid key of a seed.
pub(super) struct Words {
    pub(super) bid_key: BidKey,
    pub(super) bidder: Name,
    pub(super) head: Head,
    pub(super) n: u64,
    pub(super) sale_hash: Hash,
}

impl Words {
    pub(super) fn of(who: &str, seed: u8, n: u64) -> Self {
        let bid_key = BidKey::from(&bid_key(seed));
        Self { bid_key, bidder: name(who), head: HEAD, n, sale_hash: SALE }
    }

    pub(super) const fn claim(&self) -> Claim<'_> {
        let Self { bid_key, bidder, head, n, sale_hash } = self;
        Claim { bid_key, bidder, head, n: *n, sale_hash }
    }
}
