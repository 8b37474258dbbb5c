//! `gavel results` and `gavel verify --results` by their real output.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gavel::auction::fees::TaxOn;

use super::desk::Desk;
use super::hall::{Plan, worked};
use super::world::world;

fn desk() -> Desk {
    Desk::of(&worked(TaxOn::Premium))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

#[test]
fn tables_say_who_pays_what() {
    let (said, _) = desk().run("results", &[], 0);
    for line in [
        "offered   4 lots: 3 sold, 1 unsold (75.00 % sold)",
        "hammer    8.64 EUR",
        "buyers    pay 9.82 EUR: premium 1.09 EUR, tax 0.09 EUR",
        "sellers   get 8.42 EUR: commission 0.22 EUR",
        "VALID: audited",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let bob = said.lines().find(|line| line.contains(" bob ") && line.contains("4.59"));
    assert!(bob.is_some(), "{said}");
}

#[test]
fn every_form_is_written_and_agrees_with_the_ledger() {
    let desk = desk();
    let (said, talk) = desk.run("results", &["--out", "sheet"], 0);
    assert!(said.starts_with("VALID:"), "{said}");
    for file in ["results.json", "results.html", "lots.csv", "bids.csv", "acts.csv"] {
        assert!(talk.contains(&format!("wrote sheet/{file}")), "{talk}");
    }
    let json = fs::read_to_string(desk.path("sheet/results.json")).expect("is there");
    assert_eq!(desk.run("results", &["--json"], 0).0, json);
    let lots = fs::read_to_string(desk.path("sheet/lots.csv")).expect("is there");
    assert_eq!(desk.run("results", &["--csv"], 0).0, lots);
    let (said, _) = desk.run("verify", &["--results", "sheet/results.json"], 0);
    assert!(said.contains("the results in sheet/results.json, field by field: this ledger agrees"));
    // Once more over its own files.
    desk.run("results", &["--out", "sheet"], 0);
    desk.run("results", &["--html", "sheet/results.html"], 0);
}

#[test]
fn an_edited_sheet_is_found() {
    let desk = desk();
    let (json, _) = desk.run("results", &["--json"], 0);
    fs::write(desk.path("edited.json"), json.replace("\"sold\": 3", "\"sold\": 4"))
        .expect("writes");
    let (said, _) = desk.run("verify", &["--results", "edited.json"], 1);
    assert!(
        said.contains(
            "GV-505 results, the whole: edited.json: $.totals.sold: the ledger says 3, the sheet 4"
        ),
        "{said}"
    );
    assert!(
        said.contains("INVALID: the results that you gave are not those of this ledger"),
        "{said}"
    );
    let (said, _) = desk.run("verify", &["--results", "edited.json", "--json"], 1);
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(value["findings"][0]["code"], "GV-505");
    assert_eq!(value["results"]["totals"]["sold"], 3);
    let other = Desk::of(&worked(TaxOn::Premium));
    fs::write(other.path("other.json"), json).expect("writes");
    let (said, _) = other.run("verify", &["--results", "other.json"], 1);
    assert!(said.contains("the sheet is of another sale"), "{said}");
    let (_, talk) = desk.run("verify", &["--results", "autumn.jsonl"], 2);
    assert!(talk.contains("[bad-results]") && talk.contains("hint: "), "{talk}");
}

#[test]
fn a_ledger_without_results_has_nothing_to_compare() {
    let desk = desk();
    let (json, _) = desk.run("results", &["--json"], 0);
    fs::write(desk.path("sheet.json"), json).expect("writes");
    let ledger = fs::read_to_string(desk.path("autumn.jsonl")).expect("reads");
    let forged = ledger.replacen("\"amount\":404", "\"amount\":405", 1);
    fs::write(desk.path("autumn.jsonl"), forged).expect("writes");
    let (said, _) = desk.run("verify", &["--results", "sheet.json"], 1);
    assert!(said.contains("GV-111 hash"), "{said}");
    let unchecked = "sheet.json: this ledger has no results that it could be compared with";
    assert!(said.contains(unchecked), "{said}");
    let (said, talk) = desk.run("results", &["--out", "sheet"], 1);
    assert!(said.is_empty() && talk.contains("[ledger-wrong]"), "{said}{talk}");
    assert!(!desk.path("sheet").exists());
}

#[test]
fn names_with_doubtful_keys_are_told_whatever_the_verdict() {
    let (world, desk) = (world(), desk());
    fs::write(desk.path("ca.der"), world.ca.anchor().der()).expect("writes");
    fs::write(desk.path("autumn.jsonl"), &world.ledger).expect("writes");
    let told = "  ! the house made the certificate keys: bob\n";
    let won = "  ! won by a bid behind which is a certificate key that the house made: lot 2\n";
    for what in ["verify", "results"] {
        let (said, _) = desk.run(what, &[], 0);
        assert!(said.contains(told) && said.contains(won), "{what}: {said}");
    }
    let people = |code| {
        let (json, _) = desk.run("verify", &["--json"], code);
        let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        (report["people"].clone(), report["results"]["headlines"]["people"].clone())
    };
    let (told_first, in_results) = people(0);
    assert_eq!(told_first["house_made_keys"], serde_json::json!(["bob"]));
    assert_eq!(told_first, in_results);
    let text = String::from_utf8(world.ledger.clone()).expect("text");
    let forged = text.replacen("\"amount\":70", "\"amount\":75", 1);
    fs::write(desk.path("autumn.jsonl"), forged).expect("writes");
    let (said, _) = desk.run("verify", &[], 1);
    let names = format!("Names, as far as they were checked:\n{told}\nChecked:");
    assert!(said.contains(&names) && !said.contains("! won"), "{said}");
    assert_eq!(people(1), (told_first, serde_json::Value::Null));
}

#[test]
fn an_unfinished_sale_is_provisional_everywhere() {
    let desk = Desk::of(&Plan { until: 7_000, ..worked(TaxOn::Premium) });
    let (said, _) = desk.run("results", &[], 3);
    assert!(said.contains("INCOMPLETE: these are not the final results"), "{said}");
    let (said, talk) = desk.run("results", &["--csv"], 3);
    assert!(said.contains("\r\nprovisional,"), "{said}");
    assert!(talk.contains("warning: these are not the final results"), "{talk}");
    desk.run("results", &["--json"], 3);
    desk.run("results", &["--out", "sheet"], 3);
    let page = fs::read_to_string(desk.path("sheet/results.html")).expect("is there");
    assert!(page.contains("Provisional"));
    // It agrees with the ledger, which proves no more than before.
    desk.run("verify", &["--results", "sheet/results.json"], 3);
}

#[test]
fn a_slip_never_takes_another_file() {
    let desk = desk();
    let ledger = fs::read(desk.path("autumn.jsonl")).expect("reads");
    let (_, talk) = desk.run("results", &["--html", "autumn.jsonl"], 2);
    assert!(talk.contains("[file-exists]"), "{talk}");
    assert_eq!(fs::read(desk.path("autumn.jsonl")).expect("reads"), ledger);
}

#[test]
fn invoices_are_private() {
    let desk = desk();
    let (_, talk) = desk.run("results", &["--invoices", "bills"], 0);
    assert!(talk.contains("there is no pki/register.csv"), "{talk}");
    assert!(talk.contains("wrote 6 private files into bills"), "{talk}");
    assert_eq!(mode(&desk.path("bills")), 0o700);
    assert_eq!(mode(&desk.path("bills/invoice-002-alice.html")), 0o600);
    fs::create_dir(desk.path("pki")).expect("makes");
    let register = desk.path("pki/register.csv");
    fs::write(&register, "name,full_name\nalice,Alice Archer\n").expect("writes");
    fs::set_permissions(&register, fs::Permissions::from_mode(0o644)).expect("sets");
    let (_, talk) = desk.run("results", &["--invoices", "bills", "--out", "sheet"], 0);
    assert!(talk.contains("warning: pki/register.csv is open to others (mode 644)"), "{talk}");
    assert!(talk.contains("hint: chmod 600 pki/register.csv"), "{talk}");
    let alice = fs::read_to_string(desk.path("bills/invoice-002-alice.html")).expect("is there");
    assert!(alice.contains("Alice Archer"));
    for entry in fs::read_dir(desk.path("sheet")).expect("lists") {
        let path = entry.expect("an entry").path();
        assert!(!fs::read_to_string(&path).expect("reads").contains("Archer"), "{path:?}");
    }
    fs::set_permissions(&register, fs::Permissions::from_mode(0o600)).expect("sets");
    fs::write(&register, "name,full_name\nalice,A\nAlice,B\n").expect("writes");
    let (_, talk) = desk.run("results", &["--invoices", "bills"], 2);
    assert!(talk.contains("pki/register.csv: row 3: \"Alice\" is not a name"), "{talk}");
    assert!(!talk.contains("warning:") && talk.contains("[bad-register]"), "{talk}");
    let (_, talk) = desk.run("results", &["--invoices", "bills", "--register", "no.csv"], 2);
    assert!(talk.contains("[file-missing]"), "{talk}");
    fs::set_permissions(desk.path("bills"), fs::Permissions::from_mode(0o755)).expect("sets");
    let (_, talk) = desk.run("results", &["--invoices", "bills", "--register", "autumn.jsonl"], 2);
    assert!(talk.contains("[bad-register]"), "{talk}");
    fs::remove_file(&register).expect("removes");
    let (_, talk) = desk.run("results", &["--invoices", "bills"], 2);
    assert!(talk.contains("[loose-mode]"), "{talk}");
}
