//! A house with its CA and everybody's keys, made once for all sales.

use std::path::Path;
use std::sync::OnceLock;

use ed25519_dalek::SigningKey;
use gavel::auction::name::{HouseName, SaleId};
use gavel::auction::{KeyHash, Title};
use gavel::house::House;
use gavel::ledger::{Hash, SealingKey, origin};
use gavel::limits::REFUSAL_BYTES_MAX;
use gavel::pki::{Ca, Grant, Identity, KeyMaker, P256Secret};
use gavel::record::{
    ActStatement, Authenticated, BidKey, Enrolled, Enrolment, EnrolmentEvidence,
    EnrolmentStatement, Head, Opening, Order, Signed, SignedAct, SignedBid, Statement, Terms,
    catalogue_hash,
};
use gavel::time::Span;

use super::plan::{PEOPLE, Plan, amount, at, lot_id, name};

/// The house.
pub(crate) struct Office {
    pub(crate) ca: Ca,
    pub(crate) name: HouseName,
    pub(crate) sale: SaleId,
    sealing: SigningKey,
    people: Vec<Person>,
}

struct Person {
    identity: Identity,
    secret: P256Secret,
    bid_key: SigningKey,
}

/// The one house of these tests.
pub(crate) fn office() -> &'static Office {
    static OFFICE: OnceLock<Office> = OnceLock::new();
    OFFICE.get_or_init(Office::new)
}

/// A folder on a disk of memory where the system has one: what is tested is order and content.
pub(crate) fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

impl Office {
    fn new() -> Self {
        let house = HouseName::parse("test-house").expect("a name");
        let ca = Ca::create(house.clone(), at(0)).expect("makes a CA");
        let person = |(place, (who, role)): (u8, _)| {
            let secret = P256Secret::generate().expect("a key");
            let lifetime = Span::from_s(30 * 86_400);
            let grant = Grant { name: name(who), role, maker: KeyMaker::Holder, lifetime };
            let identity =
                ca.certify_person(&secret.public_key(), &grant, at(0)).expect("certifies");
            Person { identity, secret, bid_key: SigningKey::from_bytes(&[place; 32]) }
        };
        let people = (1..).zip(PEOPLE).map(person).collect();
        let sale = SaleId::parse("spring").expect("an id");
        Self { ca, name: house, sale, sealing: SigningKey::from_bytes(&[77; 32]), people }
    }

    pub(crate) fn sealing_key(&self) -> SealingKey {
        let origin = origin(self.name.as_str(), self.sale.as_str());
        SealingKey::new(origin, self.sealing.clone()).expect("a key name")
    }

    pub(crate) fn opening(&self, plan: &Plan, lots: &[gavel::auction::LotTerms]) -> Opening {
        let key = self.sealing.verifying_key().to_bytes();
        let (sealer, _) = self.ca.certify_sealer(&key, &self.sale, at(0)).expect("certifies");
        Opening {
            sale: self.sale.clone(),
            house: self.name.clone(),
            title: Title::parse("Spring sale").expect("a title"),
            nonce: [9; 32],
            terms: Terms {
                sale: plan.terms(),
                fees: None,
                refusal_bytes_max: REFUSAL_BYTES_MAX,
                // So that every refusal is recorded whole.
                refusals_per_minute_max: 10_000,
            },
            lot_count: u64::try_from(lots.len()).expect("few"),
            catalogue: catalogue_hash(lots),
            sealers: vec![sealer],
            ca: self.ca.anchor().der().to_vec(),
            software: Title::parse("gavel test").expect("a title"),
        }
    }

    pub(crate) fn enrolled(&self, who: usize, sale_hash: Hash) -> Authenticated<Enrolled> {
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
        enrolment.authenticate(&sale_hash, self.ca.anchor(), &self.name, at(0)).expect("is good")
    }

    /// The hash of the key in somebody's certificate.
    pub(crate) fn key_hash(&self, who: usize) -> KeyHash {
        KeyHash(*self.people[who].identity.key.bytes())
    }

    /// A bid of one's own with the newest head.
    pub(crate) fn bid(
        &self,
        house: &House,
        who: usize,
        n: u64,
        lot: usize,
        typed: u64,
    ) -> Authenticated<Signed> {
        let bid_key = &self.people[who].bid_key;
        let statement = Statement {
            amount: amount(typed),
            bid_key: BidKey::from(bid_key),
            bidder: name(PEOPLE[who].0),
            head: newest(house),
            lot: lot_id(lot),
            n,
            sale_hash: house.sale_hash(),
        };
        SignedBid::sign(statement, bid_key).authenticate().expect("is signed")
    }

    /// An act with the newest head.
    pub(crate) fn act(
        &self,
        house: &House,
        who: usize,
        n: u64,
        order: Order,
        reasoned: bool,
    ) -> Authenticated<Signed> {
        let bid_key = &self.people[who].bid_key;
        let statement = ActStatement {
            bid_key: BidKey::from(bid_key),
            bidder: name(PEOPLE[who].0),
            head: newest(house),
            n,
            order,
            reason: reasoned.then(|| Title::parse("so it is").expect("a title")),
            sale_hash: house.sale_hash(),
        };
        SignedAct::sign(statement, bid_key).authenticate().expect("is signed")
    }
}

fn newest(house: &House) -> Head {
    let newest = house.checkpoint().checkpoint();
    Head { root: newest.root, size: newest.size }
}
