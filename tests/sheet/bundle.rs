//! `gavel bundle`: what is kept for ten years can be checked by what is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use ed25519_dalek::SigningKey;
use gavel::auction::fees::TaxOn;
use gavel::ledger::note::Note;
use gavel::ledger::{Hash, SealingKey, WitnessKey};
use gavel::pki::Fingerprint;
use serde_json::Value;

use super::desk::{Desk, gavel_in};
use super::hall::{Plan, worked};
use super::world::world;

/// What every bundle with results holds.
const WITH_RESULTS: [&str; 18] = [
    "README.txt",
    "SHA256SUMS",
    "VERSION",
    "acts.csv",
    "autumn.jsonl",
    "bids.csv",
    "ca.pem",
    "invoices.csv",
    "ledger-format.md",
    "lots.csv",
    "protocol.md",
    "results.html",
    "results.json",
    "results.md",
    "settlements.csv",
    "threat-model.md",
    "verify.json",
    "verify.txt",
];

fn desk() -> Desk {
    Desk::of(&worked(TaxOn::Premium))
}

/// Every file below a folder, by its path there.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn gather(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("lists") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                gather(root, &path, found);
            } else {
                let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).expect("reads"));
            }
        }
    }
    let mut found = BTreeMap::new();
    gather(folder, folder, &mut found);
    found
}

fn names(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    let bytes = files.get(name).unwrap_or_else(|| panic!("{name} in {:?}", names(files)));
    String::from_utf8(bytes.clone()).expect("text")
}

/// The README with its lines joined, however they were wrapped.
fn readme(files: &BTreeMap<String, Vec<u8>>) -> String {
    text(files, "README.txt").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The sums that fail, by `sha256sum -c`'s rules.
fn wrong_sums(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let sums = text(files, "SHA256SUMS");
    let mut named: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").expect("a sum and a name");
        named.push(name);
        if Hash::of(&files[name]).to_string() != sum {
            wrong.push(name.to_owned());
        }
    }
    let all: Vec<&str> = names(files).into_iter().filter(|name| *name != "SHA256SUMS").collect();
    assert_eq!(named, all, "every other file has a sum, in order");
    wrong
}

/// Whether the tool that the README names finds every file as it was; none if it is not there.
fn passes_sha256sum(folder: &Path) -> Option<bool> {
    let mut tool = Command::new("sha256sum");
    match tool.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(folder).output() {
        Ok(output) => Some(output.status.success()),
        Err(_) => {
            let needed = std::env::var("GAVEL_NEED").unwrap_or_default();
            assert!(!needed.contains("sha256sum"), "sha256sum is needed and not there");
            println!("not run: sha256sum is not there");
            None
        }
    }
}

/// Runs the command that the README gives, in the bundle, with flags after it.
fn run_as_told(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let readme = fs::read_to_string(folder.join("README.txt")).expect("reads");
    let (_, rest) = readme.split_once("\n    gavel ").expect("a command");
    let (command, _) = rest.split_once("\n\n").expect("its end");
    let words: Vec<&str> = command.split_whitespace().filter(|word| *word != "\\").collect();
    let output = gavel_in(folder, &[&words, more].concat());
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

/// What every bundle must hold to: its sums, and that its own command says what it says.
#[track_caller]
fn check(folder: &Path, code: i32) -> BTreeMap<String, Vec<u8>> {
    let files = contents(folder);
    assert_eq!(wrong_sums(&files), Vec::<String>::new());
    assert_ne!(passes_sha256sum(folder), Some(false));
    assert_eq!(run_as_told(folder, &[]), (Some(code), text(&files, "verify.txt")));
    assert_eq!(run_as_told(folder, &["--json"]), (Some(code), text(&files, "verify.json")));
    assert_eq!(text(&files, "VERSION"), concat!("gavel ", env!("CARGO_PKG_VERSION"), "\n"));
    for page in ["ledger-format.md", "protocol.md", "results.md", "threat-model.md"] {
        let page_path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
        assert_eq!(files[page], fs::read(page_path).expect("reads"), "{page}");
    }
    let readme = text(&files, "README.txt");
    for name in files.keys() {
        assert!(readme.contains(&format!("\n{name} ")), "{name} is not told of\n{readme}");
    }
    files
}

#[test]
fn a_bundle_can_be_checked_by_what_is_in_it() {
    let desk = desk();
    let (said, talk) = desk.run("bundle", &["-o", "kept"], 0);
    assert!(said.starts_with("VALID:") && talk.is_empty(), "{said}{talk}");
    let kept = desk.path("kept");
    let files = check(&kept, 0);
    assert_eq!(names(&files), WITH_RESULTS);
    assert_eq!(files["autumn.jsonl"], fs::read(desk.path("autumn.jsonl")).expect("reads"));
    assert_eq!(text(&files, "results.json"), desk.run("results", &["--json"], 0).0);
    let sum = Hash::of(&files["SHA256SUMS"]);
    assert!(said.contains(&format!("sha256:{sum} (of SHA256SUMS)")), "{said}");

    let (code, said) = run_as_told(&kept, &["--results", "results.json"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("the results in results.json, field by field: this ledger agrees"));
    // As a stranger checks it, who has the fingerprint from elsewhere.
    let ca = Fingerprint::of(&fs::read(desk.path("ca.der")).expect("reads"));
    let (code, told) = run_as_told(&kept, &["--json"]);
    let args = ["verify", "autumn.jsonl", "--trust", &format!("sha256:{ca}"), "--json"];
    assert_eq!((code, told.as_bytes()), (Some(0), gavel_in(&kept, &args).stdout.as_slice()));
    let flat = readme(&files);
    for said in [
        "title Autumn sale sale autumn house test-house opened 2027-01-15 08:00:00 UTC",
        "VALID: nothing is wrong, and the sale has closed. The results here are final.",
        "in this folder: sha256sum -c SHA256SUMS That",
        "- no receipt and no witness was given: another ledger may exist -",
        &format!("cp autumn.jsonl ledger.jsonl CA_SHA256={ca}"),
    ] {
        assert!(flat.contains(said), "{said}\n{flat}");
    }
    let page = text(&files, "README.txt");
    assert!(page.lines().all(|line| line.chars().count() <= 98), "only hashes are long");
}

#[test]
fn the_same_files_give_the_same_bundle() {
    let desk = desk();
    desk.run("bundle", &["-o", "one"], 0);
    fs::create_dir(desk.path("two")).expect("an empty folder is as good as none");
    desk.run("bundle", &["--out", "two"], 0);
    assert_eq!(contents(&desk.path("one")), contents(&desk.path("two")));
    // A fingerprint is trust enough: the certificate is the one in line 0.
    let ca = Fingerprint::of(&fs::read(desk.path("ca.der")).expect("reads"));
    let trust = format!("sha256:{ca}");
    let folder = desk.path("");
    let output = gavel_in(&folder, &["bundle", "autumn.jsonl", "--trust", &trust, "-o", "three"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(contents(&desk.path("one")), contents(&desk.path("three")));
}

#[test]
fn one_changed_byte_is_found_wherever_it_is() {
    let desk = desk();
    desk.run("bundle", &["-o", "kept"], 0);
    let kept = desk.path("kept");
    let files = contents(&kept);
    for (name, honest) in &files {
        let mut bytes = honest.clone();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        fs::write(kept.join(name), &bytes).expect("writes");
        if name != "SHA256SUMS" {
            assert_eq!(wrong_sums(&contents(&kept)), [name.as_str()]);
        }
        assert_ne!(passes_sha256sum(&kept), Some(true), "{name}");
        if name == "autumn.jsonl" {
            let (code, said) = run_as_told(&kept, &[]);
            assert_eq!(code, Some(1));
            assert!(said.contains("INVALID:") && said.contains("Findings"), "{said}");
        }
        fs::write(kept.join(name), honest).expect("writes");
    }
    check(&kept, 0);
}

#[test]
fn an_invalid_ledger_is_kept_without_results() {
    let desk = desk();
    let ledger = fs::read_to_string(desk.path("autumn.jsonl")).expect("reads");
    let forged = ledger.replacen("\"amount\":404", "\"amount\":405", 1);
    fs::write(desk.path("autumn.jsonl"), &forged).expect("writes");
    let (said, _) = desk.run("bundle", &["-o", "kept"], 1);
    assert!(said.starts_with("INVALID:"), "{said}");
    let files = check(&desk.path("kept"), 1);
    assert_eq!(text(&files, "autumn.jsonl"), forged);
    let no_results = |name: &&str| !name.ends_with(".csv") && !name.starts_with("results.");
    let mut expected: Vec<&str> = WITH_RESULTS.into_iter().filter(no_results).collect();
    expected.insert(expected.len() - 3, "results.md");
    assert_eq!(names(&files), expected);
    assert!(text(&files, "verify.txt").contains("GV-111 hash"));
    let readme = readme(&files);
    for said in [
        "* INVALID: this ledger did not pass its audit. It does not prove what it says. *",
        "on its own word: title Autumn sale",
        "DO NOT RELY ON IT.",
    ] {
        assert!(readme.contains(said), "{readme}");
    }
    assert!(!readme.contains("--results results.json"), "{readme}");
}

#[test]
fn a_file_that_is_no_ledger_is_kept_under_a_plain_name() {
    let desk = desk();
    fs::write(desk.path("autumn.jsonl"), "{}\n").expect("writes");
    desk.run("bundle", &["-o", "kept"], 1);
    let files = check(&desk.path("kept"), 1);
    assert_eq!(text(&files, "ledger.jsonl"), "{}\n");
    assert!(readme(&files).contains("cannot be read."));
    // Nothing at all is no wrong ledger, and no sale either.
    fs::write(desk.path("autumn.jsonl"), "").expect("writes");
    desk.run("bundle", &["-o", "empty"], 3);
    let files = check(&desk.path("empty"), 3);
    assert!(readme(&files).contains("There are no results here."));
}

#[test]
fn another_cas_ledger_is_kept_with_the_certificate_that_is_trusted() {
    let (desk, other) = (desk(), desk());
    fs::copy(other.path("ca.der"), desk.path("ca.der")).expect("copies");
    desk.run("bundle", &["-o", "kept"], 1);
    let files = check(&desk.path("kept"), 1);
    assert!(text(&files, "verify.txt").contains("GV-201 untrusted, line 0"));
    let trust = format!("sha256:{}", Hash::of(b"another certificate"));
    let folder = desk.path("");
    let output = gavel_in(&folder, &["bundle", "autumn.jsonl", "--trust", &trust, "-o", "by-hash"]);
    assert_eq!(output.status.code(), Some(1));
    let files = check(&desk.path("by-hash"), 1);
    assert!(!files.contains_key("ca.pem"), "nobody trusts the certificate of line 0");
}

#[test]
fn an_unfinished_sale_is_kept_as_provisional() {
    let desk = Desk::of(&Plan { until: 7_000, ..worked(TaxOn::Premium) });
    let (said, _) = desk.run("bundle", &["-o", "kept"], 3);
    assert!(said.starts_with("INCOMPLETE:"), "{said}");
    let files = check(&desk.path("kept"), 3);
    assert_eq!(names(&files), WITH_RESULTS);
    assert!(text(&files, "results.html").contains("Provisional"));
    let readme = readme(&files);
    assert!(readme.contains("THE RESULTS HERE ARE PROVISIONAL."), "{readme}");
    assert!(readme.contains("closed not yet"), "{readme}");
}

/// The note in the last seal of a ledger.
fn last_note(desk: &Desk) -> String {
    let ledger = fs::read_to_string(desk.path("autumn.jsonl")).expect("reads");
    let seal: Value = serde_json::from_str(ledger.lines().last().expect("a line")).expect("JSON");
    seal["body"]["note"].as_str().expect("a note").to_owned()
}

fn size_of(note: &str) -> &str {
    note.lines().nth(1).expect("a size")
}

#[test]
fn checkpoints_beside_the_ledger_are_kept_and_held_against_it() {
    let desk = desk();
    let note = last_note(&desk);
    let cosigned = format!("{note}— witness.example/w AAAAAAAA\n");
    fs::write(desk.path("autumn.checkpoint"), &note).expect("writes");
    fs::write(desk.path("autumn.cosigned"), &cosigned).expect("writes");
    let (_, talk) = desk.run("bundle", &["-o", "kept"], 0);
    for file in ["autumn.checkpoint", "autumn.cosigned"] {
        assert!(talk.contains(&format!("with {file}, which stands beside the ledger")), "{talk}");
    }
    let files = check(&desk.path("kept"), 0);
    assert_eq!(text(&files, "autumn.checkpoint"), note);
    assert_eq!(text(&files, "autumn.cosigned"), cosigned);
    let readme = readme(&files);
    let lines = size_of(&note);
    for said in [
        format!("a checkpoint of the first {lines} lines, without other signatures"),
        format!(
            "a checkpoint of the first {lines} lines, with another signature, which only a policy"
        ),
    ] {
        assert!(readme.contains(&said), "{said}: {readme}");
    }
    assert!(text(&files, "verify.txt").contains("2 checkpoints: this ledger agrees"));

    // Those that are given stand for those that lie there.
    fs::write(desk.path("mine"), &note).expect("writes");
    fs::write(desk.path("twice"), &note).expect("writes");
    let given = ["-o", "given", "--checkpoint", "mine", "--checkpoint", "twice"];
    let (_, talk) = desk.run("bundle", &given, 0);
    assert!(talk.is_empty(), "{talk}");
    let files = check(&desk.path("given"), 0);
    let found: Vec<&str> =
        names(&files).into_iter().filter(|n| n.ends_with("checkpoint")).collect();
    let lines = size_of(&note);
    assert_eq!(
        found,
        [format!("autumn-{lines}-2.checkpoint"), format!("autumn-{lines}.checkpoint")]
    );
}

#[test]
fn a_policy_is_kept_with_the_cosignatures_that_meet_it() {
    let desk = desk();
    let witness = WitnessKey::new("w1.example", SigningKey::from_bytes(&[5; 32])).expect("a key");
    let mut note = Note::parse(&last_note(&desk)).expect("a note");
    note.signatures.push(witness.cosign(&note.text, 1_800_000_060));
    fs::write(desk.path("autumn.cosigned"), note.to_string()).expect("writes");
    let policy = format!("witness w1 {}\nquorum w1\n", witness.public().vkey());
    fs::write(desk.path("witnesses"), &policy).expect("writes");
    desk.run("bundle", &["-o", "kept", "--policy", "witnesses"], 0);
    let files = check(&desk.path("kept"), 0);
    assert_eq!(text(&files, "policy.txt"), policy);
    assert!(text(&files, "verify.txt").contains("cosigned by w1 ("));
    // Without the cosignature the results are final, and not proven enough.
    fs::remove_file(desk.path("autumn.cosigned")).expect("removes");
    desk.run("bundle", &["-o", "unmet", "--policy", "witnesses"], 3);
    let files = check(&desk.path("unmet"), 3);
    assert!(text(&files, "results.html").contains("Provisional"));
}

#[test]
fn a_checkpoint_that_contradicts_the_ledger_is_a_finding() {
    let desk = desk();
    let key = SigningKey::from_bytes(&[77; 32]);
    let key = SealingKey::new("test-house/autumn".to_owned(), key).expect("a key");
    let fork = key.sign(9, Hash::of(b"another ledger"));
    fs::write(desk.path("autumn.cosigned"), fork.note()).expect("writes");
    desk.run("bundle", &["-o", "kept"], 1);
    let files = check(&desk.path("kept"), 1);
    assert!(text(&files, "verify.txt").contains("GV-502 fork, the whole: autumn.cosigned: "));
    assert_eq!(text(&files, "autumn.cosigned"), fork.note());
    assert!(readme(&files).contains("With --evidence FILE it writes what convicts the house"));
    // What is no checkpoint at all stops the work, and leaves nothing behind.
    fs::write(desk.path("autumn.checkpoint"), "an anchor\n").expect("writes");
    let (_, talk) = desk.run("bundle", &["-o", "none"], 2);
    assert!(talk.contains("autumn.checkpoint: ") && talk.contains("[bad-checkpoint]"), "{talk}");
    nothing_but(&desk, &["autumn.checkpoint", "autumn.cosigned", "autumn.jsonl", "ca.der", "kept"]);
}

#[test]
fn receipts_are_kept_by_their_lines() {
    let (world, desk) = (world(), desk());
    fs::write(desk.path("autumn.jsonl"), &world.ledger).expect("writes");
    fs::write(desk.path("ca.der"), world.ca.anchor().der()).expect("writes");
    fs::write(desk.path("mine.tlog-proof"), &world.receipt).expect("writes");
    fs::write(desk.path("known"), &world.checkpoint).expect("writes");
    let given = ["--receipt", "mine.tlog-proof", "mine.tlog-proof", "--checkpoint", "known"];
    desk.run("bundle", &[&["-o", "kept"], &given[..]].concat(), 0);
    let files = check(&desk.path("kept"), 0);
    let line = gavel::ledger::Receipt::parse(&world.receipt).expect("a receipt").index;
    for name in [format!("receipts/{line}.tlog-proof"), format!("receipts/{line}-2.tlog-proof")] {
        assert_eq!(text(&files, &name), world.receipt);
    }
    assert!(text(&files, "verify.txt").contains("2 receipts: this ledger agrees"));
    assert!(readme(&files).contains(&format!("a receipt for line {line} ")));
}

#[track_caller]
fn nothing_but(desk: &Desk, expected: &[&str]) {
    let mut found: Vec<String> = fs::read_dir(desk.path(""))
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_kept_leaves_nothing_behind() {
    let desk = desk();
    let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
    fs::write(desk.path("alice.pem"), key).expect("writes");
    fs::create_dir(desk.path("full")).expect("makes");
    fs::write(desk.path("full/of-it"), "x").expect("writes");
    let there = ["alice.pem", "autumn.jsonl", "ca.der", "full"];
    for (flags, code) in [
        (&["-o", "full"][..], "[file-exists]"),
        (&["-o", "alice.pem"], "[file-exists]"),
        (&["-o", "."], "[file-exists]"),
        (&["-o", "none/of/these"], "[file-missing]"),
        (&["-o", "kept", "--crl", "alice.pem"], "[holds-a-key]"),
        (&["-o", "kept", "--crl", "none.pem"], "[file-missing]"),
        (&["-o", "kept", "--receipt", "alice.pem"], "[bad-receipt]"),
        (&["-o", "kept", "--items", "alice.pem"], "[sale-file]"),
    ] {
        let (said, talk) = desk.run("bundle", flags, 2);
        assert!(said.is_empty() && talk.contains(code) && talk.contains("hint: "), "{talk}");
        nothing_but(&desk, &there);
    }
    let folder = desk.path("");
    let output = gavel_in(&folder, &["bundle", "alice.pem", "--trust", "ca.der", "-o", "kept"]);
    let talk = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(2) && talk.contains("[holds-a-key]"), "{talk}");
    nothing_but(&desk, &there);
}

/// A sale that the server itself held, with its anchor, list and sale file.
#[test]
fn a_sale_of_the_real_server_is_kept_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let items = r#"{"sale": {"id": "spring", "currency": {"code": "EUR"}},
        "lots": {"1": {"name": "Vase", "start": 100, "increments": [[0, 10]], "duration": 60, "reserve": 500}}}"#;
    fs::write(at.join("items.json"), items).expect("writes");
    for args in [
        &["prepare", "items.json", "--house", "estate"][..],
        &["serve", "items.json", "--listen", "127.0.0.1:0", "--ends-in", "1s", "--exit-on-close"],
    ] {
        let output = gavel_in(at, args);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {talk}");
    }
    let trust = ["--trust", "pki/ca/ca.pem", "--crl", "pki/serve/crl.pem", "--items", "items.json"];
    let bundle = |ledger: &str, out: &str, flags: &[&str]| {
        let output = gavel_in(at, &[&["bundle", ledger, "-o", out], flags].concat());
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let (code, talk) = bundle("ledger/spring.jsonl", "kept", &trust);
    assert_eq!(code, Some(0), "{talk}");
    let files = check(&at.join("kept"), 0);
    for (name, original) in [
        ("spring.jsonl", "ledger/spring.jsonl"),
        ("spring.checkpoint", "ledger/spring.checkpoint"),
        ("ca.pem", "pki/ca/ca.pem"),
        ("crl.pem", "pki/serve/crl.pem"),
        ("items.json", "items.json"),
    ] {
        assert_eq!(files[name], fs::read(at.join(original)).expect("reads"), "{name}");
    }
    let said = text(&files, "verify.txt");
    for checked in ["1 checkpoint: this ledger agrees", "the items file given", "list number 1"] {
        assert!(said.contains(checked), "{said}");
    }

    // Cut before the lot has ended, it must not tell the reserve.
    let ledger = fs::read_to_string(at.join("ledger/spring.jsonl")).expect("reads");
    let beginning: String = ledger.split_inclusive('\n').take(3).collect();
    fs::write(at.join("cut.jsonl"), beginning).expect("writes");
    let (code, talk) = bundle("cut.jsonl", "early", &trust);
    assert!(code == Some(2) && talk.contains("[reserves-secret]"), "{talk}");
    assert!(!at.join("early").exists());
    let (code, talk) = bundle("cut.jsonl", "early", &trust[..4]);
    assert_eq!(code, Some(3), "{talk}");
    let files = check(&at.join("early"), 3);
    assert!(
        files.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("\"reserve\": 500"))
    );
}
