//! Lines, names, amounts and answers.

use serde_json::json;

use super::super::bidder::{Bidder, code};
use super::super::log;
use super::super::odd::{Forge, client, person};
use super::super::wire::{Typist, Wire};
use super::super::world::{Plan, World, items};
use gavel::pki::{Credential, P256Secret, verify_person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_01_three_commands_in_one_packet() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let mut bob = Typist::enter(hall.address, &world.person("bob")).await;
    alice.wire.send(b"list\nStatus 1\r\n  BID\t1   60 \n").await;
    assert_eq!(alice.line().await, "Items (3):");
    for id in 1..=3 {
        assert!(alice.line().await.starts_with(&format!("{id}. Lot {id} [ACTIVE]")));
    }
    assert!(alice.line().await.starts_with("Current highest bid is 50 by None."));
    alice.hear("Bid accepted! You bid 60 on item 1").await;

    // Half a line waits, whatever happens meanwhile, and is no command of its own.
    alice.wire.send(b"BID 1 7").await;
    bob.ask("BID 1 61", "Bid accepted!").await;
    alice.hear("bob bid 61 on item 1").await;
    alice.wire.send(b"0\nWHO").await;
    alice.hear("Bid accepted! You bid 70 on item 1").await;
    bob.ask("BID 1 71", "Bid accepted!").await;
    alice.hear("bob bid 71 on item 1").await;
    alice.wire.send(b"AMI\n").await;
    assert!(alice.line().await.starts_with("You are alice, bidder at house estate."));
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_02_nobody_claims_another_name() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut listener = Typist::enter(hall.address, &alice).await;
    // No line claims a name.
    listener.ask("bob", "Unknown command.").await;
    listener.ask("NAME bob", "Unknown command.").await;
    listener.ask("WHOAMI", "You are alice").await;

    // No message does: not by a field, not with bob's own signed words.
    let mut bob = Bidder::enrolled(hall.address, &bob).await;
    let mut mallory = Bidder::enrolled(hall.address, &world.person("mallory")).await;
    let mut claimed = mallory.signed("1", 60);
    claimed["body"]["bidder"] = json!("bob");
    assert_eq!(code(&mallory.request(claimed).await), "bad-command");
    let stolen = bob.signed("1", 60);
    assert_eq!(code(&mallory.request(stolen).await), "not-enrolled");

    // Not even a second certificate under the name, from the house itself.
    let twin = Forge::new(&world.ca_key()).certify(&person(&["gavel://estate/bidder/bob"]));
    let twin = Credential {
        identity: verify_person(
            &twin.chain,
            &world.anchor(),
            &world.house,
            super::super::world::now(),
        )
        .expect("the CA made it"),
        secret: P256Secret::from_pkcs8(&twin.key).expect("a key"),
        anchor: world.anchor(),
        address: world.person("carol").address,
    };
    let mut twin = Bidder::enter(hall.address, &twin).await;
    assert_eq!(code(&twin.enrol().await), "name-taken");

    // A newline in a name opens no door and reaches nobody.
    let forged = ["gavel://estate/bidder/x\nThe sale has closed: 3 sold, 0 unsold."];
    let forged = client(Some(&Forge::new(&world.ca_key()).certify(&person(&forged))));
    let mark = log::mark();
    if let Ok(mut wire) = Wire::connect(hall.address, forged).await {
        assert_eq!(wire.line().await, None);
    }
    log::wait_for(mark, &["refused", "reason=bad-name"]).await;
    let reply = bob.bid("1", 70).await;
    bob.receipt(&reply);
    assert!(listener.line().await.starts_with("bob bid 70 on item 1"), "and nothing before it");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_09_amounts_have_one_form_and_a_cap() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    for amount in
        ["1_0_7", "0", "007", "+107", "-107", "107.0", "1e3", "0x6b", "1,000", "١٠٧", "NaN", "inf"]
    {
        let answer = alice.ask(&format!("BID 1 {amount}"), "[").await;
        assert!(answer.ends_with("[bad-amount]"), "{amount}: {answer}");
    }
    for (digits, code) in [(16, "[over-cap]"), (17, "[bad-amount]"), (400, "[bad-amount]")] {
        let answer = alice.ask(&format!("BID 1 {}", "9".repeat(digits)), "[").await;
        assert!(answer.ends_with(code), "{digits} digits: {answer}");
    }
    let answer = alice.ask(&format!("BID 1 {}", "9".repeat(1000)), "[").await;
    assert!(answer.contains("longer than 512 bytes"), "{answer}");

    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    for (amount, expected) in [
        (json!(9_007_199_254_740_992_u64), "over-cap"),
        (json!(u64::MAX), "over-cap"),
        (json!(0), "bad-amount"),
        (json!(-107), "bad-command"),
        (json!(107.5), "bad-command"),
        (json!("107"), "bad-command"),
        (json!(null), "bad-command"),
    ] {
        let mut bid = bob.signed("1", 107);
        bid["body"]["amount"] = amount.clone();
        assert_eq!(code(&bob.request(bid).await), expected, "{amount}");
    }
    // The item can still be bid on, up to the cap, and then it says what it is.
    alice.ask("BID 1 107", "Bid accepted! You bid 107").await;
    let reply = bob.bid("1", 9_007_199_254_740_991).await;
    bob.receipt(&reply);
    let answer = alice.ask("BID 1 9007199254740991", "[").await;
    assert!(answer.ends_with("[too-low]") || answer.ends_with("[over-cap]"), "{answer}");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_10_every_line_is_answered() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    for (line, words) in [
        (&b"FROB\n"[..], "Unknown command. HELP lists the commands. [bad-command]"),
        (b"\n", "An empty line is no command."),
        (b" \t \r\n", "An empty line is no command."),
        (b"LI\xffST\n", "not UTF-8"),
        (b"LI\0ST\n", "control"),
        (b"\x1b[2J\n", "control"),
        (b"LIST\xe2\x80\xae\n", "control or text-direction"),
        (b"BID 1\n", "Invalid BID format. Use: BID <item_id> <amount>"),
        (b"BID\n", "Invalid BID format. Use: BID <item_id> <amount>"),
        (b"BID 1 60 70\n", "Invalid BID format. Use: BID <item_id> <amount>"),
        (b"STATUS\n", "Invalid STATUS format. Use: STATUS <item_id>"),
        (b"STATUS 9\n", "There is no such item."),
        (b"BID 9 60\n", "There is no such item."),
        (b"STATUS ../../etc/passwd\n", "There is no such item."),
        (&[b"STATUS ".as_slice(), &[b'1'; 600], b"\n"].concat(), "longer than 512 bytes"),
    ] {
        alice.wire.send(line).await;
        let answer = alice.line().await;
        assert!(answer.contains(words), "{line:?}: {answer}");
        assert!(log::is_plain(&answer), "{line:?}: {answer:?}");
    }
    // Nobody was disconnected for it.
    alice.ask("WHOAMI", "You are alice").await;
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_11_the_leader_cannot_outbid_himself() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    let mut bob = Bidder::enrolled(hall.address, &world.person("bob")).await;
    alice.ask("BID 1 60", "Bid accepted!").await;
    assert!(alice.ask("BID 1 70", "[").await.ends_with("[already-leading]"));
    let reply = bob.bid("1", 61).await;
    bob.receipt(&reply);
    assert_eq!(code(&bob.bid("1", 62).await), "already-leading");
    alice.ask("STATUS 1", "Current highest bid is 61 by bob.").await;
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_22_status_of_an_ended_item_tells_who_won() {
    let items = items(&[("1", 50, 1), ("2", 100, 600)]);
    let (world, hall) = World::open_new(Plan { items, ..Plan::default() }).await;
    let mut alice = Typist::enter(hall.address, &world.person("alice")).await;
    alice.ask("BID 1 60", "Bid accepted!").await;
    alice.hear("Lot 1 → alice with 60").await;
    let mut late = Typist::enter(hall.address, &world.person("bob")).await;
    late.ask("STATUS 1", "This item has ended. alice won it with 60.").await;
    let answer = late.ask("BID 1 99", "[closed]").await;
    assert!(answer.contains("alice won it with 60"), "{answer}");
    late.ask("LIST", "1. Lot 1 [ENDED] - Current highest bid: 60 by alice").await;
    hall.stop().await;
}
