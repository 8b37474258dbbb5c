//! Honest bidders with and without somebody who misbehaves, turn and turn about.
//!
//! One server runs throughout and the same bidders stay connected throughout: only the attack
//! comes and goes. So nothing but the attack differs between the two runs of a pair, and what
//! drifts, drifts for both; every other pair begins with the attack. Bidders think between two
//! bids, so that what is compared is how long a bid takes and not how long a queue is. While they
//! bid, newcomers come in as well: who is honest must find the door open.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use tokio::time::sleep;

use super::aside::Aside;
use super::bidder;
use super::check::Checked;
use super::hostile::{Attack, Ends, Hostile, Target};
use super::report::{Conditions, Milliseconds, Percentiles, grouped, listed};
use super::tally::{ErrorCount, Tally, count};
use super::venue::Venue;
use super::{Crowd, LoadFailure, Plan, Stage, Style};
use crate::client::{Caller, SessionError};
use crate::clock::Stopwatch;
use crate::pki::Address;
use crate::time::Span;

/// Before each run: an attack finds its place, or the one before leaves none behind.
const SETTLE: Span = Span::from_s(2);
/// How often somebody comes in.
const NEWCOMER_EVERY: Span = Span::from_ms(500);
/// How many names the hostile ones have: enough for as many connections as they make.
const HOSTILE_NAMES: usize = 16;
/// Connections beside those of bidders and hostile ones.
const OTHERS: usize = 64;

/// What is to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Siege {
    /// How they misbehave.
    pub kind: Hostile,
    /// How many of them at once.
    pub hostile: usize,
    /// How many pairs of runs.
    pub pairs: usize,
    /// How long each run is measured.
    pub run: Span,
    /// How many bids the bidders place in a second, all together.
    pub bids_per_s: u64,
}

impl Siege {
    /// How long all of it takes.
    fn span(&self) -> Span {
        let runs = count(self.pairs).saturating_mul(2);
        let each = self.run.ms().saturating_add(SETTLE.ms());
        Span::from_ms(runs.saturating_mul(each))
    }

    /// How `bidders` so many have to bid.
    pub fn style(&self, bidders: usize) -> Style {
        let pause =
            count(bidders).saturating_mul(1000).checked_div(self.bids_per_s).unwrap_or(1000);
        Style::Paced { span: self.span(), pause: Span::from_ms(pause.max(1)) }
    }
}

/// Two runs, one of them under attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// From the wish to bid to the checked receipt, with nobody else there.
    pub without: Percentiles,
    /// The same under attack.
    pub with: Percentiles,
}

impl Pair {
    /// How many thousandths of the p99 without is the p99 with.
    fn ratio(&self) -> u64 {
        self.with.p99_us.saturating_mul(1000) / self.without.p99_us.max(1)
    }
}

/// What an attack did to those who are honest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SiegeReport {
    /// How they misbehaved, by its name.
    pub against: &'static str,
    /// How many of them at once.
    pub hostile: u64,
    /// How often they were ended in which way, as they read it themselves.
    pub hostile_ends: Ends,
    /// How many honest bidders.
    pub bidders: u64,
    /// The honest ones' bids acknowledged by a checked receipt.
    pub accepted: u64,
    /// Their refused bids, by code; none should be.
    pub refused: BTreeMap<&'static str, u64>,
    /// What went wrong for them, by kind; nothing should.
    pub errors: BTreeMap<&'static str, ErrorCount>,
    /// How many of them came in while the others bid.
    pub newcomers: u64,
    /// The pairs in their order.
    pub pairs: Vec<Pair>,
    /// The median of their ratios of p99 with to without, in thousandths.
    pub p99_ratio_median_permille: u64,
    /// The ledger afterwards.
    pub ledger: Checked,
    /// On what all this was measured.
    pub conditions: Conditions,
}

impl SiegeReport {
    /// Whether nobody who is honest was refused or dropped, and the ledger agrees with them.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty() && self.refused.is_empty() && self.ledger.is_good()
    }
}

/// When which runs were measured, in microseconds since the bidding began.
#[derive(Debug, Default)]
struct Runs {
    pairs: Vec<(Range<u64>, Range<u64>)>,
    ends: Ends,
}

/// Runs the pairs.
///
/// # Errors
/// Only what prevents a report. What goes wrong for bidders is counted in it.
pub async fn against(
    plan: &Plan,
    siege: &Siege,
    tell: impl Fn(Stage),
) -> Result<SiegeReport, LoadFailure> {
    tell(Stage::Preparing);
    let connections = plan.bidders.saturating_add(siege.hostile).saturating_add(OTHERS);
    let venue = Venue::open(plan, connections).await?;
    let people = venue.callers("bidder", plan.bidders)?;
    let newcomers = venue.callers("newcomer", 1)?;
    let target = Target {
        address: venue.address.clone(),
        callers: venue.callers("hostile", HOSTILE_NAMES)?,
        offer: venue.offer.clone(),
    };

    tell(Stage::Connecting);
    let mut opened = open_first_lot(&venue).await?;
    let crowd = Crowd::gather(people, &venue.address, &venue.offer, plan.style).await;

    tell(Stage::Bidding);
    let start = Stopwatch::start();
    let coming = newcomers_for(newcomers, venue.address.clone(), siege.span())?;
    let ((_, sessions, mut tally), runs) =
        tokio::join!(crowd.bid(start), runs(siege, &target, start));
    let runs = runs?;
    let (came, met_with) = coming.end().await.unwrap_or_default();
    tally.add(met_with);
    let measured = tally.summary();
    tally.add(std::mem::take(&mut opened));

    let conditions = venue.conditions.clone();
    let closed = venue.close(sessions, &mut tally, &tell).await?;
    let pairs: Vec<Pair> = runs.pairs.iter().map(|pair| measure(&tally, pair)).collect();
    Ok(SiegeReport {
        against: siege.kind.name(),
        hostile: count(siege.hostile),
        hostile_ends: runs.ends,
        bidders: count(plan.bidders),
        accepted: measured.accepted,
        refused: measured.refused.into_iter().map(|(code, count)| (code.as_str(), count)).collect(),
        errors: tally.errors,
        newcomers: came,
        p99_ratio_median_permille: median(pairs.iter().map(Pair::ratio).collect()),
        pairs,
        ledger: closed.checked,
        conditions,
    })
}

/// Somebody bids on the first lot, so that a bid of 1 is under its ask from then on.
async fn open_first_lot(venue: &Venue) -> Result<Tally, LoadFailure> {
    let mut tally = Tally::default();
    for caller in venue.callers("opener", 1)? {
        match bidder::connect(caller, venue.address.clone()).await {
            Ok(mut session) => {
                let amount = venue.offer.any_start();
                tally.note(bidder::place(&mut session, &venue.offer, 0, amount).await);
                if let Err(error) = session.close().await {
                    tally.failed(&error);
                }
            }
            Err(error) => tally.failed(&error),
        }
    }
    Ok(tally)
}

/// Takes the runs by their time.
async fn runs(siege: &Siege, target: &Target, start: Stopwatch) -> Result<Runs, LoadFailure> {
    let mut runs = Runs::default();
    for pair in 0..siege.pairs {
        let begins_with = pair % 2 == 1;
        let first = run(siege, begins_with, target, start, &mut runs.ends).await?;
        let second = run(siege, !begins_with, target, start, &mut runs.ends).await?;
        runs.pairs.push(if begins_with { (second, first) } else { (first, second) });
    }
    Ok(runs)
}

/// One run, under attack or not; gives when it was measured.
async fn run(
    siege: &Siege,
    attacked: bool,
    target: &Target,
    start: Stopwatch,
    ends: &mut Ends,
) -> Result<Range<u64>, LoadFailure> {
    let begun_us = start.elapsed_us();
    let attack = if attacked {
        let attack = Attack::begin(siege.kind, siege.hostile, target).await;
        Some(attack.map_err(LoadFailure::Thread)?)
    } else {
        None
    };
    let (settled, over) = (SETTLE.ms(), SETTLE.ms() + siege.run.ms());
    sleep(Span::from_ms(settled).into()).await;
    let from = start.elapsed_us();
    let left = over.saturating_sub((from - begun_us) / 1000);
    sleep(Span::from_ms(left).into()).await;
    let to = start.elapsed_us();
    if let Some(attack) = attack {
        for (end, times) in attack.end().await {
            *ends.entry(end).or_default() += times;
        }
    }
    Ok(from..to)
}

/// Lets somebody come in and leave, again and again.
fn newcomers_for(
    callers: Vec<Caller>,
    address: Address,
    span: Span,
) -> Result<Aside<(u64, Tally)>, LoadFailure> {
    let coming = move || async move {
        let (start, mut came, mut tally) = (Stopwatch::start(), 0, Tally::default());
        for caller in callers.iter().cycle() {
            if start.elapsed_us() / 1000 >= span.ms() {
                break;
            }
            match come_and_go(caller.clone(), address.clone()).await {
                Ok(()) => came += 1,
                Err(error) => tally.failed(&error),
            }
            sleep(NEWCOMER_EVERY.into()).await;
        }
        (came, tally)
    };
    Aside::begin("newcomers", coming).map_err(LoadFailure::Thread)
}

async fn come_and_go(caller: Caller, address: Address) -> Result<(), SessionError> {
    bidder::greet(caller, address).await?.close().await
}

fn measure(tally: &Tally, (without, with): &(Range<u64>, Range<u64>)) -> Pair {
    let of = |run: &Range<u64>| Percentiles::of(&tally.latency(run.clone()));
    Pair { without: of(without), with: of(with) }
}

/// The middle one; of an even number the lower of the two.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

impl fmt::Display for SiegeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = Hostile::named(self.against).map(|kind| kind.to_string()).unwrap_or_default();
        let (bidders, hostile) = (grouped(self.bidders), grouped(self.hostile));
        writeln!(f, "{bidders} honest bidders, without and with {hostile} {kind}\n")?;
        for (name, value) in self.rows() {
            writeln!(f, "  {name:<16}{value}")?;
        }
        Ok(())
    }
}

impl SiegeReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let refused = self.refused.iter().map(|(code, n)| format!("{} {code}", grouped(*n)));
        let error = |(kind, error): (&&str, &ErrorCount)| {
            format!("{} {kind} ({})", grouped(error.count), error.first)
        };
        let mut rows = vec![
            ("bids", format!("{} accepted", grouped(self.accepted))),
            ("refused", listed(refused)),
            ("errors", listed(self.errors.iter().map(error))),
            (
                "newcomers",
                format!("{}, each let in unless an error says so", grouped(self.newcomers)),
            ),
        ];
        rows.extend(self.pairs.iter().map(|pair| ("p99", pair.to_string())));
        let ends = self.hostile_ends.iter().map(|(end, n)| format!("{} × {end}", grouped(*n)));
        let Checked { verdict, bids, missing, .. } = &self.ledger;
        rows.extend([
            (
                "p99, median",
                format!("{} with for 1 without", Permille(self.p99_ratio_median_permille)),
            ),
            ("hostile ends", listed(ends)),
            ("ledger", format!("{verdict}: {} bids, {missing} missing", grouped(*bids))),
        ]);
        rows.extend(self.conditions.rows("server, bidders and hostile ones"));
        rows
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [without, with] = [self.without, self.with].map(|run| Milliseconds(run.p99_us));
        let (ratio, fewest) = (Permille(self.ratio()), self.without.count.min(self.with.count));
        write!(f, "{without} without, {with} with, {ratio} for 1, of {fewest} bids at least")
    }
}

/// Thousandths shown as a number.
struct Permille(u64);

impl fmt::Display for Permille {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![4, 1, 3, 2]), 2);
        assert_eq!(median(Vec::new()), 0);
        assert_eq!(Permille(1_987).to_string(), "1.98");
    }

    #[test]
    fn bidders_share_the_bids_of_a_second() {
        let siege = Siege {
            kind: Hostile::Silent,
            hostile: 10,
            pairs: 7,
            run: Span::from_s(6),
            bids_per_s: 50,
        };
        let style = siege.style(500);
        assert_eq!(style, Style::Paced { span: Span::from_s(112), pause: Span::from_s(10) });
    }

    #[test]
    fn each_way_to_misbehave_has_its_name() {
        for kind in Hostile::ALL {
            assert_eq!(Hostile::named(kind.name()), Some(kind));
        }
        assert_eq!(Hostile::named("polite"), None);
    }
}
