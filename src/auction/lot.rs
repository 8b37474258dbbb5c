//! One English (ascending) lot: who may bid how much, and when it ends
//! (RULES 4, 6).
//!
//! It knows nothing of the other lots, nor whether something is overdue: the
//! [`Sale`](super::Sale) sees to that before it asks here.

use std::sync::Arc;

use super::catalogue::{LotTerms, Seller, Timer};
use super::event::{Bid, Outcome, UnsoldReason};
use super::money::Amount;
use super::name::{Name, Role};
use super::refusal::Refusal;
use crate::time::{Span, Timestamp};

/// The bid that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct High {
    /// Who leads.
    pub bidder: Name,
    /// The price.
    pub price: Amount,
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
    /// It has not opened yet.
    Pending,
}

/// What time does to a lot next. Openings come before closings of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Open,
    Close,
}

/// A lot in the course of the sale.
#[derive(Clone, Debug)]
pub struct Lot {
    terms: Arc<LotTerms>,
    state: LotState,
    /// When time opens it; an outage may move that. `None`: no time does.
    opening: Option<Timestamp>,
    opened_at: Option<Timestamp>,
    scheduled_end: Option<Timestamp>,
    hard_end: Option<Timestamp>,
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

    /// The bid that stands, or that won.
    pub fn high(&self) -> Option<High> {
        match &self.state {
            LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
                Some(High { bidder: to.clone(), price: *hammer_price })
            }
            LotState::Open { high, .. } => high.clone(),
            LotState::Closed { outcome: Outcome::Unsold(_), .. } | LotState::Pending => None,
        }
    }

    /// The price that stands, or the hammer price.
    pub fn price(&self) -> Option<Amount> {
        match &self.state {
            LotState::Closed { outcome: Outcome::Sold { hammer_price, .. }, .. } => {
                Some(*hammer_price)
            }
            LotState::Open { high, .. } => high.as_ref().map(|high| high.price),
            LotState::Closed { outcome: Outcome::Unsold(_), .. } | LotState::Pending => None,
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
            LotState::Closed { .. } | LotState::Pending => None,
        }
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
            LotState::Pending => return Err(Refusal::NotOpen),
        };
        if self.terms.seller.as_ref().is_some_and(|seller| seller.is(&bid.bidder)) {
            return Err(Refusal::Seller);
        }
        if high.as_ref().is_some_and(|high| high.bidder == bid.bidder) {
            return Err(Refusal::AlreadyLeading);
        }
        if self.reachable_ask().is_none_or(|ask| bid.amount < ask) {
            return Err(Refusal::TooLow { least: self.ask() });
        }
        Ok(self.end_before_extension(at).map(|end| self.extended(at, end)))
    }

    /// The end at its opening.
    pub(super) fn end_at_opening(&self, at: Timestamp) -> Option<Timestamp> {
        self.scheduled_end.map(|end| end.max(at))
    }

    /// How it would end now.
    pub(super) fn outcome(&self) -> Outcome {
        match self.high() {
            Some(High { bidder, price }) => Outcome::Sold { to: bidder, hammer_price: price },
            None => Outcome::Unsold(UnsoldReason::NoBids),
        }
    }

    /// What time does to it next, and when; `sale_end` closes it while it has no bid.
    pub(super) fn next(&self, sale_end: Option<Timestamp>) -> Option<(Timestamp, Turn)> {
        let opening = self.opening.map(|at| (at, Turn::Open));
        let sale_closing = sale_end.map(|at| (at, Turn::Close));
        let ending = self.ends_at().map(|at| (at, Turn::Close));
        match &self.state {
            LotState::Closed { .. } => None,
            LotState::Open { high: Some(_), .. } => ending,
            LotState::Open { high: None, .. } => ending.into_iter().chain(sale_closing).min(),
            LotState::Pending => opening.into_iter().chain(sale_closing).min(),
        }
    }

    /// Takes an opening in.
    pub(super) fn open(&mut self, at: Timestamp, ends_at: Option<Timestamp>) {
        self.opened_at = Some(at);
        self.state = LotState::Open { ends_at, high: None };
    }

    /// Takes an accepted bid in.
    pub(super) fn stand(&mut self, at: Timestamp, bid: &Bid, ends_at: Option<Timestamp>) {
        let before = self.end_before_extension(at);
        if ends_at > before {
            self.extensions += 1;
        }
        self.scheduled_end = self.scheduled_end.or(before);
        self.bids_accepted += 1;
        let high = Some(High { bidder: bid.bidder.clone(), price: bid.amount });
        self.state = LotState::Open { ends_at, high };
    }

    /// Takes its closing in.
    pub(super) fn close(&mut self, at: Timestamp, outcome: Outcome) {
        self.state = LotState::Closed { outcome, at };
    }

    /// Gives back the time for which the server was away (RULES 8).
    pub(super) fn keep_time(&mut self, away: Span, to: Timestamp, least_end: Timestamp) {
        let later = |time: &mut Option<Timestamp>| *time = time.map(|time| time.plus(away));
        match &mut self.state {
            LotState::Closed { .. } => {}
            LotState::Open { ends_at, .. } => {
                later(ends_at);
                *ends_at = ends_at.map(|end| end.max(least_end));
                later(&mut self.hard_end);
            }
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
    /// Whether the seller is that bidder; a free text is nobody.
    fn is(&self, bidder: &Name) -> bool {
        match self {
            Self::Person(name) => name == bidder,
            Self::Text(_) => false,
        }
    }
}

impl Role {
    /// Only bidders bid (RULES 4).
    pub(super) const fn may_bid(self) -> bool {
        match self {
            Self::Bidder => true,
            Self::Auctioneer | Self::Auditor | Self::Clerk | Self::Observer => false,
        }
    }
}
