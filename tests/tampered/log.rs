//! The log itself: seals, the end, and what stands after it.

use gavel::audit::{FindingKind, audit};
use gavel::ledger::entry::Kind;
use gavel::ledger::{Checkpoint, Hash, SealingKey};
use serde_json::json;

use super::forge::{Forge, Piece, SealAs};
use super::matrix::{sealed_at, sealer_ends};
use super::world::{expect_of, world};

/// A seal of the honest ledger, in mid-sale.
pub(crate) const IN_MID_SALE: usize = 10;

fn signature_line(note: &str) -> &str {
    note.lines().last().expect("a signature line")
}

pub(crate) fn second_signature(key: &SealingKey, size: u64, root: Hash) -> String {
    let note = key.sign(size, root).note().to_owned();
    format!("{note}{}\n", signature_line(&note).replace("spring", "autumn"))
}

pub(crate) fn doubled(key: &SealingKey, size: u64, root: Hash) -> String {
    let note = key.sign(size, root).note().to_owned();
    format!("{note}{}\n", signature_line(&note))
}

pub(crate) fn extended(key: &SealingKey, size: u64, root: Hash) -> String {
    key.sign(size, root).note().replacen("\n\n", "\nmore\n\n", 1)
}

pub(crate) fn wrong_root(key: &SealingKey, size: u64, _: Hash) -> String {
    key.sign(size, Hash::of(b"another tree")).note().to_owned()
}

pub(crate) fn wrong_size(key: &SealingKey, size: u64, root: Hash) -> String {
    key.sign(size - 1, root).note().to_owned()
}

/// The signature of another tree under this one.
pub(crate) fn changed(key: &SealingKey, size: u64, root: Hash) -> String {
    let other = key.sign(size + 1, root).note().to_owned();
    let (_, signature) = other.split_once("\n\n").expect("a note");
    let origin = key.origin().to_owned();
    format!("{}\n{signature}", Checkpoint { origin, size, root })
}

pub(crate) fn another_name(key: &SealingKey, size: u64, root: Hash) -> String {
    key.sign(size, root).note().replace("spring", "autumn")
}

pub(crate) fn no_note(_: &SealingKey, _: u64, _: Hash) -> String {
    "sealed".to_owned()
}

/// In mid-sale each is a row of the matrix.
#[test]
fn the_last_seal_is_judged_like_the_others() {
    let seals: [(SealAs, FindingKind); 8] = [
        (second_signature, FindingKind::Seal),
        (doubled, FindingKind::Seal),
        (extended, FindingKind::Seal),
        (no_note, FindingKind::Seal),
        (wrong_root, FindingKind::Root),
        (wrong_size, FindingKind::Root),
        (changed, FindingKind::Signature),
        (another_name, FindingKind::Untrusted),
    ];
    let last = usize::try_from(world().line_count() - 1).expect("small");
    for (seal, kind) in seals {
        let mut forge = Forge::honest();
        forge.seals.insert(last, seal);
        expect_of("the last seal", &forge.forged(), kind, Some(world().line_count() - 1));
    }
}

#[test]
fn an_unclosed_ledger_has_results_that_are_not_final() {
    let mut forge = Forge::honest();
    forge.pieces.truncate(IN_MID_SALE + 1);
    let audit = audit(&forge.forged(), world().anchors());
    let kinds: Vec<_> = audit.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Unclosed]);
    assert!(audit.audited().is_some_and(|audited| !audited.is_final()));
}

#[test]
fn entries_that_nobody_knows_are_found() {
    for (kind, body) in [
        (Kind::Say, json!({"text": "hello"})),
        (Kind::Void, json!({"lot": "1"})),
        (Kind::Tick, json!({"more": 1})),
        (Kind::Tick, json!([])),
    ] {
        let mut forge = Forge::honest();
        forge.pieces.insert(9, Piece { kind, ts: 1_000, body });
        expect_of("an unknown entry", &forge.forged(), FindingKind::Schema, Some(9));
    }
}

/// A certificate is good to the end of its last second, as every other one. The next
/// millisecond is a row of the matrix.
#[test]
fn the_sealing_certificate_is_good_to_its_last_millisecond() {
    let in_time = sealed_at(sealer_ends() + 999);
    expect_of("in time", &in_time.ledger, FindingKind::Unclosed, None);
}
