//! One English (ascending) lot: who may bid how much, and when it ends
//! (RULES 4, 5, 6). What staff may do to it is in `staff.rs`.
//!
//! It knows nothing of the other lots, nor whether something is overdue: the
//! [`Sale`](super::Sale) sees to that before it asks here.

use std::collections::VecDeque;
use std::sync::Arc;

use super::catalogue::{LotTerms, Seller, Timer};
use super::event::{Bid, By, Outcome, UnsoldReason};
use super::money::Amount;
use super::name::{Party, Role};
use super::refusal::{Refusal, ReserveFault};
use super::reserve::{Promise, ReserveOpening};
use crate::limits::STANDING_BIDS_MAX;
use crate::time::{Span, Timestamp};

/// The bid that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct High {
    /// Who leads.
    pub bidder: Party,
    /// The price.
    pub price: Amount,
    /// The number of the bid's entry.
    pub seq: u64,
}

/// Where a lot stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LotState {
    /// It has ended.
    Closed {
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
    /// Bids are taken.
    Open {
        /// Its end, if it has one yet.
        ends_at: Option<Timestamp>,
        /// The bid that stands.
        high: Option<High>,
    },
    /// No bids are taken until staff resume it; its time stands still.
    Paused {
        /// Since when.
        since: Timestamp,
        /// The time that is left, if it has an end.
        left: Option<Span>,
        /// The bid that stands.
        high: Option<High>,
    },
    /// It has not opened yet.
    Pending,
}

/// What time does to a lot next. Openings come before closings of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Open,
    Resume,
    Close,
}

/// A lot in the course of the sale.
#[derive(Clone, Debug)]
pub struct Lot {
    pub(super) terms: Arc<LotTerms>,
    pub(super) state: LotState,
    /// When time opens it; an outage may move that. `None`: no time does.
    opening: Option<Timestamp>,
    opened_at: Option<Timestamp>,
    scheduled_end: Option<Timestamp>,
    pub(super) hard_end: Option<Timestamp>,
    /// When the close of the sale by staff resumes it.
    pub(super) resumes_at: Option<Timestamp>,
    /// Since when no bid stands, after a void: the sale's end may have passed before. An
    /// outage moves it like any end that it covers.
    pub(super) bare_since: Timestamp,
    /// The bids under the one that stands, for voids: the newest last.
    pub(super) under: VecDeque<High>,
    /// Whether there were more of them than are kept.
    pub(super) forgot: bool,
    /// What the house has said of the hidden reserve, by commitment; the last is in force.
    pub(super) promises: Vec<Promise>,
    /// Whether the price that stands meets the reserve in force, where it has one.
    pub(super) reserve_met: Option<bool>,
    revealed: Vec<Amount>,
    bids_accepted: u64,
    extensions: u64,
}

impl Lot {
    /// A pending lot of a sale that opens its lots at `sale_opening`.
    pub(super) fn new(terms: Arc<LotTerms>, sale_opening: Timestamp) -> Self {
        let (opening, scheduled_end) = match terms.timer {
            Timer::FirstBid { .. } => (Some(sale_opening), None),
            Timer::Manual => (None, None),
            Timer::Schedule { opens_at, ends_at } => {
                (opens_at.max(Some(sale_opening)), Some(ends_at))
            }
        };
        Self {
            state: LotState::Pending,
            opening,
            opened_at: None,
            scheduled_end,
            hard_end: terms.hard_end,
            resumes_at: None,
            bare_since: Timestamp::ZERO,
            under: VecDeque::new(),
            forgot: false,
            promises: terms.reserve_commit.into_iter().map(Promise::new).collect(),
            reserve_met: None,
            revealed: Vec::new(),
            bids_accepted: 0,
            extensions: 0,
            terms,
        }
    }

    /// The lot as it was offered.
    pub fn terms(&self) -> &LotTerms {
        &self.terms
    }

    /// Where it stands.
    pub const fn state(&self) -> &LotState {
        &self.state
    }

    /// The bid that stands; none once the lot has closed.
    pub const fn standing(&self) -> Option<&High> {
        match &self.state {
            LotState::Open { high, .. } | LotState::Paused { high, .. } => high.as_ref(),
            LotState::Closed { .. } | LotState::Pending => None,
        }
    }

    /// Who leads, or has won.
    pub const fn leader(&self) -> Option<&Party> {
        match &self.state {
            LotState::Closed { outcome: Outcome::Sold { to, .. }, .. } => Some(to),
            LotState::Open { high: Some(high), .. } | LotState::Paused { high: Some(high), .. } => {
                Some(&high.bidder)
            }
            LotState::Closed { .. }
            | LotState::Open { high: None, .. }
            | LotState::Paused { high: None, .. }
            | LotState::Pending => None,
        }
    }

    /// The price that stands, or the hammer price.
    pub fn price(&self) -> Option<Amount> {
        match &self.state {
            LotState::Closed { outcome: Outcome::Sold { hammer_price, .. }, .. } => {
                Some(*hammer_price)
            }
            LotState::Closed { .. }
            | LotState::Open { .. }
            | LotState::Paused { .. }
            | LotState::Pending => self.standing().map(|high| high.price),
        }
    }

    /// The least bid that would stand, also where none is taken now. Held at the
    /// greatest amount where the step would lead beyond it; then no bid stands.
    pub fn ask(&self) -> Amount {
        self.reachable_ask().unwrap_or(Amount::MAX)
    }

    /// The end that it has now, if it is open and has one.
    pub const fn ends_at(&self) -> Option<Timestamp> {
        match &self.state {
            LotState::Open { ends_at, .. } => *ends_at,
            LotState::Closed { .. } | LotState::Paused { .. } | LotState::Pending => None,
        }
    }

    /// Whether the price that stands, or stood at the end, meets the hidden reserve;
    /// none for a lot without one, or without a price.
    pub const fn reserve_met(&self) -> Option<bool> {
        self.reserve_met
    }

    /// The reserves in the order in which they were committed to, once they were revealed.
    pub fn revealed_reserves(&self) -> &[Amount] {
        &self.revealed
    }

    /// What was said of its hidden reserve, by commitment in the order in which they were made.
    pub fn promises(&self) -> &[Promise] {
        &self.promises
    }

    /// When it opened.
    pub const fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }

    /// The end that its schedule or its first bid set, before any extension.
    pub const fn scheduled_end(&self) -> Option<Timestamp> {
        self.scheduled_end
    }

    /// How many bids were accepted.
    pub const fn bids_accepted(&self) -> u64 {
        self.bids_accepted
    }

    /// How many of them extended it by the soft close.
    pub const fn extensions(&self) -> u64 {
        self.extensions
    }

    /// Whether a bid may stand, and the lot's end after it. The refusals' order is
    /// LEDGER 3's; the sale has already judged the role and found the lot.
    pub(super) fn judge(&self, at: Timestamp, bid: &Bid) -> Result<Option<Timestamp>, Refusal> {
        let high = match &self.state {
            LotState::Closed { .. } => return Err(Refusal::Closed),
            LotState::Open { high, .. } => high,
            LotState::Paused { .. } => return Err(Refusal::Paused),
            LotState::Pending => return Err(Refusal::NotOpen),
        };
        let party = bid.party();
        if self.terms.seller.as_ref().is_some_and(|seller| seller.is(&party)) {
            return Err(Refusal::Seller);
        }
        // Under the reserve the leader may raise: nobody else may be there to do it.
        let leads = high.as_ref().is_some_and(|high| high.bidder == party);
        if leads && self.reserve_met != Some(false) {
            return Err(Refusal::AlreadyLeading);
        }
        if self.reachable_ask().is_none_or(|ask| bid.amount < ask) {
            return Err(Refusal::TooLow { least: self.ask() });
        }
        Ok(self.end_before_extension(at).map(|end| self.extended(at, end)))
    }

    /// Checks what the house says of the reserve with a price that then stands.
    pub(super) fn check_flag(
        &self,
        price: Option<Amount>,
        met: Option<bool>,
    ) -> Result<(), ReserveFault> {
        match (self.promises.last().zip(price), met) {
            (Some((promise, price)), Some(met)) if promise.can_say(price, met) => Ok(()),
            (Some(_), Some(_)) => Err(ReserveFault::Contradicted),
            (Some(_), None) => Err(ReserveFault::Unsaid),
            (None, Some(_)) => Err(ReserveFault::Unasked),
            (None, None) => Ok(()),
        }
    }

    /// Checks what opens the commitments at the lot's end: one for each, falling, and
    /// true to everything that was said. Their hashes are checked where records are read.
    pub(super) fn check_openings(&self, openings: &[ReserveOpening]) -> Result<(), ReserveFault> {
        let (openings_len, commitments) = (openings.len(), self.promises.len());
        if openings_len != commitments {
            return Err(ReserveFault::Unopened { openings: openings_len, commitments });
        }
        if let Some([_, later]) =
            openings.array_windows().find(|[earlier, later]| earlier.reserve <= later.reserve)
        {
            return Err(ReserveFault::NotFalling { reserve: later.reserve });
        }
        let mut opened = self.promises.iter().zip(openings);
        match opened.find(|(promise, opening)| !promise.is_kept_by(opening.reserve)) {
            Some((_, opening)) => Err(ReserveFault::Broken { reserve: opening.reserve }),
            None => Ok(()),
        }
    }

    /// The end at its opening.
    pub(super) fn end_at_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.scheduled_end.map(|end| end.max(at))
    }

    /// How it would end now.
    pub(super) fn outcome(&self) -> Outcome {
        match self.standing() {
            Some(_) if self.reserve_met == Some(false) => {
                Outcome::Unsold(UnsoldReason::ReserveNotMet)
            }
            Some(High { bidder, price, .. }) => {
                Outcome::Sold { to: bidder.clone(), hammer_price: *price }
            }
            None => Outcome::Unsold(UnsoldReason::NoBids),
        }
    }

    /// What time does to it next, and when; `sale_end` closes it while it has no bid.
    pub(super) fn next(&self, sale_end: Option<Timestamp>) -> Option<(Timestamp, Turn)> {
        let opening = self.opening.map(|at| (at, Turn::Open));
        let sale_closing = sale_end.map(|at| (at.max(self.bare_since), Turn::Close));
        let ending = self.ends_at().map(|at| (at, Turn::Close));
        match &self.state {
            LotState::Closed { .. } => None,
            LotState::Open { high: Some(_), .. } => ending,
            LotState::Open { high: None, .. } => ending.into_iter().chain(sale_closing).min(),
            LotState::Paused { high: Some(_), .. } => self.resumes_at.map(|at| (at, Turn::Resume)),
            LotState::Paused { high: None, .. } => sale_closing,
            LotState::Pending => opening.into_iter().chain(sale_closing).min(),
        }
    }

    /// Takes an opening in.
    pub(super) fn open(&mut self, at: Timestamp, ends_at: Option<Timestamp>) {
        self.opened_at = Some(at);
        self.state = LotState::Open { ends_at, high: None };
    }

    /// Takes an accepted bid in.
    pub(super) fn stand(
        &mut self,
        at: Timestamp,
        high: High,
        ends_at: Option<Timestamp>,
        reserve_met: Option<bool>,
    ) {
        let before = self.end_before_extension(at);
        if ends_at > before {
            self.extensions += 1;
        }
        self.scheduled_end = self.scheduled_end.or(before);
        self.bids_accepted += 1;
        self.say(Some(high.price), reserve_met);
        if let Some(beaten) = self.standing().cloned() {
            if self.under.len() + 1 == STANDING_BIDS_MAX {
                self.under.pop_front();
                self.forgot = true;
            }
            self.under.push_back(beaten);
        }
        self.state = LotState::Open { ends_at, high: Some(high) };
    }

    /// Takes in what the house says of the reserve with the price that now stands.
    pub(super) fn say(&mut self, price: Option<Amount>, met: Option<bool>) {
        self.reserve_met = met;
        if let (Some(promise), Some(price), Some(met)) = (self.promises.last_mut(), price, met) {
            promise.say(price, met);
        }
    }

    /// Takes its closing in.
    pub(super) fn close(&mut self, at: Timestamp, outcome: Outcome, openings: &[ReserveOpening]) {
        self.revealed = openings.iter().map(|opening| opening.reserve).collect();
        self.under = VecDeque::new();
        self.state = LotState::Closed { outcome, at };
    }

    /// Gives back the time for which the server was away (RULES 8). A paused lot's time
    /// stands still anyway; its hard end moves when it goes on.
    pub(super) fn keep_time(&mut self, from: Timestamp, to: Timestamp, least_end: Timestamp) {
        let away = to.since(from);
        if self.bare_since >= from {
            self.bare_since = self.bare_since.plus(away).max(least_end);
        }
        let later = |time: &mut Option<Timestamp>| *time = time.map(|time| time.plus(away));
        match &mut self.state {
            LotState::Closed { .. } => {}
            LotState::Open { ends_at, .. } => {
                later(ends_at);
                *ends_at = ends_at.map(|end| end.max(least_end));
                later(&mut self.hard_end);
            }
            LotState::Paused { .. } => later(&mut self.resumes_at),
            LotState::Pending => {
                if self.opening.is_some_and(|opening| opening <= to) {
                    later(&mut self.opening);
                    later(&mut self.scheduled_end);
                    later(&mut self.hard_end);
                }
            }
        }
    }

    fn reachable_ask(&self) -> Option<Amount> {
        match self.price() {
            Some(price) => price.checked_add(self.terms.increments.step_at(price)),
            None => Some(self.terms.start),
        }
    }

    /// The end that a bid at `at` finds or, as the first, starts.
    fn end_before_extension(&self, at: Timestamp) -> Option<Timestamp> {
        self.ends_at().or(match self.terms.timer {
            Timer::FirstBid { duration } => Some(at.plus(duration)),
            Timer::Manual | Timer::Schedule { .. } => None,
        })
    }

    /// The end after a change of price or leader: the soft close.
    fn extended(&self, at: Timestamp, end: Timestamp) -> Timestamp {
        if end.since(at) > self.terms.soft_window {
            return end;
        }
        let wished = at.plus(self.terms.soft_extend);
        end.max(self.hard_end.map_or(wished, |hard_end| wished.min(hard_end)))
    }
}

impl Seller {
    /// Whether the seller is that bidder; a free text is nobody, and neither is a paddle.
    fn is(&self, bidder: &Party) -> bool {
        match self {
            Self::Person(name) => bidder.is(name),
            Self::Text(_) => false,
        }
    }
}

impl Bid {
    /// Only bidders bid (RULES 4), and only clerks and auctioneers for the room (RULES 7).
    pub(super) const fn is_for(&self, role: Role) -> bool {
        match (&self.by, role) {
            (By::Own(_), Role::Bidder) | (By::Room(_), Role::Auctioneer | Role::Clerk) => true,
            (By::Own(_), Role::Auctioneer | Role::Clerk)
            | (By::Room(_), Role::Bidder)
            | (By::Own(_) | By::Room(_), Role::Auditor | Role::Observer) => false,
        }
    }
}
