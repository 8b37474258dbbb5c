//! What the console tells of the sale's pace: throughput and latency as it
//! runs, percentiles at the end (SEED, Keep). The floor owns it.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;

use crate::auction::refusal::Code;
use crate::clock::Stopwatch;
use crate::limits::METRICS_EVERY;

/// Counts and latencies since the start, and since the last report.
#[derive(Debug)]
pub(super) struct Metrics {
    since: Stopwatch,
    reported: Stopwatch,
    entered: Latency,
    recent: Latency,
    recent_requests: u64,
    asked: u64,
    refused: BTreeMap<Code, u64>,
    lines: u64,
    sync: Latency,
}

/// A histogram that also knows its exact mean.
#[derive(Debug)]
struct Latency {
    histogram: Histogram<u64>,
    total_us: u64,
}

impl Latency {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(LATENCY_MAX_US, SIGNIFICANT_DIGITS)
            .expect("the bounds of a histogram");
        Self { histogram, total_us: 0 }
    }

    fn record(&mut self, us: u64) {
        self.histogram.saturating_record(us);
        self.total_us = self.total_us.saturating_add(us);
    }

    fn mean_us(&self) -> u64 {
        self.total_us / self.histogram.len().max(1)
    }

    fn reset(&mut self) {
        self.histogram.reset();
        self.total_us = 0;
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            since: Stopwatch::start(),
            reported: Stopwatch::start(),
            entered: Latency::new(),
            recent: Latency::new(),
            recent_requests: 0,
            asked: 0,
            refused: BTreeMap::new(),
            lines: 0,
            sync: Latency::new(),
        }
    }

    /// Something was entered, and waited since then.
    pub(super) fn entered(&mut self, since: Stopwatch) {
        let us = since.elapsed_us();
        self.entered.record(us);
        self.recent.record(us);
        self.recent_requests += 1;
    }

    /// Something was refused.
    pub(super) fn refused(&mut self, code: Code) {
        *self.refused.entry(code).or_insert(0) += 1;
        self.recent_requests += 1;
    }

    /// A question was answered.
    pub(super) const fn asked(&mut self) {
        self.asked += 1;
        self.recent_requests += 1;
    }

    /// A frame of some lines was written and synced, begun at `since`.
    pub(super) fn committed(&mut self, lines: usize, since: Stopwatch) {
        self.lines += u64::try_from(lines).unwrap_or(0);
        self.sync.record(since.elapsed_us());
    }

    /// Reports throughput and mean latency every few seconds in which something happened.
    pub(super) fn report_if_due(&mut self) {
        let us = self.reported.elapsed_us();
        if us < METRICS_EVERY.ms() * 1000 {
            return;
        }
        if self.recent_requests > 0 {
            let requests_per_s = per_second(self.recent_requests, us);
            let mean = Milliseconds(self.recent.mean_us());
            tracing::info!("{requests_per_s} requests/s, mean latency of entries {mean}");
        }
        self.reported = Stopwatch::start();
        self.recent.reset();
        self.recent_requests = 0;
    }

    /// Everything since the start.
    pub(super) fn summary(&self) -> Summary {
        let refused = self.refused.values().sum();
        let entered = self.entered.histogram.len();
        Summary {
            requests: entered + self.asked + refused,
            entered,
            refused,
            refusals: self.refused.iter().map(|(code, count)| (*code, *count)).collect(),
            elapsed_us: self.since.elapsed_us(),
            lines: self.lines,
            syncs: self.sync.histogram.len(),
            mean_us: self.entered.mean_us(),
            p50_us: self.entered.histogram.value_at_quantile(0.5),
            p99_us: self.entered.histogram.value_at_quantile(0.99),
            max_us: self.entered.histogram.max(),
            sync_p50_us: self.sync.histogram.value_at_quantile(0.5),
        }
    }
}

/// The final metrics of a run of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Requests that reached the sale.
    pub requests: u64,
    /// Bids and enrolments that were entered.
    pub entered: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// The refusals by their code.
    pub refusals: Vec<(Code, u64)>,
    /// How long the floor ran.
    pub elapsed_us: u64,
    /// Lines written.
    pub lines: u64,
    /// Frames written and synced.
    pub syncs: u64,
    /// Mean time from a line read to its answer released, of what was entered.
    pub mean_us: u64,
    /// Its median.
    pub p50_us: u64,
    /// Its 99th percentile.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
    /// The median of write and sync of a frame.
    pub sync_p50_us: u64,
}

/// Three lines for the console.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} requests in {} ({} a second): {} entered, {} refused",
            self.requests,
            Milliseconds(self.elapsed_us),
            per_second(self.requests, self.elapsed_us),
            self.entered,
            self.refused
        )?;
        writeln!(
            f,
            "latency of entries: mean {}, median {}, 99 % {}, longest {}",
            Milliseconds(self.mean_us),
            Milliseconds(self.p50_us),
            Milliseconds(self.p99_us),
            Milliseconds(self.max_us)
        )?;
        write!(
            f,
            "{} lines in {} writes, each synced; median of a sync {}",
            self.lines,
            self.syncs,
            Milliseconds(self.sync_p50_us)
        )
    }
}

/// Microseconds shown as milliseconds.
struct Milliseconds(u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1000, self.0 % 1000)
    }
}

fn per_second(count: u64, us: u64) -> u64 {
    count.saturating_mul(1_000_000) / us.max(1)
}

/// A minute: whatever takes longer is as bad.
const LATENCY_MAX_US: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
