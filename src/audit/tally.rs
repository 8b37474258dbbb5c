//! What is counted along the replay, for the results and for what they rest on.
//!
//! Bounded by the sale itself: lots, names, keys and revocations, never lines.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hdrhistogram::Histogram;

use super::annexes::{Annexes, Answer, BidEntry, ClockEntry, Evidence};
use super::judge::Entry;
use crate::auction::event::{Event, Happening};
use crate::auction::name::Name;
use crate::auction::refusal::Code;
use crate::ledger::hash::Hash;
use crate::pki::Serial;
use crate::record::{AcceptedBid, BidEvidence, BidKey, Counts, Enrolled, RefusedBid, Revocation};
use crate::time::Timestamp;

/// Where an entry stands, to be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its line.
    pub seq: u64,
    /// SHA-256 of the line, as `prev` and `sha256sum` have it.
    pub hash: Hash,
    /// Its time.
    pub at: Timestamp,
}

impl Trace {
    pub(super) fn of(entry: &Entry, at: Timestamp) -> Self {
        Self { seq: entry.seq, hash: Hash::of(&entry.raw), at }
    }
}

/// What is counted for one lot.
#[derive(Clone, Debug, Default)]
pub(super) struct LotTally {
    pub(super) signed: u64,
    pub(super) attested: u64,
    pub(super) refused: u64,
    pub(super) bidders: HashSet<Name>,
    /// The bid that leads, and whether it is signed.
    pub(super) leading: Option<(Trace, bool)>,
}

/// One enrolled bid key.
#[derive(Clone, Debug)]
pub(super) struct KeyTally {
    pub(super) name: Name,
    pub(super) serial: Serial,
    /// The greatest number in a bid that is recorded whole.
    n: u64,
    pub(super) last_bid_at: Option<Timestamp>,
}

/// One certificate that the house saw, whose bids rest on its word.
#[derive(Clone, Debug)]
pub(super) struct AttestedTally {
    pub(super) serial: Serial,
    pub(super) last_bid_at: Option<Timestamp>,
}

/// What is counted for the whole sale.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) lots: Vec<LotTally>,
    pub(super) seals: u64,
    pub(super) enrolments: u64,
    pub(super) keys: HashMap<BidKey, KeyTally>,
    pub(super) house_made_keys: BTreeSet<Name>,
    pub(super) bid_keys: BTreeMap<Name, u64>,
    /// The newest last.
    pub(super) attested: BTreeMap<Name, Vec<AttestedTally>>,
    pub(super) refused: BTreeMap<Code, u64>,
    pub(super) counted: BTreeMap<Code, u64>,
    /// Refusals `reused-n` that rest on a number which was only counted.
    pub(super) reused_n_on_word: u64,
    pub(super) revocations: Vec<Revocation>,
    pub(super) outages: Vec<(Timestamp, Timestamp)>,
    pub(super) clock_entries: u64,
    pub(super) clocks_accepted: u64,
    pub(super) closed_at: Option<Timestamp>,
    /// What somebody asked to have kept line by line.
    pub(super) annexes: Option<Annexes>,
    lag_us: Histogram<u64>,
}

impl Tally {
    pub(super) fn new(lots: usize, keeps_annexes: bool) -> Self {
        Self {
            lots: vec![LotTally::default(); lots],
            seals: 0,
            enrolments: 0,
            keys: HashMap::new(),
            house_made_keys: BTreeSet::new(),
            bid_keys: BTreeMap::new(),
            attested: BTreeMap::new(),
            refused: BTreeMap::new(),
            counted: BTreeMap::new(),
            reused_n_on_word: 0,
            revocations: Vec::new(),
            outages: Vec::new(),
            clock_entries: 0,
            clocks_accepted: 0,
            closed_at: None,
            annexes: keeps_annexes.then(Annexes::default),
            lag_us: Histogram::new(2).expect("two digits are within what a histogram keeps"),
        }
    }

    pub(super) fn enrol(&mut self, enrolled: &Enrolled) {
        self.enrolments += 1;
        let identity = &enrolled.identity;
        if identity.house_made_key {
            self.house_made_keys.insert(identity.name.clone());
        }
        let Some(bid_key) = enrolled.enrolment.bid_key() else {
            let attested = AttestedTally { serial: identity.serial.clone(), last_bid_at: None };
            self.attested.entry(identity.name.clone()).or_default().push(attested);
            return;
        };
        *self.bid_keys.entry(identity.name.clone()).or_insert(0) += 1;
        let (name, serial) = (identity.name.clone(), identity.serial.clone());
        self.keys.insert(*bid_key, KeyTally { name, serial, n: 0, last_bid_at: None });
    }

    pub(super) fn accept(&mut self, place: usize, accepted: &AcceptedBid, trace: Trace) {
        let lot = &mut self.lots[place];
        lot.bidders.insert(accepted.evidence.bidder().clone());
        let signed = match &accepted.evidence {
            BidEvidence::Signed(bid) => {
                lot.signed += 1;
                if let Some(key) = self.keys.get_mut(&bid.statement.bid_key) {
                    key.n = key.n.max(bid.statement.n);
                    key.last_bid_at = Some(trace.at);
                }
                true
            }
            BidEvidence::Attested { bidder, .. } => {
                lot.attested += 1;
                if let Some(attested) =
                    self.attested.get_mut(bidder).and_then(|seen| seen.last_mut())
                {
                    attested.last_bid_at = Some(trace.at);
                }
                false
            }
        };
        lot.leading = Some((trace, signed));
        self.lag_us.saturating_record(accepted.lag_us);
        if let Some(annexes) = &mut self.annexes {
            annexes.keep_bid(|| BidEntry {
                trace,
                lot: accepted.evidence.lot().clone(),
                bidder: accepted.evidence.bidder().clone(),
                amount: accepted.evidence.amount(),
                evidence: if signed { Evidence::Signed } else { Evidence::Attested },
                answer: Answer::Accepted { ends_at: accepted.ends_at },
            });
        }
    }

    /// Counts a refusal that is recorded whole; `place` is none for a lot that is not.
    pub(super) fn refuse(&mut self, place: Option<usize>, refused: &RefusedBid, trace: Trace) {
        if let Some(place) = place {
            self.lots[place].refused += 1;
        }
        *self.refused.entry(refused.code).or_insert(0) += 1;
        let statement = &refused.bid.statement;
        if let Some(key) = self.keys.get_mut(&statement.bid_key) {
            if refused.code == Code::ReusedN && statement.n > key.n {
                self.reused_n_on_word += 1;
            }
            key.n = key.n.max(statement.n);
        }
        if let Some(annexes) = &mut self.annexes {
            annexes.keep_bid(|| BidEntry {
                trace,
                lot: statement.lot.clone(),
                bidder: statement.bidder.clone(),
                amount: statement.amount,
                evidence: Evidence::Signed,
                answer: Answer::Refused(refused.code),
            });
        }
    }

    pub(super) fn count(&mut self, counts: &Counts) {
        for (code, count) in &counts.counts {
            let sum = self.counted.entry(*code).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
    }

    pub(super) fn revoke(&mut self, revocation: Revocation) {
        self.revocations.push(revocation);
    }

    pub(super) fn event(&mut self, seq: u64, event: &Event) {
        match &event.what {
            Happening::OutageEnded { from } => self.outages.push((*from, event.at)),
            Happening::ClockNoted { wall, accepted } => {
                self.clock_entries += 1;
                self.clocks_accepted += u64::from(*accepted);
                if let Some(annexes) = &mut self.annexes {
                    let (at, wall, accepted) = (event.at, *wall, *accepted);
                    annexes.keep_clock(ClockEntry { seq, at, wall, accepted });
                }
            }
            Happening::SaleClosed(_) => self.closed_at = Some(event.at),
            Happening::BidAccepted { .. }
            | Happening::LotOpened { .. }
            | Happening::LotClosed { .. }
            | Happening::Ticked => {}
        }
    }

    /// The largest and the 99th percentile of the times that bids waited, in
    /// microseconds; none without a bid.
    pub(super) fn lag_us(&self) -> Option<(u64, u64)> {
        let any = !self.lag_us.is_empty();
        any.then(|| (self.lag_us.max(), self.lag_us.value_at_quantile(0.99)))
    }
}
