//! What pages ask, and what is done about it.
//!
//! Nothing is signed but what is named in full: a lot with an amount, or an act with its lot and,
//! where it sells or voids, the bid that was on the screen. Nothing waits here for a connection:
//! what cannot be sent now is answered "not sent", and stays so.

use super::{Desk, Told};
use crate::auction::act::Deed;
use crate::auction::lot::Lot;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Role, Title};
use crate::auction::refusal::Code;
use crate::client::{SessionError, is_startling};
use crate::clock::Stopwatch;
use crate::limits::{WEB_HELD_MAX, WEB_ORDER_AGE_MAX, WEB_OWN_MAX};
use crate::record::Order;
use crate::time::Span;
use crate::web::own::{State, What};
use crate::web::says::{Asks, Id, Verb};
use crate::wire::message::advice;

/// A bid far over the ask that waits for its yes. There is one at a time.
pub(super) struct Held {
    id: Id,
    key: u64,
    lot: LotId,
    amount: Amount,
    since: Stopwatch,
}

/// Why nothing was signed.
#[derive(Debug)]
struct NotSent {
    code: &'static str,
    text: String,
}

impl NotSent {
    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    fn by(code: Code) -> Self {
        Self::new(code.as_str(), advice(code))
    }
}

impl From<SessionError> for NotSent {
    fn from(error: SessionError) -> Self {
        let code = match error {
            SessionError::Offline => "offline",
            SessionError::NotEnrolled { .. } => "not-enrolled",
            _ => "not-signed",
        };
        Self::new(code, super::whole(&error))
    }
}

impl Desk {
    pub(super) async fn obey(&mut self, page: u64, asks: Asks, since: Stopwatch) {
        match asks {
            Asks::Bid { id, lot, amount } => self.obey_bid(id, lot, amount, since).await,
            Asks::Confirm { id } => self.confirm(&id).await,
            Asks::Cancel { id } => self.cancel(&id),
            Asks::Act { id, verb, lot, seen, text } => {
                if self.is_new(&id) {
                    self.obey_act(id, Wish { verb, lot, seen, text }, since).await;
                }
            }
            Asks::Time { ask } => {
                let official = self.session.official_now().unix_ms();
                self.tell_one(page, &Told::Time { ask, official });
            }
            Asks::Steps { lot } => self.show_steps(page, &lot),
            Asks::Receipt { seq } => {
                let text = self.session.receipt(seq).ok().flatten();
                self.tell_one(page, &Told::Receipt { seq, text });
            }
        }
    }

    fn show_steps(&mut self, page: u64, lot: &str) {
        let steps = LotId::parse(lot).ok().and_then(|id| self.steps.get(&id)).cloned();
        let steps = steps.unwrap_or_default();
        self.tell_one(page, &Told::Steps { lot, steps: steps.iter().collect() });
    }

    /// Whether an id is new. A page that comes back asks for what it does not know the end of:
    /// that is told again, and never done again.
    fn is_new(&mut self, id: &Id) -> bool {
        match self.own.of_page(id).cloned() {
            Some(own) => {
                self.tell(&Told::Own { own: &own });
                false
            }
            None => true,
        }
    }

    /// Whether anything can be signed and sent at this moment.
    fn check_ready(&self, id: &Id, since: &Stopwatch) -> Result<(), NotSent> {
        if self.withdrawn.contains(id) {
            return Err(NotSent::new("stale", "The page has said that it was not sent."));
        }
        if self.fault.is_some() || !self.session.is_connected() {
            return Err(NotSent::new("offline", "There is no connection to the house."));
        }
        if self.reporter.is_none() {
            return Err(NotSent::new("checking", "The ledger is still being checked."));
        }
        if is_older(since, WEB_ORDER_AGE_MAX) {
            return Err(NotSent::new("stale", "It waited too long here to be signed."));
        }
        if !self.session.is_enrolled() {
            return Err(NotSent::by(Code::NotEnrolled));
        }
        Ok(())
    }

    fn put_down(&mut self, key: u64, why: NotSent) {
        self.change(key, |own| {
            own.state = State::NotSent;
            (own.code, own.text) = (Some(why.code), Some(why.text));
        });
    }

    // ---- Bids ----

    async fn obey_bid(&mut self, id: Id, lot: String, amount: u64, since: Stopwatch) {
        if !self.is_new(&id) {
            return;
        }
        let judged = self.judge_bid(&id, &lot, amount, &since);
        let at = self.session.official_now().unix_ms();
        let own = self.own.add(Some(id.clone()), What::Bid { lot, amount }, State::NotSent);
        own.at = Some(at);
        let key = own.key;
        match judged {
            Err(why) => self.put_down(key, why),
            Ok((lot, amount, true)) => {
                if let Some(held) = self.held.take() {
                    self.put_down(held.key, not_confirmed());
                }
                self.held = Some(Held { id, key, lot, amount, since: Stopwatch::start() });
                self.change(key, |own| own.state = State::Held);
            }
            Ok((lot, amount, false)) => self.place(key, lot, amount).await,
        }
    }

    /// The bid, and whether it is so high that it must be asked for twice.
    fn judge_bid(
        &self,
        id: &Id,
        lot: &str,
        amount: u64,
        since: &Stopwatch,
    ) -> Result<(LotId, Amount, bool), NotSent> {
        if self.role != Role::Bidder {
            return Err(NotSent::by(Code::Role));
        }
        let amount = Amount::new(amount).ok_or_else(|| NotSent::by(Code::BadAmount))?;
        self.check_ready(id, since)?;
        let lot = self.known_lot(lot)?;
        Ok((lot.terms().id.clone(), amount, is_startling(amount, lot.ask())))
    }

    fn known_lot(&self, lot: &str) -> Result<&Lot, NotSent> {
        let lot = LotId::parse(lot).ok().and_then(|id| self.sale()?.lot(&id));
        lot.ok_or_else(|| NotSent::by(Code::NoSuchLot))
    }

    async fn place(&mut self, key: u64, lot: LotId, amount: Amount) {
        match self.session.send_bid(lot, amount).await {
            Ok(placed) => self.sent(key, placed.n),
            Err(error) => self.put_down(key, error.into()),
        }
    }

    fn sent(&mut self, key: u64, n: u64) {
        self.change(key, |own| (own.state, own.n) = (State::Sending, Some(n)));
    }

    async fn confirm(&mut self, id: &Id) {
        let Some(held) = self.held.take_if(|held| held.id == *id) else { return };
        if is_older(&held.since, WEB_HELD_MAX) {
            return self.put_down(held.key, not_confirmed());
        }
        match self.check_ready(id, &Stopwatch::start()) {
            Ok(()) => self.place(held.key, held.lot, held.amount).await,
            Err(why) => self.put_down(held.key, why),
        }
    }

    /// A page that has lost its line and says that something was not sent is right from then on,
    /// also where the old line still brings it.
    fn cancel(&mut self, id: &Id) {
        if let Some(held) = self.held.take_if(|held| held.id == *id) {
            self.put_down(held.key, not_confirmed());
        } else if self.own.of_page(id).is_none() && !self.withdrawn.contains(id) {
            if self.withdrawn.len() == WEB_OWN_MAX {
                self.withdrawn.pop_front();
            }
            self.withdrawn.push_back(id.clone());
        }
    }

    // ---- Acts of staff ----

    async fn obey_act(&mut self, id: Id, wish: Wish, since: Stopwatch) {
        let what = What::Act { verb: Some(wish.verb), lot: wish.lot.clone() };
        let prepared = self.prepare(&id, wish, &since);
        let at = self.session.official_now().unix_ms();
        let own = self.own.add(Some(id), what, State::NotSent);
        own.at = Some(at);
        let key = own.key;
        let sent = match prepared {
            Ok((deed, reason)) => self.session.send_act(Order::Deed(deed), reason, None).await,
            Err(why) => return self.put_down(key, why),
        };
        match sent {
            Ok(placed) => self.sent(key, placed.n),
            Err(error) => self.put_down(key, error.into()),
        }
    }

    /// The deed with its reason, if it can be signed now.
    fn prepare(
        &self,
        page_id: &Id,
        wish: Wish,
        since: &Stopwatch,
    ) -> Result<(Deed, Option<Title>), NotSent> {
        if !matches!(self.role, Role::Auctioneer | Role::Clerk) {
            return Err(NotSent::by(Code::Role));
        }
        self.check_ready(page_id, since)?;
        let Wish { verb, lot, seen, text } = wish;
        let text = text.map(|text| Title::parse(text.trim())).transpose();
        let text = text.map_err(|error| NotSent::new("bad-text", error.to_string()))?;
        let on = |lot: Option<&str>| self.known_lot(lot.unwrap_or_default());
        let id = |lot: &Lot| lot.terms().id.clone();
        let lot = lot.as_deref();
        Ok(match verb {
            Verb::CloseSale => (Deed::Closing, None),
            Verb::Say => {
                let lot = lot.map(|lot| on(Some(lot))).transpose()?.map(id);
                let text =
                    text.ok_or_else(|| NotSent::new("bad-text", "There is nothing to say."))?;
                (Deed::Say { lot, text }, None)
            }
            Verb::Warn => (self.warning(on(lot)?)?, None),
            Verb::Open => (Deed::Open { lot: id(on(lot)?) }, None),
            Verb::Pause => (Deed::Pause { lot: id(on(lot)?) }, text),
            Verb::Resume => (Deed::Resume { lot: id(on(lot)?) }, None),
            Verb::Void => (Deed::Void { lot: id(on(lot)?), seen }, text),
            Verb::Hammer => {
                let lot = on(lot)?;
                if lot.standing().is_some() && lot.reserve_met() == Some(false) {
                    return Err(NotSent::new("would-pass", WOULD_PASS));
                }
                (Deed::Hammer { lot: id(lot), seen }, None)
            }
            Verb::Pass => {
                let lot = on(lot)?;
                if lot.standing().is_some() && lot.reserve_met() != Some(false) {
                    return Err(NotSent::new("would-sell", WOULD_SELL));
                }
                (Deed::Hammer { lot: id(lot), seen }, None)
            }
        })
    }

    /// Fair warning is something said; the ledger has it in words, the same as `gavel control`'s.
    fn warning(&self, lot: &Lot) -> Result<Deed, NotSent> {
        let said = match lot.price() {
            Some(price) => format!("Fair warning at {}.", self.currency.display(price)),
            None => "Fair warning: there is no bid.".to_owned(),
        };
        let text = Title::parse(&said).map_err(|_| NotSent::new("bad-text", said))?;
        Ok(Deed::Say { lot: Some(lot.terms().id.clone()), text })
    }
}

/// An act as a page asks for it.
struct Wish {
    verb: Verb,
    lot: Option<String>,
    seen: Option<u64>,
    text: Option<String>,
}

const WOULD_PASS: &str = "The reserve is not met, so nobody would win it: pass the lot instead.";
const WOULD_SELL: &str = "A bid stands that would be sold: hammer the lot, or void the bid first.";

fn not_confirmed() -> NotSent {
    NotSent::new("not-confirmed", "It was far over the ask, and nobody said that it was meant.")
}

fn is_older(since: &Stopwatch, span: Span) -> bool {
    since.elapsed_us() / 1_000 > span.ms()
}
