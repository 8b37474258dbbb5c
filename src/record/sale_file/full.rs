//! The full form, `{"sale": {..}, "lots": {"1": {..}}}`, and the same two
//! objects as a scenario has them.

use serde_json::value::RawValue;

use super::error::SaleFileError;
use super::lot::LotKeys;
use super::members::{Member, members};
use super::place::{Place, TimeKey, Times};
use super::sale::SaleKeys;
use super::{FileLot, SaleFile, check_ids, notes};
use crate::auction::catalogue::{Timer, VoidPolicy};
use crate::auction::name::LotId;
use crate::limits::LOTS_MAX;

/// Whether a file is in the full form: its lots' ids are never these words.
pub(super) fn is_full(members: &[Member<'_>]) -> bool {
    members.iter().any(|(key, _)| matches!(key.as_str(), "sale" | "lots"))
}

/// Reads the two objects of a file.
pub(super) fn read(file: &[Member<'_>], times: Times) -> Result<SaleFile, SaleFileError> {
    let place = Place::sale(times);
    let (mut sale, mut lots) = (None, None);
    for (key, value) in file {
        match key.as_str() {
            "sale" => sale = Some(*value),
            "lots" => lots = Some(*value),
            _ => return Err(place.fault(key, "beside `sale` and `lots` there is nothing")),
        }
    }
    let sale = sale.ok_or_else(|| place.missing("sale"))?;
    let lots = lots.ok_or_else(|| place.missing("lots"))?;
    join(SaleKeys::read(times, sale)?, lots, times)
}

/// Reads the lots and joins them with what `sale` says.
pub(super) fn join(
    sale: SaleKeys,
    lots: &RawValue,
    times: Times,
) -> Result<SaleFile, SaleFileError> {
    let place = Place::sale(times);
    let members = members(lots.get(), LOTS_MAX).map_err(|error| {
        place.fault("lots", format!("an object of lots by their ids is expected: {error}"))
    })?;
    check_ids(&members)?;
    let read = |(index, (id, lot)): (usize, &Member<'_>)| {
        let place = Place { lot: Some(id), times };
        let id = LotId::parse(id).map_err(|error| place.whole(error.to_string()))?;
        LotKeys::read(place, lot)?.lot(place, id, index, &sale)
    };
    let lots: Vec<FileLot> = members.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let currency = sale.currency.ok_or_else(|| {
        let reason = "the key is missing; write {\"code\": \"EUR\"}, or which it is";
        place.fault("currency", reason)
    })?;
    let mut file = SaleFile {
        id: sale.id,
        title: sale.title,
        currency,
        opens_at: sale.opens_at,
        sale_ends_at: sale.sale_ends_at,
        restart_grace: sale.restart_grace,
        room_bids: sale.room_bids.unwrap_or(false),
        void_policy: sale.void_policy.unwrap_or(VoidPolicy::Reinstate),
        fees: sale.fees,
        is_seed_form: false,
        notes: sale.notes,
        lots,
    };
    check_hours(&file, times)?;
    file.notes.extend(notes::of(&file));
    Ok(file)
}

/// Refuses lots that close before anybody could bid on them.
fn check_hours(file: &SaleFile, times: Times) -> Result<(), SaleFileError> {
    for lot in &file.lots {
        let place = Place { lot: Some(lot.terms.id.as_str()), times };
        let own = match lot.terms.timer {
            Timer::Schedule { opens_at, .. } => opens_at,
            Timer::FirstBid { .. } | Timer::Manual => None,
        };
        if let (Some(opens_at), Some(ends_at)) = (own, file.sale_ends_at)
            && ends_at <= opens_at
        {
            let reason = format!("the sale ends at {ends_at}, before the lot opens");
            return Err(place.fault(TimeKey::OpensAt.name(times), reason));
        }
        if let (Some(opens_at), Some(hard_end)) = (own.max(file.opens_at), lot.terms.hard_end)
            && hard_end <= opens_at
        {
            let reason = format!("{hard_end} is not after the opening at {opens_at}");
            return Err(place.fault(TimeKey::HardEnd.name(times), reason));
        }
    }
    Ok(())
}
