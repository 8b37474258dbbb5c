//! The server is killed in the middle of a thousand bids and started again
//! (`kill -9`, the real program). Nothing that was acknowledged may be missing,
//! every receipt must hold, and the sale must end VALID.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use gavel::auction::catalogue::{SaleTerms, VoidPolicy};
use gavel::auction::money::{Amount, Currency};
use gavel::auction::name::{LotId, Name, Role, Title};
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::client::{
    BidAnswer, Caller, Following, Happened, Memory, Options, Session, SessionError,
};
use gavel::clock::Clock;
use gavel::ledger::{Kind, Line};
use gavel::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX};
use gavel::loadtest::{TrialHouse, free_address};
use gavel::record::{Record, Terms, Times, read_sale_file};
use gavel::server::{MarkUsed, Sealing, Setup, begin};
use gavel::time::Span;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

const BIDDERS: usize = 10;
const BIDS_EACH: usize = 100;
const LOTS: usize = 4 * BIDDERS;
/// Counted from a lot's first bid: time for the bids, the outage comes on top.
const LOT_SECONDS: u64 = 15;
const KILLED_AFTER: u64 = 400;
/// The bound of everything that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A bid as its bidder knows it: who and how much, by the line that its receipt names.
type Acknowledged = BTreeMap<u64, (Name, Amount)>;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_of_a_thousand_bids_loses_none_that_it_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::start();
    let house =
        TrialHouse::make(folder.path(), "kill", free_address().expect("a port"), clock.now());
    let house = house.expect("a house");
    let items = folder.path().join("items.json");
    fs::write(&items, sale_file()).expect("writes");
    bear(&house, clock);

    let mut first = serve(&house, folder.path(), &items, "first.log", &[]);
    let score = Arc::new(Score::default());
    let mut bidding = JoinSet::new();
    for place in 0..BIDDERS {
        let name = Name::parse(&format!("bidder-{place}")).expect("a name");
        let credential = house.credential_file(name, Role::Bidder, clock.now());
        let (credential, path) = credential.expect("a credential");
        let caller = Caller::new(credential, clock).expect("a caller");
        bidding.spawn(take_part(place, caller, path, Arc::clone(&score)));
    }
    tokio::select! {
        enough = timeout(PATIENCE, score.enough.notified()) => enough.expect("bids before the kill"),
        ended = bidding.join_next() => panic!("nobody is done before the kill: {ended:?}"),
    }
    first.kill().expect("kills");
    first.wait().expect("is gone");
    let mut second = serve(&house, folder.path(), &items, "second.log", &["--exit-on-close"]);

    let mut acknowledged = Acknowledged::new();
    while let Some(done) = timeout(PATIENCE, bidding.join_next()).await.expect("bids to the end") {
        acknowledged.extend(done.expect("no panic").expect("no bidder fails"));
    }
    let ended = tokio::task::spawn_blocking(move || second.wait());
    let ended = timeout(PATIENCE, ended).await.expect("the sale closes").expect("no panic");
    let log = fs::read_to_string(folder.path().join("second.log")).unwrap_or_default();
    assert!(ended.expect("waits").success(), "{log}");
    judge(&house, folder.path(), &acknowledged);
}

/// How many bids were acknowledged, and when these are enough to kill the server.
#[derive(Default)]
struct Score {
    amount: AtomicU64,
    acknowledged: AtomicU64,
    enough: Notify,
}

/// Opens the sale as the server does, but with little grace after an outage: the
/// seed's form of a sale file cannot ask for that, and a test cannot wait a minute.
fn bear(house: &TrialHouse, clock: Clock) {
    let folder = house.pki().serve();
    let sealing =
        folder.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now());
    let sealing = sealing.expect("a sealing key");
    let setup = Setup {
        reserves: Vec::new(),
        house: house.name().clone(),
        sale: house.sale().clone(),
        title: Title::parse("A sale that is cut short").expect("a title"),
        lots: read_sale_file(sale_file().as_bytes(), Times::Absolute)
            .expect("a sale file")
            .lot_terms(),
        terms: Terms {
            sale: SaleTerms {
                currency: Currency::seed(),
                attested: false,
                opens_at: None,
                sale_ends_at: None,
                restart_grace: Span::from_s(2),
                room_bids: false,
                void_policy: VoidPolicy::Reinstate,
            },
            fees: None,
            refusal_bytes_max: REFUSAL_BYTES_MAX,
            refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
        },
        anchor: house.anchor().clone(),
        sealer: sealing.certificate,
        nonce: [3; 32],
        software: Title::parse("gavel test").expect("a title"),
        ledger_folder: house.ledgers(),
        checkpoint_folder: None,
        copy_folder: None,
        accept_clock: false,
        shown: Vec::new(),
    };
    let mark_used = MarkUsed(Box::new(|| folder.mark_sealing_key_used(house.sale())));
    let sealing = Sealing { key: Some(sealing.key), used: false, mark_used };
    drop(begin(setup, sealing).expect("the sale begins"));
}

fn sale_file() -> String {
    let lot =
        |id| format!(r#""{id}":{{"name":"Lot {id}","highest_bid":0,"duration":{LOT_SECONDS}}}"#);
    let lots: Vec<String> = (1..=LOTS).map(lot).collect();
    format!("{{{}}}", lots.join(","))
}

/// Starts the server and returns once it listens.
fn serve(house: &TrialHouse, folder: &Path, items: &Path, log: &str, flags: &[&str]) -> Server {
    let log = File::create(folder.join(log)).expect("a log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_gavel"))
        .arg("serve")
        .arg(items)
        .arg("--pki")
        .arg(folder.join("pki"))
        .arg("--ledger")
        .arg(house.ledgers())
        .args(["--listen", &house.address().to_string()])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("starts");
    let mut banner = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let server = Server(child);
    let listens = banner.any(|line| line.expect("text").starts_with("listens on"));
    assert!(listens, "the server ended at once");
    // The pipe stays open as long as this thread reads.
    thread::spawn(move || banner.count());
    server
}

/// A server's process; it does not outlive a test that fails.
struct Server(Child);

impl Server {
    fn kill(&mut self) -> std::io::Result<()> {
        self.0.kill()
    }

    fn wait(&mut self) -> std::io::Result<std::process::ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bids around the ring of lots, as bidders of the load test do; gives what was acknowledged.
async fn take_part(
    place: usize,
    caller: Caller,
    credential: PathBuf,
    score: Arc<Score>,
) -> Result<Acknowledged, SessionError> {
    let name = caller.credential().identity.name.clone();
    let address = caller.credential().address.clone();
    let options = Options { following: Following::Nothing, sale: None, reconnect: true };
    let memory = Memory::beside(&credential);
    let mut session = Session::open(caller, address, memory, options).await?;
    let mut acknowledged = Acknowledged::new();
    for turn in 0..BIDS_EACH {
        let lot = LotId::parse(&(1 + (4 * place + turn) % LOTS).to_string()).expect("an id");
        let amount = Amount::new(1 + score.amount.fetch_add(1, Ordering::SeqCst));
        let amount = amount.expect("a small amount");
        if let Some(seq) = bid(&mut session, lot, amount).await? {
            acknowledged.insert(seq, (name.clone(), amount));
            if score.acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == KILLED_AFTER {
                score.enough.notify_one();
            }
        }
    }
    session.close().await?;
    Ok(acknowledged)
}

/// Bids once and waits for the outcome, over as many connections as that takes.
async fn bid(
    session: &mut Session,
    lot: LotId,
    amount: Amount,
) -> Result<Option<u64>, SessionError> {
    let placed = loop {
        match session.send_bid(lot.clone(), amount).await {
            Ok(placed) => break placed,
            Err(SessionError::Offline) => drop(session.next().await?),
            Err(error) => return Err(error),
        }
    };
    loop {
        match session.next().await? {
            Happened::Bid { bid, answer } if bid.n == placed.n => match answer {
                BidAnswer::Landed { seq } => return Ok(Some(seq)),
                BidAnswer::Refused { .. } => return Ok(None),
                // It is sent again with the next connection.
                BidAnswer::Unknown => {}
            },
            _ => {}
        }
    }
}

/// Every acknowledged bid stands where its receipt says, nothing else does, and an
/// auditor who holds all receipts finds nothing wrong.
fn judge(house: &TrialHouse, folder: &Path, acknowledged: &Acknowledged) {
    let ledger = fs::read(house.ledger()).expect("the ledger");
    let stands: Acknowledged =
        ledger.split(|byte| *byte == b'\n').filter_map(accepted_bid).collect();
    assert!(acknowledged.len() > usize::try_from(KILLED_AFTER).expect("a small number"));
    assert_eq!(*acknowledged, stands);

    let mut anchors = Anchors::new(Trust::Fingerprint(house.fingerprint()));
    let receipts = receipts(folder);
    assert_eq!(receipts.len(), acknowledged.len() + BIDDERS, "of each bid and enrolment");
    for path in &receipts {
        let text = fs::read_to_string(path).expect("a receipt");
        anchors.add_receipt(&path.to_string_lossy(), &text).expect("a receipt");
    }
    let audit = audit(&ledger, anchors);
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let outages = &audit.audited().expect("nothing is wrong").results().outages;
    assert_eq!(outages.len(), 2, "between birth and server, and at the kill");
}

fn accepted_bid(raw: &[u8]) -> Option<(u64, (Name, Amount))> {
    let line = Line::parse(raw).ok().filter(|line| line.kind == Kind::Bid)?;
    match Record::read(&line).expect("a bid") {
        Record::Bid(bid) => {
            Some((line.seq, (bid.evidence.signer().clone(), bid.evidence.amount())))
        }
        _ => None,
    }
}

/// The receipts beside the bidders' credentials.
fn receipts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("lists").path()) {
        let is_receipt = path.extension().is_some_and(|extension| extension == "tlog-proof");
        if path.is_dir() {
            found.extend(receipts(&path));
        } else if is_receipt {
            found.push(path);
        }
    }
    found
}
