//! What the console tells of the sale as it runs, and at its end.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

use crate::clock::Stopwatch;

/// The longest time that is told apart, in microseconds (a minute).
const LONGEST_US: u64 = 60_000_000;

/// Counts and times since the server started.
#[derive(Debug)]
pub(super) struct Metrics {
    since: Stopwatch,
    tally: Mutex<Tally>,
}

#[derive(Debug)]
struct Tally {
    requests: u64,
    lines: u64,
    sync_us: Histogram<u64>,
    request_us: Histogram<u64>,
    told_requests: u64,
    told_at_us: u64,
}

/// What is told at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// How long the server has run, in seconds.
    pub(super) seconds: f64,
    /// Requests answered.
    pub(super) requests: u64,
    /// Requests answered in each second since the last time this was told.
    pub(super) rate: f64,
    /// Ledger lines written.
    pub(super) lines: u64,
    /// From reading a request to its answer, in milliseconds: mean, median, 99th percentile, longest.
    pub(super) request_ms: [f64; 4],
    /// The median of the disk's sync, in milliseconds.
    pub(super) sync_ms: f64,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let histogram =
            || Histogram::new_with_max(LONGEST_US, 3).expect("the bounds are those of the type");
        let tally = Tally {
            requests: 0,
            lines: 0,
            sync_us: histogram(),
            request_us: histogram(),
            told_requests: 0,
            told_at_us: 0,
        };
        Self { since: Stopwatch::start(), tally: Mutex::new(tally) }
    }

    /// Some lines were written and synced together.
    pub(super) fn synced(&self, lines: usize, us: u64) {
        let mut tally = self.lock();
        tally.lines += u64::try_from(lines).unwrap_or(0);
        tally.sync_us.saturating_record(us);
    }

    /// A session answered a request, `us` microseconds after it read it.
    pub(super) fn request(&self, us: u64) {
        let mut tally = self.lock();
        tally.requests += 1;
        tally.request_us.saturating_record(us);
    }

    /// What there is to tell now. The rate is since the last call.
    pub(super) fn figures(&self) -> Figures {
        let now_us = self.since.elapsed_us();
        let mut tally = self.lock();
        let since_told = (now_us - tally.told_at_us).max(1);
        let rate = ratio(tally.requests - tally.told_requests, since_told) * 1e6;
        tally.told_requests = tally.requests;
        tally.told_at_us = now_us;
        let ms = |us: u64| ratio(us, 1000);
        let request = &tally.request_us;
        Figures {
            seconds: ratio(now_us, 1_000_000),
            requests: tally.requests,
            rate,
            lines: tally.lines,
            request_ms: [
                request.mean() / 1000.0,
                ms(request.value_at_quantile(0.5)),
                ms(request.value_at_quantile(0.99)),
                ms(request.max()),
            ],
            sync_ms: ms(tally.sync_us.value_at_quantile(0.5)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A ratio for display: exact far beyond what a sale can count.
fn ratio(part: u64, whole: u64) -> f64 {
    let float = |n: u64| {
        f64::from(u32::try_from(n >> 32).unwrap_or(u32::MAX)) * 4_294_967_296.0
            + f64::from(u32::try_from(n & 0xffff_ffff).unwrap_or(u32::MAX))
    };
    float(part) / float(whole)
}
