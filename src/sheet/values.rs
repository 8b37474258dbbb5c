//! The small values that a sheet is made of: amounts, times, people, places in a ledger.

use serde::{Deserialize, Serialize};

use crate::auction::money::{Amount, Currency};
use crate::limits::INTEGER_MAX;
use crate::time::Timestamp;

/// An amount of money; also a sum, which may be zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units; none beyond 2^53-1, which not every reader of JSON keeps exactly.
    pub minor_units: Option<u64>,
    /// The same as a decimal text; always exact.
    pub decimal: String,
}

/// A point in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// RFC 3339, with milliseconds.
    pub utc: String,
    /// Unix time in milliseconds.
    pub unix_ms: u64,
}

/// Who sells a lot: `{"name": ..}` or `{"text": ..}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SellerFact {
    /// A name as certificates have it.
    Name(String),
    /// A free text.
    Text(String),
}

/// Who bids: `{"name": ..}` or `{"paddle": ..}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// A name as certificates have it.
    Name(String),
    /// A paddle in the room.
    Paddle(String),
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryFact {
    /// Its number, from 0.
    pub line: u64,
    /// SHA-256 of the line without its LF.
    pub sha256: String,
    /// Its time.
    pub at: Moment,
}

/// A list that has a greatest length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List<T> {
    /// The first ones.
    pub listed: Vec<T>,
    /// How many more there are in the ledger.
    pub left_out: u64,
}

impl Money {
    /// So many minor units of a currency.
    pub fn new(currency: &Currency, minor_units: u128) -> Self {
        Self {
            minor_units: u64::try_from(minor_units).ok().filter(|units| *units <= INTEGER_MAX),
            decimal: currency.decimal_sum(minor_units),
        }
    }

    /// An amount of the ledger.
    pub fn of(currency: &Currency, amount: Amount) -> Self {
        Self::new(currency, u128::from(amount.minor_units()))
    }

    /// For people: digits in groups, and the currency.
    pub fn shown(&self, currency: &Currency) -> String {
        let digits = self.decimal.replace('.', "");
        digits.parse().map_or_else(|_| self.decimal.clone(), |units| currency.display_sum(units))
    }
}

impl Moment {
    /// `2026-11-22 18:30:05 UTC`, for people.
    pub fn shown(&self) -> String {
        match self.utc.split_once('T').and_then(|(day, time)| Some((day, time.get(..8)?))) {
            Some((day, time)) => format!("{day} {time} UTC"),
            None => self.utc.clone(),
        }
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self { utc: at.to_string(), unix_ms: at.unix_ms() }
    }
}

impl SellerFact {
    /// The name or the text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Text(text) => text,
        }
    }
}

impl Party {
    /// `alice`, or `paddle 17`.
    pub fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Paddle(paddle) => format!("paddle {paddle}"),
        }
    }
}
