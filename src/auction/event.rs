//! What goes into the rules and what comes out of them.
//!
//! An [`Input`] is what somebody or the time asks for. An [`Event`] is what
//! happened: its input and everything that follows from it, so that the auditor
//! can ask the rules again and compare (DESIGN 1).

use super::money::Amount;
use super::name::{LotId, Name, Role};
use crate::time::Timestamp;

/// A bid as the rules see it: who, what role, which lot, how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    /// Who bids: the name in the certificate, and from nowhere else.
    pub bidder: Name,
    /// The role in that certificate.
    pub role: Role,
    /// On which lot. It need not exist.
    pub lot: LotId,
    /// How much, in minor units.
    pub amount: Amount,
}

/// What is asked of the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A bid.
    Bid(Bid),
    /// A lot's opening falls due.
    LotOpen {
        /// Which lot.
        lot: LotId,
    },
    /// A lot's end, or the sale's end for a lot without bids, falls due.
    LotClose {
        /// Which lot.
        lot: LotId,
    },
    /// Nothing was entered for ten seconds while a lot is open (RULES 1.5).
    Tick,
    /// Wall clock and official time have parted (RULES 1.4).
    Clock {
        /// What the wall clock says.
        wall: Timestamp,
        /// Whether the operator accepted it at a start, by `--accept-clock`.
        accepted: bool,
    },
    /// The server was away (RULES 8); `at` is the end of the outage.
    Outage {
        /// The time of the last recovered entry.
        from: Timestamp,
    },
    /// Every lot has closed: the sale closes.
    Close,
}

/// What happened, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The official time.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// What happened, with all that follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A bid stands.
    BidAccepted {
        /// The bid.
        bid: Bid,
        /// The lot's end after this bid, if it has one.
        ends_at: Option<Timestamp>,
    },
    /// A lot opened.
    LotOpened {
        /// Which lot.
        lot: LotId,
        /// Its end, if it has one yet.
        ends_at: Option<Timestamp>,
    },
    /// A lot closed.
    LotClosed {
        /// Which lot.
        lot: LotId,
        /// How.
        outcome: Outcome,
    },
    /// Time passed in silence.
    Ticked,
    /// Wall clock and official time parted.
    ClockNoted {
        /// What the wall clock said.
        wall: Timestamp,
        /// Whether the operator accepted it at a start.
        accepted: bool,
    },
    /// The server came back; open lots keep the time that it was away.
    OutageEnded {
        /// The time of the last entry before it.
        from: Timestamp,
    },
    /// The sale closed.
    SaleClosed(Totals),
}

/// How a lot ended (RULES 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sold to the highest bidder.
    Sold {
        /// The winner.
        to: Name,
        /// At what price.
        hammer_price: Amount,
    },
    /// Nobody has won it.
    Unsold(UnsoldReason),
}

/// Why a lot found no buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsoldReason {
    /// No bid stood at its end.
    NoBids,
}

/// What the whole sale came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Lots sold.
    pub sold: u64,
    /// Lots unsold.
    pub unsold: u64,
    /// Hammer prices together, in minor units; `None` beyond 2^53-1.
    pub hammer_total: Option<u64>,
}

/// Of no lot at all: nothing sold comes to 0.
impl Default for Totals {
    fn default() -> Self {
        Self { sold: 0, unsold: 0, hammer_total: Some(0) }
    }
}

impl Event {
    /// The lot's end after this event, where the event is about one that has an end.
    pub const fn ends_at(&self) -> Option<Timestamp> {
        match &self.what {
            Happening::BidAccepted { ends_at, .. } | Happening::LotOpened { ends_at, .. } => {
                *ends_at
            }
            Happening::ClockNoted { .. }
            | Happening::LotClosed { .. }
            | Happening::OutageEnded { .. }
            | Happening::SaleClosed(_)
            | Happening::Ticked => None,
        }
    }

    /// What the rules are asked, to see whether this event is what they answer.
    pub fn input(&self) -> Input {
        match &self.what {
            Happening::BidAccepted { bid, .. } => Input::Bid(bid.clone()),
            Happening::LotOpened { lot, .. } => Input::LotOpen { lot: lot.clone() },
            Happening::LotClosed { lot, .. } => Input::LotClose { lot: lot.clone() },
            Happening::Ticked => Input::Tick,
            Happening::ClockNoted { wall, accepted } => {
                Input::Clock { wall: *wall, accepted: *accepted }
            }
            Happening::OutageEnded { from } => Input::Outage { from: *from },
            Happening::SaleClosed(_) => Input::Close,
        }
    }
}
