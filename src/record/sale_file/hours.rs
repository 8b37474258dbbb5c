//! Whether a sale by this file could still be held: what only a clock can tell.

use super::error::SaleFileError;
use super::place::{Place, TimeKey, Times};
use super::{FileLot, SaleFile};
use crate::auction::catalogue::Timer;
use crate::limits::LOT_DURATION_MAX;
use crate::time::Timestamp;

impl SaleFile {
    /// Refuses hours that are past, or more than a year ahead, for a sale that is to begin
    /// at `now` or later. One that goes on is not asked.
    ///
    /// # Errors
    /// [`SaleFileError`] names the lot and the key.
    pub fn check_hours(&self, now: Timestamp) -> Result<(), SaleFileError> {
        let sale = Place::sale(Times::Absolute);
        let ahead = [(TimeKey::OpensAt, self.opens_at), (TimeKey::SaleEndsAt, self.sale_ends_at)];
        check(sale, now, &ahead)?;
        self.lots.iter().try_for_each(|lot| check_lot(lot, now))
    }

    /// The latest time that the file names for an end, in a sale whose lots without a bid close
    /// at `sale_ends_at`. Soft closes without a hard end, and staff, can go beyond it.
    pub fn latest_end(&self, sale_ends_at: Option<Timestamp>) -> Option<Timestamp> {
        let end_of = |lot: &FileLot| match lot.terms.timer {
            Timer::Schedule { ends_at, .. } => Some(ends_at).max(lot.terms.hard_end),
            // The last moment to start its timer is the sale's end.
            Timer::FirstBid { duration } => sale_ends_at.map(|end| end.plus(duration)),
            Timer::Manual => None,
        };
        self.lots.iter().filter_map(end_of).max().max(sale_ends_at)
    }
}

fn check_lot(lot: &FileLot, now: Timestamp) -> Result<(), SaleFileError> {
    let place = Place { lot: Some(lot.terms.id.as_str()), times: Times::Absolute };
    let (opens_at, ends_at) = match lot.terms.timer {
        Timer::Schedule { opens_at, ends_at } => (opens_at, Some(ends_at)),
        Timer::FirstBid { .. } | Timer::Manual => (None, None),
    };
    let hours = [
        (TimeKey::OpensAt, opens_at),
        (TimeKey::EndsAt, ends_at),
        (TimeKey::HardEnd, lot.terms.hard_end),
    ];
    check(place, now, &hours)
}

fn check(
    place: Place<'_>,
    now: Timestamp,
    hours: &[(TimeKey, Option<Timestamp>)],
) -> Result<(), SaleFileError> {
    for (key, at) in hours {
        let Some(at) = *at else { continue };
        let name = key.name(place.times);
        // An opening that is past opens at once.
        if *key != TimeKey::OpensAt && at <= now {
            return Err(place.fault(name, format!("{at} is past: it is {now}")));
        }
        if at.since(now) > LOT_DURATION_MAX {
            return Err(place.fault(name, format!("{at} is more than a year ahead")));
        }
    }
    Ok(())
}
