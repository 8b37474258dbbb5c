//! Bids and enrolments: judged by roster and rules, entered or refused, and known
//! again when the same bytes come again.

use std::sync::Arc;

use super::answers::{Own, Pending};
use super::{House, Known, bid_key_of};
use crate::auction::event::{Bid, Event, Input};
use crate::auction::refusal::{Code, Refusal, Unfit};
use crate::ledger::hash::Hash;
use crate::record::{
    self, AcceptedBid, AttestedBid, Authenticated, BidEvidence, Enrolled, EnrolmentEvidence,
    Forged, RefusedBid, SignedBid,
};
use crate::roster::Signature;
use crate::time::Timestamp;

impl House {
    /// Takes a signed bid that was read at `at` and waited `lag_us` microseconds.
    ///
    /// The same bytes again get the same answer and enter nothing.
    pub fn submit(&mut self, at: Timestamp, lag_us: u64, bid: Authenticated<SignedBid>) -> Pending {
        let at = self.arrive(at);
        if let Some(known) = self.known(&bid) {
            return Pending::of(known);
        }
        if self.sale.is_closed() {
            // Nothing can be entered any more; the refusals keep their order.
            let refused = self.decide_bid(at, &bid).err();
            return refused.map_or(Pending::refused(Code::Closed), |refused| refused.pending());
        }
        self.open_frame();
        match self.decide_bid(at, &bid) {
            Ok(event) => self.accept(event, BidEvidence::Signed(bid.into_inner()), lag_us),
            Err(refused) => self.refuse(at, bid.into_inner(), refused),
        }
    }

    /// What the same bytes were answered before.
    fn known(&self, bid: &SignedBid) -> Option<Known> {
        let digest = digest(bid);
        let counted = || {
            let (last, known) = self.counted_answers.get(&bid.statement.bid_key)?;
            (*last == digest).then_some(*known)
        };
        self.answers.get(&digest).copied().or_else(counted)
    }

    fn decide_bid(&self, at: Timestamp, bid: &SignedBid) -> Result<Event, Refused> {
        let role = self.roster.judge_bid(at, bid, Signature::Good)?;
        let input = bid.statement.bid(role);
        Ok(self.decide_by_rules(at, input)?)
    }

    fn decide_by_rules(&self, at: Timestamp, bid: Bid) -> Result<Event, Refusal> {
        match self.sale.decide(at, Input::Bid(bid)) {
            Ok(event) => Ok(event),
            Err(Unfit::Refused(refusal)) => Err(refusal),
            Err(fault) => panic!("the floor has advanced the sale to {at}: {fault}"),
        }
    }

    fn accept(&mut self, event: Event, evidence: BidEvidence, lag_us: u64) -> Pending {
        let accepted = AcceptedBid { evidence, ends_at: event.ends_at(), lag_us };
        let seq = self.append(record::draft_bid(&accepted, event.at));
        self.sale.apply(&event);
        self.frame.events.push(event);
        if let BidEvidence::Signed(bid) = &accepted.evidence {
            self.roster.spend(bid);
            self.answers.insert(digest(bid), Known::Accepted { seq });
        }
        Pending::of(Known::Accepted { seq })
    }

    /// Records a refusal of a bid whose signature verified: whole within the cap, else counted.
    fn refuse(&mut self, at: Timestamp, bid: SignedBid, refused: Refused) -> Pending {
        if self.roster.knows(&bid) {
            self.record_refusal(at, bid, refused.code(), refused.known());
        } else {
            self.count(refused.code());
        }
        refused.pending()
    }

    fn record_refusal(&mut self, at: Timestamp, bid: SignedBid, code: Code, known: Known) {
        let digest = digest(&bid);
        let refused = RefusedBid { bid, code };
        let draft = record::draft_refused(&refused, at);
        if self.roster.may_record(at, &refused.bid.statement.bidder, draft.body.len()) {
            self.answers.insert(digest, known);
            // What it rests on stands before it: a reader knows a counted number by its summary.
            if self.frame.counted_keys.contains_key(&refused.bid.statement.bid_key) {
                self.flush_counts();
            }
            self.roster.apply_refusal(at, &refused.bid, draft.body.len());
            self.append_outside_the_rules(draft);
        } else {
            let statement = &refused.bid.statement;
            self.counted_answers.insert(statement.bid_key, (digest, known));
            let n = self.frame.counted_keys.entry(statement.bid_key).or_insert(0);
            *n = (*n).max(statement.n);
            self.roster.spend(&refused.bid);
            self.count(code);
        }
    }

    /// Takes a bid whose signature does not verify: refused, and counted only.
    pub fn submit_forged(&mut self, at: Timestamp, forged: &Forged) -> Pending {
        let at = self.arrive(at);
        let code = match self.roster.judge_bid(at, &forged.bid, Signature::Bad) {
            Ok(_) => Code::BadSignature,
            Err(code) => code,
        };
        if !self.sale.is_closed() {
            self.open_frame();
            self.count(code);
        }
        Pending::refused(code)
    }

    /// Takes a hand-typed bid that the house saw on a session (LEDGER 3, `attested`).
    pub fn submit_attested(
        &mut self,
        at: Timestamp,
        lag_us: u64,
        session: &Authenticated<Enrolled>,
        bid: Authenticated<AttestedBid>,
    ) -> Pending {
        let at = self.arrive(at);
        if self.sale.is_closed() {
            return Pending::refused(Code::Closed);
        }
        self.open_frame();
        match self.decide_attested(at, session, &bid) {
            Ok(event) => self.accept(event, BidEvidence::from(&*bid), lag_us),
            Err(refused) => {
                self.count(refused.code());
                refused.pending()
            }
        }
    }

    fn decide_attested(
        &mut self,
        at: Timestamp,
        session: &Authenticated<Enrolled>,
        bid: &AttestedBid,
    ) -> Result<Event, Refused> {
        if !self.roster.is_attested(&session.identity) {
            self.roster.judge_enrolment(at, session)?;
            self.enter_enrolment(at, session);
        }
        let role = self.roster.judge_attested(at, &bid.bidder)?;
        let input =
            Bid { bidder: bid.bidder.clone(), role, lot: bid.lot.clone(), amount: bid.amount };
        Ok(self.decide_by_rules(at, input)?)
    }

    /// Takes an enrolment whose chain and signatures have been checked.
    ///
    /// The same enrolment again gets the same answer and enters nothing.
    pub fn enrol(&mut self, at: Timestamp, enrolled: &Authenticated<Enrolled>) -> Pending {
        let at = self.arrive(at);
        if let Some(seq) = self.enrolled_seq(enrolled) {
            return Pending::of(Known::Accepted { seq });
        }
        if self.sale.is_closed() {
            return Pending::refused(Code::Closed);
        }
        match self.roster.judge_enrolment(at, enrolled) {
            Ok(()) => {
                self.open_frame();
                let seq = self.enter_enrolment(at, enrolled);
                Pending::of(Known::Accepted { seq })
            }
            Err(code) => Pending::refused(code),
        }
    }

    fn enrolled_seq(&self, enrolled: &Enrolled) -> Option<u64> {
        let EnrolmentEvidence::Signed { bid_key, .. } = &enrolled.enrolment.evidence else {
            return None;
        };
        let own = self.own.get(&enrolled.identity.name)?;
        let same = |own: &&Own| own.bid_key == Some(*bid_key) && own.cert == enrolled.identity.cert;
        own.iter().find(same).map(|own| own.seq)
    }

    fn enter_enrolment(&mut self, at: Timestamp, enrolled: &Authenticated<Enrolled>) -> u64 {
        let draft = record::draft_enrol(&enrolled.enrolment, at);
        let seq = self.append_outside_the_rules(draft);
        let line: Arc<[u8]> = self.frame.lines.last().expect("just appended").bytes().into();
        self.note_enrolment(seq, line, enrolled);
        seq
    }

    pub(super) fn note_enrolment(&mut self, seq: u64, line: Arc<[u8]>, enrolled: &Enrolled) {
        self.roster.apply_enrolment(enrolled);
        let own = Own {
            seq,
            line,
            cert: enrolled.identity.cert,
            bid_key: bid_key_of(&enrolled.enrolment),
        };
        self.own.entry(enrolled.identity.name.clone()).or_default().push(own);
    }
}

/// By what the same bytes are known again: the statement and its signature.
pub(super) fn digest(bid: &SignedBid) -> Hash {
    let mut bytes = bid.statement.to_canonical();
    bytes.extend_from_slice(&bid.signature);
    Hash::of(&bytes)
}

/// A refusal by the roster or by the rules.
pub(super) enum Refused {
    ByRoster(Code),
    ByRules(Refusal),
}

impl Refused {
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::ByRoster(code) => *code,
            Self::ByRules(refusal) => refusal.code(),
        }
    }

    pub(super) const fn known(&self) -> Known {
        let least = match self {
            Self::ByRules(Refusal::TooLow { least }) => Some(*least),
            Self::ByRoster(_) | Self::ByRules(_) => None,
        };
        Known::Refused { code: self.code(), least }
    }

    const fn pending(&self) -> Pending {
        Pending::of(self.known())
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self::ByRoster(code)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::ByRules(refusal)
    }
}
