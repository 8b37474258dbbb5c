//! Readers that do not read.

use gavel::wire::json::{Answer, Request, ServerMessage};

use crate::world::{Gavel, World};

const LONG_ITEM: &str =
    r#"{"1": {"name": "Quilt", "highest_bid": 100, "highest_bidder": null, "duration": 600}}"#;

/// More frames than the ring keeps and the system's buffers take.
const BIDS_EACH: u64 = 750;

/// Reads on to a snapshot, or to the word that says why the server gave up.
async fn snapshot_or_end(slow: &mut Gavel) -> Option<ServerMessage> {
    loop {
        match slow.next_unchecked().await? {
            ServerMessage::Lines(lines) => {
                let idle = lines.lines.iter().any(|line| line.contains("\"t\":\"tick\""));
                assert!(!idle, "it has fallen behind by nothing");
            }
            other => return Some(other),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_05_06_who_stops_reading_delays_nobody_and_loses_lines_only() {
    let world = World::new(LONG_ITEM);
    let server = world.serve().await;
    let (alice, bob, eve) = (world.person("alice"), world.person("bob"), world.person("eve"));
    let mut slow = eve.narrow(&server).await;
    let (mut a, mut b) = (alice.gavel(&server).await, bob.gavel(&server).await);
    alice.enrol(&mut a).await;
    bob.enrol(&mut b).await;
    // Each bid is a frame; its seal line is another one or begins the next.
    for n in 1..=BIDS_EACH {
        let answer = a.place(&alice.bid(&a, "1", 100 + 2 * n, n)).await;
        alice.receipt(&mut a, answer);
        let answer = b.place(&bob.bid(&b, "1", 101 + 2 * n, n)).await;
        bob.receipt(&mut b, answer);
    }
    match snapshot_or_end(&mut slow).await {
        Some(ServerMessage::Snapshot(snapshot)) => {
            assert!(snapshot.unverified);
            assert_eq!(snapshot.lots[0].bids, 2 * BIDS_EACH);
            slow.live_next = snapshot.next;
        }
        other => panic!("{other:?}"),
    }
    let answer = slow.ask(|id| Request::List { id, after: None }).await;
    assert!(matches!(answer, Answer::Lots { .. }));
    server.stop().await;
}
