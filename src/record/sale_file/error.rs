//! What is wrong in a sale file, by lot, key and reason.

use std::fmt;

use crate::auction::catalogue::CatalogueError;
use crate::auction::name::{LotId, is_showable};

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
    /// A fault of the whole file.
    pub(super) fn file(reason: impl Into<String>) -> Self {
        Self { lot: None, key: None, reason: reason.into() }
    }

    /// A fault of a lot, or of what holds for the whole sale.
    pub(super) fn at(lot: Option<&str>, key: Option<&str>, reason: impl Into<String>) -> Self {
        Self { lot: lot.map(shown), key: key.map(shown), reason: reason.into() }
    }
}

/// The rules name lots and terms; here they are the file's lots and keys.
impl From<CatalogueError> for SaleFileError {
    fn from(error: CatalogueError) -> Self {
        let at = |lot: &LotId, key: &str, reason: String| {
            Self::at(Some(lot.as_str()), Some(key), reason)
        };
        match error {
            CatalogueError::DuplicateLot { lot } => {
                Self::at(Some(lot.as_str()), None, "the id is there twice")
            }
            CatalogueError::Duration { lot, duration } => {
                at(&lot, "duration", format!("{duration} is not a time that a lot can run"))
            }
            CatalogueError::EndsBeforeOpening { lot, opens_at, ends_at } => {
                at(&lot, "ends_at", format!("{ends_at} is not after the opening at {opens_at}"))
            }
            CatalogueError::Estimate { lot, low, high } => {
                at(&lot, "estimate", format!("{high} is below {low}"))
            }
            CatalogueError::HardEnd { lot, ends_at, hard_end } => {
                at(&lot, "hard_end", format!("{hard_end} is before the end at {ends_at}"))
            }
            CatalogueError::Reserve { lot } => {
                at(&lot, "reserve", "a lot offered without reserve has none".to_owned())
            }
            CatalogueError::SaleEndsBeforeOpening { opens_at, ends_at } => Self::at(
                None,
                Some("sale_ends_at"),
                format!("{ends_at} is not after the opening at {opens_at}"),
            ),
            CatalogueError::SoftClose { lot, span } => {
                at(&lot, "soft_window_ms", format!("a soft close of {span} is too long"))
            }
            CatalogueError::NoLots | CatalogueError::TooManyLots { .. } => {
                Self::file(error.to_string())
            }
        }
    }
}

/// Makes a text from the file fit for a message: short, and nothing that moves a cursor.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if is_showable(c) { c } else { '\u{fffd}' }).collect()
}
