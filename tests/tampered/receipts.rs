//! `gavel receipt check` by itself: the proof, the signature in the line, and what was signed.

use std::fs;
use std::process::Command;

use gavel::ledger::encoding::decode_base64;
use gavel::ledger::entry::Kind;
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Receipt, Tree};
use gavel::record::{Signed, SignedBid};
use serde_json::{Value, json};

use super::forge::Forge;
use super::world::{Person, world};

/// The receipt for a line of a ledger that the house sealed.
fn receipt_for(ledger: &[u8], line: usize) -> String {
    let lines: Vec<&[u8]> =
        ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut tree = Tree::new();
    lines.iter().for_each(|line| tree.append(leaf_hash(line)));
    let index = u64::try_from(line).expect("small");
    let open: Value = serde_json::from_slice(lines[0]).expect("JSON");
    let sealer = open["body"]["sealers"][0].as_str().expect("a certificate");
    let receipt = Receipt {
        index,
        proof: tree.inclusion(index, tree.size()).expect("is in it"),
        note: world().sealing_key().sign(tree.size(), tree.root()).note().to_owned(),
        entry: String::from_utf8(lines[line].to_vec()).expect("UTF-8"),
        sealer: decode_base64(sealer).expect("base64"),
    };
    receipt.to_text()
}

/// A bidder's folder, with a receipt and what was signed, as the client keeps them.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(receipt: &str, signed: Option<&SignedBid>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
            fs::write(path, bytes).expect("writes");
        };
        write("ca.pem", world().ca.anchor().to_pem().as_bytes());
        write("receipts/7.tlog-proof", receipt.as_bytes());
        if let Some(bid) = signed {
            let name = format!("signed/{}.json", bid.statement.n);
            write(&name, &Signed::from(bid.clone()).to_kept());
        }
        Self(folder)
    }

    fn check(&self, more: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_gavel"))
            .args(["receipt", "check", "receipts/7.tlog-proof", "--trust", "ca.pem"])
            .args(more)
            .current_dir(self.0.path())
            .output()
            .expect("runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    }
}

/// Alice's first bid, as she signed it.
fn alices() -> SignedBid {
    world().bid(&world().alice, "1", 55, 1)
}

fn her_line(forge: &Forge) -> usize {
    forge.find(Kind::Bid, 2_000)
}

#[test]
fn an_honest_receipt_is_what_was_signed() {
    let folder = Folder::with(&world().receipt, Some(&alices()));
    let (code, said) = folder.check(&[]);
    assert_eq!(code, Some(0), "{said}");
    let key = alices().statement.bid_key;
    for told in [
        "PROVEN: the house sealed this line among the first ",
        "alice bids 55 on lot 1\n",
        &format!("signed    by the bid key {key} over all that stands in the line\n"),
        "compared  with signed/1.json, field by field: it is what was signed\n",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let (code, said) = folder.check(&["--json"]);
    let report: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(code, Some(0));
    assert_eq!(report["signature"], "good");
    assert_eq!(
        (&report["compared"], &report["differences"]),
        (&json!("signed/1.json"), &json!([]))
    );

    let alone = Folder::with(&world().receipt, None);
    let (code, said) = alone.check(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("compared  with nothing: signed/1.json is not beside it"), "{said}");
}

/// How the body of a line is changed.
type Change = fn(&mut Value);

#[test]
fn a_changed_field_is_named_and_its_signature_does_not_hold() {
    let changes: [(&str, Change, &str); 8] = [
        ("amount", |body| body["bid"]["amount"] = json!(56), "signed 55, entered 56"),
        ("bid_key", |body| body["bid"]["bid_key"] = json!("5".repeat(64)), ", entered 5555"),
        ("bidder", |body| body["bid"]["bidder"] = json!("bob"), "signed alice, entered bob"),
        ("head.size", |body| body["bid"]["head"]["size"] = json!(1), ", entered 1"),
        ("lot", |body| body["bid"]["lot"] = json!("2"), "signed 1, entered 2"),
        ("n", |body| body["bid"]["n"] = json!(9), "signed 1, entered 9"),
        ("sale_hash", |body| body["bid"]["sale_hash"] = json!("5".repeat(64)), ", entered 5555"),
        ("signature", |body| body["sig"] = json!("A".repeat(86) + "=="), ", entered AAAA"),
    ];
    for (field, change, told) in changes {
        let mut forge = Forge::honest();
        let line = her_line(&forge);
        change(&mut forge.pieces[line].body);
        let folder = Folder::with(&receipt_for(&forge.forged(), line), Some(&alices()));
        let (code, said) = folder.check(&["--signed", "signed/1.json"]);
        assert_eq!(code, Some(1), "{field}: {said}");
        assert!(said.starts_with("FORGED: the house sealed this line"), "{field}: {said}");
        let difference = said.lines().find(|line| line.starts_with(&format!("  - {field}: ")));
        assert!(difference.is_some_and(|line| line.contains(told)), "{field}: {said}");
        assert_eq!(said.matches("\n  - ").count(), 1, "{field}: {said}");
        // Without what was signed, the signature alone tells.
        let (code, said) = Folder::with(&receipt_for(&forge.forged(), line), None).check(&[]);
        assert_eq!(code, Some(1), "{field}: {said}");
        assert!(said.contains("\nsigned    not by the bid key "), "{field}: {said}");
    }
}

#[test]
fn a_line_that_another_key_signed_well_is_not_what_was_signed() {
    let (mut forge, world) = (Forge::honest(), world());
    let line = her_line(&forge);
    // The house has enrolled a key of its own under her name.
    let key = ed25519_dalek::SigningKey::from_bytes(&[99; 32]);
    let secret = gavel::pki::P256Secret::from_pkcs8(world.alice.secret.pkcs8()).expect("a key");
    let other = Person { identity: world.alice.identity.clone(), secret, bid_key: key };
    forge.pieces[line].set_bid(&world.bid(&other, "1", 66, 1));
    let folder = Folder::with(&receipt_for(&forge.forged(), line), Some(&alices()));
    let (code, said) = folder.check(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("NOT WHAT WAS SIGNED: "), "{said}");
    for field in ["amount: signed 55, entered 66", "bid_key: signed ", "signature: signed "] {
        assert!(said.contains(&format!("  - {field}")), "{said}");
    }
    assert!(!said.contains("convicts the house"), "{said}");
    let (_, said) = folder.check(&["--json"]);
    let report: Value = serde_json::from_str(&said).expect("JSON");
    let amount = json!({"field": "amount", "signed": "55", "entered": "66"});
    assert_eq!(report["differences"][0], amount);
    assert_eq!((&report["proven"], &report["signature"]), (&json!(true), &json!("good")));
    // Nothing but what she kept can tell.
    let (code, said) = Folder::with(&receipt_for(&forge.forged(), line), None).check(&[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn lines_that_nobody_signed_are_told_as_that() {
    let forge = Forge::honest();
    let ledger = forge.forged();
    let attested = receipt_for(&ledger, forge.find(Kind::Bid, 1_000));
    let folder = Folder::with(&attested, Some(&alices()));
    let (code, said) = folder.check(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("by nobody: the house says that it saw the bid"), "{said}");
    let (code, said) = folder.check(&["--signed", "signed/1.json"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("  - signature: signed by its signer, entered nothing\n"), "{said}");
    for (line, told) in [
        (forge.find(Kind::Enrol, 100), "not checked: that needs line 0 as well"),
        (forge.find(Kind::Clock, 4_000), "by nobody: the house enters such a line itself"),
    ] {
        let (code, said) = Folder::with(&receipt_for(&ledger, line), None).check(&[]);
        assert!(code == Some(0) && said.contains(told), "{said}");
    }
    // A refusal was signed like any bid.
    let refused = forge.find(Kind::Refusal, 2_500);
    let (code, said) = Folder::with(&receipt_for(&ledger, refused), None).check(&[]);
    assert!(code == Some(0) && said.contains("\nsigned    by the bid key "), "{said}");
}

#[test]
fn what_was_kept_must_be_signed_itself() {
    let mut spoilt = alices();
    spoilt.statement.amount = gavel::auction::money::Amount::new(66).expect("an amount");
    let folder = Folder::with(&world().receipt, Some(&spoilt));
    let (code, said) = folder.check(&[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("[bad-signed]") && said.contains("hint: "), "{said}");
    let (code, said) = folder.check(&["--signed", "ca.pem"]);
    assert!(code == Some(2) && said.contains("[bad-signed]"), "{said}");
    let (code, said) = folder.check(&["--signed", "none.json"]);
    assert!(code == Some(2) && said.contains("[file-missing]"), "{said}");
    // A receipt that proves nothing is told first.
    let folder = Folder::with(&world().receipt.replace("index ", "index 1"), Some(&alices()));
    let (code, said) = folder.check(&[]);
    assert!(code == Some(1) && said.starts_with("NOT PROVEN: "), "{said}");
}
