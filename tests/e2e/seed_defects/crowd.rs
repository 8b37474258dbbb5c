//! Clients that stall, vanish, flood and crowd.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gavel::audit::Verdict;
use gavel::limits::{CONNECTIONS_PER_NAME_MAX, UNAUTHENTICATED_PER_ADDRESS_MAX};
use gavel::pki::Credential;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::super::bidder::Bidder;
use super::super::log;
use super::super::slow::stuck;
use super::super::wire::{Alpn, Typist, Wire, honest};
use super::super::world::{Hall, PATIENCE, Plan, World, items, pause, soon};
use super::{lasting, long_list};

/// The beginning of a TLS record that never ends.
const HALF_A_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_05_one_client_that_stops_reading_delays_nobody() {
    let (world, hall) = World::open_new(Plan { items: long_list(1_000), ..Plan::default() }).await;
    let mark = log::mark();
    let stuck = stuck(hall.address, &world.person("carol")).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let mut bob = Typist::enter(hall.address, &world.person("bob")).await;
    let begun = Instant::now();
    for round in 0..30 {
        let (one, two) = (2 * round + 1, 2 * round + 2);
        alice.ask(&format!("BID 500 {one}"), "Bid accepted!").await;
        bob.ask(&format!("BID 500 {two}"), "Bid accepted!").await;
        alice.hear(&format!("bob bid {two} on item 500")).await;
    }
    bob.hear("bob bid 60 on item 500").await;
    // The stuck one was there all the while, or all of it took longer than it may be.
    let peer = format!("peer={}", stuck.local);
    let dropped = !log::since(mark, &[&peer, "disconnected"]).is_empty();
    assert!(!dropped || begun.elapsed().as_secs() >= 9, "dropped too early");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_06_no_late_bid_while_the_close_is_told() {
    let (world, hall) = World::open_new(Plan { items: long_list(1_000), ..Plan::default() }).await;
    let _stuck = stuck(hall.address, &world.person("carol")).await;
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    let mut amount = 0;
    let mut accepted = 0;
    // Bids without a pause, over the end: the first that comes after it is refused.
    let refused = 'lot: loop {
        for bidder in [&mut alice, &mut bob] {
            amount += 1;
            let reply = bidder.bid("1", amount).await;
            if reply.get("code").is_some() {
                break 'lot reply;
            }
            bidder.receipt(&reply);
            accepted += 1;
        }
    };
    assert_eq!(refused["code"], "closed");
    // Everybody else can be told meanwhile.
    let closed = alice.line_where(|line| line["t"] == "lot_close").await;
    assert_eq!(closed["body"]["lot"], "1");
    hall.stop().await;
    let bids = world.entries_of("bid");
    assert_eq!(bids.len(), accepted);
    let end = bids[0]["ts"].as_u64().expect("a time") + 1_000;
    assert_eq!(closed["ts"], end);
    assert!(bids.iter().all(|bid| bid["ts"].as_u64() < Some(end)), "a late bid was accepted");
    let last = bids.last().expect("bids")["seq"].as_u64();
    assert!(last < closed["seq"].as_u64(), "a bid stands behind the close");
    assert_eq!(world.audit(&[]).verdict(), Verdict::Incomplete, "the other lots are open");
}

/// Comes in one of many ways and vanishes.
async fn vanish(address: SocketAddr, credential: &Credential, way: usize) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    if way.is_multiple_of(2) {
        // A reset instead of an end.
        let _ = stream.set_zero_linger();
    }
    match way % 6 {
        0 | 1 => {}
        2 => drop(stream.write_all(HALF_A_HELLO).await),
        3 => drop(stream.write_all(b"LIST\n").await),
        _ => {
            let Ok(mut wire) = Wire::over(stream, honest(credential, Alpn::Text)).await else {
                return;
            };
            if way % 6 == 5 {
                let _ = wire.try_send(b"LIST\nSTATUS 1\nBID 1 1\nBID ").await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_07_churn_stops_no_timer() {
    let items = items(&[("1", 0, 1), ("2", 0, 1), ("3", 0, 2)]);
    let (world, mut hall) = World::open_new(Plan { items, ..Plan::default() }).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let carol = Arc::new(world.person("carol"));
    for lot in 1..=3 {
        alice.ask(&format!("BID {lot} 9"), "Bid accepted!").await;
    }
    let over = Arc::new(AtomicBool::new(false));
    let churn: Vec<_> = (0..3)
        .map(|worker| {
            let (address, carol, over) = (hall.address, Arc::clone(&carol), Arc::clone(&over));
            tokio::spawn(async move {
                let mut way = worker;
                while !over.load(Ordering::Relaxed) {
                    vanish(address, &carol, way).await;
                    way += 1;
                }
                way
            })
        })
        .collect();
    for lot in 1..=3 {
        alice.hear(&format!("Lot {lot} → alice with 9")).await;
    }
    alice.hear("The sale has closed: 3 sold, 0 unsold.").await;
    hall.finished().await;
    over.store(true, Ordering::Relaxed);
    let mut came = 0;
    for worker in churn {
        came += worker.await.expect("no panic");
    }
    assert!(came > 20, "{came} connections came and went");
    hall.stop().await;
    assert_eq!(world.audit(&[]).verdict(), Verdict::Valid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_08_clients_that_vanish_disconnect_nobody() {
    let (world, hall) = World::open_new(Plan { items: lasting(), ..Plan::default() }).await;
    let mut honest = Vec::new();
    for who in ["alice", "bob", "carol", "dave"] {
        let credential = world.person(who);
        for _ in 0..5 {
            honest.push(Typist::enter(hall.address, &credential).await);
        }
    }
    let eve = world.person("eve");
    for way in 0..30 {
        vanish(hall.address, &eve, way).await;
    }
    honest[0].ask("BID 1 60", "Bid accepted!").await;
    for typist in &mut honest {
        typist.hear("alice bid 60 on item 1").await;
        typist.ask("WHOAMI", "You are").await;
    }
    hall.stop().await;
}

async fn silent(hall: &Hall, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("loopback has many addresses");
    soon("a connection", socket.connect(hall.address)).await.expect("connects")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_17_connections_that_show_no_certificate_are_few_and_short() {
    let (world, hall) = World::open_new(Plan { items: lasting(), ..Plan::default() }).await;
    let mark = log::mark();
    let alice = world.person("alice");
    let mut inside = Typist::enter(hall.address, &alice).await;
    let begun = Instant::now();
    let stalls = [127, 0, 0, 9];
    // One more than the limit is sent away at once. A machine that is slow to open so many lets
    // the first of them time out meanwhile: then more are needed.
    let mut crowd = Vec::new();
    let too_many = ["peer=127.0.0.9:", "refused: too many connections of that address"];
    while log::since(mark, &too_many).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{} connections, and none too many", crowd.len());
        crowd.push(silent(&hall, stalls).await);
        if crowd.len() > UNAUTHENTICATED_PER_ADDRESS_MAX {
            pause().await;
        }
    }
    assert!(crowd.len() > UNAUTHENTICATED_PER_ADDRESS_MAX, "so many may come at once");
    // Who is inside, or elsewhere, does not notice.
    inside.ask("BID 1 60", "Bid accepted!").await;
    let mut bob = Typist::enter(hall.address, &world.person("bob")).await;
    bob.ask("BID 1 61", "Bid accepted!").await;
    // The silent ones are sent away in their turn, and their places are free again.
    for stream in &mut crowd {
        let heard = soon("the end", stream.read(&mut [0; 64])).await;
        assert!(matches!(heard, Ok(_) | Err(_)));
    }
    assert!(begun.elapsed().as_millis() >= 4_900, "they were given their time");
    log::wait_for(mark, &["peer=127.0.0.9:", "reason=timeout"]).await;
    let again = silent(&hall, stalls).await;
    let mut wire = Wire::over(again, honest(&alice, Alpn::Text)).await.expect("a place is free");
    assert!(wire.line().await.is_some_and(|line| line.starts_with("Welcome alice!")));
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_17_a_name_has_so_many_connections() {
    let (world, hall) = World::open_new(Plan { items: lasting(), ..Plan::default() }).await;
    let mark = log::mark();
    let alice = world.person("alice");
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS_PER_NAME_MAX {
        all.push(Typist::enter(hall.address, &alice).await);
    }
    let mut wire = Wire::connect(hall.address, honest(&alice, Alpn::Text)).await.expect("TLS");
    assert_eq!(wire.line().await, None, "one too many");
    let peer = format!("peer={}", wire.local);
    let line = log::wait_for(mark, &[&peer, "refused", "one name"]).await;
    assert!(line.contains("name=alice"), "{line}");
    // Others come in, and so does she once she has let one go.
    Typist::enter(hall.address, &world.person("bob")).await;
    all.pop().expect("one").ask("QUIT", "Goodbye.").await;
    comes_in(&hall, &alice).await;
    for typist in &mut all {
        typist.ask("WHOAMI", "You are alice").await;
    }
    hall.stop().await;
}

/// Tries until there is a place.
async fn comes_in(hall: &Hall, credential: &Credential) -> Wire {
    let begun = Instant::now();
    loop {
        if let Ok(mut wire) = Wire::connect(hall.address, honest(credential, Alpn::Text)).await
            && wire.line().await.is_some()
        {
            return wire;
        }
        assert!(begun.elapsed() < PATIENCE, "no place became free");
        pause().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_17_floods_are_slowed_down_and_answered_all_the_same() {
    let (world, hall) = World::open_new(Plan { items: lasting(), ..Plan::default() }).await;
    let mut bidder = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut other = Typist::enter(hall.address, &world.person("bob")).await;
    // More and more requests in advance, until there are too many a second.
    let begun = Instant::now();
    let mut slowed = 0;
    while slowed == 0 {
        assert!(begun.elapsed() < PATIENCE, "a flood was never slowed down");
        let mut asked = Vec::new();
        for _ in 0..3_000 {
            asked.push(bidder.send(json!({"m": "status", "lot": "1"})).await);
        }
        for id in asked {
            let reply = bidder.reply(id).await;
            slowed += usize::from(reply["code"] == "slow-down");
        }
    }
    other.ask("BID 1 60", "Bid accepted!").await;
    // A line without an end is answered once, and what follows its end is read.
    bidder.wire.send(&vec![b'x'; 40_000]).await;
    bidder.wire.send(b"\n").await;
    let reply = loop {
        let reply = bidder.bid("1", 70).await;
        if reply["code"] != "slow-down" {
            break reply;
        }
        pause().await;
    };
    bidder.receipt(&reply);
    // Lines that are nothing, again and again, are the end.
    // The lines after them may not cost their sender the answers, however late it reads.
    let _ = other.wire.try_send(&b"FROB\n".repeat(40_000)).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let rest = other.rest().await;
    let unknown = rest.iter().filter(|line| line.starts_with("Unknown command.")).count();
    assert_eq!(unknown, 20, "{rest:?}");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_18_clients_that_vanish_in_their_login_leave_nothing_behind() {
    let (world, hall) = World::open_new(Plan { items: lasting(), ..Plan::default() }).await;
    let alice = world.person("alice");
    // More than may be in their handshake at once, and more than a name may have.
    for way in 0..UNAUTHENTICATED_PER_ADDRESS_MAX + 100 {
        vanish(hall.address, &alice, way % 4).await;
    }
    for way in 0..2 * CONNECTIONS_PER_NAME_MAX {
        vanish(hall.address, &alice, 4 + way % 2).await;
    }
    let mut wires = Vec::new();
    for _ in 0..CONNECTIONS_PER_NAME_MAX {
        wires.push(comes_in(&hall, &alice).await);
    }
    hall.stop().await;
}
