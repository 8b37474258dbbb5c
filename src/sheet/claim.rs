//! A sheet in JSON that somebody hands over, held against the sheet of a ledger.
//!
//! What derives from the ledger is compared field by field. What the maker's audit
//! found (`audit`) is not: it depends on what that auditor had beside the ledger. Lists
//! that were not kept are not compared either.

use serde_json::Value;

use super::Sheet;
use super::facts::{AuditFacts, Facts, KIND, VERSION};
use crate::limits::SHEET_DIFFERENCES_MAX;

/// The longest value that a difference quotes.
const VALUE_CHARS_SHOWN: usize = 96;

/// What a sheet says that nobody has checked.
#[derive(Clone, Debug)]
pub struct Claim {
    facts: Facts,
}

/// Why a file is not a sheet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimFault {
    /// It is not the JSON of a sheet: a field is missing, unknown or of another type.
    #[error("it is not a sheet of results: {0}")]
    Json(#[from] serde_json::Error),
    /// It is something else.
    #[error("it is not a sheet of results: \"t\" is not {KIND:?}")]
    Kind,
    /// It is of a version that this gavel does not know.
    #[error("it is a sheet of version {v}; this gavel knows version {VERSION}")]
    Version {
        /// Its version.
        v: u64,
    },
    /// It says the same in another form than sheets have.
    #[error("it is not written as a sheet of results is: {path} is missing or in another form")]
    Form {
        /// Where.
        path: String,
    },
}

/// One difference between a ledger and a sheet that claims to be of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// A list has another length.
    #[error("{path}: the ledger has {ledger} of them, the sheet {sheet}")]
    Length {
        /// Where.
        path: String,
        /// In the ledger.
        ledger: usize,
        /// In the sheet.
        sheet: usize,
    },
    /// A field is not there.
    #[error("{path} is missing")]
    Missing {
        /// Which.
        path: String,
    },
    /// The sheet is of another sale.
    #[error(
        "the sheet is of another sale: {sheet} (line 0 {sheet_hash}); this ledger is of {ledger} \
         (line 0 {ledger_hash})"
    )]
    Sale {
        /// This ledger's sale.
        ledger: String,
        /// The hash of its line 0.
        ledger_hash: String,
        /// The sheet's sale.
        sheet: String,
        /// The hash of its line 0.
        sheet_hash: String,
    },
    /// A field says something else.
    #[error("{path}: the ledger says {ledger}, the sheet {sheet}")]
    Value {
        /// Which.
        path: String,
        /// What the ledger says.
        ledger: String,
        /// What the sheet says.
        sheet: String,
    },
}

impl Difference {
    /// In which field, if it is in one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Length { path, .. } | Self::Missing { path } | Self::Value { path, .. } => {
                Some(path)
            }
            Self::Sale { .. } => None,
        }
    }
}

/// How a claim and the sheet of a ledger differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The first differences.
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub unlisted: u64,
}

impl Claim {
    /// Reads the JSON form: every field there once, none unknown.
    pub fn read(bytes: &[u8]) -> Result<Self, ClaimFault> {
        let raw: Value = serde_json::from_slice(bytes)?;
        if raw.get("t").and_then(Value::as_str) != Some(KIND) {
            return Err(ClaimFault::Kind);
        }
        match raw.get("v").and_then(Value::as_u64) {
            Some(VERSION) => {}
            v => return Err(ClaimFault::Version { v: v.unwrap_or(0) }),
        }
        let facts: Facts = serde_json::from_slice(bytes)?;
        // serde takes an array for an object, and leaves out what may be null.
        let mut forms = Comparison::default();
        forms.compare("$", &value_of(&facts), &raw);
        match forms.differences.first().and_then(Difference::path) {
            Some(path) => Err(ClaimFault::Form { path: path.to_owned() }),
            None => Ok(Self { facts }),
        }
    }

    /// Whether it lists bids, so that the auditor must keep them for the comparison.
    pub const fn lists_bids(&self) -> bool {
        self.facts.annexes.bids.is_some()
            || self.facts.annexes.acts.is_some()
            || self.facts.annexes.clocks.is_some()
    }

    /// Compares it with the sheet of a ledger.
    pub fn compare(&self, sheet: &Sheet) -> Comparison {
        let (claimed, found) = (&self.facts, sheet.facts());
        let mut comparison = Comparison::default();
        if claimed.ledger.sale_hash != found.ledger.sale_hash {
            comparison.note(other_sale(claimed, found));
            return comparison;
        }
        let (found, claimed) = (comparable(found, claimed), comparable(claimed, claimed));
        comparison.compare("$", &value_of(&found), &value_of(&claimed));
        comparison
    }
}

impl Comparison {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    fn note(&mut self, difference: Difference) {
        if self.differences.len() < SHEET_DIFFERENCES_MAX {
            self.differences.push(difference);
        } else {
            self.unlisted += 1;
        }
    }

    fn compare(&mut self, path: &str, ledger: &Value, sheet: &Value) {
        match (ledger, sheet) {
            (Value::Object(ledger), Value::Object(sheet)) => {
                for (key, value) in ledger {
                    let path = format!("{path}.{key}");
                    match sheet.get(key) {
                        Some(said) => self.compare(&path, value, said),
                        None => self.note(Difference::Missing { path }),
                    }
                }
            }
            (Value::Array(ledger), Value::Array(sheet)) => {
                if ledger.len() != sheet.len() {
                    let (path, ledger, sheet) = (path.to_owned(), ledger.len(), sheet.len());
                    self.note(Difference::Length { path, ledger, sheet });
                }
                for (index, (value, said)) in ledger.iter().zip(sheet).enumerate() {
                    self.compare(&format!("{path}[{index}]"), value, said);
                }
            }
            _ if ledger == sheet => {}
            _ => {
                let (ledger, sheet) = (quoted(ledger), quoted(sheet));
                self.note(Difference::Value { path: path.to_owned(), ledger, sheet });
            }
        }
    }
}

fn other_sale(claimed: &Facts, found: &Facts) -> Difference {
    let named = |facts: &Facts| format!("{} of the house {}", facts.sale, facts.house);
    Difference::Sale {
        ledger: named(found),
        ledger_hash: found.ledger.sale_hash.clone(),
        sheet: named(claimed),
        sheet_hash: claimed.ledger.sale_hash.clone(),
    }
}

/// What of `facts` can be compared: nothing that derives from elsewhere, and no list
/// that the claim does not have.
fn comparable(facts: &Facts, claim: &Facts) -> Facts {
    let mut facts = facts.clone();
    facts.audit = AuditFacts {
        verdict: String::new(),
        open: Vec::new(),
        unchecked: Vec::new(),
        revoked_unrecorded: Vec::new(),
    };
    let (annexes, claimed) = (&mut facts.annexes, &claim.annexes);
    annexes.bids = annexes.bids.take().filter(|_| claimed.bids.is_some());
    annexes.acts = annexes.acts.take().filter(|_| claimed.acts.is_some());
    annexes.clocks = annexes.clocks.take().filter(|_| claimed.clocks.is_some());
    facts
}

fn value_of(facts: &Facts) -> Value {
    serde_json::to_value(facts).expect("plain values have a JSON form")
}

/// A value as JSON has it, cut where it is long.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
