//! Readers that fall behind: they hold up nobody, lose their place and no
//! answer, and are dropped if they take nothing at all.

use gavel::pki::Credential;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpSocket;

use super::bidder::Bidder;
use super::log;
use super::seed_defects::long_list;
use super::wire::{Alpn, Typist, Wire, honest};
use super::world::{Plan, World};

/// A connection whose own buffers hold next to nothing.
pub(crate) async fn narrow(address: SocketAddr, credential: &Credential, alpn: Alpn) -> Wire {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 * 1024).expect("a small buffer");
    let stream = socket.connect(address).await.expect("connects");
    Wire::over(stream, honest(credential, alpn)).await.expect("shakes hands")
}

/// Somebody who asks for megabytes and takes none of them.
pub(crate) async fn stuck(address: SocketAddr, credential: &Credential) -> Wire {
    let mut wire = narrow(address, credential, Alpn::Text).await;
    wire.send("LIST\n".repeat(64).as_bytes()).await;
    wire
}

/// So many bids, one after the other, each in a frame of its own.
async fn bids(one: &mut Bidder, other: &mut Bidder, count: u64, from: u64) {
    for amount in from..from + count {
        let bidder = if amount % 2 == 0 { &mut *one } else { &mut *other };
        let reply = bidder.bid("500", amount).await;
        bidder.receipt(&reply);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_gets_a_snapshot_and_all_its_answers() {
    let (world, hall) = World::open_new(Plan { items: long_list(), ..Plan::default() }).await;
    let carol = world.person("carol");
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    let wire = narrow(hall.address, &carol, Alpn::Gavel).await;
    let mut slow = Bidder::over(wire, &carol).await;
    let mut typist = narrow(hall.address, &world.person("dave"), Alpn::Text).await;
    typist.send("LIST\n".repeat(48).as_bytes()).await;
    let mut asked = Vec::new();
    for _ in 0..48 {
        asked.push(slow.send(json!({"m": "list"})).await);
    }
    // More frames than are kept for anybody: each bid makes one, and its seal another.
    // Both slow readers take a bit now and then, so that they count as slow, not stuck.
    let mut typed = 0;
    for round in 0..24 {
        bids(&mut alice, &mut bob, 48, 1 + 48 * round).await;
        if round % 3 == 2 {
            typed += count_of(&typist.some(200_000).await, b"Items (1000):");
            assert!(slow.hear().await);
        }
    }
    // Not one answer is missing.
    for id in asked {
        let reply = slow.reply(id).await;
        assert_eq!(reply["lots"].as_array().map(Vec::len), Some(1000), "a whole list");
    }
    // And live lines go on behind a snapshot that says what it is.
    while slow.snapshots.is_empty() {
        assert!(slow.hear().await);
    }
    let snapshot = slow.snapshots[0].clone();
    assert_eq!(snapshot["unverified"], true);
    assert_eq!(snapshot["lots"].as_array().map(Vec::len), Some(1000));
    let amount = 1 + 24 * 48;
    bids(&mut alice, &mut bob, 1, amount).await;
    let heard = slow.line_where(|line| line["body"]["bid"]["amount"] == amount).await;
    // What was skipped can be asked for, and all of it is the ledger.
    let seq = heard["seq"].as_u64().expect("a number");
    let first = slow.lines.first().expect("lines").0;
    let reply = slow.request(json!({"m": "fetch"})).await;
    assert!(reply["next"].as_u64() > Some(seq));
    assert!(snapshot["next"].as_u64() > Some(first), "it had lost its place");
    for (seq, line) in &slow.lines {
        assert_eq!(&slow.streamed[usize::try_from(*seq).expect("few")], line);
    }
    // The typist too: every list, a word on what was missed, and then what is new.
    let mut missed = false;
    loop {
        let line = typist.line().await.expect("the server goes on");
        typed += usize::from(line.contains("Items (1000):"));
        missed |= line.starts_with("You read too slowly and have missed some lines.");
        if line.contains(&format!("bid {amount} on item 500")) {
            break;
        }
        if missed && typed == 49 && line.starts_with("1000. ") && !line.contains("bid") {
            // The snapshot may already have the last bid in it.
            break;
        }
    }
    assert!(missed, "the typist was not told");
    assert_eq!(typed, 49, "48 answers and the snapshot's own list");
    hall.stop().await;
}

fn count_of(bytes: &[u8], words: &[u8]) -> usize {
    bytes.windows(words.len()).filter(|window| *window == words).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_takes_nothing_is_dropped() {
    let (world, hall) = World::open_new(Plan { items: long_list(), ..Plan::default() }).await;
    let mark = log::mark();
    let begun = std::time::Instant::now();
    let stuck = stuck(hall.address, &world.person("carol")).await;
    let peer = format!("peer={}", stuck.local);
    let line = log::wait_for(mark, &[&peer, "disconnected"]).await;
    assert!(line.contains("reads too slowly"), "{line}");
    let took = begun.elapsed().as_secs();
    assert!((9..25).contains(&took), "it took {took} s instead of 10");
    // The lines of the sale were never at stake.
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    alice.ask("BID 500 1", "Bid accepted!").await;
    let bids: Vec<Value> = world.entries_of("bid");
    assert_eq!(bids.len(), 1);
    hall.stop().await;
}
