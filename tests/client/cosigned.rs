//! Cosigned checkpoints as a client gets them: kept once they agree with the
//! ledger, and held against a house that contradicts them.

use std::path::Path;

use gavel::client::{
    Caller, Cosigned, FollowFault, GreetingFault, Happened, Memory, Session, SessionError,
};
use gavel::ledger::note::Note;
use gavel::ledger::{Checkpoint, Policy, WitnessKey};

use crate::forked::Parted;
use crate::house::{House, amount, caught_up, lot, open, until, within};
use crate::stub::{Manner, Stub};

async fn next_cosigned(session: &mut Session, size: u64) -> Cosigned {
    until(session, |happened| match happened {
        Happened::Cosigned(cosigned) if cosigned.size() >= size => Some(*cosigned),
        _ => None,
    })
    .await
}

async fn opened(caller: &Caller, server: &crate::house::Running, folder: &Path) -> Session {
    open(caller, server.at(), Memory::beside(&folder.join("alice.pem"))).await.expect("opens")
}

#[tokio::test]
async fn the_newest_is_kept_beside_the_head_and_judged_by_a_policy() {
    let mut house = House::new();
    let (one, two) = (Stub::new(0, Manner::Honest).await, Stub::new(1, Manner::Honest).await);
    house.witnesses = [&one, &two].map(|stub| stub.flag().parse().expect("a witness")).to_vec();
    let server = house.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let alice = house.caller("alice");
    let mut session = opened(&alice, &server, folder.path()).await;
    caught_up(&mut session).await;
    within(session.bid(lot("1"), amount(150))).await.expect("an answer");
    let size = session.newest().checkpoint().size;
    let cosigned = next_cosigned(&mut session, size).await;
    assert_eq!(cosigned.names(), ["w0", "w1"]);
    let kept = session.folder().expect("a folder").join("cosigned");
    let read = || std::fs::read_to_string(&kept).expect("is kept");
    assert_eq!(read(), cosigned.checkpoint().note());
    assert_eq!(session.cosigned(), Some(&cosigned));

    let log = session.sale().vkey().expect("a key");
    let policy = |quorum: &str| {
        let [one, two] = [&one, &two].map(|stub| stub.key().public().vkey().to_string());
        let text = format!(
            "log {log}\nwitness seller {one}\nwitness press {two}\nwitness absent \
             {absent}\ngroup both all seller press\ngroup all all both absent\nquorum {quorum}\n",
            absent = stranger().public().vkey()
        );
        Policy::parse(text.as_bytes()).expect("a policy")
    };
    let judged = cosigned.judge(&policy("both")).expect("the lines stand");
    assert!(judged.is_met() && policy("both").takes_log(&log), "{judged:?}");
    let judged = cosigned.judge(&policy("all")).expect("the lines stand");
    assert_eq!(judged.missing.last().map(String::as_str), Some("absent has not cosigned"));

    // It is there again before the server says anything of it, and an older one does not replace it.
    session.close().await.expect("closes");
    server.stop().await;
    house.witnesses.clear();
    std::fs::remove_file(house.folder.path().join("estate-2026.cosigned")).expect("removes");
    let server = house.serve().await;
    let session = opened(&alice, &server, folder.path()).await;
    assert_eq!(session.cosigned().map(|cosigned| cosigned.checkpoint().note()), Some(&*read()));
    assert!(session.cosigned().is_some_and(|kept| kept.size() >= size));
    session.close().await.expect("closes");
    server.stop().await;
}

fn stranger() -> WitnessKey {
    WitnessKey::new("absent.example", ed25519_dalek::SigningKey::from_bytes(&[77; 32]))
        .expect("a name")
}

/// The newest checkpoint of one history, cosigned by a witness who saw no other.
fn cosigned_in(parted: &Parted, branch: usize) -> String {
    let note = parted.liar.checkpoint(branch);
    let text = Note::parse(&note).expect("a note").text;
    format!("{note}{}\n", stranger().cosign(&text, 1_790_000_000))
}

fn size_of(note: &str) -> u64 {
    let text = Note::parse(note).expect("a note").text;
    Checkpoint::parse(&text).expect("a checkpoint").size
}

#[tokio::test]
async fn a_welcome_whose_cosigned_checkpoint_is_of_the_other_history_is_a_fork() {
    let parted = Parted::new().await;
    parted.bid("alice", "1", 130).await;
    let cosigned = cosigned_in(&parted, 0);
    parted.bid("bob", "1", 140).await;
    parted.bid("bob", "2", 150).await;
    parted.liar.show_cosigned(&cosigned, false);
    let refused = parted.open("bob").await.err().expect("refused");
    let SessionError::Greeting { fault, evidence: Some(folder) } = refused else {
        panic!("{refused:?}")
    };
    let GreetingFault::CosignedFork { cosigned: size, .. } = fault else { panic!("{fault:?}") };
    assert_eq!(size, size_of(&cosigned));
    let shown = std::fs::read_to_string(folder.join("shown-welcome.json")).expect("is kept");
    assert!(shown.contains("absent.example"));
    // The proof that the house sends tells its other root, unless the older tree is full.
    assert_eq!(folder.join("house.evidence").exists(), !size.is_power_of_two());
    if !size.is_power_of_two() {
        let evidence = folder.join("house.evidence");
        let evidence = evidence.to_str().expect("UTF-8");
        let convict = parted.gavel(&["receipt", "convict", evidence, "--trust", "ca.pem"]);
        assert_eq!(convict.status.code(), Some(0), "{convict:?}");
    }
}

#[tokio::test]
async fn a_cosigned_checkpoint_of_the_other_history_that_is_told_later_is_a_fork_too() {
    let parted = Parted::new().await;
    parted.bid("alice", "1", 130).await;
    let cosigned = cosigned_in(&parted, 0);
    parted.bid("bob", "1", 140).await;
    assert_eq!(size_of(&parted.liar.checkpoint(1)), size_of(&cosigned), "alike but for the bid");
    parted.liar.show_cosigned(&cosigned, true);
    let mut session = parted.open("bob").await.expect("its welcome is as ever");
    let fault = within(async {
        loop {
            match session.next().await {
                Ok(Happened::Cosigned(_)) => panic!("nothing to rely on"),
                Ok(_) => {}
                Err(fault) => return fault,
            }
        }
    })
    .await;
    let SessionError::Follow { fault, evidence: Some(folder) } = fault else { panic!("{fault:?}") };
    assert!(matches!(fault, FollowFault::Root { .. }), "{fault}");
    let kept: Vec<String> = std::fs::read_dir(&folder)
        .expect("lists")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("reads"))
        .collect();
    assert!(kept.contains(&cosigned), "it is kept: {kept:?}");
}
