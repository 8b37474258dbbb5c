//! A long ledger, written by the real house on a real store, for benchmarks to read.

use std::fs;
use std::path::Path;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{LotId, Name, Role, Title};
use gavel::clock::Clock;
use gavel::house::{After, Pending};
use gavel::ledger::Hash;
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::pki::Credential;
use gavel::record::{
    BidKey, Enrolment, EnrolmentEvidence, EnrolmentStatement, Head, SignedBid, Statement, Terms,
    Times, read_sale_file,
};
use gavel::server::{Begun, MarkUsed, Sealing, Setup, begin};

const LOTS: u64 = 100;
const BIDDERS: u8 = 20;
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

/// Says on what machine, and beside how much other work, something is measured.
pub(super) fn print_conditions() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("conditions: {processors} processors, load before {}", load.trim());
}

/// A field of `/proc/<process>/status`, in KiB; 0 where there is none.
pub(super) fn status_kib(process: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(key));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

struct Bidder {
    name: Name,
    key: SigningKey,
    n: u64,
}

/// Opens the sale as the server does, and enters bids until the ledger is long enough.
fn write_ledger(house: &TrialHouse, entries: u64) {
    let clock = Clock::start();
    let mut begun = open(house, clock);
    let mut bidders: Vec<Bidder> =
        (1..=BIDDERS).map(|i| enrol(house, &mut begun, clock, i)).collect();
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
            let bidder = &mut bidders
                [(bidder + usize::try_from(turn / LOTS).expect("small")) % usize::from(BIDDERS)];
            amounts[lot] += 1;
            bidder.n += 1;
            let statement = Statement {
                amount: Amount::new(amounts[lot]).expect("an amount"),
                bid_key: BidKey::from(&bidder.key),
                bidder: bidder.name.clone(),
                head,
                lot: LotId::parse(&(lot + 1).to_string()).expect("a lot id"),
                n: bidder.n,
                sale_hash: begun.house.sale_hash(),
            };
            let signed = SignedBid::sign(statement, &bidder.key).authenticate().expect("is signed");
            pending.push(begun.house.submit(clock.now(), 0, signed));
            turn += 1;
        }
        commit(&mut begun, pending);
    }
}

fn open(house: &TrialHouse, clock: Clock) -> Begun {
    let folder = house.pki().serve();
    let sealing =
        folder.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now());
    let sealing = sealing.expect("a sealing key");
    let setup = Setup {
        house: house.name().clone(),
        sale: house.sale().clone(),
        title: Title::parse("A long sale").expect("a title"),
        lots: read_sale_file(sale_file().as_bytes(), Times::Absolute)
            .expect("a sale file")
            .lot_terms(),
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

fn enrol(house: &TrialHouse, begun: &mut Begun, clock: Clock, number: u8) -> Bidder {
    let name = Name::parse(&format!("bidder-{number}")).expect("a name");
    let credential = house.credential(name.clone(), Role::Bidder, clock.now());
    let Credential { identity, secret, .. } = credential.expect("a credential");
    let key = SigningKey::from_bytes(&[number; 32]);
    let statement = EnrolmentStatement {
        bid_key: BidKey::from(&key),
        bidder: name.clone(),
        cert: Hash::of(&identity.chain[0]),
        role: Role::Bidder,
        sale_hash: begun.house.sale_hash(),
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
    let sale_hash = begun.house.sale_hash();
    let enrolled = enrolment
        .authenticate(&sale_hash, house.anchor(), house.name(), clock.now())
        .expect("is good");
    let pending = begun.house.enrol(clock.now(), &enrolled);
    commit(begun, vec![pending]);
    Bidder { name, key, n: 0 }
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

/// The lots of its sale.
pub(super) fn sale_file() -> String {
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":86400}}"#);
    let lots: Vec<String> = (1..=LOTS).map(lot).collect();
    format!("{{{}}}", lots.join(","))
}
