//! One row of each verdict through the program itself: its exit code, and what it prints.

use std::fs;
use std::process::Command;

use super::case::Brought;
use super::{Row, rows};
use crate::world::world;

/// A row's files in a folder, and what `gavel verify` makes of them: exit code and text.
fn verified(row: &Row) -> (Option<i32>, String) {
    let case = (row.forge)();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("writes");
        name.to_owned()
    };
    let ledger = write("spring.jsonl", &case.ledger);
    let ca = write("ca.der", world().ca.anchor().der());
    let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
    command.current_dir(folder.path()).args(["verify", &ledger, "--trust", &ca]);
    for brought in &case.brought {
        match brought {
            Brought::Receipt(text) => {
                command.args(["--receipt", &write("receipt", text.as_bytes())])
            }
            Brought::Checkpoint(note) => {
                command.args(["--checkpoint", &write("checkpoint", note.as_bytes())])
            }
            Brought::Crl(list) => command.args(["--crl", &write("ca.crl", list)]),
            Brought::Results(sheet) => {
                command.args(["--results", &write("results.json", sheet.as_bytes())])
            }
            Brought::Items(_) | Brought::Policy(_) => panic!("{}: is not written again", row.id),
        };
    }
    let output = command.output().expect("runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("is UTF-8"))
}

#[test]
fn verify_exits_and_says_as_the_row() {
    for id in [
        "held-tail-alone",
        "held-tail-receipt",
        "rules-another-winner",
        "bytes-cut-in-mid-line",
        "held-results-edited",
    ] {
        let row = rows().find(|row| row.id == id).expect("a row");
        let (code, said) = verified(row);
        assert_eq!(code, Some(row.expected.exit_code()), "{id}: {said}");
        let verdict = row.expected.verdict().as_str();
        assert!(said.contains(&format!("{verdict}: ")), "{id}: {said}");
        let mark = row.expected.mark();
        assert!(said.contains(&mark), "{id}: no {mark}: {said}");
    }
}
