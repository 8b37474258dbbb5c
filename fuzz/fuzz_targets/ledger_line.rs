//! A line of a ledger: what parses is written again as the same bytes, as a line, as a record,
//! and by serde_json, which knows nothing of our form but sorts and escapes as it does.

#![no_main]

use gavel::audit::FindingKind;
use gavel::ledger::{Line, canonical};
use gavel::record::Record;
use gavel_fuzz::body::body_of;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let canonical = canonical::check(bytes);
    match &canonical {
        Ok(()) => {
            let value: serde_json::Value = serde_json::from_slice(bytes).expect("is JSON");
            assert_eq!(serde_json::to_vec(&value).expect("writes"), bytes, "has one form");
        }
        Err(error) => assert!(FindingKind::named(error.kind()).is_some(), "{error}"),
    }
    match Line::parse(bytes) {
        Ok(line) => {
            assert_eq!(canonical, Ok(()));
            assert_eq!(line.to_bytes(), bytes);
            if let Ok(record) = Record::read(&line) {
                assert_eq!(body_of(&record, &line), line.body.as_bytes(), "{record:?}");
            }
        }
        Err(error) => assert!(FindingKind::named(error.kind()).is_some(), "{error}"),
    }
});
