//! A receipt: what parses is written again as the same bytes, and the CA alone takes it only for
//! a line that the house sealed.

#![no_main]

use std::sync::LazyLock;

use gavel::audit::{named_sale, prove};
use gavel::ledger::Receipt;
use gavel_fuzz::keys::{ORIGIN, sealing_key};
use gavel_fuzz::played::Played;
use libfuzzer_sys::fuzz_target;

static PLAYED: LazyLock<Played> = LazyLock::new(Played::read);

fuzz_target!(|text: &str| {
    let Ok(receipt) = Receipt::parse(text) else { return };
    assert_eq!(receipt.to_text(), text);
    let checked = receipt.check(ORIGIN, &sealing_key().verifying_key());
    match prove(&receipt, &PLAYED.anchor) {
        Ok(proven) => {
            assert_eq!(checked.as_ref(), Ok(&proven.sealed));
            assert!(named_sale(&receipt).is_ok());
            let is_sealed =
                PLAYED.ledgers.iter().any(|ledger| ledger.has(receipt.index, &receipt.entry));
            assert!(is_sealed, "a line that the house never sealed");
        }
        // The certificate may be another one; the line, proof and signature stand without it.
        Err(_) => {
            if checked.is_ok() {
                let is_sealed =
                    PLAYED.ledgers.iter().any(|ledger| ledger.has(receipt.index, &receipt.entry));
                assert!(is_sealed, "a line that the key never sealed");
            }
        }
    }
});
