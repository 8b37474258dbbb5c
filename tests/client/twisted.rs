//! A house whose receipts are of other lines than what was signed: whatever differs, the client
//! says so, keeps both sides, and takes nothing for landed.

use std::fs;
use std::path::Path;

use gavel::client::{BidAnswer, Happened, Memory, ReceiptFault, SessionError};
use gavel::ledger::Receipt;
use gavel::pki::Address;
use gavel::record::Signed;
use serde_json::{Value, json};

use crate::house::{House, amount, lot, open, until, within};
use crate::liar::{Liar, Twist};

/// The line with another value in its body.
fn changed(line: &str, place: &str, value: Value) -> String {
    let mut entry: Value = serde_json::from_str(line).expect("JSON");
    *entry.pointer_mut(place).expect("is there") = value;
    entry.to_string()
}

/// Every field of a signed bid, and how it is changed behind the bidder's back.
const TWISTS: [(&str, Twist); 10] = [
    ("amount", |line| changed(line, "/body/bid/amount", json!(131))),
    ("bid_key", |line| changed(line, "/body/bid/bid_key", json!("5".repeat(64)))),
    ("bidder", |line| changed(line, "/body/bid/bidder", json!("bob"))),
    ("head.root", |line| changed(line, "/body/bid/head/root", json!("5".repeat(64)))),
    ("head.size", |line| changed(line, "/body/bid/head/size", json!(1))),
    ("lot", |line| changed(line, "/body/bid/lot", json!("2"))),
    ("n", |line| changed(line, "/body/bid/n", json!(77))),
    ("sale_hash", |line| changed(line, "/body/bid/sale_hash", json!("5".repeat(64)))),
    ("signature", |line| changed(line, "/body/sig", json!("A".repeat(86) + "=="))),
    ("on its own word", attested),
];

/// The line as if she had typed the bid by hand.
fn attested(line: &str) -> String {
    let mut entry: Value = serde_json::from_str(line).expect("JSON");
    let body = entry["body"].as_object_mut().expect("a body");
    body.remove("sig").expect("was signed");
    body.insert("evidence".to_owned(), json!("attested"));
    let bid = body["bid"].as_object_mut().expect("a bid");
    bid.retain(|key, _| ["amount", "bidder", "lot"].contains(&key.as_str()));
    entry.to_string()
}

fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

#[tokio::test]
async fn a_receipt_is_held_against_what_was_signed_field_by_field() {
    for (field, twist) in TWISTS {
        check(field, twist).await;
    }
}

async fn check(field: &str, twist: Twist) {
    let house = House::new();
    let (alice, server) = (house.caller("alice"), house.serve().await);
    server.stop().await;
    let liar = Liar::of(house).await;
    let at = || Address::parse(&liar.address.to_string()).expect("an address");
    let people = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&people.path().join("alice.pem"));
    let mut session = open(&alice, at(), memory.clone()).await.expect("opens");
    let folder = session.folder().expect("a folder").to_owned();
    within(session.enrol()).await.expect("enrols");
    let enrolled = files_in(&folder.join("receipts"));
    liar.twist(Some(twist));
    let refused = within(session.bid(lot("1"), amount(130))).await.expect_err("is refused");
    let SessionError::Receipt { fault, evidence: Some(evidence) } = refused else {
        panic!("{field}: {refused:?}")
    };
    match &fault {
        ReceiptFault::Differs { differences } => {
            let found: Vec<&str> = differences.iter().map(|found| found.field.as_str()).collect();
            assert_eq!(found, [field], "{fault}");
        }
        fault => assert!(fault.to_string().contains(field), "{field}: {fault:?}"),
    }
    let kept = fs::read(evidence.join("signed.json")).expect("is kept");
    Signed::from_kept(&kept).expect("a bid").check().expect("her own signature");
    let receipt = fs::read_to_string(evidence.join("receipt.tlog-proof")).expect("is kept");
    Receipt::parse(&receipt).expect("a receipt");
    // It landed nowhere, as far as anybody can tell.
    assert_eq!(files_in(&folder.join("receipts")), enrolled, "{field}");
    assert_eq!(files_in(&folder.join("unanswered")), ["1.json"], "{field}");
    assert!(files_in(&folder.join("signed")).is_empty(), "{field}");
    drop(session);

    // The next time the house is honest, and the bid is settled by its own bytes.
    liar.twist(None);
    let mut session = open(&alice, at(), memory).await.expect("opens");
    within(session.settle()).await.expect("sends");
    let answer = until(&mut session, |happened| match happened {
        Happened::Bid { answer, .. } => Some(answer),
        _ => None,
    })
    .await;
    let BidAnswer::Landed { seq } = answer else { panic!("{field}: {answer:?}") };
    assert!(folder.join(format!("receipts/{seq}.tlog-proof")).exists(), "{field}");
    assert!(files_in(&folder.join("unanswered")).is_empty(), "{field}");
    assert_eq!(fs::read(folder.join("signed/1.json")).expect("is kept"), kept, "{field}");
}

#[tokio::test]
async fn an_enrolment_that_our_keys_did_not_sign_is_none() {
    let house = House::new();
    let (alice, server) = (house.caller("alice"), house.serve().await);
    server.stop().await;
    let liar = Liar::of(house).await;
    let twists: [Twist; 5] = [
        |line| changed(line, "/body/bid_key", json!("5".repeat(64))),
        |line| changed(line, "/body/bidder", json!("bob")),
        |line| changed(line, "/body/role", json!("clerk")),
        |line| changed(line, "/body/bid_sig", json!("A".repeat(86) + "==")),
        |line| changed(line, "/body/cert_sig", json!("A".repeat(86) + "==")),
    ];
    for (number, twist) in twists.into_iter().enumerate() {
        let people = tempfile::tempdir().expect("a folder");
        let memory = Memory::beside(&people.path().join("alice.pem"));
        let at = Address::parse(&liar.address.to_string()).expect("an address");
        let mut session = open(&alice, at, memory).await.expect("opens");
        liar.twist(Some(twist));
        let refused = within(session.enrol()).await.expect_err("is refused");
        let SessionError::Receipt { evidence: Some(evidence), .. } = refused else {
            panic!("{number}: {refused:?}")
        };
        assert_eq!(files_in(&evidence), ["receipt.tlog-proof"]);
        assert!(files_in(&session.folder().expect("a folder").join("receipts")).is_empty());
        liar.twist(None);
    }
}
