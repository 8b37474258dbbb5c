//! What goes into the rules and what comes out of them.
//!
//! An [`Input`] is what somebody or the time asks for. An [`Event`] is what
//! happened: its input and everything that follows from it, so that the auditor
//! can ask the rules again and compare (DESIGN 1).

use super::act::{Act, Effect, Word};
use super::money::Amount;
use super::name::{LotId, Name, Party, Role};
use super::reserve::ReserveOpening;
use crate::time::Timestamp;

/// A bid as the rules see it: for whom, by what right, on which lot, how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    /// For whom, and by whose hand.
    pub by: By,
    /// The role in the certificate of who signs or speaks.
    pub role: Role,
    /// On which lot. It need not exist.
    pub lot: LotId,
    /// How much, in minor units.
    pub amount: Amount,
}

/// For whom a bid is made, and by whose hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By the bidder: the name in the certificate, and from nowhere else.
    Own(Name),
    /// By staff, for somebody in the room (RULES 7, ENTER).
    Room(Party),
}

impl Bid {
    /// A bidder's own bid.
    pub const fn own(bidder: Name, role: Role, lot: LotId, amount: Amount) -> Self {
        Self { by: By::Own(bidder), role, lot, amount }
    }

    /// A bid that staff of `role` enter for somebody in the room.
    pub const fn room(party: Party, role: Role, lot: LotId, amount: Amount) -> Self {
        Self { by: By::Room(party), role, lot, amount }
    }

    /// Who leads if it stands.
    pub fn party(&self) -> Party {
        match &self.by {
            By::Own(name) => Party::Named(name.clone()),
            By::Room(party) => party.clone(),
        }
    }
}

/// What is asked of the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An act of staff, with what the house alone can say about it.
    Act {
        /// The act.
        act: Act,
        /// The house's word.
        word: Word,
    },
    /// A bid.
    Bid {
        /// The bid.
        bid: Bid,
        /// The number of the entry that it would be.
        seq: u64,
        /// Whether it meets the reserve: on lots with a hidden one, and only there.
        reserve_met: Option<bool>,
    },
    /// A lot's opening falls due.
    LotOpen {
        /// Which lot.
        lot: LotId,
    },
    /// A lot's end, or the sale's end for a lot without bids, falls due.
    LotClose {
        /// Which lot.
        lot: LotId,
        /// What opens its reserve's commitments.
        reserves: Vec<ReserveOpening>,
    },
    /// The sale was closed by staff: a paused lot with a bid goes on.
    LotResume {
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
    /// Staff did something.
    Acted {
        /// What.
        act: Act,
        /// What followed.
        effect: Effect,
    },
    /// A bid stands.
    BidAccepted {
        /// The bid.
        bid: Bid,
        /// The number of its entry.
        seq: u64,
        /// The lot's end after this bid, if it has one.
        ends_at: Option<Timestamp>,
        /// Whether it meets the reserve, where there is a hidden one.
        reserve_met: Option<bool>,
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
        /// What opens its reserve's commitments.
        reserves: Vec<ReserveOpening>,
    },
    /// A paused lot went on, because the sale was closed.
    LotResumed {
        /// Which lot.
        lot: LotId,
        /// Its new end, if it has one.
        ends_at: Option<Timestamp>,
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
        to: Party,
        /// At what price.
        hammer_price: Amount,
    },
    /// Nobody has won it.
    Unsold(UnsoldReason),
    /// It was taken back before its close.
    Withdrawn,
}

/// Why a lot found no buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsoldReason {
    /// No bid stood at its end.
    NoBids,
    /// The price that stood was under the reserve.
    ReserveNotMet,
}

impl Outcome {
    /// The outcome as the ledger and the results name it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sold { .. } => "sold",
            Self::Unsold(UnsoldReason::NoBids) => "unsold/no-bids",
            Self::Unsold(UnsoldReason::ReserveNotMet) => "unsold/reserve-not-met",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What the whole sale came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Lots sold.
    pub sold: u64,
    /// Lots unsold.
    pub unsold: u64,
    /// Lots withdrawn.
    pub withdrawn: u64,
    /// Hammer prices together, in minor units; `None` beyond 2^53-1.
    pub hammer_total: Option<u64>,
}

/// Of no lot at all: nothing sold comes to 0.
impl Default for Totals {
    fn default() -> Self {
        Self { sold: 0, unsold: 0, withdrawn: 0, hammer_total: Some(0) }
    }
}

impl Event {
    /// What the rules are asked, to see whether this event is what they answer.
    pub fn input(&self) -> Input {
        match &self.what {
            Happening::Acted { act, effect } => {
                Input::Act { act: act.clone(), word: effect.word() }
            }
            Happening::BidAccepted { bid, seq, reserve_met, .. } => {
                Input::Bid { bid: bid.clone(), seq: *seq, reserve_met: *reserve_met }
            }
            Happening::LotOpened { lot, .. } => Input::LotOpen { lot: lot.clone() },
            Happening::LotClosed { lot, reserves, .. } => {
                Input::LotClose { lot: lot.clone(), reserves: reserves.clone() }
            }
            Happening::LotResumed { lot, .. } => Input::LotResume { lot: lot.clone() },
            Happening::Ticked => Input::Tick,
            Happening::ClockNoted { wall, accepted } => {
                Input::Clock { wall: *wall, accepted: *accepted }
            }
            Happening::OutageEnded { from } => Input::Outage { from: *from },
            Happening::SaleClosed(_) => Input::Close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_the_names_of_the_ledger() {
        let to = Party::Named(Name::parse("ada").expect("a name"));
        let hammer_price = Amount::new(5).expect("in range");
        let outcomes = [
            Outcome::Sold { to, hammer_price },
            Outcome::Unsold(UnsoldReason::NoBids),
            Outcome::Unsold(UnsoldReason::ReserveNotMet),
            Outcome::Withdrawn,
        ];
        let names = outcomes.map(|outcome| outcome.as_str());
        assert_eq!(names, ["sold", "unsold/no-bids", "unsold/reserve-not-met", "withdrawn"]);
    }
}
