//! Where arrivals get their number and their time, and wait for the floor.
//!
//! A session stamps a complete line here under one short lock: its place in the
//! queue is its number, and `t` is the moment at which it was read (RULES 1.1,
//! 1.3). Its signature is checked elsewhere meanwhile; the floor takes places in
//! order, each once its work is ready. The floor may act on the time alone only
//! while the queue is empty, which is asked under the same lock: nobody who was
//! read in time is closed out by load.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::floor::Work;
use crate::clock::{Clock, Stopwatch};
use crate::limits::ARRIVALS_MAX;
use crate::time::{Span, Timestamp};

/// The queue between the sessions and the floor.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    queue: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the place at the front.
    front: u64,
    places: VecDeque<Waiting>,
    last: Option<Timestamp>,
    shut: bool,
}

#[derive(Debug)]
struct Waiting {
    at: Timestamp,
    read: Stopwatch,
    work: Option<Work>,
}

/// The gate takes nothing now: it is full, or shut because the server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server takes nothing more now")]
pub(super) struct Turned;

/// A place in the queue. Dropped without work, it gives way to the next.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    number: u64,
    at: Timestamp,
    filled: bool,
}

/// What the floor does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Take this, which was read at `at` and has waited `lag_us` microseconds.
    Take {
        /// When it was read.
        at: Timestamp,
        /// How long it has waited, in microseconds.
        lag_us: u64,
        /// What it is.
        work: Work,
    },
    /// Nothing waits that was read before `now`: do what the time asks.
    Quiet {
        /// The official time, read while nothing waited.
        now: Timestamp,
    },
    /// Nothing waits and the gate is shut: stop.
    Shut,
}

impl Gate {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, queue: Mutex::default(), bell: Condvar::new() })
    }

    /// Stamps a complete line that was just read, and keeps its place.
    pub(super) fn arrive(self: &Arc<Self>) -> Result<Place, Turned> {
        let mut queue = self.lock();
        if queue.shut || queue.places.len() >= ARRIVALS_MAX {
            return Err(Turned);
        }
        let at = self.clock.now().max(queue.last.unwrap_or(Timestamp::ZERO));
        queue.last = Some(at);
        queue.places.push_back(Waiting { at, read: Stopwatch::start(), work: None });
        let number = queue.front + u64::try_from(queue.places.len() - 1).unwrap_or(u64::MAX);
        Ok(Place { gate: Arc::clone(self), number, at, filled: false })
    }

    /// Shuts the gate: what waits is still taken, nothing more arrives.
    pub(super) fn shut(&self) {
        self.lock().shut = true;
        self.bell.notify_all();
    }

    /// Waits for the next thing to do, until `due` at the latest.
    pub(super) fn next(&self, due: Option<Timestamp>) -> Next {
        let mut queue = self.lock();
        loop {
            match queue.places.front() {
                Some(first) if first.work.is_some() => return queue.take_first(),
                Some(_) => queue = self.wait(queue, None),
                None if queue.shut => return Next::Shut,
                None => {
                    let now = self.clock.now();
                    match due {
                        Some(due) if due <= now => return Next::Quiet { now },
                        Some(due) => queue = self.wait(queue, Some(due.since(now))),
                        None => queue = self.wait(queue, None),
                    }
                }
            }
        }
    }

    /// The next thing to do, if it is ready now.
    pub(super) fn next_ready(&self) -> Option<Next> {
        let mut queue = self.lock();
        let ready = queue.places.front().is_some_and(|first| first.work.is_some());
        ready.then(|| queue.take_first())
    }

    fn fill(&self, number: u64, work: Work) {
        let mut queue = self.lock();
        let index = usize::try_from(number - queue.front).unwrap_or(usize::MAX);
        if let Some(place) = queue.places.get_mut(index) {
            place.work = Some(work);
        }
        drop(queue);
        if index == 0 {
            self.bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole at every point at which a panic could drop the guard.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, span: Option<Span>) -> MutexGuard<'a, Queue> {
        match span {
            None => self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(span) => {
                let span = Duration::from(span);
                self.bell.wait_timeout(queue, span).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

impl Queue {
    fn take_first(&mut self) -> Next {
        let first = self.places.pop_front().expect("the caller has seen it");
        self.front += 1;
        let work = first.work.expect("the caller has seen that it is ready");
        Next::Take { at: first.at, lag_us: first.read.elapsed_us(), work }
    }
}

impl Place {
    /// When the line was read, on the official clock.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    /// Hands the work over, its checks done.
    pub(super) fn fill(mut self, work: Work) {
        self.filled = true;
        self.gate.fill(self.number, work);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.gate.fill(self.number, Work::Nothing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_in_order_of_arrival_not_of_readiness() {
        let gate = Gate::new(Clock::start());
        let first = gate.arrive().expect("room");
        let second = gate.arrive().expect("room");
        let read = (first.at(), second.at());
        second.fill(Work::Nothing);
        assert!(gate.next_ready().is_none(), "the first is not ready");
        first.fill(Work::Nothing);
        let mut times = Vec::new();
        while let Some(Next::Take { at, .. }) = gate.next_ready() {
            times.push(at);
        }
        assert_eq!(times, [read.0, read.1]);
    }

    #[test]
    fn a_dropped_place_gives_way() {
        let gate = Gate::new(Clock::start());
        drop(gate.arrive().expect("room"));
        assert!(matches!(gate.next(None), Next::Take { work: Work::Nothing, .. }));
    }

    #[test]
    fn the_time_alone_speaks_only_while_nothing_waits() {
        let gate = Gate::new(Clock::start());
        assert!(matches!(gate.next(Some(Timestamp::ZERO)), Next::Quiet { .. }));
        let place = gate.arrive().expect("room");
        place.fill(Work::Nothing);
        assert!(matches!(gate.next(Some(Timestamp::ZERO)), Next::Take { .. }));
    }

    #[test]
    fn a_shut_gate_turns_away_and_drains() {
        let gate = Gate::new(Clock::start());
        let place = gate.arrive().expect("room");
        gate.shut();
        assert!(gate.arrive().is_err());
        drop(place);
        assert!(matches!(gate.next(None), Next::Take { .. }));
        assert!(matches!(gate.next(None), Next::Shut));
    }

    #[test]
    fn a_full_gate_turns_away() {
        let gate = Gate::new(Clock::start());
        let places: Vec<_> = (0..ARRIVALS_MAX).map(|_| gate.arrive().expect("room")).collect();
        assert!(gate.arrive().is_err());
        drop(places);
    }
}
