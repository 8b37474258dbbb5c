//! One step of a script: which keys stand in it, and what they come to.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::pairs::Pairs;
use super::{known_lot, lot_expected};
use crate::auction::act::Deed;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party, Title};
use crate::auction::refusal::Code;
use crate::limits::{LOT_DURATION_MAX, REHEARSAL_SPAN_MAX};
use crate::record::SaleFile;
use crate::rehearse::error::ScenarioError;
use crate::rehearse::expect::Expected;
use crate::rehearse::opening;
use crate::rehearse::scenario::{Step, Typed, What, Wish};
use crate::time::Span;

/// The design's, and of a later version.
const LATER: [&str; 5] = ["MAX", "BUY", "TAKE", "COMMIT", "REVEAL"];
/// What a start refuses by itself, before there is a house to give a code.
pub(in crate::rehearse) const CLOCK_BEHIND: &str = "clock-behind";
/// Why an act is done that needs a reason, in a script that gives none.
const NO_REASON_GIVEN: &str = "none given in the rehearsal";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<'a> {
    t: u64,
    #[serde(rename = "do")]
    deed: String,
    read_at: Option<u64>,
    #[serde(rename = "why")]
    _why: Option<String>,
    who: Option<String>,
    lot: Option<String>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    raw: Option<String>,
    #[serde(borrow)]
    reserve: Option<&'a RawValue>,
    expect_bids: Option<usize>,
    paddle: Option<String>,
    #[serde(rename = "for")]
    person: Option<String>,
    ends_at_ms: Option<u64>,
    wall_ms: Option<i64>,
    accept_clock: Option<bool>,
    text: Option<String>,
    #[serde(default, deserialize_with = "present")]
    reason: Option<Option<String>>,
    #[serde(default)]
    expect: Pairs<Value>,
}

/// Tells a reason of `null`, which sends none, from none given.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Reads the step of that number.
pub(super) fn read(number: usize, text: &str, sold_by: &SaleFile) -> Result<Step, ScenarioError> {
    let fault = |reason: String| ScenarioError::Step { step: number, reason };
    let keys: Keys<'_> = serde_json::from_str(text).map_err(|error| {
        // Lines are counted from the step's own begin: they would mislead.
        let reason = error.to_string();
        fault(reason.split(" at line ").next().unwrap_or_default().to_owned())
    })?;
    let Some(allowed) = keys_of(&keys.deed) else {
        let (step, deed) = (number, keys.deed);
        let is_later = LATER.contains(&deed.as_str());
        return Err(if is_later {
            ScenarioError::NotBuilt { step, deed }
        } else {
            ScenarioError::UnknownDeed { step, deed }
        });
    };
    keys.check(allowed).map_err(fault)?;
    keys.step(number, sold_by).map_err(fault)
}

/// Which keys may stand in a step beside `t`, `do`, `why`, `lot` and `expect`.
fn keys_of(deed: &str) -> Option<&'static [&'static str]> {
    Some(match deed {
        "BID" => &["who", "read_at", "amount", "raw"],
        "CLOCK" => &["wall_ms"],
        "CRASH" => &[],
        "ENTER" => &["who", "read_at", "reason", "amount", "raw", "paddle", "for"],
        "EXTEND" => &["who", "read_at", "reason", "ends_at_ms"],
        "HAMMER" | "VOID" => &["who", "read_at", "reason", "expect_bids"],
        "CLOSE" | "OPEN" | "PAUSE" | "RESUME" | "WITHDRAW" => &["who", "read_at", "reason"],
        "RESERVE" => &["who", "read_at", "reason", "amount", "raw", "reserve"],
        "RESTART" => &["accept_clock"],
        "SAY" => &["who", "read_at", "reason", "text"],
        _ => return None,
    })
}

impl Keys<'_> {
    fn check(&self, allowed: &[&str]) -> Result<(), String> {
        let given = [
            ("accept_clock", self.accept_clock.is_some()),
            ("amount", self.amount.is_some()),
            ("ends_at_ms", self.ends_at_ms.is_some()),
            ("expect_bids", self.expect_bids.is_some()),
            ("for", self.person.is_some()),
            ("paddle", self.paddle.is_some()),
            ("raw", self.raw.is_some()),
            ("read_at", self.read_at.is_some()),
            ("reason", self.reason.is_some()),
            ("reserve", self.reserve.is_some()),
            ("text", self.text.is_some()),
            ("wall_ms", self.wall_ms.is_some()),
            ("who", self.who.is_some()),
        ];
        match given.iter().find(|(key, is_given)| *is_given && !allowed.contains(key)) {
            Some((key, _)) => Err(format!("{} has no `{key}`", self.deed)),
            None => Ok(()),
        }
    }

    fn step(&self, number: usize, sold_by: &SaleFile) -> Result<Step, String> {
        let (t, read_at) = (self.t, self.read_at.unwrap_or(self.t));
        if t > REHEARSAL_SPAN_MAX.ms() {
            return Err(format!("`t`: at most {} are taken", REHEARSAL_SPAN_MAX.ms()));
        }
        if read_at > t {
            return Err("`read_at`: a line is read before it is judged".to_owned());
        }
        let lot = self.lot.as_deref().map(LotId::parse).transpose();
        let lot = lot.map_err(|error| format!("`lot`: {error}"))?;
        let what = self.what(lot.as_ref(), sold_by)?;
        // What concerns no lot may still change one: in a sale of one lot, that is it.
        let only = || match sold_by.lots.as_slice() {
            [only] => Some(only.terms.id.clone()),
            _ => None,
        };
        let lot = lot.or_else(only);
        let expected = expected(&self.expect, lot.as_ref(), sold_by)?;
        let (t, read_at) = (Span::from_ms(t), Span::from_ms(read_at));
        Ok(Step { number, t, read_at, what, lot, expected })
    }

    fn what(&self, lot: Option<&LotId>, sold_by: &SaleFile) -> Result<What, String> {
        match self.deed.as_str() {
            "CLOCK" => {
                let wall_ms = self.wall_ms.ok_or_else(|| missing("wall_ms"))?;
                Ok(What::Clock { wall_ms })
            }
            "CRASH" => Ok(What::Crash),
            "RESTART" => Ok(What::Restart { accept_clock: self.accept_clock.unwrap_or(false) }),
            _ => {
                let who = self.who.as_deref().ok_or_else(|| missing("who"))?;
                let who = Name::parse(who).map_err(|error| format!("`who`: {error}"))?;
                let wish = self.wish(lot, sold_by)?;
                let reason = self.reason(&wish)?;
                Ok(What::Send { who, wish, reason })
            }
        }
    }

    fn wish(&self, lot: Option<&LotId>, sold_by: &SaleFile) -> Result<Wish, String> {
        let named = || lot.cloned().ok_or_else(|| missing("lot"));
        let bids = self.expect_bids;
        Ok(match self.deed.as_str() {
            "BID" => Wish::Bid { lot: named()?, amount: self.typed(None, sold_by)? },
            "CLOSE" => Wish::Do(Deed::Closing),
            "ENTER" => {
                let (party, amount) = (self.party()?, self.typed(None, sold_by)?);
                Wish::Enter { lot: named()?, party, amount }
            }
            "EXTEND" => {
                let ends_at = self.ends_at_ms.ok_or_else(|| missing("ends_at_ms"))?;
                if ends_at > LOT_DURATION_MAX.ms() {
                    return Err(format!("`ends_at_ms`: at most {}", LOT_DURATION_MAX.ms()));
                }
                let ends_at = opening().plus(Span::from_ms(ends_at));
                Wish::Do(Deed::Extend { lot: named()?, ends_at })
            }
            "HAMMER" => Wish::Hammer { lot: named()?, bids },
            "OPEN" => Wish::Do(Deed::Open { lot: named()? }),
            "PAUSE" => Wish::Do(Deed::Pause { lot: named()? }),
            "RESERVE" => Wish::Lower { lot: named()?, reserve: self.typed(self.reserve, sold_by)? },
            "RESUME" => Wish::Do(Deed::Resume { lot: named()? }),
            "SAY" => {
                let text = self.text.as_deref().ok_or_else(|| missing("text"))?;
                let text = Title::parse(text).map_err(|error| format!("`text`: {error}"))?;
                Wish::Do(Deed::Say { lot: lot.cloned(), text })
            }
            "VOID" => Wish::Void { lot: named()?, bids },
            "WITHDRAW" => Wish::Do(Deed::Withdraw { lot: named()? }),
            other => return Err(format!("there is no {other}")),
        })
    }

    fn party(&self) -> Result<Party, String> {
        let name =
            |key: &str, text: &str| Name::parse(text).map_err(|error| format!("`{key}`: {error}"));
        match (&self.paddle, &self.person) {
            (Some(paddle), None) => Ok(Party::Paddle(name("paddle", paddle)?)),
            (None, Some(person)) => Ok(Party::Named(name("for", person)?)),
            (None, None) => Err("ENTER needs `paddle`, or `for` and a name".to_owned()),
            (Some(_), Some(_)) => Err("`paddle` and `for` cannot stand together".to_owned()),
        }
    }

    /// The amount: minor units, or the text that a bidder types.
    fn typed(&self, other: Option<&RawValue>, sold_by: &SaleFile) -> Result<Typed, String> {
        match (self.amount.or(other), &self.raw) {
            (Some(_), _) if self.amount.is_some() && other.is_some() => {
                Err("`amount` and `reserve` cannot stand together".to_owned())
            }
            (Some(minor_units), None) => minor_units_of(minor_units.get()),
            (None, Some(text)) => Ok(sold_by.currency.parse(text).map_err(|error| error.code())),
            (None, None) => {
                Err("`amount` in minor units, or `raw` as it is typed, is missing".to_owned())
            }
            (Some(_), Some(_)) => Err("`amount` and `raw` cannot stand together".to_owned()),
        }
    }

    fn reason(&self, wish: &Wish) -> Result<Option<Title>, String> {
        let text = match &self.reason {
            Some(text) => text.as_deref().filter(|text| !text.is_empty()),
            None if wish.needs_reason() => Some(NO_REASON_GIVEN),
            None => None,
        };
        text.map(Title::parse).transpose().map_err(|error| format!("`reason`: {error}"))
    }
}

impl Wish {
    /// Whether the act must say why.
    const fn needs_reason(&self) -> bool {
        match self {
            Self::Do(deed) => deed.needs_reason(),
            Self::Lower { .. } | Self::Void { .. } => true,
            Self::Bid { .. } | Self::Enter { .. } | Self::Hammer { .. } => false,
        }
    }
}

/// A JSON number as a program would send it: any that is no amount has its code.
fn minor_units_of(number: &str) -> Result<Typed, String> {
    let is_number = number.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if !is_number {
        return Err("`amount`: a number of minor units is expected; a text is `raw`".to_owned());
    }
    if !number.bytes().all(|b| b.is_ascii_digit()) || number == "0" {
        return Ok(Err(Code::BadAmount));
    }
    Ok(number.parse().ok().and_then(Amount::new).ok_or(Code::OverCap))
}

fn expected(
    members: &Pairs<Value>,
    lot: Option<&LotId>,
    sold_by: &SaleFile,
) -> Result<Expected, String> {
    let mut expected = Expected::default();
    for (key, value) in &members.0 {
        match key.as_str() {
            "ok" => {
                let ok = value.as_bool().ok_or("`expect.ok`: true or false is expected")?;
                expected.ok = Some(ok);
            }
            "code" => expected.code = code(value)?,
            "lots" => expected.lots = lots(value, sold_by)?,
            _ => expected.lot.take(key, value.clone())?,
        }
    }
    if expected.ok == Some(true) && expected.code.is_some() {
        return Err("`expect.code`: what is ok has none".to_owned());
    }
    let in_sale = lot.is_some_and(|lot| known_lot(lot.as_str(), sold_by).is_ok());
    if !expected.lot.is_empty() && !in_sale {
        return Err("`expect` speaks of a lot, and `lot` names none of the sale: name it, or use \
                    `lots`"
            .to_owned());
    }
    Ok(expected)
}

fn code(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if Code::parse(text).is_some() || text == CLOCK_BEHIND => {
            Ok(Some(text.clone()))
        }
        other => Err(format!("`expect.code`: there is no code {other}")),
    }
}

fn lots(
    value: &Value,
    sold_by: &SaleFile,
) -> Result<Vec<(LotId, crate::rehearse::expect::LotExpected)>, String> {
    let members: Pairs<Pairs<Value>> =
        serde_json::from_value(value.clone()).map_err(|error| format!("`expect.lots`: {error}"))?;
    let one = |(lot, members): (String, Pairs<Value>)| {
        Ok((known_lot(&lot, sold_by)?, lot_expected(members)?))
    };
    members.0.into_iter().map(one).collect()
}

fn missing(key: &str) -> String {
    format!("`{key}` is missing")
}
