//! The key that seals a ledger, by its first line and the trusted CA alone.

use std::fs;
use std::process::Command;

use gavel::audit::{FindingKind, Trust, sealing_vkey};
use gavel::pki::Ca;

use super::world::{days_before, world};

fn first_line() -> &'static [u8] {
    world().ledger.split(|byte| *byte == b'\n').next().expect("a line")
}

#[test]
fn the_first_line_and_the_ca_name_the_sealing_key() {
    let (world, anchor) = (world(), world().ca.anchor());
    let trusts =
        [Trust::Certificate(Box::new(anchor.clone())), Trust::Fingerprint(anchor.fingerprint())];
    for trust in &trusts {
        let key = sealing_vkey(first_line(), trust).expect("is certified");
        assert_eq!(key.to_string(), world.sealing_key().vkey());
    }
}

#[test]
fn a_key_that_the_trusted_ca_has_not_certified_is_not_named() {
    let world = world();
    let kind = |line: &[u8], trust: &Trust| sealing_vkey(line, trust).map_err(|found| found.kind);
    let trust = Trust::Certificate(Box::new(world.ca.anchor().clone()));
    let other = Ca::create(world.house.clone(), days_before(200)).expect("makes a CA");
    let other = Trust::Certificate(Box::new(other.anchor().clone()));
    assert_eq!(kind(first_line(), &other), Err(FindingKind::Untrusted));
    let lot = world.ledger.split(|byte| *byte == b'\n').nth(1).expect("a line");
    assert_eq!(kind(lot, &trust), Err(FindingKind::Schema));
    assert_eq!(kind(&first_line()[1..], &trust), Err(FindingKind::Schema));
    // The same certificate under another sale's name.
    let text = str::from_utf8(first_line()).expect("text");
    let renamed = text.replace("\"sale\":\"spring\"", "\"sale\":\"autumn\"");
    assert_ne!(renamed, text);
    assert_eq!(kind(renamed.as_bytes(), &trust), Err(FindingKind::Untrusted));
}

#[test]
fn the_command_prints_the_key_or_says_what_is_wrong() {
    let (world, folder) = (world(), tempfile::tempdir().expect("a folder"));
    let other = Ca::create(world.house.clone(), days_before(200)).expect("makes a CA");
    let write = |name, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("writes");
    write("whole.jsonl", &world.ledger);
    write("first.jsonl", first_line());
    write("ca.der", world.ca.anchor().der());
    write("other.der", other.anchor().der());
    let run = |ledger, trust| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        command.current_dir(folder.path());
        let output = command.args(["ledger", "vkey", ledger, "--trust", trust]).output();
        let output = output.expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let key = format!("{}\n", world.sealing_key().vkey());
    for ledger in ["whole.jsonl", "first.jsonl"] {
        assert_eq!(run(ledger, "ca.der"), (Some(0), key.clone(), String::new()), "{ledger}");
    }
    let (code, printed, said) = run("whole.jsonl", "other.der");
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.contains("[ledger-wrong]") && said.contains("you trust sha256:"), "{said}");
    assert_eq!(run("missing.jsonl", "ca.der").0, Some(2));
}
