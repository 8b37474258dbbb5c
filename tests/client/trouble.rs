//! A network that breaks, and a house that takes back what it signed.

use gavel::client::{BidAnswer, GreetingFault, Happened, Memory, SessionError};

use crate::house::{House, Network, amount, caught_up, lot, open, until, within};

#[tokio::test]
async fn a_bid_whose_answer_was_lost_is_sent_again_and_landed_once() {
    let house = House::new();
    let server = house.serve().await;
    let network = Network::to(server.address).await;
    let mut alice =
        open(&house.caller("alice"), network.at(), Memory::Volatile).await.expect("opens");
    caught_up(&mut alice).await;
    within(alice.enrol()).await.expect("enrols");
    let mut bob = open(&house.caller("bob"), server.at(), Memory::Volatile).await.expect("opens");

    network.swallow_answers(true);
    let placed = within(alice.send_bid(lot("1"), amount(130))).await.expect("sends");
    // It has landed once bob hears of it; alice does not know.
    until(&mut bob, |happened| match happened {
        Happened::Entry(entry) if entry.line.contains("\"amount\":130") => Some(()),
        _ => None,
    })
    .await;
    network.cut();
    until(&mut alice, |happened| matches!(happened, Happened::Lost { .. }).then_some(())).await;
    network.swallow_answers(false);
    let answer = until(&mut alice, |happened| match happened {
        Happened::Bid { bid, answer } if bid == placed => Some(answer),
        _ => None,
    })
    .await;
    assert!(matches!(answer, BidAnswer::Landed { .. }), "{answer:?}");
    drop(network);
    server.stop().await;
    assert_eq!(house.ledger().matches("\"amount\":130").count(), 1);
}

#[tokio::test]
async fn a_bid_of_an_earlier_run_is_settled_by_its_own_bytes() {
    let house = House::new();
    let server = house.serve().await;
    let network = Network::to(server.address).await;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let alice = house.caller("alice");
    let mut first = open(&alice, network.at(), memory.clone()).await.expect("opens");
    within(first.enrol()).await.expect("enrols");
    network.swallow_answers(true);
    let placed = within(first.send_bid(lot("1"), amount(130))).await.expect("sends");
    drop(first);
    let mut second = open(&alice, server.at(), memory).await.expect("opens");
    assert_eq!(second.unsettled().expect("reads"), std::slice::from_ref(&placed));
    within(second.settle()).await.expect("sends");
    let answer = until(&mut second, |happened| match happened {
        Happened::Bid { bid, answer } if bid == placed => Some(answer),
        _ => None,
    })
    .await;
    assert!(matches!(answer, BidAnswer::Landed { .. }), "{answer:?}");
    assert!(second.unsettled().expect("reads").is_empty());
    drop(network);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_and_followed_on() {
    let house = House::new();
    let server = house.serve().await;
    let network = Network::to(server.address).await;
    let mut alice =
        open(&house.caller("alice"), network.at(), Memory::Volatile).await.expect("opens");
    let before = caught_up(&mut alice).await;
    network.cut();
    until(&mut alice, |happened| matches!(happened, Happened::Lost { .. }).then_some(())).await;
    until(&mut alice, |happened| matches!(happened, Happened::Connected).then_some(())).await;
    within(alice.bid(lot("1"), amount(130))).await.expect("an answer");
    until(&mut alice, |happened| match happened {
        Happened::Entry(entry) if entry.line.contains("\"amount\":130") => Some(()),
        _ => None,
    })
    .await;
    assert!(alice.follower().expect("follows").next() > before);
    drop(network);
    server.stop().await;
}

#[tokio::test]
async fn a_house_that_forgets_lines_is_refused_and_the_notes_are_kept() {
    let house = House::new();
    let server = house.serve().await;
    let aside = house.copy_of_disk();
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let alice = house.caller("alice");
    let mut session = open(&alice, server.at(), memory.clone()).await.expect("opens");
    within(session.bid(lot("1"), amount(130))).await.expect("an answer");
    caught_up(&mut session).await;
    session.close().await.expect("closes");
    server.stop().await;

    house.go_back_to(&aside);
    let server = house.serve().await;
    let refused = open(&alice, server.at(), memory).await.err().expect("refused");
    // Our own note beyond its tree stops the house; or it says that the note is not its.
    match refused {
        SessionError::Greeting { fault, evidence } => {
            assert!(fault.is_contradiction(), "{fault:?}");
            assert!(evidence.is_none_or(|folder| folder.join("held.checkpoint").exists()));
        }
        SessionError::Lost { .. } | SessionError::Connect(_) | SessionError::NotWelcome { .. } => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn another_line_0_under_a_known_sale_is_a_fork() {
    let house = House::new();
    let server = house.serve().await;
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let alice = house.caller("alice");
    let session = open(&alice, server.at(), memory.clone()).await.expect("opens");
    session.close().await.expect("closes");
    server.stop().await;

    // With its old sealing key it would find itself out and stop.
    let mut reborn = House::sealed_by(house.ca, 43);
    reborn.nonce = [8; 32];
    let server = reborn.serve().await;
    let refused = open(&alice, server.at(), memory).await.err().expect("refused");
    let SessionError::Greeting { fault, evidence: Some(evidence) } = refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(fault, GreetingFault::OtherLine0 { .. }), "{fault:?}");
    assert!(
        evidence.join("held-open.json").exists() && evidence.join("shown-welcome.json").exists()
    );
    server.stop().await;
}

#[tokio::test]
async fn the_next_sale_of_a_house_is_joined_and_the_last_one_not_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = Memory::beside(&folder.path().join("alice.pem"));
    let spring = House::selling("spring", House::ca_made_at(crate::house::now()), 42);
    let alice = spring.caller("alice");
    let server = spring.serve().await;
    let session = open(&alice, server.at(), memory.clone()).await.expect("opens");
    session.close().await.expect("closes");
    server.stop().await;

    let autumn = House::selling("autumn", spring.ca, 43);
    let server = autumn.serve().await;
    // The first time it shows a sale that is new to us, the second time one that we know.
    for _ in 0..2 {
        let session = open(&alice, server.at(), memory.clone()).await.expect("opens");
        assert_eq!(session.sale().opening().sale.as_str(), "autumn");
        session.close().await.expect("closes");
    }
    // Whoever says which sale is meant gets no other.
    let spring = gavel::auction::name::SaleId::parse("spring").expect("an id");
    let options = gavel::client::Options { sale: Some(spring), ..crate::house::EVERYTHING };
    let refused = gavel::client::Session::open(alice, server.at(), memory, options);
    let refused = within(refused).await.err().expect("refused");
    assert!(matches!(refused, SessionError::OtherSale { .. }), "{refused:?}");
    server.stop().await;
}
