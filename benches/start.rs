//! How long a server takes to go on with a long ledger, and how much memory: the real program,
//! started on a ledger that the real house has written.
//!
//! ```text
//! cargo bench --bench start                      100,000 entries
//! GAVEL_ENTRIES=1000000 cargo bench --bench start
//! ```
//!
//! What it prints is of this machine in this hour; the share of the time that reading the file
//! twice and hashing it once would take is printed beside it, as a limit measured in the same run.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
use sha2::{Digest as _, Sha256};

const LOTS: u64 = 100;
const BIDDERS: u8 = 20;
/// How many bids share a frame, and so a seal: a busy sale on a disk that syncs in milliseconds.
const BIDS_PER_FRAME: u64 = 20;

fn main() {
    let entries = std::env::var("GAVEL_ENTRIES").ok().map_or(100_000, |text| {
        text.replace('_', "").parse().expect("GAVEL_ENTRIES is a number of entries")
    });
    let folder = tempfile::tempdir().expect("a folder");
    let house = TrialHouse::make(
        folder.path(),
        "start",
        free_address().expect("a port"),
        Clock::start().now(),
    );
    let house = house.expect("a house");
    let items = folder.path().join("items.json");
    fs::write(&items, sale_file()).expect("writes");
    let began = Instant::now();
    write_ledger(&house, entries);
    let bytes = fs::metadata(house.ledger()).expect("a ledger").len();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("conditions: {processors} processors, load before {}", load.trim());
    println!(
        "a ledger of {entries} entries and {} MB, written in {:.1} s",
        bytes / 1_000_000,
        began.elapsed().as_secs_f64()
    );
    for run in 1..=3 {
        let limit = read_and_hash(&house.ledger());
        let (ready, peak_kib, resident_kib) = start(&house, folder.path(), &items);
        println!(
            "start {run}: ready after {ready:.2} s (reading it and hashing it once takes {limit:.2} s), \
             {} MiB resident, {} MiB at the most, {} bytes an entry",
            resident_kib / 1024,
            peak_kib / 1024,
            resident_kib * 1024 / entries
        );
    }
}

/// The least that a start must do to every byte.
fn read_and_hash(path: &Path) -> f64 {
    let began = Instant::now();
    let mut file = File::open(path).expect("opens");
    let (mut sha256, mut chunk) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut chunk).expect("reads") {
            0 => break,
            count => sha256.update(&chunk[..count]),
        }
    }
    assert!(!sha256.finalize().is_empty());
    began.elapsed().as_secs_f64()
}

/// Seconds until the server listens, the most memory until then, and what it holds, in KiB.
fn start(house: &TrialHouse, folder: &Path, items: &Path) -> (f64, u64, u64) {
    let began = Instant::now();
    let mut server = Server(
        Command::new(env!("CARGO_BIN_EXE_gavel"))
            .arg("serve")
            .arg(items)
            .arg("--pki")
            .arg(folder.join("pki"))
            .arg("--ledger")
            .arg(house.ledgers())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("starts"),
    );
    let banner = BufReader::new(server.0.stdout.take().expect("a pipe"));
    let listens =
        banner.lines().map(|line| line.expect("text")).any(|line| line.starts_with("listens on"));
    assert!(listens, "the server ended at once");
    let ready = began.elapsed().as_secs_f64();
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap_or_default();
    let kib = |key: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(key));
        value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    (ready, kib("VmHWM:"), kib("VmRSS:"))
}

/// A server that does not outlive its measurement.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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

fn sale_file() -> String {
    let lot = |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":86400}}"#);
    let lots: Vec<String> = (1..=LOTS).map(lot).collect();
    format!("{{{}}}", lots.join(","))
}
