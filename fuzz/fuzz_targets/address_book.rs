//! The house's private register in CSV: what is wrong is told by its row, fit to be shown, and
//! nobody in it has a text that a page or terminal could not show.

#![no_main]

use gavel::auction::name::is_showable;
use gavel::sheet::{AddressBook, Party, SellerFact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match AddressBook::read(bytes) {
        Ok(book) => check(bytes, &book),
        Err(fault) => {
            let said = fault.to_string();
            assert!(said.chars().all(is_showable), "{said:?}");
            assert!(fault.row >= 1);
        }
    }
});

/// Whoever is in it is found under the name that the file gives, and under no other form of it.
fn check(bytes: &[u8], book: &AddressBook) {
    let mut found = usize::from(book.house().is_some());
    let text = String::from_utf8_lossy(bytes);
    let mut cells: Vec<&str> = text.split([',', ';', '\n', '\r', '"', '\u{feff}']).collect();
    cells.sort_unstable();
    cells.dedup();
    for cell in cells {
        let paddle = cell.strip_prefix("paddle:");
        let party = match paddle {
            Some(paddle) => Party::Paddle(paddle.to_owned()),
            None => Party::Name(cell.to_owned()),
        };
        let Some(person) = book.buyer(&party) else { continue };
        found += 1;
        let texts = [&person.full_name, &person.email, &person.vat_id, &person.account];
        assert!(texts.into_iter().all(|text| text.chars().all(is_showable)));
        let is_line = |c: char| is_showable(c) || matches!(c, '\n' | '\r');
        assert!(person.address.chars().all(is_line));
        assert_eq!(book.seller(&SellerFact::Text(cell.to_owned())), None);
    }
    assert!(found <= book.len());
}
