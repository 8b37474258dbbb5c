//! Holds `docs/results.md` against the program: its example is the sheet of the worked
//! ledger in `docs/ledger-format.md`, and every field is told.
//!
//! `GAVEL_WRITE_RESULTS_DOC=1 cargo test --test sheet doc` writes a new example after a
//! change of either.

use std::path::{Path, PathBuf};

use gavel::audit::{Anchors, Trust, audit};
use gavel::ledger::encoding::decode_base64;
use gavel::pki::Fingerprint;
use gavel::sheet::{AddressBook, Claim, Party, Sheet};
use serde_json::Value;

const FENCE: &str = "\n```json\n";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The sheet of the worked ledger, as whoever trusts its CA would make it.
fn worked() -> Sheet {
    let doc = read("docs/ledger-format.md");
    let (_, rest) = doc.split_once("\n```jsonl\n").expect("a worked ledger");
    let (ledger, _) = rest.split_once("```").expect("its end");
    let line: Value = serde_json::from_str(ledger.lines().next().expect("line 0")).expect("JSON");
    let ca = line["body"]["ca"].as_str().expect("the CA certificate");
    let ca = Fingerprint::of(&decode_base64(ca).expect("base64"));
    let anchors = Anchors::new(Trust::Fingerprint(ca)).keeping_annexes();
    let audit = audit(ledger.as_bytes(), anchors);
    Sheet::of(audit.audited().unwrap_or_else(|| panic!("{:?}", audit.findings)))
}

#[test]
fn the_example_is_the_sheet_of_the_worked_ledger() {
    let doc = read("docs/results.md");
    let (before, rest) = doc.split_once(FENCE).expect("an example");
    let (example, after) = rest.split_once("```").expect("its end");
    let sheet = worked();
    if std::env::var_os("GAVEL_WRITE_RESULTS_DOC").is_some() {
        let doc = [before, FENCE, &sheet.json(), "```", after].concat();
        std::fs::write(path("docs/results.md"), doc).expect("writes");
        return;
    }
    assert_eq!(example, sheet.json());
    let claim = Claim::read(example.as_bytes()).expect("is a sheet");
    assert!(claim.compare(&sheet).is_empty());
}

#[test]
fn every_field_is_told() {
    let doc = read("docs/results.md");
    for source in ["src/sheet/facts.rs", "src/sheet/values.rs", "src/sheet/accounts.rs"] {
        let text = read(source);
        let fields =
            text.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": "));
        for (field, _) in fields.filter(|(field, _)| !field.contains(' ')) {
            let field = if field == "is_final" { "final" } else { field };
            assert!(doc.contains(&format!("`{field}`")), "{source}: {field}");
        }
    }
}

#[test]
fn the_register_in_the_readme_is_one() {
    let doc = read("pki/README.md");
    let (_, rest) = doc.split_once("\n```\nname,").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let book = AddressBook::read(format!("name,{example}").as_bytes()).expect("is a register");
    assert_eq!((book.len(), book.house().is_some()), (3, true));
    assert!(book.buyer(&Party::Paddle("17".to_owned())).is_some());
}
