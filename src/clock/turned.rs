//! Clocks that a simulation turns by hand. They hold for one thread, so that many simulations can
//! run at once, each in its own time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::time::{Span, Timestamp};

thread_local! {
    static TIME: Cell<Option<Time>> = const { Cell::new(None) };
}

/// What this thread's clocks say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// What monotonic time is counted from; only differences are ever seen.
    origin: Instant,
    /// Monotonic time, in microseconds.
    pub(crate) passed_us: u64,
    /// The wall clock, right or wrong.
    pub(crate) wall: Timestamp,
    /// How long the host has been suspended.
    pub(crate) suspended: Span,
}

impl Time {
    pub(super) fn instant(&self) -> Instant {
        self.origin + Duration::from_micros(self.passed_us)
    }
}

/// What this thread's clocks say, if they are turned by hand.
pub(super) fn time() -> Option<Time> {
    TIME.get()
}

/// This thread's clocks are turned by hand for as long as it lives.
#[derive(Debug)]
pub(crate) struct Turned(());

impl Turned {
    /// Stops this thread's clocks, with the wall clock at `wall`.
    pub(crate) fn stop(wall: Timestamp) -> Self {
        let origin = Instant::now();
        TIME.set(Some(Time { origin, passed_us: 0, wall, suspended: Span::ZERO }));
        Self(())
    }
}

impl Drop for Turned {
    fn drop(&mut self) {
        TIME.set(None);
    }
}

/// Turns this thread's clocks.
///
/// # Panics
/// If nobody has stopped them.
pub(crate) fn turn(change: impl FnOnce(&mut Time)) {
    let mut time = TIME.get().expect("the clocks of this thread are stopped");
    change(&mut time);
    TIME.set(Some(time));
}
