//! What people signed, or the house saw: bids and acts, taken or refused.
//!
//! Each is judged by its signature, the roster and the rules; each may condemn it.

use super::{Replay, Wrong};
use crate::auction::act::Word;
use crate::auction::name::{LotId, Role};
use crate::auction::refusal::{Code, Unfit};
use crate::audit::finding::FindingKind;
use crate::audit::judge::Entry;
use crate::audit::tally::{StaffAct, Trace};
use crate::record::{AcceptedBid, BadSignature, BidEvidence, Claim, RecordedAct, Refused, Signed};
use crate::roster::Signature;
use crate::time::Timestamp;

impl Replay {
    /// Judges an accepted bid.
    pub(super) fn bid(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        accepted: &AcceptedBid,
        signature: Result<(), BadSignature>,
    ) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let signed = accepted.evidence.signed();
        let role = self.role_of(at, accepted, signed.as_ref(), signature).unwrap_or_else(|fault| {
            wrong.push(fault);
            // Whose role is unknown is judged as if everything else were right.
            match accepted.evidence {
                BidEvidence::Signed(_) | BidEvidence::Attested { .. } => Role::Bidder,
                BidEvidence::Clerk(_) => Role::Clerk,
            }
        });
        wrong.extend(self.happen(&accepted.event(role, entry.seq, at)).err());
        if let (Some(signed), Ok(())) = (&signed, signature) {
            self.roster.spend(&signed.claim());
        }
        if let Some(place) = self.place_of(accepted.evidence.lot()) {
            self.tally.accept(place, accepted, Trace::of(entry, at));
        }
        wrong
    }

    fn place_of(&self, lot: &LotId) -> Option<usize> {
        self.sale.catalogue().lot(lot).map(|(place, _)| place)
    }

    fn role_of(
        &self,
        at: Timestamp,
        accepted: &AcceptedBid,
        signed: Option<&Signed>,
        signature: Result<(), BadSignature>,
    ) -> Result<Role, Wrong> {
        match (&accepted.evidence, signed) {
            (_, Some(signed)) => {
                let role = self.role_of_signer(at, &signed.claim(), signature)?;
                self.check_room(signed)?;
                Ok(role)
            }
            (evidence, None) => {
                let bidder = evidence.signer();
                let judged = self.roster.judge_attested(at, bidder);
                judged.map_err(|code| (roster_kind(code), roster_detail(code, bidder.as_str())))
            }
        }
    }

    /// The house's own people never bid, by whoever's hand (RULES 4).
    fn check_room(&self, signed: &Signed) -> Result<(), Wrong> {
        let Some(party) = signed.room() else { return Ok(()) };
        self.roster.judge_room(party).map_err(|code| {
            let detail = format!("{party} is of the house's staff, and staff never bid: {code}");
            (FindingKind::Role, detail)
        })
    }

    fn role_of_signer(
        &self,
        at: Timestamp,
        claim: &Claim<'_>,
        signature: Result<(), BadSignature>,
    ) -> Result<Role, Wrong> {
        signature.map_err(signature_wrong)?;
        let judged = self.roster.judge(at, claim, Signature::Good);
        judged.map_err(|code| (roster_kind(code), roster_detail(code, claim.bidder.as_str())))
    }

    /// Judges an act that was taken.
    pub(super) fn act(
        &mut self,
        seq: u64,
        at: Timestamp,
        recorded: &RecordedAct,
        signature: Result<(), BadSignature>,
    ) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let statement = &recorded.act.statement;
        let claim = statement.claim();
        let role = self.role_of_signer(at, &claim, signature).unwrap_or_else(|fault| {
            wrong.push(fault);
            Role::Auctioneer
        });
        if let (Some(lot), Word::Openings(openings)) = (statement.lot(), recorded.effect.word()) {
            wrong.extend(self.check_openings(lot, &openings).err());
        }
        if let Some(event) = recorded.event(role, at) {
            wrong.extend(self.happen(&event).err());
        }
        if let Some(act) = statement.act(role) {
            let place = statement.lot().and_then(|lot| self.place_of(lot));
            self.tally.act(place, &claim, StaffAct { seq, at, act }, &recorded.effect);
        }
        match self.roster.judge_order(&statement.order) {
            Ok(()) => {
                if wrong.is_empty() && role == Role::Auctioneer {
                    self.tally.people.order(seq, &statement.order);
                }
                self.roster.apply_order(&statement.order);
            }
            Err(code) => {
                let detail = format!("the roster's answer is {code}");
                wrong.push((FindingKind::Roster, detail));
            }
        }
        if signature.is_ok() {
            self.roster.spend(&claim);
        }
        wrong
    }

    // ---- Refusals ----

    /// Judges a refusal that was recorded whole.
    pub(super) fn refused(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        refused: &Refused,
        signature: Result<(), BadSignature>,
    ) -> Result<(), Wrong> {
        self.outside_the_rules(at)?;
        signature.map_err(signature_wrong)?;
        let judged = self.judge_refusal(at, refused, entry.body_bytes);
        let place = refused.signed.lot().and_then(|lot| self.place_of(lot));
        self.tally.refuse(place, refused, Trace::of(entry, at));
        self.roster.apply_refusal(at, &refused.signed.claim(), entry.body_bytes);
        judged
    }

    fn judge_refusal(
        &self,
        at: Timestamp,
        refused: &Refused,
        body_bytes: usize,
    ) -> Result<(), Wrong> {
        let wrong = |detail: String| Err((FindingKind::Refusal, detail));
        let claim = refused.signed.claim();
        if !self.roster.knows(&claim) {
            return wrong("only what enrolled keys signed is recorded when it is refused".into());
        }
        if !self.roster.may_record(at, claim.bidder, body_bytes) {
            return wrong("it is beyond the cap of line 0, and should only be counted".into());
        }
        match self.right_refusal(at, refused) {
            Some(Some(code)) if code == refused.code => Ok(()),
            Some(Some(code)) => {
                wrong(format!("it says {}, the right refusal is {code}", refused.code))
            }
            Some(None) => wrong(format!("it says {}, and it was good", refused.code)),
            None => Ok(()),
        }
    }

    /// The code under which it must be refused, or none for what was good; nothing
    /// where only the rules could say and their state is unknown.
    fn right_refusal(&self, at: Timestamp, refused: &Refused) -> Option<Option<Code>> {
        let role = match self.roster.judge_signed(at, &refused.signed) {
            Ok(role) => role,
            Err(code) => return Some(Some(code)),
        };
        if self.derailed {
            return None;
        }
        match self.sale.decide(at, refused.input(role)) {
            Ok(_) => {
                Some(refused.signed.order().and_then(|order| self.roster.judge_order(order).err()))
            }
            // What is missing is the house's word on a reserve, which only good ones need.
            Err(Unfit::Reserve(_)) => Some(None),
            Err(Unfit::Refused(refusal)) => Some(Some(refusal.code())),
            Err(_) => None,
        }
    }
}

fn signature_wrong(why: BadSignature) -> Wrong {
    let kind = match why {
        BadSignature::Malformed => FindingKind::Signature,
        BadSignature::Mismatch => FindingKind::BidSignature,
    };
    (kind, why.to_string())
}

/// The finding for an entry to which the roster says no.
pub(super) const fn roster_kind(code: Code) -> FindingKind {
    match code {
        Code::Revoked => FindingKind::Revoked,
        Code::Expired => FindingKind::CertificateTime,
        Code::ReusedN => FindingKind::ReusedN,
        Code::StaleHead => FindingKind::Head,
        Code::Unsigned => FindingKind::Unsigned,
        Code::KeyEnrolled => FindingKind::Enrolment,
        // Signed for another line 0: for other terms, another currency, another sale.
        Code::WrongSale => FindingKind::Rule,
        Code::BadSignature => FindingKind::BidSignature,
        Code::AlreadyLeading
        | Code::BadAmount
        | Code::BadCommand
        | Code::BidIn
        | Code::Busy
        | Code::Closed
        | Code::NameTaken
        | Code::NoBid
        | Code::NoReason
        | Code::NoRoomBids
        | Code::NoSuchLot
        | Code::NoSuchName
        | Code::NotEnrolled
        | Code::NotLater
        | Code::NotOpen
        | Code::NotPaused
        | Code::NotPending
        | Code::OpenLots
        | Code::OverCap
        | Code::Paused
        | Code::ReserveNotLowered
        | Code::Role
        | Code::Seller
        | Code::SlowDown
        | Code::TooLow
        | Code::TooManyKeys
        | Code::WithoutReserve => FindingKind::Roster,
    }
}

fn roster_detail(code: Code, signer: &str) -> String {
    match code {
        Code::WrongSale => {
            format!("{signer} signed this for another line 0: for other terms, or another sale")
        }
        Code::NotEnrolled => format!("the key is not enrolled under the name {signer} before it"),
        code => format!("what {signer} signed should have been refused: {code}"),
    }
}
