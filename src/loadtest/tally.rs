//! What bidders met with, counted.

use std::collections::BTreeMap;
use std::ops::Range;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::auction::money::Amount;
use crate::auction::refusal::Code;
use crate::client::{BidAnswer, SessionError};

/// A minute: whatever takes longer is as bad.
const LATENCY_MAX_US: u64 = 60_000_000;

/// A bid with its outcome and how long that took.
pub(super) struct Placed {
    pub(super) lot: usize,
    pub(super) amount: Amount,
    pub(super) answer: Result<BidAnswer, SessionError>,
    /// When it was placed, since the bidding began.
    pub(super) from_us: u64,
    /// How long it took from the wish to bid to the checked receipt.
    pub(super) us: u64,
}

/// A bid that was acknowledged by a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) seq: u64,
    pub(super) lot: usize,
    pub(super) amount: Amount,
}

/// How often something went wrong, and how it was put the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorCount {
    /// How often.
    pub count: u64,
    /// The first one's message.
    pub first: String,
}

/// What bidders met with.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: Vec<Accepted>,
    pub(super) refused: BTreeMap<Code, u64>,
    pub(super) errors: BTreeMap<&'static str, ErrorCount>,
    /// When each accepted bid was placed, and how long its bidder waited.
    waits: Vec<(u64, u64)>,
}

/// The measured part of a load test.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) accepted: u64,
    pub(super) refused: BTreeMap<Code, u64>,
    pub(super) latency: Histogram<u64>,
}

impl Tally {
    /// Notes the outcome of a bid.
    pub(super) fn note(&mut self, placed: Placed) {
        let Placed { lot, amount, answer, from_us, us } = placed;
        match answer {
            Ok(BidAnswer::Landed { seq }) => {
                self.accepted.push(Accepted { seq, lot, amount });
                self.waits.push((from_us, us));
            }
            Ok(BidAnswer::Refused { code, .. }) => *self.refused.entry(code).or_default() += 1,
            Ok(BidAnswer::Unknown) => self.error("outcome-unknown", "a bid has no answer"),
            Err(error) => self.failed(&error),
        }
    }

    /// The line of the last bid that was accepted.
    pub(super) fn last_accepted(&self) -> u64 {
        self.accepted.iter().map(|bid| bid.seq).max().unwrap_or(0)
    }

    /// Notes that a session failed.
    pub(super) fn failed(&mut self, error: &SessionError) {
        self.error(kind(error), &error.to_string());
    }

    /// Notes what went wrong for an idle client that had been welcomed.
    pub(super) fn idle_failed(&mut self, message: &str) {
        self.error("idle", message);
    }

    /// Notes what went wrong for a light client.
    pub(super) fn light_failed(&mut self, message: &str) {
        self.error("light", message);
    }

    /// Notes that a bidder's task panicked.
    pub(super) fn broke_down(&mut self) {
        self.error("panic", "a bidder's task panicked");
    }

    fn error(&mut self, kind: &'static str, message: &str) {
        let none = || ErrorCount { count: 0, first: message.to_owned() };
        self.errors.entry(kind).or_insert_with(none).count += 1;
    }

    /// Takes in another tally.
    pub(super) fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.waits.extend(other.waits);
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
        for (kind, error) in other.errors {
            let none = || ErrorCount { count: 0, first: error.first };
            self.errors.entry(kind).or_insert_with(none).count += error.count;
        }
    }

    /// What was counted until now.
    pub(super) fn summary(&self) -> Summary {
        let latency = self.latency(0..u64::MAX);
        Summary { accepted: count(self.accepted.len()), refused: self.refused.clone(), latency }
    }

    /// How long bidders waited whose bid was placed in `span`, in microseconds since the start.
    pub(super) fn latency(&self, span: Range<u64>) -> Histogram<u64> {
        let mut latency =
            Histogram::new_with_max(LATENCY_MAX_US, 3).expect("the bounds of a histogram");
        for (_, us) in self.waits.iter().filter(|(from_us, _)| span.contains(from_us)) {
            latency.saturating_record(*us);
        }
        latency
    }
}

pub(super) fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

const fn kind(error: &SessionError) -> &'static str {
    match error {
        SessionError::Connect(_) => "connect",
        SessionError::Lost { .. } => "connection-lost",
        SessionError::Silent => "silence",
        SessionError::Offline => "offline",
        SessionError::OtherSale { .. } => "other-sale",
        SessionError::NotWelcome { .. } => "not-welcome",
        SessionError::Greeting { .. } => "greeting",
        SessionError::Follow { .. } => "ledger-line",
        SessionError::Receipt { .. } => "receipt",
        SessionError::Checkpoint(_) => "checkpoint",
        SessionError::Protocol { .. } => "protocol",
        SessionError::NotEnrolled { .. } => "not-enrolled",
        SessionError::Memory(_) => "memory",
        SessionError::Signing(_) => "signing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEED.md, defect 20: the load test swallowed every error.
    #[test]
    fn defect_20_no_error_is_swallowed() {
        let amount = Amount::new(7).expect("an amount");
        let note = |tally: &mut Tally, answer, us| {
            tally.note(Placed { lot: 0, amount, answer, from_us: 9, us });
        };
        let refused =
            || BidAnswer::Refused { code: Code::TooLow, message: String::new(), ask: None };
        let (mut one, mut other) = (Tally::default(), Tally::default());
        note(&mut one, Ok(BidAnswer::Landed { seq: 9 }), 1_500);
        note(&mut one, Err(SessionError::Silent), 10);
        note(&mut one, Ok(refused()), 10);
        note(&mut other, Err(SessionError::Silent), 10);
        note(&mut other, Ok(BidAnswer::Unknown), 10);
        note(&mut other, Ok(refused()), 10);
        other.broke_down();
        one.add(other);
        let counted: Vec<(&str, u64)> =
            one.errors.iter().map(|(kind, error)| (*kind, error.count)).collect();
        assert_eq!(counted, [("outcome-unknown", 1), ("panic", 1), ("silence", 2)]);
        assert_eq!(one.errors["silence"].first, "the server has fallen silent");
        let summary = one.summary();
        assert_eq!((summary.accepted, summary.latency.len()), (1, 1));
        assert_eq!((one.latency(0..9).len(), one.latency(9..10).len()), (0, 1));
        assert_eq!(summary.refused, BTreeMap::from([(Code::TooLow, 2)]));
    }
}
