//! Spans and points in time as people type and read them.

use crate::limits::LOT_DURATION_MAX;
use crate::time::{Span, Timestamp};

/// Why a text is not a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpanError {
    #[error("write a whole number and a unit, as in 20s, 90m, 2h or 1d")]
    Form,
    #[error("at least a second and at most a year")]
    Range,
}

/// Takes `20s`, `90m`, `2h`, `1d`.
pub(crate) fn parse_span(text: &str) -> Result<Span, SpanError> {
    let (number, unit) =
        text.split_at_checked(text.len().saturating_sub(1)).ok_or(SpanError::Form)?;
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(SpanError::Form),
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SpanError::Form);
    }
    let number: u64 = number.parse().map_err(|_| SpanError::Range)?;
    let span = Span::from_s(number.saturating_mul(unit_s));
    if (Span::from_s(1)..=LOT_DURATION_MAX).contains(&span) {
        Ok(span)
    } else {
        Err(SpanError::Range)
    }
}

/// `2026-11-22 18:30:05 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T').and_then(|(day, time)| Some((day, time.get(..8)?))) {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => text,
    }
}

/// `20261122`, the day in UTC.
pub(crate) fn compact_day(at: Timestamp) -> String {
    let text = at.to_string();
    text.split('T').next().unwrap_or_default().chars().filter(char::is_ascii_digit).collect()
}

/// The two greatest units, as in `2 days 3 h`, `1 h 30 min`, `20 s`.
pub(crate) fn length(span: Span) -> String {
    let all_s = span.ms() / 1000;
    let (days, hours) = (all_s / 86_400, all_s / 3_600 % 24);
    let (minutes, seconds) = (all_s / 60 % 60, all_s % 60);
    let day_word = if days == 1 { "day" } else { "days" };
    let units = [(days, day_word), (hours, "h"), (minutes, "min"), (seconds, "s")];
    let shown = units.iter().skip_while(|(count, _)| *count == 0).take(2);
    let shown: Vec<String> = shown
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, s) in [("20s", 20), ("90m", 5_400), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(parse_span(text), Ok(Span::from_s(s)), "{text}");
        }
        for text in ["", "s", "20", "2 h", "-1s", "+1s", "1.5h", "1_0s", "ä", "1ä", "1H"] {
            assert_eq!(parse_span(text), Err(SpanError::Form), "{text}");
        }
        for text in ["0s", "367d", "99999999999999999999d"] {
            assert_eq!(parse_span(text), Err(SpanError::Range), "{text}");
        }
    }

    #[test]
    fn moments_and_lengths_read_well() {
        let at = Timestamp::from_unix_ms(1_700_000_000_123).expect("in range");
        assert_eq!(moment(at), "2023-11-14 22:13:20 UTC");
        assert_eq!(compact_day(at), "20231114");
        let lengths = [(0, "0 s"), (20, "20 s"), (5_400, "1 h 30 min"), (86_400, "1 day")];
        for (s, text) in lengths {
            assert_eq!(length(Span::from_s(s)), text);
        }
        assert_eq!(length(Span::from_s(2 * 86_400 + 3 * 3_600 + 5)), "2 days 3 h");
    }
}
