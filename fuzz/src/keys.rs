//! Keys that everybody knows: they sign what a target makes up, and nothing else.

use gavel::ledger::{SealingKey, WitnessKey};

/// The origin of the made-up log.
pub const ORIGIN: &str = "test-house/spring";

/// A signing key of 32 equal bytes.
pub fn signing_key(seed: u8) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
}

/// The key that seals the made-up log, and the ledger of the played sale.
pub fn sealing_key() -> SealingKey {
    SealingKey::new(ORIGIN.to_owned(), signing_key(77)).expect("a key name")
}

/// The key of witness `w<number>`.
pub fn witness_key(number: u8) -> WitnessKey {
    WitnessKey::new(&format!("w{number}"), signing_key(number)).expect("a key name")
}
