//! The text commands, and the seed's defects that a line of text can show.

use crate::world::{ITEMS, World};

const BID_1_101: &str = "BID 1 101";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_01_three_commands_in_one_packet_are_three_and_half_a_line_waits() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let mut text = world.person("alice").text(&server).await;
    text.send(b"WHOAMI\r\nSTATUS 1\nLI").await;
    assert!(text.line().await.starts_with("You are alice, bidder at house meridian."));
    assert!(text.line().await.starts_with("Current highest bid is 100 by None."));
    text.send(b"ST\n").await;
    assert_eq!(text.line().await, "Items (2):");
    assert_eq!(text.line().await, "1. Quilt [ACTIVE] - Current highest bid: 100 by None");
    assert_eq!(text.line().await, "2. Vase [ACTIVE] - Current highest bid: 50 by None");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_03_a_rejected_bid_starts_no_timer() {
    let mut world = World::new(ITEMS);
    world.attested = true;
    let server = world.serve().await;
    let mut text = world.person("alice").text(&server).await;
    assert_eq!(
        text.ask("bid 1 100", "Bid is").await,
        "Bid is too low! Current bid is 100. The least that stands is 101: BID 1 101 [too-low]"
    );
    let status = text.ask("STATUS 1", "Current").await;
    assert!(status.ends_with("Its time starts with the first bid."), "{status}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_09_10_every_line_is_answered_and_amounts_have_one_form() {
    let mut world = World::new(ITEMS);
    world.attested = true;
    let server = world.serve().await;
    let mut text = world.person("alice").text(&server).await;
    let long = format!("BID 1 {}", "9".repeat(1_000));
    for (line, code) in [
        ("BID 1 1_0_7", "bad-amount"),
        ("BID 1 -1", "bad-amount"),
        ("BID 1 9999999999999999", "over-cap"),
        (long.as_str(), "bad-command"),
        ("FROB", "bad-command"),
        ("", "bad-command"),
        ("BID 9 5", "no-such-lot"),
        ("STATUS 9", "no-such-lot"),
        ("LI\0ST", "bad-command"),
        ("caf\u{9b}31m", "bad-command"),
    ] {
        text.send(format!("{line}\n").as_bytes()).await;
        let answer = text.line().await;
        assert!(answer.ends_with(&format!("[{code}]")), "{line:?}: {answer}");
    }
    text.send(b"\xff\xfe\n").await;
    assert!(text.line().await.ends_with("[bad-command]"));
    assert_eq!(text.ask("QUIT", "G").await, "Goodbye.");
    assert_eq!(text.line().await, "", "and the end");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_11_22_the_leader_waits_and_an_ended_item_shows_its_winner() {
    let mut world = World::new(ITEMS);
    world.attested = true;
    let server = world.serve().await;
    let mut alice = world.person("alice").text(&server).await;
    let mut bob = world.person("bob").text(&server).await;
    let accepted = alice.ask(BID_1_101, "Bid accepted!").await;
    assert!(accepted.starts_with("Bid accepted! You bid 101 on item 1 (Quilt). It is entry "));
    assert!(alice.ask("BID 1 102", "You already").await.ends_with("[already-leading]"));
    let told = bob.until(|line| line.starts_with("alice bid 101")).await;
    assert!(told.contains("on item 1 (Quilt). New highest bid: 101. It ends at "), "{told}");
    bob.until(|line| line == "Quilt → alice with 101").await;
    assert_eq!(bob.ask("STATUS 1", "This").await, "This item has ended. alice won it with 101.");
    assert_eq!(
        bob.ask("BID 1 500", "This").await,
        "This item has ended. alice won it with 101. [closed]"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hand_typed_bid_needs_the_sales_terms() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let mut text = world.person("alice").text(&server).await;
    let answer = text.ask(BID_1_101, "This sale").await;
    assert!(answer.contains("gavel bid CREDENTIAL") && answer.ends_with("[unsigned]"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_bad_lines_end_the_connection() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let mut text = world.person("alice").text(&server).await;
    text.send("FROB\n".repeat(100).as_bytes()).await;
    let last = text.until(|line| line.starts_with("Too many")).await;
    assert!(last.ends_with("[bad-command]"), "{last}");
    assert_eq!(text.line().await, "");
    server.stop().await;
}
