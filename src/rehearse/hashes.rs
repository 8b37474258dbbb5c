//! A scenario's `hashes`: canonical objects with their SHA-256, to check an
//! implementation of the format by.
//!
//! Each is an object with one member that is an object, and one that is 64
//! hexadecimal digits; other texts beside them are labels:
//!
//! ```json
//! [{"name": "a commitment", "object": {"lot": "1", "reserve": 500}, "sha256": "6ecb..."}]
//! ```

use serde_json::Value;

use super::expect::{Mismatch, Place};
use crate::ledger::{Hash, canonical, to_canonical};

/// An object with the hash that its canonical form is said to have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HashCheck {
    label: String,
    object: Value,
    sha256: Hash,
}

/// Takes a list of such objects, or an object of them by their labels.
pub(super) fn read(value: Value) -> Result<Vec<HashCheck>, String> {
    match value {
        Value::Array(list) => {
            list.into_iter().map(|entry| entry_of(String::new(), entry)).collect()
        }
        Value::Object(map) => {
            map.into_iter().map(|(label, entry)| entry_of(label, entry)).collect()
        }
        _ => Err("a list is expected".to_owned()),
    }
}

fn entry_of(mut label: String, entry: Value) -> Result<HashCheck, String> {
    let expected = "an object and its sha256 are expected";
    let Value::Object(members) = entry else { return Err(expected.to_owned()) };
    let (mut object, mut sha256) = (None, None);
    for (key, value) in members {
        match value {
            Value::Object(_) if object.is_none() => object = Some(value),
            Value::String(text) => match hash(&text) {
                Some(hash) if sha256.is_none() => sha256 = Some(hash),
                Some(_) => return Err(expected.to_owned()),
                None if label.is_empty() => label = text,
                None => {}
            },
            _ => return Err(format!("`{key}`: {expected}")),
        }
    }
    let (object, sha256) = object.zip(sha256).ok_or(expected)?;
    Ok(HashCheck { label, object, sha256 })
}

fn hash(text: &str) -> Option<Hash> {
    Hash::parse(text.strip_prefix("sha256:").unwrap_or(text)).ok()
}

impl HashCheck {
    /// What differs, of the hash of that number.
    pub(super) fn check(&self, number: usize) -> Option<Mismatch> {
        let mismatch = |came: String| Mismatch {
            place: Place::Hash { number, label: self.label.clone() },
            lot: None,
            what: "sha256".to_owned(),
            expected: self.sha256.to_string().into(),
            came: came.into(),
        };
        // A map of serde_json is sorted by its keys, and the ledger's keys are ASCII.
        let bytes = serde_json::to_vec(&self.object).expect("a JSON value has a JSON form");
        match canonical::check(&bytes) {
            Ok(()) => {
                let came = Hash::of(&to_canonical(&self.object));
                (came != self.sha256).then(|| mismatch(came.to_string()))
            }
            Err(error) => Some(mismatch(format!("no object of the ledger: {error}"))),
        }
    }
}
