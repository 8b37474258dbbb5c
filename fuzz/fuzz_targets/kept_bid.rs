//! A bid or act as its signer keeps it: what parses is written again as the same bytes, and it
//! differs from what is in the ledger in just the fields that are others.

#![no_main]

use gavel::auction::name::is_showable;
use gavel::record::Signed;
use libfuzzer_sys::fuzz_target;

// Two kept lines, one after the other.
fuzz_target!(|bytes: &[u8]| {
    let kept: Vec<Signed> =
        bytes.split_inclusive(|byte| *byte == b'\n').take(2).filter_map(read).collect();
    for one in &kept {
        for other in &kept {
            let differences = one.differences(other);
            assert_eq!(differences.is_empty(), one == other, "{differences:?}");
            let back = other.differences(one).into_iter();
            let sides = back.map(|it| (it.field, it.other, it.kept));
            assert!(differences.iter().cloned().map(|it| (it.field, it.kept, it.other)).eq(sides));
            let said = differences.iter().map(ToString::to_string);
            assert!(said.into_iter().all(|said| said.chars().all(is_showable)));
        }
    }
});

fn read(line: &[u8]) -> Option<Signed> {
    let signed = Signed::from_kept(line).ok()?;
    let written = signed.to_kept();
    assert_eq!(written.strip_suffix(b"\n"), Some(line.strip_suffix(b"\n").unwrap_or(line)));
    Some(signed)
}
