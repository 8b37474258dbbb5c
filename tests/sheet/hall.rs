//! Sales with fees, sellers and titles as a test wants them, played through the house.

use gavel::auction::catalogue::{LotTerms, SaleTerms, Seller, Timer, VoidPolicy};
use gavel::auction::fees::{Fees, Rate, TaxOn};
use gavel::auction::increments::Increments;
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{HouseName, LotId, Role, SaleId, Title};
use gavel::audit::{Anchors, Trust, audit};
use gavel::house::Newborn;
use gavel::ledger::store;
use gavel::ledger::{SealingKey, origin};
use gavel::pki::{Ca, Grant, KeyMaker};
use gavel::record::{Opening, Terms, catalogue_hash};
use gavel::sheet::Sheet;
use gavel::time::Span;

use ed25519_dalek::SigningKey;

use super::running::Running;
use super::world::{Person, at, days_before, name};

/// A sale to be held.
pub(crate) struct Plan {
    pub(crate) title: &'static str,
    pub(crate) fees: Option<Fees>,
    pub(crate) lots: Vec<LotTerms>,
    /// When, who, on which lot, how much.
    pub(crate) bids: Vec<(u64, &'static str, &'static str, u64)>,
    /// How long the sale is watched.
    pub(crate) until: u64,
}

/// A sale that was held.
pub(crate) struct Held {
    pub(crate) ca: Ca,
    pub(crate) ledger: Vec<u8>,
}

/// Rates in basis points.
pub(crate) fn fees(premium: u64, tax: u64, tax_on: TaxOn, commission: u64) -> Fees {
    let rate = |bps| Rate::from_bps(bps).expect("a rate");
    Fees { premium: rate(premium), tax: rate(tax), tax_on, commission: rate(commission) }
}

pub(crate) fn person(text: &str) -> Option<Seller> {
    Some(Seller::Person(name(text)))
}

pub(crate) fn text(text: &str) -> Option<Seller> {
    Some(Seller::Text(Title::parse(text).expect("a title")))
}

/// A lot that runs for so many seconds from its first bid.
pub(crate) fn lot(id: &str, title: &str, seller: Option<Seller>, duration_s: u64) -> LotTerms {
    LotTerms {
        id: LotId::parse(id).expect("an id"),
        name: Title::parse(title).expect("a title"),
        start: Amount::new(100).expect("an amount"),
        increments: Increments::constant(1).expect("a step"),
        timer: Timer::FirstBid { duration: Span::from_s(duration_s) },
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    }
}

/// The sale of which the accounts are worked by hand: hammer prices of 1.60, 4.04 and
/// 3.00, one lot unsold. Alice buys 1 and 3, Bob buys 2; Carol sells 1, 2 and 4.
pub(crate) fn worked(tax_on: TaxOn) -> Plan {
    Plan {
        title: "Autumn sale",
        fees: Some(fees(1_250, 750, tax_on, 250)),
        lots: vec![
            lot("1", "Vase", person("carol"), 10),
            lot("2", "Quilt", person("carol"), 5),
            lot("3", "Clock", text("the estate of a gentleman"), 20),
            lot("4", "Spoon", person("carol"), 5),
        ],
        bids: vec![
            (1_000, "alice", "1", 160),
            (1_100, "bob", "2", 400),
            (1_200, "alice", "2", 402),
            (1_300, "bob", "2", 404),
            (1_400, "alice", "3", 300),
            (1_500, "bob", "3", 300),
        ],
        until: 60_000,
    }
}

impl Plan {
    fn opening(&self, ca: &Ca, house: &HouseName, sale: &SaleId, key: &SealingKey) -> Opening {
        let key = key.verifying_key().to_bytes();
        let (sealer, _) = ca.certify_sealer(&key, sale, at(0)).expect("certifies");
        Opening {
            sale: sale.clone(),
            house: house.clone(),
            title: Title::parse(self.title).expect("a title"),
            nonce: [9; 32],
            terms: Terms {
                sale: SaleTerms {
                    currency: Currency::new(Some("EUR"), 2).expect("a currency"),
                    attested: true,
                    opens_at: None,
                    sale_ends_at: Some(at(50_000)),
                    restart_grace: Span::from_s(60),
                    room_bids: false,
                    void_policy: VoidPolicy::Reinstate,
                },
                fees: self.fees,
                refusal_bytes_max: 65_536,
                refusals_per_minute_max: 60,
            },
            lot_count: u64::try_from(self.lots.len()).expect("few"),
            catalogue: catalogue_hash(&self.lots),
            sealers: vec![sealer],
            ca: ca.anchor().der().to_vec(),
            software: Title::parse("gavel test").expect("a title"),
        }
    }

    /// Holds the sale.
    pub(crate) fn hold(&self) -> Held {
        let house = HouseName::parse("test-house").expect("a name");
        let sale = SaleId::parse("autumn").expect("an id");
        let ca = Ca::create(house.clone(), days_before(200)).expect("makes a CA");
        let key = || {
            let origin = origin(house.as_str(), sale.as_str());
            SealingKey::new(origin, SigningKey::from_bytes(&[77; 32])).expect("a key name")
        };
        let people = ["alice", "bob", "dora"].map(|who| {
            let (role, maker) = (Role::Bidder, KeyMaker::Holder);
            let grant = Grant { name: name(who), role, maker, lifetime: Span::from_s(30 * 86_400) };
            (who, Person::new(&ca, &grant, who.as_bytes()[0]))
        });
        let folder = tempfile::tempdir().expect("a folder");
        let locked = store::lock(folder.path(), sale.as_str()).expect("locks");
        let opening = self.opening(&ca, &house, &sale, &key());
        let (newborn, lines) =
            Newborn::new(opening, self.lots.clone(), at(0)).expect("a catalogue");
        let (store, lines) = locked.create(lines).expect("creates");
        let born = newborn.born(&lines, key(), &[]).expect("is born");
        let mut running = Running { house: born, store };
        running.frame(|_| vec![]);
        let (head, sale_hash) = (running.head(), running.house.sale_hash());
        running.frame(|born| {
            let enrol = |(_, person): &(&str, Person)| {
                let enrolment = person.enrolment(sale_hash);
                let enrolled = enrolment.authenticate(&sale_hash, ca.anchor(), &house, at(0));
                born.enrol(at(100), &enrolled.expect("is good"))
            };
            people.iter().map(enrol).collect()
        });
        running.frame(|_| vec![]);
        for ((when, who, lot, amount), n) in self.bids.iter().zip(1..) {
            let (_, person) = people.iter().find(|(name, _)| name == who).expect("is known");
            let bid = person.bid(head, sale_hash, lot, *amount, n);
            let bid = bid.authenticate().expect("is signed");
            running.frame(|house| vec![house.submit(at(*when), 40, bid)]);
        }
        running.quiet(at(self.until));
        Held { ca, ledger: std::fs::read(running.store.path()).expect("reads") }
    }
}

impl Held {
    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::new(Trust::Certificate(Box::new(self.ca.anchor().clone())))
    }

    /// The sheet of its ledger, with every annex.
    pub(crate) fn sheet(&self) -> Sheet {
        let audit = audit(&self.ledger, self.anchors().keeping_annexes());
        let found = &audit.findings;
        Sheet::of(audit.audited().unwrap_or_else(|| panic!("{found:?}")))
    }
}
