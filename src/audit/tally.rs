//! What is counted along the replay, for the results and for what they rest on.
//!
//! Bounded by the sale itself: lots, names, keys and revocations, never lines.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use hdrhistogram::Histogram;

use super::annexes::{Annexes, Answer, BidEntry, ClockEntry, Evidence};
use super::judge::Entry;
use super::people::PeopleTally;
use crate::auction::act::{Act, Deed, Effect};
use crate::auction::event::{Event, Happening};
use crate::auction::name::{Name, Party};
use crate::auction::refusal::Code;
use crate::ledger::hash::Hash;
use crate::limits::STANDING_BIDS_MAX;
use crate::pki::Serial;
use crate::record::{
    AcceptedBid, BidEvidence, BidKey, Claim, Counts, Enrolled, Refused, Revocation, Signed,
};
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
        Self { seq: entry.seq, hash: entry.hashed.line(), at }
    }
}

/// What is counted for one lot.
#[derive(Clone, Debug, Default)]
pub(super) struct LotTally {
    pub(super) signed: u64,
    pub(super) attested: u64,
    pub(super) clerk: u64,
    pub(super) refused: u64,
    pub(super) bidders: HashSet<Party>,
    /// The bids that stand on each other, the leading one last: as many as the rules keep.
    standing: VecDeque<Leading>,
}

/// A bid that leads or would lead, and what it rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leading {
    pub(super) trace: Trace,
    pub(super) evidence: Evidence,
    /// Whether the house made the certificate key behind it.
    pub(super) is_of_house_made_key: bool,
}

/// An act of staff, as the results list it.
#[derive(Clone, Debug)]
pub struct StaffAct {
    /// Its line.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
    /// What was done by whom, and why.
    pub act: Act,
}

impl LotTally {
    /// The bid that leads, or has won.
    pub(super) fn leading(&self) -> Option<&Leading> {
        self.standing.back()
    }

    fn lead(&mut self, leading: Leading) {
        if self.standing.len() == STANDING_BIDS_MAX {
            self.standing.pop_front();
        }
        self.standing.push_back(leading);
    }

    /// Takes voided bids away, down to the one that stands now.
    fn void(&mut self, standing: Option<u64>) {
        while self.standing.back().is_some_and(|bid| Some(bid.trace.seq) != standing) {
            self.standing.pop_back();
        }
    }
}

/// One enrolled bid key.
#[derive(Clone, Debug)]
pub(super) struct KeyTally {
    pub(super) name: Name,
    pub(super) serial: Serial,
    /// Whether the house made the key of the certificate that enrolled it.
    is_house_made: bool,
    /// The greatest number in a bid that is recorded whole.
    n: u64,
    pub(super) last_bid_at: Option<Timestamp>,
}

/// One certificate that the house saw, whose bids rest on its word.
#[derive(Clone, Debug)]
pub(super) struct AttestedTally {
    pub(super) serial: Serial,
    is_house_made: bool,
    pub(super) last_bid_at: Option<Timestamp>,
}

/// What is counted for the whole sale.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) lots: Vec<LotTally>,
    pub(super) seals: u64,
    pub(super) enrolments: u64,
    pub(super) keys: HashMap<BidKey, KeyTally>,
    pub(super) people: PeopleTally,
    /// The newest last.
    pub(super) attested: BTreeMap<Name, Vec<AttestedTally>>,
    pub(super) refused: BTreeMap<Code, u64>,
    pub(super) counted: BTreeMap<Code, u64>,
    /// Refusals `reused-n` that rest on a number which was only counted.
    pub(super) reused_n_on_word: u64,
    pub(super) acts: Vec<StaffAct>,
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
            people: PeopleTally::default(),
            attested: BTreeMap::new(),
            refused: BTreeMap::new(),
            counted: BTreeMap::new(),
            reused_n_on_word: 0,
            acts: Vec::new(),
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
        self.people.enrol(enrolled);
        let identity = &enrolled.identity;
        let (name, serial) = (identity.name.clone(), identity.serial.clone());
        let (is_house_made, last_bid_at) = (identity.house_made_key, None);
        match enrolled.enrolment.bid_key() {
            Some(bid_key) => {
                let key = KeyTally { name, serial, is_house_made, n: 0, last_bid_at };
                self.keys.insert(*bid_key, key);
            }
            None => {
                let attested = AttestedTally { serial, is_house_made, last_bid_at };
                self.attested.entry(name).or_default().push(attested);
            }
        }
    }

    pub(super) fn accept(&mut self, place: usize, accepted: &AcceptedBid, trace: Trace) {
        let is_of_house_made_key = self.is_of_house_made_key(&accepted.evidence);
        let lot = &mut self.lots[place];
        lot.bidders.insert(accepted.evidence.party());
        let evidence = match &accepted.evidence {
            BidEvidence::Signed(_) => {
                lot.signed += 1;
                Evidence::Signed
            }
            BidEvidence::Attested { .. } => {
                lot.attested += 1;
                Evidence::Attested
            }
            BidEvidence::Clerk(_) => {
                lot.clerk += 1;
                Evidence::Clerk
            }
        };
        lot.lead(Leading { trace, evidence, is_of_house_made_key });
        match (accepted.evidence.signed(), &accepted.evidence) {
            (Some(signed), _) => self.sign(&signed.claim(), trace.at),
            (None, evidence) => self.attest(evidence.signer(), trace.at),
        }
        self.lag_us.saturating_record(accepted.lag_us);
        if let Some(annexes) = &mut self.annexes {
            annexes.keep_bid(|| BidEntry {
                trace,
                lot: accepted.evidence.lot().clone(),
                bidder: accepted.evidence.party(),
                amount: accepted.evidence.amount(),
                evidence,
                answer: Answer::Accepted { ends_at: accepted.ends_at },
                voided_by: None,
            });
        }
    }

    /// Whether the house made the certificate key behind a bid of the bidder's own. What staff
    /// enter for the room rests on no key of the bidder's.
    fn is_of_house_made_key(&self, evidence: &BidEvidence) -> bool {
        match evidence {
            BidEvidence::Attested { bidder, .. } => {
                let seen = self.attested.get(bidder).and_then(|seen| seen.last());
                seen.is_some_and(|seen| seen.is_house_made)
            }
            BidEvidence::Clerk(_) => false,
            BidEvidence::Signed(bid) => {
                self.keys.get(&bid.statement.bid_key).is_some_and(|key| key.is_house_made)
            }
        }
    }

    fn sign(&mut self, claim: &Claim<'_>, at: Timestamp) {
        if let Some(key) = self.keys.get_mut(claim.bid_key) {
            key.n = key.n.max(claim.n);
            key.last_bid_at = Some(at);
        }
    }

    fn attest(&mut self, bidder: &Name, at: Timestamp) {
        if let Some(attested) = self.attested.get_mut(bidder).and_then(|seen| seen.last_mut()) {
            attested.last_bid_at = Some(at);
        }
    }

    /// Takes an act in.
    pub(super) fn act(
        &mut self,
        place: Option<usize>,
        claim: &Claim<'_>,
        act: StaffAct,
        effect: &Effect,
    ) {
        self.sign(claim, act.at);
        if let (Some(place), Effect::Voided { standing, .. }) = (place, effect) {
            self.lots[place].void(*standing);
        }
        if let (Some(annexes), Deed::Void { seen: Some(voided), .. }) =
            (&mut self.annexes, &act.act.deed)
        {
            annexes.note_void(*voided, act.seq);
        }
        self.acts.push(act);
    }

    /// Counts a refusal that is recorded whole; `place` is none for a lot that is not.
    pub(super) fn refuse(&mut self, place: Option<usize>, refused: &Refused, trace: Trace) {
        if let Some(place) = place {
            self.lots[place].refused += 1;
        }
        *self.refused.entry(refused.code).or_insert(0) += 1;
        let claim = refused.signed.claim();
        if let Some(key) = self.keys.get_mut(claim.bid_key) {
            if refused.code == Code::ReusedN && claim.n > key.n {
                self.reused_n_on_word += 1;
            }
            key.n = key.n.max(claim.n);
        }
        let bid = refused.signed.bid().map(|bid| (bid, evidence_of(&refused.signed)));
        if let (Some(annexes), Some((bid, evidence))) = (&mut self.annexes, bid) {
            annexes.keep_bid(|| BidEntry {
                trace,
                bidder: bid.party(),
                lot: bid.lot,
                amount: bid.amount,
                evidence,
                answer: Answer::Refused(refused.code),
                voided_by: None,
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
            Happening::Acted { .. }
            | Happening::BidAccepted { .. }
            | Happening::LotResumed { .. }
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

/// What a signed bid rests on; an act signs one only for somebody in the room.
const fn evidence_of(signed: &Signed) -> Evidence {
    match signed {
        Signed::Act(_) => Evidence::Clerk,
        Signed::Bid(_) => Evidence::Signed,
    }
}
