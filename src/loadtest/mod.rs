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

mod against;
mod aside;
mod bidder;
mod check;
mod disk;
mod hostile;
mod idle;
mod light;
mod limits;
mod offer;
mod process;
mod report;
mod tally;
mod trial;
mod venue;
mod witness;

pub use against::{Pair, Siege, SiegeReport, against};
pub use check::{Checked, LedgerUnreadable};
pub use disk::SyncWay;
pub use hostile::Hostile;
pub use idle::IdleReport;
pub use light::{Ceiling, Light, LightReport, Pace, Share, light};
pub use limits::{
    Effort, Limits, LimitsFault, MeanFrame, Shape, SyncCost, ceiling, measure as measure_limits,
};
pub use process::{Meter, ProcessFault};
pub use report::{Comparison, Conditions, Costs, Percentiles, Report};
pub use tally::ErrorCount;
pub use trial::{TrialFault, TrialHouse};
pub use venue::free_address;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;

use crate::client::{Caller, Session};
use crate::clock::Stopwatch;
use crate::limits::LOAD_HANDSHAKES_MAX;
use crate::pki::keys::{self, KeyFault};
use crate::pki::{Address, TlsFault};
use crate::time::Span;
use bidder::Bidder;
use idle::Idle;
use offer::Offer;
use tally::Tally;
use venue::Venue;

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
    /// Bids signed beforehand, by clients that cost little: see [`light`].
    Light {
        /// For how long.
        span: Span,
        /// How many lots there are.
        lots: usize,
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
    /// Its plan is not for light clients.
    #[error("the plan is not for light clients")]
    NotLight,
    /// The generator panicked.
    #[error("the load generator broke down")]
    Broke,
    /// The machine's limits cannot be measured.
    #[error(transparent)]
    Limits(#[from] LimitsFault),
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
    let venue = Venue::open(plan, plan.bidders.saturating_add(plan.idle)).await?;
    let callers = venue.callers("bidder", plan.bidders)?;
    let idle_callers = venue.callers("idle", idle::names(plan.idle))?;

    tell(Stage::Connecting);
    let crowd = Crowd::gather(callers, &venue.address, &venue.offer, plan.style).await;
    let resident_before_kib = venue.server.resident_kib();
    let idle = Idle::gather(idle_callers, plan.idle, venue.address.clone()).await;
    let idle = idle.map_err(LoadFailure::Thread)?;
    let resident_with_kib = venue.server.resident_kib();

    tell(Stage::Bidding);
    let cpu_before = venue.server.cpu_us();
    let (bidding_us, sessions, mut tally) = crowd.bid(Stopwatch::start()).await;
    let cpu_after = venue.server.cpu_us();

    let resident_after_kib = venue.server.resident_kib();
    let measured = tally.summary();
    let heard_everything = idle.part(tally.last_accepted(), &mut tally).await;
    let conditions = venue.conditions.clone();
    let closed = venue.close(sessions, &mut tally, tell).await?;
    let costs = Costs {
        server_cpu_us: cpu_before.zip(cpu_after).map(|(before, after)| after - before),
        server_sync_p50_us: closed.said.sync_p50_us(),
        disk_sync: closed.disk_sync,
    };
    let (cosigned, checked) = (closed.said.cosigned(), closed.checked);
    let report = Report::new(plan, measured, bidding_us, costs, checked, tally.errors, conditions);
    let idle = (plan.idle > 0).then(|| IdleReport {
        clients: tally::count(plan.idle),
        names: tally::count(idle::names(plan.idle)),
        resident_before_kib,
        resident_with_kib,
        resident_after_kib,
        resident_each_bytes: idle::each(plan.idle, resident_before_kib, resident_after_kib),
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
    async fn bid(mut self, start: Stopwatch) -> (u64, Vec<Session>, Tally) {
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
