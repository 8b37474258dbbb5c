//! What is written down, and who can check it.

use gavel::auction::event::Outcome;
use gavel::auction::lot::LotState;
use gavel::auction::name::Party;
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::ledger::Receipt;
use gavel::record::{Times, read_sale_file};
use serde_json::Value;

use super::super::bidder::{Bidder, ORIGIN, code, sealer_of, text};
use super::super::log;
use super::super::wire::Typist;
use super::super::world::{Plan, World, items, name};
use super::lasting;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_16_every_bid_is_on_record_and_nothing_raw_is_logged() {
    let mark = log::mark();
    let plan = Plan { items: lasting(), ..Plan::default() };
    let (world, hall) = World::open_new(plan).await;
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut bob = Typist::enter(hall.address, &world.person("bob")).await;
    let peer = format!("peer={}", bob.wire.local);
    for rubbish in ["\x1b]0;owned\x07", "\x1b[2JBID 1 1", "BID 1 \u{202e}99", "LIST\u{85}x"] {
        bob.ask(rubbish, "[bad-command]").await;
    }
    bob.ask("BID 1 60", "Bid accepted!").await;
    let good = alice.bid("1", 70).await;
    alice.receipt(&good);
    assert_eq!(code(&alice.bid("1", 71).await), "already-leading");
    let mut forged = alice.signed("2", 500);
    forged["body"]["amount"] = 400.into();
    assert_eq!(code(&alice.request(forged).await), "bad-signature");
    bob.ask("QUIT", "Goodbye.").await;
    let gone = log::wait_for(mark, &[&peer, "disconnected"]).await;
    assert!(gone.contains("name=bob"), "{gone}");
    let come = log::wait_for(mark, &[&peer, "connected"]).await;
    assert!(come.contains("tls=TLSv1_3") && come.contains("cipher=TLS13_"), "{come}");
    for line in log::since(mark, &[&peer]) {
        assert!(log::is_plain(&line), "{line:?}");
    }
    hall.stop().await;

    let bids = world.entries_of("bid");
    let seen: Vec<(&str, &Value)> = bids
        .iter()
        .map(|e| (text(&e["body"]["bid"]["bidder"]), &e["body"]["bid"]["amount"]))
        .collect();
    assert_eq!(seen, [("bob", &60.into()), ("alice", &70.into())]);
    let refused: Vec<Value> = world.entries_of("refusal");
    assert!(
        refused
            .iter()
            .any(|e| e["body"]["code"] == "already-leading" && e["body"]["bid"]["amount"] == 71),
        "a signed bid that is refused is on record: {refused:?}"
    );
    assert_eq!(world.audit(&[]).verdict(), Verdict::Incomplete);
}

#[test]
fn seed_21_the_sale_file_is_checked() {
    let lot = |id: &str, fields: &str| format!(r#"{{"{id}":{{"name":"x",{fields}}}}}"#);
    let good = r#""highest_bid":5,"highest_bidder":null,"duration":1"#;
    assert_eq!(
        read_sale_file(lot("1", good).as_bytes(), Times::Absolute)
            .expect("the seed's form")
            .lots
            .len(),
        1
    );
    for file in [
        lot("1", r#""highest_bid":5,"highest_bidder":null,"duration":-1"#),
        lot("1", r#""highest_bid":5,"highest_bidder":null,"duration":0"#),
        lot("1", r#""highest_bid":"5","highest_bidder":null,"duration":1"#),
        lot("1", r#""highest_bid":5.5,"highest_bidder":null,"duration":1"#),
        lot("1", r#""highest_bid":-5,"highest_bidder":null,"duration":1"#),
        lot("1", r#""highest_bidder":null,"duration":1"#),
        lot("01", good),
        lot("one", good),
        format!(r#"{{"1":{{"name":"x",{good}}},"1":{{"name":"y",{good}}}}}"#),
        format!(r#"{{"1":{{"name":"x",{good}}},"01":{{"name":"y",{good}}}}}"#),
        "{}".to_owned(),
        "[]".to_owned(),
    ] {
        let fault = read_sale_file(file.as_bytes(), Times::Absolute).expect_err(&file);
        assert!(!fault.to_string().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_23_the_winner_holds_a_receipt_and_anybody_checks_the_result() {
    let items = items(&[("1", 50, 1), ("2", 100, 1)]);
    let (world, mut hall) =
        World::open_new(Plan { items, attested: false, ..Plan::default() }).await;
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    let reply = bob.bid("1", 60).await;
    let lost = text(&reply["receipt"]).to_owned();
    let reply = alice.bid("1", 70).await;
    let won = text(&reply["receipt"]).to_owned();
    let reply = bob.bid("2", 170).await;
    bob.receipt(&reply);
    hall.finished().await;
    hall.stop().await;

    // The receipt alone, with the CA's certificate: this very bid is in the ledger.
    let receipt = Receipt::parse(&won).expect("reads");
    let ledger = world.ledger();
    let open = ledger.split(|b| *b == b'\n').next().expect("a line");
    let sealer = sealer_of(std::str::from_utf8(open).expect("text"), &world.anchor());
    receipt.check(ORIGIN, &sealer).expect("verifies");
    let entry: Value = serde_json::from_str(&receipt.entry).expect("JSON");
    assert_eq!(entry["body"]["bid"]["bidder"], "alice");
    assert_eq!(entry["body"]["bid"]["amount"], 70);

    // The ledger, with the CA's fingerprint and the receipts: the result.
    let audit_of = |bytes: &[u8]| {
        let mut anchors = Anchors::new(Trust::Fingerprint(world.anchor().fingerprint()));
        for (label, text) in [("won", &won), ("lost", &lost)] {
            anchors.add_receipt(label, text).expect("reads");
        }
        audit(bytes, anchors)
    };
    let audit = audit_of(&ledger);
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let results = audit.audited().expect("is valid").results();
    let LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } =
        &results.lots[0].state
    else {
        panic!("{:?}", results.lots[0])
    };
    assert_eq!((to, hammer_price.minor_units()), (&Party::Named(name("alice")), 70));
    // Another winner would be found.
    let text = String::from_utf8(ledger).expect("text");
    let changed = text.replace("\"winner\":\"alice\"", "\"winner\":\"bobby\"");
    assert_ne!(changed, text);
    assert_eq!(audit_of(changed.as_bytes()).verdict(), Verdict::Invalid);
}
