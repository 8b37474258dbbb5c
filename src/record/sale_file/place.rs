//! A place in the file, a lot or `sale`, and the values that can stand there.
//!
//! Each value is read once, into the type that the rules take, and whatever is
//! wrong with it is said with the place and the key.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::SaleFileError;
use super::members::{Member, doubled, members};
use crate::auction::increments::Increments;
use crate::auction::money::Amount;
use crate::auction::name::Title;
use crate::limits::{LOT_DURATION_MAX, SALE_FILE_KEYS_MAX, SALE_TIME_END_MS, SALE_TIME_MIN_MS};
use crate::time::{Span, Timestamp};

/// How the file writes points in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// RFC 3339 with an offset, under `opens_at`, `ends_at`, ..
    Absolute,
    /// Milliseconds after the opening given here, under `opens_at_ms`, `ends_at_ms`, ..: scenarios.
    FromOpening(Timestamp),
}

/// The keys that hold a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKey {
    OpensAt,
    EndsAt,
    HardEnd,
    SaleEndsAt,
    FirstLotEndsAt,
}

impl TimeKey {
    const ALL: [Self; 5] =
        [Self::OpensAt, Self::EndsAt, Self::HardEnd, Self::SaleEndsAt, Self::FirstLotEndsAt];

    /// The key as a file with such times has it.
    pub(super) const fn name(self, times: Times) -> &'static str {
        match (times, self) {
            (Times::Absolute, Self::OpensAt) => "opens_at",
            (Times::Absolute, Self::EndsAt) => "ends_at",
            (Times::Absolute, Self::HardEnd) => "hard_end",
            (Times::Absolute, Self::SaleEndsAt) => "sale_ends_at",
            (Times::Absolute, Self::FirstLotEndsAt) => "first_lot_ends_at",
            (Times::FromOpening(_), Self::OpensAt) => "opens_at_ms",
            (Times::FromOpening(_), Self::EndsAt) => "ends_at_ms",
            (Times::FromOpening(_), Self::HardEnd) => "hard_end_ms",
            (Times::FromOpening(_), Self::SaleEndsAt) => "sale_ends_ms",
            (Times::FromOpening(_), Self::FirstLotEndsAt) => "first_lot_ends_ms",
        }
    }
}

/// Where something is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The lot's id as the file has it; none in what holds for the whole sale.
    pub(super) lot: Option<&'a str>,
    /// How points in time are written.
    pub(super) times: Times,
}

impl Place<'_> {
    /// What holds for the whole sale.
    pub(super) const fn sale(times: Times) -> Self {
        Self { lot: None, times }
    }

    pub(super) fn fault(self, key: &str, reason: impl Into<String>) -> SaleFileError {
        SaleFileError::at(self.lot, Some(key), reason)
    }

    /// A fault of the lot, or of `sale`, as a whole.
    pub(super) fn whole(self, reason: impl Into<String>) -> SaleFileError {
        SaleFileError::at(self.lot, self.lot.is_none().then_some("sale"), reason)
    }

    pub(super) fn missing(self, key: &str) -> SaleFileError {
        self.fault(key, "the key is missing")
    }

    pub(super) fn unknown(self, key: &str) -> SaleFileError {
        self.fault(key, "the key is unknown")
    }

    /// The members of the object at this place, no key twice.
    pub(super) fn members(self, object: &RawValue) -> Result<Vec<Member<'_>>, SaleFileError> {
        let members = members(object.get(), SALE_FILE_KEYS_MAX)
            .map_err(|_| self.whole("an object is expected"))?;
        match doubled(&members) {
            Some(key) => Err(self.fault(key, "the key is there twice")),
            None => Ok(members),
        }
    }

    /// The members of the object under `key`, as `key.member`.
    pub(super) fn members_under<'v>(
        self,
        key: &str,
        object: &'v RawValue,
    ) -> Result<Vec<Member<'v>>, SaleFileError> {
        let members = members(object.get(), SALE_FILE_KEYS_MAX)
            .map_err(|_| self.fault(key, "an object is expected"))?;
        match doubled(&members) {
            Some(member) => Err(self.fault(&format!("{key}.{member}"), "the key is there twice")),
            None => Ok(members),
        }
    }

    fn value<T: DeserializeOwned>(
        self,
        key: &str,
        value: &RawValue,
        expected: &str,
    ) -> Result<T, SaleFileError> {
        let fault = |_| self.fault(key, format!("{expected} is expected"));
        serde_json::from_str(value.get()).map_err(fault)
    }

    pub(super) fn text(self, key: &str, value: &RawValue) -> Result<String, SaleFileError> {
        self.value(key, value, "a text")
    }

    pub(super) fn flag(self, key: &str, value: &RawValue) -> Result<bool, SaleFileError> {
        self.value(key, value, "true or false")
    }

    pub(super) fn number(self, key: &str, value: &RawValue) -> Result<u64, SaleFileError> {
        self.value(key, value, "a whole number that is not negative")
    }

    pub(super) fn title(self, key: &str, value: &RawValue) -> Result<Title, SaleFileError> {
        Title::parse(&self.text(key, value)?).map_err(|error| self.fault(key, error.to_string()))
    }

    pub(super) fn amount(self, key: &str, value: &RawValue) -> Result<Amount, SaleFileError> {
        let minor_units = self.value(key, value, "a whole number of minor units")?;
        Amount::new(minor_units).ok_or_else(|| self.fault(key, "1 to 2^53-1 minor units are taken"))
    }

    /// An estimate, from and to.
    pub(super) fn amounts(
        self,
        key: &str,
        value: &RawValue,
    ) -> Result<(Amount, Amount), SaleFileError> {
        let (low, high) = self.value(key, value, "[from, to] in whole minor units")?;
        Amount::new(low)
            .zip(Amount::new(high))
            .ok_or_else(|| self.fault(key, "1 to 2^53-1 minor units are taken"))
    }

    pub(super) fn increments(
        self,
        key: &str,
        value: &RawValue,
    ) -> Result<Increments, SaleFileError> {
        let rows = self.value(key, value, "[[from, step], ..] in whole minor units")?;
        Increments::new(rows).map_err(|error| self.fault(key, error.to_string()))
    }

    /// A span in milliseconds, under a key that ends in `_ms`.
    pub(super) fn span(
        self,
        key: &str,
        value: &RawValue,
        longest: Span,
    ) -> Result<Span, SaleFileError> {
        let ms = self.number(key, value)?;
        if ms <= longest.ms() {
            Ok(Span::from_ms(ms))
        } else {
            Err(self.fault(key, format!("{ms} ms: at most {} are taken", longest.ms())))
        }
    }

    /// A timer in seconds, as the seed has it.
    pub(super) fn duration(self, key: &str, value: &RawValue) -> Result<Span, SaleFileError> {
        let seconds = self.number(key, value)?;
        let longest = LOT_DURATION_MAX.ms() / 1000;
        if (1..=longest).contains(&seconds) {
            Ok(Span::from_s(seconds))
        } else {
            Err(self.fault(key, format!("{seconds} seconds: 1 to {longest} are taken")))
        }
    }

    /// Which time a key holds, if it is one of a file with such times.
    pub(super) fn time_key(self, key: &str) -> Option<TimeKey> {
        TimeKey::ALL.into_iter().find(|time_key| time_key.name(self.times) == key)
    }

    pub(super) fn time(self, key: &str, value: &RawValue) -> Result<Timestamp, SaleFileError> {
        match self.times {
            Times::FromOpening(opening) => {
                Ok(opening.plus(self.span(key, value, LOT_DURATION_MAX)?))
            }
            Times::Absolute => {
                let text = self.value(key, value, "a time as a text")?;
                rfc3339(text).map_err(|reason| self.fault(key, reason))
            }
        }
    }
}

/// RFC 3339 with an offset and at most three decimals: what a ledger can hold.
fn rfc3339(text: String) -> Result<Timestamp, &'static str> {
    let form = "write a time with its offset from UTC, as in 2026-11-28T19:30:00+01:00";
    if !has_form(&text) {
        return Err(form);
    }
    let time: jiff::Timestamp = text.parse().map_err(|_| form)?;
    let ms = u64::try_from(time.as_millisecond()).unwrap_or(0);
    if (SALE_TIME_MIN_MS..SALE_TIME_END_MS).contains(&ms) {
        Timestamp::from_unix_ms(ms).ok_or(form)
    } else {
        Err("the years 2000 to 2099 are taken")
    }
}

/// Whether a text looks like RFC 3339; jiff reads more than that: week dates, leap
/// seconds, zones in brackets.
fn has_form(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    let rest = [".000", ".00", ".0"].iter().find_map(|f| rest.strip_prefix(f)).unwrap_or(rest);
    let leaps = text.get(17..19) == Some("60");
    matches!(rest, "Z" | "+00:00" | "-00:00") && !leaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_an_offset() {
        for (text, ms) in [
            ("2026-12-01T09:00:00Z", 1_796_115_600_000),
            ("2026-12-01T10:00:00+01:00", 1_796_115_600_000),
            ("2026-12-01T09:00:00.250Z", 1_796_115_600_250),
            ("2026-12-01T09:00:00.5-00:30", 1_796_117_400_500),
            ("2000-01-01T00:00:00Z", SALE_TIME_MIN_MS),
        ] {
            assert_eq!(rfc3339(text.to_owned()).map(Timestamp::unix_ms), Ok(ms), "{text}");
        }
        for text in [
            "",
            "2026-12-01",
            "2026-12-01T09:00:00",
            "2026-12-01 09:00:00Z",
            "2026-12-01T09:00:00z",
            "2026-12-01T09:00Z",
            "2026-12-01T09:00:00.0001Z",
            "2026-12-01T09:00:00+01:00[Europe/Paris]",
            "2026-12-01T09:00:60Z",
            "2026-13-01T09:00:00Z",
            "2026-02-30T09:00:00Z",
            "2026-12-01T25:00:00Z",
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "0026-12-01T09:00:00Z",
            "２026-12-01T09:00:00Z",
        ] {
            assert!(rfc3339(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn each_way_of_writing_times_has_its_own_keys() {
        let opening = Timestamp::ZERO.plus(Span::from_s(5));
        let (file, scenario) =
            (Place::sale(Times::Absolute), Place::sale(Times::FromOpening(opening)));
        assert_eq!(file.time_key("sale_ends_at"), Some(TimeKey::SaleEndsAt));
        assert_eq!(scenario.time_key("sale_ends_ms"), Some(TimeKey::SaleEndsAt));
        assert_eq!(file.time_key("ends_at_ms").or(scenario.time_key("ends_at")), None);
        let value = serde_json::value::RawValue::from_string("1500".to_owned()).expect("JSON");
        let ends_at = scenario.time("ends_at_ms", &value).expect("a time");
        assert_eq!(ends_at.unix_ms(), 6_500);
        assert!(file.time("ends_at", &value).is_err());
    }
}
