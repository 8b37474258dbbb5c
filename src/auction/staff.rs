//! What staff may do to a lot, and what it makes of it (RULES 5, 7).
//!
//! The sale has judged the role, the reason and whether the lot exists; here the
//! lot's state comes first, then the act's own conditions (RULES 7, last point).

use super::act::{Deed, Effect, Word};
use super::catalogue::VoidPolicy;
use super::lot::{High, Lot, LotState};
use super::refusal::{Refusal, ReserveFault, Unfit};
use super::reserve::{Commitment, Promise, ReserveOpening};
use crate::limits::RESERVES_PER_LOT_MAX;
use crate::time::{Span, Timestamp};

impl Lot {
    /// Says what an act on this lot leads to.
    pub(super) fn judge_act(
        &self,
        at: Timestamp,
        deed: &Deed,
        word: Word,
        policy: VoidPolicy,
    ) -> Result<Effect, Unfit> {
        self.check_state(deed)?;
        match (deed, word) {
            (Deed::Extend { ends_at, .. }, Word::Nothing) => self.judge_extend(at, *ends_at),
            (Deed::Hammer { seen, .. }, word) => {
                self.check_seen(*seen)?;
                let reserves = self.opened_by(word)?;
                Ok(Effect::Hammered { outcome: self.outcome(), reserves })
            }
            (Deed::Open { .. }, Word::Nothing) => {
                Ok(Effect::Opened { ends_at: self.end_at_opening(at) })
            }
            (Deed::Pause { .. }, Word::Nothing) => {
                Ok(Effect::Paused { left: self.ends_at().map(|end| end.since(at)) })
            }
            (Deed::Reserve { .. }, word) => self.judge_reserve(word),
            (Deed::Resume { .. }, Word::Nothing) => {
                Ok(Effect::Resumed { ends_at: self.end_if_resumed(at) })
            }
            (Deed::Say { .. }, Word::Nothing) => Ok(Effect::Said),
            (Deed::Void { seen, .. }, word) => self.judge_void(at, *seen, word, policy),
            (Deed::Withdraw { .. }, word) => {
                if self.terms.without_reserve && self.standing().is_some() {
                    return Err(Refusal::WithoutReserve.into());
                }
                Ok(Effect::Withdrawn { reserves: self.opened_by(word)? })
            }
            (
                Deed::Closing
                | Deed::Extend { .. }
                | Deed::Open { .. }
                | Deed::Pause { .. }
                | Deed::Reissue { .. }
                | Deed::Resume { .. }
                | Deed::Say { .. },
                _,
            ) => Err(ReserveFault::Unasked.into()),
        }
    }

    /// Which states an act is for.
    fn check_state(&self, deed: &Deed) -> Result<(), Refusal> {
        match (deed, &self.state) {
            (Deed::Open { .. }, LotState::Pending)
            | (Deed::Resume { .. }, LotState::Paused { .. })
            | (Deed::Hammer { .. } | Deed::Pause { .. }, LotState::Open { .. })
            | (
                Deed::Extend { .. } | Deed::Void { .. },
                LotState::Open { .. } | LotState::Paused { .. },
            )
            | (
                Deed::Reserve { .. } | Deed::Withdraw { .. },
                LotState::Open { .. } | LotState::Paused { .. } | LotState::Pending,
            )
            | (Deed::Closing | Deed::Reissue { .. } | Deed::Say { .. }, _) => Ok(()),
            (Deed::Open { .. }, _) => Err(Refusal::NotPending),
            (Deed::Resume { .. }, _) => Err(Refusal::NotPaused),
            (_, LotState::Closed { .. }) => Err(Refusal::Closed),
            (_, LotState::Paused { .. }) => Err(Refusal::Paused),
            (_, LotState::Pending) => Err(Refusal::NotOpen),
        }
    }

    /// An act on a bid names the one that it saw: if another stands, nothing happens.
    fn check_seen(&self, seen: Option<u64>) -> Result<(), Refusal> {
        if seen == self.standing().map(|high| high.seq) { Ok(()) } else { Err(Refusal::BidIn) }
    }

    fn opened_by(&self, word: Word) -> Result<Vec<ReserveOpening>, Unfit> {
        let Word::Openings(openings) = word else {
            let commitments = self.promises.len();
            return Err(ReserveFault::Unopened { openings: 0, commitments }.into());
        };
        self.check_openings(&openings)?;
        Ok(openings)
    }

    fn judge_extend(&self, at: Timestamp, ends_at: Timestamp) -> Result<Effect, Unfit> {
        let stands = self.end_if_resumed(at).unwrap_or(at);
        if ends_at > stands.max(at) { Ok(Effect::Extended) } else { Err(Refusal::NotLater.into()) }
    }

    fn judge_reserve(&self, word: Word) -> Result<Effect, Unfit> {
        let room = (1..RESERVES_PER_LOT_MAX).contains(&self.promises.len());
        match word {
            Word::Met(met) if room => {
                // Nothing was said of the new commitment yet: only whether something is said counts.
                if met.is_some() != self.standing().is_some() {
                    return Err(ReserveFault::Unsaid.into());
                }
                Ok(Effect::ReserveLowered { reserve_met: met })
            }
            Word::Met(_) | Word::NotLowered => Err(Refusal::ReserveNotLowered.into()),
            Word::Nothing | Word::Openings(_) if !room => Err(Refusal::ReserveNotLowered.into()),
            Word::Nothing | Word::Openings(_) => Err(ReserveFault::Unsaid.into()),
        }
    }

    fn judge_void(
        &self,
        at: Timestamp,
        seen: Option<u64>,
        word: Word,
        policy: VoidPolicy,
    ) -> Result<Effect, Unfit> {
        if self.standing().is_none() {
            return Err(Refusal::NoBid.into());
        }
        self.check_seen(seen)?;
        let under = self.standing_after_void(policy)?;
        let reserve_met = match word {
            Word::Met(met) => met,
            Word::Nothing | Word::NotLowered | Word::Openings(_) => None,
        };
        self.check_flag(under.map(|high| high.price), reserve_met)?;
        Ok(Effect::Voided {
            standing: under.map(|high| high.seq),
            ends_at: self.end_after_void(at),
            reserve_met,
        })
    }

    /// The bid that would stand if the one that stands were voided.
    ///
    /// # Errors
    /// [`Refusal::NoBid`] where that bid is no longer kept: so many in a row cannot be voided.
    pub fn standing_after_void(&self, policy: VoidPolicy) -> Result<Option<&High>, Refusal> {
        match (policy, self.under.back()) {
            (VoidPolicy::Reopen, _) => Ok(None),
            (VoidPolicy::Reinstate, None) if self.forgot => Err(Refusal::NoBid),
            (VoidPolicy::Reinstate, under) => Ok(under),
        }
    }

    /// The end as after a bid at `at`, whatever the window; of a paused lot the one that
    /// it would have if it went on now.
    fn end_after_void(&self, at: Timestamp) -> Option<Timestamp> {
        let end = self.end_if_resumed(at)?;
        let wished = at.plus(self.terms.soft_extend);
        let hard_end = self.hard_end.map(|hard_end| hard_end.plus(self.paused_for(at)));
        Some(end.max(hard_end.map_or(wished, |hard_end| wished.min(hard_end))))
    }

    /// The end, as if a paused lot went on now.
    pub(super) fn end_if_resumed(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.state {
            LotState::Open { ends_at, .. } => *ends_at,
            LotState::Paused { left, .. } => left.map(|left| at.plus(left)),
            LotState::Closed { .. } | LotState::Pending => None,
        }
    }

    fn paused_for(&self, at: Timestamp) -> Span {
        match &self.state {
            LotState::Paused { since, .. } => at.since(*since),
            LotState::Closed { .. } | LotState::Open { .. } | LotState::Pending => Span::ZERO,
        }
    }

    // ---- What happened ----

    /// Takes an act on this lot in.
    pub(super) fn take_act(
        &mut self,
        at: Timestamp,
        deed: &Deed,
        effect: &Effect,
        policy: VoidPolicy,
    ) {
        match (deed, effect) {
            (_, Effect::Hammered { outcome, reserves }) => {
                self.close(at, outcome.clone(), reserves);
            }
            (_, Effect::Withdrawn { reserves }) => {
                self.close(at, super::event::Outcome::Withdrawn, reserves);
            }
            (_, Effect::Opened { ends_at }) => self.open(at, *ends_at),
            (_, Effect::Paused { left }) => {
                let high = self.standing().cloned();
                self.state = LotState::Paused { since: at, left: *left, high };
            }
            (_, Effect::Resumed { ends_at }) => self.resume(at, *ends_at),
            (Deed::Extend { ends_at, .. }, Effect::Extended) => self.end_at(at, Some(*ends_at)),
            (_, Effect::Voided { ends_at, reserve_met, .. }) => {
                self.void(at, *ends_at, *reserve_met, policy);
            }
            (Deed::Reserve { commitment, .. }, Effect::ReserveLowered { reserve_met }) => {
                self.lower_reserve(*commitment, *reserve_met);
            }
            (
                _,
                Effect::Closing
                | Effect::Extended
                | Effect::ReserveLowered { .. }
                | Effect::Reissued
                | Effect::Said,
            ) => {}
        }
    }

    /// Opens a paused lot again; its hard end moves by the pause.
    pub(super) fn resume(&mut self, at: Timestamp, ends_at: Option<Timestamp>) {
        let paused = self.paused_for(at);
        self.hard_end = self.hard_end.map(|hard_end| hard_end.plus(paused));
        self.resumes_at = None;
        let high = self.standing().cloned();
        self.state = LotState::Open { ends_at, high };
    }

    /// Sets the end; of a paused lot the time that is left until then.
    fn end_at(&mut self, at: Timestamp, end: Option<Timestamp>) {
        match &mut self.state {
            LotState::Open { ends_at, .. } => *ends_at = end,
            LotState::Paused { left, .. } => *left = end.map(|end| end.since(at)),
            LotState::Closed { .. } | LotState::Pending => {}
        }
    }

    fn void(
        &mut self,
        at: Timestamp,
        ends_at: Option<Timestamp>,
        reserve_met: Option<bool>,
        policy: VoidPolicy,
    ) {
        let under = match policy {
            VoidPolicy::Reinstate => self.under.pop_back(),
            VoidPolicy::Reopen => {
                self.under.clear();
                self.forgot = false;
                None
            }
        };
        if under.is_none() {
            self.bare_since = at;
        }
        self.say(under.as_ref().map(|high| high.price), reserve_met);
        self.end_at(at, ends_at);
        self.set_standing(under);
    }

    fn set_standing(&mut self, standing: Option<High>) {
        match &mut self.state {
            LotState::Open { high, .. } | LotState::Paused { high, .. } => *high = standing,
            LotState::Closed { .. } | LotState::Pending => {}
        }
    }

    fn lower_reserve(&mut self, commitment: Commitment, reserve_met: Option<bool>) {
        self.promises.push(Promise::new(commitment));
        self.say(self.price(), reserve_met);
    }
}
