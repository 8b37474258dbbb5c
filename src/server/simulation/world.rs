//! One simulated sale, from its birth through crashes and failures to its close.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::dice::Dice;
use super::disk::{Death, FakeDisk, Fate};
use super::hall::Hall;
use super::office::{AUCTIONEER, Office};
use super::plan::{ANCHOR_FOLDER, KEY_FOLDER, LEDGER_FOLDER, Plan};
use super::process::{End, Running};
use super::trace::{BEGAN_MS, Trace, step};
use super::verdict::judge;
use super::{Fault, Outcome};
use crate::clock::turned::Turned;
use crate::server::floor::Left;
use crate::server::start::StartFailure;
use crate::time::Timestamp;

/// No sale takes longer.
const ENDS_BY_US: u64 = 3_600_000_000;
/// No sale takes more steps.
const STEPS_MAX: u64 = 200_000;

/// Plays the sale of a seed; a play that `tells` keeps every step.
pub(super) fn play(seed: u64, office: &Arc<Office>, fault: Option<Fault>, tells: bool) -> Outcome {
    let began = Timestamp::from_unix_ms(BEGAN_MS).expect("in range");
    let _turned = Turned::stop(began);
    #[cfg(feature = "planted-faults")]
    let _armed = match fault {
        Some(Fault::Planted(fault)) => Some(crate::planted::arm_here(fault)),
        Some(Fault::LyingDisk) | None => None,
    };
    let mut world = World::new(seed, office, tells);
    if fault == Some(Fault::LyingDisk) {
        world.disk.lie();
    }
    let left = world.run();
    world.end(left)
}

struct World {
    office: Arc<Office>,
    plan: Plan,
    trace: Trace,
    dice: Dice,
    disk: Arc<FakeDisk>,
    hall: Arc<Mutex<Hall>>,
    process: Process,
    finished: Rc<Cell<bool>>,
    faults_left: u64,
    /// The ledger may hold times that the wall clock does not reach.
    was_wall_astray: bool,
    accepts_clock: bool,
    anchored: Option<Vec<u8>>,
    lives: u64,
    deaths: u64,
    failures: u64,
}

enum Process {
    Down { until_us: u64 },
    Up { running: Box<Running>, round_at_us: u64, dies_at_us: Option<u64>, is_stopping: bool },
}

impl World {
    fn new(seed: u64, office: &Arc<Office>, tells: bool) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::roll(&mut dice);
        let trace = Trace::new(tells);
        let folders = ["/sale", ANCHOR_FOLDER, KEY_FOLDER].map(Path::new);
        let disk = FakeDisk::new(dice.fork(), trace.clone(), &folders);
        let who: Vec<usize> = (0..plan.bidders).chain([AUCTIONEER]).collect();
        let lots = plan.lots.iter().map(|lot| lot.id.clone()).collect();
        let ledger = ledger();
        let hall = Hall::new(
            Arc::clone(office),
            trace.clone(),
            dice.fork(),
            Arc::clone(&disk),
            ledger,
            lots,
            &who,
        );
        let hall = Arc::new(Mutex::new(hall));
        disk.serve(&hall);
        step!(trace, "{} lots, {} bidders", plan.lots.len(), plan.bidders);
        Self {
            office: Arc::clone(office),
            faults_left: plan.faults,
            plan,
            trace,
            dice,
            disk,
            hall,
            process: Process::Down { until_us: 0 },
            finished: Rc::default(),
            was_wall_astray: false,
            accepts_clock: false,
            anchored: None,
            lives: 0,
            deaths: 0,
            failures: 0,
        }
    }

    /// Runs until everybody has come to an end; gives what the last process left, if it came so far.
    fn run(&mut self) -> Option<Left> {
        for _ in 0..STEPS_MAX {
            if !self.trace.violations().is_empty() || self.trace.now_us() > ENDS_BY_US {
                break;
            }
            if self.trace.now_us() >= self.plan.quiet_from_us {
                self.hall().is_quiet = true;
            }
            if self.is_over() {
                return self.stop_for_good();
            }
            self.step();
        }
        if self.trace.violations().is_empty() {
            self.trace.violation("the sale comes to no end".to_owned());
        }
        None
    }

    fn step(&mut self) {
        let next_us = self.hall().next_at_us().unwrap_or(u64::MAX);
        match &mut self.process {
            Process::Down { until_us } if *until_us <= next_us => {
                let until_us = *until_us;
                self.trace.turn_to(until_us);
                self.start();
            }
            Process::Up { dies_at_us: Some(dies_at_us), round_at_us, .. }
                if *dies_at_us <= next_us.min(*round_at_us) =>
            {
                let us = *dies_at_us;
                self.trace.turn_to(us);
                step!(self.trace, "the process is ended");
                self.die();
            }
            Process::Up { round_at_us, .. } if *round_at_us <= next_us => {
                let us = *round_at_us;
                self.trace.turn_to(us);
                self.round();
            }
            Process::Down { .. } | Process::Up { .. } => self.go_on(),
        }
    }

    fn go_on(&mut self) {
        let mut hall = self.hall();
        hall.go_on();
        let knocked = hall.take_knock();
        drop(hall);
        if let (true, Process::Up { round_at_us, .. }) = (knocked, &mut self.process) {
            // The floor's thread is woken at once, or a little late.
            let late_us = if self.dice.percent(70) { 0 } else { self.dice.below(4_000) };
            *round_at_us = (*round_at_us).min(self.trace.now_us() + late_us);
        }
    }

    // ---- A life of the process ----

    fn start(&mut self) {
        self.lives += 1;
        let fate = self.roll_fate();
        let before = self.disk.read(&ledger());
        let now_us = self.trace.now_us();
        if let Some(file) = &before {
            self.hall().recorder.snapshot(now_us, file);
        }
        let bytes = before.map_or(0, |file| file.len());
        step!(self.trace, "the server starts ({}) on {bytes} bytes", self.lives);
        let (office, accepts) = (Arc::clone(&self.office), self.accepts_clock);
        let started =
            Running::start(&office, &self.plan, &self.disk, fate, accepts, &self.finished);
        self.note_anchor();
        match started {
            Ok(running) => self.serve(running, fate.dies_at_us),
            Err(end) => self.judge_end(&end),
        }
    }

    fn serve(&mut self, running: Running, dies_at_us: Option<u64>) {
        if self.disk.failures() > 0 {
            return self.trace.violation("a start went on after a failure".to_owned());
        }
        self.hall().open(running.served());
        let round_at_us = self.trace.now_us();
        let running = Box::new(running);
        self.process = Process::Up { running, round_at_us, dies_at_us, is_stopping: false };
    }

    fn round(&mut self) {
        self.disturb();
        let Process::Up { running, .. } = &mut self.process else { return };
        let ended = running.round();
        self.note_anchor();
        match ended {
            Ok(_) if self.disk.failures() > 0 => {
                self.trace.violation("a round went on after a failure".to_owned());
            }
            Ok(false) => {
                self.hall().collect();
                let Process::Up { running, round_at_us, .. } = &mut self.process else { return };
                *round_at_us = self.trace.now_us() + running.wakes_in_us();
                // What came while the disk was waited for.
                if self.hall().take_knock()
                    && let Process::Up { round_at_us, .. } = &mut self.process
                {
                    *round_at_us = self.trace.now_us();
                }
            }
            Ok(true) => self.end_in_order(),
            Err(end) => self.judge_end(&end),
        }
    }

    /// The host's clocks, and operators.
    fn disturb(&mut self) {
        if !self.may_break() {
            if self.hall().is_quiet {
                self.trace.lead_wall_astray(0);
            }
            return;
        }
        match self.dice.below(2_000) {
            0..4 => {
                let ms = self.dice.below(25_000);
                step!(self.trace, "the host is suspended for {ms} ms");
                self.trace.suspend(ms);
                self.faults_left -= 1;
            }
            4..8 => {
                let ms = self.dice.below(240_000);
                let ahead = self.dice.percent(50);
                step!(self.trace, "the wall clock jumps by {ms} ms, ahead: {ahead}");
                let ms = i64::try_from(ms).expect("small");
                self.trace.lead_wall_astray(if ahead { ms } else { -ms });
                self.was_wall_astray = true;
                self.faults_left -= 1;
            }
            8..12 => {
                step!(self.trace, "the operator stops the server");
                self.faults_left -= 1;
                if let Process::Up { running, is_stopping, .. } = &mut self.process {
                    *is_stopping = true;
                    running.gate.stop();
                }
            }
            _ => {}
        }
    }

    fn end_in_order(&mut self) {
        let down = Process::Down { until_us: self.trace.now_us() + 500_000 };
        let Process::Up { running, .. } = std::mem::replace(&mut self.process, down) else {
            return;
        };
        match running.end() {
            Ok(left) => {
                step!(self.trace, "the server has stopped after {} lines", left.end.lines);
                self.hall().close_in_order();
                drop(left);
                self.note_anchor();
                self.disk.end_life(Death::Killed);
                self.lie_down();
            }
            Err(end) => self.judge_end(&end),
        }
    }

    /// What an end of the process means.
    fn judge_end(&mut self, end: &End) {
        match end {
            End::Crashed => {}
            End::Start(StartFailure::ClockBehind { .. }) if self.was_wall_astray => {
                step!(self.trace, "the operator accepts the clock");
                self.accepts_clock = true;
            }
            end if end.is_a_disks() && self.disk.failures() > 0 => {
                self.failures += 1;
                step!(self.trace, "the process stops at a failure of the disk");
            }
            End::Start(failure) => {
                let why = std::error::Error::source(failure).map(ToString::to_string);
                let refusal = format!("a start was refused: {failure} {}", why.unwrap_or_default());
                self.trace.violation(refusal);
            }
            End::Floor(failure) => self.trace.violation(format!("the floor stopped: {failure}")),
            End::Panicked(message) => self.trace.violation(format!("a panic: {message}")),
        }
        self.die();
    }

    /// The process is gone; some of what it has said may have left, and the host may go with it.
    fn die(&mut self) {
        self.deaths += 1;
        self.hall().close();
        // Its locks go before the next process takes them.
        self.process = Process::Down { until_us: u64::MAX };
        // After a failure the host mostly goes on, and shows what its disk lacks.
        let cuts = if self.disk.failures() > 0 { 30 } else { 65 };
        let death = if self.dice.percent(cuts) { Death::PowerCut } else { Death::Killed };
        step!(self.trace, "{death:?}");
        self.disk.end_life(death);
        self.lie_down();
    }

    /// Nothing runs for a while, and the power may fail meanwhile.
    fn lie_down(&mut self) {
        let slow = self.dice.percent(15);
        let away_us = self.dice.between(100_000, if slow { 30_000_000 } else { 3_000_000 });
        if self.may_break() && self.dice.percent(15) {
            step!(self.trace, "the power fails meanwhile");
            self.disk.end_life(Death::PowerCut);
        }
        self.process = Process::Down { until_us: self.trace.now_us() + away_us };
    }

    fn roll_fate(&mut self) -> Fate {
        let mut fate = Fate::default();
        if !self.may_break() {
            return fate;
        }
        let reach = *self.dice.pick(&[12, 40, 150, 600]);
        let call = 1 + self.dice.below(reach);
        match self.dice.below(100) {
            0..30 => fate.crash_at = Some(call),
            30..60 => {
                fate.fail_at = Some(call);
                fate.is_full = self.dice.percent(50);
            }
            60..95 => {
                let us = *self.dice.pick(&[200_000, 8_000_000, 30_000_000]);
                fate.dies_at_us = Some(self.trace.now_us() + self.dice.below(us));
            }
            _ => return fate,
        }
        self.faults_left -= 1;
        fate
    }

    fn may_break(&self) -> bool {
        self.faults_left > 0 && !self.hall().is_quiet
    }

    /// The anchor leaves the house whenever it is written.
    fn note_anchor(&mut self) {
        let folder = if self.plan.has_anchor_folder { ANCHOR_FOLDER } else { LEDGER_FOLDER };
        let anchor = self.disk.read(&Path::new(folder).join("spring.checkpoint"));
        if anchor.is_some() && anchor != self.anchored {
            self.anchored = anchor;
            let note = String::from_utf8_lossy(self.anchored.as_deref().unwrap_or_default());
            self.hall().recorder.note("anchor", &note);
        }
    }

    // ---- The end ----

    /// Whether the sale has closed, everything is answered, and everybody has seen everything.
    fn is_over(&self) -> bool {
        let is_up = matches!(self.process, Process::Up { is_stopping: false, .. });
        let is_told = |hall: &Hall| hall.bidders.iter().all(|bidder| bidder.open.is_empty());
        if !is_up || !self.finished.get() || !self.hall().is_quiet || !is_told(&self.hall()) {
            return false;
        }
        let file = self.disk.read(&ledger()).unwrap_or_default();
        let lines = file.iter().filter(|byte| **byte == b'\n').count();
        let lines = u64::try_from(lines).expect("fits");
        self.hall().bidders.iter().all(|bidder| bidder.next == lines)
    }

    fn stop_for_good(&mut self) -> Option<Left> {
        let down = Process::Down { until_us: u64::MAX };
        let Process::Up { mut running, .. } = std::mem::replace(&mut self.process, down) else {
            return None;
        };
        running.gate.stop();
        let left = running.round().and_then(|last| {
            if !last {
                self.trace.violation("a round behind the last one".to_owned());
            }
            running.end()
        });
        match left {
            Ok(left) => Some(left),
            Err(end) => {
                self.trace.violation(format!("the server does not stop: {end:?}"));
                None
            }
        }
    }

    fn end(self, left: Option<Left>) -> Outcome {
        self.hall().close_in_order();
        let outcomes = left.as_ref().map(|left| left.house.sale().clone());
        drop(left);
        // The very last power cut: what was promised is durable.
        self.disk.end_life(Death::PowerCut);
        let file = self.disk.read(&ledger()).unwrap_or_default();
        let checked = judge(&self.hall(), outcomes.as_ref(), &file);
        let (digest, steps) = self.trace.digest();
        Outcome {
            violations: self.trace.violations(),
            digest,
            steps,
            told: self.trace.told(),
            lives: self.lives,
            deaths: self.deaths,
            failures: self.failures,
            lines: checked.lines,
            acknowledged: checked.acknowledged,
        }
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ledger() -> PathBuf {
    Path::new(LEDGER_FOLDER).join("spring.jsonl")
}
