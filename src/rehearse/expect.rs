//! What a scenario expects, and what came instead.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::opening;
use crate::auction::lot::{Lot, LotState};
use crate::auction::money::Amount;
use crate::auction::name::LotId;
use crate::time::Timestamp;

/// A lot as a scenario speaks of it; times are milliseconds after the opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// `pending`, `open`, `paused` or `closed`.
    pub state: &'static str,
    /// How it ended.
    pub outcome: Option<&'static str>,
    /// Who leads, or has won.
    pub leader: Option<String>,
    /// The price that stands, or the hammer price, in minor units.
    pub price: Option<u64>,
    /// The least bid that would stand, until it has closed.
    pub ask: Option<u64>,
    /// Its end, while time runs towards one.
    pub ends_at: Option<u64>,
    /// When it closed.
    pub closed_at: Option<u64>,
    /// Whether the price meets the reserve; a lot without one meets it at any price.
    pub reserve_met: Option<bool>,
}

impl Seen {
    /// The lot as it stands.
    pub(super) fn of(lot: &Lot) -> Self {
        let after = |at: Timestamp| at.since(opening()).ms();
        let is_closed = matches!(lot.state(), LotState::Closed { .. });
        let (state, outcome, closed_at) = match lot.state() {
            LotState::Closed { outcome, at } => {
                ("closed", Some(outcome.as_str()), Some(after(*at)))
            }
            LotState::Open { .. } => ("open", None, None),
            LotState::Paused { .. } => ("paused", None, None),
            LotState::Pending => ("pending", None, None),
        };
        let ends_at = match lot.state() {
            LotState::Pending => lot.scheduled_end(),
            LotState::Closed { .. } | LotState::Open { .. } | LotState::Paused { .. } => {
                lot.ends_at()
            }
        };
        let has_reserve = !lot.promises().is_empty();
        Self {
            state,
            outcome,
            leader: lot.leader().map(ToString::to_string),
            price: lot.price().map(Amount::minor_units),
            ask: (!is_closed).then(|| lot.ask().minor_units()),
            ends_at: ends_at.map(after),
            closed_at,
            reserve_met: lot.reserve_met().or(lot.price().filter(|_| !has_reserve).map(|_| true)),
        }
    }

    fn value(&self, key: &str) -> Value {
        let all = serde_json::to_value(self).expect("plain values have a JSON form");
        all.get(key).cloned().unwrap_or_default()
    }
}

const STATES: &[&str] = &["pending", "open", "paused", "closed"];
const OUTCOMES: &[&str] = &["sold", "unsold/no-bids", "unsold/reserve-not-met", "withdrawn"];

/// What is expected of one lot: keys of [`Seen`] with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LotExpected(Vec<(String, Value)>);

impl LotExpected {
    /// Takes a key and its value; what could never come is refused here.
    pub(super) fn take(&mut self, key: &str, value: Value) -> Result<(), String> {
        let one_of = |words: &[&str]| value.as_str().is_some_and(|text| words.contains(&text));
        let (fits, wanted) = match key {
            "price" | "ask" | "ends_at" | "closed_at" => {
                (value.is_u64(), "a whole number that is not negative, or null".to_owned())
            }
            "leader" => (value.is_string(), "a name, or null".to_owned()),
            "reserve_met" => (value.is_boolean(), "true, false or null".to_owned()),
            "state" => (one_of(STATES), STATES.join(", ")),
            "outcome" => (one_of(OUTCOMES), format!("{}, or null", OUTCOMES.join(", "))),
            _ => return Err(format!("a lot has no `{key}`")),
        };
        if !fits && (key == "state" || !value.is_null()) {
            return Err(format!("`{key}`: {wanted} is expected"));
        }
        self.0.push((key.to_owned(), value));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What differs; `None`: nobody can say how the lot stands.
    pub(super) fn against(&self, place: &Place, lot: &LotId, seen: Option<&Seen>) -> Vec<Mismatch> {
        let differs = |(key, expected): &(String, Value)| {
            let came = match seen {
                Some(seen) => seen.value(key),
                None => Value::from("nothing: the server is away"),
            };
            (came != *expected).then(|| Mismatch {
                place: place.clone(),
                lot: Some(lot.clone()),
                what: key.clone(),
                expected: expected.clone(),
                came,
            })
        };
        self.0.iter().filter_map(differs).collect()
    }
}

/// What a step is expected to lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) ok: Option<bool>,
    pub(super) code: Option<String>,
    /// The step's own lot.
    pub(super) lot: LotExpected,
    pub(super) lots: Vec<(LotId, LotExpected)>,
}

/// How a step was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It was taken.
    Taken,
    /// It was refused, under this code.
    Refused(&'static str),
    /// Nobody was there to answer.
    Away,
}

impl Expected {
    /// What differs in the answer.
    pub(super) fn against(&self, place: &Place, came: Came) -> Option<Mismatch> {
        let (ok, code) = match came {
            Came::Taken => (true, None),
            Came::Refused(code) => (false, Some(code)),
            Came::Away => (false, None),
        };
        let fits_ok = self.ok.is_none_or(|expected| expected == ok);
        let fits_code = self.code.as_deref().is_none_or(|expected| Some(expected) == code);
        let expected = match (self.ok, &self.code) {
            (_, Some(code)) => format!("refused, {code}"),
            (Some(true), None) => "ok".to_owned(),
            (Some(false) | None, None) => "refused".to_owned(),
        };
        let came = match came {
            Came::Taken => "ok".to_owned(),
            Came::Refused(code) => format!("refused, {code}"),
            Came::Away => "no answer: the server is away".to_owned(),
        };
        (!fits_ok || !fits_code).then(|| Mismatch {
            place: place.clone(),
            lot: None,
            what: "answer".to_owned(),
            expected: expected.into(),
            came: came.into(),
        })
    }
}

/// Where something else came than was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the hash of that number, counted from 1.
    Hash {
        /// The number.
        number: usize,
        /// What it is called, if it is called anything.
        label: String,
    },
    /// After everything had closed.
    Result,
    /// In a step.
    Step {
        /// Its number in the script, counted from 1.
        number: usize,
        /// Its time.
        t: u64,
        /// What it does.
        deed: String,
    },
}

/// `step 4 (t 3000, HAMMER by auctioneer on lot 1)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash { number, label } if label.is_empty() => write!(f, "hash {number}"),
            Self::Hash { number, label } => write!(f, "hash {number} ({label})"),
            Self::Result => f.write_str("result"),
            Self::Step { number, t, deed } => write!(f, "step {number} (t {t}, {deed})"),
        }
    }
}

/// Something that came otherwise than the scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where.
    pub place: Place,
    /// Of which lot, if of one.
    pub lot: Option<LotId>,
    /// Which key of the expectation.
    pub what: String,
    /// What was expected.
    pub expected: Value,
    /// What came.
    pub came: Value,
}

/// `step 4 (..): lot 1, price: expected 60, came 61`.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if let Some(lot) = &self.lot {
            write!(f, "lot {lot}, ")?;
        }
        write!(f, "{}: expected {}, came {}", self.what, said(&self.expected), said(&self.came))
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}
