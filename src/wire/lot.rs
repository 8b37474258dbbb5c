//! A lot as it is told to people: for display, proven by nothing.
//!
//! What is proven are the ledger's own lines; this is what `LIST`, `STATUS` and a
//! snapshot show. Its JSON form, as in [`crate::wire::json`]:
//!
//! ```
//! let text = r#"{"lot":"1","name":"Quilt","state":"open","ask":121,"bids":2,"price":120,"bidder":"alice","ends_at":1790000060000}"#;
//! let view: gavel::wire::lot::LotView = serde_json::from_str(text)?;
//! assert_eq!(serde_json::to_string(&view)?, text);
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{Deserialize, Serialize};

use super::encoding::{as_text, minor_units, unix_ms};
use crate::auction::event::{Outcome, UnsoldReason};
use crate::auction::lot::{High, Lot, LotState};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Title};
use crate::time::Timestamp;

/// A lot's standing at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LotFields", into = "LotFields")]
pub struct LotView {
    /// Its id.
    pub lot: LotId,
    /// What it is called; snapshots leave it out.
    pub name: Option<Title>,
    /// Pending, open or closed, and by whom it is led or won.
    pub state: LotState,
    /// The least bid that would stand.
    pub ask: Amount,
    /// How many bids were accepted.
    pub bids: u64,
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
        }
    }

    /// The same without the name, as a snapshot has it.
    #[must_use]
    pub fn without_name(self) -> Self {
        Self { name: None, ..self }
    }

    /// The highest bid: of an open lot the leading one, of a sold one the winning one.
    pub fn high(&self) -> Option<(&Name, Amount)> {
        match &self.state {
            LotState::Open { high: Some(High { bidder, price }), .. } => Some((bidder, *price)),
            LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
                Some((to, *hammer_price))
            }
            LotState::Open { high: None, .. }
            | LotState::Closed { outcome: Outcome::Unsold(_), .. }
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
    #[serde(default, skip_serializing_if = "Option::is_none", with = "unix_ms::option")]
    ends_at: Option<Timestamp>,
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
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum OutcomeName {
    #[serde(rename = "sold")]
    Sold,
    #[serde(rename = "unsold/no-bids")]
    UnsoldNoBids,
}

impl From<LotView> for LotFields {
    fn from(view: LotView) -> Self {
        let mut fields = Self {
            lot: view.lot,
            name: view.name.map(|name| name.as_str().to_owned()),
            state: StateName::Pending,
            ask: view.ask,
            bids: view.bids,
            price: None,
            bidder: None,
            ends_at: None,
            outcome: None,
            closed_at: None,
        };
        match view.state {
            LotState::Pending => {}
            LotState::Open { ends_at, high } => {
                fields.state = StateName::Open;
                fields.ends_at = ends_at;
                if let Some(High { bidder, price }) = high {
                    fields.bidder = Some(bidder);
                    fields.price = Some(price);
                }
            }
            LotState::Closed { outcome, at } => {
                fields.state = StateName::Closed;
                fields.closed_at = Some(at);
                match outcome {
                    Outcome::Sold { to, hammer_price } => {
                        fields.outcome = Some(OutcomeName::Sold);
                        fields.bidder = Some(to);
                        fields.price = Some(hammer_price);
                    }
                    Outcome::Unsold(UnsoldReason::NoBids) => {
                        fields.outcome = Some(OutcomeName::UnsoldNoBids);
                    }
                }
            }
        }
        fields
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
        let name = fields.name.as_deref().map(Title::parse).transpose();
        let high = match (fields.bidder, fields.price) {
            (Some(bidder), Some(price)) => Some(High { bidder, price }),
            (None, None) => None,
            _ => return Err(LotFault::State),
        };
        let state = match (fields.state, fields.outcome, fields.closed_at, high) {
            (StateName::Pending, None, None, None) => LotState::Pending,
            (StateName::Open, None, None, high) => LotState::Open { ends_at: fields.ends_at, high },
            (StateName::Closed, Some(OutcomeName::Sold), Some(at), Some(high)) => {
                let outcome = Outcome::Sold { to: high.bidder, hammer_price: high.price };
                LotState::Closed { outcome, at }
            }
            (StateName::Closed, Some(OutcomeName::UnsoldNoBids), Some(at), None) => {
                LotState::Closed { outcome: Outcome::Unsold(UnsoldReason::NoBids), at }
            }
            _ => return Err(LotFault::State),
        };
        if fields.ends_at.is_some() && !matches!(state, LotState::Open { .. }) {
            return Err(LotFault::State);
        }
        let name = name.map_err(|_| LotFault::Name)?;
        Ok(Self { lot: fields.lot, name, state, ask: fields.ask, bids: fields.bids })
    }
}
