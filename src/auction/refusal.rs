//! Every "no" that a bidder can hear: the one list of codes, and the rules' own refusals.

use std::fmt;

use super::money::Amount;
use crate::time::Timestamp;

/// A refusal's code, as it stands on the wire and in the ledger (RULES 4, LEDGER 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The bidder already leads the lot.
    AlreadyLeading,
    /// The amount is malformed or zero.
    BadAmount,
    /// The command or message is not one the server knows.
    BadCommand,
    /// The signature does not verify under the key that the bid names.
    BadSignature,
    /// Another bid has come than the one that the act names.
    BidIn,
    /// The server cannot take more now; the outcome is unknown until the same bytes are sent again.
    Busy,
    /// The lot has closed.
    Closed,
    /// The enrolment's certificate has expired.
    Expired,
    /// The bid key is enrolled already, under another name or certificate.
    KeyEnrolled,
    /// The name belongs to another certificate's key in this sale.
    NameTaken,
    /// No bid stands that could be voided.
    NoBid,
    /// The act changes an outcome and says no reason.
    NoReason,
    /// The sale's terms take no bids from the room.
    NoRoomBids,
    /// No such lot in the sale.
    NoSuchLot,
    /// The name does not belong to that key in this sale.
    NoSuchName,
    /// The bid key is not enrolled under that name.
    NotEnrolled,
    /// The new end is not after the lot's end.
    NotLater,
    /// The lot has not opened yet.
    NotOpen,
    /// The lot is not paused.
    NotPaused,
    /// The lot has opened before.
    NotPending,
    /// A bid stands on an open lot that no time will close.
    OpenLots,
    /// The amount is beyond 2^53-1.
    OverCap,
    /// The lot is paused.
    Paused,
    /// A reserve can only be lowered.
    ReserveNotLowered,
    /// The number `n` was used before with other bytes.
    ReusedN,
    /// The enrolment's certificate was revoked.
    Revoked,
    /// The role may not do this.
    Role,
    /// The bidder sells this lot.
    Seller,
    /// Too many requests in a short time.
    SlowDown,
    /// The head that the bid names is none of the last sealed ones.
    StaleHead,
    /// The amount is below the ask.
    TooLow,
    /// The name has enrolled as many bid keys as a sale allows.
    TooManyKeys,
    /// The sale takes signed bids only.
    Unsigned,
    /// The lot is offered without reserve and has a bid.
    WithoutReserve,
    /// The bid is for another sale.
    WrongSale,
}

impl Code {
    /// All codes, in the order of their names.
    pub const ALL: [Self; 35] = [
        Self::AlreadyLeading,
        Self::BadAmount,
        Self::BadCommand,
        Self::BadSignature,
        Self::BidIn,
        Self::Busy,
        Self::Closed,
        Self::Expired,
        Self::KeyEnrolled,
        Self::NameTaken,
        Self::NoBid,
        Self::NoReason,
        Self::NoRoomBids,
        Self::NoSuchLot,
        Self::NoSuchName,
        Self::NotEnrolled,
        Self::NotLater,
        Self::NotOpen,
        Self::NotPaused,
        Self::NotPending,
        Self::OpenLots,
        Self::OverCap,
        Self::Paused,
        Self::ReserveNotLowered,
        Self::ReusedN,
        Self::Revoked,
        Self::Role,
        Self::Seller,
        Self::SlowDown,
        Self::StaleHead,
        Self::TooLow,
        Self::TooManyKeys,
        Self::Unsigned,
        Self::WithoutReserve,
        Self::WrongSale,
    ];

    /// Takes the code as it stands on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The code as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyLeading => "already-leading",
            Self::BadAmount => "bad-amount",
            Self::BadCommand => "bad-command",
            Self::BadSignature => "bad-signature",
            Self::BidIn => "bid-in",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::KeyEnrolled => "key-enrolled",
            Self::NameTaken => "name-taken",
            Self::NoBid => "no-bid",
            Self::NoReason => "no-reason",
            Self::NoRoomBids => "no-room-bids",
            Self::NoSuchLot => "no-such-lot",
            Self::NoSuchName => "no-such-name",
            Self::NotEnrolled => "not-enrolled",
            Self::NotLater => "not-later",
            Self::NotOpen => "not-open",
            Self::NotPaused => "not-paused",
            Self::NotPending => "not-pending",
            Self::OpenLots => "open-lots",
            Self::OverCap => "over-cap",
            Self::Paused => "paused",
            Self::ReserveNotLowered => "reserve-not-lowered",
            Self::ReusedN => "reused-n",
            Self::Revoked => "revoked",
            Self::Role => "role",
            Self::Seller => "seller",
            Self::SlowDown => "slow-down",
            Self::StaleHead => "stale-head",
            Self::TooLow => "too-low",
            Self::TooManyKeys => "too-many-keys",
            Self::Unsigned => "unsigned",
            Self::WithoutReserve => "without-reserve",
            Self::WrongSale => "wrong-sale",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why the rules do not take a bid or an act: its sender's affair, told to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bidder already leads the lot (RULES 4).
    #[error("you already lead this lot")]
    AlreadyLeading,
    /// Another bid stands than the one that the act names (RULES 7).
    #[error("another bid has come in")]
    BidIn,
    /// The lot has closed.
    #[error("this lot has closed")]
    Closed,
    /// No bid stands that could be voided (RULES 7).
    #[error("there is no bid that could be voided")]
    NoBid,
    /// The act needs a reason (RULES 7).
    #[error("this act needs a reason")]
    NoReason,
    /// The terms take no bids from the room (RULES 7).
    #[error("this sale takes no bids from the room")]
    NoRoomBids,
    /// No such lot in the sale.
    #[error("there is no such lot")]
    NoSuchLot,
    /// An end is only moved forward (RULES 7).
    #[error("the new end is not after the one that stands")]
    NotLater,
    /// The lot has not opened yet.
    #[error("this lot has not opened yet")]
    NotOpen,
    /// Only a paused lot goes on.
    #[error("this lot is not paused")]
    NotPaused,
    /// Only a pending lot is opened.
    #[error("this lot has opened before")]
    NotPending,
    /// A bid stands on an open lot that only the hammer closes (RULES 7).
    #[error("a bid stands on an open lot without an end: hammer it first")]
    OpenLots,
    /// The lot is paused.
    #[error("this lot is paused")]
    Paused,
    /// A reserve is only ever lowered (RULES 5).
    #[error("a reserve can only be lowered")]
    ReserveNotLowered,
    /// The role may not do this.
    #[error("this role may not do this")]
    Role,
    /// The bidder sells this lot.
    #[error("a seller may not bid on the seller's own lot")]
    Seller,
    /// The amount is below the ask.
    #[error("the bid is too low: the least that stands is {least} minor units")]
    TooLow {
        /// The ask.
        least: Amount,
    },
    /// A lot offered without reserve that has a bid is not withdrawn (RULES 7).
    #[error("this lot is offered without reserve and has a bid")]
    WithoutReserve,
}

impl Refusal {
    /// The code under which the refusal goes out and is recorded.
    pub const fn code(self) -> Code {
        match self {
            Self::AlreadyLeading => Code::AlreadyLeading,
            Self::BidIn => Code::BidIn,
            Self::Closed => Code::Closed,
            Self::NoBid => Code::NoBid,
            Self::NoReason => Code::NoReason,
            Self::NoRoomBids => Code::NoRoomBids,
            Self::NoSuchLot => Code::NoSuchLot,
            Self::NotLater => Code::NotLater,
            Self::NotOpen => Code::NotOpen,
            Self::NotPaused => Code::NotPaused,
            Self::NotPending => Code::NotPending,
            Self::OpenLots => Code::OpenLots,
            Self::Paused => Code::Paused,
            Self::ReserveNotLowered => Code::ReserveNotLowered,
            Self::Role => Code::Role,
            Self::Seller => Code::Seller,
            Self::TooLow { .. } => Code::TooLow,
            Self::WithoutReserve => Code::WithoutReserve,
        }
    }
}

/// What is wrong with what the house says of a hidden reserve (LEDGER 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReserveFault {
    /// The lot has no hidden reserve, or no price stands on it: nothing is to be said.
    #[error("there is nothing to say of a reserve here")]
    Unasked,
    /// Whether the price meets the reserve is not said, or not how an act needs it.
    #[error("it is not said whether the price meets the reserve")]
    Unsaid,
    /// No reserve makes this flag true beside the earlier ones.
    #[error("no reserve makes this true beside what was said of other prices")]
    Contradicted,
    /// The openings are not one for each commitment.
    #[error("{openings} openings for {commitments} commitments")]
    Unopened {
        /// How many there are.
        openings: usize,
        /// How many there should be.
        commitments: usize,
    },
    /// The revealed reserve does not fit what was said of prices.
    #[error("the revealed reserve of {reserve} minor units contradicts what was said of prices")]
    Broken {
        /// The reserve.
        reserve: Amount,
    },
    /// A later reserve is not lower than the one before it.
    #[error("a later reserve, of {reserve} minor units, is not lower than the one before it")]
    NotFalling {
        /// The later one.
        reserve: Amount,
    },
}

/// Why `decide` takes no event at that time or place. Bids and acts meet only the
/// first kind; the others are what the auditor finds in a forged ledger, and in the
/// live house they would be a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A bid or act that the rules refuse.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What the house says of a hidden reserve cannot be (RULES 5).
    #[error(transparent)]
    Reserve(#[from] ReserveFault),
    /// The time is before the last entry's (RULES 1.1).
    #[error("the time goes back: the last entry is of {last}")]
    TimeReversed {
        /// The last entry's time.
        last: Timestamp,
    },
    /// Something fell due at or before that time and was not done (RULES 1.2).
    #[error("something fell due at {due} and was not done first")]
    Overdue {
        /// When it fell due.
        due: Timestamp,
    },
    /// What time alone would cause is not due then (RULES 1.2, 1.3).
    #[error("this is not due at that time")]
    NotDue,
    /// The clocks are not far enough apart, or not newly so (RULES 1.4).
    #[error("the clocks are not newly apart")]
    NoDrift,
    /// The sale has closed: nothing follows.
    #[error("the sale has closed")]
    SaleClosed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_written_and_they_stand_in_order() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert_eq!(format!("{code:>22}"), format!("{:>22}", code.as_str()));
        }
        assert!(Code::ALL.is_sorted_by(|one, next| one < next && one.as_str() < next.as_str()));
        assert_eq!(Code::parse("too low"), None);
        assert_eq!(Code::parse(""), None);
    }
}
