//! The logs that a witness serves: their keys by origin (tlog-policy, "Defining a log").
//!
//! ```text
//! # the autumn sales
//! log estate/2026-autumn+1c9a3f42+AXm6...
//! log wine/2026-11+77aa0b12+AW0x... https://wine.example/
//! ```
//!
//! A key's name is the log's origin. Several keys of one name are one log that changes its key.

use std::collections::BTreeMap;

use crate::ledger::policy::PolicyError;
use crate::ledger::{CosignerKey, Policy, VerifierKey};

/// Why a list of logs is not one for this witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogsError {
    /// A line cannot be read.
    #[error(transparent)]
    Line(#[from] PolicyError),
    /// The witness would take its own signatures for a log's.
    #[error("the key of the log {name} is this witness's own key")]
    OwnKey {
        /// The log's name.
        name: String,
    },
}

/// The keys of each log, by its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs(BTreeMap<String, Vec<VerifierKey>>);

impl Logs {
    /// Reads the list of logs of the witness with this key.
    pub fn read(text: &[u8], witness: &CosignerKey) -> Result<Self, LogsError> {
        let mut logs: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in Policy::parse_logs(text)? {
            let name = key.name().to_owned();
            if key.material() == witness.vkey().material() {
                return Err(LogsError::OwnKey { name });
            }
            logs.entry(name).or_default().push(key);
        }
        Ok(Self(logs))
    }

    /// The keys of a log, of which there is one at least; none if it is not served.
    pub fn keys_of(&self, origin: &str) -> Option<&[VerifierKey]> {
        self.0.get(origin).map(Vec::as_slice)
    }

    /// The origins, in their order.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::ledger::WitnessKey;
    use crate::ledger::note::TYPE_ED25519;
    use crate::ledger::policy::PolicyFault;

    fn log(seed: u8, name: &str) -> String {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        format!("log {}\n", VerifierKey::new(name, TYPE_ED25519, &key).expect("a key"))
    }

    fn read(text: &str) -> Result<Logs, LogsError> {
        let key = WitnessKey::new("w", SigningKey::from_bytes(&[9; 32])).expect("a key");
        Logs::read(text.as_bytes(), key.public())
    }

    #[test]
    fn keys_of_one_name_are_one_log() {
        let text = [log(1, "b/two"), log(2, "a/one"), log(3, "b/two")].concat();
        let logs = read(&text).expect("reads");
        assert_eq!(logs.origins().collect::<Vec<_>>(), ["a/one", "b/two"]);
        assert_eq!(logs.keys_of("b/two").map(<[_]>::len), Some(2));
        assert_eq!(logs.keys_of("b"), None);
    }

    #[test]
    fn a_wrong_line_is_named_and_the_witness_s_own_key_refused() {
        let fault = PolicyError { line: 2, fault: PolicyFault::Keyword };
        assert_eq!(read(&format!("{}x\n", log(1, "a"))), Err(LogsError::Line(fault)));
        assert_eq!(read(&log(9, "a")), Err(LogsError::OwnKey { name: "a".to_owned() }));
    }
}
