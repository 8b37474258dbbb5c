//! A house with a CA, a sealing key and some people, and a sale driven by hand
//! on a clock of its own.

use std::collections::BTreeMap;
use std::path::Path;

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{LotTerms, SaleTerms, VoidPolicy};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{HouseName, LotId, Name, Role, SaleId, Title};
use gavel::house::{After, Answer, House, Newborn, Pending, Recovered, Recovery, RecoveryRefusal};
use gavel::ledger::store::{self, Committed, Locked, ScanError, Store, Visit};
use gavel::ledger::{Hash, SealingKey, origin};
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::pki::{Ca, Grant, Identity, KeyMaker, P256Secret};
use gavel::record::{
    Authenticated, BidKey, Enrolled, Enrolment, EnrolmentEvidence, EnrolmentStatement, Head,
    KeptReserve, Opening, Signed, SignedBid, Statement, Terms, Times, catalogue_hash,
    read_sale_file,
};
use gavel::time::{Span, Timestamp};

/// When the sale opens.
pub(crate) const OPENED: u64 = 1_800_000_000_000;

/// The seed's own five items.
pub(crate) const ITEMS: &[u8] = include_bytes!("../../items.json");

/// A folder on a disk of memory where the system has one: thousands of recoveries
/// sync their files here, and what is tested is their order and content.
pub(crate) fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED + ms).expect("in range")
}

/// A house, its sale and its people.
pub(crate) struct World {
    pub(crate) ca: Ca,
    pub(crate) house: HouseName,
    pub(crate) sale: SaleId,
    pub(crate) lots: Vec<LotTerms>,
    pub(crate) terms: Terms,
    /// What opens the hidden reserves, as the house keeps it privately.
    pub(crate) reserves: Vec<KeptReserve>,
    sealing: [u8; 32],
    people: BTreeMap<&'static str, Person>,
}

/// Somebody with a certificate and a bid key.
pub(crate) struct Person {
    pub(crate) identity: Identity,
    secret: P256Secret,
    pub(crate) bid_key: SigningKey,
}

impl World {
    /// Bidders, and the seed's own lots.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        let people: Vec<_> = names.iter().map(|name| (*name, *name, Role::Bidder)).collect();
        Self::of(
            &people,
            read_sale_file(ITEMS, Times::Absolute).expect("the seed's file").lot_terms(),
        )
    }

    /// People, each by what the tests call them, by name and by role, and lots.
    pub(crate) fn of(people: &[(&'static str, &str, Role)], lots: Vec<LotTerms>) -> Self {
        let house = HouseName::parse("test-house").expect("a name");
        let ca = Ca::create(house.clone(), at(0)).expect("makes a CA");
        let person = |(i, (called, name, role)): (usize, &(&'static str, &str, Role))| {
            let secret = P256Secret::generate().expect("a key");
            let grant = Grant {
                name: Name::parse(name).expect("a name"),
                role: *role,
                maker: KeyMaker::Holder,
                lifetime: Span::from_s(30 * 86_400),
            };
            let identity =
                ca.certify_person(&secret.public_key(), &grant, at(0)).expect("certifies");
            let bid_key = SigningKey::from_bytes(&[u8::try_from(i + 1).expect("few"); 32]);
            (*called, Person { identity, secret, bid_key })
        };
        let people = people.iter().enumerate().map(person).collect();
        let sale = SaleId::parse("spring").expect("an id");
        let (terms, reserves) = (terms(), Vec::new());
        Self { ca, house, sale, lots, terms, reserves, sealing: [77; 32], people }
    }

    pub(crate) fn person(&self, called: &str) -> &Person {
        &self.people[called]
    }

    pub(crate) fn key(&self) -> SealingKey {
        let origin = origin(self.house.as_str(), self.sale.as_str());
        SealingKey::new(origin, SigningKey::from_bytes(&self.sealing)).expect("a key name")
    }

    fn opening(&self) -> Opening {
        let key = SigningKey::from_bytes(&self.sealing).verifying_key().to_bytes();
        let (sealer, _) = self.ca.certify_sealer(&key, &self.sale, at(0)).expect("certifies");
        Opening {
            sale: self.sale.clone(),
            house: self.house.clone(),
            title: Title::parse("Spring sale").expect("a title"),
            nonce: [9; 32],
            terms: self.terms.clone(),
            lot_count: u64::try_from(self.lots.len()).expect("few"),
            catalogue: catalogue_hash(&self.lots),
            sealers: vec![sealer],
            ca: self.ca.anchor().der().to_vec(),
            software: Title::parse("gavel test").expect("a title"),
        }
    }

    /// Brings the sale into being in `folder`.
    pub(crate) fn bear(&self, folder: &Path) -> Running {
        let locked = store::lock(folder, self.sale.as_str()).expect("locks");
        let (newborn, lines) =
            Newborn::new(self.opening(), self.lots.clone(), at(0)).expect("a catalogue");
        let (mut store, lines) = locked.create(lines).expect("creates");
        let house = newborn.born(&lines, self.key(), &self.reserves).expect("is born");
        store.write_anchor(house.checkpoint()).expect("writes the anchor");
        let mut running = Running { house, store, notes: BTreeMap::new() };
        running.note_newest();
        running.commit(Vec::new());
        running
    }

    /// Replays the ledger in `folder` as a start does, up to its decision.
    pub(crate) fn recover(
        &self,
        folder: &Path,
    ) -> Result<(Locked, store::Scan, Recovered), Refused> {
        let locked = store::lock(folder, self.sale.as_str()).expect("locks");
        let mut recovery =
            Recovery::new(self.ca.anchor().clone(), self.house.clone(), self.sale.clone());
        let scan = locked
            .scan(|raw, line| {
                recovery.take(raw, line).map(|whole| if whole { Visit::Keep } else { Visit::Break })
            })
            .map_err(|failure| match failure {
                ScanError::OtherVersion { line, source } => {
                    Refused(RecoveryRefusal::OtherVersion { seq: line, why: source })
                }
                ScanError::Refused { source, .. } => Refused(source),
                ScanError::Store(failure) => panic!("the disk: {failure}"),
            })?;
        let recovered = recovery.finish().map_err(Refused)?;
        let larger = locked
            .find_note_beyond(&scan, |note| recovered.is_outsealed_by(note))
            .expect("reads")
            .is_some();
        let anchor = locked.anchor().expect("reads");
        recovered
            .continuation(anchor.as_deref(), scan.broken().is_some(), larger)
            .map_err(Refused)?;
        Ok((locked, scan, recovered))
    }

    /// Takes the sale up again at `now`.
    pub(crate) fn go_on(&self, folder: &Path, now: Timestamp) -> Result<Running, Refused> {
        self.go_on_with(folder, now, &self.reserves)
    }

    /// As [`World::go_on`], with what a private file of another time held.
    pub(crate) fn go_on_with(
        &self,
        folder: &Path,
        now: Timestamp,
        reserves: &[KeptReserve],
    ) -> Result<Running, Refused> {
        let (locked, scan, recovered) = self.recover(folder)?;
        recovered.check_reserves(reserves).map_err(Refused)?;
        let mut store = locked.rewrite(scan).expect("rewrites");
        let house = recovered.go_on(self.key(), now, reserves).map_err(Refused)?;
        store.write_anchor(house.checkpoint()).expect("writes the anchor");
        let mut running = Running { house, store, notes: BTreeMap::new() };
        running.note_newest();
        running.commit(Vec::new());
        Ok(running)
    }

    pub(crate) fn enrolled(&self, called: &str, running: &Running) -> Authenticated<Enrolled> {
        let person = self.person(called);
        let Identity { name, role, chain, .. } = &person.identity;
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&person.bid_key),
            bidder: name.clone(),
            cert: Hash::of(&chain[0]),
            role: *role,
            sale_hash: running.house.sale_hash(),
        };
        let enrolment = Enrolment {
            bidder: name.clone(),
            role: *role,
            chain: chain.clone(),
            evidence: EnrolmentEvidence::Signed {
                bid_key: statement.bid_key,
                bid_sig: statement.sign(&person.bid_key),
                cert_sig: person.secret.sign(&statement.certificate_message()).expect("signs"),
            },
        };
        let (sale_hash, anchor) = (running.house.sale_hash(), self.ca.anchor());
        enrolment.authenticate(&sale_hash, anchor, &self.house, at(0)).expect("is good")
    }

    /// A bid with the newest head, numbered `n`.
    pub(crate) fn bid(
        &self,
        running: &Running,
        called: &str,
        lot: &str,
        amount: u64,
        n: u64,
    ) -> Authenticated<Signed> {
        let person = self.person(called);
        let statement = Statement {
            amount: Amount::new(amount).expect("an amount"),
            bid_key: BidKey::from(&person.bid_key),
            bidder: person.identity.name.clone(),
            head: running.head(),
            lot: LotId::parse(lot).expect("a lot id"),
            n,
            sale_hash: running.house.sale_hash(),
        };
        SignedBid::sign(statement, &person.bid_key).authenticate().expect("is signed")
    }
}

fn terms() -> Terms {
    Terms {
        sale: SaleTerms {
            currency: Currency::seed(),
            attested: false,
            opens_at: None,
            sale_ends_at: Some(at(200_000)),
            restart_grace: RESTART_GRACE,
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        },
        fees: None,
        refusal_bytes_max: REFUSAL_BYTES_MAX,
        refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
    }
}

/// Why a ledger was not taken up again.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) RecoveryRefusal);

/// A sale with its disk.
pub(crate) struct Running {
    pub(crate) house: House,
    pub(crate) store: Store,
    /// Every checkpoint that was released, by its size.
    pub(crate) notes: BTreeMap<u64, String>,
}

impl Running {
    /// The newest checkpoint as a head.
    pub(crate) fn head(&self) -> Head {
        let newest = self.house.checkpoint().checkpoint();
        Head { root: newest.root, size: newest.size }
    }

    /// Writes and syncs the frame; gives the answers.
    pub(crate) fn commit(&mut self, waiting: Vec<Pending>) -> Vec<Answer> {
        let mut frame = self.house.take_frame();
        loop {
            let lines: Vec<Committed> = if frame.is_empty() {
                Vec::new()
            } else {
                self.store.commit(frame).expect("commits")
            };
            match self.house.committed(lines) {
                After::SealFirst(seal) => frame = seal,
                After::Released(released) => {
                    let answers = waiting
                        .into_iter()
                        .map(|pending| self.house.answer(&released, pending))
                        .collect();
                    self.note_newest();
                    return answers;
                }
            }
        }
    }

    /// Keeps the newest checkpoint, and holds it against what was signed before.
    pub(crate) fn note_newest(&mut self) {
        let newest = self.house.checkpoint();
        let size = newest.checkpoint().size;
        let before = self.notes.insert(size, newest.note().to_owned());
        assert!(before.is_none_or(|note| note == newest.note()), "two checkpoints of size {size}");
    }

    /// One input in a frame of its own.
    pub(crate) fn one(&mut self, input: impl FnOnce(&mut House) -> Pending) -> Answer {
        let pending = input(&mut self.house);
        self.commit(vec![pending]).pop().expect("one answer")
    }

    /// What time causes up to `now`, then the seal that is owed.
    pub(crate) fn quiet(&mut self, now: Timestamp) {
        self.house.advance(now);
        self.commit(Vec::new());
        self.commit(Vec::new());
    }
}
