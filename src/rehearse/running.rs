//! The house with its disk, driven as the server's floor drives it, but on the
//! scenario's clock: decide, write and sync a frame, and only then answer.

use std::path::Path;

use super::failure::PlayFailure;
use super::opening;
use super::scenario::Scenario;
use super::stage::{Stage, Standpoint};
use crate::auction::event::Input;
use crate::auction::reserve::ReserveOpening;
use crate::auction::sale::Sale;
use crate::house::{
    After, Answer, BirthFault, House, Newborn, Pending, Recovered, Recovery, RecoveryRefusal,
    Released,
};
use crate::ledger::store::{self, Continuation, Locked, Scan, ScanError, Store, Visit};
use crate::limits::{FRAME_LINES_MAX, TICK_AFTER};
use crate::record::{self, Authenticated, Head, KeptReserve, Signed};
use crate::time::{Span, Timestamp};

/// A sale with its disk.
pub(super) struct Running {
    house: House,
    store: Store,
    /// What opens the hidden reserves, as it stands in the private file.
    reserves: Vec<KeptReserve>,
}

impl Running {
    /// Brings the sale into being in `folder`, at the opening.
    pub(super) fn bear(
        stage: &Stage,
        scenario: &Scenario,
        folder: &Path,
    ) -> Result<Self, PlayFailure> {
        let reserves = stage.reserves(scenario);
        let lots = stage.lots(scenario, &reserves);
        let line_0 = stage.opening(scenario, &lots)?;
        let locked = store::lock(folder, scenario.sale.as_str())?;
        let (newborn, lines) = Newborn::new(line_0, lots, opening()).map_err(BirthFault::from)?;
        if !reserves.is_empty() {
            locked.write_private(&record::write_reserves(&reserves))?;
        }
        let (store, lines) = locked.create(lines)?;
        let house = newborn.born(&lines, stage.sealing_key(scenario), &reserves)?;
        let mut running = Self { house, store, reserves };
        running.begin()?;
        for enrolled in stage.enrolments(running.house.sale_hash())? {
            let pending = running.house.enrol(opening(), &enrolled);
            running.commit(pending)?;
        }
        Ok(running)
    }

    /// Takes the sale up again from its bytes at `now`; it was there until `since`.
    pub(super) fn restart(
        found: FoundLedger,
        stage: &Stage,
        scenario: &Scenario,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Self, PlayFailure> {
        let FoundLedger { locked, scan, recovered, continuation, reserves } = found;
        if continuation == Continuation::Finished {
            let store = locked.rewrite(scan)?;
            return Ok(Self { house: recovered.serve_finished()?, store, reserves });
        }
        let key = stage.sealing_key(scenario);
        recovered.check_key(&key)?;
        recovered.check_reserves(&reserves)?;
        let store = locked.rewrite(scan)?;
        let house = recovered.go_on_since(key, since, now, &reserves)?;
        let mut running = Self { house, store, reserves };
        running.begin()?;
        Ok(running)
    }

    /// Writes the anchor, then what the start has entered.
    fn begin(&mut self) -> Result<(), PlayFailure> {
        self.store.write_anchor(self.house.checkpoint())?;
        self.write()?;
        Ok(())
    }

    /// The state of the lots.
    pub(super) const fn sale(&self) -> &Sale {
        self.house.sale()
    }

    /// What a client that follows the sale has verified.
    pub(super) fn standpoint(&self) -> Standpoint {
        let newest = self.house.checkpoint().checkpoint();
        let head = Head { root: newest.root, size: newest.size };
        Standpoint { sale_hash: self.house.sale_hash(), head }
    }

    /// When time alone next causes an entry.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.house.due()
    }

    /// Does everything that fell due at or before `now`, a frame at a time.
    pub(super) fn advance(&mut self, now: Timestamp) -> Result<(), PlayFailure> {
        let frame = u64::try_from(FRAME_LINES_MAX / 2).unwrap_or(u64::MAX);
        let silence = Span::from_ms(TICK_AFTER.ms().saturating_mul(frame));
        while let Some(due) = self.house.due().filter(|due| *due <= now) {
            self.house.advance(now.min(due.plus(silence)));
            self.write()?;
        }
        Ok(())
    }

    /// When something else than a tick falls due if nobody does anything, at `latest`.
    pub(super) fn next_change(&self, latest: Timestamp) -> Option<Timestamp> {
        let mut sale = self.house.sale().clone();
        while let Some((at, input)) = sale.due().filter(|(at, _)| *at <= latest) {
            match input {
                Input::Tick => sale.elapse(at),
                _ => return Some(at),
            }
        }
        None
    }

    /// One bid or act that was read at `at` and waited for `waited`, in a frame of its own.
    pub(super) fn submit(
        &mut self,
        at: Timestamp,
        waited: Span,
        signed: Authenticated<Signed>,
        opening: Option<ReserveOpening>,
    ) -> Result<Answer, PlayFailure> {
        if let Some(opening) = &opening
            && self.house.would_lower(at, &signed, opening)
            && let Some(lot) = signed.lot()
        {
            self.reserves.push(KeptReserve { lot: lot.clone(), opening: *opening });
            self.store.write_private(&record::write_reserves(&self.reserves))?;
        }
        let lag_us = waited.ms().saturating_mul(1000);
        let pending = self.house.submit_with(at, lag_us, signed, opening);
        self.commit(pending)
    }

    /// Notes a jump of the wall clock, if it is one.
    pub(super) fn note_clock(
        &mut self,
        at: Timestamp,
        wall: Timestamp,
        accepted: bool,
    ) -> Result<(), PlayFailure> {
        if self.house.note_clock(at, wall, accepted) {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the seal that is owed, so that the ledger is sealed to its end.
    pub(super) fn seal(&mut self) -> Result<(), PlayFailure> {
        if self.house.owes_seal() {
            self.write()?;
        }
        Ok(())
    }

    fn commit(&mut self, pending: Pending) -> Result<Answer, PlayFailure> {
        let released = self.write()?;
        Ok(self.house.answer(&released, pending))
    }

    /// Writes and syncs the open frame; a close waits for the seal over it.
    fn write(&mut self) -> Result<Released, PlayFailure> {
        let mut frame = self.house.take_frame();
        loop {
            let lines = if frame.is_empty() { Vec::new() } else { self.store.commit(frame)? };
            match self.house.committed(lines) {
                After::Released(released) => {
                    if self.house.is_finished() {
                        self.store.erase_private()?;
                    }
                    return Ok(released);
                }
                After::SealFirst(seal) => frame = seal,
            }
        }
    }
}

/// A ledger that was found in a folder and replayed, before anything is written.
pub(super) struct FoundLedger {
    locked: Locked,
    scan: Scan,
    recovered: Recovered,
    continuation: Continuation,
    reserves: Vec<KeptReserve>,
}

impl FoundLedger {
    /// Reads the sale's ledger in `folder` as a start does, up to its decision.
    pub(super) fn read(
        stage: &Stage,
        scenario: &Scenario,
        folder: &Path,
    ) -> Result<Self, PlayFailure> {
        let locked = store::lock(folder, scenario.sale.as_str())?;
        let (anchor, house) = (stage.anchor().clone(), stage.house.clone());
        let mut recovery = Recovery::new(anchor, house, scenario.sale.clone());
        let scan = locked.scan(|raw, line| {
            recovery.take(raw, line).map(|whole| if whole { Visit::Keep } else { Visit::Break })
        });
        let scan = scan.map_err(|failure| match failure {
            ScanError::OtherVersion { line, source } => {
                PlayFailure::Recovery(RecoveryRefusal::OtherVersion { seq: line, why: source })
            }
            ScanError::Store(failure) => PlayFailure::Store(failure),
            ScanError::Refused { source, .. } => PlayFailure::Recovery(source),
        })?;
        let recovered = recovery.finish()?;
        let beyond = locked.find_note_beyond(&scan, |note| recovered.is_outsealed_by(note))?;
        let (anchor, broken) = (locked.anchor()?, scan.broken().is_some());
        let continuation = recovered.continuation(anchor.as_deref(), broken, beyond.is_some())?;
        let reserves = match locked.private()? {
            Some(bytes) => record::read_reserves(&bytes)?,
            None => Vec::new(),
        };
        Ok(Self { locked, scan, recovered, continuation, reserves })
    }

    /// The time of the last entry: a wall clock before it needs the operator's word.
    pub(super) const fn last(&self) -> Timestamp {
        self.recovered.last()
    }
}
