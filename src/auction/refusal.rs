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
    /// No such lot in the sale.
    NoSuchLot,
    /// The bid key is not enrolled under that name.
    NotEnrolled,
    /// The lot has not opened yet.
    NotOpen,
    /// The amount is beyond 2^53-1.
    OverCap,
    /// The lot is paused.
    Paused,
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
    /// The bid is for another sale.
    WrongSale,
}

impl Code {
    /// All codes, in the order of their names.
    pub const ALL: [Self; 24] = [
        Self::AlreadyLeading,
        Self::BadAmount,
        Self::BadCommand,
        Self::BadSignature,
        Self::Busy,
        Self::Closed,
        Self::Expired,
        Self::KeyEnrolled,
        Self::NameTaken,
        Self::NoSuchLot,
        Self::NotEnrolled,
        Self::NotOpen,
        Self::OverCap,
        Self::Paused,
        Self::ReusedN,
        Self::Revoked,
        Self::Role,
        Self::Seller,
        Self::SlowDown,
        Self::StaleHead,
        Self::TooLow,
        Self::TooManyKeys,
        Self::Unsigned,
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
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Expired => "expired",
            Self::KeyEnrolled => "key-enrolled",
            Self::NameTaken => "name-taken",
            Self::NoSuchLot => "no-such-lot",
            Self::NotEnrolled => "not-enrolled",
            Self::NotOpen => "not-open",
            Self::OverCap => "over-cap",
            Self::Paused => "paused",
            Self::ReusedN => "reused-n",
            Self::Revoked => "revoked",
            Self::Role => "role",
            Self::Seller => "seller",
            Self::SlowDown => "slow-down",
            Self::StaleHead => "stale-head",
            Self::TooLow => "too-low",
            Self::TooManyKeys => "too-many-keys",
            Self::Unsigned => "unsigned",
            Self::WrongSale => "wrong-sale",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why the rules do not take a bid: the bidder's affair, told to the bidder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bidder already leads the lot (RULES 4).
    #[error("you already lead this lot")]
    AlreadyLeading,
    /// The lot has closed.
    #[error("this lot has closed")]
    Closed,
    /// No such lot in the sale.
    #[error("there is no such lot")]
    NoSuchLot,
    /// The lot has not opened yet.
    #[error("this lot has not opened yet")]
    NotOpen,
    /// Only bidders bid.
    #[error("this role may not bid")]
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
}

impl Refusal {
    /// The code under which the refusal goes out and is recorded.
    pub const fn code(self) -> Code {
        match self {
            Self::AlreadyLeading => Code::AlreadyLeading,
            Self::Closed => Code::Closed,
            Self::NoSuchLot => Code::NoSuchLot,
            Self::NotOpen => Code::NotOpen,
            Self::Role => Code::Role,
            Self::Seller => Code::Seller,
            Self::TooLow { .. } => Code::TooLow,
        }
    }
}

/// Why `decide` takes no event at that time or place. Bids meet only the first
/// kind; the others are what the auditor finds in a forged ledger, and in the
/// live house they would be a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A bid that the rules refuse.
    #[error(transparent)]
    Refused(#[from] Refusal),
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
