//! The sale file, in the seed's form and in the full one (RULES 3).
//!
//! ```json
//! {"1": {"name": "10 CGPA", "highest_bid": 1000, "highest_bidder": null, "duration": 30}}
//!
//! {"sale": {"currency": {"code": "EUR"}, "increments": [[0, 500]], "timer": "manual"},
//!  "lots": {"1": {"name": "Cider press", "start": 4000}}}
//! ```
//!
//! Lots keep the file's order, so objects are read member by member. Whatever
//! could not be sold by, or contradicts itself, is refused with the lot, the key
//! and the reason. The reader knows no clock: whether the hours are past is asked
//! with the time by [`SaleFile::check_hours`].

mod error;
mod full;
mod hours;
mod lot;
mod members;
mod notes;
mod place;
mod sale;
mod seed;
mod stated;
#[cfg(test)]
mod tests;
mod timer;

use std::fmt;

use serde_json::value::RawValue;

pub use error::SaleFileError;
pub use place::Times;

use crate::auction::catalogue::{Catalogue, LotTerms, SaleTerms, VoidPolicy};
use crate::auction::fees::Fees;
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{SaleId, Title};
use crate::limits::{LOTS_MAX, RESTART_GRACE, SALE_FILE_BYTES_MAX};
use crate::time::{Span, Timestamp};
use members::{Member, doubled, members};
use place::Place;
use sale::SaleKeys;

/// What a sale file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleFile {
    /// The sale's id.
    pub id: Option<SaleId>,
    /// What the sale is called.
    pub title: Option<Title>,
    /// The currency of every amount; in the seed's form, none.
    pub currency: Currency,
    /// When lots may open.
    pub opens_at: Option<Timestamp>,
    /// When lots without any bid close unsold.
    pub sale_ends_at: Option<Timestamp>,
    /// The least time that an open lot keeps after an outage, if not the default.
    pub restart_grace: Option<Span>,
    /// Whether clerks may enter bids for people in the room.
    pub room_bids: bool,
    /// What comes back when a standing bid is voided.
    pub void_policy: VoidPolicy,
    /// What buyers and sellers pay beside the hammer price.
    pub fees: Option<Fees>,
    /// Whether it is an object of numbered items, which says nothing but lots.
    pub is_seed_form: bool,
    /// What is as the file says, but perhaps not as its writer thinks.
    pub notes: Vec<String>,
    /// The lots, in the file's order.
    pub lots: Vec<FileLot>,
}

/// A lot of a sale file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileLot {
    /// Its terms; the commitment to its reserve is not among them, for it is made later.
    pub terms: LotTerms,
    /// The least price at which it is sold: the house's secret until it has closed.
    pub reserve: Option<Amount>,
}

/// Without the amount of the reserve.
impl fmt::Debug for FileLot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLot")
            .field("terms", &self.terms)
            .field("has_reserve", &self.reserve.is_some())
            .finish()
    }
}

impl SaleFile {
    /// A file in the seed's form with these lots.
    pub fn of_items(lots: Vec<LotTerms>) -> Self {
        Self {
            id: None,
            title: None,
            currency: Currency::seed(),
            opens_at: None,
            sale_ends_at: None,
            restart_grace: None,
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
            fees: None,
            is_seed_form: true,
            notes: Vec::new(),
            lots: lots.into_iter().map(|terms| FileLot { terms, reserve: None }).collect(),
        }
    }

    /// The lots as they are offered, but for the commitments to their reserves.
    pub fn lot_terms(&self) -> Vec<LotTerms> {
        self.lots.iter().map(|lot| lot.terms.clone()).collect()
    }

    /// The terms of the sale as far as the rules read them.
    pub fn sale_terms(&self, attested: bool) -> SaleTerms {
        SaleTerms {
            currency: self.currency.clone(),
            attested,
            opens_at: self.opens_at,
            sale_ends_at: self.sale_ends_at,
            restart_grace: self.restart_grace.unwrap_or(RESTART_GRACE),
            room_bids: self.room_bids,
            void_policy: self.void_policy,
        }
    }

    /// The first lot that has a reserve.
    pub fn reserved(&self) -> Option<&FileLot> {
        self.lots.iter().find(|lot| lot.reserve.is_some())
    }
}

/// Reads a sale file of either form.
///
/// # Errors
/// [`SaleFileError`] names the lot, the key and the reason.
pub fn read_sale_file(bytes: &[u8], times: Times) -> Result<SaleFile, SaleFileError> {
    if u64::try_from(bytes.len()).map_or(true, |length| length > SALE_FILE_BYTES_MAX) {
        let reason = format!("the file is longer than {SALE_FILE_BYTES_MAX} bytes");
        return Err(SaleFileError::file(reason));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| SaleFileError::file(format!("the file is not UTF-8: {error}")))?;
    if text.starts_with('\u{feff}') {
        return Err(SaleFileError::file("the file begins with a byte order mark; save it without"));
    }
    let members = members(text, LOTS_MAX).map_err(|error| {
        SaleFileError::file(format!("the file is not an object of numbered items: {error}"))
    })?;
    if full::is_full(&members) {
        if let Some(key) = doubled(&members) {
            return Err(Place::sale(times).fault(key, "the key is there twice"));
        }
        checked(full::read(&members, times)?)
    } else {
        check_ids(&members)?;
        checked(seed::read(&members, times)?)
    }
}

/// Reads a scenario's `sale`, `lots` and `currency`, each a JSON object as it stands in
/// the scenario, with times counted from `opening`. They are read as a file's are.
///
/// # Errors
/// [`SaleFileError`] names the lot, the key and the reason.
pub fn read_scenario_sale(
    sale: &str,
    lots: &str,
    currency: &str,
    opening: Timestamp,
) -> Result<SaleFile, SaleFileError> {
    let times = Times::FromOpening(opening);
    let place = Place::sale(times);
    let object = |key: &str, text: &str| {
        RawValue::from_string(text.to_owned())
            .map_err(|error| place.fault(key, format!("this is not JSON: {error}")))
    };
    let mut keys = SaleKeys::read(times, &object("sale", sale)?)?;
    if keys.currency.is_some() {
        return Err(place.fault("currency", "in a scenario it stands beside `sale`"));
    }
    keys.take_currency(place, "currency", &object("currency", currency)?)?;
    checked(full::join(keys, &object("lots", lots)?, times)?)
}

/// The file, if the rules can hold a sale by it.
fn checked(file: SaleFile) -> Result<SaleFile, SaleFileError> {
    Catalogue::new(file.sale_terms(false), file.lot_terms())?;
    Ok(file)
}

fn check_ids(lots: &[Member<'_>]) -> Result<(), SaleFileError> {
    if lots.is_empty() {
        return Err(SaleFileError::file("the file has no lot"));
    }
    match doubled(lots) {
        Some(id) => Err(SaleFileError::at(Some(id), None, "the id is there twice")),
        None => Ok(()),
    }
}
