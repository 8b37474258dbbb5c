//! What a load test found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::check::Checked;
use super::idle::IdleReport;
use super::tally::{ErrorCount, Summary, count};
use super::{Plan, Style};

/// Percentiles of a wait, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50_us: u64,
    /// Nine in ten took no longer.
    pub p90_us: u64,
    /// 99 in a hundred took no longer.
    pub p99_us: u64,
    /// 999 in a thousand took no longer.
    pub p99_9_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Percentiles {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p99_9_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
        }
    }
}

/// On what the figures were measured; they mean nothing elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// Cores that server and bidders share.
    pub cores: u64,
    /// The processor's name, if the system tells.
    pub processor: Option<String>,
    /// The system and its version.
    pub system: String,
    /// How the program was built: `release` or `debug`.
    pub build: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// How many others wanted the cores in the minute before, if the system tells.
    pub load_before: Option<String>,
}

impl Conditions {
    /// Those of this machine now.
    pub fn here() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processor.lines().find_map(|line| {
            line.strip_prefix("model name").map(|name| name.trim_start_matches(['\t', ' ', ':']))
        });
        Self {
            cores: std::thread::available_parallelism().map_or(0, |cores| count(cores.get())),
            processor: processor.map(str::to_owned),
            system: format!("{} {}", std::env::consts::OS, kernel.trim()).trim().to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            version: env!("CARGO_PKG_VERSION"),
            load_before: load.split_ascii_whitespace().next().map(str::to_owned),
        }
    }
}

impl Conditions {
    /// Those rows of a report; the cores are shared by `who`.
    pub(super) fn rows(&self, who: &str) -> Rows {
        vec![
            ("measured on", format!("{} cores, shared by {who}{}", self.cores, self.named())),
            ("", self.software()),
        ]
    }

    fn named(&self) -> String {
        self.processor.as_deref().map(|name| format!(", {name}")).unwrap_or_default()
    }

    fn software(&self) -> String {
        let Self { system, build, version, load_before, .. } = self;
        let load = load_before.as_deref().unwrap_or("unknown");
        format!("{system}, load before: {load}, gavel {version}, {build} build")
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores{}, {}", self.cores, self.named(), self.software())
    }
}

/// What a load test cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// The server's CPU time while they bid, if the system tells.
    pub server_cpu_us: Option<u64>,
    /// The median of the server's own writes and syncs, a frame each, if it told.
    pub server_sync_p50_us: Option<u64>,
    /// Appending 4 KiB beside the ledger and syncing it, with nothing else going on.
    pub disk_sync: Percentiles,
}

/// What a load test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `flat-out`, `paced` or `seed`.
    pub style: &'static str,
    /// How many bidders were to come.
    pub bidders: u64,
    /// How long they bid.
    pub bidding_us: u64,
    /// Bids acknowledged by a checked receipt in that time.
    pub accepted: u64,
    /// Accepted bids in a second.
    pub accepted_per_s: u64,
    /// Refused bids, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// What went wrong, by kind; nothing should.
    pub errors: BTreeMap<&'static str, ErrorCount>,
    /// From the wish to bid to the checked receipt.
    pub latency: Percentiles,
    /// What it cost the server and the disk.
    #[serde(flatten)]
    pub costs: Costs,
    /// The server's CPU time for each answered bid.
    pub server_cpu_per_bid_us: Option<u64>,
    /// The ledger afterwards.
    pub ledger: Checked,
    /// The clients that were there besides and did nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleReport>,
    /// How many witnesses the sale had.
    pub witnesses: u8,
    /// How many checkpoints each of them cosigned.
    pub cosigned: Vec<u64>,
    /// On what all this was measured.
    pub conditions: Conditions,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        measured: Summary,
        bidding_us: u64,
        costs: Costs,
        ledger: Checked,
        errors: BTreeMap<&'static str, ErrorCount>,
        conditions: Conditions,
    ) -> Self {
        let Summary { accepted, refused, latency } = measured;
        let answered = accepted + refused.values().sum::<u64>();
        Self {
            style: match plan.style {
                Style::FlatOut { .. } => "flat-out",
                Style::Light { .. } => "light",
                Style::Paced { .. } => "paced",
                Style::Seed => "seed",
            },
            bidders: count(plan.bidders),
            bidding_us,
            accepted,
            accepted_per_s: accepted.saturating_mul(1_000_000) / bidding_us.max(1),
            refused: refused.into_iter().map(|(code, count)| (code.as_str(), count)).collect(),
            errors,
            latency: Percentiles::of(&latency),
            server_cpu_per_bid_us: costs.server_cpu_us.and_then(|us| us.checked_div(answered)),
            costs,
            ledger,
            idle: None,
            witnesses: plan.witnesses,
            cosigned: Vec::new(),
            conditions,
        }
    }

    /// Whether every bidder was served without error, the ledger agrees with them, and every
    /// witness has cosigned it.
    pub fn is_good(&self) -> bool {
        let cosigned = self.cosigned.len() == usize::from(self.witnesses)
            && self.cosigned.iter().all(|count| *count > 0);
        let heard = self.idle.as_ref().is_none_or(IdleReport::is_good);
        self.errors.is_empty() && self.accepted > 0 && self.ledger.is_good() && cosigned && heard
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = match self.style {
            "paced" => "each thinks between its receipt and its next bid",
            "seed" => "three random bids each, half a second to two seconds apart",
            _ => "each bids again as soon as it has its receipt",
        };
        writeln!(f, "{} bidders over mutual TLS: {style}\n", grouped(self.bidders))?;
        let rows = [
            self.what_came(),
            self.who_was_idle(),
            self.what_it_took(),
            self.what_stands(),
            self.where_it_ran(),
        ];
        for (name, value) in rows.iter().flatten() {
            writeln!(f, "  {name:<16}{value}")?;
        }
        Ok(())
    }
}

pub(super) type Rows = Vec<(&'static str, String)>;

impl Report {
    fn what_came(&self) -> Rows {
        let answered = self.accepted + self.refused.values().sum::<u64>();
        let (all, time) = (grouped(answered), Seconds(self.bidding_us));
        let refused = self.refused.iter().map(|(code, n)| format!("{} {code}", grouped(*n)));
        let error = |(kind, error): (&&str, &ErrorCount)| {
            format!("{} {kind} ({})", grouped(error.count), error.first)
        };
        vec![
            ("bids", format!("{all} answered in {time}, {} accepted", grouped(self.accepted))),
            ("refused", listed(refused)),
            ("errors", listed(self.errors.iter().map(error))),
            ("throughput", format!("{} accepted bids a second", grouped(self.accepted_per_s))),
            ("bid to receipt", self.latency.to_string()),
        ]
    }

    fn who_was_idle(&self) -> Rows {
        let Some(idle) = &self.idle else { return Vec::new() };
        let unknown = || "this system does not tell".to_owned();
        let [clients, names, heard] =
            [idle.clients, idle.names, idle.heard_everything].map(grouped);
        let resident =
            |kib: Option<u64>| kib.map_or_else(unknown, |kib| format!("{} KiB", grouped(kib)));
        let each = |bytes: u64| format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024);
        vec![
            ("idle", format!("{clients} more, under {names} names; {heard} heard every line")),
            (
                "memory",
                format!(
                    "{} of the server's resident without them, {} with them, {} after the bids",
                    resident(idle.resident_before_kib),
                    resident(idle.resident_with_kib),
                    resident(idle.resident_after_kib)
                ),
            ),
            ("memory, each", idle.resident_each_bytes.map_or_else(unknown, each)),
        ]
    }

    fn what_it_took(&self) -> Rows {
        let unknown = || "this system does not tell".to_owned();
        let cpu = self.server_cpu_per_bid_us.zip(self.costs.server_cpu_us).map(|(each, all)| {
            format!("{each} µs of the server's for each bid answered, {} in all", Seconds(all))
        });
        let sync = |us| format!("p50 {} for a frame of the server's", Milliseconds(us));
        vec![
            ("CPU", cpu.unwrap_or_else(unknown)),
            ("sync", self.costs.server_sync_p50_us.map_or_else(unknown, sync)),
            ("sync, idle", format!("{} (4 KiB, nothing else going on)", self.costs.disk_sync)),
        ]
    }

    fn what_stands(&self) -> Rows {
        let Checked { verdict, lines, bytes, bids, acknowledged, missing, .. } = &self.ledger;
        let [lines, bytes, bids, acknowledged, lost] =
            [lines, bytes, bids, acknowledged, missing].map(|number| grouped(*number));
        let standing = match missing {
            0 => format!("{acknowledged}, each by a checked receipt, each in the ledger"),
            _ => format!("{acknowledged}, of which {lost} are NOT in the ledger"),
        };
        let mut rows = vec![
            ("acknowledged", standing),
            ("ledger", format!("{verdict}: {lines} lines, {bytes} bytes, {bids} bids")),
        ];
        if self.witnesses > 0 {
            let cosigned = self.cosigned.iter().map(|count| grouped(*count));
            let cosigned =
                format!("{}; checkpoints cosigned: {}", self.witnesses, listed(cosigned));
            rows.push(("witnesses", cosigned));
        }
        rows.extend(self.ledger.findings.iter().map(|finding| ("finding", finding.clone())));
        rows
    }

    fn where_it_ran(&self) -> Rows {
        self.conditions.rows(match self.witnesses {
            0 => "server and bidders",
            _ => "server, bidders and witnesses, as the disk is",
        })
    }
}

/// The same load without witnesses and with some, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Without.
    pub without: Report,
    /// With.
    pub with: Report,
}

impl Comparison {
    /// Whether both runs were good.
    pub fn is_good(&self) -> bool {
        self.without.is_good() && self.with.is_good()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { without, with } = self;
        writeln!(f, "{without}\n{with}\nbid to receipt, 99 in a hundred bids:\n")?;
        let [before, after] = [without, with].map(|report| Milliseconds(report.latency.p99_us));
        let name = format!("with {}", with.witnesses);
        writeln!(f, "  {:<16}{before}\n  {name:<16}{after}", "no witness")
    }
}

/// `p50 1.203 ms, p90 ..`.
impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_us, p90_us, p99_us, p99_9_us, max_us, .. } = *self;
        let values = [("p50", p50_us), ("p90", p90_us), ("p99", p99_us), ("p99.9", p99_9_us)];
        for (name, us) in values {
            write!(f, "{name} {}, ", Milliseconds(us))?;
        }
        write!(f, "longest {}", Milliseconds(max_us))
    }
}

pub(super) fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// Microseconds shown as milliseconds.
pub(super) struct Milliseconds(pub(super) u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} ms", self.0 / 1000, self.0 % 1000 / 10)
    }
}

/// Microseconds shown as seconds.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} s", self.0 / 1_000_000, self.0 % 1_000_000 / 10_000)
    }
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_waits_have_units() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(Milliseconds(12_345).to_string(), "12.34 ms");
        assert_eq!(Seconds(10_034_000).to_string(), "10.03 s");
    }

    #[test]
    fn percentiles_are_those_of_the_histogram() {
        let mut histogram = Histogram::<u64>::new(3).expect("a histogram");
        (1..=1000).for_each(|us| histogram.saturating_record(us));
        let Percentiles { count, p50_us, p99_9_us, max_us, .. } = Percentiles::of(&histogram);
        assert_eq!((count, p50_us, p99_9_us, max_us), (1000, 500, 999, 1000));
    }
}
