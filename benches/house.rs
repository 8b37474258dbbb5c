//! What a signed bid costs the house, from the check of its signature to its receipt, with a
//! store in a temporary folder. Parsing the request and sending the answer are not in it.
//!
//! ```text
//! cargo bench --bench house
//! ```
//!
//! CPU time is told for each bid, so that what a frame costs is shared by the bids in it.

mod timing;

use std::hint::black_box;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{LotId, Name, Role, Title};
use gavel::clock::{Clock, ThreadTime};
use gavel::house::{After, Answer};
use gavel::ledger::Hash;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::pki::Credential;
use gavel::record::{
    BidKey, Enrolment, EnrolmentEvidence, EnrolmentStatement, Head, SignedBid, Statement, Terms,
    Times, read_sale_file,
};
use gavel::server::{Begun, MarkUsed, Sealing, Setup, begin};

use timing::{RUNS, Table, each};

const LOTS: u64 = 100;
const BIDDERS: u8 = 20;
/// How many bids one run takes, in frames of each size.
const BIDS: usize = 400;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::start();
    let address = free_address().expect("a port");
    let house = TrialHouse::make(folder.path(), "house", address, clock.now()).expect("a house");
    let mut floor = Floor::open(&house, clock);
    let table = Table::begin("The house, for one bid");
    let bids = floor.sign(BIDS);
    table.measure(
        "authenticate: key read, signed bytes, check",
        BIDS,
        || bids.clone(),
        |bids| {
            for bid in bids.drain(..) {
                black_box(bid.authenticate().expect("is signed"));
            }
        },
    );
    floor.frame(bids, &mut Spent::default());
    for frame in [1, 20, 200] {
        let mut runs: Vec<Spent> = Vec::new();
        for _ in 0..RUNS {
            let mut spent = Spent::default();
            for _ in 0..BIDS / frame {
                let bids = floor.sign(frame);
                floor.frame(bids, &mut spent);
            }
            runs.push(spent);
        }
        println!("in frames of {frame}");
        for (place, stage) in STAGES.iter().enumerate() {
            table.row(stage, runs.iter().map(|spent| each(spent.cpu_ns[place], BIDS)).collect());
        }
        let all = |spent: &Spent| each(spent.cpu_ns.iter().sum(), BIDS);
        table.row("  all of it", runs.iter().map(all).collect());
        let commits = |spent: &Spent| each(spent.commit_wait_ns, BIDS / frame);
        table.row("  (Store::commit of a frame: the wait)", runs.iter().map(commits).collect());
    }
}

const STAGES: [&str; 5] = [
    "  House::submit",
    "  House::take_frame",
    "  Store::commit, written and synced",
    "  House::committed, checkpoint signed",
    "  House::answer, receipt as text",
];

/// What a run took.
#[derive(Default)]
struct Spent {
    cpu_ns: [u64; STAGES.len()],
    commit_wait_ns: u64,
}

/// A sale that is held, with its bidders.
struct Floor {
    begun: Begun,
    bidders: Vec<(Name, SigningKey)>,
    clock: Clock,
    turn: u64,
}

impl Floor {
    fn open(house: &TrialHouse, clock: Clock) -> Self {
        let begun = open(house, clock);
        let mut floor = Self { begun, bidders: Vec::new(), clock, turn: 0 };
        (1..=BIDDERS).for_each(|number| floor.enrol(house, number));
        floor
    }

    /// The next bids, round after round over the lots, each round one unit more and by others.
    fn sign(&mut self, count: usize) -> Vec<SignedBid> {
        let newest = self.begun.house.checkpoint().checkpoint();
        let head = Head { root: newest.root, size: newest.size };
        let sale_hash = self.begun.house.sale_hash();
        let mut bid = || {
            let (round, lot) = (self.turn / LOTS, self.turn % LOTS);
            let place = (round + lot) % u64::from(BIDDERS);
            let (bidder, key) = &self.bidders[usize::try_from(place).expect("few")];
            self.turn += 1;
            let statement = Statement {
                amount: Amount::new(round + 1).expect("an amount"),
                bid_key: BidKey::from(key),
                bidder: bidder.clone(),
                head,
                lot: LotId::parse(&(lot + 1).to_string()).expect("a lot id"),
                n: self.turn,
                sale_hash,
            };
            SignedBid::sign(statement, key)
        };
        (0..count).map(|_| bid()).collect()
    }

    /// Takes bids as one frame, and adds up what each part of it took.
    fn frame(&mut self, bids: Vec<SignedBid>, spent: &mut Spent) {
        let Begun { house, store, .. } = &mut self.begun;
        let signed = bids.into_iter().map(|bid| bid.authenticate().expect("is signed"));
        let signed: Vec<_> = signed.collect();
        let now = self.clock.now();
        let [submit, take, commit, seal, answer] = &mut spent.cpu_ns;
        let pending: Vec<_> = on_the_clock(submit, || {
            signed.into_iter().map(|signed| house.submit(now, 0, signed)).collect()
        });
        let frame = on_the_clock(take, || house.take_frame());
        let wait = Instant::now();
        let lines = on_the_clock(commit, || store.commit(frame).expect("commits"));
        spent.commit_wait_ns += u64::try_from(wait.elapsed().as_nanos()).expect("not for ever");
        let After::Released(released) = on_the_clock(seal, || house.committed(lines)) else {
            panic!("the sale has not closed");
        };
        on_the_clock(answer, || {
            for pending in pending {
                match house.answer(&released, pending) {
                    Answer::Entered(receipt) => black_box(receipt.to_text()),
                    other => panic!("{other:?}"),
                };
            }
        });
    }

    fn enrol(&mut self, house: &TrialHouse, number: u8) {
        let now = self.clock.now();
        let name = Name::parse(&format!("bidder-{number}")).expect("a name");
        let credential = house.credential(name.clone(), Role::Bidder, now);
        let Credential { identity, secret, .. } = credential.expect("a credential");
        let key = SigningKey::from_bytes(&[number; 32]);
        let statement = EnrolmentStatement {
            bid_key: BidKey::from(&key),
            bidder: name.clone(),
            cert: Hash::of(&identity.chain[0]),
            role: Role::Bidder,
            sale_hash: self.begun.house.sale_hash(),
        };
        let enrolment = Enrolment {
            bidder: name.clone(),
            role: Role::Bidder,
            chain: identity.chain.clone(),
            evidence: EnrolmentEvidence::Signed {
                bid_key: statement.bid_key,
                bid_sig: statement.sign(&key),
                cert_sig: secret.sign(&statement.certificate_message()).expect("signs"),
            },
        };
        let sale_hash = self.begun.house.sale_hash();
        let enrolled = enrolment.authenticate(&sale_hash, house.anchor(), house.name(), now);
        let _ = self.begun.house.enrol(now, &enrolled.expect("is good"));
        let frame = self.begun.house.take_frame();
        let lines = self.begun.store.commit(frame).expect("commits");
        let _ = self.begun.house.committed(lines);
        self.bidders.push((name, key));
    }
}

fn on_the_clock<T>(spent_ns: &mut u64, work: impl FnOnce() -> T) -> T {
    let time = ThreadTime::start();
    let done = work();
    *spent_ns += time.elapsed_ns();
    done
}

fn open(house: &TrialHouse, clock: Clock) -> Begun {
    let folder = house.pki().serve();
    let sealing =
        folder.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now());
    let sealing = sealing.expect("a sealing key");
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":86400}}"#);
    let lots: Vec<String> = (1..=LOTS).map(lot).collect();
    let lots = format!("{{{}}}", lots.join(","));
    let lots = read_sale_file(lots.as_bytes(), Times::Absolute).expect("a sale file").lot_terms();
    let setup = Setup {
        house: house.name().clone(),
        sale: house.sale().clone(),
        title: Title::parse("A sale").expect("a title"),
        lots,
        reserves: Vec::new(),
        terms: Terms {
            sale: SaleTerms {
                currency: Currency::seed(),
                attested: false,
                opens_at: None,
                sale_ends_at: None,
                restart_grace: RESTART_GRACE,
                room_bids: false,
                void_policy: VoidPolicy::Reinstate,
            },
            fees: None,
            refusal_bytes_max: REFUSAL_BYTES_MAX,
            refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
        },
        anchor: house.anchor().clone(),
        sealer: sealing.certificate,
        nonce: [5; 32],
        software: Title::parse("gavel bench").expect("a title"),
        ledger_folder: house.ledgers(),
        checkpoint_folder: None,
        copy_folder: None,
        accept_clock: false,
        shown: Vec::new(),
    };
    let mark_used = MarkUsed(Box::new(|| folder.mark_sealing_key_used(house.sale())));
    begin(setup, Sealing { key: Some(sealing.key), used: false, mark_used }).expect("begins")
}
