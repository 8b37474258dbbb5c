//! The floor: the one thread that owns the house and its store, and writes.
//!
//! It takes what waits at the gate in order, decides it, gathers a frame, writes
//! and syncs it once, lets the house sign, and only then tells: first the
//! askers, then everybody. A failing write or sync ends it, and with it the
//! process: no retry, no answer (LEDGER 2).

use std::sync::Arc;

use tokio::sync::oneshot;

use super::fanout::{Board, Fanout, Told};
use super::gate::{Gate, Next};
use super::metrics::Metrics;
use crate::auction::name::Name;
use crate::clock::{Clock, Stopwatch};
use crate::house::{After, Answer, House, Pending, Released, Welcome, WelcomeRefusal};
use crate::ledger::store::{Store, StoreFailure};
use crate::limits::{ANCHOR_EVERY, CLOCK_DRIFT_MAX, FRAME_LINES_MAX};
use crate::pki::keys::{self, KeyFault};
use crate::record::{AttestedBid, Authenticated, Enrolled, Forged, Revocation, SignedBid};
use crate::time::Timestamp;
use crate::wire::json::lines_message;

/// What a session, or the house's own watch over the CRL, hands to the floor.
#[derive(Debug)]
pub(super) enum Work {
    /// A hand-typed bid that was seen on a session.
    Attested {
        /// The enrolment that the session's certificate makes.
        session: Arc<Authenticated<Enrolled>>,
        /// The bid.
        bid: Authenticated<AttestedBid>,
        /// Who waits for the answer.
        tell: oneshot::Sender<Said>,
    },
    /// A bid whose signature was checked.
    Bid {
        /// The bid, or what is wrong with its signature.
        bid: Result<Authenticated<SignedBid>, Forged>,
        /// Who waits for the answer.
        tell: oneshot::Sender<Said>,
    },
    /// An enrolment whose chain and signatures were checked.
    Enrol {
        /// The enrolment.
        enrolled: Box<Authenticated<Enrolled>>,
        /// Who waits for the answer.
        tell: oneshot::Sender<Said>,
    },
    /// Where lines stand in the ledger's file.
    Extent {
        /// From this line on.
        from: u64,
        /// Who waits for the answer.
        tell: oneshot::Sender<Extent>,
    },
    /// Somebody says hello.
    Hello {
        /// Who.
        name: Name,
        /// The checkpoint that they hold.
        note: Option<String>,
        /// Who waits for the answer.
        tell: oneshot::Sender<Result<Welcome, WelcomeRefusal>>,
    },
    /// Nothing came of a place: its session went away.
    Nothing,
    /// Certificates were revoked.
    Revoke(Vec<Revocation>),
}

/// What a bidder is told, once it is on the disk.
#[derive(Debug)]
pub(super) struct Said {
    /// The answer.
    pub(super) answer: Answer,
    /// For an [`Answer::Earlier`], where its line stands.
    pub(super) earlier: Option<Extent>,
}

/// A range of whole, durable lines in the ledger's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first line.
    pub(super) from: u64,
    /// One past the last line.
    pub(super) to: u64,
    /// Where the first line begins, in bytes.
    pub(super) begins: u64,
    /// Where the last line ends, in bytes.
    pub(super) ends: u64,
}

/// Why the floor had to stop.
#[derive(Debug, thiserror::Error)]
pub enum FloorFailure {
    /// A client holds a checkpoint that this house signed and does not have.
    #[error(transparent)]
    Forked(#[from] WelcomeRefusal),
    /// The sealing key could not be erased after the close.
    #[error("the sale is closed and sealed, but its sealing key could not be erased")]
    KeyNotErased(#[source] KeyFault),
    /// The ledger could not be written.
    #[error("the ledger could not be written")]
    Store(#[from] StoreFailure),
}

/// The house, its store and whom it tells.
#[derive(Debug)]
pub(super) struct Floor {
    pub(super) house: House,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) gate: Arc<Gate>,
    pub(super) fanout: Fanout,
    pub(super) board: Arc<Board>,
    pub(super) announcer: crate::wire::notice::Announcer,
    pub(super) metrics: Arc<Metrics>,
    /// The file of the sealing key, erased once the sale is sealed.
    pub(super) sealing_key: std::path::PathBuf,
    pub(super) anchored: Anchored,
}

/// How far the anchor file is behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchored {
    /// The size of the tree whose checkpoint is in the file.
    pub(super) size: u64,
    /// When it was written.
    pub(super) at: Timestamp,
}

/// Those who wait for the frame that gathers.
type Waiting = Vec<(Pending, oneshot::Sender<Said>)>;

impl Floor {
    /// Runs until the gate is shut and drained.
    pub(super) fn run(mut self) -> Result<(), FloorFailure> {
        let mut wall_seen = self.clock.now();
        loop {
            let mut waiting = Waiting::new();
            match self.gate.next(self.due()) {
                Next::Shut => break,
                Next::Quiet { now } => {
                    self.house.advance(now);
                    if now.since(wall_seen) >= ANCHOR_EVERY {
                        self.note_clock(now);
                        wall_seen = now;
                    }
                }
                first => self.gather(first, &mut waiting)?,
            }
            self.flush(waiting)?;
            self.write_anchor_if_due()?;
        }
        self.finish()
    }

    /// When the floor acts by itself: a seal that is owed goes out as soon as nothing waits.
    fn due(&self) -> Option<Timestamp> {
        if self.house.owes_seal() {
            return Some(Timestamp::ZERO);
        }
        let anchor = self.anchor_is_behind().then(|| self.anchored.at.plus(ANCHOR_EVERY));
        [self.house.due(), anchor].into_iter().flatten().min()
    }

    /// Takes what is ready, in order, until nothing is or the frame is full.
    fn gather(&mut self, first: Next, waiting: &mut Waiting) -> Result<(), FloorFailure> {
        let mut next = Some(first);
        while let Some(Next::Take { at, lag_us, work }) = next {
            self.take(at, lag_us, work, waiting)?;
            let full = self.house.frame_lines() >= FRAME_LINES_MAX;
            next = if full { None } else { self.gate.next_ready() };
        }
        Ok(())
    }

    fn take(
        &mut self,
        at: Timestamp,
        lag_us: u64,
        work: Work,
        waiting: &mut Waiting,
    ) -> Result<(), FloorFailure> {
        match work {
            Work::Attested { session, bid, tell } => {
                waiting.push((self.house.submit_attested(at, lag_us, &session, bid), tell));
            }
            Work::Bid { bid: Ok(bid), tell } => {
                waiting.push((self.house.submit(at, lag_us, bid), tell));
            }
            Work::Bid { bid: Err(forged), tell } => {
                waiting.push((self.house.submit_forged(at, &forged), tell));
            }
            Work::Enrol { enrolled, tell } => waiting.push((self.house.enrol(at, &enrolled), tell)),
            // Who asked may be gone; that changes nothing.
            Work::Extent { from, tell } => drop(tell.send(self.extent(from))),
            Work::Hello { name, note, tell } => {
                let welcome = self.house.welcome(&name, note.as_deref());
                let forked = match &welcome {
                    Err(fork @ WelcomeRefusal::NotInOurTree { .. }) => Some(fork.clone()),
                    Err(WelcomeRefusal::NotOurs) | Ok(_) => None,
                };
                drop(tell.send(welcome));
                forked.map_or(Ok(()), Err)?;
            }
            Work::Nothing => {}
            Work::Revoke(revocations) => {
                for revocation in &revocations {
                    self.house.revoke(at, revocation);
                }
            }
        }
        Ok(())
    }

    fn extent(&self, from: u64) -> Extent {
        let to = self.store.lines();
        let from = from.min(to);
        let begins = self.store.offset_of(from).unwrap_or(self.store.bytes());
        Extent { from, to, begins, ends: self.store.bytes() }
    }

    /// Where one line stands.
    fn extent_of(&self, seq: u64) -> Option<Extent> {
        let (begins, ends) = (self.store.offset_of(seq)?, self.store.offset_of(seq + 1)?);
        Some(Extent { from: seq, to: seq + 1, begins, ends })
    }

    /// Writes the frame, and then tells what is in it.
    fn flush(&mut self, waiting: Waiting) -> Result<(), FloorFailure> {
        let frame = self.house.take_frame();
        if frame.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        let released = self.commit(frame)?;
        for (pending, tell) in waiting {
            let answer = self.house.answer(&released, pending);
            let earlier = match &answer {
                Answer::Earlier(proof) => self.extent_of(proof.seq),
                Answer::Entered(_) | Answer::Refused { .. } => None,
            };
            drop(tell.send(Said { answer, earlier }));
        }
        self.tell(&released);
        if self.house.is_finished() && !released.lines.is_empty() {
            self.write_anchor()?;
            keys::erase(&self.sealing_key).map_err(FloorFailure::KeyNotErased)?;
        }
        Ok(())
    }

    fn commit(&mut self, frame: Vec<crate::ledger::Chained>) -> Result<Released, FloorFailure> {
        let sync = Stopwatch::start();
        let lines = if frame.is_empty() { Vec::new() } else { self.store.commit(frame)? };
        if !lines.is_empty() {
            self.metrics.synced(lines.len(), sync.elapsed_us());
        }
        match self.house.committed(lines) {
            After::Released(released) => Ok(released),
            After::SealFirst(seal) => self.commit(seal),
        }
    }

    /// Tells everybody one frame, as one buffer.
    fn tell(&mut self, released: &Released) {
        let Some(first) = released.lines.first() else { return };
        self.board.show(self.house.sale(), &released.events);
        let lines = released.lines.iter().map(|line| line.bytes());
        let text = self.announcer.announce(&released.events);
        self.fanout.tell(Told {
            from: first.seq(),
            size: self.store.lines(),
            lines: lines_message(None, first.seq(), lines).into(),
            text: text.into_bytes().into(),
            finished: self.house.is_finished(),
        });
    }

    fn note_clock(&mut self, now: Timestamp) {
        let wall = self.clock.wall();
        if wall.apart(now) > CLOCK_DRIFT_MAX && self.house.note_clock(now, wall, false) {
            tracing::warn!(official = %now, %wall, "the wall clock has moved; official time keeps its pace");
        }
    }

    fn anchor_is_behind(&self) -> bool {
        self.anchored.size < self.house.checkpoint().checkpoint().size
    }

    fn write_anchor_if_due(&mut self) -> Result<(), FloorFailure> {
        let now = self.clock.now();
        if self.anchor_is_behind() && now.since(self.anchored.at) >= ANCHOR_EVERY {
            self.write_anchor()?;
        }
        Ok(())
    }

    fn write_anchor(&mut self) -> Result<(), FloorFailure> {
        let newest = self.house.checkpoint();
        self.store.write_anchor(newest)?;
        self.anchored = Anchored { size: newest.checkpoint().size, at: self.clock.now() };
        Ok(())
    }

    /// Leaves nothing owing: the pending seal, then the anchor.
    fn finish(mut self) -> Result<(), FloorFailure> {
        self.flush(Waiting::new())?;
        if self.anchor_is_behind() {
            self.write_anchor()?;
        }
        Ok(())
    }
}
