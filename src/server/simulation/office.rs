//! A house with its CA and everybody's keys, made once and used in every sale.
//!
//! Certificates come in lengths that differ by some bytes, as their signatures do. The longest of
//! many is the same in every process, so that a line has the same length wherever a seed is played.

use std::sync::{Arc, OnceLock};

use ed25519_dalek::{SigningKey, VerifyingKey};

use super::trace::BEGAN_MS;
use crate::auction::name::{HouseName, Name, Role, SaleId};
use crate::ledger::hash::Hash;
use crate::ledger::origin;
use crate::pki::{Ca, Grant, Identity, KeyMaker, P256Secret};
use crate::record::{BidKey, Enrolment, EnrolmentEvidence, EnrolmentStatement};
use crate::time::{Span, Timestamp};

/// Everybody; the last one is the auctioneer.
pub(super) const PEOPLE: [(&str, Role); 6] = [
    ("ada", Role::Bidder),
    ("bob", Role::Bidder),
    ("cyd", Role::Bidder),
    ("dan", Role::Bidder),
    ("eve", Role::Bidder),
    ("anna", Role::Auctioneer),
];
/// Who acts.
pub(super) const AUCTIONEER: usize = PEOPLE.len() - 1;

/// The house.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) ca: Ca,
    pub(super) house: HouseName,
    pub(super) sale: SaleId,
    pub(super) sealing: SigningKey,
    pub(super) sealer: Vec<u8>,
    people: Vec<Person>,
}

#[derive(Debug)]
struct Person {
    identity: Arc<Identity>,
    secret: P256Secret,
    bid_key: SigningKey,
}

/// The house of all seeds.
pub(super) fn office() -> Arc<Office> {
    static OFFICE: OnceLock<Arc<Office>> = OnceLock::new();
    Arc::clone(OFFICE.get_or_init(|| Arc::new(Office::new())))
}

impl Office {
    pub(super) fn new() -> Self {
        let house = HouseName::parse("hall").expect("a name");
        let sale = SaleId::parse("spring").expect("an id");
        // Long before, so that a clock that is set back is still within all certificates.
        let made = Timestamp::from_unix_ms(BEGAN_MS - 86_400_000).expect("in range");
        let ca = || Ca::create(house.clone(), made).expect("makes a CA");
        let ca = longest(ca, |ca| ca.anchor().der().len());
        let sealing = SigningKey::from_bytes(&[77; 32]);
        let key = sealing.verifying_key().to_bytes();
        let sealer = || ca.certify_sealer(&key, &sale, made).expect("certifies").0;
        let sealer = longest(sealer, Vec::len);
        let person = |(place, (name, role)): (u8, (&str, Role))| {
            let secret = P256Secret::generate().expect("a key");
            let name = Name::parse(name).expect("a name");
            let lifetime = Span::from_s(30 * 86_400);
            let grant = Grant { name, role, maker: KeyMaker::Holder, lifetime };
            let certify =
                || ca.certify_person(&secret.public_key(), &grant, made).expect("certifies");
            let identity = Arc::new(longest(certify, |identity| identity.leaf().len()));
            Person { identity, secret, bid_key: SigningKey::from_bytes(&[place; 32]) }
        };
        let people = (1..).zip(PEOPLE).map(person).collect();
        Self { ca, house, sale, sealing, sealer, people }
    }

    pub(super) fn identity(&self, who: usize) -> &Arc<Identity> {
        &self.people[who].identity
    }

    pub(super) fn bid_key(&self, who: usize) -> &SigningKey {
        &self.people[who].bid_key
    }

    pub(super) fn origin(&self) -> String {
        origin(self.house.as_str(), self.sale.as_str())
    }

    pub(super) fn sealing_public(&self) -> VerifyingKey {
        self.sealing.verifying_key()
    }

    /// Somebody's enrolment in the sale of that line 0, with its statement.
    pub(super) fn enrolment(&self, who: usize, sale_hash: Hash) -> (EnrolmentStatement, Enrolment) {
        let Person { identity, secret, bid_key } = &self.people[who];
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(bid_key),
            bidder: identity.name.clone(),
            cert: Hash::of(identity.leaf()),
            role: identity.role,
            sale_hash,
        };
        let enrolment = Enrolment {
            bidder: identity.name.clone(),
            role: identity.role,
            chain: identity.chain.clone(),
            evidence: EnrolmentEvidence::Signed {
                bid_key: statement.bid_key,
                bid_sig: statement.sign(bid_key),
                cert_sig: secret.sign(&statement.certificate_message()).expect("signs"),
            },
        };
        (statement, enrolment)
    }
}

/// The longest of many.
fn longest<T>(make: impl Fn() -> T, length: impl Fn(&T) -> usize) -> T {
    (0..40).map(|_| make()).max_by_key(length).expect("there are some")
}
