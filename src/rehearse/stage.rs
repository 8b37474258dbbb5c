//! The throw-away house of one play: its CA, its keys, and everybody who acts.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;

use super::failure::PlayFailure;
use super::opening;
use super::scenario::Scenario;
use crate::auction::catalogue::LotTerms;
use crate::auction::money::Amount;
use crate::auction::name::{HouseName, LotId, Name, Role, Title};
use crate::auction::reserve::ReserveOpening;
use crate::ledger::{Hash, SealingKey, origin};
use crate::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX};
use crate::pki::{Anchor, Ca, Grant, Identity, KeyMaker, P256Secret, PERSON_LIFETIME_MAX};
use crate::record::{
    self, ActStatement, Authenticated, BidKey, Enrolled, Enrolment, EnrolmentEvidence,
    EnrolmentStatement, Head, KeptReserve, Opening, Order, Signed, SignedAct, SignedBid, Statement,
    Terms,
};

/// The house of every rehearsal.
const HOUSE: &str = "rehearsal";

/// What stands before the curtain rises.
pub(super) struct Stage {
    pub(super) house: HouseName,
    ca: Ca,
    seed: [u8; 32],
    people: BTreeMap<Name, Person>,
}

/// Somebody who acts, with certificate and bid key.
struct Person {
    identity: Identity,
    secret: P256Secret,
    bid_key: SigningKey,
    /// The greatest number that the bid key has used.
    n: u64,
}

/// Where a signer stands: in which sale, and what of its ledger was seen.
#[derive(Clone, Copy)]
pub(super) struct Standpoint {
    pub(super) sale_hash: Hash,
    pub(super) head: Head,
}

impl Stage {
    /// Makes a CA and certifies everybody who acts; `seed` is what their keys and the
    /// nonces of reserves are made of.
    pub(super) fn set(scenario: &Scenario, seed: [u8; 32]) -> Result<Self, PlayFailure> {
        let house = HouseName::parse(HOUSE).expect("a house's name");
        let ca = Ca::create(house.clone(), opening())?;
        let mut people = BTreeMap::new();
        for (name, role) in scenario.cast() {
            let bid_key = SigningKey::from_bytes(&derived(&seed, &format!("bid key of {name}")));
            people.insert(name.clone(), Person::certified(&ca, name, role, bid_key)?);
        }
        Ok(Self { house, ca, seed, people })
    }

    /// The CA's certificate.
    pub(super) const fn anchor(&self) -> &Anchor {
        self.ca.anchor()
    }

    fn sealing_secret(&self) -> SigningKey {
        SigningKey::from_bytes(&derived(&self.seed, "sealing key"))
    }

    /// The key that seals the sale.
    pub(super) fn sealing_key(&self, scenario: &Scenario) -> SealingKey {
        let origin = origin(self.house.as_str(), scenario.sale.as_str());
        SealingKey::new(origin, self.sealing_secret()).expect("a house and a sale name a key")
    }

    /// What hides a reserve of `lot`: its `number`th, from 0.
    pub(super) fn hide(&self, lot: &LotId, number: usize, reserve: Amount) -> ReserveOpening {
        let nonce = derived(&self.seed, &format!("reserve {number} of lot {lot}"));
        ReserveOpening { reserve, nonce }
    }

    /// What opens the reserves that the scenario's lots begin with.
    pub(super) fn reserves(&self, scenario: &Scenario) -> Vec<KeptReserve> {
        let lots = scenario.file.lots.iter();
        lots.filter_map(|lot| {
            let id = &lot.terms.id;
            let opening = self.hide(id, 0, lot.reserve?);
            Some(KeptReserve { lot: id.clone(), opening })
        })
        .collect()
    }

    /// The lots as they are offered, with the commitments to those reserves.
    pub(super) fn lots(&self, scenario: &Scenario, reserves: &[KeptReserve]) -> Vec<LotTerms> {
        let mut lots = scenario.file.lot_terms();
        let mut reserves = reserves.iter().peekable();
        for terms in &mut lots {
            if let Some(kept) = reserves.next_if(|kept| kept.lot == terms.id) {
                let commitment = record::commit(&scenario.sale, &terms.id, &kept.opening);
                terms.reserve_commit = Some(commitment);
            }
        }
        lots
    }

    /// Line 0 for those lots.
    pub(super) fn opening(
        &self,
        scenario: &Scenario,
        lots: &[LotTerms],
    ) -> Result<Opening, PlayFailure> {
        let key = self.sealing_secret().verifying_key().to_bytes();
        let (sealer, _) = self.ca.certify_sealer(&key, &scenario.sale, opening())?;
        let software = concat!("gavel ", env!("CARGO_PKG_VERSION"));
        Ok(Opening {
            sale: scenario.sale.clone(),
            house: self.house.clone(),
            title: scenario.title.clone(),
            nonce: derived(&self.seed, "nonce"),
            terms: Terms {
                sale: scenario.file.sale_terms(false),
                fees: scenario.file.fees,
                refusal_bytes_max: REFUSAL_BYTES_MAX,
                refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
            },
            lot_count: u64::try_from(lots.len()).unwrap_or(u64::MAX),
            catalogue: record::catalogue_hash(lots),
            sealers: vec![sealer],
            ca: self.anchor().der().to_vec(),
            software: Title::parse(software).expect("a title"),
        })
    }

    /// Everybody's enrolment in the sale, as their clients would send it.
    pub(super) fn enrolments(
        &self,
        sale_hash: Hash,
    ) -> Result<Vec<Authenticated<Enrolled>>, PlayFailure> {
        let enrol = |person: &Person| {
            let enrolment = person.enrolment(sale_hash)?;
            Ok(enrolment.authenticate(&sale_hash, self.anchor(), &self.house, opening())?)
        };
        self.people.values().map(enrol).collect()
    }

    /// A bid that `who` signs.
    pub(super) fn bid(
        &mut self,
        who: &Name,
        seen: Standpoint,
        lot: &LotId,
        amount: Amount,
    ) -> Authenticated<Signed> {
        let person = self.person(who);
        let statement = Statement {
            amount,
            bid_key: BidKey::from(&person.bid_key),
            bidder: who.clone(),
            head: seen.head,
            lot: lot.clone(),
            n: person.next_n(),
            sale_hash: seen.sale_hash,
        };
        let signed = SignedBid::sign(statement, &person.bid_key).authenticate();
        signed.expect("signed by the key that it names")
    }

    /// An act that `who` signs.
    pub(super) fn act(
        &mut self,
        who: &Name,
        seen: Standpoint,
        order: Order,
        reason: Option<Title>,
    ) -> Authenticated<Signed> {
        let person = self.person(who);
        let statement = ActStatement {
            bid_key: BidKey::from(&person.bid_key),
            bidder: who.clone(),
            head: seen.head,
            n: person.next_n(),
            order,
            reason,
            sale_hash: seen.sale_hash,
        };
        let signed = SignedAct::sign(statement, &person.bid_key).authenticate();
        signed.expect("signed by the key that it names")
    }

    fn person(&mut self, who: &Name) -> &mut Person {
        self.people.get_mut(who).expect("everybody who acts is of the cast")
    }
}

impl Person {
    fn certified(
        ca: &Ca,
        name: Name,
        role: Role,
        bid_key: SigningKey,
    ) -> Result<Self, PlayFailure> {
        let secret = P256Secret::generate()?;
        let grant = Grant { name, role, maker: KeyMaker::Holder, lifetime: PERSON_LIFETIME_MAX };
        let identity = ca.certify_person(&secret.public_key(), &grant, opening())?;
        Ok(Self { identity, secret, bid_key, n: 0 })
    }

    fn enrolment(&self, sale_hash: Hash) -> Result<Enrolment, PlayFailure> {
        let Identity { name, role, chain, .. } = &self.identity;
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&self.bid_key),
            bidder: name.clone(),
            cert: Hash::from_bytes(*self.identity.cert.bytes()),
            role: *role,
            sale_hash,
        };
        Ok(Enrolment {
            bidder: name.clone(),
            role: *role,
            chain: chain.clone(),
            evidence: EnrolmentEvidence::Signed {
                bid_key: statement.bid_key,
                bid_sig: statement.sign(&self.bid_key),
                cert_sig: self.secret.sign(&statement.certificate_message())?,
            },
        })
    }

    fn next_n(&mut self) -> u64 {
        self.n += 1;
        self.n
    }
}

/// 32 bytes for one purpose.
fn derived(seed: &[u8; 32], purpose: &str) -> [u8; 32] {
    *Hash::of(&[seed.as_slice(), purpose.as_bytes()].concat()).bytes()
}
