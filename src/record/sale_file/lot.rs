//! The keys of a lot: its own, and those that `sale` gives as defaults. A lot's
//! own key wins over the sale's, and that over what holds where nobody says
//! anything (RULES 3).

use serde_json::value::RawValue;

use super::FileLot;
use super::error::SaleFileError;
use super::place::{Place, TimeKey};
use super::sale::{SALE_WIDE, SaleKeys};
use super::timer::{Kind, said, timer};
use crate::auction::catalogue::{LotTerms, Seller, Timer};
use crate::auction::increments::Increments;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Title};
use crate::limits::{LOT_DURATION_MAX, SOFT_CLOSE};
use crate::time::{Span, Timestamp};

/// What one object says of a lot, or of all lots that do not say otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct LotKeys {
    pub(super) name: Option<Title>,
    pub(super) start: Option<Amount>,
    /// The least bid above the seed's `highest_bid`.
    pub(super) above_highest: Option<Amount>,
    pub(super) increments: Option<Increments>,
    pub(super) reserve: Option<Amount>,
    pub(super) without_reserve: Option<bool>,
    pub(super) seller: Option<Seller>,
    pub(super) estimate: Option<(Amount, Amount)>,
    pub(super) timer: Option<Kind>,
    pub(super) duration: Option<Span>,
    pub(super) opens_at: Option<Timestamp>,
    pub(super) ends_at: Option<Timestamp>,
    pub(super) soft_window: Option<Span>,
    pub(super) soft_extend: Option<Span>,
    pub(super) hard_end: Option<Timestamp>,
}

impl LotKeys {
    /// Reads a lot that stands in the full form.
    pub(super) fn read(place: Place<'_>, lot: &RawValue) -> Result<Self, SaleFileError> {
        let mut keys = Self::default();
        for (key, value) in place.members(lot)? {
            if keys.take(place, &key, value)? {
                continue;
            }
            let sale_wide = place.time_key(&key).is_some() || SALE_WIDE.contains(&key.as_str());
            return Err(if sale_wide {
                place.fault(&key, "this holds for the whole sale: it stands in `sale`")
            } else {
                place.unknown(&key)
            });
        }
        keys.check(place)?;
        Ok(keys)
    }

    /// Takes a member if its key is one of a lot's.
    pub(super) fn take(
        &mut self,
        place: Place<'_>,
        key: &str,
        value: &RawValue,
    ) -> Result<bool, SaleFileError> {
        match key {
            "name" => self.name = Some(place.title(key, value)?),
            "start" => self.start = Some(place.amount(key, value)?),
            "highest_bid" => self.above_highest = Some(above(place, key, value)?),
            // Not read, as ever; it says nothing that a sale could begin with.
            "highest_bidder" => {}
            "increments" => self.increments = Some(place.increments(key, value)?),
            "reserve" => self.reserve = Some(place.amount(key, value)?),
            "reserve_commit" => {
                let reason = "put the amount in `reserve`; the server commits to it by itself";
                return Err(place.fault(key, reason));
            }
            "without_reserve" => self.without_reserve = Some(place.flag(key, value)?),
            "seller" => self.seller = Some(seller(place, key, value)?),
            "estimate" => self.estimate = Some(place.amounts(key, value)?),
            "timer" => self.timer = Some(Kind::read(place, key, value)?),
            "duration" => self.duration = Some(place.duration(key, value)?),
            "soft_window_ms" => {
                self.soft_window = Some(place.span(key, value, LOT_DURATION_MAX)?)
            }
            "soft_extend_ms" => {
                self.soft_extend = Some(place.span(key, value, LOT_DURATION_MAX)?)
            }
            _ => return self.take_time(place, key, value),
        }
        Ok(true)
    }

    fn take_time(
        &mut self,
        place: Place<'_>,
        key: &str,
        value: &RawValue,
    ) -> Result<bool, SaleFileError> {
        let field = match place.time_key(key) {
            Some(TimeKey::OpensAt) => &mut self.opens_at,
            Some(TimeKey::EndsAt) => &mut self.ends_at,
            Some(TimeKey::HardEnd) => &mut self.hard_end,
            Some(TimeKey::SaleEndsAt | TimeKey::FirstLotEndsAt) | None => return Ok(false),
        };
        *field = Some(place.time(key, value)?);
        Ok(true)
    }

    /// Refuses keys of one object that contradict each other.
    pub(super) fn check(&self, place: Place<'_>) -> Result<(), SaleFileError> {
        if self.start.is_some() && self.above_highest.is_some() {
            return Err(place.fault("start", "`highest_bid` says where the bidding begins"));
        }
        if self.reserve.is_some() && self.without_reserve == Some(true) {
            return Err(place.fault("reserve", "a lot offered without reserve has none"));
        }
        if let Some((low, high)) = self.estimate
            && high < low
        {
            return Err(place.fault("estimate", format!("{high} is below {low}")));
        }
        if self.timer == Some(Kind::Manual) && self.hard_end.is_some() {
            let reason = "staff end a lot with the timer \"manual\": no soft close extends it";
            return Err(place.fault(TimeKey::HardEnd.name(place.times), reason));
        }
        Ok(())
    }

    /// How these keys say that the lot ends, if they do.
    pub(super) fn kind(&self, place: Place<'_>) -> Result<Option<Kind>, SaleFileError> {
        let time_key = match (self.ends_at, self.opens_at) {
            (Some(_), _) => Some(TimeKey::EndsAt),
            (None, Some(_)) => Some(TimeKey::OpensAt),
            (None, None) => None,
        };
        said(place, self, time_key)
    }

    /// The lot, the `index`th of the file from 0, with what `sale` says where it says nothing.
    pub(super) fn lot(
        self,
        place: Place<'_>,
        id: LotId,
        index: usize,
        sale: &SaleKeys,
    ) -> Result<FileLot, SaleFileError> {
        let defaults = &sale.lots;
        let timer = timer(place, &self, sale, index)?;
        let is_seeds = self.above_highest.is_some();
        let (increments, soft) =
            if is_seeds { (Increments::constant(1).ok(), Span::ZERO) } else { (None, SOFT_CLOSE) };
        let start = self.start.or(self.above_highest).or(defaults.start);
        let start = start.ok_or_else(|| place.missing("start"))?;
        let (reserve, without_reserve) = self.reserve(place, defaults, start)?;
        let hard_end = self.hard_end.or(defaults.hard_end);
        let terms = LotTerms {
            id,
            name: self
                .name
                .or_else(|| defaults.name.clone())
                .ok_or_else(|| place.missing("name"))?,
            start,
            increments: self
                .increments
                .or_else(|| defaults.increments.clone())
                .or(increments)
                .ok_or_else(|| place.missing("increments"))?,
            timer,
            soft_window: self.soft_window.or(defaults.soft_window).unwrap_or(soft),
            soft_extend: self.soft_extend.or(defaults.soft_extend).unwrap_or(soft),
            // Staff end a manual lot: nothing is there to be extended.
            hard_end: hard_end.filter(|_| timer != Timer::Manual),
            seller: self.seller.or_else(|| defaults.seller.clone()),
            estimate: self.estimate.or(defaults.estimate),
            without_reserve,
            reserve_commit: None,
        };
        Ok(FileLot { terms, reserve })
    }

    /// The reserve, and whether the lot is offered without one.
    fn reserve(
        &self,
        place: Place<'_>,
        defaults: &Self,
        start: Amount,
    ) -> Result<(Option<Amount>, bool), SaleFileError> {
        let (reserve, without) = match (self.reserve, self.without_reserve) {
            (Some(reserve), _) => (Some(reserve), false),
            (None, Some(true)) => (None, true),
            (None, Some(false)) => (defaults.reserve, false),
            (None, None) => (defaults.reserve, defaults.without_reserve.unwrap_or(false)),
        };
        match reserve {
            Some(reserve) if reserve < start => {
                Err(place.fault("reserve", format!("{reserve} is below the start, {start}")))
            }
            Some(_) | None => Ok((reserve, without)),
        }
    }
}

/// The least bid above the seed's `highest_bid`.
fn above(place: Place<'_>, key: &str, value: &RawValue) -> Result<Amount, SaleFileError> {
    let above = place.number(key, value)?.checked_add(1).and_then(Amount::new);
    above.ok_or_else(|| place.fault(key, "no bid above it can be written: 2^53-2 is the most"))
}

/// A name as certificates have it bars its holder; any other text bars nobody.
fn seller(place: Place<'_>, key: &str, value: &RawValue) -> Result<Seller, SaleFileError> {
    let text = place.text(key, value)?;
    if let Ok(name) = Name::parse(&text) {
        return Ok(Seller::Person(name));
    }
    Title::parse(&text).map(Seller::Text).map_err(|error| place.fault(key, error.to_string()))
}
