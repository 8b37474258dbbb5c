//! The log itself: seals, the end, and what stands after it.

use gavel::audit::{FindingKind, audit};
use gavel::ledger::entry::Kind;
use gavel::ledger::{Checkpoint, Hash};
use gavel::pki::verify_sealer;
use serde_json::json;

use super::forge::{Forge, Piece, SealAs};
use super::world::{OPENED, at, expect_of, world};

/// A seal of the honest ledger, in mid-sale.
const SEAL: usize = 10;

#[track_caller]
fn check_seal(what: &str, kind: FindingKind, seal: SealAs) {
    let mut forge = Forge::honest();
    assert_eq!(forge.pieces[SEAL].kind, Kind::Seal);
    forge.seals.insert(SEAL, seal);
    expect_of(what, &forge.forged(), kind, Some(10));
    let last = forge.pieces.len() - 1;
    forge.seals = [(last, seal)].into();
    let line = u64::try_from(last).expect("small");
    expect_of(what, &forge.forged(), kind, Some(line));
}

#[test]
fn a_seal_is_one_signature_over_the_lines_before_it() {
    check_seal("a second signature line", FindingKind::Seal, |key, size, root| {
        let note = key.sign(size, root).note().to_owned();
        let line = note.lines().last().map(str::to_owned).expect("a signature line");
        format!("{note}{}\n", line.replace("spring", "autumn"))
    });
    check_seal("the signature twice", FindingKind::Seal, |key, size, root| {
        let note = key.sign(size, root).note().to_owned();
        let line = note.lines().last().map(str::to_owned).expect("a signature line");
        format!("{note}{line}\n")
    });
    check_seal("an extension line", FindingKind::Seal, |key, size, root| {
        key.sign(size, root).note().replacen("\n\n", "\nmore\n\n", 1)
    });
    check_seal("a wrong root", FindingKind::Root, |key, size, _| {
        key.sign(size, Hash::of(b"another tree")).note().to_owned()
    });
    check_seal("a wrong size", FindingKind::Root, |key, size, root| {
        key.sign(size - 1, root).note().to_owned()
    });
    check_seal("a changed signature", FindingKind::Signature, |key, size, root| {
        let other = key.sign(size + 1, root).note().to_owned();
        let (_, signature) = other.split_once("\n\n").expect("a note");
        let origin = key.origin().to_owned();
        format!("{}\n{signature}", Checkpoint { origin, size, root })
    });
    check_seal("another ledger's name", FindingKind::Untrusted, |key, size, root| {
        key.sign(size, root).note().replace("spring", "autumn")
    });
    check_seal("no note at all", FindingKind::Seal, |_, _, _| "sealed".to_owned());
}

#[test]
fn the_first_seal_follows_the_catalogue() {
    let mut forge = Forge::honest();
    forge.pieces.remove(3);
    expect_of("no first seal", &forge.forged(), FindingKind::Seal, Some(3));
}

/// Else a house could push every head that bidders know out of the window.
#[test]
fn a_seal_follows_a_seal_only_at_a_restart() {
    let mut forge = Forge::honest();
    let seal = forge.pieces[SEAL].clone();
    forge.pieces.insert(SEAL, seal);
    let after = u64::try_from(SEAL + 2).expect("small");
    expect_of("two seals", &forge.forged(), FindingKind::Seal, Some(after));
}

#[test]
fn without_its_end_a_ledger_is_incomplete() {
    let mut forge = Forge::honest();
    forge.pieces.pop();
    expect_of("no seal over the close", &forge.forged(), FindingKind::Unsealed, None);
    forge.pieces.pop();
    expect_of("no close", &forge.forged(), FindingKind::Unclosed, None);
    let sealed = Piece { kind: Kind::Seal, ts: 0, body: json!(null) };
    forge.pieces.push(sealed);
    let audit = audit(&forge.forged(), world().anchors());
    let kinds: Vec<_> = audit.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Unclosed]);
    assert!(audit.audited().is_some_and(|audited| !audited.is_final()));
}

#[test]
fn nothing_follows_the_end() {
    let after = |kind, body| {
        let mut forge = Forge::honest();
        forge.pieces.push(Piece { kind, ts: 39_000, body });
        forge.forged()
    };
    let line = Some(world().line_count());
    let seal = after(Kind::Seal, json!(null));
    expect_of("a second seal", &seal, FindingKind::Closed, line);
    expect_of("a tick", &after(Kind::Tick, json!({})), FindingKind::Closed, line);
    let mut forge = Forge::honest();
    let last = forge.pieces.len() - 1;
    forge.pieces.insert(last, Piece { kind: Kind::Tick, ts: 39_000, body: json!({}) });
    let line = line.map(|line| line - 1);
    expect_of("between close and seal", &forge.forged(), FindingKind::Closed, line);
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

/// A certificate is good to the end of its last second, as every other one.
#[test]
fn the_sealing_certificate_is_good_to_its_last_millisecond() {
    let world = world();
    let der = &world.opening().sealers[0];
    let sealer = verify_sealer(der, world.ca.anchor(), &world.house, &world.sale, at(0));
    let last_second = sealer.expect("is good").not_after.unix_ms() - OPENED;
    let sealed_at = |ms: u64| {
        let mut forge = Forge::honest();
        forge.pieces.truncate(4);
        let body = json!({"from": OPENED, "to": OPENED + ms});
        forge.pieces.push(Piece { kind: Kind::Outage, ts: ms, body });
        forge.pieces.push(Piece { kind: Kind::Seal, ts: 0, body: json!(null) });
        forge.forged()
    };
    expect_of("in time", &sealed_at(last_second + 999), FindingKind::Unclosed, None);
    let late = sealed_at(last_second + 1_000);
    expect_of("too late", &late, FindingKind::CertificateTime, Some(5));
}
