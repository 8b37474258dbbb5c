//! The words of a script, read.

use std::collections::HashMap;

use gavel::auction::{
    Amount, Currency, Increments, LotId, LotTerms, Name, SaleTerms, Seller, Timer, Title,
    VoidPolicy,
};
use gavel::time::{Span, Timestamp};

/// What the house says of a hidden reserve, in place of the truth.
pub(crate) enum Saying {
    Met(bool),
    Nothing,
    NotLowered,
    Openings(Vec<Amount>),
}

impl Saying {
    pub(crate) fn read(word: &str) -> Result<Self, String> {
        Ok(match word {
            "met" => Self::Met(true),
            "unmet" => Self::Met(false),
            "nothing" => Self::Nothing,
            "not-lowered" => Self::NotLowered,
            reserves => Self::Openings(reserves.split(',').map(amount).collect::<Result<_, _>>()?),
        })
    }
}

/// Midnight of the day on which every script plays.
pub(crate) const MIDNIGHT_MS: u64 = 1_700_006_400_000;

pub(crate) fn sale_terms(words: &HashMap<String, String>) -> Result<SaleTerms, String> {
    let at = |key: &str| words.get(key).map(|word| time(word)).transpose();
    let grace = words.get("grace").map(|word| span(word)).transpose()?;
    Ok(SaleTerms {
        currency: Currency::seed(),
        attested: false,
        opens_at: at("opens")?,
        sale_ends_at: at("ends")?,
        restart_grace: grace.unwrap_or(gavel::limits::RESTART_GRACE),
        room_bids: yes(words, "room")?,
        void_policy: match words.get("void").map(String::as_str) {
            None => VoidPolicy::Reinstate,
            Some("reopen") => VoidPolicy::Reopen,
            Some(_) => return Err("`void` is `reopen` or left out".to_owned()),
        },
    })
}

pub(crate) fn lot_terms(id: &str, words: &HashMap<String, String>) -> Result<LotTerms, String> {
    let at = |key: &str| words.get(key).map(|word| time(word)).transpose();
    let timer = match (words.get("first-bid"), at("ends")?) {
        (Some(duration), None) => Timer::FirstBid { duration: span(duration)? },
        (None, Some(ends_at)) => Timer::Schedule { opens_at: at("opens")?, ends_at },
        (None, None) => Timer::Manual,
        (Some(_), Some(_)) => return Err("a lot has `first-bid` or `ends`, not both".to_owned()),
    };
    let (window, extend) = match words.get("soft").map(|word| word.split_once('/')) {
        Some(Some((window, extend))) => (span(window)?, span(extend)?),
        Some(None) => return Err("`soft` is WINDOW/EXTENSION".to_owned()),
        None => (Span::ZERO, Span::ZERO),
    };
    let seller = match (words.get("seller"), words.get("consigned-by")) {
        (Some(person), _) => Some(Seller::Person(name(person)?)),
        (None, Some(free_text)) => Some(Seller::Text(title(free_text)?)),
        (None, None) => None,
    };
    Ok(LotTerms {
        id: lot_id(id)?,
        name: title("A thing")?,
        start: amount(words.get("start").ok_or("a lot has a `start`")?)?,
        increments: increments(words.get("step").map_or("1", String::as_str))?,
        timer,
        soft_window: window,
        soft_extend: extend,
        hard_end: at("hard")?,
        seller,
        estimate: None,
        without_reserve: yes(words, "without-reserve")?,
        reserve_commit: None,
    })
}

fn yes(words: &HashMap<String, String>, key: &str) -> Result<bool, String> {
    match words.get(key).map(String::as_str) {
        None => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => Err(format!("`{key}` is `yes` or left out")),
    }
}

pub(crate) fn increments(word: &str) -> Result<Increments, String> {
    let number = |word: &str| word.parse::<u64>().map_err(text);
    let rows: Result<Vec<_>, String> = word
        .split(',')
        .map(|row| match row.split_once(':') {
            Some((from, step)) => Ok((number(from)?, number(step)?)),
            None => Ok((0, number(row)?)),
        })
        .collect();
    Increments::new(rows?).map_err(text)
}

pub(crate) fn name(word: &str) -> Result<Name, String> {
    Name::parse(word).map_err(text)
}

pub(crate) fn title(words: &str) -> Result<Title, String> {
    Title::parse(words).map_err(text)
}

pub(crate) fn pairs(words: &[&str]) -> Result<HashMap<String, String>, String> {
    let (pairs, rest) = words.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[key, value]| ((*key).to_owned(), (*value).to_owned())).collect())
    } else {
        Err("the words are no pairs of key and value".to_owned())
    }
}

pub(crate) fn amount(word: &str) -> Result<Amount, String> {
    Currency::seed().parse(word).map_err(text)
}

pub(crate) fn lot_id(word: &str) -> Result<LotId, String> {
    LotId::parse(word).map_err(text)
}

/// `120s`, `90ms`.
pub(crate) fn span(word: &str) -> Result<Span, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(text);
    match word.strip_suffix("ms") {
        Some(ms) => Ok(Span::from_ms(number(ms)?)),
        None => Ok(Span::from_s(number(word.strip_suffix('s').ok_or("a span is 1s or 1ms")?)?)),
    }
}

/// `HH:MM:SS` or `HH:MM:SS.mmm`.
pub(crate) fn time(word: &str) -> Result<Timestamp, String> {
    let (whole, ms) = word.split_once('.').unwrap_or((word, "000"));
    let parts: Vec<u64> =
        whole.split(':').chain([ms]).filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        &[h, m, s, parsed_ms] if ms.len() == 3 => {
            let of_day_ms = ((h * 60 + m) * 60 + s) * 1000 + parsed_ms;
            Timestamp::from_unix_ms(MIDNIGHT_MS + of_day_ms).ok_or_else(|| "far off".to_owned())
        }
        _ => Err(format!("`{word}` is no time: write 12:00:05 or 12:00:05.250")),
    }
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
