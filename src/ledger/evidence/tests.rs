//! Evidence over small trees: each contradiction as it stands, and each thing that must
//! not pass for one.

use ed25519_dalek::SigningKey;

use super::super::merkle::Tree;
use super::super::{Checkpoint, SealingKey};
use super::*;

const ORIGIN: &str = "house/sale";

/// A ledger's tree with its lines; `fork` changes the lines from that one on.
struct Log {
    tree: Tree,
    lines: Vec<String>,
}

impl Log {
    fn new(size: u64, fork: u64) -> Self {
        let mut log = Self { tree: Tree::new(), lines: Vec::new() };
        for seq in 0..size {
            let branch = u64::from(seq >= fork);
            let (kind, ts) = if seq == 0 { ("open", 0) } else { ("tick", branch) };
            log.push(format!(
                r#"{{"body":{{}},"prev":"{}","seq":{seq},"t":"{kind}","ts":{ts},"v":1}}"#,
                Hash::ZERO
            ));
        }
        log
    }

    fn push(&mut self, line: String) {
        self.tree.append(leaf_hash(line.as_bytes()));
        self.lines.push(line);
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        let root = self.tree.root_at(size).expect("within");
        Checkpoint { origin: ORIGIN.to_owned(), size, root }
    }

    fn sealed(&self, size: u64) -> SealedTree {
        let key = SealingKey::new(ORIGIN.to_owned(), SigningKey::from_bytes(&[7; 32]));
        let note = key.expect("a name").sign(size, self.checkpoint(size).root).note().to_owned();
        SealedTree { note, sealer: vec![0x30, 0x82, 0xff] }
    }

    fn proven(&self, index: u64, size: u64) -> ProvenEntry {
        let entry = self.lines[usize::try_from(index).expect("small")].clone();
        ProvenEntry { entry, proof: self.tree.inclusion(index, size).expect("within") }
    }
}

/// What two logs at two sizes show of each other's roots.
fn roots(one: &Log, first: u64, other: &Log, second: u64) -> (Evidence, Checkpoint, Checkpoint) {
    let gives = other.tree.root_at(first).expect("within");
    let proof = other.tree.consistency(first, second).expect("within");
    let contradiction = Contradiction::Roots { gives, proof };
    let evidence =
        Evidence { first: one.sealed(first), second: other.sealed(second), contradiction };
    (evidence, one.checkpoint(first), other.checkpoint(second))
}

fn check(
    (evidence, first, second): &(Evidence, Checkpoint, Checkpoint),
) -> Result<(), NoContradiction> {
    let read = Evidence::parse(&evidence.to_text());
    assert_eq!(read.as_ref(), Ok(evidence), "what is written is read");
    evidence.check(first, second)
}

#[test]
fn two_roots_contradict_at_every_pair_of_sizes_after_the_fork() {
    for fork in 1..6 {
        let (one, other) = (Log::new(20, 99), Log::new(20, fork));
        for first in 1..20 {
            for second in first..20 {
                let expected = if first > fork { Ok(()) } else { Err(NoContradiction::Same) };
                assert_eq!(
                    check(&roots(&one, first, &other, second)),
                    expected,
                    "{fork} {first} {second}"
                );
            }
        }
    }
}

#[test]
fn no_invented_root_convicts_an_honest_house() {
    let log = Log::new(20, 99);
    for first in 1..20 {
        for second in first..20 {
            let (mut evidence, one, other) = roots(&log, first, &log, second);
            let Contradiction::Roots { gives, .. } = &mut evidence.contradiction else { return };
            *gives = Hash::of(b"invented");
            assert!(evidence.check(&one, &other).is_err(), "{first} {second}");
        }
    }
}

#[test]
fn two_lines_at_one_place_contradict() {
    let (one, other) = (Log::new(9, 99), Log::new(12, 5));
    let lines = |index| Evidence {
        first: one.sealed(9),
        second: other.sealed(12),
        contradiction: Contradiction::Lines {
            index,
            first: one.proven(index, 9),
            second: other.proven(index, 12),
        },
    };
    let (nine, twelve) = (one.checkpoint(9), other.checkpoint(12));
    for index in 0..9 {
        let expected = if index >= 5 { Ok(()) } else { Err(NoContradiction::Same) };
        assert_eq!(check(&(lines(index), nine.clone(), twelve.clone())), expected, "{index}");
    }
    let mut elsewhere = lines(6);
    let Contradiction::Lines { first, .. } = &mut elsewhere.contradiction else { return };
    *first = one.proven(7, 9);
    assert!(matches!(elsewhere.check(&nine, &twelve), Err(NoContradiction::Proof(_))));
}

#[test]
fn what_is_signed_after_the_close_contradicts_it() {
    let mut closed = Log::new(6, 99);
    closed.push(closed.lines[5].replace("tick", "close"));
    let (long, seven) = (Log::new(12, 99), closed.checkpoint(7));
    let after = |size, index| Evidence {
        first: long.sealed(size),
        second: closed.sealed(7),
        contradiction: Contradiction::Closed { index, close: closed.proven(index, 7) },
    };
    assert_eq!(check(&(after(9, 6), long.checkpoint(9), seven.clone())), Ok(()));
    assert_eq!(check(&(after(8, 6), long.checkpoint(8), seven.clone())), Ok(()), "no seal over it");
    let within = after(7, 6).check(&long.checkpoint(7), &seven);
    assert_eq!(within, Err(NoContradiction::NotAfterTheClose));
    let no_close = after(12, 5).check(&long.checkpoint(12), &seven);
    assert_eq!(no_close, Err(NoContradiction::Entry(Kind::Close)));
}

#[test]
fn a_signature_over_the_whole_ledger_with_its_seal_contradicts_nothing() {
    for size in 1..20 {
        let mut closed = Log::new(size, 99);
        closed.push(closed.lines[0].replace("open", "close"));
        let (index, over_close) = (size, closed.sealed(size + 1));
        let close = closed.proven(index, size + 1);
        let body = serde_json::json!({"note": over_close.note});
        let prev = Hash::of(close.entry.as_bytes());
        closed.push(format!(
            r#"{{"body":{body},"prev":"{prev}","seq":{},"t":"seal","v":1}}"#,
            size + 1
        ));
        let (whole, second) = (closed.checkpoint(size + 2), closed.checkpoint(size + 1));
        let contradiction = Contradiction::Closed { index, close };
        let first = closed.sealed(size + 2);
        let evidence = Evidence { first, second: over_close, contradiction };
        assert_eq!(evidence.check(&whole, &second), Err(NoContradiction::Same), "{size}");
    }
}

#[test]
fn line_0_must_be_an_opening() {
    let log = Log::new(6, 99);
    let sealers = |index| Evidence {
        first: log.sealed(4),
        second: log.sealed(6),
        contradiction: Contradiction::Sealers { opening: log.proven(index, 6) },
    };
    let (four, six) = (log.checkpoint(4), log.checkpoint(6));
    assert_eq!(check(&(sealers(0), four.clone(), six.clone())), Ok(()));
    assert!(sealers(1).check(&four, &six).is_err());
}

#[test]
fn only_the_one_form_is_read() {
    let (one, other) = (Log::new(9, 99), Log::new(9, 5));
    let text = roots(&one, 7, &other, 9).0.to_text();
    let changes = [
        ("{\"contradiction\"", "{ \"contradiction\""),
        ("\"roots\"", "\"lines\""),
        ("\"roots\"", "\"other\""),
        ("evidence/v1", "evidence/v2"),
        ("\"proof\":[\"", "\"proof\":[\"00"),
        ("\"gives\":\"", "\"gives\":\"0"),
        ("\"sealer\":\"MI", "\"sealer\":\"M!"),
        ("\"format\"", "\"index\":7,\"format\""),
    ];
    for (from, to) in changes {
        let changed = text.replacen(from, to, 1);
        assert!(changed == text || Evidence::parse(&changed).is_err(), "{to}");
    }
    assert_eq!(Evidence::parse(text.trim_end()), Err(EvidenceError::NoLineEnd));
    assert!(Evidence::parse(&(text + "\n")).is_err());
    assert!(Evidence::parse("").is_err());
}
