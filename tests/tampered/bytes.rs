//! Bytes: every single-bit flip and every cut. What editors and transfers do is in the matrix.

use gavel::audit::{Auditor, FindingKind, Verdict, audit};
use gavel::ledger::entry::Kind;
use rayon::prelude::*;

use super::forge::Forge;
use super::halls::hall;
use super::world::world;

/// Where each line begins, and the end of the file.
fn line_starts(ledger: &[u8]) -> Vec<usize> {
    let ends = ledger.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

/// Flips bits of every byte, each in a copy of its own: those that `bits` gives for the byte
/// at that place.
fn flip(ledger: &[u8], bits: impl Fn(usize) -> std::ops::Range<usize> + Sync) {
    let starts = line_starts(ledger);
    // What stands before a line is audited once for all the flips in it.
    let mut auditor = Auditor::new(world().anchors());
    let mut before = Vec::new();
    for ends in starts.windows(2) {
        before.push(auditor.clone());
        auditor.feed(&ledger[ends[0]..ends[1]]);
    }
    (0..before.len()).into_par_iter().for_each(|line| {
        // A flip shows within two lines, or the sale is not closed and this fails.
        let end = starts[(line + 3).min(before.len())];
        for at in starts[line]..starts[line + 1] {
            for bit in bits(at) {
                let mut rest = ledger[starts[line]..end].to_vec();
                rest[at - starts[line]] ^= 1 << bit;
                let mut auditor = before[line].clone();
                auditor.feed(&rest);
                let audit = auditor.finish();
                assert_eq!(audit.verdict(), Verdict::Invalid, "byte {at} bit {bit}, line {line}");
                let nearest = audit.findings.iter().filter_map(|finding| finding.line).min();
                let line = u64::try_from(line).expect("small");
                assert_eq!(nearest, Some(line), "byte {at} bit {bit}: {:?}", audit.findings);
            }
        }
    });
}

/// One bit of a byte, another one from byte to byte.
fn turning(at: usize) -> std::ops::Range<usize> {
    at % 8..at % 8 + 1
}

/// Whether each byte stands in the middle of a certificate, where one is like the next.
fn in_certificates(ledger: &[u8]) -> Vec<bool> {
    let mut inside = Vec::with_capacity(ledger.len());
    for text in ledger.split_inclusive(|byte| *byte == b'"') {
        inside.extend(
            (0..text.len()).map(|at| text.len() > 256 && (8..text.len() - 8).contains(&at)),
        );
    }
    inside
}

#[test]
fn every_single_bit_flip_is_found() {
    let ledger = &world().ledger;
    let alike = in_certificates(ledger);
    flip(ledger, |at| if alike[at] { turning(at) } else { 0..8 });
}

#[test]
fn a_flip_in_every_byte_of_a_hall_is_found() {
    flip(&hall().ledger, turning);
}

#[test]
fn every_cut_is_found_and_is_no_crime() {
    for (ledger, apart) in [(&world().ledger, 1), (&hall().ledger, 8)] {
        let mut auditor = Auditor::new(world().anchors());
        for end in 0..ledger.len() {
            let before = (end % apart == 0).then(|| auditor.clone().finish());
            auditor.feed(&ledger[end..=end]);
            let Some(audit) = before else { continue };
            assert_eq!(audit.verdict(), Verdict::Incomplete, "{end}: {:?}", audit.findings);
            let expected = match end {
                0 => FindingKind::Empty,
                end if ledger[end - 1] == b'\n' => FindingKind::Unclosed,
                _ => FindingKind::Torn,
            };
            let found = audit.findings.iter().any(|finding| finding.kind == expected)
                || audit.findings.iter().any(|finding| finding.kind == FindingKind::Unsealed);
            assert!(found, "{end}: {:?}", audit.findings);
        }
    }
}

#[test]
fn a_line_without_end_is_not_kept() {
    let world = world();
    let mut auditor = Auditor::new(world.anchors());
    let megabyte = vec![b'['; 1 << 20];
    for _ in 0..64 {
        auditor.feed(&megabyte);
    }
    let audit = auditor.finish();
    assert_eq!(audit.verdict(), Verdict::Invalid);
    assert_eq!(audit.findings[0].kind, FindingKind::Limit);
    assert_eq!(audit.file.bytes, 64 << 20);
}

/// The auditor reads ahead, so it may have looked at a line before it knows of a fault above.
#[test]
fn where_a_file_is_cut_changes_nothing_that_is_found() {
    let mut forge = Forge::honest();
    // Without a lot of its catalogue nothing that follows is judged.
    let lot = forge.pieces.iter().position(|piece| piece.kind == Kind::Lot).expect("a lot");
    forge.pieces.remove(lot);
    let ledger = forge.forged();
    let mut seals = 0;
    for ends in line_starts(&ledger).windows(2) {
        let line = str::from_utf8(&ledger[ends[0]..ends[1]]).expect("UTF-8");
        let Some(prev) = line.find(r#""prev":""#).filter(|_| line.contains(r#""t":"seal""#)) else {
            continue;
        };
        // A good seal that names another line before it, and the file's end.
        let mut broken = ledger[..ends[1]].to_vec();
        let digit = &mut broken[ends[0] + prev + r#""prev":""#.len()];
        *digit = if *digit == b'0' { b'1' } else { b'0' };
        let whole = audit(&broken, world().anchors());
        let mut auditor = Auditor::new(world().anchors());
        broken.split_inclusive(|byte| *byte == b'\n').for_each(|line| auditor.feed(line));
        let by_lines = auditor.finish();
        assert_eq!(whole.verdict(), Verdict::Invalid);
        assert_eq!(format!("{:?}", whole.findings), format!("{:?}", by_lines.findings));
        assert_eq!(whole.file.lines, by_lines.file.lines);
        seals += 1;
    }
    assert!(seals > 1, "{seals} seals");
}
