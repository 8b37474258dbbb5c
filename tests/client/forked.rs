//! A forked house, played for real: it keeps two histories for two bidders, and whatever
//! reaches the other side exposes it.

use std::path::Path;
use std::process::{Command, Output};

use ed25519_dalek::SigningKey;
use gavel::auction::refusal::Code;
use gavel::client::{BidAnswer, GreetingFault, Memory, Session, SessionError};
use gavel::ledger::WitnessKey;
use gavel::ledger::witnessing::{AddCheckpoint, Answer};
use gavel::pki::Address;
use gavel::witness::{Logs, Reply, StateFolder, Witness};

use crate::house::{House, amount, caught_up, lot, now, open, within};
use crate::liar::Liar;

/// Two bidders who were in an honest sale, and the house that parts them.
pub(crate) struct Parted {
    pub(crate) liar: Liar,
    people: tempfile::TempDir,
    alice: gavel::client::Caller,
    bob: gavel::client::Caller,
}

impl Parted {
    pub(crate) async fn new() -> Self {
        let house = House::new();
        let people = tempfile::tempdir().expect("a folder");
        let (alice, bob) = (house.caller("alice"), house.caller("bob"));
        std::fs::write(people.path().join("ca.pem"), house.ca.anchor().to_pem()).expect("writes");
        let server = house.serve().await;
        for (name, caller) in [("alice", &alice), ("bob", &bob)] {
            let memory = Memory::beside(&people.path().join(format!("{name}.pem")));
            let mut session = open(caller, server.at(), memory).await.expect("opens");
            within(session.enrol()).await.expect("enrols");
            caught_up(&mut session).await;
            session.close().await.expect("closes");
        }
        server.stop().await;
        let liar = Liar::of(house).await;
        liar.show("alice", 0);
        liar.show("bob", 1);
        Self { liar, people, alice, bob }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.people.path().join(name)
    }

    pub(crate) async fn open(&self, name: &str) -> Result<Session, SessionError> {
        let caller = if name == "alice" { &self.alice } else { &self.bob };
        let memory = Memory::beside(&self.path(&format!("{name}.pem")));
        let at = Address::parse(&self.liar.address.to_string()).expect("an address");
        open(caller, at, memory).await
    }

    /// A bid that its house takes, and the file of its receipt.
    pub(crate) async fn bid(&self, name: &str, item: &str, minor_units: u64) -> std::path::PathBuf {
        let mut session = self.open(name).await.expect("opens");
        caught_up(&mut session).await;
        let answer = within(session.bid(lot(item), amount(minor_units))).await.expect("answers");
        let BidAnswer::Landed { seq } = answer else { panic!("{answer:?}") };
        let receipts = session.folder().expect("a folder").join("receipts");
        session.close().await.expect("closes");
        receipts.join(format!("{seq}.tlog-proof"))
    }

    /// Runs the real binary among the people's files.
    pub(crate) fn gavel(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gavel"));
        command.args(words).current_dir(self.people.path()).output().expect("runs")
    }
}

fn said(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(all).expect("UTF-8")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[tokio::test]
async fn a_receipt_of_one_history_convicts_the_house_that_shows_the_other() {
    let parted = Parted::new().await;
    let receipt = parted.bid("alice", "1", 130).await;
    parted.bid("bob", "1", 140).await;
    parted.liar.checkpoint(1);
    let ledger = parted.liar.ledger(1);
    let verify = ["verify", text(&ledger), "--trust", "ca.pem"];
    let alone = parted.gavel(&verify);
    assert_eq!(alone.status.code(), Some(3), "nothing is wrong in it: {}", said(&alone));

    let held = ["--receipt", text(&receipt), "--evidence", "house.evidence"];
    let held = parted.gavel(&[&verify[..], &held].concat());
    assert_eq!(held.status.code(), Some(1), "{}", said(&held));
    assert!(said(&held).contains("GV-502 fork"), "{}", said(&held));

    // Somebody who has only the CA's certificate.
    let stranger = tempfile::tempdir().expect("a folder");
    for file in ["ca.pem", "house.evidence"] {
        std::fs::copy(parted.path(file), stranger.path().join(file)).expect("copies");
    }
    let convict = Command::new(env!("CARGO_BIN_EXE_gavel"))
        .args(["receipt", "convict", "house.evidence", "--trust", "ca.pem"])
        .current_dir(stranger.path())
        .output()
        .expect("runs");
    assert_eq!(convict.status.code(), Some(0), "{}", said(&convict));
    assert!(said(&convict).contains("CONVICTED"), "{}", said(&convict));
    let again = parted.gavel(&["receipt", "convict", text(&receipt), "--trust", "ca.pem"]);
    assert_eq!(again.status.code(), Some(2), "a receipt alone is no evidence: {}", said(&again));
}

#[tokio::test]
async fn a_bidder_who_is_shown_the_other_history_leaves_with_what_convicts() {
    let parted = Parted::new().await;
    parted.bid("alice", "1", 130).await;
    parted.bid("bob", "1", 140).await;
    parted.bid("bob", "2", 150).await;
    parted.liar.show("alice", 1);
    let refused = parted.open("alice").await.err().expect("refused");
    let SessionError::Greeting { fault, evidence: Some(folder) } = refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(fault, GreetingFault::Fork { .. }), "{fault:?}");
    let held = folder.join("held.checkpoint");
    // The proof that the house sends tells its other root, unless the older tree is full.
    let evidence = match folder.join("house.evidence") {
        told if told.exists() => told,
        _ => {
            let ledger = parted.liar.ledger(1);
            let words = ["verify", text(&ledger), "--trust", "ca.pem", "--checkpoint"];
            let words = [&words[..], &[text(&held), "--evidence", "made.evidence"]].concat();
            assert_eq!(parted.gavel(&words).status.code(), Some(1));
            parted.path("made.evidence")
        }
    };
    let convict = parted.gavel(&["receipt", "convict", text(&evidence), "--trust", "ca.pem"]);
    assert_eq!(convict.status.code(), Some(0), "{}", said(&convict));
}

#[tokio::test]
async fn the_next_bid_carries_a_head_that_the_other_history_never_had() {
    let parted = Parted::new().await;
    parted.bid("alice", "1", 130).await;
    parted.bid("bob", "1", 140).await;
    let mut alice = parted.open("alice").await.expect("opens");
    caught_up(&mut alice).await;
    // The house carries her next bid over to the other history, behind her back.
    parted.liar.show("alice", 1);
    let answer = within(alice.bid(lot("1"), amount(160))).await.expect("answers");
    let BidAnswer::Refused { code, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(code, Code::StaleHead, "a house that took it would have to forge her head");
    parted.liar.checkpoint(1);
    let ledger = std::fs::read_to_string(parted.liar.ledger(1)).expect("a ledger");
    let recorded = ledger.lines().find(|line| line.contains("\"stale-head\""));
    assert!(recorded.expect("is recorded").contains("\"bidder\":\"alice\""));
}

#[tokio::test]
async fn a_witness_cosigns_one_history_and_keeps_what_convicts_the_house_of_the_other() {
    let parted = Parted::new().await;
    parted.bid("alice", "1", 130).await;
    parted.bid("bob", "1", 140).await;
    parted.bid("bob", "2", 150).await;
    let (shown, hidden) = (parted.liar.checkpoint(0), parted.liar.checkpoint(1));

    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let key = || WitnessKey::new("seller.example", SigningKey::from_bytes(&[5; 32])).expect("key");
    StateFolder::create(&state, key().public()).expect("makes a state");
    let logs = format!("log {}\n", parted.liar.vkey());
    let logs = Logs::read(logs.as_bytes(), key().public()).expect("a list");
    let witness = Witness::open(key(), logs, &state).expect("opens");
    let first = AddCheckpoint::new(0, Vec::new(), &shown).expect("a request");
    let (witness, cosigned) = witness.answer(now(), &[first]).expect("is on the disk");

    // The house shows the other history, with the proof that is true of it.
    let (size, proof) = parted.liar.proof(1, &shown);
    let second = AddCheckpoint::new(size, proof, &hidden).expect("a request");
    let (_, replies) = witness.answer(now(), &[second]).expect("answers");
    assert_eq!(replies, [Reply::Answer(Answer::Inconsistent)]);

    // It kept the house's own word for the other history.
    let kept = std::fs::read_dir(state.join("evidence")).expect("there is some");
    let kept = kept.map(|entry| std::fs::read_to_string(entry.expect("lists").path()));
    assert!(kept.into_iter().any(|text| text.expect("reads") == hidden));
    // What it cosigned convicts the house before anybody who is shown that other history.
    let Reply::Answer(Answer::Cosigned(lines)) = &cosigned[0] else { panic!("{cosigned:?}") };
    std::fs::write(parted.path("cosigned"), format!("{shown}{}\n", lines[0])).expect("writes");
    let ledger = parted.liar.ledger(1);
    let verify = ["verify", text(&ledger), "--trust", "ca.pem", "--checkpoint", "cosigned"];
    let held = parted.gavel(&[&verify[..], &["--evidence", "witness.evidence"]].concat());
    assert_eq!(held.status.code(), Some(1), "{}", said(&held));
    let convict = parted.gavel(&["receipt", "convict", "witness.evidence", "--trust", "ca.pem"]);
    assert_eq!(convict.status.code(), Some(0), "{}", said(&convict));
}
