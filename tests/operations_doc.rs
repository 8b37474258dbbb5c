//! `docs/operations.md` names codes that the program knows, and nothing that it does not say.

use std::fs;
use std::process::Command;

/// The second column of the table of failures: what the server says.
fn said(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(2))
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_code_of_the_operations_page_can_be_explained() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let page = fs::read_to_string(page).expect("the page");
    let is_code = |text: &&str| text.contains('-') && !text.contains(' ') && !text.starts_with('-');
    let codes: Vec<&str> = said(&page).flat_map(quoted).filter(is_code).collect();
    assert!(codes.len() >= 18, "{codes:?}");
    for code in codes {
        let mut explain = Command::new(env!("CARGO_BIN_EXE_gavel"));
        let output = explain.args(["explain", code]).output().expect("runs");
        assert!(output.status.success(), "{code} is not known");
    }
}
