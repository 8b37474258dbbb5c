//! A sale taken up again: what was answered stands, and answers stay the same.

use gavel::wire::json::{Answer, ServerMessage};

use crate::world::{ITEMS, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_bid_outlives_the_server_and_its_bytes_are_known_again() {
    let world = World::new(ITEMS);
    let alice = world.person("alice");
    let server = world.serve().await;
    let mut a = alice.gavel(&server).await;
    alice.enrol(&mut a).await;
    let bid = alice.bid(&a, "1", 101, 1);
    let answer = a.place(&bid).await;
    let receipt = alice.receipt(&mut a, answer);
    server.stop().await;
    let mut parting = None;
    while let Some(message) = a.next_or_end().await {
        parting = Some(message);
    }
    match parting {
        Some(ServerMessage::Reply(reply)) => {
            assert!(matches!(reply.answer, Answer::Refused { .. }) && reply.id.is_none());
        }
        other => panic!("{other:?}"),
    }

    let server = world.serve().await;
    let mut a = alice.unwelcomed(&server).await;
    let welcome = a.hello(Some(receipt.note.clone())).await;
    assert!(welcome.proof.is_some());
    let answer = a.place(&bid).await;
    let again = alice.receipt(&mut a, answer);
    assert_eq!((again.index, &again.entry), (receipt.index, &receipt.entry));
    let file = std::fs::read_to_string(world.ledger()).expect("a ledger");
    assert!(file.contains("\"t\":\"outage\""));
    assert_eq!(file.matches("\"t\":\"bid\"").count(), 1);
    server.stop().await;
}
