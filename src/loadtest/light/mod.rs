//! A load that costs the generator little: bids are signed before it begins, and what the server
//! says is told apart and counted, not checked. So nearly all of the machine is the server's, and
//! what it costs can be seen. Afterwards the ledger is audited and held against every receipt.

mod course;
mod crew;
mod ear;
mod frames;
mod player;
mod report;
mod script;
mod seat;

pub use player::Pace;
pub use report::{Ceiling, LightReport, Share};

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::aside::Aside;
use super::bidder;
use super::report::{Conditions, Percentiles};
use super::tally::{Accepted, count};
use super::venue::{Closed, Venue};
use super::{LoadFailure, Plan, Stage, Style, idle, limits};
use crate::auction::act::Deed;
use crate::client::BidAnswer;
use crate::record::Order;
use crate::time::Span;
use course::Course;
use crew::{Crew, Outcome};
use player::Hall;

/// More bids a second than two cores can check.
const BIDS_PER_S_AND_CORE_MAX: u64 = 25_000;

/// A light load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Light {
    /// How fast bids come.
    pub pace: Pace,
    /// How many bids each bidder may have on their way, 1 to 64.
    pub in_flight: usize,
    /// How many listen and do nothing else.
    pub watchers: usize,
    /// Whether everybody bids on one lot; bids are then signed when they are sent.
    pub one_lot: bool,
    /// Whether bids are signed when they are sent in any case.
    pub live: bool,
    /// Whether the bidders do without the live lines.
    pub quiet: bool,
    /// Whether the machine's limits are measured in the same run.
    pub limits: bool,
}

impl Light {
    /// How a plan for it names it.
    pub fn style(&self, bidders: usize, span: Span) -> Style {
        Style::Light { span, lots: Course::new(bidders, self.one_lot).lots() }
    }
}

/// Runs a light load test from the making of the keys to the audit of the ledger. The plan's
/// style is that of the load.
///
/// # Errors
/// Only what prevents a report.
pub async fn light(
    plan: &Plan,
    light: &Light,
    tell: impl Fn(Stage),
) -> Result<LightReport, LoadFailure> {
    tell(Stage::Preparing);
    let Style::Light { span, .. } = plan.style else {
        return Err(LoadFailure::NotLight);
    };
    let venue = Venue::open(plan, plan.bidders.saturating_add(light.watchers)).await?;
    let course = Course::new(plan.bidders, light.one_lot);
    let cores = venue.conditions.cores;
    let bids_per_s = match light.pace {
        Pace::Closed => cores.saturating_mul(BIDS_PER_S_AND_CORE_MAX),
        Pace::Open { per_s, .. } => per_s,
    };
    let crew = Crew {
        bidders: venue.callers("bidder", plan.bidders)?,
        watchers: venue.callers("watcher", idle::names(light.watchers))?,
        watcher_count: light.watchers,
        address: venue.address.clone(),
        lots: (0..course.lots()).map(|place| venue.offer.lot(place)).collect(),
        turns: crew::turns(bids_per_s, span, plan.bidders),
        hall: Hall::new(course.clone(), light.pace, light.in_flight, plan.bidders, span),
        quiet: light.quiet,
        live: light.live || !course.is_fixed(),
        server: venue.server.meter(),
    };
    tell(Stage::Bidding);
    let performing = Aside::begin("load", move || crew.perform()).map_err(LoadFailure::Thread)?;
    let outcome = performing.end().await.ok_or(LoadFailure::Broke)?;
    conclude(plan, light, &course, venue, outcome, tell).await
}

async fn conclude(
    plan: &Plan,
    light: &Light,
    course: &Course,
    venue: Venue,
    mut outcome: Outcome,
    tell: impl Fn(Stage),
) -> Result<LightReport, LoadFailure> {
    tell(Stage::Closing);
    let mut sessions = Vec::new();
    match bidder::greet(venue.auctioneer()?, venue.address.clone()).await {
        Ok(mut session) => {
            match session.act(Order::Deed(Deed::Closing), None, None).await {
                Ok(BidAnswer::Landed { .. }) => {}
                Ok(other) => outcome.tally.light_failed(&format!("the sale: {other:?}")),
                Err(error) => outcome.tally.failed(&error),
            }
            sessions.push(session);
        }
        Err(error) => outcome.tally.failed(&error),
    }
    let accepted: Vec<Accepted> =
        outcome.played.iter().flat_map(|played| played.accepted.iter().copied()).collect();
    outcome.tally.accepted.extend(accepted);
    let conditions = venue.conditions.clone();
    let closed = venue.close(sessions, &mut outcome.tally, tell).await?;
    let report = report(plan, light, course, outcome, closed, conditions);
    if !light.limits {
        return Ok(report);
    }
    let (folder, shape) = (plan.folder.clone(), report.shape());
    let measuring = tokio::task::spawn_blocking(move || limits::measure(&folder, &shape));
    let limits = measuring.await.map_err(|_| LoadFailure::Broke)??;
    Ok(report.within(limits))
}

fn report(
    plan: &Plan,
    light: &Light,
    course: &Course,
    outcome: Outcome,
    closed: Closed,
    conditions: Conditions,
) -> LightReport {
    let mut receipt = Histogram::new_with_max(60_000_000, 3).expect("the bounds of a histogram");
    let mut refused: BTreeMap<&'static str, u64> = BTreeMap::new();
    let waits = || outcome.played.iter().flat_map(|played| &played.waits);
    waits().for_each(|(_, us)| receipt.saturating_record(*us));
    for (code, times) in outcome.played.iter().flat_map(|played| &played.refused) {
        *refused.entry(code.as_str()).or_default() += times;
    }
    let bids = outcome.played.iter().flat_map(|played| {
        let seqs = played.accepted.iter().map(|bid| bid.seq);
        seqs.zip(played.waits.iter().map(|(due_us, _)| *due_us))
    });
    let (everybody, unheard) = match outcome.listeners {
        0 => (None, 0),
        listeners => {
            let (waits, unheard) = outcome.frames.waits(bids, listeners);
            (Some(Percentiles::of(&waits)), unheard)
        }
    };
    let accepted = receipt.len();
    let request_bytes: usize = outcome.played.iter().map(|played| played.request_bytes).sum();
    let answer_bytes: usize = outcome.played.iter().map(|played| played.answer_bytes).sum();
    let answered = accepted + refused.values().sum::<u64>();
    let each = |us: u64| us.saturating_mul(1000) / answered.max(1);
    let per_s = |bids: u64| bids.saturating_mul(1_000_000) / outcome.bidding_us.max(1);
    let (loop_kind, rate_per_s, burst) = report::words(light);
    let frames = closed.checked.frames;
    LightReport {
        loop_kind,
        rate_per_s,
        burst,
        bidders: count(plan.bidders),
        watchers: count(light.watchers),
        listeners: count(outcome.listeners),
        in_flight: count(light.in_flight),
        lots: count(course.lots()),
        bidding_us: outcome.bidding_us,
        accepted,
        accepted_per_s: per_s(accepted),
        answered_per_s: per_s(answered),
        refused,
        ran_out: count(outcome.played.iter().filter(|played| played.ran_out).count()),
        errors: outcome.tally.errors,
        receipt: Percentiles::of(&receipt),
        everybody,
        unheard,
        server_cpu_us: outcome.server_cpu_us,
        generator_cpu_us: outcome.generator_cpu_us,
        server_cpu_per_bid_ns: outcome.server_cpu_us.map(each),
        generator_cpu_per_bid_ns: each(outcome.generator_cpu_us),
        frames,
        bids_per_frame_hundredths: accepted.saturating_mul(100) / frames.max(1),
        server_sync_p50_us: closed.said.sync_p50_us(),
        disk_sync: closed.disk_sync,
        request_bytes: count(request_bytes.checked_div(outcome.played.len()).unwrap_or(0)),
        answer_bytes: count(answer_bytes) / accepted.max(1),
        share: None,
        ledger: closed.checked,
        conditions,
    }
}
