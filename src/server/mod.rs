//! The shell around the house: sockets, sessions, the floor, files, metrics.
//!
//! ```text
//! door --handshake--> session --line--> gate --stamped, checked--> floor --sync--> answers
//!                     speaker <--one buffer for each frame-- fanout <-----+
//! ```
//!
//! One thread, the floor, owns the sale and its file and decides everything; it
//! waits for nobody. All that is async here carries bytes to and fro. The shell
//! refuses to know any rule of the auction.

mod acts;
mod admission;
mod door;
mod fanout;
mod files;
mod floor;
mod gate;
mod gavel;
mod metrics;
mod outlook;
mod pace;
mod premises;
mod session;
mod speaker;
mod start;
mod text;
mod ticket;
mod watcher;

pub use floor::{FloorEnd, FloorFailure};
pub use metrics::Summary;
pub use outlook::{Outlook, look};
pub use start::{Begun, How, MarkUsed, Sealing, Setup, ShownCheckpoint, StartFailure, begin};

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::limits::STOP_TIMEOUT;
use crate::pki::{Anchor, Revocations, ServerKey, TlsFault, server_config};
use fanout::FanOut;
use files::{CrlFile, LedgerReader};
use floor::Floor;
use gate::Gate;
use premises::{About, Phase, Premises};

/// What the shell needs besides the sale.
pub struct Settings {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The server's key and certificate.
    pub key: ServerKey,
    /// The house's CA.
    pub anchor: Anchor,
    /// The revocation list's file, looked at as long as the server runs.
    pub crl: Option<PathBuf>,
    /// Whether to stop once the sale has closed.
    pub exit_on_close: bool,
    /// Called once, when the seal over `close` is on the disk: the sealing key may go.
    pub on_finished: Box<dyn Fn() + Send>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("crl", &self.crl)
            .field("exit_on_close", &self.exit_on_close)
            .finish_non_exhaustive()
    }
}

/// Why the server cannot run, or had to stop. The operator's affair.
#[derive(Debug, thiserror::Error)]
pub enum ServerFailure {
    /// The floor stopped: the disk, or a fork.
    #[error(transparent)]
    Floor(#[from] FloorFailure),
    /// The floor's thread is gone: a bug, and nothing more may be said.
    #[error("the floor broke down")]
    FloorGone,
    /// The ledger cannot be opened for reading.
    #[error("cannot read the ledger {}", path.display())]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Threads or signals cannot be had from the system.
    #[error("the system refuses a thread or a signal handler")]
    System(#[source] io::Error),
    /// Key and certificate do not make a TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

/// A sale that listens and has not been started yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
    premises: Arc<Premises>,
    floor: Floor,
    crl: Option<CrlFile>,
    exit_on_close: bool,
    finished: watch::Sender<bool>,
    on_finished: OnFinished,
}

struct OnFinished(Box<dyn Fn() + Send>);

impl fmt::Debug for OnFinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnFinished")
    }
}

impl Server {
    /// Takes the address, and everything that can fail before anybody comes.
    pub async fn bind(settings: Settings, begun: Begun) -> Result<Self, ServerFailure> {
        let Begun { house, store, reserves, clock, how, .. } = begun;
        let path = store.path().to_path_buf();
        let ledger =
            LedgerReader::open(&path).map_err(|source| ServerFailure::Ledger { path, source })?;
        let revocations = Arc::new(Revocations::new(settings.anchor.clone()));
        let about = About::of(&house);
        let tls = server_config(
            &settings.key,
            settings.anchor.clone(),
            about.house.clone(),
            Arc::clone(&revocations),
            Arc::new(OfficialTime(clock)),
        )?;
        let premises = Arc::new(Premises {
            about,
            anchor: settings.anchor,
            clock,
            gate: Arc::new(Gate::new(clock, house.sale().last())),
            fanout: Arc::new(FanOut::new()),
            ledger: Arc::new(ledger),
            revocations,
            phase: watch::Sender::new(Phase::Running),
            revoked: watch::Sender::new(0),
        });
        let crl = settings.crl.map(|path| first_look(path, &premises, &how));
        let (gate, fanout) = (Arc::clone(&premises.gate), Arc::clone(&premises.fanout));
        let floor = Floor::new(house, store, reserves, clock, gate, fanout);
        let address = settings.listen;
        let failed = |source| ServerFailure::Listen { address, source };
        let listener = door::listen(address).map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            tls: Arc::new(tls),
            premises,
            floor,
            crl,
            exit_on_close: settings.exit_on_close,
            finished: watch::Sender::new(false),
            on_finished: OnFinished(settings.on_finished),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the sale has closed and is sealed; changes once.
    pub fn finished(&self) -> watch::Receiver<bool> {
        self.finished.subscribe()
    }

    /// Runs the sale until `stop` is done, or the sale has closed and that was
    /// asked for, or the floor fails.
    ///
    /// # Errors
    /// After an error nothing more was written, signed or told.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<FloorEnd, ServerFailure> {
        let mut closed = self.finished.subscribe();
        let mut floor = run_floor(self.floor, self.finished, self.on_finished)?;
        let premises = self.premises;
        let door = tokio::spawn(door::open(
            self.listener,
            TlsAcceptor::from(self.tls),
            Arc::clone(&premises),
        ));
        let watcher =
            self.crl.map(|file| tokio::spawn(watcher::watch(file, Arc::clone(&premises))));
        let early = tokio::select! {
            () = stop => None,
            Ok(_) = closed.wait_for(|closed| *closed), if self.exit_on_close => None,
            end = &mut floor => Some(end),
        };
        if let Some(watcher) = watcher {
            watcher.abort();
        }
        let end = match early {
            Some(end) => end,
            None => {
                premises.phase.send_replace(Phase::Stopping);
                premises.gate.stop();
                let end = floor.await;
                premises.phase.send_replace(Phase::Stopped);
                end
            }
        };
        let end = end.map_err(|_| ServerFailure::FloorGone).and_then(|end| Ok(end?));
        close_door(door, end.is_ok()).await;
        end
    }
}

/// Sessions write what they owe; after a failure there is nothing more to say.
async fn close_door(mut door: JoinHandle<()>, in_good_order: bool) {
    if !in_good_order || timeout(STOP_TIMEOUT.into(), &mut door).await.is_err() {
        door.abort();
    }
}

type FloorResult = Result<FloorEnd, FloorFailure>;

/// Gives the floor its thread.
fn run_floor(
    floor: Floor,
    finished: watch::Sender<bool>,
    on_finished: OnFinished,
) -> Result<oneshot::Receiver<FloorResult>, ServerFailure> {
    let (done, end) = oneshot::channel();
    let run = move || {
        let result = floor.run(|| {
            (on_finished.0)();
            finished.send_replace(true);
        });
        let _ = done.send(result);
    };
    std::thread::Builder::new().name("floor".into()).spawn(run).map_err(ServerFailure::System)?;
    Ok(end)
}

/// Puts the list in force before anybody can connect. A sale that is born now has
/// nobody enrolled, so its ledger need not hear what was revoked before.
fn first_look(path: PathBuf, premises: &Premises, how: &How) -> CrlFile {
    let mut file = CrlFile::new(path);
    match file.changed() {
        Ok(Some(bytes)) => match how {
            How::Born => drop(watcher::put_in_force(&bytes, &file, premises)),
            How::Finished | How::WentOn { .. } => watcher::offer(&bytes, &file, premises),
        },
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(file = %file.path().display(), %error, "the revocation list cannot be read");
        }
    }
    file
}

/// Ends at the first SIGINT, SIGTERM or SIGHUP.
pub fn stop_signal() -> Result<impl Future<Output = ()>, ServerFailure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServerFailure::System)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServerFailure::System)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(ServerFailure::System)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Official time for the handshakes: nobody can set it back during a sale.
#[derive(Debug)]
struct OfficialTime(Clock);

impl TimeProvider for OfficialTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_secs(self.0.now().unix_s());
        Some(UnixTime::since_unix_epoch(now))
    }
}
