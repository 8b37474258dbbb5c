//! One small honest sale with several bidders, played through the house, and
//! the keys to forge it again.
//!
//! Every bidder names the first seal as head, so that a change after it leaves
//! their signatures good and only the meaning wrong.

use std::path::Path;
use std::sync::OnceLock;

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{LotTerms, SaleTerms, Timer, VoidPolicy};
use gavel::auction::increments::Increments;
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{HouseName, LotId, Name, Role, SaleId, Title};
use gavel::audit::{Anchors, Audit, FindingKind, Trust, Verdict, audit};
use gavel::house::{Answer, House, Pending};
use gavel::ledger::{Hash, SealingKey, origin};
use gavel::pki::{Ca, Grant, Identity, KeyMaker, P256Secret, RevocationReason};
use gavel::record::{
    AttestedBid, Authenticated, BidKey, Enrolled, Enrolment, EnrolmentEvidence, EnrolmentStatement,
    Head, Opening, Revocation, Signed, SignedBid, Statement, Terms, catalogue_hash,
};
use gavel::time::{Span, Timestamp};

use super::running::Running;

/// When the sale opens.
pub(crate) const OPENED: u64 = 1_800_000_000_000;

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED + ms).expect("in range")
}

/// So many days before the sale opens.
pub(crate) fn days_before(days: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED - days * 86_400_000).expect("in range")
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Somebody with a certificate and a bid key.
pub(crate) struct Person {
    pub(crate) identity: Identity,
    pub(crate) secret: P256Secret,
    pub(crate) bid_key: SigningKey,
}

impl Person {
    pub(crate) fn new(ca: &Ca, grant: &Grant, seed: u8) -> Self {
        Self::certified(ca, grant, at(0), seed)
    }

    pub(crate) fn certified(ca: &Ca, grant: &Grant, when: Timestamp, seed: u8) -> Self {
        let secret = P256Secret::generate().expect("a key");
        let identity = ca.certify_person(&secret.public_key(), grant, when).expect("certifies");
        Self { identity, secret, bid_key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// The same person with another bid key.
    pub(crate) fn with_bid_key(&self, seed: u8) -> Self {
        Self {
            identity: self.identity.clone(),
            secret: P256Secret::from_pkcs8(self.secret.pkcs8()).expect("a key"),
            bid_key: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    /// The enrolment that this person's two keys sign.
    pub(crate) fn enrolment(&self, sale_hash: Hash) -> Enrolment {
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&self.bid_key),
            bidder: self.identity.name.clone(),
            cert: Hash::of(&self.identity.chain[0]),
            role: self.identity.role,
            sale_hash,
        };
        Enrolment {
            bidder: statement.bidder.clone(),
            role: statement.role,
            chain: self.identity.chain.clone(),
            evidence: EnrolmentEvidence::Signed {
                bid_key: statement.bid_key,
                bid_sig: statement.sign(&self.bid_key),
                cert_sig: self.secret.sign(&statement.certificate_message()).expect("signs"),
            },
        }
    }

    pub(crate) fn attested(&self) -> Enrolment {
        Enrolment {
            bidder: self.identity.name.clone(),
            role: self.identity.role,
            chain: self.identity.chain.clone(),
            evidence: EnrolmentEvidence::Attested,
        }
    }

    /// A bid that this person signs.
    pub(crate) fn bid(
        &self,
        head: Head,
        sale_hash: Hash,
        lot: &str,
        amount: u64,
        n: u64,
    ) -> SignedBid {
        let statement = Statement {
            amount: Amount::new(amount).expect("an amount"),
            bid_key: BidKey::from(&self.bid_key),
            bidder: self.identity.name.clone(),
            head,
            lot: LotId::parse(lot).expect("a lot id"),
            n,
            sale_hash,
        };
        SignedBid::sign(statement, &self.bid_key)
    }
}

/// A house, its people, and the ledger of its sale.
pub(crate) struct World {
    pub(crate) ca: Ca,
    pub(crate) house: HouseName,
    pub(crate) sale: SaleId,
    pub(crate) lots: Vec<LotTerms>,
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    pub(crate) carol: Person,
    pub(crate) sale_hash: Hash,
    /// The first seal: the head of all bids.
    pub(crate) head: Head,
    /// The whole ledger, valid and closed.
    pub(crate) ledger: Vec<u8>,
    /// Alice's receipt for her first bid.
    pub(crate) receipt: String,
    /// The checkpoint that was newest in mid-sale.
    pub(crate) checkpoint: String,
}

/// The world of all these tests; it is made once.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::play)
}

fn grant(name: &str, maker: KeyMaker) -> Grant {
    Grant { maker, ..grant_as(name, Role::Bidder) }
}

pub(crate) fn grant_as(name: &str, role: Role) -> Grant {
    let (name, lifetime) = (self::name(name), Span::from_s(30 * 86_400));
    Grant { name, role, maker: KeyMaker::Holder, lifetime }
}

fn lot(id: &str, title: &str, start: u64, step: u64, duration_s: u64, soft_s: u64) -> LotTerms {
    LotTerms {
        id: LotId::parse(id).expect("an id"),
        name: Title::parse(title).expect("a title"),
        start: Amount::new(start).expect("an amount"),
        increments: Increments::constant(step).expect("a step"),
        timer: Timer::FirstBid { duration: Span::from_s(duration_s) },
        soft_window: Span::from_s(soft_s),
        soft_extend: Span::from_s(soft_s),
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    }
}

impl World {
    fn play() -> Self {
        let house = HouseName::parse("test-house").expect("a name");
        let sale = SaleId::parse("spring").expect("an id");
        let ca = Ca::create(house.clone(), days_before(200)).expect("makes a CA");
        let lots =
            vec![lot("1", "Ölbild, 19. Jh.", 50, 5, 30, 10), lot("2", "Vase", 100, 10, 8, 0)];
        let alice = Person::new(&ca, &grant("alice", KeyMaker::Holder), 1);
        let bob = Person::new(&ca, &grant("bob", KeyMaker::House), 2);
        let carol = Person::new(&ca, &grant("carol", KeyMaker::Holder), 3);
        let mut world = Self {
            sale_hash: Hash::ZERO,
            head: Head { root: Hash::ZERO, size: 0 },
            ledger: Vec::new(),
            receipt: String::new(),
            checkpoint: String::new(),
            ca,
            house,
            sale,
            lots,
            alice,
            bob,
            carol,
        };
        let folder = tempfile::tempdir().expect("a folder");
        world.hold(folder.path());
        world
    }

    /// The key that seals the sale.
    pub(crate) fn sealing_key(&self) -> SealingKey {
        self.key_of([77; 32])
    }

    pub(crate) fn key_of(&self, seed: [u8; 32]) -> SealingKey {
        let origin = origin(self.house.as_str(), self.sale.as_str());
        SealingKey::new(origin, SigningKey::from_bytes(&seed)).expect("a key name")
    }

    pub(crate) fn opening(&self) -> Opening {
        let key = self.sealing_key().verifying_key().to_bytes();
        let (sealer, _) = self.ca.certify_sealer(&key, &self.sale, at(0)).expect("certifies");
        Opening {
            sale: self.sale.clone(),
            house: self.house.clone(),
            title: Title::parse("Spring sale").expect("a title"),
            nonce: [9; 32],
            terms: Terms {
                sale: SaleTerms {
                    currency: Currency::seed(),
                    attested: true,
                    opens_at: None,
                    sale_ends_at: None,
                    restart_grace: Span::from_s(60),
                    room_bids: false,
                    void_policy: VoidPolicy::Reinstate,
                },
                fees: None,
                refusal_bytes_max: 4096,
                refusals_per_minute_max: 2,
            },
            lot_count: u64::try_from(self.lots.len()).expect("few"),
            catalogue: catalogue_hash(&self.lots),
            sealers: vec![sealer],
            ca: self.ca.anchor().der().to_vec(),
            software: Title::parse("gavel test").expect("a title"),
        }
    }

    /// Plays the sale through the house, on a disk.
    fn hold(&mut self, folder: &Path) {
        let mut running = Running::bear(self, folder);
        self.sale_hash = running.house.sale_hash();
        let head = running.house.checkpoint().checkpoint();
        self.head = Head { root: head.root, size: head.size };

        running.frame(|house| {
            let mut waiting =
                vec![house.enrol(at(100), &self.enrolled(self.alice.enrolment(self.sale_hash)))];
            waiting.push(house.enrol(at(200), &self.enrolled(self.bob.enrolment(self.sale_hash))));
            waiting.push(self.attest(house, at(1_000), "1", 50));
            waiting
        });
        let answers = running.frame(|house| {
            let mut waiting =
                vec![house.submit(at(2_000), 40, self.signed(&self.alice, "1", 55, 1))];
            waiting.push(house.submit(at(2_500), 50, self.signed(&self.bob, "1", 58, 1)));
            waiting.push(house.submit(at(2_600), 55, self.signed(&self.bob, "1", 60, 2)));
            waiting.push(house.submit(at(3_000), 60, self.signed(&self.bob, "2", 100, 3)));
            waiting
        });
        self.receipt = match answers.into_iter().next() {
            Some(Answer::Entered(receipt)) => receipt.to_text(),
            other => panic!("{other:?}"),
        };
        self.checkpoint = running.house.checkpoint().note().to_owned();
        running.frame(|house| {
            assert!(house.note_clock(at(4_000), at(4_900), false));
            vec![house.submit(at(29_000), 70, self.signed(&self.alice, "1", 70, 4))]
        });
        running.frame(|house| {
            let serial = self.carol.identity.serial.clone();
            let revocation = Revocation {
                serial,
                reason: RevocationReason::Superseded,
                crl_number: 7,
                crl_hash: Hash::of(b"a list"),
            };
            assert!(house.revoke(at(30_000), &revocation));
            vec![]
        });
        running.quiet(at(100_000));
        assert!(running.house.is_finished());
        self.ledger = std::fs::read(running.store.path()).expect("reads");
    }

    pub(crate) fn enrolled(&self, enrolment: Enrolment) -> Authenticated<Enrolled> {
        enrolment
            .authenticate(&self.sale_hash, self.ca.anchor(), &self.house, at(0))
            .expect("is good")
    }

    fn signed(&self, who: &Person, lot: &str, amount: u64, n: u64) -> Authenticated<Signed> {
        self.bid(who, lot, amount, n).authenticate().expect("is signed")
    }

    /// A bid with the first seal as its head.
    pub(crate) fn bid(&self, who: &Person, lot: &str, amount: u64, n: u64) -> SignedBid {
        who.bid(self.head, self.sale_hash, lot, amount, n)
    }

    fn attest(&self, house: &mut House, at: Timestamp, lot: &str, amount: u64) -> Pending {
        let session = self.enrolled(self.carol.attested());
        let lot = LotId::parse(lot).expect("an id");
        let amount = Amount::new(amount).expect("an amount");
        let bid = Authenticated::<AttestedBid>::from_session(&session.identity, lot, amount);
        house.submit_attested(at, 30, &session, bid)
    }

    /// The trusted CA, and nothing else.
    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::new(Trust::Certificate(Box::new(self.ca.anchor().clone())))
    }
}

/// What an audit must say: a verdict, and for each finding its name and line.
#[track_caller]
pub(crate) fn expect(what: &str, audit: &Audit, kind: FindingKind, line: Option<u64>) {
    let found: Vec<_> = audit.findings.iter().map(|f| (f.kind, f.line, &f.detail)).collect();
    let meets = found.iter().any(|(k, l, _)| *k == kind && (line.is_none() || *l == line));
    assert!(meets, "{what}: expected {kind} at {line:?}, found {found:?}");
    let verdict = match kind.weight() {
        gavel::audit::Weight::Wrong => Verdict::Invalid,
        gavel::audit::Weight::Open => Verdict::Incomplete,
    };
    assert_eq!(audit.verdict(), verdict, "{what}: {found:?}");
}

/// As [`expect`], for a ledger that is audited with nothing but the trusted CA.
#[track_caller]
pub(crate) fn expect_of(what: &str, ledger: &[u8], kind: FindingKind, line: Option<u64>) {
    expect(what, &audit(ledger, world().anchors()), kind, line);
}
