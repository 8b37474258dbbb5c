//! A long ledger, written by the real house on a real store, for benchmarks to read.

use std::fs;
use std::path::Path;
use std::time::Instant;

use gavel::auction::money::Amount;
use gavel::auction::name::LotId;
use gavel::clock::Clock;
use gavel::house::{After, Pending};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::record::{BidKey, Head, SignedBid, Statement};
use gavel::server::Begun;

use crate::sale::{BIDDERS, LOTS, enrol, open};

/// How many bids share a frame, and so a seal: a busy sale on a disk that syncs in milliseconds.
const BIDS_PER_FRAME: u64 = 20;

/// Makes a house in `folder` with a ledger of at least `entries`, and says how long that took.
pub(super) fn write(folder: &Path, entries: u64) -> TrialHouse {
    fs::create_dir_all(folder).expect("a folder");
    let address = free_address().expect("a port");
    let house = TrialHouse::make(folder, "long", address, Clock::start().now()).expect("a house");
    let began = Instant::now();
    write_ledger(&house, entries);
    println!(
        "a ledger of {entries} entries and {} MB, written in {:.1} s",
        fs::metadata(house.ledger()).expect("a ledger").len() / 1_000_000,
        began.elapsed().as_secs_f64()
    );
    house
}

/// How many entries the ledger shall have: `GAVEL_ENTRIES`, or 100,000.
pub(super) fn entries() -> u64 {
    std::env::var("GAVEL_ENTRIES").ok().map_or(100_000, |text| {
        text.replace('_', "").parse().expect("GAVEL_ENTRIES is a number of entries")
    })
}

/// A field of `/proc/<process>/status`, in KiB; 0 where there is none.
pub(super) fn status_kib(process: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Opens the sale as the server does, and enters bids until the ledger is long enough.
fn write_ledger(house: &TrialHouse, entries: u64) {
    let clock = Clock::start();
    let mut begun = open(house, clock);
    let bidders: Vec<_> = (1..=BIDDERS).map(|i| enrol(house, &mut begun, clock, i)).collect();
    let mut amounts = vec![0; usize::try_from(LOTS).expect("few")];
    let mut turn = 0;
    while begun.store.lines() < entries {
        let newest = begun.house.checkpoint().checkpoint();
        let head = Head { root: newest.root, size: newest.size };
        let mut pending = Vec::new();
        for _ in 0..BIDS_PER_FRAME {
            let lot = usize::try_from(turn % LOTS).expect("few");
            let bidder = usize::try_from(turn % u64::from(BIDDERS)).expect("few");
            // The next round over the lots must not find the same bidder leading.
            let bidder = &bidders
                [(bidder + usize::try_from(turn / LOTS).expect("small")) % usize::from(BIDDERS)];
            amounts[lot] += 1;
            let statement = Statement {
                amount: Amount::new(amounts[lot]).expect("an amount"),
                bid_key: BidKey::from(&bidder.key),
                bidder: bidder.name.clone(),
                head,
                lot: LotId::parse(&(lot + 1).to_string()).expect("a lot id"),
                n: turn + 1,
                sale_hash: begun.house.sale_hash(),
            };
            let signed = SignedBid::sign(statement, &bidder.key).authenticate().expect("is signed");
            pending.push(begun.house.submit(clock.now(), 0, signed));
            turn += 1;
        }
        commit(&mut begun, pending);
    }
}

fn commit(begun: &mut Begun, waiting: Vec<Pending>) {
    let frame = begun.house.take_frame();
    let lines = begun.store.commit(frame).expect("commits");
    let After::Released(released) = begun.house.committed(lines) else {
        panic!("the sale has not closed");
    };
    for pending in waiting {
        let answer = begun.house.answer(&released, pending);
        assert!(matches!(answer, gavel::house::Answer::Entered(_)), "{answer:?}");
    }
}
