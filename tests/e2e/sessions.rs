//! How sessions behave, from the first message to the server's end.

use serde_json::json;
use tokio::task::JoinSet;

use gavel::audit::Verdict;
use gavel::server::How;
use gavel::time::Span;

use super::bidder::{Bidder, code, grouped, text};
use super::log;
use super::wire::{Alpn, Typist, Wire, honest};
use super::world::{Plan, World, items, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bids_sent_in_advance_are_judged_in_their_order() {
    let items = items(&[("1", 0, 600), ("2", 0, 600)]);
    let (world, hall) = World::open_new(Plan { items, ..Plan::default() }).await;
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    // All in one packet: the first on each lot stands, the others find her leading.
    let mut packet = String::new();
    for i in 0..40_u64 {
        let mut bid = alice.signed(if i % 2 == 0 { "1" } else { "2" }, 10 + i);
        bid["id"] = json!(1000 + i);
        packet.push_str(&format!("{bid}\n"));
    }
    packet.push_str("{\"m\":\"status\",\"id\":2000,\"lot\":\"1\"}\n");
    alice.wire.send(packet.as_bytes()).await;
    let mut indices = Vec::new();
    for i in 0..40 {
        let reply = alice.reply(1000 + i).await;
        if i < 2 {
            indices.push(alice.receipt(&reply).index);
        } else {
            assert_eq!(code(&reply), "already-leading", "bid {i}");
        }
    }
    assert!(indices.is_sorted(), "{indices:?}");
    let lots = alice.reply(2000).await;
    assert_eq!(lots["lots"][0]["price"], 10, "the first, not the highest of the others");
    // Far more than may be under way at once: the rest waits, and all are answered.
    let mut asked = Vec::new();
    for _ in 0..300 {
        asked.push(alice.send(json!({"m": "status", "lot": "2"})).await);
    }
    for id in asked {
        assert_eq!(alice.reply(id).await["lots"][0]["price"], 11);
    }
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_commands_are_answered_in_their_order() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let packet = "BID 1 60\nSTATUS 1\nBID 1 61\nFROB\nWHOAMI\nBID 2 160\nSTATUS 9\nQUIT\nLIST\n";
    alice.wire.send(packet.as_bytes()).await;
    let mut rest = alice.rest().await;
    rest.retain(|line| !line.starts_with("alice bid"));
    let expected = [
        "Bid accepted! You bid 60 on item 1",
        "Current highest bid is 60 by alice.",
        "You already lead this lot.",
        "Unknown command.",
        "You are alice",
        "Bid accepted! You bid 160 on item 2",
        "There is no such item.",
        "Goodbye.",
    ];
    assert_eq!(rest.len(), expected.len(), "{rest:#?}");
    for (line, expected) in rest.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} instead of {expected:?}");
    }
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_get_the_same_line() {
    let (world, hall) = World::open_new(Plan { attested: false, ..Plan::default() }).await;
    let alice = world.person("alice");
    let mut bidder = Bidder::enrolled(hall.address, &alice).await;
    let bid = bidder.signed("1", 60);
    let first = bidder.request(bid.clone()).await;
    let first = bidder.receipt(&first);
    // Twice in one packet, and from another connection.
    let (one, two) = (bidder.send(bid.clone()).await, bidder.send(bid.clone()).await);
    for id in [one, two] {
        let reply = bidder.reply(id).await;
        assert_eq!(bidder.receipt(&reply).entry, first.entry);
    }
    let mut other = Bidder::again(hall.address, &alice, &bidder).await;
    let again = other.request(bid.clone()).await;
    assert_eq!(other.receipt(&again).entry, first.entry);
    // The enrolment too; another bid under the same number is refused.
    let enrolment = other.enrol().await;
    assert!(other.receipt(&enrolment).index < first.index);
    other.n -= 1;
    assert_eq!(code(&other.bid("1", 70).await), "reused-n");
    hall.stop().await;
    assert_eq!(world.entries_of("bid").len(), 1);
    assert_eq!(world.entries_of("enrol").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_every_bid_in_the_ledgers_order() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let people: Vec<_> = (0..4).map(|i| world.person(&format!("bidder-{i}"))).collect();
    let mut listeners = Vec::new();
    for person in &people {
        listeners.push(Typist::enter(hall.address, person).await);
    }
    let mut bidders = JoinSet::new();
    for (i, person) in people.iter().enumerate() {
        let mut bidder = Bidder::enrolled(hall.address, person).await;
        let mut amount = 2_000 + u64::try_from(i).expect("few");
        bidders.spawn(async move {
            let mut own = 0;
            for _ in 0..25 {
                for lot in ["1", "2", "3"] {
                    amount += 7;
                    let reply = bidder.bid(lot, amount).await;
                    if reply.get("receipt").is_some() {
                        bidder.receipt(&reply);
                        own += 1;
                    }
                }
            }
            (bidder, own)
        });
    }
    let mut live = Vec::new();
    let mut accepted = 0;
    while let Some(done) = bidders.join_next().await {
        let (bidder, own) = done.expect("no panic");
        accepted += own;
        live.push(bidder);
    }
    let mut last = Typist::enter(hall.address, &world.person("last")).await;
    last.ask("BID 1 1000000", "Bid accepted!").await;
    hall.stop().await;
    let bids = world.entries_of("bid");
    assert_eq!(bids.len(), accepted + 1);
    let told: Vec<String> = bids
        .iter()
        .map(|entry| {
            let bid = &entry["body"]["bid"];
            format!(
                "{} bid {} on item {} ",
                text(&bid["bidder"]),
                grouped(bid["amount"].as_u64().expect("an amount")),
                text(&bid["lot"])
            )
        })
        .collect();
    for mut listener in listeners {
        let mut heard = listener.rest().await;
        heard.retain(|line| line.contains(" bid ") && line.contains("New highest bid"));
        assert_eq!(heard.len(), told.len());
        for (heard, told) in heard.iter().zip(&told) {
            assert!(heard.starts_with(told), "{heard:?} instead of {told:?}");
        }
    }
    // The lines themselves, without a gap, from each one's welcome to the end.
    let ledger = world.ledger();
    let lines: Vec<&[u8]> = ledger.split(|b| *b == b'\n').collect();
    for mut bidder in live {
        assert_eq!(code(&bidder.last_word().await.expect("a last word")), "busy");
        for (seq, line) in &bidder.lines {
            assert_eq!(lines[usize::try_from(*seq).expect("few")], line.as_bytes());
        }
        let bids = bidder.lines.iter().filter(|(_, line)| line.contains("\"t\":\"bid\"")).count();
        assert!(bids > 0);
        assert!(bidder.lines.iter().any(|(_, line)| line.contains("\"amount\":1000000,")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_can_be_had_from_anywhere_and_are_the_ledger() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Bidder::enrolled(hall.address, &world.person("alice")).await;
    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    for amount in 60..100 {
        let bidder = if amount % 2 == 0 { &mut alice } else { &mut bob };
        let reply = bidder.bid("1", amount).await;
        bidder.receipt(&reply);
    }
    let reply = alice.request(json!({"m": "fetch"})).await;
    let next = reply["next"].as_u64().expect("a number");
    assert_eq!(u64::try_from(alice.streamed.len()).expect("few"), next);
    let written = alice.streamed.join("\n") + "\n";
    assert!(world.ledger().starts_with(written.as_bytes()), "byte for byte");
    assert!(text(&reply["note"]).starts_with("estate/spring\n"));

    // From the middle, from the end, from beyond.
    for (seq, count) in [(next - 3, 3), (next, 0), (next + 1_000, 0)] {
        let id = alice.send(json!({"m": "since", "seq": seq})).await;
        let mut lines = Vec::new();
        let reply = loop {
            let line = alice.wire.line().await.expect("the server goes on");
            let message: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if message["id"] != id {
                continue;
            }
            if message["m"] == "reply" {
                break message;
            }
            lines.extend(message["lines"].as_array().expect("a list").clone());
        };
        assert!(reply["next"].as_u64() >= Some(next), "{reply}");
        assert!(lines.len() >= count, "from {seq}: {lines:?}");
    }
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_keeps_what_it_has_said() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut typist = Typist::enter(hall.address, &world.person("alice")).await;
    let (one, two) = (world.person("bob"), world.person("carol"));
    let mut bidders = Vec::new();
    for person in [&one, &two] {
        bidders.push(Bidder::enrolled(hall.address, person).await);
    }
    // Bids are under way when the order comes.
    let mut asked = Vec::new();
    for (i, bidder) in bidders.iter_mut().enumerate() {
        for amount in 0..30 {
            let amount = 60 + 2 * amount + u64::try_from(i).expect("few");
            let bid = bidder.signed("1", amount);
            asked.push((i, bidder.send(bid).await));
        }
    }
    let end = hall.stop().await;
    assert!(!end.finished);
    assert!(typist.rest().await.last().is_some_and(|line| line.ends_with("[busy]")));
    let receipts: Vec<String> = {
        let mut receipts = Vec::new();
        for bidder in &mut bidders {
            while bidder.hear().await {}
        }
        for (i, id) in asked {
            let bidder = &mut bidders[i];
            if let Some(reply) = bidder.answered(id)
                && reply.get("receipt").is_some()
            {
                bidder.receipt(&reply);
                receipts.push(text(&reply["receipt"]).to_owned());
            }
        }
        receipts
    };
    // What was answered is in the ledger, and the ledger ends with a seal.
    let entries = world.entries();
    assert_eq!(u64::try_from(entries.len()).expect("few"), end.lines);
    assert_eq!(entries.last().expect("a line")["t"], "seal");
    let held: Vec<&str> = receipts.iter().map(String::as_str).collect();
    let audit = world.audit(&held);
    assert_eq!(audit.verdict(), Verdict::Incomplete, "{:?}", audit.findings);
    // It goes on where it stopped.
    let hall = world.open().await;
    assert!(matches!(hall.how, How::WentOn { lines, .. } if lines == end.lines));
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_close_the_server_stays_for_questions() {
    let plan = Plan { items: items(&[("1", 0, 1)]), ..Plan::default() };
    let (world, mut hall) = World::open_new(plan).await;
    let alice = world.person("alice");
    let mut bidder = Bidder::enrolled(hall.address, &alice).await;
    let bid = bidder.signed("1", 5);
    let reply = bidder.request(bid.clone()).await;
    let receipt = bidder.receipt(&reply);
    hall.finished().await;
    // Whoever was there, whoever comes, and whoever comes after a restart.
    for round in 0..2 {
        if round == 1 {
            assert!(hall.stop().await.finished);
            hall = world.open().await;
            assert_eq!(hall.how, How::Finished);
        }
        let mut late = Bidder::again(hall.address, &alice, &bidder).await;
        let again = late.request(bid.clone()).await;
        assert_eq!(late.receipt(&again).entry, receipt.entry, "round {round}");
        assert_eq!(code(&late.bid("1", 9).await), "closed", "round {round}");
        bidder.n = late.n;
        let mut typist = Typist::enter(hall.address, &alice).await;
        typist.ask("LIST", "1. Lot 1 [ENDED]").await;
        typist.ask("STATUS 1", "alice won it with 5.").await;
        late.request(json!({"m": "fetch"})).await;
        assert_eq!((late.streamed.join("\n") + "\n").into_bytes(), world.ledger());
    }
    assert!(hall.stop().await.finished);
    assert_eq!(world.audit(&[&receipt.to_text()]).verdict(), Verdict::Valid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_for_scripts_ends_with_its_sale() {
    let plan = Plan { ends_in: Some(Span::from_ms(800)), exit_on_close: true, ..Plan::default() };
    let (world, hall) = World::open_new(plan).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let address = hall.address;
    let end = hall.end().await;
    assert!(end.finished);
    let rest = alice.rest().await;
    assert!(rest.iter().any(|line| line.starts_with("The sale has closed")), "{rest:?}");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert_eq!(world.audit(&[]).verdict(), Verdict::Valid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_typed_bid_needs_terms_that_allow_it() {
    let (world, hall) = World::open_new(Plan { attested: false, ..Plan::default() }).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let answer = alice.ask("BID 1 60", "[unsigned]").await;
    assert!(answer.contains("gavel bid"), "it says what to do: {answer}");
    hall.stop().await;
    assert_eq!(world.entries_of("bid").len(), 0);

    let (world, hall) = World::open_new(Plan::default()).await;
    let alice = world.person("alice");
    let mut typist = Typist::enter(hall.address, &alice).await;
    typist.ask("BID 1 60", "Bid accepted!").await;
    // Once her name has a bid key, nobody types bids under it.
    let mut bidder = Bidder::enrolled(hall.address, &alice).await;
    typist.ask("BID 2 160", "[unsigned]").await;
    let reply = bidder.bid("2", 160).await;
    bidder.receipt(&reply);
    hall.stop().await;
    let evidence: Vec<_> =
        world.entries_of("bid").into_iter().map(|e| e["body"]["evidence"].clone()).collect();
    assert_eq!(evidence, ["attested", "signed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_message_waits_and_a_long_one_is_answered() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mark = log::mark();
    let alice = world.person("alice");
    let mut wire =
        Wire::connect(hall.address, honest(&alice, Alpn::Gavel)).await.expect("connects");
    for piece in ["{\"m\":\"hel", "lo\",", "\"id\"", ":1}", "\n"] {
        wire.send(piece.as_bytes()).await;
        tokio::task::yield_now().await;
    }
    let welcome = wire.line().await.expect("a welcome");
    assert!(welcome.starts_with("{\"m\":\"welcome\",\"id\":1,"), "{welcome}");
    let heard = async |wire: &mut Wire| loop {
        let line = soon("a reply", wire.line()).await.expect("the server goes on");
        if line.contains("\"m\":\"reply\"") {
            break line;
        }
    };
    for (line, words) in [
        ([vec![b' '; 20_000], b"\n".to_vec()].concat(), "bad-command"),
        (b"{\"m\":\"list\",\"id\":2,\"x\":\"\0\"}\n".to_vec(), "bad-command"),
        (b"{\"m\":\"list\",\"id\":2}\xff\n".to_vec(), "bad-command"),
        (b"\n".to_vec(), "bad-command"),
        (b"{\"m\":\"list\",\"id\":3}{\"m\":\"list\",\"id\":4}\n".to_vec(), "bad-command"),
        (b"{\"m\":\"list\",\"id\":7}\r\n".to_vec(), "\"lots\""),
    ] {
        wire.send(&line).await;
        let reply = heard(&mut wire).await;
        assert!(reply.contains(words), "{:?}: {reply}", String::from_utf8_lossy(&line));
    }
    wire.send(b"{\"m\":\"quit\",\"id\":8}\n").await;
    assert!(heard(&mut wire).await.contains("\"id\":8"));
    let peer = format!("peer={}", wire.local);
    log::wait_for(mark, &[&peer, "disconnected: the peer said goodbye"]).await;
    hall.stop().await;
}

/// One thread, whose timers run ahead as soon as nobody has anything to do.
#[tokio::test]
async fn silence_ends_a_connection_after_half_an_hour() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mark = log::mark();
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    alice.ask("WHOAMI", "You are alice").await;
    let peer = format!("peer={}", alice.wire.local);
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let mut last = String::new();
    while let Some(line) = alice.wire.line_without_haste().await {
        last = line;
    }
    let waited = begun.elapsed();
    tokio::time::resume();
    assert!(last.starts_with("You have been silent for too long."), "{last}");
    assert_eq!(waited.as_secs() / 60, 30, "{waited:?}");
    log::wait_for(mark, &[&peer, "disconnected: silent for too long"]).await;
    hall.stop().await;
}
