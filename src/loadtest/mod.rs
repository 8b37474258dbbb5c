//! The load test: many real bidders against a real server, and every answer checked.
//!
//! The server is a child process of the same program, so that its own CPU time
//! can be read from the system. Bidders are the client library's: each with its
//! own certificate and bid key, over mutual TLS, checking every receipt. After
//! the sale the ledger is audited and held against what was acknowledged.
//!
//! What is measured is what a bidder feels: from the wish to bid to the checked
//! receipt, the bidder's own signing and checking included. Bidders and server
//! share the machine's cores, and the report says so.

mod bidder;
mod check;
mod disk;
mod offer;
mod process;
mod report;
mod tally;
mod trial;

pub use check::{Checked, LedgerUnreadable};
pub use report::{Conditions, Costs, Percentiles, Report};
pub use tally::ErrorCount;
pub use trial::{TrialFault, TrialHouse};

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::task::JoinSet;

use crate::auction::name::{Name, Role};
use crate::client::{Caller, Session};
use crate::clock::{Clock, Stopwatch};
use crate::limits::LOAD_HANDSHAKES_MAX;
use crate::pki::keys::{self, KeyFault};
use crate::pki::{Address, TlsFault};
use crate::time::Span;
use bidder::Bidder;
use offer::Offer;
use process::{ProcessFault, ServerProcess};
use tally::Tally;

/// How the bidders behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Each bids again as soon as it has its receipt.
    FlatOut {
        /// For how long.
        span: Span,
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
    /// The server does not run.
    #[error(transparent)]
    Server(#[from] ProcessFault),
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
    allow_descriptors(plan.bidders)?;
    let address = free_address().map_err(LoadFailure::Port)?;
    let clock = Clock::start();
    let house = TrialHouse::make(&plan.folder, "loadtest", address.clone(), clock.now())?;
    let offer = Arc::new(Offer::new(plan));
    let items = plan.folder.join("items.json");
    keys::create(&items, offer.sale_file().as_bytes())?;
    let callers = callers(&house, plan.bidders, clock)?;
    let mut server = ServerProcess::start(plan, &items, &address)?;
    server.ready(&address).await?;

    tell(Stage::Connecting);
    let (connect, mut bidders) = connect_all(callers, &address).await;

    tell(Stage::Bidding);
    let cpu_before = server.cpu_us();
    let (bidding_us, finished) = bid_all(&mut bidders, &offer, plan.style).await;
    let server_cpu_us = cpu_before.zip(server.cpu_us()).map(|(before, after)| after - before);
    let mut tally = connect;
    let mut sessions = Vec::new();
    for bidder in finished {
        tally.add(bidder.tally);
        sessions.extend(bidder.session);
    }

    tell(Stage::Closing);
    let measured = tally.summary();
    open_the_rest(&mut sessions, &offer, &mut tally).await;
    let disk_sync = disk::sync_percentiles(&plan.folder).map_err(LoadFailure::Disk)?;
    close_all(sessions, &mut tally).await;
    let server_sync_p50_us = server.finish(offer.patience()).await?;

    tell(Stage::Auditing);
    let checked = check::check(&house, &tally.accepted)?;
    let costs = Costs { server_cpu_us, server_sync_p50_us, disk_sync };
    Ok(Report::new(plan, measured, bidding_us, costs, checked, tally.errors))
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

fn callers(house: &TrialHouse, bidders: usize, clock: Clock) -> Result<Vec<Caller>, LoadFailure> {
    let caller = |place: usize| {
        let name = Name::parse(&format!("bidder-{place:05}")).expect("a name");
        let credential = house.credential(name, Role::Bidder, clock.now())?;
        Ok(Caller::new(credential, clock)?)
    };
    (0..bidders).map(caller).collect()
}

/// Connects and enrols everybody. Those who fail are counted and stay away.
async fn connect_all(callers: Vec<Caller>, address: &Address) -> (Tally, Vec<Bidder>) {
    // The server allows so many handshakes from one address, and all come from this one.
    let handshakes = Arc::new(tokio::sync::Semaphore::new(LOAD_HANDSHAKES_MAX));
    let mut joining = JoinSet::new();
    for (place, caller) in callers.into_iter().enumerate() {
        let (address, handshakes) = (address.clone(), Arc::clone(&handshakes));
        joining.spawn(async move {
            let _turn = handshakes.acquire().await;
            Bidder::join(place, caller, address).await
        });
    }
    let (mut tally, mut bidders) = (Tally::default(), Vec::new());
    while let Some(joined) = joining.join_next().await {
        match joined {
            Ok(Ok(bidder)) => bidders.push(bidder),
            Ok(Err(error)) => tally.failed(&error),
            Err(_) => tally.broke_down(),
        }
    }
    (tally, bidders)
}

/// Lets everybody bid at once; gives how long that took.
async fn bid_all(
    bidders: &mut Vec<Bidder>,
    offer: &Arc<Offer>,
    style: Style,
) -> (u64, Vec<Bidder>) {
    let start = Stopwatch::start();
    let mut bidding = JoinSet::new();
    for bidder in bidders.drain(..) {
        let offer = Arc::clone(offer);
        bidding.spawn(async move {
            match style {
                Style::FlatOut { span } => bidder.flat_out(&offer, start, span).await,
                Style::Seed => bidder.in_seed_style(&offer).await,
            }
        });
    }
    let mut finished = Vec::new();
    while let Some(done) = bidding.join_next().await {
        finished.push(done.unwrap_or_else(|_| Bidder::broken_down()));
    }
    (start.elapsed_us(), finished)
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

async fn close_all(sessions: Vec<Session>, tally: &mut Tally) {
    for session in sessions {
        if let Err(error) = session.close().await {
            tally.failed(&error);
        }
    }
}
