//! Bids, acts and enrolments: judged by roster and rules, entered or refused, and
//! known again when the same bytes come again.

use std::sync::Arc;

use super::answers::{Own, Pending};
use super::{House, Known, bid_key_of};
use crate::auction::act::Effect;
use crate::auction::event::{Bid, Event, Happening, Input};
use crate::auction::name::Role;
use crate::auction::refusal::{Code, Refusal, Unfit};
use crate::auction::reserve::ReserveOpening;
use crate::ledger::Hash;
use crate::record::{
    self, AcceptedBid, AttestedBid, Authenticated, BidEvidence, Enrolled, EnrolmentEvidence,
    Forged, RecordedAct, Refused, RoomBid, Signed, SignedAct,
};
use crate::roster::Signature;
use crate::time::Timestamp;

impl House {
    /// Takes a signed bid or act that was read at `at` and waited `lag_us` microseconds.
    ///
    /// The same bytes again get the same answer and enter nothing.
    pub fn submit(&mut self, at: Timestamp, lag_us: u64, signed: Authenticated<Signed>) -> Pending {
        self.submit_with(at, lag_us, signed, None)
    }

    /// Takes an act that lowers a reserve, with what opens the commitment that it names.
    /// The owner has put that on the disk already (RULES 5).
    pub fn submit_with(
        &mut self,
        at: Timestamp,
        lag_us: u64,
        signed: Authenticated<Signed>,
        opening: Option<ReserveOpening>,
    ) -> Pending {
        let at = self.arrive(at);
        let digest = signed.digest();
        if let Some(known) = self.known(&signed, &digest) {
            return Pending::of(known);
        }
        if self.sale.is_closed() {
            // Nothing can be entered any more; the refusals keep their order.
            let refused = self.decide_signed(at, &signed, None).err();
            return refused.map_or(Pending::refused(Code::Closed), |no| no.pending());
        }
        self.open_frame();
        match self.decide_signed(at, &signed, opening.as_ref()) {
            Ok(event) => self.take(event, signed.into_inner(), digest, lag_us, opening),
            Err(no) => self.refuse(at, signed.into_inner(), digest, no),
        }
    }

    /// Whether an act that lowers a reserve is taken if it is submitted next, read at `at`,
    /// with that opening: only then is the opening put on the disk. What comes before it
    /// is done, and the seal that it may name as its head has its line.
    pub fn would_lower(
        &mut self,
        at: Timestamp,
        signed: &Signed,
        opening: &ReserveOpening,
    ) -> bool {
        let at = self.arrive(at);
        if self.sale.is_closed() || self.known(signed, &signed.digest()).is_some() {
            return false;
        }
        self.open_frame();
        let lowers = |event: Event| {
            matches!(event.what, Happening::Acted { effect: Effect::ReserveLowered { .. }, .. })
        };
        self.decide_signed(at, signed, Some(opening)).is_ok_and(lowers)
    }

    /// What the same bytes were answered before.
    fn known(&self, signed: &Signed, digest: &Hash) -> Option<Known> {
        let counted = || {
            let (last, known) = self.counted_answers.get(signed.claim().bid_key)?;
            (last == digest).then_some(*known)
        };
        self.answers.get(digest).copied().or_else(counted)
    }

    fn decide_signed(
        &self,
        at: Timestamp,
        signed: &Signed,
        opening: Option<&ReserveOpening>,
    ) -> Result<Event, No> {
        let role = self.roster.judge_signed(at, signed)?;
        match signed {
            Signed::Bid(bid) => Ok(self.decide_bid(at, bid.statement.bid(role))?),
            Signed::Act(act) => {
                let event = self.decide_act(at, act, role, opening)?;
                self.roster.judge_order(&act.statement.order)?;
                Ok(event)
            }
        }
    }

    fn decide_act(
        &self,
        at: Timestamp,
        act: &SignedAct,
        role: Role,
        opening: Option<&ReserveOpening>,
    ) -> Result<Event, Refusal> {
        match (act.statement.act(role), act.statement.entered(role)) {
            (Some(act), _) => {
                let word = self.reserves.word(&self.sale, &act.deed, opening);
                self.decide_by_rules(at, Input::Act { act, word })
            }
            (None, Some(bid)) => self.decide_bid(at, bid),
            (None, None) => unreachable!("an act is a deed or enters a bid"),
        }
    }

    /// The bid would be the next entry of the chain: nothing stands between.
    fn decide_bid(&self, at: Timestamp, bid: Bid) -> Result<Event, Refusal> {
        let reserve_met = self.reserves.met(&bid.lot, Some(bid.amount));
        self.decide_by_rules(at, Input::Bid { bid, seq: self.chain.size(), reserve_met })
    }

    fn decide_by_rules(&self, at: Timestamp, input: Input) -> Result<Event, Refusal> {
        match self.sale.decide(at, input) {
            Ok(event) => Ok(event),
            Err(Unfit::Refused(refusal)) => Err(refusal),
            Err(fault) => panic!("the floor has advanced the sale to {at}: {fault}"),
        }
    }

    /// Enters what was decided.
    fn take(
        &mut self,
        event: Event,
        signed: Signed,
        digest: Hash,
        lag_us: u64,
        opening: Option<ReserveOpening>,
    ) -> Pending {
        self.roster.spend(&signed.claim());
        let seq = match signed {
            Signed::Bid(bid) => self.accept(event, BidEvidence::Signed(bid), lag_us),
            Signed::Act(act) => match RoomBid::new(act) {
                Ok(room) => self.accept(event, BidEvidence::Clerk(room), lag_us),
                Err(act) => self.act(event, *act, opening),
            },
        };
        self.answers.insert(digest, Known::Accepted { seq });
        Pending::of(Known::Accepted { seq })
    }

    /// Enters a bid; gives its line's number.
    fn accept(&mut self, event: Event, evidence: BidEvidence, lag_us: u64) -> u64 {
        let (ends_at, reserve_met) = match &event.what {
            Happening::BidAccepted { ends_at, reserve_met, .. } => (*ends_at, *reserve_met),
            other => unreachable!("a bid leads to {other:?}"),
        };
        let accepted = AcceptedBid { evidence, ends_at, reserve_met, lag_us };
        let seq = self.append(record::draft_bid(&accepted, event.at));
        self.sale.apply(&event);
        self.frame.events.push(event);
        seq
    }

    /// Enters an act; gives its line's number.
    fn act(&mut self, event: Event, act: SignedAct, opening: Option<ReserveOpening>) -> u64 {
        let effect = match &event.what {
            Happening::Acted { effect, .. } => effect.clone(),
            other => unreachable!("an act leads to {other:?}"),
        };
        if let (Effect::ReserveLowered { .. }, Some(lot), Some(opening)) =
            (&effect, act.statement.lot(), opening)
        {
            self.reserves.lower(lot, opening);
        }
        self.roster.apply_order(&act.statement.order);
        let recorded = RecordedAct { act, effect };
        // What the act makes fall due at once leaves no room for counts after it.
        self.flush_counts();
        let draft = record::draft_act(&recorded, event.at).expect("it enters no bid");
        let (seq, at) = (self.append(draft), event.at);
        self.sale.apply(&event);
        self.frame.events.push(event);
        // What the act makes fall due now stands beside it.
        self.advance(at);
        seq
    }

    /// Records a refusal of what had a good signature: whole within the cap, else counted.
    fn refuse(&mut self, at: Timestamp, signed: Signed, digest: Hash, no: No) -> Pending {
        if self.roster.knows(&signed.claim()) {
            self.record_refusal(at, signed, digest, &no);
        } else {
            self.count(no.code());
        }
        no.pending()
    }

    fn record_refusal(&mut self, at: Timestamp, signed: Signed, digest: Hash, no: &No) {
        let (code, known) = (no.code(), no.known());
        let refused = Refused { signed, code };
        let draft = record::draft_refused(&refused, at);
        let claim = refused.signed.claim();
        if self.roster.may_record(at, claim.bidder, draft.body.len()) {
            self.answers.insert(digest, known);
            // What it rests on stands before it: a reader knows a counted number by its summary.
            if self.frame.counted_keys.contains_key(claim.bid_key) {
                self.flush_counts();
            }
            self.roster.apply_refusal(at, &claim, draft.body.len());
            self.append_outside_the_rules(draft);
        } else {
            self.counted_answers.insert(*claim.bid_key, (digest, known));
            let n = self.frame.counted_keys.entry(*claim.bid_key).or_insert(0);
            *n = (*n).max(claim.n);
            self.roster.spend(&claim);
            self.count(code);
        }
    }

    /// Takes what has a signature that does not verify: refused, and counted only.
    pub fn submit_forged(&mut self, at: Timestamp, forged: &Forged) -> Pending {
        let at = self.arrive(at);
        let code = match self.roster.judge(at, &forged.signed.claim(), Signature::Bad) {
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
            Ok(event) => {
                let seq = self.accept(event, BidEvidence::from(&*bid), lag_us);
                Pending::of(Known::Accepted { seq })
            }
            Err(no) => {
                self.count(no.code());
                no.pending()
            }
        }
    }

    fn decide_attested(
        &mut self,
        at: Timestamp,
        session: &Authenticated<Enrolled>,
        bid: &AttestedBid,
    ) -> Result<Event, No> {
        if !self.roster.is_attested(&session.identity) {
            self.roster.judge_enrolment(at, session)?;
            self.enter_enrolment(at, session);
        }
        let role = self.roster.judge_attested(at, &bid.bidder)?;
        let bid = Bid::own(bid.bidder.clone(), role, bid.lot.clone(), bid.amount);
        Ok(self.decide_bid(at, bid)?)
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

/// A refusal by the roster or by the rules.
pub(super) enum No {
    ByRoster(Code),
    ByRules(Refusal),
}

impl No {
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

impl From<Code> for No {
    fn from(code: Code) -> Self {
        Self::ByRoster(code)
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self::ByRules(refusal)
    }
}
