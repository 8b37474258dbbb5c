//! What staff do to a sale (RULES 7): the role, the reason and the lot are judged
//! here, then the lot itself or, for what concerns no lot, the sale.

use super::Sale;
use crate::auction::act::{Act, Deed, Effect, Word};
use crate::auction::event::Happening;
use crate::auction::lot::LotState;
use crate::auction::refusal::{Refusal, ReserveFault, Unfit};
use crate::time::Timestamp;

impl Sale {
    pub(super) fn decide_act(
        &self,
        at: Timestamp,
        act: Act,
        word: Word,
    ) -> Result<Happening, Unfit> {
        if !act.deed.is_for(act.role) {
            return Err(Refusal::Role.into());
        }
        if act.deed.needs_reason() && act.reason.is_none() {
            return Err(Refusal::NoReason.into());
        }
        let effect = match act.deed.lot() {
            Some(id) => {
                let lot = self.lot(id).ok_or(Refusal::NoSuchLot)?;
                self.check_sale_is_open(&act.deed)?;
                lot.judge_act(at, &act.deed, word, self.catalogue.terms().void_policy)?
            }
            None => {
                self.check_sale_is_open(&act.deed)?;
                self.judge_sale_act(&act.deed, &word)?
            }
        };
        Ok(Happening::Acted { act, effect })
    }

    /// After the close nothing is entered; acts on lots are refused by their lots' state.
    const fn check_sale_is_open(&self, deed: &Deed) -> Result<(), Refusal> {
        match deed {
            Deed::Closing | Deed::Reissue { .. } | Deed::Say { .. } if self.closed => {
                Err(Refusal::Closed)
            }
            _ => Ok(()),
        }
    }

    fn judge_sale_act(&self, deed: &Deed, word: &Word) -> Result<Effect, Unfit> {
        let effect = match deed {
            Deed::Closing if self.lots.iter().any(|lot| is_open_for_the_hammer(lot.state())) => {
                return Err(Refusal::OpenLots.into());
            }
            Deed::Closing => Effect::Closing,
            Deed::Reissue { .. } => Effect::Reissued,
            Deed::Say { .. } => Effect::Said,
            Deed::Extend { .. }
            | Deed::Hammer { .. }
            | Deed::Open { .. }
            | Deed::Pause { .. }
            | Deed::Reserve { .. }
            | Deed::Resume { .. }
            | Deed::Void { .. }
            | Deed::Withdraw { .. } => return Err(Refusal::NoSuchLot.into()),
        };
        match word {
            Word::Nothing => Ok(effect),
            Word::Met(_) | Word::NotLowered | Word::Openings(_) => {
                Err(ReserveFault::Unasked.into())
            }
        }
    }

    pub(super) fn apply_act(&mut self, at: Timestamp, act: &Act, effect: &Effect) {
        if let Effect::Closing = effect {
            return self.apply_closing(at);
        }
        let policy = self.catalogue.terms().void_policy;
        match act.deed.lot().cloned() {
            // What is said about a closed lot changes nothing of it.
            Some(_) if matches!(effect, Effect::Said) => {}
            Some(id) => self.change(&id, |lot| lot.take_act(at, &act.deed, effect, policy)),
            None => {}
        }
    }

    /// Lots without a bid fall due now, and paused ones with a bid go on; timers run on.
    fn apply_closing(&mut self, at: Timestamp) {
        self.sale_end = Some(at);
        for lot in &mut self.lots {
            lot.bare_since = lot.bare_since.min(at);
            if matches!(lot.state, LotState::Paused { high: Some(_), .. }) {
                lot.resumes_at = Some(at);
            }
        }
        self.rewrite_agenda();
    }
}

/// Whether a bid stands on it and no time will ever close it (RULES 7, CLOSE SALE).
const fn is_open_for_the_hammer(state: &LotState) -> bool {
    matches!(state, LotState::Open { ends_at: None, high: Some(_) })
}
