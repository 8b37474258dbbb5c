//! The shell around the house: sockets, sessions, the floor, files, metrics.
//!
//! ```text
//! door --handshake--> session --line--> gate --stamped, checked--> floor --sync--> answers
//!                     speaker <--one buffer for each frame-- fanout <-----+
//!                             <-- cosigned checkpoints -- witnesses <-----+
//! ```
//!
//! One thread, the floor, owns the sale and its file and decides everything; it
//! waits for nobody. All that is async here carries bytes to and fro. The shell
//! refuses to know any rule of the auction.

mod acts;
mod admission;
mod checks;
mod cosigned;
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
mod second_disk;
mod session;
#[cfg(test)]
mod simulation;
mod speaker;
mod start;
mod text;
mod ticket;
mod watcher;
mod witnesses;

pub use floor::{FloorEnd, FloorFailure};
pub use metrics::Summary;
pub use outlook::{Outlook, look};
pub use second_disk::CopyEnd;
pub use start::{Begun, How, MarkUsed, Sealing, Setup, ShownCheckpoint, StartFailure, begin};
pub use witnesses::{
    Cosigning, Looked, Unheard, Witness, WitnessFault, WitnessReport, Witnesses, WitnessesFault,
};

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
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::limits::STOP_TIMEOUT;
use crate::pki::{Anchor, Revocations, ServerKey, TlsFault, server_config};
use cosigned::Board;
use fanout::FanOut;
use files::{CrlFile, LedgerReader};
use floor::{Floor, Left};
use gate::Gate;
use premises::{About, Phase, Premises};
use witnesses::{Ends, Errand, Prepared};

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
    /// Who cosigns the sale's checkpoints, if anybody does.
    pub witnesses: Option<Witnesses>,
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
            .field("witnesses", &self.witnesses)
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
    cosigning: Option<Prepared>,
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
        let Begun { house, store, reserves, cosigned, clock, how } = begun;
        let path = store.path().to_path_buf();
        let ledger =
            LedgerReader::open(&path).map_err(|source| ServerFailure::Ledger { path, source })?;
        let revocations = Arc::new(Revocations::new(settings.anchor.clone()));
        let gate = Gate::new(clock, house.sale().last()).map_err(ServerFailure::System)?;
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
            gate: Arc::new(gate),
            fanout: Arc::new(FanOut::new()),
            cosigned: Board::new(cosigned),
            ledger: Arc::new(ledger),
            revocations,
            phase: watch::Sender::new(Phase::Running),
            revoked: watch::Sender::new(0),
        });
        let crl = settings.crl.map(|path| first_look(path, &premises, &how));
        let (gate, fanout) = (Arc::clone(&premises.gate), Arc::clone(&premises.fanout));
        let (board, file) = (premises.cosigned.clone(), Arc::new(store.cosigned_file()));
        let floor = Floor::new(house, store, reserves, clock, gate, fanout, board.clone());
        let finished = watch::Sender::new(false);
        let cosigning = settings.witnesses.map(|witnesses| {
            let (newest, closed) = (floor.newest(), finished.subscribe());
            let gate = Arc::clone(&premises.gate);
            Prepared::new(witnesses, Ends { clock, gate, newest, closed, board, file })
        });
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
            cosigning,
            exit_on_close: settings.exit_on_close,
            finished,
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
    /// asked for, or the floor fails. The cosignatures of the last checkpoint are
    /// waited for, but not for long.
    ///
    /// # Errors
    /// After an error nothing more was written, signed or told.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<FloorEnd, ServerFailure> {
        let closed = self.finished.subscribe();
        let mut floor = run_floor(self.floor, self.finished, self.on_finished)?;
        let premises = self.premises;
        let fanout = Arc::clone(&premises.fanout);
        let telling = tokio::spawn(async move { fanout.tell().await });
        let door = tokio::spawn(door::open(
            self.listener,
            TlsAcceptor::from(self.tls),
            Arc::clone(&premises),
        ));
        let watcher =
            self.crl.map(|file| tokio::spawn(watcher::watch(file, Arc::clone(&premises))));
        let cosigning = self.cosigning.map(Prepared::begin);
        let settled = cosigning.as_ref().map(Errand::settled);
        let early = tokio::select! {
            () = stop => None,
            () = closed_and_cosigned(closed, settled), if self.exit_on_close => None,
            end = &mut floor => Some(end),
        };
        if let Some(watcher) = watcher {
            watcher.abort();
        }
        let left = match early {
            Some(left) => left,
            None => {
                premises.phase.send_replace(Phase::Stopping);
                premises.gate.stop();
                floor.await
            }
        };
        let left = left.map_err(|_| ServerFailure::FloorGone).and_then(|left| Ok(left?));
        let may_speak = may_speak(&left);
        if may_speak {
            premises.phase.send_replace(Phase::Stopped);
        }
        let end = take_leave(left, cosigning, &premises.cosigned);
        let (end, ()) = tokio::join!(end, close_door(door, may_speak));
        telling.abort();
        end
    }
}

/// Ends once the sale has closed and its last checkpoint is cosigned, or waited for no longer.
async fn closed_and_cosigned(
    mut closed: watch::Receiver<bool>,
    settled: Option<watch::Receiver<bool>>,
) {
    let _ = closed.wait_for(|closed| *closed).await;
    if let Some(mut settled) = settled {
        let _ = settled.wait_for(|settled| *settled).await;
    }
}

/// Collects the last cosignatures and writes them into the anchor.
async fn take_leave(
    left: Result<Left, ServerFailure>,
    cosigning: Option<Errand>,
    board: &Board,
) -> Result<FloorEnd, ServerFailure> {
    let Left { mut end, house, mut store } = match (left, &cosigning) {
        (Ok(left), _) => left,
        (Err(failure), Some(errand)) => {
            errand.give_up();
            return Err(failure);
        }
        (Err(failure), None) => return Err(failure),
    };
    let last = house.checkpoint().checkpoint().clone();
    if let Some(errand) = cosigning {
        end.cosigning = errand.end(house).await;
    }
    if let Some(cosigned) = board.newest().filter(|shown| *shown.checkpoint.checkpoint() == last) {
        let written = spawn_blocking(move || {
            store.write_anchor(&cosigned.checkpoint).map(|()| store.take_copy_lost())
        });
        let written = written.await.map_err(|_| ServerFailure::FloorGone)?;
        let lost = written.map_err(FloorFailure::from)?;
        end.copy = lost.map(CopyEnd::Lost).or(end.copy);
    }
    Ok(end)
}

/// Whether what was answered may still go out. After a failure of the disk there is nothing more
/// to say; a fork takes back nothing that was answered, and whoever showed it is owed a welcome.
const fn may_speak(left: &Result<Left, ServerFailure>) -> bool {
    matches!(left, Ok(_) | Err(ServerFailure::Floor(FloorFailure::Forked { .. })))
}

/// Sessions write what they owe, if they may.
async fn close_door(mut door: JoinHandle<()>, may_speak: bool) {
    if !may_speak || timeout(STOP_TIMEOUT.into(), &mut door).await.is_err() {
        door.abort();
    }
}

type FloorResult = Result<Left, FloorFailure>;

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
