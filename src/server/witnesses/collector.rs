//! Collects cosignatures for as long as the server runs: one task, which waits
//! for the witnesses so that nobody else does.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};

use super::Witnesses;
use super::carrier::Unheard;
use super::report::Cosigning;
use super::rounds::{Claim, Heard, News, Rounds};
use crate::clock::Clock;
use crate::house::{House, WelcomeRefusal};
use crate::ledger::SignedCheckpoint;
use crate::ledger::hash::Hash;
use crate::ledger::store::CosignedFile;
use crate::ledger::witnessing::AddCheckpoint;
use crate::limits::LAST_COSIGN_TIMEOUT;
use crate::server::cosigned::Board;
use crate::server::gate::Gate;
use crate::server::ticket::Query;
use crate::time::Timestamp;

/// What joins a collector to the rest of the server.
#[derive(Debug)]
pub(in crate::server) struct Ends {
    pub(in crate::server) clock: Clock,
    pub(in crate::server) gate: Arc<Gate>,
    /// The newest checkpoint that may be shown.
    pub(in crate::server) newest: watch::Receiver<SignedCheckpoint>,
    /// Whether the sale has closed and is sealed.
    pub(in crate::server) closed: watch::Receiver<bool>,
    pub(in crate::server) board: Board,
    pub(in crate::server) file: Arc<CosignedFile>,
}

/// Where proofs come from.
#[derive(Debug)]
enum Ledger {
    /// The floor, asked through the gate.
    Floor,
    /// Nowhere: the floor is about to stop.
    Stopping,
    /// The house that the floor has left.
    Stopped(Box<House>),
}

/// What a task comes back with.
enum Done {
    Asked(usize, Heard),
    Shown(usize, Result<Option<String>, Unheard>),
}

/// The task that collects.
#[derive(Debug)]
pub(super) struct Collector {
    witnesses: Witnesses,
    rounds: Rounds,
    ends: Ends,
    ledger: Ledger,
    /// The house, once its floor has stopped: the last checkpoint's proofs come from it.
    stopped: oneshot::Receiver<Box<House>>,
    tasks: JoinSet<Done>,
    file_fails: bool,
    /// When the last checkpoint is waited for no longer; none before it is near.
    deadline: Option<Timestamp>,
    /// Whether a closed sale's last checkpoint is waited for no longer.
    settled: watch::Sender<bool>,
}

impl Collector {
    pub(super) fn new(
        witnesses: Witnesses,
        ends: Ends,
        stopped: oneshot::Receiver<Box<House>>,
    ) -> Self {
        let earlier = ends.board.newest();
        let earlier = earlier.as_ref().map(|cosigned| &cosigned.checkpoint);
        let newest = ends.newest.borrow().clone();
        Self {
            rounds: Rounds::new(witnesses.keys(), &newest, earlier, ends.clock.now()),
            witnesses,
            ledger: Ledger::Floor,
            stopped,
            tasks: JoinSet::new(),
            file_fails: false,
            deadline: None,
            settled: watch::Sender::new(false),
            ends,
        }
    }

    /// Turns true once a sale has closed and its last checkpoint is cosigned, or the wait for that
    /// is over.
    pub(super) fn settled(&self) -> watch::Receiver<bool> {
        self.settled.subscribe()
    }

    /// Collects until the floor has stopped and the last checkpoint is cosigned, or the wait for
    /// that is over.
    pub(super) async fn run(mut self) -> Cosigning {
        loop {
            let now = self.ends.clock.now();
            let is_closed = *self.ends.closed.borrow_and_update();
            if is_closed && self.deadline.is_none() {
                self.hurry();
            }
            let newest = self.ends.newest.borrow_and_update().clone();
            self.rounds.begin(now, &newest);
            self.ask(now).await;
            if let Some(told) = self.rounds.tell(now) {
                self.tell(told).await;
            }
            if self.is_over(now, &newest) {
                self.settled.send_replace(is_closed);
                if let Ledger::Stopped(_) = self.ledger {
                    return self.report(&newest);
                }
            }
            if !self.wait(is_closed).await {
                return self.report(&newest);
            }
        }
    }

    /// Whether the last checkpoint is near, and waited for no longer.
    fn is_over(&self, now: Timestamp, newest: &SignedCheckpoint) -> bool {
        let is_due = |deadline| now >= deadline || self.rounds.is_complete(newest);
        self.deadline.is_some_and(is_due)
    }

    // ---- Asking ----

    async fn ask(&mut self, now: Timestamp) {
        if matches!(self.ledger, Ledger::Stopping) {
            return;
        }
        let asks = self.rounds.asks(now);
        if asks.is_empty() {
            return;
        }
        let from = asks.iter().map(|ask| ask.from).collect();
        let proofs = self.proofs(from).await;
        if proofs.is_none() {
            self.ledger = Ledger::Stopping;
        }
        let mut proofs = proofs.unwrap_or_default().into_iter();
        for ask in asks {
            match proofs.next() {
                Some(proof) => self.submit(ask.witness, ask.from, proof),
                None => self.take(Done::Asked(ask.witness, Heard::NotAsked)),
            }
        }
    }

    /// The proof to the round's checkpoint from each of these sizes; none if nobody gives any.
    async fn proofs(&self, from: Vec<u64>) -> Option<Vec<Option<Vec<Hash>>>> {
        let to = self.rounds.checkpoint().checkpoint().size;
        match &self.ledger {
            Ledger::Floor => {
                let (answer, proofs) = oneshot::channel();
                self.ends.gate.ask_first(Query::Proofs { from, to, answer }).ok()?;
                proofs.await.ok()
            }
            Ledger::Stopping => None,
            Ledger::Stopped(house) => {
                Some(from.into_iter().map(|from| house.consistency(from, to)).collect())
            }
        }
    }

    fn submit(&mut self, place: usize, from: u64, proof: Option<Vec<Hash>>) {
        let request = proof
            .ok_or_else(|| "there is no proof from the size that it names".to_owned())
            .and_then(|proof| {
                let note = self.rounds.checkpoint().note();
                AddCheckpoint::new(from, proof, note).map_err(|error| error.to_string())
            });
        let (carrier, witnesses) =
            (self.witnesses.carrier.clone(), Arc::clone(&self.witnesses.list));
        self.tasks.spawn(async move {
            let heard = match request {
                Ok(request) => match carrier.submit(&witnesses[place].prefix, &request).await {
                    Ok(answer) => Heard::Answer(answer),
                    Err(unheard) => Heard::Nothing(unheard.to_string()),
                },
                Err(reason) => Heard::Nothing(reason),
            };
            Done::Asked(place, heard)
        });
    }

    /// Asks a witness that claims another history for what it has seen signed.
    fn ask_for_evidence(&mut self, place: usize) {
        let (carrier, witnesses) =
            (self.witnesses.carrier.clone(), Arc::clone(&self.witnesses.list));
        let origin = self.rounds.checkpoint().checkpoint().origin.clone();
        self.tasks.spawn(async move {
            Done::Shown(place, carrier.shown(&witnesses[place].prefix, &origin).await)
        });
    }

    // ---- What comes ----

    /// Waits until there is something to do; `false` if the server is gone without a word.
    async fn wait(&mut self, is_closed: bool) -> bool {
        let now = self.ends.clock.now();
        let may_grow = self.rounds.may_begin(now) && self.ends.newest.has_changed().is_ok();
        let may_close = !is_closed && self.ends.closed.has_changed().is_ok();
        let runs = !matches!(self.ledger, Ledger::Stopped(_));
        let asks = !matches!(self.ledger, Ledger::Stopping);
        let due = self.rounds.wakes_at(now).filter(|_| asks);
        let wakes = [due, self.deadline.filter(|deadline| *deadline > now)];
        let alarm = alarm(now, wakes.into_iter().flatten().min());
        tokio::select! {
            Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                // A task that broke down is a fault of ours, and says so by its panic.
                if let Ok(done) = done {
                    self.take(done);
                }
            }
            house = &mut self.stopped, if runs => match house {
                Ok(house) => self.stop(house),
                Err(_) => return false,
            },
            _ = self.ends.newest.changed(), if may_grow => {}
            _ = self.ends.closed.changed(), if may_close => {}
            () = alarm => {}
        }
        true
    }

    /// The floor has stopped; a sale that closed before has had its time.
    fn stop(&mut self, house: Box<House>) {
        self.ledger = Ledger::Stopped(house);
        if self.deadline.is_none() {
            self.hurry();
        }
    }

    fn hurry(&mut self) {
        self.rounds.hurry();
        self.deadline = Some(self.ends.clock.now().plus(LAST_COSIGN_TIMEOUT));
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Asked(place, heard) => {
                let size = self.ends.newest.borrow().checkpoint().size;
                if let Some(news) = self.rounds.heard(self.ends.clock.now(), place, heard, size) {
                    self.log(place, &news);
                    if let News::AtOdds(_) = news {
                        self.ask_for_evidence(place);
                    }
                }
            }
            Done::Shown(place, shown) => {
                self.hold_against(place, shown);
                // What contradicts us stops the house; a word alone is no reason to do without it.
                self.rounds.pardon(self.ends.clock.now(), place);
            }
        }
    }

    fn log(&self, place: usize, news: &News) {
        let witness = self.witnesses.list[place].name();
        let lines = self.ends.newest.borrow().checkpoint().size;
        match news {
            News::Cosigns => tracing::info!(%witness, "the witness cosigns"),
            News::Trouble(reason) => {
                tracing::warn!(%witness, "the witness does not cosign: {reason}")
            }
            News::AtOdds(Claim::Larger { size }) => tracing::error!(
                %witness, size, lines,
                "the witness claims to have cosigned more lines of this ledger than there are: \
                 {OLDER_LEDGER}"
            ),
            News::AtOdds(Claim::Inconsistent) => tracing::error!(
                %witness, lines,
                "the witness claims to have cosigned other lines of this ledger: {OLDER_LEDGER}"
            ),
        }
    }

    /// What a witness has seen signed stops the house, if the ledger does not contain it.
    fn hold_against(&self, place: usize, shown: Result<Option<String>, Unheard>) {
        let witness = self.witnesses.list[place].name();
        let note = match shown {
            Ok(Some(note)) => note,
            Ok(None) => {
                tracing::warn!(%witness, "the witness shows no checkpoint that would prove it");
                return;
            }
            Err(unheard) => {
                tracing::warn!(%witness, "what the witness knows could not be had: {unheard}");
                return;
            }
        };
        let by = format!("the witness {witness}");
        match &self.ledger {
            Ledger::Floor => drop(self.ends.gate.ask_first(Query::Shown { by, note })),
            Ledger::Stopping => {}
            Ledger::Stopped(house) => {
                if let Err(WelcomeRefusal::NotInOurTree { size }) = house.size_of(&note) {
                    tracing::error!(%witness, size, "the witness proves it: {OLDER_LEDGER}");
                }
            }
        }
    }

    async fn tell(&mut self, told: SignedCheckpoint) {
        self.ends.board.put(told.clone());
        let file = Arc::clone(&self.ends.file);
        let written = spawn_blocking(move || file.replace(&told)).await;
        let failure = written.ok().and_then(Result::err);
        if let Some(failure) = failure.as_ref().filter(|_| !self.file_fails) {
            tracing::warn!("the cosigned checkpoint could not be kept: {failure}");
        }
        self.file_fails = failure.is_some();
    }

    fn report(&self, newest: &SignedCheckpoint) -> Cosigning {
        let told = self.ends.board.newest();
        let told = told.as_ref().map(|cosigned| &cosigned.checkpoint);
        Cosigning::of(&self.rounds, self.witnesses.list(), newest, told)
    }
}

/// Rings at that time; never without one.
async fn alarm(now: Timestamp, at: Option<Timestamp>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(now).into()).await,
        None => std::future::pending().await,
    }
}

/// What to make of a witness that knows another history.
const OLDER_LEDGER: &str = "if this ledger was brought back from a backup, stop the sale and bring \
    the newest copy back; else ask the witness's operator what it holds. It is asked no more";
