//! The sale file in the seed's form: `items.json` (RULES 3, SEED "Keep").
//!
//! ```json
//! {"1": {"name": "10 CGPA", "highest_bid": 1000, "highest_bidder": null, "duration": 30}}
//! ```
//!
//! Lots keep the file's order, so objects are read member by member: a map
//! would sort them and swallow a doubled id. Every refusal names the lot, the
//! key and the reason.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::auction::catalogue::{LotTerms, Timer};
use crate::auction::increments::Increments;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Title};
use crate::limits::{LOT_DURATION_MAX, LOTS_MAX, SALE_FILE_BYTES_MAX};
use crate::time::Span;

/// Why a sale file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SaleFileError {
    /// The lot's id as the file has it, without control characters.
    pub lot: Option<String>,
    /// The key, without control characters.
    pub key: Option<String>,
    /// What is wrong there.
    pub reason: String,
}

/// `lot "3", key "duration": ...`, as far as lot and key are known.
impl fmt::Display for SaleFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.lot, &self.key) {
            (Some(lot), Some(key)) => write!(f, "lot \"{lot}\", key \"{key}\": {}", self.reason),
            (Some(lot), None) => write!(f, "lot \"{lot}\": {}", self.reason),
            (None, Some(key)) => write!(f, "key \"{key}\": {}", self.reason),
            (None, None) => f.write_str(&self.reason),
        }
    }
}

impl SaleFileError {
    fn file(reason: impl Into<String>) -> Self {
        Self { lot: None, key: None, reason: reason.into() }
    }

    fn lot(lot: &str, reason: impl Into<String>) -> Self {
        Self { lot: Some(shown(lot)), ..Self::file(reason) }
    }

    fn key(lot: &str, key: &str, reason: impl Into<String>) -> Self {
        Self { key: Some(shown(key)), ..Self::lot(lot, reason) }
    }
}

/// Reads a sale file in the seed's form into lots, in the file's order.
pub fn read_sale_file(bytes: &[u8]) -> Result<Vec<LotTerms>, SaleFileError> {
    if u64::try_from(bytes.len()).map_or(true, |length| length > SALE_FILE_BYTES_MAX) {
        let reason = format!("the file is longer than {SALE_FILE_BYTES_MAX} bytes");
        return Err(SaleFileError::file(reason));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| SaleFileError::file(format!("the file is not UTF-8: {error}")))?;
    if text.starts_with('\u{feff}') {
        return Err(SaleFileError::file("the file begins with a byte order mark; save it without"));
    }
    let Members(lots) = serde_json::from_str(text).map_err(|error| {
        SaleFileError::file(format!("the file is not an object of numbered items: {error}"))
    })?;
    check_ids(&lots)?;
    lots.iter().map(|(id, lot)| read_item(id, lot)).collect()
}

/// The members of an object in their order, doubled keys included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

fn check_ids(lots: &[(String, &RawValue)]) -> Result<(), SaleFileError> {
    if lots.is_empty() {
        return Err(SaleFileError::file("the file has no lot"));
    }
    if lots.len() > LOTS_MAX {
        return Err(SaleFileError::file(format!("the file has more than {LOTS_MAX} lots")));
    }
    let mut ids: Vec<&str> = lots.iter().map(|(id, _)| id.as_str()).collect();
    ids.sort_unstable();
    match ids.array_windows().find(|[one, next]| one == next) {
        Some([id, _]) => Err(SaleFileError::lot(id, "the id is there twice")),
        None => Ok(()),
    }
}

fn read_item(id: &str, item: &RawValue) -> Result<LotTerms, SaleFileError> {
    let lot = read_id(id)?;
    let item = Item::read(id, item)?;
    let name = Title::parse(&item.name)
        .map_err(|error| SaleFileError::key(id, "name", error.to_string()))?;
    let start = item.highest_bid.checked_add(1).and_then(Amount::new).ok_or_else(|| {
        SaleFileError::key(id, "highest_bid", "no bid above it can be written: 2^53-2 is the most")
    })?;
    Ok(LotTerms {
        id: lot,
        name,
        start,
        increments: Increments::constant(1).expect("a step of 1 is a table"),
        timer: Timer::FirstBid { duration: read_duration(id, item.duration)? },
        soft_window: Span::ZERO,
        soft_extend: Span::ZERO,
        hard_end: None,
        seller: None,
        estimate: None,
        without_reserve: false,
        reserve_commit: None,
    })
}

fn read_id(id: &str) -> Result<LotId, SaleFileError> {
    if matches!(id, "sale" | "lots") {
        let reason = "this version takes the form of numbered items only";
        return Err(SaleFileError { lot: None, ..SaleFileError::key("", id, reason) });
    }
    let digits = id.bytes().all(|b| b.is_ascii_digit());
    let lot = LotId::parse(id).ok().filter(|_| digits);
    let lot = lot.filter(|_| id == "0" || !id.starts_with('0'));
    lot.ok_or_else(|| SaleFileError::lot(id, "an id is 1 to 16 digits without a leading zero"))
}

fn read_duration(id: &str, seconds: u64) -> Result<Span, SaleFileError> {
    let longest = LOT_DURATION_MAX.ms() / 1000;
    if (1..=longest).contains(&seconds) {
        Ok(Span::from_s(seconds))
    } else {
        let reason = format!("{seconds} seconds: 1 to {longest} are taken");
        Err(SaleFileError::key(id, "duration", reason))
    }
}

/// An item in the seed's keys; `highest_bidder` is not read.
struct Item {
    name: String,
    highest_bid: u64,
    duration: u64,
}

impl Item {
    fn read(id: &str, item: &RawValue) -> Result<Self, SaleFileError> {
        let Members(members) = serde_json::from_str(item.get())
            .map_err(|_| SaleFileError::lot(id, "an object is expected"))?;
        let (mut name, mut highest_bid, mut highest_bidder, mut duration) =
            (None, None, None, None);
        for (key, value) in members {
            let doubled = match key.as_str() {
                "name" => name.replace(text(id, &key, value)?).is_some(),
                "highest_bid" => highest_bid.replace(number(id, &key, value)?).is_some(),
                "highest_bidder" => highest_bidder.replace(()).is_some(),
                "duration" => duration.replace(number(id, &key, value)?).is_some(),
                _ => return Err(SaleFileError::key(id, &key, "the key is unknown")),
            };
            if doubled {
                return Err(SaleFileError::key(id, &key, "the key is there twice"));
            }
        }
        let missing = |key| move || SaleFileError::key(id, key, "the key is missing");
        Ok(Self {
            name: name.ok_or_else(missing("name"))?,
            highest_bid: highest_bid.ok_or_else(missing("highest_bid"))?,
            duration: duration.ok_or_else(missing("duration"))?,
        })
    }
}

fn text(id: &str, key: &str, value: &RawValue) -> Result<String, SaleFileError> {
    serde_json::from_str(value.get()).map_err(|_| SaleFileError::key(id, key, "a text is expected"))
}

fn number(id: &str, key: &str, value: &RawValue) -> Result<u64, SaleFileError> {
    serde_json::from_str(value.get())
        .map_err(|_| SaleFileError::key(id, key, "a whole number that is not negative is expected"))
}

/// Makes a text from the file fit for a message: short, and nothing that moves a cursor.
fn shown(text: &str) -> String {
    let fits = |c: char| crate::auction::name::is_showable(c);
    text.chars().take(40).map(|c| if fits(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_own_items_load_in_file_order() {
        let lots = read_sale_file(include_bytes!("../../items.json")).expect("the seed's file");
        let names: Vec<&str> = lots.iter().map(|lot| lot.name.as_str()).collect();
        assert_eq!(names[0], "Saleena's Soul");
        assert_eq!(names[4], "Sanju Samson");
        assert_eq!(lots[2].id.as_str(), "3");
        assert_eq!(lots[2].start.minor_units(), 1001);
        assert_eq!(lots[2].timer, Timer::FirstBid { duration: Span::from_s(30) });
    }

    #[test]
    fn lots_keep_the_files_order_not_the_ids() {
        let item = r#"{"name":"x","highest_bid":0,"duration":1}"#;
        let file = format!(r#"{{"10":{item},"2":{item},"0":{item}}}"#);
        let lots = read_sale_file(file.as_bytes()).expect("reads");
        let ids: Vec<&str> = lots.iter().map(|lot| lot.id.as_str()).collect();
        assert_eq!(ids, ["10", "2", "0"]);
    }

    /// SEED.md, defect 21: the file was not checked.
    #[test]
    fn defect_21_every_fault_is_named_by_lot_key_and_reason() {
        for (item, expected) in [
            (r#"{"name":"x","highest_bid":"5","duration":1}"#, "key \"highest_bid\": a whole"),
            (r#"{"name":"x","highest_bid":-1,"duration":1}"#, "key \"highest_bid\": a whole"),
            (r#"{"name":"x","highest_bid":5.0,"duration":1}"#, "key \"highest_bid\": a whole"),
            (
                r#"{"name":"x","highest_bid":9007199254740991,"duration":1}"#,
                "key \"highest_bid\": no bid",
            ),
            (r#"{"name":"x","highest_bid":5,"duration":-3}"#, "key \"duration\": a whole"),
            (r#"{"name":"x","highest_bid":5,"duration":0}"#, "key \"duration\": 0 seconds"),
            (r#"{"name":"x","highest_bid":5,"duration":99999999}"#, "key \"duration\": 99999999"),
            (r#"{"name":"x","highest_bid":5,"duration":1e2}"#, "key \"duration\": a whole"),
            (r#"{"name":5,"highest_bid":5,"duration":1}"#, "key \"name\": a text"),
            (r#"{"name":"","highest_bid":5,"duration":1}"#, "key \"name\": a title"),
            (r#"{"name":"a\u001b[2J","highest_bid":5,"duration":1}"#, "key \"name\": a title"),
            (r#"{"highest_bid":5,"duration":1}"#, "key \"name\": the key is missing"),
            (r#"{"name":"x","duration":1}"#, "key \"highest_bid\": the key is missing"),
            (r#"{"name":"x","highest_bid":5}"#, "key \"duration\": the key is missing"),
            (
                r#"{"name":"x","highest_bid":5,"duration":1,"duration":2}"#,
                "key \"duration\": the key is there twice",
            ),
            (
                r#"{"name":"x","highest_bid":5,"duration":1,"hammer":2}"#,
                "key \"hammer\": the key is unknown",
            ),
            ("[1]", "an object is expected"),
        ] {
            let file = format!(r#"{{"1":{item}}}"#);
            let error = read_sale_file(file.as_bytes()).expect_err(item);
            assert_eq!(error.lot.as_deref(), Some("1"), "{item}");
            assert!(error.to_string().contains(expected), "{item}: {error}");
        }
    }

    #[test]
    fn defect_21_ids_have_one_form_and_stand_once() {
        let item = r#"{"name":"x","highest_bid":5,"duration":1}"#;
        for id in ["01", "", "a", "-1", "1 ", "12345678901234567"] {
            let error = read_sale_file(format!(r#"{{"{id}":{item}}}"#).as_bytes()).expect_err(id);
            assert_eq!(error.lot.as_deref(), Some(id), "{error}");
        }
        let doubled = format!(r#"{{"1":{item},"2":{item},"1":{item}}}"#);
        let error = read_sale_file(doubled.as_bytes()).expect_err("doubled");
        assert_eq!(error.to_string(), "lot \"1\": the id is there twice");
        let escaped = format!(r#"{{"1":{item},"\u0031":{item}}}"#);
        assert!(read_sale_file(escaped.as_bytes()).is_err());
    }

    #[test]
    fn files_that_are_no_object_of_items_are_refused_whole() {
        for bytes in
            [&b"{}"[..], b"", b"[]", b"5", b"\xff", b"\xef\xbb\xbf{}", b"{\"1\":{}", b"{} x"]
        {
            let error = read_sale_file(bytes).expect_err("no sale file");
            assert_eq!((error.lot, error.key), (None, None));
        }
        let full = br#"{"sale":{},"lots":{}}"#;
        let error = read_sale_file(full).expect_err("the full form comes later");
        assert_eq!(error.key.as_deref(), Some("sale"));
    }

    #[test]
    fn what_the_file_says_cannot_move_a_cursor() {
        let file = r#"{"\u001b[2J":{"name":"x"}}"#;
        let error = read_sale_file(file.as_bytes()).expect_err("a bad id").to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}
