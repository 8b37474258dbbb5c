//! A sheet that somebody hands over, held against the ledger.

use gavel::auction::fees::TaxOn;
use gavel::audit::audit;
use gavel::sheet::{Claim, ClaimFault, Difference, Sheet};
use serde_json::{Value, json};

use super::hall::{Held, worked};

fn held() -> Held {
    worked(TaxOn::Premium).hold()
}

fn value(sheet: &Sheet) -> Value {
    serde_json::from_str(&sheet.json()).expect("JSON")
}

fn claim(value: &Value) -> Claim {
    Claim::read(value.to_string().as_bytes()).expect("is a sheet")
}

#[test]
fn an_honest_sheet_agrees_however_it_is_spaced() {
    let sheet = held().sheet();
    let claim_of = |text: &str| Claim::read(text.as_bytes()).expect("is a sheet");
    assert!(claim_of(&sheet.json()).compare(&sheet).is_empty());
    assert!(claim_of(&value(&sheet).to_string()).compare(&sheet).is_empty());
}

#[test]
fn one_ledger_has_one_sheet() {
    let held = held();
    assert_eq!(held.sheet().json(), held.sheet().json());
}

#[test]
fn every_edit_is_found_by_its_path() {
    let sheet = held().sheet();
    let honest = value(&sheet);
    let edits = [
        ("/lots/1/winner", json!({"name": "alice"}), "$.lots[1].winner.name"),
        ("/lots/1/hammer_price/minor_units", json!(403), "$.lots[1].hammer_price.minor_units"),
        ("/lots/1/hammer_price/decimal", json!("4.05"), "$.lots[1].hammer_price.decimal"),
        ("/lots/3/outcome", json!("sold"), "$.lots[3].outcome"),
        ("/lots/0/title", json!("A better vase"), "$.lots[0].title"),
        ("/lots/0/ended/unix_ms", json!(1), "$.lots[0].ended.unix_ms"),
        ("/lots/0/winning_entry/sha256", json!("00"), "$.lots[0].winning_entry.sha256"),
        ("/lots/2/seller", json!({"text": "nobody"}), "$.lots[2].seller.text"),
        ("/lots/2/bids_refused", json!(0), "$.lots[2].bids_refused"),
        ("/invoices/1/total/decimal", json!("5.22"), "$.invoices[1].total.decimal"),
        (
            "/settlements/0/commission/minor_units",
            json!(15),
            "$.settlements[0].commission.minor_units",
        ),
        ("/totals/sold", json!(4), "$.totals.sold"),
        ("/fees/premium_bps", json!(1), "$.fees.premium_bps"),
        ("/fees", json!(null), "$.fees"),
        ("/ledger/root", json!("00"), "$.ledger.root"),
        ("/closed", json!(null), "$.closed"),
        ("/final", json!(false), "$.final"),
        ("/keys/ca", json!("sha256:00"), "$.keys.ca"),
        (
            "/annexes/bids/listed/0/bidder",
            json!({"name": "bob"}),
            "$.annexes.bids.listed[0].bidder.name",
        ),
        ("/annexes/refusals", json!([]), "$.annexes.refusals"),
    ];
    for (pointer, new, path) in edits {
        let mut edited = honest.clone();
        *edited.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = new;
        let found = claim(&edited).compare(&sheet);
        let paths: Vec<_> = found.differences.iter().filter_map(Difference::path).collect();
        assert_eq!(paths, [path], "{pointer}");
    }
}

#[test]
fn what_another_audit_found_is_no_difference() {
    let sheet = held().sheet();
    let mut other = value(&sheet);
    other["audit"]["verdict"] = json!("incomplete");
    other["audit"]["unchecked"] = json!(["something"]);
    other["annexes"]["bids"] = json!(null);
    assert!(claim(&other).compare(&sheet).is_empty());
}

#[test]
fn bids_are_kept_only_for_who_asks() {
    let held = held();
    let audit = audit(&held.ledger, held.anchors());
    let lean = Sheet::of(audit.audited().expect("is clean"));
    let annexes = &lean.facts().annexes;
    assert_eq!((&annexes.bids, &annexes.acts, &annexes.clocks), (&None, &None, &None));
    let whole = held.sheet();
    assert!(claim(&value(&lean)).compare(&whole).is_empty(), "what is not listed is not compared");
    assert!(!claim(&value(&lean)).lists_bids() && claim(&value(&whole)).lists_bids());
}

#[test]
fn a_sheet_of_a_shorter_copy_differs_in_its_lines() {
    let held = held();
    let mut lines: Vec<&[u8]> = held.ledger.split_inclusive(|byte| *byte == b'\n').collect();
    lines.truncate(lines.len() - 3);
    let shorter = Held { ledger: lines.concat(), ca: held.ca };
    let found = claim(&value(&shorter.sheet()))
        .compare(&Held { ledger: held.ledger, ca: shorter.ca }.sheet());
    let paths: Vec<_> = found.differences.iter().filter_map(Difference::path).collect();
    for path in ["$.final", "$.ledger.lines", "$.ledger.root", "$.closed"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
}

#[test]
fn a_sheet_of_another_sale_is_one_clear_difference() {
    let (sheet, other) = (held().sheet(), held().sheet());
    let found = claim(&value(&other)).compare(&sheet);
    let [Difference::Sale { .. }] = found.differences.as_slice() else { panic!("{found:?}") };
    let said = found.differences[0].to_string();
    assert!(
        said.starts_with("the sheet is of another sale: autumn of the house test-house"),
        "{said}"
    );
}

#[test]
fn a_sheet_that_is_wrong_everywhere_is_not_listed_for_ever() {
    let sheet = held().sheet();
    let mut edited = value(&sheet);
    for bid in edited["annexes"]["bids"]["listed"].as_array_mut().expect("a list") {
        for field in ["lot", "evidence", "answer"] {
            bid[field] = json!("x".repeat(10_000));
        }
    }
    for lot in edited["lots"].as_array_mut().expect("a list") {
        for field in ["lot", "title", "outcome"] {
            lot[field] = json!("x");
        }
    }
    let found = claim(&edited).compare(&sheet);
    assert_eq!((found.differences.len(), found.unlisted), (25, 5));
    assert!(found.differences.iter().all(|difference| difference.to_string().len() < 400));
}

#[test]
fn only_a_whole_sheet_is_read() {
    let sheet = held().sheet();
    let honest = value(&sheet);
    let read = |text: &str| Claim::read(text.as_bytes()).expect_err("is no sheet");
    let edited = |edit: fn(&mut Value)| {
        let mut edited = honest.clone();
        edit(&mut edited);
        read(&edited.to_string())
    };
    assert!(matches!(read(""), ClaimFault::Json(_)));
    assert!(matches!(read("{}"), ClaimFault::Kind));
    assert!(matches!(read("[1]"), ClaimFault::Kind));
    assert!(matches!(edited(|v| v["v"] = json!(2)), ClaimFault::Version { v: 2 }));
    assert!(matches!(edited(|v| v["more"] = json!(1)), ClaimFault::Json(_)));
    assert!(matches!(edited(|v| v["lots"][0]["more"] = json!(1)), ClaimFault::Json(_)));
    assert!(matches!(edited(|v| v["lots"][0]["number"] = json!(1.0)), ClaimFault::Json(_)));
    // What serde would let pass: a field left out, an array for an object.
    let missing = edited(|v| {
        v["lots"][0].as_object_mut().expect("an object").remove("seller");
    });
    assert!(matches!(missing, ClaimFault::Form { path } if path == "$.lots[0].seller"));
    let array = edited(|v| v["opened"] = json!([v["opened"]["utc"], v["opened"]["unix_ms"]]));
    assert!(matches!(array, ClaimFault::Form { path } if path == "$.opened"));
    let twice = sheet.json().replacen("\"v\": 1,", "\"v\": 1, \"v\": 1,", 1);
    assert!(matches!(read(&twice), ClaimFault::Json(_)));
}

#[test]
fn a_contradicted_ledger_keeps_its_own_results() {
    let held = held();
    let audit = audit(&held.ledger, held.anchors());
    let audit = audit.with_sheet("results.json", &["$.totals.sold: no".to_owned()], 3);
    assert_eq!(audit.verdict(), gavel::audit::Verdict::Invalid);
    assert!(audit.is_contradicted() && audit.audited().is_some());
    assert_eq!(audit.findings_unlisted, 3);
}
