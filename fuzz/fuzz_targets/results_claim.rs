//! A sheet of results that somebody hands over: it agrees with the ledger only if it says the same
//! in every field that derives from it.

#![no_main]

use std::sync::LazyLock;

use gavel::audit::audit;
use gavel::sheet::{Claim, Sheet};
use gavel_fuzz::played::Played;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static SHEET: LazyLock<Sheet> = LazyLock::new(|| {
    let played = Played::read();
    let audit = audit(&played.ledgers[0].bytes, played.anchors().keeping_annexes());
    Sheet::of(audit.audited().expect("is clean"))
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(claim) = Claim::read(bytes) else { return };
    let comparison = claim.compare(&SHEET);
    let claimed: Value = serde_json::from_slice(bytes).expect("is JSON");
    let found = serde_json::from_str(&SHEET.json()).expect("is JSON");
    assert_eq!(comparison.is_empty(), is_same(claimed, found), "{comparison:?}");
});

/// Whether two sheets say the same, but for what their audits found and for lists that the claim
/// does not have.
fn is_same(mut claimed: Value, mut found: Value) -> bool {
    claimed["audit"].take();
    found["audit"].take();
    for list in ["bids", "acts", "clocks"] {
        if claimed["annexes"][list].is_null() {
            found["annexes"][list].take();
        }
    }
    claimed == found
}
