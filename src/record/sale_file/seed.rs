//! The seed's form: an object of numbered items, each with the four keys that
//! the seed has, in plain whole units (RULES 3, SEED "Keep").

use serde_json::value::RawValue;

use super::error::SaleFileError;
use super::lot::LotKeys;
use super::members::Member;
use super::place::{Place, Times};
use super::sale::SaleKeys;
use super::{FileLot, SaleFile};
use crate::auction::name::LotId;

const KEYS: [&str; 4] = ["name", "highest_bid", "highest_bidder", "duration"];

/// Reads the items, in the file's order.
pub(super) fn read(items: &[Member<'_>], times: Times) -> Result<SaleFile, SaleFileError> {
    let read = |(index, (id, item)): (usize, &Member<'_>)| read_item(id, item, index, times);
    let lots = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok(SaleFile { lots, ..SaleFile::of_items(Vec::new()) })
}

fn read_item(
    id: &str,
    item: &RawValue,
    index: usize,
    times: Times,
) -> Result<FileLot, SaleFileError> {
    let place = Place { lot: Some(id), times };
    let lot = read_id(place, id)?;
    let mut keys = LotKeys::default();
    for (key, value) in place.members(item)? {
        if !KEYS.contains(&key.as_str()) {
            return Err(place.unknown(&key));
        }
        keys.take(place, &key, value)?;
    }
    let missing = [
        ("name", keys.name.is_none()),
        ("highest_bid", keys.above_highest.is_none()),
        ("duration", keys.duration.is_none()),
    ];
    match missing.into_iter().find(|(_, is_missing)| *is_missing) {
        Some((key, _)) => Err(place.missing(key)),
        None => keys.lot(place, lot, index, &SaleKeys::default()),
    }
}

fn read_id(place: Place<'_>, id: &str) -> Result<LotId, SaleFileError> {
    let digits = id.bytes().all(|b| b.is_ascii_digit());
    let lot = LotId::parse(id).ok().filter(|_| digits);
    let lot = lot.filter(|_| id == "0" || !id.starts_with('0'));
    lot.ok_or_else(|| {
        place.whole("an id is 1 to 16 digits without a leading zero; other ids stand in `lots`")
    })
}
