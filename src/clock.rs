//! The only reader of clocks.
//!
//! Official time is the wall clock at the start plus monotonic time since
//! (RULES 1.2), so nobody can set it back during a sale. Linux counts no time
//! while the host is suspended on that clock: official time then stands still
//! and the wall clock runs ahead, which is why the house compares
//! [`Clock::now`] with [`Clock::wall`], asks [`Clock::suspended`], and enters what
//! it finds (RULES 1.4, 8).

#[cfg(test)]
pub(crate) mod turned;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::time::{Span, Timestamp};

/// The sale's official clock. Copies of one clock agree for ever.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    origin: Instant,
}

impl Clock {
    /// Starts official time at what the wall clock says now.
    pub fn start() -> Self {
        Self::starting_at(wall())
    }

    /// Starts official time at `start`, whatever the wall clock says
    /// (`--accept-clock`: the wall clock is behind the ledger's last entry).
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: instant() }
    }

    /// The official time. Never falls.
    pub fn now(&self) -> Timestamp {
        self.start.plus(Span::from_ms(whole(instant().duration_since(self.origin).as_millis())))
    }

    /// How long the host has been suspended since it was started: time in which nobody could
    /// bid, and which official time does not count.
    pub fn suspended(&self) -> Span {
        #[cfg(test)]
        if let Some(time) = turned::time() {
            return time.suspended;
        }
        let ms = |clock| nanoseconds(clock) / 1_000_000;
        let counted = ms(ClockId::Monotonic);
        Span::from_ms(ms(ClockId::Boottime).saturating_sub(counted))
    }

    /// What the host's own clock says, right or wrong. May jump either way.
    pub fn wall(&self) -> Timestamp {
        wall()
    }

    /// What the host's own clock said when the official time was `at`, if it has gone evenly
    /// since: how long something has waited must not look like a clock that was moved.
    pub fn wall_at(&self, at: Timestamp) -> Timestamp {
        let passed = self.now().since(at);
        let wall = self.wall().unix_ms().saturating_sub(passed.ms());
        Timestamp::from_unix_ms(wall).unwrap_or(Timestamp::ZERO)
    }
}

/// Measures the CPU time of this process, of all its threads and of the system for them.
#[derive(Clone, Copy, Debug)]
pub struct ProcessTime(u64);

impl ProcessTime {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(process_ns())
    }

    /// The CPU time since then, in nanoseconds.
    pub fn elapsed_ns(&self) -> u64 {
        process_ns().saturating_sub(self.0)
    }
}

fn process_ns() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let (s, ns) = (u64::try_from(used.tv_sec), u64::try_from(used.tv_nsec));
    s.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(ns.unwrap_or(0))
}

/// Measures one wait, as the `lag_us` of a bid and the latencies of a load test.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(instant())
    }

    /// Microseconds since the start.
    pub fn elapsed_us(&self) -> u64 {
        whole(instant().duration_since(self.0).as_micros())
    }

    /// Nanoseconds since the start.
    pub fn elapsed_ns(&self) -> u64 {
        whole(instant().duration_since(self.0).as_nanos())
    }
}

/// Measures the CPU time of one thread, in the program and in the kernel on its behalf. It tells
/// nothing on any other thread than the one that started it.
#[derive(Clone, Copy, Debug)]
pub struct ThreadTime {
    start_ns: u64,
}

impl ThreadTime {
    /// Starts to measure this thread.
    pub fn start() -> Self {
        Self { start_ns: nanoseconds(ClockId::ThreadCPUTime) }
    }

    /// Nanoseconds that this thread has been at work since the start.
    pub fn elapsed_ns(&self) -> u64 {
        nanoseconds(ClockId::ThreadCPUTime).saturating_sub(self.start_ns)
    }
}

/// What the monotonic clock says.
fn instant() -> Instant {
    #[cfg(test)]
    if let Some(time) = turned::time() {
        return time.instant();
    }
    Instant::now()
}

/// A clock set before 1970 reads as 1970: the house then refuses by the ledger's last time.
fn wall() -> Timestamp {
    #[cfg(test)]
    if let Some(time) = turned::time() {
        return time.wall;
    }
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::ZERO.plus(Span::from_ms(whole(since_1970.as_millis())))
}

/// What one of the system's clocks says.
fn nanoseconds(clock: ClockId) -> u64 {
    let said = clock_gettime(clock);
    let (s, ns) = (u64::try_from(said.tv_sec), u64::try_from(said.tv_nsec));
    s.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(ns.unwrap_or(0))
}

fn whole(units: u128) -> u64 {
    u64::try_from(units).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_time_begins_at_the_wall_clock() {
        let before = wall();
        let clock = Clock::start();
        assert!(clock.start >= before && clock.start <= clock.wall());
    }

    #[test]
    fn official_time_begins_where_it_is_told_and_never_falls() {
        let start = Timestamp::from_unix_ms(5_000).expect("in range");
        let clock = Clock::starting_at(start);
        let copy = clock;
        let mut last = start;
        for _ in 0..1_000 {
            let now = if last.unix_ms().is_multiple_of(2) { clock.now() } else { copy.now() };
            assert!(now >= last);
            last = now;
        }
        assert!(last < wall(), "the wall clock has no part in it");
    }

    #[test]
    fn a_wait_does_not_look_like_a_clock_that_was_moved() {
        let started = Clock::start();
        let waited = Span::from_s(3_600);
        let earlier = Timestamp::from_unix_ms(started.start.unix_ms() - waited.ms());
        let earlier = earlier.expect("in range");
        let apart = started.wall_at(earlier).apart(earlier);
        assert!(apart < Span::from_s(60), "{apart}");
        assert!(started.wall_at(started.now()).apart(started.wall()) < Span::from_s(60));
    }

    #[test]
    fn official_time_stops_at_the_last_time_that_can_be_written() {
        let end = Timestamp::ZERO.plus(Span::from_ms(u64::MAX));
        assert_eq!(Clock::starting_at(end).now(), end);
    }

    #[test]
    fn a_host_that_is_not_suspended_has_nothing_to_tell() {
        let clock = Clock::start();
        let before = clock.suspended();
        assert!(clock.suspended().ms() - before.ms() < 1000);
    }

    #[test]
    fn a_stopwatch_never_runs_backwards() {
        let watch = Stopwatch::start();
        let first = watch.elapsed_us();
        assert!(watch.elapsed_us() >= first);
        assert!(watch.elapsed_ns() / 1000 >= first);
    }

    #[test]
    fn only_the_work_of_this_thread_is_its_time() {
        let busy = |time: ThreadTime| while time.elapsed_ns() < 1_000_000 {};
        let own = ThreadTime::start();
        busy(own);
        let before = own.elapsed_ns();
        assert!(before >= 1_000_000);
        std::thread::spawn(move || (0..9).for_each(|_| busy(ThreadTime::start())))
            .join()
            .expect("the other thread ends");
        assert!(own.elapsed_ns() - before < 9_000_000, "waiting is no work");
    }
}
