//! Verifier keys and lists of logs: what parses is written again as the same bytes, and a key
//! that is taken can check signatures.

#![no_main]

use gavel::ledger::note::TYPE_ED25519;
use gavel::ledger::vkey::TYPE_COSIGNATURE;
use gavel::ledger::{CosignerKey, Policy, VerifierKey};
use gavel_fuzz::keys::witness_key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
        let is_known = matches!(key.signature_type(), TYPE_ED25519 | TYPE_COSIGNATURE);
        assert_eq!(key.ed25519().is_some(), is_known);
        if let Some(ed25519) = key.ed25519() {
            assert_eq!(ed25519.as_bytes(), key.material());
            assert!(!ed25519.is_weak(), "under it stands what nobody signed");
            let again = VerifierKey::new(key.name(), key.signature_type(), ed25519);
            assert_eq!(again.as_ref(), Ok(&key));
        }
        let is_cosigner = key.signature_type() == TYPE_COSIGNATURE;
        assert_eq!(CosignerKey::of(key).is_some(), is_cosigner);
    }
    check_logs(text);
});

fn check_logs(text: &str) {
    let Ok(keys) = Policy::parse_logs(text.as_bytes()) else { return };
    let written: String = keys.iter().map(|key| format!("log {key}\n")).collect();
    assert_eq!(Policy::parse_logs(written.as_bytes()).as_ref(), Ok(&keys));
    let witness = witness_key(1);
    if let Ok(logs) = gavel::witness::Logs::read(text.as_bytes(), witness.public()) {
        for key in &keys {
            let listed = logs.keys_of(key.name()).expect("its origin is known");
            assert!(listed.contains(key));
        }
    }
}
