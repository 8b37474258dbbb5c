//! A lot as it is told to people: for display, proven by nothing.
//!
//! What is proven are the ledger's own lines; this is what `LIST`, `STATUS` and a
//! snapshot show. Its JSON form, as in [`crate::wire::json`]:
//!
//! ```
//! let text = r#"{"lot":"1","name":"Quilt","state":"open","ask":121,"bids":2,"price":120,"bidder":"alice","bid":17,"ends_at":1790000060000}"#;
//! let view: gavel::wire::lot::LotView = serde_json::from_str(text)?;
//! assert_eq!(serde_json::to_string(&view)?, text);
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{Deserialize, Serialize};

use super::encoding::{as_text, minor_units, unix_ms};
use crate::auction::catalogue::Timer;
use crate::auction::event::{Outcome, UnsoldReason};
use crate::auction::lot::{High, Lot, LotState};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party, Title};
use crate::time::{Span, Timestamp};

/// A lot's standing at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LotFields", into = "LotFields")]
pub struct LotView {
    /// Its id.
    pub lot: LotId,
    /// What it is called; snapshots leave it out.
    pub name: Option<Title>,
    /// Pending, open, paused or closed, and by whom it is led or won.
    pub state: LotState,
    /// The least bid that would stand.
    pub ask: Amount,
    /// How many bids were accepted.
    pub bids: u64,
    /// Whether the price meets the hidden reserve, where there is one and a price.
    pub reserve_met: Option<bool>,
    /// Whether staff end it, and no time does.
    pub manual: bool,
}

impl LotView {
    /// What may be told of `lot` now.
    pub fn of(lot: &Lot) -> Self {
        Self {
            lot: lot.terms().id.clone(),
            name: Some(lot.terms().name.clone()),
            state: lot.state().clone(),
            ask: lot.ask(),
            bids: lot.bids_accepted(),
            reserve_met: lot.reserve_met(),
            manual: matches!(lot.terms().timer, Timer::Manual),
        }
    }

    /// The same without the name, as a snapshot has it.
    #[must_use]
    pub fn without_name(self) -> Self {
        Self { name: None, ..self }
    }

    /// The highest bid: of an open or paused lot the leading one, of a sold one the winning one.
    pub const fn high(&self) -> Option<(&Party, Amount)> {
        match &self.state {
            LotState::Open { high: Some(high), .. } | LotState::Paused { high: Some(high), .. } => {
                Some((&high.bidder, high.price))
            }
            LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
                Some((to, *hammer_price))
            }
            LotState::Open { high: None, .. }
            | LotState::Paused { high: None, .. }
            | LotState::Closed { .. }
            | LotState::Pending => None,
        }
    }

    /// The standing bid's entry, which a hammer or void names; none once it has closed.
    pub const fn standing_seq(&self) -> Option<u64> {
        match &self.state {
            LotState::Open { high: Some(high), .. } | LotState::Paused { high: Some(high), .. } => {
                Some(high.seq)
            }
            LotState::Open { high: None, .. }
            | LotState::Paused { high: None, .. }
            | LotState::Closed { .. }
            | LotState::Pending => None,
        }
    }
}

/// The JSON form of a [`LotView`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LotFields {
    #[serde(with = "as_text")]
    lot: LotId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: StateName,
    #[serde(with = "minor_units")]
    ask: Amount,
    bids: u64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "minor_units::option")]
    price: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    bidder: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::option")]
    paddle: Option<Name>,
    /// The standing bid's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bid: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserve_met: Option<bool>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    manual: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "unix_ms::option")]
    ends_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "unix_ms::option")]
    paused_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeName>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "unix_ms::option")]
    closed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateName {
    Pending,
    Open,
    Paused,
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum OutcomeName {
    #[serde(rename = "sold")]
    Sold,
    #[serde(rename = "unsold/no-bids")]
    UnsoldNoBids,
    #[serde(rename = "unsold/reserve-not-met")]
    UnsoldReserveNotMet,
    #[serde(rename = "withdrawn")]
    Withdrawn,
}

impl From<LotView> for LotFields {
    fn from(view: LotView) -> Self {
        let fields = Self {
            lot: view.lot,
            name: view.name.map(|name| name.as_str().to_owned()),
            state: StateName::Pending,
            ask: view.ask,
            bids: view.bids,
            price: None,
            bidder: None,
            paddle: None,
            bid: None,
            reserve_met: view.reserve_met,
            manual: view.manual,
            ends_at: None,
            paused_at: None,
            left_ms: None,
            outcome: None,
            closed_at: None,
        };
        match view.state {
            LotState::Pending => fields,
            LotState::Open { ends_at, high } => {
                Self { state: StateName::Open, ends_at, ..fields }.led_by(high)
            }
            LotState::Paused { since, left, high } => Self {
                state: StateName::Paused,
                paused_at: Some(since),
                left_ms: left.map(Span::ms),
                ..fields
            }
            .led_by(high),
            LotState::Closed { outcome, at } => {
                Self { state: StateName::Closed, closed_at: Some(at), ..fields }.ended(outcome)
            }
        }
    }
}

impl LotFields {
    fn led_by(self, high: Option<High>) -> Self {
        match high {
            Some(High { bidder, price, seq }) => Self { bid: Some(seq), ..self }.of(bidder, price),
            None => self,
        }
    }

    fn of(self, party: Party, price: Amount) -> Self {
        let (bidder, paddle) = match party {
            Party::Named(name) => (Some(name), None),
            Party::Paddle(paddle) => (None, Some(paddle)),
        };
        Self { price: Some(price), bidder, paddle, ..self }
    }

    fn ended(self, outcome: Outcome) -> Self {
        let name = match &outcome {
            Outcome::Sold { .. } => OutcomeName::Sold,
            Outcome::Unsold(UnsoldReason::NoBids) => OutcomeName::UnsoldNoBids,
            Outcome::Unsold(UnsoldReason::ReserveNotMet) => OutcomeName::UnsoldReserveNotMet,
            Outcome::Withdrawn => OutcomeName::Withdrawn,
        };
        let fields = Self { outcome: Some(name), ..self };
        match outcome {
            Outcome::Sold { to, hammer_price } => fields.of(to, hammer_price),
            Outcome::Unsold(_) | Outcome::Withdrawn => fields,
        }
    }

    /// Who leads or has won, and at what price.
    fn party(&self) -> Result<Option<(Party, Amount)>, LotFault> {
        match (&self.bidder, &self.paddle, self.price) {
            (Some(name), None, Some(price)) => Ok(Some((Party::Named(name.clone()), price))),
            (None, Some(paddle), Some(price)) => Ok(Some((Party::Paddle(paddle.clone()), price))),
            (None, None, None) => Ok(None),
            _ => Err(LotFault::State),
        }
    }

    fn high(&self) -> Result<Option<High>, LotFault> {
        match (self.party()?, self.bid) {
            (Some((bidder, price)), Some(seq)) => Ok(Some(High { bidder, price, seq })),
            (None, None) => Ok(None),
            _ => Err(LotFault::State),
        }
    }

    /// The state, if nothing stands beside it that belongs to another.
    fn state(&self) -> Result<LotState, LotFault> {
        let open = self.ends_at.is_some();
        let paused = self.paused_at.is_some() || self.left_ms.is_some();
        let closed = self.outcome.is_some() || self.closed_at.is_some();
        match (self.state, open, paused, closed) {
            (StateName::Pending, false, false, false) if self.high()?.is_none() => {
                Ok(LotState::Pending)
            }
            (StateName::Open, _, false, false) => {
                Ok(LotState::Open { ends_at: self.ends_at, high: self.high()? })
            }
            (StateName::Paused, false, true, false) => Ok(LotState::Paused {
                since: self.paused_at.ok_or(LotFault::State)?,
                left: self.left_ms.map(Span::from_ms),
                high: self.high()?,
            }),
            (StateName::Closed, false, false, true) if self.bid.is_none() => self.end(),
            _ => Err(LotFault::State),
        }
    }

    fn end(&self) -> Result<LotState, LotFault> {
        let outcome = match (self.outcome, self.party()?) {
            (Some(OutcomeName::Sold), Some((to, hammer_price))) => {
                Outcome::Sold { to, hammer_price }
            }
            (Some(OutcomeName::UnsoldNoBids), None) => Outcome::Unsold(UnsoldReason::NoBids),
            (Some(OutcomeName::UnsoldReserveNotMet), None) => {
                Outcome::Unsold(UnsoldReason::ReserveNotMet)
            }
            (Some(OutcomeName::Withdrawn), None) => Outcome::Withdrawn,
            _ => return Err(LotFault::State),
        };
        Ok(LotState::Closed { outcome, at: self.closed_at.ok_or(LotFault::State)? })
    }
}

/// Why a lot's fields do not make sense together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum LotFault {
    #[error("the lot's name cannot be shown")]
    Name,
    #[error("the lot's fields do not fit its state")]
    State,
}

impl TryFrom<LotFields> for LotView {
    type Error = LotFault;

    fn try_from(fields: LotFields) -> Result<Self, LotFault> {
        let state = fields.state()?;
        let name = fields.name.as_deref().map(Title::parse).transpose();
        let name = name.map_err(|_| LotFault::Name)?;
        let LotFields { lot, ask, bids, reserve_met, manual, .. } = fields;
        Ok(Self { lot, name, state, ask, bids, reserve_met, manual })
    }
}
