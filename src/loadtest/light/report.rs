//! What a light load test found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Light;
use super::player::Pace;
use crate::loadtest::check::Checked;
use crate::loadtest::limits::{Limits, MeanFrame, Shape, ceiling};
use crate::loadtest::report::{Conditions, Milliseconds, Percentiles, Rows, grouped, listed};
use crate::loadtest::tally::ErrorCount;

/// What a light load test found. Times are in nanoseconds or microseconds, as their names say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LightReport {
    /// `closed` or `open`.
    pub loop_kind: &'static str,
    /// The open loop's bids a second.
    pub rate_per_s: Option<u64>,
    /// How many of them were due at once.
    pub burst: Option<u64>,
    /// How many bidders.
    pub bidders: u64,
    /// How many only listened.
    pub watchers: u64,
    /// How many heard every line, bidders included.
    pub listeners: u64,
    /// How many bids each bidder may have on their way.
    pub in_flight: u64,
    /// How many lots.
    pub lots: u64,
    /// From the first bid until the last answer.
    pub bidding_us: u64,
    /// Bids acknowledged by a receipt in that time.
    pub accepted: u64,
    /// Accepted bids in a second.
    pub accepted_per_s: u64,
    /// Accepted and refused bids in a second.
    pub answered_per_s: u64,
    /// Refused bids, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// Bidders whose signed bids did not last for their time.
    pub ran_out: u64,
    /// What went wrong, by kind; nothing should.
    pub errors: BTreeMap<&'static str, ErrorCount>,
    /// From when a bid was due until its receipt.
    pub receipt: Percentiles,
    /// From when a bid was due until the last listener had heard of it.
    pub everybody: Option<Percentiles>,
    /// Bids of which somebody did not hear.
    pub unheard: u64,
    /// The server's CPU time, if the system tells.
    pub server_cpu_us: Option<u64>,
    /// The generator's.
    pub generator_cpu_us: u64,
    /// The server's for each bid answered.
    pub server_cpu_per_bid_ns: Option<u64>,
    /// The generator's for each bid answered.
    pub generator_cpu_per_bid_ns: u64,
    /// Frames in the ledger; each was synced once.
    pub frames: u64,
    /// Bids for each frame, in hundredths.
    pub bids_per_frame_hundredths: u64,
    /// The median of the server's own writes and syncs.
    pub server_sync_p50_us: Option<u64>,
    /// Appending 4 KiB beside the ledger and syncing it, with nothing else going on.
    pub disk_sync: Percentiles,
    /// How long a request was, in bytes.
    pub request_bytes: u64,
    /// How long the answer to it was, its receipt in it.
    pub answer_bytes: u64,
    /// What the machine allows, measured in the same run, if that was asked for.
    pub share: Option<Share>,
    /// The ledger afterwards.
    pub ledger: Checked,
    /// On what all this was measured.
    pub conditions: Conditions,
}

/// A rate beside what the machine allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// What was measured of the machine.
    pub limits: Limits,
    /// Of what a bid must cost with nothing else to do.
    pub alone: Ceiling,
    /// The same, where a check of a signature costs what it does while each core is at work.
    pub while_busy: Ceiling,
}

/// How many bids a second there could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ceiling {
    /// So many.
    pub ceiling_per_s: u64,
    /// The accepted bids a second, in thousandths of that.
    pub thousandths: u64,
}

impl LightReport {
    /// What the limits are to be measured with: messages, connections and frames like this load's.
    pub(super) fn shape(&self) -> Shape {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let frame_bytes = self.ledger.bytes / self.ledger.frames.max(1);
        // Where nobody listens, as many as ask.
        let listeners = if self.listeners == 0 { self.bidders } else { self.listeners };
        Shape {
            connections: size(self.bidders),
            listeners: size(listeners),
            in_flight: size(self.in_flight),
            request_bytes: size(self.request_bytes),
            response_bytes: size(self.answer_bytes),
            sync_bytes: size(frame_bytes),
            ..Shape::of_a_sale()
        }
    }

    /// Holds it against what the machine allows.
    pub(super) fn within(self, limits: Limits) -> Self {
        let frame = MeanFrame { bids: self.accepted, frames: self.frames };
        let cores = self.conditions.cores;
        let of = |limits: &Limits| {
            let ceiling_per_s = ceiling(cores, limits, frame, self.generator_cpu_per_bid_ns);
            let thousandths = self.accepted_per_s.saturating_mul(1000) / ceiling_per_s.max(1);
            Ceiling { ceiling_per_s, thousandths }
        };
        let (alone, while_busy) = (of(&limits), of(&limits.while_busy()));
        Self { share: Some(Share { limits, alone, while_busy }), ..self }
    }

    /// Whether every bidder was served without error, everybody heard every bid, and the ledger
    /// agrees with them.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty() && self.accepted > 0 && self.unheard == 0 && self.ledger.is_good()
    }
}

/// The words for a pace.
pub(super) const fn words(light: &Light) -> (&'static str, Option<u64>, Option<u64>) {
    match light.pace {
        Pace::Closed => ("closed", None, None),
        Pace::Open { per_s, burst } => ("open", Some(per_s), Some(burst)),
    }
}

impl fmt::Display for LightReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bidders, watchers, lots] = [self.bidders, self.watchers, self.lots].map(grouped);
        let pace = match (self.rate_per_s, self.burst) {
            (Some(rate), Some(1)) => format!("{} bids a second, come what may", grouped(rate)),
            (Some(rate), Some(burst)) => {
                format!("{} bids a second, {burst} at once, come what may", grouped(rate))
            }
            _ => format!("each has {} on their way", self.in_flight),
        };
        writeln!(f, "{bidders} bidders and {watchers} watchers, {lots} lots: {pace}\n")?;
        for (name, value) in [self.what_came(), self.what_it_took(), self.what_stands()].concat() {
            writeln!(f, "  {name:<16}{value}")?;
        }
        if let Some(Share { limits, alone, while_busy }) = &self.share {
            writeln!(f, "\n{limits}")?;
            writeln!(f, "  {:<16}{alone}", "share")?;
            writeln!(f, "  {:<16}{while_busy}, with a check's cost while each core does it", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ceiling_per_s, thousandths } = *self;
        let (whole, tenth, most) = (thousandths / 10, thousandths % 10, grouped(ceiling_per_s));
        write!(f, "{whole}.{tenth} % of the ceiling of {most} bids a second")
    }
}

impl LightReport {
    fn what_came(&self) -> Rows {
        let refused = self.refused.iter().map(|(code, n)| format!("{} {code}", grouped(*n)));
        let error = |(kind, error): (&&str, &ErrorCount)| {
            format!("{} {kind} ({})", grouped(error.count), error.first)
        };
        let [accepted, answered] = [self.accepted_per_s, self.answered_per_s].map(grouped);
        let mut rows = vec![
            ("throughput", format!("{accepted} accepted bids a second, {answered} answered")),
            ("refused", listed(refused)),
            ("errors", listed(self.errors.iter().map(error))),
            ("bid to receipt", self.receipt.to_string()),
        ];
        if let Some(everybody) = self.everybody {
            let (listeners, unheard) = (grouped(self.listeners), grouped(self.unheard));
            rows.push(("to everybody", everybody.to_string()));
            rows.push((
                "heard",
                match self.unheard {
                    0 => format!("every bid by all {listeners}"),
                    _ => format!("{unheard} BIDS NOT BY ALL {listeners}"),
                },
            ));
        }
        if self.ran_out > 0 {
            let ran_out = format!("{} bidders had no signed bid left", grouped(self.ran_out));
            rows.push(("ran out", ran_out));
        }
        rows
    }

    fn what_it_took(&self) -> Rows {
        let unknown = || "this system does not tell".to_owned();
        let each = |ns: u64| format!("{}.{} µs", ns / 1000, ns % 1000 / 100);
        let frame = self.bids_per_frame_hundredths;
        vec![
            ("server CPU", self.server_cpu_per_bid_ns.map_or_else(unknown, each) + " for each bid"),
            ("generator CPU", each(self.generator_cpu_per_bid_ns) + " for each bid"),
            (
                "frames",
                format!(
                    "{}, {}.{:02} bids each; sync p50 {}",
                    grouped(self.frames),
                    frame / 100,
                    frame % 100,
                    self.server_sync_p50_us.map_or_else(unknown, |us| Milliseconds(us).to_string())
                ),
            ),
            ("sync, idle", format!("{} (4 KiB)", self.disk_sync)),
        ]
    }

    fn what_stands(&self) -> Rows {
        let Checked { verdict, lines, bids, acknowledged, missing, .. } = &self.ledger;
        let [lines, bids, acknowledged, missing] =
            [lines, bids, acknowledged, missing].map(|number| grouped(*number));
        let mut rows = vec![(
            "ledger",
            format!(
                "{verdict}: {lines} lines, {bids} bids; {acknowledged} acknowledged, {missing} missing"
            ),
        )];
        rows.extend(self.ledger.findings.iter().map(|finding| ("finding", finding.clone())));
        rows.extend(self.conditions.rows("server and generator"));
        rows
    }
}
