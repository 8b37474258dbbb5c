//! Sale files and scenarios: what is taken can be sold by, and each lot stands in a ledger as it
//! was read.

#![no_main]

use gavel::auction::catalogue::Catalogue;
use gavel::auction::name::is_showable;
use gavel::ledger::{Hash, Kind, Line};
use gavel::record::{Record, SaleFile, SaleFileError, Times, draft_lot, read_sale_file};
use gavel::rehearse::{Scenario, opening};
use gavel::time::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for times in [Times::Absolute, Times::FromOpening(opening())] {
        match read_sale_file(bytes, times) {
            Ok(file) => check(&file),
            Err(error) => check_error(&error),
        }
    }
    let _ = Scenario::read(bytes);
});

fn check(file: &SaleFile) {
    Catalogue::new(file.sale_terms(true), file.lot_terms()).expect("can be sold by");
    for (seq, lot) in (1..).zip(&file.lots) {
        let at = Timestamp::from_unix_ms(1).expect("in range");
        let draft = draft_lot(&lot.terms, at);
        let body = std::str::from_utf8(&draft.body).expect("is UTF-8");
        let line = Line { kind: Kind::Lot, seq, prev: Hash::ZERO, at: Some(at), body };
        let bytes = line.to_bytes();
        let read = Record::read(&Line::parse(&bytes).expect("a lot fits a line"));
        assert_eq!(read, Ok(Record::Lot(Box::new(lot.terms.clone()))));
    }
    for note in &file.notes {
        assert!(note.chars().all(is_showable), "{note:?}");
    }
    let _ = file.check_hours(opening());
    let _ = file.latest_end(file.sale_ends_at);
}

fn check_error(error: &SaleFileError) {
    for name in [&error.lot, &error.key].into_iter().flatten() {
        assert!(name.chars().all(is_showable), "{name:?}");
    }
    assert!(!error.to_string().is_empty());
}
