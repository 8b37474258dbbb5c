//! The house whose certificates are fuzzed, as the generator made it.

use std::path::PathBuf;

use gavel::auction::name::{HouseName, SaleId};
use gavel::pki::{Anchor, HouseFolder, P256Secret};
use gavel::time::Timestamp;

use crate::played;

/// The house's name.
pub const HOUSE: &str = "test-house";
/// The sale whose sealing key is certified.
pub const SALE: &str = "spring";
/// When its certificates were made, in Unix milliseconds.
pub const MADE_MS: u64 = 1_800_000_000_000;

/// The house's name, parsed.
pub fn house() -> HouseName {
    HouseName::parse(HOUSE).expect("a name")
}

/// The sale's id, parsed.
pub fn sale() -> SaleId {
    SaleId::parse(SALE).expect("an id")
}

/// An hour after everything was made.
pub fn later() -> Timestamp {
    Timestamp::from_unix_ms(MADE_MS + 3_600_000).expect("in range")
}

/// The house's folder.
pub fn folder() -> HouseFolder {
    HouseFolder::at(path())
}

/// Where it is.
pub fn path() -> PathBuf {
    played::folder().join("house")
}

/// The house's CA, to be trusted.
pub fn anchor() -> Anchor {
    Anchor::from_pem(&played::file("house/ca/ca.pem")).expect("a CA certificate")
}

/// The key of that CA.
pub fn ca_secret() -> P256Secret {
    let path = path().join("ca/ca.key");
    let text = played::file("house/ca/ca.key");
    let pkcs8 = gavel::pki::keys::open_key(&path, &text, None).expect("a key");
    P256Secret::from_pkcs8(&pkcs8).expect("a key on P-256")
}
