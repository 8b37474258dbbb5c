//! The floor: one thread that owns the sale and its file, and is the only one
//! that decides, writes and answers (DESIGN 4).
//!
//! A round: do what fell due; judge what waits, in order; one write, one sync;
//! sign; answer; tell everybody; answer questions about the sale as it now
//! stands on the disk. Its order is the law of LEDGER 2: nothing is said before the disk
//! has it. A failure of the disk ends the sale's process; nothing is tried twice.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::watch;

use super::cosigned::Board;
use super::fanout::{FanOut, Told};
use super::gate::{Arrival, Checked, Found, Gate};
use super::metrics::{Metrics, Summary};
use super::second_disk::{CopyEnd, SecondDisk};
use super::ticket::{Answer, EntryJson, Query, Shown, Ticket};
use super::witnesses::Cosigning;
use crate::auction::event::Happening;
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::clock::{Clock, Stopwatch};
use crate::house::{After, House, Pending, Proven, Released, Welcome, WelcomeRefusal};
use crate::ledger::SignedCheckpoint;
use crate::ledger::store::{Store, StoreFailure};
use crate::limits::{
    ANCHOR_EVERY, CLOCK_LOOK_EVERY, FRAME_LINES_MAX, SUSPENSION_MIN, TELLING_WAIT_MAX,
};
#[cfg(feature = "planted-faults")]
use crate::planted;
use crate::record::{KeptReserve, Signed, write_reserves};
use crate::time::{Span, Timestamp};
use crate::wire::json::lines_message_placed;
use crate::wire::lot::LotView;
use crate::wire::notice::Announcer;

/// Why the floor had to stop.
#[derive(Debug, thiserror::Error)]
pub enum FloorFailure {
    /// Somebody holds a checkpoint of ours that our ledger does not contain.
    #[error(
        "{holder} holds a checkpoint of {size} lines signed by this sale's key that this ledger \
         does not contain: the ledger was rolled back or another house runs the same sale"
    )]
    Forked {
        /// A client's name, or which witness.
        holder: String,
        /// The size of the holder's tree.
        size: u64,
    },
    /// The disk failed; what was not answered is unknown.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

/// How the floor ended, in good order.
#[derive(Debug)]
pub struct FloorEnd {
    /// Whether the sale has closed and is sealed.
    pub finished: bool,
    /// How many lines the ledger has.
    pub lines: u64,
    /// What was measured.
    pub summary: Summary,
    /// How far the witnesses came, if the sale has any.
    pub cosigning: Option<Cosigning>,
    /// How the copy on a second disk stands, if one was asked for.
    pub copy: Option<CopyEnd>,
}

/// What a floor leaves behind.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) end: FloorEnd,
    pub(super) house: Box<House>,
    pub(super) store: Store,
}

/// The owner of the sale.
#[derive(Debug)]
pub(super) struct Floor {
    house: House,
    store: Store,
    clock: Clock,
    gate: Arc<Gate>,
    fanout: Arc<FanOut>,
    announcer: Announcer,
    metrics: Metrics,
    lots: Option<Arc<[LotView]>>,
    /// What opens the hidden reserves, as it stands in the private file.
    reserves: Vec<KeptReserve>,
    anchor: Anchoring,
    /// Tells the newest checkpoint to whoever has it cosigned.
    newest: watch::Sender<SignedCheckpoint>,
    cosigned: Board,
    second_disk: SecondDisk,
    clock_looked: Stopwatch,
    /// How long the host had been suspended, as far as that is entered.
    suspended: Span,
    /// Whether it was told that the sale has closed.
    told_finished: bool,
}

/// When the anchor was replaced, and by which checkpoint.
#[derive(Debug)]
struct Anchoring {
    written: Option<SignedCheckpoint>,
    since: Stopwatch,
}

/// What was decided in this round and may not be told yet.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    pending: Pending,
    lot: Option<LotId>,
    since: Stopwatch,
}

impl Floor {
    pub(super) fn new(
        house: House,
        store: Store,
        reserves: Vec<KeptReserve>,
        clock: Clock,
        gate: Arc<Gate>,
        fanout: Arc<FanOut>,
        cosigned: Board,
    ) -> Self {
        Self {
            announcer: Announcer::new(house.sale()),
            metrics: Metrics::new(),
            lots: None,
            reserves,
            anchor: Anchoring { written: None, since: Stopwatch::start() },
            newest: watch::Sender::new(house.checkpoint().clone()),
            cosigned,
            second_disk: SecondDisk::new(),
            clock_looked: Stopwatch::start(),
            suspended: clock.suspended(),
            told_finished: false,
            house,
            store,
            clock,
            gate,
            fanout,
        }
    }

    /// The newest checkpoint that may be shown, from frame to frame.
    pub(super) fn newest(&self) -> watch::Receiver<SignedCheckpoint> {
        self.newest.subscribe()
    }

    /// Runs the sale until the gate is stopped and empty. `finished` is called
    /// once, when the sale has closed and its last seal is on the disk.
    pub(super) fn run(mut self, finished: impl Fn()) -> Result<Left, FloorFailure> {
        self.open()?;
        loop {
            let found = self.gate.wait(self.wake_at());
            if self.round(found, &finished)? {
                return self.end();
            }
            self.fanout.let_tell(TELLING_WAIT_MAX);
        }
    }

    /// Writes what the start has left to be written, before the first round.
    pub(super) fn open(&mut self) -> Result<(), FloorFailure> {
        self.write_anchor()?;
        self.commit(Vec::new())
    }

    /// One round over what was found at the gate; gives whether it was the last.
    pub(super) fn round(
        &mut self,
        found: Found,
        finished: impl Fn(),
    ) -> Result<bool, FloorFailure> {
        if !self.house.is_finished() {
            self.look_for_suspension(found.horizon);
            self.house.advance(found.horizon);
            self.look_at_clock(found.horizon);
        }
        let waiting = self.judge_arrivals()?;
        self.commit(waiting)?;
        for query in found.queries {
            self.answer_query(query)?;
        }
        self.write_anchor_if_due()?;
        self.second_disk.look(&mut self.store);
        self.metrics.report_if_due();
        if self.house.is_finished() && !self.told_finished {
            self.told_finished = true;
            self.write_anchor()?;
            self.store.erase_private()?;
            finished();
        }
        Ok(found.done && !self.gate.is_waited_at())
    }

    pub(super) fn end(mut self) -> Result<Left, FloorFailure> {
        self.commit(Vec::new())?;
        self.write_anchor()?;
        let (finished, lines) = (self.house.is_finished(), self.store.lines());
        let copy = self.second_disk.end(&mut self.store);
        let summary = self.metrics.summary();
        let end = FloorEnd { finished, lines, summary, cosigning: None, copy };
        Ok(Left { end, house: Box::new(self.house), store: self.store })
    }

    /// When to look again without being woken: at the next thing due, or at the
    /// next look at clocks, anchor and metrics; at once if a seal line is owed.
    pub(super) fn wake_at(&self) -> Timestamp {
        let now = self.clock.now();
        if self.house.owes_seal() && !self.gate.is_waited_at() {
            return now;
        }
        let look = now.plus(CLOCK_LOOK_EVERY);
        self.house.due().map_or(look, |due| due.min(look))
    }

    fn judge_arrivals(&mut self) -> Result<Vec<Waiting>, FloorFailure> {
        let mut waiting = Vec::new();
        while self.house.frame_lines() + waiting.len() < FRAME_LINES_MAX {
            let Some(arrival) = self.gate.take() else { break };
            waiting.extend(self.judge(arrival)?);
        }
        Ok(waiting)
    }

    fn judge(&mut self, arrival: Arrival) -> Result<Option<Waiting>, FloorFailure> {
        let (at, since, ticket, lot, checked) = arrival.into_parts();
        let lag_us = since.elapsed_us();
        let pending = match checked {
            Checked::Attested { session, bid } => {
                self.house.submit_attested(at, lag_us, &session, bid)
            }
            Checked::Signed { signed, opening } => {
                if let Some(opening) = &opening {
                    self.keep_opening(at, &signed, opening)?;
                }
                self.house.submit_with(at, lag_us, *signed, opening)
            }
            Checked::Enrolled(enrolled) => self.house.enrol(at, &enrolled),
            Checked::Forged(forged) => self.house.submit_forged(at, &forged),
            Checked::Refused(code) => {
                self.metrics.refused(code);
                // Without the lot: how it stands in this round is not on the disk yet.
                if let Some(ticket) = ticket {
                    ticket.refuse(code);
                }
                return Ok(None);
            }
            Checked::Revoked(revocation) => {
                if self.house.revoke(at, &revocation) {
                    tracing::warn!(serial = %revocation.serial, "revocation recorded");
                }
                return Ok(None);
            }
        };
        Ok(ticket.map(|ticket| Waiting { ticket, pending, lot, since }))
    }

    /// Puts what opens a lower reserve on the disk, before the line that commits to it.
    fn keep_opening(
        &mut self,
        at: Timestamp,
        signed: &Signed,
        opening: &ReserveOpening,
    ) -> Result<(), StoreFailure> {
        let Some(lot) = signed.lot().filter(|_| self.house.would_lower(at, signed, opening)) else {
            return Ok(());
        };
        self.reserves.push(KeptReserve { lot: lot.clone(), opening: *opening });
        self.store.write_private(&write_reserves(&self.reserves))
    }

    /// Writes and syncs the open frame, and only then answers and tells everybody.
    fn commit(&mut self, waiting: Vec<Waiting>) -> Result<(), FloorFailure> {
        let nothing = waiting.is_empty() && self.house.frame_lines() == 0;
        if nothing && (!self.house.owes_seal() || self.gate.is_waited_at()) {
            return Ok(());
        }
        let frame = self.house.take_frame();
        let sync = Stopwatch::start();
        let committed = if frame.is_empty() { Vec::new() } else { self.store.commit(frame)? };
        let mut after = self.house.committed(committed);
        let released = loop {
            match after {
                After::Released(released) => break released,
                After::SealFirst(seal) => {
                    let committed = self.store.commit(seal)?;
                    after = self.house.committed(committed);
                }
            }
        };
        self.metrics.committed(released.lines.len(), sync);
        if !released.lines.is_empty() {
            self.lots = None;
        }
        #[cfg(feature = "planted-faults")]
        if planted::is_armed(planted::Fault::SealBeforeSync) {
            self.write_anchor()?;
            self.store.sync_late()?;
        }
        #[cfg(feature = "planted-faults")]
        let waiting = swap_answers(waiting);
        // Before anybody has a receipt: what it does not say of the copy must have been said.
        self.second_disk.look(&mut self.store);
        // And a witness must not hear of a checkpoint from others first.
        self.newest.send_replace(released.checkpoint.clone());
        let told = self.put_into_words(&released);
        for waiting in waiting {
            self.answer(&released, &told, waiting);
        }
        for told in told {
            self.fanout.publish(told);
        }
        #[cfg(feature = "planted-faults")]
        if planted::is_armed(planted::Fault::AnswerBeforeSync) {
            self.store.sync_late()?;
        }
        Ok(())
    }

    fn answer(&mut self, released: &Released, told: &[Arc<Told>], waiting: Waiting) {
        let Waiting { ticket, pending, lot, since } = waiting;
        let answer = match self.house.prove(released, pending) {
            Proven::Entered(proof) => match entry(told, proof.seq) {
                Some(entry) => {
                    self.metrics.entered(since);
                    Answer::Entered { proof, entry, lot: self.view(lot.as_ref()) }
                }
                None => {
                    let line = self.line_range(proof.seq);
                    Answer::Earlier { proof, line }
                }
            },
            Proven::Refused { code, least } => {
                self.metrics.refused(code);
                Answer::Refused { code, least, lot: self.view(lot.as_ref()) }
            }
        };
        ticket.answer(answer);
    }

    /// What everybody will be told, once; receipts take their line from it.
    fn put_into_words(&mut self, released: &Released) -> Vec<Arc<Told>> {
        let mut notices = self.notices(released);
        let told = released.lines.chunks(FRAME_LINES_MAX).map(|lines| {
            let (from, mut places) = (lines[0].seq(), Vec::with_capacity(lines.len()));
            let bytes = lines.iter().map(|line| line.bytes());
            let lines = lines_message_placed(None, from, bytes, |place| places.push(place)).into();
            let notices = std::mem::take(&mut notices).into_bytes().into();
            Arc::new(Told { lines, places: places.into(), from, notices })
        });
        told.collect()
    }

    fn notices(&mut self, released: &Released) -> String {
        let mut notices = String::new();
        for event in &released.events {
            let Some(notice) = self.announcer.announce(event) else { continue };
            if let Happening::Acted { .. }
            | Happening::LotClosed { .. }
            | Happening::SaleClosed(_) = &event.what
            {
                tracing::info!("{notice}");
            }
            notices.push_str(&notice);
            notices.push('\n');
        }
        notices
    }

    fn answer_query(&mut self, query: Query) -> Result<(), FloorFailure> {
        if query.is_a_sessions() {
            self.metrics.asked();
        }
        match query {
            Query::Lines { seq, ticket } => self.answer_lines(seq, ticket),
            Query::Lot { lot, ticket } => ticket.answer(Answer::Lot(self.view(Some(&lot)))),
            Query::Lots { ticket } => ticket.answer(Answer::Lots(self.all_lots())),
            Query::Snapshot { ticket } => {
                let (next, lots) = (self.store.lines(), self.all_lots());
                let (now, cursor) = (self.clock.now(), self.fanout.end());
                ticket.answer(Answer::Snapshot { next, lots, now, cursor });
            }
            Query::Welcome { name, note, cosigned, ticket } => {
                return self.welcome(name, note.as_deref(), cosigned, ticket);
            }
            Query::Proofs { from, to, answer } => {
                let proofs = from.into_iter().map(|from| self.house.consistency(from, to));
                // Who has asked may have gone.
                let _ = answer.send(proofs.collect());
            }
            Query::Shown { by, note } => return self.hold_to(by, &note),
        }
        Ok(())
    }

    /// A checkpoint of ours that the ledger does not contain stops the house before it signs again.
    fn hold_to(&self, holder: String, note: &str) -> Result<(), FloorFailure> {
        match self.house.size_of(note) {
            Err(WelcomeRefusal::NotInOurTree { size }) => {
                Err(FloorFailure::Forked { holder, size })
            }
            Ok(_) | Err(WelcomeRefusal::NotOurs) => Ok(()),
        }
    }

    fn answer_lines(&self, seq: u64, ticket: Ticket) {
        let next = self.store.lines();
        let from = seq.min(next);
        let begin = self.store.offset_of(from).unwrap_or(self.store.bytes());
        let bytes = begin..self.store.bytes();
        let note = self.house.checkpoint().note().into();
        ticket.answer(Answer::Lines { from, next, bytes, note });
    }

    fn welcome(
        &self,
        name: Name,
        note: Option<&str>,
        cosigned: bool,
        ticket: Ticket,
    ) -> Result<(), FloorFailure> {
        match self.house.welcome(&name, note) {
            Ok(welcome) => self.greet(welcome, cosigned, ticket),
            Err(WelcomeRefusal::NotOurs) => ticket.refuse(Code::WrongSale),
            Err(WelcomeRefusal::NotInOurTree { size }) => {
                // The last word: with it the client has what its own checkpoint contradicts.
                self.greet(self.house.welcome_from(&name, size), false, ticket);
                return Err(FloorFailure::Forked { holder: name.to_string(), size });
            }
        }
        Ok(())
    }

    fn greet(&self, welcome: Welcome, cosigned: bool, ticket: Ticket) {
        let size = welcome.checkpoint.checkpoint().size;
        let cosigned = if cosigned { self.shown(size) } else { None };
        let begin = self.store.offset_of(size).unwrap_or(self.store.bytes());
        let tail = begin..self.store.bytes();
        let (now, cursor) = (self.clock.now(), self.fanout.end());
        let welcome = Box::new(welcome);
        ticket.answer(Answer::Welcome { welcome, cosigned, tail, now, cursor });
    }

    /// The newest cosigned checkpoint, with the proof that the tree of `size` lines extends it.
    fn shown(&self, size: u64) -> Option<Shown> {
        let cosigned = self.cosigned.newest()?;
        let proof = self.house.consistency(cosigned.checkpoint.checkpoint().size, size)?;
        Some(Shown { cosigned, proof })
    }

    /// The place of the line `seq` in the file, without its LF.
    fn line_range(&self, seq: u64) -> Range<u64> {
        let begin = self.store.offset_of(seq).unwrap_or(0);
        let end = self.store.offset_of(seq + 1).unwrap_or(begin);
        begin..end.saturating_sub(1).max(begin)
    }

    fn view(&self, lot: Option<&LotId>) -> Option<LotView> {
        self.house.sale().lot(lot?).map(LotView::of)
    }

    /// All lots as they stand; made once for each frame, however many ask.
    fn all_lots(&mut self) -> Arc<[LotView]> {
        let sale = self.house.sale();
        Arc::clone(self.lots.get_or_insert_with(|| sale.lots().map(LotView::of).collect()))
    }

    /// Sees whether the host was suspended: then nobody could bid, and no lot may close for it
    /// (RULES 8). This comes before anything that fell due meanwhile.
    fn look_for_suspension(&mut self, at: Timestamp) {
        let suspended = self.clock.suspended();
        let away = Span::from_ms(suspended.ms().saturating_sub(self.suspended.ms()));
        if away < SUSPENSION_MIN {
            return;
        }
        if self.house.note_suspension(at) {
            self.suspended = suspended;
            tracing::warn!(%away, "the host was suspended; open lots keep their time");
        }
    }

    /// Compares official time with the wall clock now and then (RULES 1.4).
    fn look_at_clock(&mut self, at: Timestamp) {
        if self.clock_looked.elapsed_us() < CLOCK_LOOK_EVERY.ms() * 1000 {
            return;
        }
        self.clock_looked = Stopwatch::start();
        let wall = self.clock.wall_at(at);
        if self.house.note_clock(at, wall, false) {
            tracing::warn!(official = %at, %wall, "the wall clock has moved; official time keeps its pace");
        }
    }

    fn write_anchor_if_due(&mut self) -> Result<(), StoreFailure> {
        if self.anchor.since.elapsed_us() < ANCHOR_EVERY.ms() * 1000 {
            return Ok(());
        }
        self.write_anchor()
    }

    /// The anchor carries the cosignatures that have come for its checkpoint.
    fn write_anchor(&mut self) -> Result<(), StoreFailure> {
        let newest = self.house.checkpoint();
        let cosigned = self.cosigned.newest();
        let newest = match &cosigned {
            Some(cosigned) if cosigned.checkpoint.checkpoint() == newest.checkpoint() => {
                &cosigned.checkpoint
            }
            Some(_) | None => newest,
        };
        if self.anchor.written.as_ref() != Some(newest) {
            self.store.write_anchor(newest)?;
            self.anchor = Anchoring { written: Some(newest.clone()), since: Stopwatch::start() };
        }
        Ok(())
    }
}

/// Line `seq`, if it is one of this frame's.
fn entry(told: &[Arc<Told>], seq: u64) -> Option<EntryJson> {
    told.iter().find_map(|told| EntryJson::among(told, seq))
}

/// Gives the first two who wait each other's answer.
#[cfg(feature = "planted-faults")]
fn swap_answers(mut waiting: Vec<Waiting>) -> Vec<Waiting> {
    if planted::is_armed(planted::Fault::SwapAnswers)
        && let [first, second, ..] = &mut waiting[..]
    {
        std::mem::swap(&mut first.pending, &mut second.pending);
    }
    waiting
}
