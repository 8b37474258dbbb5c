//! What a signed bid costs the house, from the check of its signature to its receipt, with a
//! store in a temporary folder. Parsing the request and sending the answer are not in it.
//!
//! ```text
//! cargo bench --bench house
//! ```
//!
//! CPU time is told for each bid, so that what a frame costs is shared by the bids in it.

mod sale;
mod timing;

use std::hint::black_box;
use std::time::Instant;

use gavel::auction::money::Amount;
use gavel::auction::name::LotId;
use gavel::clock::{Clock, ThreadTime};
use gavel::house::{After, Answer};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::record::{BidKey, Head, SignedBid, Statement};
use gavel::server::Begun;

use sale::{BIDDERS, Bidder, LOTS};
use timing::{RUNS, Table, each};

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
    bidders: Vec<Bidder>,
    clock: Clock,
    turn: u64,
}

impl Floor {
    fn open(house: &TrialHouse, clock: Clock) -> Self {
        let mut begun = sale::open(house, clock);
        let bidders = (1..=BIDDERS).map(|number| sale::enrol(house, &mut begun, clock, number));
        let bidders = bidders.collect();
        Self { begun, bidders, clock, turn: 0 }
    }

    /// The next bids, round after round over the lots, each round one unit more and by others.
    fn sign(&mut self, count: usize) -> Vec<SignedBid> {
        let newest = self.begun.house.checkpoint().checkpoint();
        let head = Head { root: newest.root, size: newest.size };
        let sale_hash = self.begun.house.sale_hash();
        let mut bid = || {
            let (round, lot) = (self.turn / LOTS, self.turn % LOTS);
            let place = (round + lot) % u64::from(BIDDERS);
            let Bidder { name, key, .. } = &self.bidders[usize::try_from(place).expect("few")];
            self.turn += 1;
            let statement = Statement {
                amount: Amount::new(round + 1).expect("an amount"),
                bid_key: BidKey::from(key),
                bidder: name.clone(),
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
}

fn on_the_clock<T>(spent_ns: &mut u64, work: impl FnOnce() -> T) -> T {
    let time = ThreadTime::start();
    let done = work();
    *spent_ns += time.elapsed_ns();
    done
}
