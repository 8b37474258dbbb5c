//! Points in time and spans between them, as plain data.
//!
//! Nothing here reads a clock: `clock.rs` does, and everybody else takes the
//! time as an argument. Official time is Unix time in whole milliseconds, UTC
//! (RULES 1).

use std::fmt;

use crate::limits::INTEGER_MAX;

/// A point on the sale's official clock: Unix time in milliseconds, UTC, `0..=2^53-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The earliest point in time that can be written.
    pub const ZERO: Self = Self(0);

    /// Takes Unix milliseconds; `None` beyond 2^53-1, which no ledger can hold.
    pub const fn from_unix_ms(ms: u64) -> Option<Self> {
        if ms <= INTEGER_MAX { Some(Self(ms)) } else { None }
    }

    /// Unix time in milliseconds.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// Unix time in whole seconds, rounded down; what certificates are judged by.
    pub const fn unix_s(self) -> u64 {
        self.0 / 1000
    }

    /// The point `span` later, held at the greatest time that can be written.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        let ms = self.0.saturating_add(span.0);
        if ms > INTEGER_MAX { Self(INTEGER_MAX) } else { Self(ms) }
    }

    /// The time from `earlier` to this point; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// How far apart two points are, whichever comes first.
    pub const fn apart(self, other: Self) -> Span {
        Span(self.0.abs_diff(other.0))
    }
}

/// RFC 3339 in UTC with milliseconds, for people and logs.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(ms) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A length of time in whole milliseconds, `0..=2^53-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Takes milliseconds; longer spans than 2^53-1 are held there.
    pub const fn from_ms(ms: u64) -> Self {
        if ms > INTEGER_MAX { Self(INTEGER_MAX) } else { Self(ms) }
    }

    /// Takes whole seconds.
    pub const fn from_s(s: u64) -> Self {
        Self::from_ms(s.saturating_mul(1000))
    }

    /// The length in milliseconds.
    pub const fn ms(self) -> u64 {
        self.0
    }
}

impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0)
    }
}

/// Seconds with up to three decimals, as in `120 s` or `0.250 s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{} s", self.0 / 1000)
        } else {
            write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_beyond_the_format_is_refused() {
        assert!(Timestamp::from_unix_ms(INTEGER_MAX).is_some());
        assert!(Timestamp::from_unix_ms(INTEGER_MAX + 1).is_none());
    }

    #[test]
    fn times_print_as_rfc_3339() {
        let time = Timestamp::from_unix_ms(1_700_000_000_123).expect("in range");
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn spans_print_in_seconds() {
        assert_eq!(Span::from_s(120).to_string(), "120 s");
        assert_eq!(Span::from_ms(250).to_string(), "0.250 s");
    }
}
