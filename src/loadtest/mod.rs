//! The load test: many real bidders against a real server, and every answer checked.
//!
//! The server is a child process of the same program, so that its own CPU time
//! can be read from the system. Bidders are the client library's: each with its
//! own certificate and bid key, over mutual TLS, checking every receipt. After
//! the sale the ledger is audited and held against what was acknowledged.
//!
//! What is measured is what a bidder feels: from the wish to bid to the checked
//! receipt, the bidder's own signing and checking included. Bidders, server and
//! witnesses share the machine's cores and disk, and the report says so.

mod aside;
mod bidder;
mod check;
mod disk;
mod idle;
mod offer;
mod process;
mod report;
mod tally;
mod trial;
mod witness;

pub use check::{Checked, LedgerUnreadable};
pub use idle::IdleReport;
pub use process::ProcessFault;
pub use report::{Comparison, Conditions, Costs, Percentiles, Report};
pub use tally::ErrorCount;
pub use trial::{TrialFault, TrialHouse};

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;

use crate::auction::lot::LotState;
use crate::auction::name::{Name, Role};
use crate::client::{Caller, Session};
use crate::clock::{Clock, Stopwatch};
use crate::limits::LOAD_HANDSHAKES_MAX;
use crate::pki::keys::{self, KeyFault};
use crate::pki::{Address, TlsFault};
use crate::time::Span;
use crate::wire::lot::LotView;
use bidder::Bidder;
use idle::Idle;
use offer::Offer;
use process::{LOOK_EVERY, Process};
use tally::Tally;
use witness::WitnessProcesses;

/// How the bidders behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Each bids again as soon as it has its receipt.
    FlatOut {
        /// For how long.
        span: Span,
    },
    /// Each bids, has its receipt, and thinks: what is measured is then how long a bid takes,
    /// and not how long the queue is.
    Paced {
        /// For how long.
        span: Span,
        /// How long each thinks on average.
        pause: Span,
    },
    /// As the seed's load test: three bids of random amounts on random items, half
    /// a second to two seconds apart.
    Seed,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many bidders.
    pub bidders: usize,
    /// How they behave.
    pub style: Style,
    /// How many clients are there besides, welcomed and reading, and do nothing.
    pub idle: usize,
    /// How many witnesses cosign the sale.
    pub witnesses: u8,
    /// An empty folder for the throw-away house and its ledger.
    pub folder: PathBuf,
    /// The program that is run as the server: `PROGRAM serve ..`.
    pub program: PathBuf,
}

/// How far a load test has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Keys and certificates are made, the server starts.
    Preparing,
    /// The bidders connect and enrol.
    Connecting,
    /// The bidders bid.
    Bidding,
    /// The last lots run to their end.
    Closing,
    /// The ledger is audited.
    Auditing,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preparing => "making keys and certificates, starting the server",
            Self::Connecting => "connecting and enrolling the bidders",
            Self::Bidding => "bidding",
            Self::Closing => "waiting for the last lots to close",
            Self::Auditing => "auditing the ledger",
        })
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFailure {
    /// No port can be had on loopback.
    #[error("no port can be had on the loopback address")]
    Port(#[source] io::Error),
    /// The system allows too few open files.
    #[error("{bidders} bidders need {needed} open files, and the system allows {allowed}")]
    Descriptors {
        /// How many bidders.
        bidders: usize,
        /// What they need.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
    /// The throw-away house cannot be made.
    #[error(transparent)]
    Trial(#[from] TrialFault),
    /// The sale file cannot be written.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// A bidder's credential gives no TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// The server, or a witness, does not run.
    #[error(transparent)]
    Server(#[from] ProcessFault),
    /// A crowd gets no thread of its own.
    #[error("the system gives no thread for a crowd")]
    Thread(#[source] io::Error),
    /// The disk cannot be measured.
    #[error("the disk cannot be measured")]
    Disk(#[source] io::Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerUnreadable),
}

/// Runs a load test from the making of the keys to the audit of the ledger.
///
/// # Errors
/// Only what prevents a report. What goes wrong for bidders is counted in it.
pub async fn run(plan: &Plan, tell: impl Fn(Stage)) -> Result<Report, LoadFailure> {
    tell(Stage::Preparing);
    let conditions = Conditions::here();
    allow_descriptors(plan.bidders.saturating_add(plan.idle))?;
    let address = free_address().map_err(LoadFailure::Port)?;
    let clock = Clock::start();
    let house = TrialHouse::make(&plan.folder, "loadtest", address.clone(), clock.now())?;
    let offer = Arc::new(Offer::new(plan));
    let items = plan.folder.join("items.json");
    keys::create(&items, offer.sale_file().as_bytes())?;
    let callers = callers(&house, "bidder", plan.bidders, clock)?;
    let idle_callers = self::callers(&house, "idle", idle::names(plan.idle), clock)?;
    let witnesses = WitnessProcesses::start(plan, &house.log_vkey(clock.now())?).await?;
    let mut server = Process::serve(plan, &items, &address, &witnesses.flags)?;
    server.ready(&address).await?;

    tell(Stage::Connecting);
    let crowd = Crowd::gather(callers, &address, &offer, plan.style).await;
    let resident_before_kib = server.resident_kib();
    let idle = Idle::gather(idle_callers, plan.idle, address.clone()).await;
    let idle = idle.map_err(LoadFailure::Thread)?;
    let resident_with_kib = server.resident_kib();

    tell(Stage::Bidding);
    let cpu_before = server.cpu_us();
    let (bidding_us, mut sessions, mut tally) = crowd.bid().await;
    let server_cpu_us = cpu_before.zip(server.cpu_us()).map(|(before, after)| after - before);

    tell(Stage::Closing);
    let resident_after_kib = server.resident_kib();
    let measured = tally.summary();
    let last = tally.accepted.iter().map(|bid| bid.seq).max().unwrap_or(0);
    let clients = plan.idle;
    let heard_everything = idle.part(last, &mut tally).await;
    open_the_rest(&mut sessions, &offer, &mut tally).await;
    let disk_sync = disk::sync_percentiles(&plan.folder).map_err(LoadFailure::Disk)?;
    wait_for_close(&mut sessions, &offer, &mut tally).await;
    close_all(sessions, &mut tally).await;
    let said = server.stop().await?;
    witnesses.stop().await?;

    tell(Stage::Auditing);
    let checked = check::check(&house, &tally.accepted)?;
    let costs = Costs { server_cpu_us, server_sync_p50_us: said.sync_p50_us(), disk_sync };
    let cosigned = said.cosigned();
    let report = Report::new(plan, measured, bidding_us, costs, checked, tally.errors, conditions);
    let idle = (clients > 0).then(|| IdleReport {
        clients: tally::count(clients),
        names: tally::count(idle::names(clients)),
        resident_before_kib,
        resident_with_kib,
        resident_after_kib,
        resident_each_bytes: idle::each(clients, resident_before_kib, resident_after_kib),
        heard_everything,
    });
    Ok(Report { cosigned, idle, ..report })
}

/// Runs the same load test twice, first without witnesses: what they cost a bidder.
///
/// # Errors
/// As for [`run`].
pub async fn compare(plan: &Plan, tell: impl Fn(Stage)) -> Result<Comparison, LoadFailure> {
    let part = |name: &str, witnesses: u8| -> Result<Plan, KeyFault> {
        let folder = plan.folder.join(name);
        keys::make_folder(&folder)?;
        Ok(Plan { witnesses, folder, ..plan.clone() })
    };
    let without = run(&part("without", 0)?, &tell).await?;
    let with = run(&part("with", plan.witnesses)?, &tell).await?;
    Ok(Comparison { without, with })
}

/// Raises the soft limit of open files as far as needed.
fn allow_descriptors(bidders: usize) -> Result<(), LoadFailure> {
    // The server needs one for each bidder as well, and inherits the limit.
    let needed = u64::try_from(bidders).unwrap_or(u64::MAX).saturating_add(128);
    let mut limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if is_enough(limit.current) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    limit.current = Some(needed);
    if is_enough(limit.maximum) && setrlimit(Resource::Nofile, limit).is_ok() {
        Ok(())
    } else {
        Err(LoadFailure::Descriptors { bidders, needed, allowed })
    }
}

/// A port that nobody listens on now. Another program may take it before the
/// server does; the server then says so.
fn free_address() -> io::Result<Address> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    Ok(Address::parse(&format!("127.0.0.1:{port}")).expect("an address with a port"))
}

fn callers(
    house: &TrialHouse,
    kind: &str,
    people: usize,
    clock: Clock,
) -> Result<Vec<Caller>, LoadFailure> {
    let caller = |place: usize| {
        let name = Name::parse(&format!("{kind}-{place:05}")).expect("a name");
        let credential = house.credential(name, Role::Bidder, clock.now())?;
        Ok(Caller::new(credential, clock)?)
    };
    (0..people).map(caller).collect()
}

/// The bidders, each a task that reads on whatever it waits for: a server drops
/// clients that do not.
struct Crowd {
    tasks: JoinSet<Bidder>,
    go: watch::Sender<Option<Stopwatch>>,
}

impl Crowd {
    /// Connects and enrols everybody. Those who fail stay away, with the error in their tally.
    async fn gather(
        callers: Vec<Caller>,
        address: &Address,
        offer: &Arc<Offer>,
        style: Style,
    ) -> Self {
        // The server allows so many handshakes from one address, and all come from this one.
        let handshakes = Arc::new(Semaphore::new(LOAD_HANDSHAKES_MAX));
        let joined = Arc::new(Semaphore::new(0));
        let (go, gone) = watch::channel(None);
        let (mut tasks, count) = (JoinSet::new(), callers.len());
        for (place, caller) in callers.into_iter().enumerate() {
            let (address, offer) = (address.clone(), Arc::clone(offer));
            let (handshakes, joined) = (Arc::clone(&handshakes), Arc::clone(&joined));
            let mut gone = gone.clone();
            tasks.spawn(async move {
                let turn = handshakes.acquire_owned().await;
                let mut bidder = Bidder::join(place, caller, address).await;
                drop(turn);
                joined.add_permits(1);
                bidder.bid_from_the_start(&mut gone, &offer, style).await;
                bidder
            });
        }
        for _ in 0..count {
            // It is never closed.
            let _ = joined.acquire().await.map(SemaphorePermit::forget);
        }
        Self { tasks, go }
    }

    /// Lets everybody bid at once; gives how long that took, and what they met with.
    async fn bid(mut self) -> (u64, Vec<Session>, Tally) {
        let start = Stopwatch::start();
        self.go.send_replace(Some(start));
        let (mut sessions, mut tally) = (Vec::new(), Tally::default());
        while let Some(done) = self.tasks.join_next().await {
            match done {
                Ok(bidder) => {
                    tally.add(bidder.tally);
                    sessions.extend(bidder.session);
                }
                Err(_) => tally.broke_down(),
            }
        }
        (start.elapsed_us(), sessions, tally)
    }
}

/// Opens the bidding on the lots that nobody won a bid on, so that they close too.
async fn open_the_rest(sessions: &mut [Session], offer: &Offer, tally: &mut Tally) {
    for lot in offer.without_a_bid(&tally.accepted) {
        let Some(session) = sessions.iter_mut().find(|session| session.is_connected()) else {
            return;
        };
        let answer = bidder::place(session, offer, lot, offer.any_start()).await;
        tally.note(answer);
    }
}

/// Waits until every lot has closed, as the server tells the first bidder that is left.
async fn wait_for_close(sessions: &mut Vec<Session>, offer: &Offer, tally: &mut Tally) {
    let others = sessions.split_off(sessions.len().min(1));
    close_all(others, tally).await;
    let Some(session) = sessions.first_mut() else { return };
    let is_closed = |lot: &LotView| matches!(lot.state, LotState::Closed { .. });
    let wait = Stopwatch::start();
    while wait.elapsed_us() / 1000 < offer.patience().ms() {
        match session.list().await {
            Ok(lots) if lots.iter().all(is_closed) => return,
            Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => return tally.failed(&error),
        }
    }
}

async fn close_all(sessions: Vec<Session>, tally: &mut Tally) {
    for session in sessions {
        if let Err(error) = session.close().await {
            tally.failed(&error);
        }
    }
}
