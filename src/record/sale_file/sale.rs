//! The keys of `sale`: what holds for the whole sale, and the lots' defaults.

use iso_currency::Currency as IsoCurrency;
use serde_json::value::RawValue;

use super::error::{SaleFileError, shown};
use super::lot::LotKeys;
use super::place::{Place, TimeKey, Times};
use super::timer::{Kind, Stagger, said};
use crate::auction::catalogue::VoidPolicy;
use crate::auction::fees::{Fees, Rate, TaxOn};
use crate::auction::money::Currency;
use crate::auction::name::{SaleId, Title};
use crate::limits::{LOT_DURATION_MAX, RESTART_GRACE_MAX};
use crate::time::{Span, Timestamp};

/// The keys that stand in `sale` and never in a lot, besides those of times.
pub(super) const SALE_WIDE: &[&str] = &[
    "currency",
    "fees",
    "id",
    "restart_grace_ms",
    "room_bids",
    "stagger_ms",
    "title",
    "void_policy",
];

/// What `sale` says.
#[derive(Clone, Debug, Default)]
pub(super) struct SaleKeys {
    pub(super) id: Option<SaleId>,
    pub(super) title: Option<Title>,
    pub(super) currency: Option<Currency>,
    pub(super) opens_at: Option<Timestamp>,
    pub(super) sale_ends_at: Option<Timestamp>,
    pub(super) restart_grace: Option<Span>,
    pub(super) room_bids: Option<bool>,
    pub(super) void_policy: Option<VoidPolicy>,
    pub(super) fees: Option<Fees>,
    first_lot_ends_at: Option<Timestamp>,
    stagger: Option<Span>,
    /// The lots' defaults.
    pub(super) lots: LotKeys,
    /// How lots end that do not say it themselves.
    pub(super) kind: Option<Kind>,
    /// What the operator should know of it.
    pub(super) notes: Vec<String>,
}

impl SaleKeys {
    pub(super) fn read(times: Times, sale: &RawValue) -> Result<Self, SaleFileError> {
        let place = Place::sale(times);
        let mut keys = Self::default();
        for (key, value) in place.members(sale)? {
            if matches!(key.as_str(), "highest_bid" | "highest_bidder") {
                return Err(place.fault(&key, "this stands in a lot"));
            }
            // `opens_at` here is the sale's; only a lot's own is a lot's.
            let taken = keys.take(place, &key, value)? || keys.lots.take(place, &key, value)?;
            if !taken {
                return Err(place.unknown(&key));
            }
        }
        keys.lots.check(place)?;
        keys.check_stagger(place)?;
        keys.kind = said(place, &keys.lots, keys.time_key())?;
        Ok(keys)
    }

    fn take(
        &mut self,
        place: Place<'_>,
        key: &str,
        value: &RawValue,
    ) -> Result<bool, SaleFileError> {
        match key {
            "id" => self.id = Some(id(place, key, value)?),
            "title" => self.title = Some(place.title(key, value)?),
            "currency" => self.take_currency(place, key, value)?,
            "restart_grace_ms" => {
                self.restart_grace = Some(place.span(key, value, RESTART_GRACE_MAX)?);
            }
            "room_bids" => self.room_bids = Some(place.flag(key, value)?),
            "void_policy" => self.void_policy = Some(void_policy(place, key, value)?),
            "fees" => self.fees = Some(fees(place, key, value)?),
            "stagger_ms" => self.stagger = Some(place.span(key, value, LOT_DURATION_MAX)?),
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
            Some(TimeKey::SaleEndsAt) => &mut self.sale_ends_at,
            Some(TimeKey::FirstLotEndsAt) => &mut self.first_lot_ends_at,
            Some(TimeKey::EndsAt | TimeKey::HardEnd) | None => return Ok(false),
        };
        *field = Some(place.time(key, value)?);
        Ok(true)
    }

    /// Takes the currency, which scenarios have beside `sale`.
    pub(super) fn take_currency(
        &mut self,
        place: Place<'_>,
        key: &str,
        value: &RawValue,
    ) -> Result<(), SaleFileError> {
        let (currency, note) = currency(place, key, value)?;
        self.currency = Some(currency);
        self.notes.extend(note);
        Ok(())
    }

    /// When the `index`th lot from 0 ends in a staggered closing.
    pub(super) fn ends_at(&self, index: usize) -> Option<Timestamp> {
        let first_lot_ends_at = self.first_lot_ends_at?;
        let apart = self.stagger.unwrap_or(Span::ZERO);
        Some(Stagger { first_lot_ends_at, apart }.ends_at(index))
    }

    fn time_key(&self) -> Option<TimeKey> {
        match (self.lots.ends_at, self.first_lot_ends_at) {
            (Some(_), _) => Some(TimeKey::EndsAt),
            (None, Some(_)) => Some(TimeKey::FirstLotEndsAt),
            (None, None) => None,
        }
    }

    fn check_stagger(&self, place: Place<'_>) -> Result<(), SaleFileError> {
        let name = TimeKey::FirstLotEndsAt.name(place.times);
        match (self.first_lot_ends_at, self.stagger, self.lots.ends_at) {
            (Some(_), _, Some(_)) => {
                let ends_at = TimeKey::EndsAt.name(place.times);
                Err(place.fault(ends_at, format!("`{name}` says another end")))
            }
            (Some(_), None, None) => {
                let reason = "it stands with `stagger_ms`, which is 0 if all lots end together";
                Err(place.fault(name, reason))
            }
            (None, Some(_), _) => {
                Err(place.fault("stagger_ms", format!("it stands with `{name}`")))
            }
            (Some(_), Some(_), None) | (None, None, _) => Ok(()),
        }
    }
}

fn id(place: Place<'_>, key: &str, value: &RawValue) -> Result<SaleId, SaleFileError> {
    let text = place.text(key, value)?;
    SaleId::parse(&text).map_err(|error| place.fault(key, error.to_string()))
}

fn void_policy(place: Place<'_>, key: &str, value: &RawValue) -> Result<VoidPolicy, SaleFileError> {
    match place.text(key, value)?.as_str() {
        "reinstate" => Ok(VoidPolicy::Reinstate),
        "reopen" => Ok(VoidPolicy::Reopen),
        _ => Err(place.fault(key, "\"reinstate\" or \"reopen\" is expected")),
    }
}

/// The currency, and what the operator should know of it.
fn currency(
    place: Place<'_>,
    key: &str,
    value: &RawValue,
) -> Result<(Currency, Option<String>), SaleFileError> {
    let (code_key, digits_key) = (format!("{key}.code"), format!("{key}.minor_digits"));
    let (mut code, mut digits, mut is_null) = (None, None, false);
    for (member, value) in place.members_under(key, value)? {
        match member.as_str() {
            // Scenarios may count in no currency; money that people pay has one.
            "code" if value.get() == "null" && place.times != Times::Absolute => is_null = true,
            "code" => code = Some(place.text(&code_key, value)?),
            "minor_digits" => digits = Some(place.number(&digits_key, value)?),
            _ => return Err(place.unknown(&format!("{key}.{member}"))),
        }
    }
    match code {
        Some(code) => iso(place, (&code_key, &digits_key), &code, digits),
        None if is_null => {
            let digits = digits.ok_or_else(|| place.missing(&digits_key))?;
            let digits = u8::try_from(digits).unwrap_or(u8::MAX);
            let currency = Currency::new(None, digits);
            Ok((currency.map_err(|error| place.fault(&digits_key, error.to_string()))?, None))
        }
        None => Err(place.missing(&code_key)),
    }
}

/// A currency by ISO 4217. Funds and the newest codes are taken; gold and test codes,
/// which have no minor unit, are not.
fn iso(
    place: Place<'_>,
    (code_key, digits_key): (&str, &str),
    code: &str,
    given: Option<u64>,
) -> Result<(Currency, Option<String>), SaleFileError> {
    let known = IsoCurrency::from_code(code).filter(|currency| !currency.is_special());
    let exponent =
        known.and_then(IsoCurrency::exponent).and_then(|digits| u8::try_from(digits).ok());
    let (Some(known), Some(digits)) = (known, exponent) else {
        let reason = format!("\"{}\" is no currency of ISO 4217", shown(code));
        return Err(place.fault(code_key, reason));
    };
    if let Some(given) = given
        && given != u64::from(digits)
    {
        let reason = format!("{code} has {digits} of them by ISO 4217, not {given}");
        return Err(place.fault(digits_key, reason));
    }
    let currency = Currency::new(Some(code), digits)
        .map_err(|error| place.fault(code_key, error.to_string()))?;
    let note = known
        .is_superseded()
        .map(|newer| format!("the currency {code} was replaced by {}", newer.code()));
    Ok((currency, note))
}

fn fees(place: Place<'_>, key: &str, value: &RawValue) -> Result<Fees, SaleFileError> {
    let (mut fees, mut tax_on) = (Fees::NONE, None);
    for (member, value) in place.members_under(key, value)? {
        let key = format!("{key}.{member}");
        match member.as_str() {
            "premium_bps" => fees.premium = rate(place, &key, value)?,
            "tax_bps" => fees.tax = rate(place, &key, value)?,
            "commission_bps" => fees.commission = rate(place, &key, value)?,
            "tax_on" => tax_on = Some(tax_base(place, &key, value)?),
            _ => return Err(place.unknown(&key)),
        }
    }
    match tax_on {
        Some(tax_on) => fees.tax_on = tax_on,
        None if fees.tax == Rate::default() => {}
        // Laid on the wrong base, a tax is wrong on every invoice.
        None => return Err(place.missing(&format!("{key}.tax_on"))),
    }
    Ok(fees)
}

fn rate(place: Place<'_>, key: &str, value: &RawValue) -> Result<Rate, SaleFileError> {
    Rate::from_bps(place.number(key, value)?).map_err(|error| place.fault(key, error.to_string()))
}

fn tax_base(place: Place<'_>, key: &str, value: &RawValue) -> Result<TaxOn, SaleFileError> {
    match place.text(key, value)?.as_str() {
        "premium" => Ok(TaxOn::Premium),
        "hammer+premium" => Ok(TaxOn::HammerAndPremium),
        _ => Err(place.fault(key, "\"premium\" or \"hammer+premium\" is expected")),
    }
}
