//! What brings a lot to its end, and when: from `timer`, or from the key that
//! says it without (RULES 3).

use serde_json::value::RawValue;

use super::error::SaleFileError;
use super::lot::LotKeys;
use super::place::{Place, TimeKey};
use super::sale::SaleKeys;
use crate::auction::catalogue::Timer;
use crate::time::{Span, Timestamp};

/// The kinds of timer, as `timer` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    FirstBid,
    Manual,
    Schedule,
}

impl Kind {
    const ALL: [Self; 3] = [Self::FirstBid, Self::Manual, Self::Schedule];

    const fn name(self) -> &'static str {
        match self {
            Self::FirstBid => "first-bid",
            Self::Manual => "manual",
            Self::Schedule => "schedule",
        }
    }

    pub(super) fn read(
        place: Place<'_>,
        key: &str,
        value: &RawValue,
    ) -> Result<Self, SaleFileError> {
        let text = place.text(key, value)?;
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            place.fault(key, "\"first-bid\", \"schedule\" or \"manual\" is expected")
        })
    }
}

/// What the keys of one object say together: `timer`, `duration`, and the first key of a
/// schedule that is there. Nothing, where none of them is.
pub(super) fn said(
    place: Place<'_>,
    keys: &LotKeys,
    time_key: Option<TimeKey>,
) -> Result<Option<Kind>, SaleFileError> {
    let time_name = time_key.map(|time_key| time_key.name(place.times));
    match (keys.timer, keys.duration, time_name) {
        (Some(kind @ (Kind::Manual | Kind::Schedule)), Some(_), _) => {
            let reason = format!("the timer \"{}\" has no duration", kind.name());
            Err(place.fault("duration", reason))
        }
        (Some(kind @ (Kind::FirstBid | Kind::Manual)), _, Some(name)) => {
            let reason = format!("the timer \"{}\" has no fixed hours", kind.name());
            Err(place.fault(name, reason))
        }
        (None, Some(_), Some(name)) => {
            Err(place.fault("duration", format!("`{name}` says another end")))
        }
        (Some(kind), _, _) => Ok(Some(kind)),
        (None, Some(_), None) => Ok(Some(Kind::FirstBid)),
        (None, None, Some(_)) => Ok(Some(Kind::Schedule)),
        (None, None, None) => Ok(None),
    }
}

/// The timer of the `index`th lot from 0.
pub(super) fn timer(
    place: Place<'_>,
    own: &LotKeys,
    sale: &SaleKeys,
    index: usize,
) -> Result<Timer, SaleFileError> {
    match own.kind(place)?.or(sale.kind) {
        Some(Kind::Manual) => Ok(Timer::Manual),
        Some(Kind::FirstBid) => {
            let duration = own.duration.or(sale.lots.duration);
            let duration = duration.ok_or_else(|| place.missing("duration"))?;
            Ok(Timer::FirstBid { duration })
        }
        Some(Kind::Schedule) => {
            let ends_at = own.ends_at.or(sale.lots.ends_at).or_else(|| sale.ends_at(index));
            let ends_at =
                ends_at.ok_or_else(|| place.missing(TimeKey::EndsAt.name(place.times)))?;
            Ok(Timer::Schedule { opens_at: own.opens_at, ends_at })
        }
        None => {
            let [ends_at, first_lot_ends_at] =
                [TimeKey::EndsAt, TimeKey::FirstLotEndsAt].map(|key| key.name(place.times));
            let reason = format!(
                "nothing says how the lot ends: give `timer`, `duration`, `{ends_at}`, or \
                 `{first_lot_ends_at}` in `sale`"
            );
            Err(place.fault("timer", reason))
        }
    }
}

/// When the lots of a staggered closing end: one after the other, in the file's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stagger {
    pub(super) first_lot_ends_at: Timestamp,
    pub(super) apart: Span,
}

impl Stagger {
    /// When the `index`th lot from 0 ends.
    pub(super) fn ends_at(self, index: usize) -> Timestamp {
        let lots = u64::try_from(index).unwrap_or(u64::MAX);
        self.first_lot_ends_at.plus(Span::from_ms(self.apart.ms().saturating_mul(lots)))
    }
}
