//! What happened in one simulated sale, step by step. Two runs of one seed must tell the same.
//!
//! A step names people, numbers and places in files, never a key, a hash or a signature: those
//! are made anew for each process, and nothing may depend on them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::clock::turned;
use crate::ledger::hash::Hash;
use crate::time::{Span, Timestamp};

/// When every simulation begins, by its wall clock.
pub(super) const BEGAN_MS: u64 = 1_800_000_000_000;

/// The time of a simulation, and what has happened so far. Clones are one trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Arc<Mutex<Steps>>);

#[derive(Debug, Default)]
struct Steps {
    now_us: u64,
    /// How far the wall clock is ahead of where it should be, in milliseconds; negative behind.
    astray_ms: i64,
    suspended_ms: u64,
    sha256: Sha256,
    count: u64,
    tells: bool,
    told: Vec<String>,
    violations: Vec<String>,
}

impl Trace {
    /// A trace; one that `tells` keeps every step to be read.
    pub(super) fn new(tells: bool) -> Self {
        Self(Arc::new(Mutex::new(Steps { tells, ..Steps::default() })))
    }

    /// Microseconds since the simulation began.
    pub(super) fn now_us(&self) -> u64 {
        self.steps().now_us
    }

    /// Turns all clocks on; never back.
    pub(super) fn turn_to(&self, us: u64) {
        let mut steps = self.steps();
        steps.now_us = steps.now_us.max(us);
        steps.turn_clocks();
    }

    /// Sets the wall clock so far ahead of where it should be; behind if negative.
    pub(super) fn lead_wall_astray(&self, astray_ms: i64) {
        let mut steps = self.steps();
        steps.astray_ms = astray_ms;
        steps.turn_clocks();
    }

    /// Suspends the host for a while: the wall clock goes on, and monotonic time does not.
    pub(super) fn suspend(&self, ms: u64) {
        let mut steps = self.steps();
        steps.suspended_ms += ms;
        steps.turn_clocks();
    }

    /// Notes a step.
    pub(super) fn step(&self, what: fmt::Arguments<'_>) {
        let mut steps = self.steps();
        let step = format!("{:>12} {what}\n", Milliseconds(steps.now_us));
        steps.sha256.update(step.as_bytes());
        steps.count += 1;
        if steps.tells {
            steps.told.push(step);
        }
    }

    /// Notes what must never happen.
    pub(super) fn violation(&self, what: String) {
        self.step(format_args!("VIOLATION {what}"));
        self.steps().violations.push(what);
    }

    /// What must never have happened.
    pub(super) fn violations(&self) -> Vec<String> {
        self.steps().violations.clone()
    }

    /// The hash of all steps, and how many they are.
    pub(super) fn digest(&self) -> (Hash, u64) {
        let steps = self.steps();
        (Hash::from_bytes(steps.sha256.clone().finalize().into()), steps.count)
    }

    /// The steps, if they were kept.
    pub(super) fn told(&self) -> String {
        self.steps().told.concat()
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Steps {
    fn turn_clocks(&self) {
        let right_ms = BEGAN_MS + self.now_us / 1000 + self.suspended_ms;
        let wall = Timestamp::from_unix_ms(right_ms.saturating_add_signed(self.astray_ms));
        turned::turn(|time| {
            time.passed_us = self.now_us;
            time.wall = wall.expect("in range");
            time.suspended = Span::from_ms(self.suspended_ms);
        });
    }
}

/// Microseconds, shown as milliseconds.
struct Milliseconds(u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:03}", self.0 / 1000, self.0 % 1000))
    }
}

/// Notes a step, in the words of `format!`.
macro_rules! step {
    ($trace:expr, $($what:tt)+) => { $trace.step(format_args!($($what)+)) };
}
pub(super) use step;
