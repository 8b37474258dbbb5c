//! The server's process: the real start, the real floor, and how its lives end.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::disk::{Crash, FakeDisk, Fate};
use super::hall::Served;
use super::mounted::Mounted;
use super::office::Office;
use super::plan::{KEY_FOLDER, LEDGER_FOLDER, Plan};
use crate::clock::Clock;
use crate::ledger::store::{self, Disk, Readers, StoreFailure};
use crate::pki::keys::KeyFault;
use crate::server::cosigned::Board;
use crate::server::fanout::FanOut;
use crate::server::floor::{Floor, FloorFailure, Left};
use crate::server::gate::Gate;
use crate::server::start::{Begun, MarkUsed, Sealing, StartFailure, begin_under};

/// A process that runs.
#[derive(Debug)]
pub(super) struct Running {
    floor: Floor,
    pub(super) gate: Arc<Gate>,
    fanout: Arc<FanOut>,
    clock: Clock,
    finished: Rc<Cell<bool>>,
}

/// How a part of a life ended that did not go well.
#[derive(Debug)]
pub(super) enum End {
    /// The process is gone in the middle of a call.
    Crashed,
    /// It could not start.
    Start(StartFailure),
    /// It stopped.
    Floor(FloorFailure),
    /// It panicked: a bug.
    Panicked(String),
}

impl Running {
    /// Starts, up to the first round. `finished` is set once the sealing key may go.
    pub(super) fn start(
        office: &Office,
        plan: &Plan,
        disk: &Arc<FakeDisk>,
        fate: Fate,
        accept_clock: bool,
        finished: &Rc<Cell<bool>>,
    ) -> Result<Self, End> {
        let life = disk.begin_life(fate);
        let mounted = Mounted { disk: Arc::clone(disk), life };
        let begun = survive(|| begin(office, plan, &mounted, accept_clock, finished.get()))?
            .map_err(End::Start)?;
        let Begun { house, store, reserves, cosigned, clock, .. } = begun;
        let gate = Arc::new(Gate::new(clock, house.sale().last()).expect("threads"));
        let fanout = Arc::new(FanOut::new());
        let board = Board::new(cosigned);
        let (its_gate, its_fanout) = (Arc::clone(&gate), Arc::clone(&fanout));
        let floor = Floor::new(house, store, reserves, clock, its_gate, its_fanout, board);
        let mut running = Self { floor, gate, fanout, clock, finished: Rc::clone(finished) };
        survive(|| running.floor.open())?.map_err(End::Floor)?;
        Ok(running)
    }

    /// What the network reaches of it.
    pub(super) fn served(&self) -> Served {
        Served { gate: Arc::clone(&self.gate), fanout: Arc::clone(&self.fanout), clock: self.clock }
    }

    /// In how many microseconds the floor wakes by itself.
    pub(super) fn wakes_in_us(&self) -> u64 {
        self.floor.wake_at().since(self.clock.now()).ms() * 1000
    }

    /// One round; gives whether it was the last.
    pub(super) fn round(&mut self) -> Result<bool, End> {
        let found = self.gate.wait(self.clock.now());
        let finished = Rc::clone(&self.finished);
        survive(|| self.floor.round(found, || finished.set(true)))?.map_err(End::Floor)
    }

    /// The end in good order, after the last round.
    pub(super) fn end(self) -> Result<Left, End> {
        survive(|| self.floor.end())?.map_err(End::Floor)
    }
}

impl End {
    /// Whether it is what a failing disk leads to.
    pub(super) fn is_a_disks(&self) -> bool {
        let is_io = |failure: &StoreFailure| matches!(failure, StoreFailure::Io { .. });
        match self {
            Self::Start(StartFailure::Store(failure))
            | Self::Floor(FloorFailure::Store(failure)) => is_io(failure),
            Self::Start(StartFailure::SealingKey(_)) => true,
            Self::Start(_) | Self::Floor(_) | Self::Crashed | Self::Panicked(_) => false,
        }
    }
}

/// Does a part of a process's life, which may end in the middle.
fn survive<T>(part: impl FnOnce() -> T) -> Result<T, End> {
    catch_unwind(AssertUnwindSafe(part)).map_err(|payload| {
        if payload.is::<Crash>() { End::Crashed } else { End::Panicked(message_of(&*payload)) }
    })
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn begin(
    office: &Office,
    plan: &Plan,
    mounted: &Mounted,
    accept_clock: bool,
    is_key_erased: bool,
) -> Result<Begun, StartFailure> {
    let disk: Arc<dyn Disk> = Arc::new(mounted.clone());
    let locked = store::lock_on(disk, Path::new(LEDGER_FOLDER), office.sale.as_str())?;
    let mark = Path::new(KEY_FOLDER).join("spring.used");
    let sealing = Sealing {
        key: (!is_key_erased).then(|| office.sealing.clone()),
        used: mounted.disk.state_of(&mark).is_some(),
        mark_used: MarkUsed(Box::new(|| {
            mark_used(mounted, &mark).map_err(|source| KeyFault::Io {
                action: "mark",
                path: mark.clone(),
                source,
            })
        })),
    };
    begin_under(locked, plan.setup(office, accept_clock), sealing)
}

/// As the house's folder of keys does it.
fn mark_used(mounted: &Mounted, mark: &Path) -> io::Result<()> {
    match mounted.create_new(mark, Readers::Owner) {
        Ok(file) => {
            file.sync_all()?;
            mounted.sync_folder(Path::new(KEY_FOLDER))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            mounted.sync_folder(Path::new(KEY_FOLDER))
        }
        Err(error) => Err(error),
    }
}
