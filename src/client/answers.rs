//! The answers to what a session asked: receipts, refusals, lots, the end of a
//! batch of lines.

use super::bidding::{BidAnswer, check_enrolment_receipt, check_sent_receipt};
use super::fault::SessionError;
use super::hearing::{accuse, protocol};
use super::session::{Happened, Sent, Session};
use crate::auction::refusal::Code;
use crate::limits::BUSY_RETRIES_MAX;
use crate::wire::json::{Answer, RequestId};

impl Session {
    /// Hears what became of a bid or an act.
    pub(super) fn hear_outcome(
        &mut self,
        mut sent: Sent,
        answer: Answer,
        message: String,
    ) -> Result<(), SessionError> {
        let (placed, n) = (sent.placed(), sent.n());
        let answer = match answer {
            Answer::Entered { receipt } => {
                BidAnswer::Landed { seq: self.take_receipt(&sent, &receipt)? }
            }
            Answer::Refused { code: Code::Busy, .. } => {
                sent.busy += 1;
                let again = sent.busy <= BUSY_RETRIES_MAX;
                self.unsettled.insert(n, sent);
                if again {
                    self.link.retry_soon();
                    return Ok(());
                }
                self.ready.push_back(placed.answered(BidAnswer::Unknown));
                return Ok(());
            }
            Answer::Refused { code, ask, .. } => BidAnswer::Refused { code, message, ask },
            _ => {
                return Err(protocol(
                    "an answer to a bid or act that is neither receipt nor refusal",
                ));
            }
        };
        self.place_mut().memory.settle_unanswered(&sent.signed)?;
        self.ready.push_back(placed.answered(answer));
        Ok(())
    }

    /// Checks and keeps the receipt for a bid or an act, and gives its line. What does not
    /// stand is kept as evidence with what was signed, which stays unanswered: nothing proves
    /// that it landed.
    fn take_receipt(&mut self, sent: &Sent, receipt: &str) -> Result<u64, SessionError> {
        let place = self.place_mut();
        let proven = match check_sent_receipt(&place.sale, receipt, &sent.signed) {
            Ok(proven) => proven,
            Err(fault) => {
                let signed = String::from_utf8(sent.signed.to_kept()).unwrap_or_default();
                let files = [("receipt.tlog-proof", receipt), ("signed.json", &signed)];
                let evidence = place.memory.keep_evidence(&files)?;
                return Err(SessionError::Receipt { fault, evidence });
            }
        };
        let seq = proven.seq;
        place.keep_receipt(proven, receipt).map_err(|fault| accuse(place, fault))?;
        Ok(seq)
    }

    pub(super) fn hear_enrol_answer(
        &mut self,
        answer: Answer,
        message: String,
    ) -> Result<(), SessionError> {
        match answer {
            Answer::Entered { receipt } => self.take_enrolment_receipt(&receipt),
            Answer::Refused { code: Code::Busy | Code::SlowDown, .. } => {
                self.enrol_again = true;
                self.link.retry_soon();
                Ok(())
            }
            Answer::Refused { code, .. } => Err(SessionError::NotEnrolled { code, message }),
            _ => Err(protocol("an answer to an enrolment that is neither receipt nor refusal")),
        }
    }

    fn take_enrolment_receipt(&mut self, receipt: &str) -> Result<(), SessionError> {
        let identity = &self.caller.credential().identity;
        let Some(place) = &mut self.place else { return Ok(()) };
        let Some(pen) = &mut place.pen else { return Ok(()) };
        let proven = check_enrolment_receipt(&place.sale, receipt, &pen.bid_key(), identity);
        let proven = match proven {
            Ok(proven) => proven,
            Err(fault) => {
                let evidence = place.memory.keep_evidence(&[("receipt.tlog-proof", receipt)])?;
                return Err(SessionError::Receipt { fault, evidence });
            }
        };
        pen.enrolled = true;
        place.keep_receipt(proven, receipt).map_err(|fault| accuse(place, fault))?;
        self.ready.push_back(Happened::Enrolled);
        Ok(())
    }

    pub(super) fn hear_lots(
        &mut self,
        id: RequestId,
        answer: Answer,
        message: String,
    ) -> Result<(), SessionError> {
        self.ready.push_back(match answer {
            Answer::Lots { lots, more } => Happened::Lots { id, lots, more },
            Answer::Refused { code, .. } => Happened::Refused { id: Some(id), code, message },
            _ => return Err(protocol("an answer to a question that is none")),
        });
        Ok(())
    }

    pub(super) fn hear_sent(&mut self, answer: &Answer) -> Result<(), SessionError> {
        let (next, note) = match answer {
            Answer::Sent { next, note } => (*next, note),
            Answer::Refused { code: Code::Busy | Code::SlowDown, .. } => {
                self.link.retry_soon();
                return Ok(());
            }
            _ => return Err(protocol("an answer to since that is none")),
        };
        let Some(place) = &mut self.place else { return Ok(()) };
        let signed = place.sale.checkpoint(note)?;
        place.note_signed(signed).map_err(|fault| accuse(place, fault))?;
        if place.missing_before(next).is_some() {
            return Err(protocol("fewer lines than it says"));
        }
        if let Some(gap) = place.gap() {
            return self.ask_since(gap);
        }
        if !std::mem::replace(&mut self.caught_up, true) {
            let size = place.follower().map_or(next, |follower| follower.next());
            self.ready.push_back(Happened::CaughtUp { size });
        }
        Ok(())
    }
}
