//! A signed note: what parses is written again as the same bytes, and no key but the one that
//! signed it stands under it.

#![no_main]

use gavel::ledger::note::{Note, check_key_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(note) = Note::parse(text) else { return };
    assert_eq!(note.to_string(), text);
    assert!(note.text.ends_with('\n'));
    assert!(!note.signatures.is_empty());
    for line in &note.signatures {
        assert_eq!(check_key_name(&line.name), Ok(()));
        assert!(!line.signature.is_empty());
    }
    // A text cannot be taken for one with fewer or more signature lines.
    let alone = format!("{}\n{}\n", note.text, note.signatures[0]);
    let alone = Note::parse(&alone).expect("is a note with one line");
    assert_eq!((alone.text, alone.signatures.len()), (note.text, 1));
});
