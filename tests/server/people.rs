//! Who is let in, how often, and who is cut off.

use std::sync::Mutex;

use gavel::auction::refusal::Code;
use gavel::clock::Clock;
use gavel::limits::CONNECTIONS_PER_NAME_MAX;
use gavel::pki::{CrlEntry, RevocationReason};
use gavel::wire::json::{Answer, ServerMessage};

use crate::world::{ITEMS, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_bidder_is_cut_off_and_the_ledger_says_so() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut a = alice.gavel(&server).await;
    let mut b = bob.gavel(&server).await;
    alice.enrol(&mut a).await;

    std::fs::write(world.crl(), "garbage").expect("writes");
    let now = Clock::start().now();
    let serial = alice.credential.identity.serial.clone();
    let entry = CrlEntry {
        serial: serial.clone(),
        revoked_at: now,
        reason: RevocationReason::KeyCompromise,
    };
    let crl = world.ca.sign_crl(1, &[entry], now).expect("signs");
    std::fs::write(world.crl(), crl).expect("writes");

    let mut last = None;
    while let Some(message) = a.next_or_end().await {
        last = Some(message);
    }
    match last {
        Some(ServerMessage::Reply(reply)) => {
            assert!(matches!(reply.answer, Answer::Refused { code: Code::Revoked, .. }));
        }
        other => panic!("{other:?}"),
    }
    let line = b.until_kind("revoke").await;
    assert!(line.contains(serial.as_str()), "{line}");
    assert!(alice.is_refused(&server).await, "and cannot come back");

    // An empty list, or none, brings nobody back.
    std::fs::write(world.crl(), "").expect("writes");
    assert!(alice.is_refused(&server).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seed_08_coming_and_going_takes_no_place_from_others() {
    let world = World::new(ITEMS);
    let server = world.serve().await;
    let mut bob = world.person("bob").text(&server).await;
    let alice = world.person("alice");
    for _ in 0..3 {
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS_PER_NAME_MAX {
            held.push(alice.text(&server).await);
        }
        assert!(alice.is_refused(&server).await, "as many as one name may have");
        for mut text in held {
            assert_eq!(text.ask("QUIT", "G").await, "Goodbye.");
            assert_eq!(text.line().await, "");
        }
    }
    assert!(bob.ask("STATUS 1", "Current").await.contains("100 by None"));
    server.stop().await;
}

/// Everything that servers of this process log.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Writes into [`LOG`].
struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_peer_version_cipher_and_why_somebody_was_refused() {
    tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).init();
    let (world, other) = (World::new(ITEMS), World::new(ITEMS));
    let server = world.serve().await;
    let mut friend = world.person("friend-of-the-log").text(&server).await;
    assert_eq!(friend.ask("QUIT", "G").await, "Goodbye.");
    // The same house's name under another CA.
    let mut mallory = other.person("mallory");
    mallory.credential.anchor = world.ca.anchor().clone();
    assert!(mallory.is_refused(&server).await);
    server.stop().await;
    let log = String::from_utf8(LOG.lock().expect("no panic").clone()).expect("text");
    let line = |wanted: &str| log.lines().find(|line| line.contains(wanted)).unwrap_or_default();
    let connected = line("name=friend-of-the-log");
    for part in [
        "connected",
        "peer=127.0.0.1:",
        "role=bidder",
        "tls=TLSv1_3",
        "cipher=TLS13_",
        "speech=text",
    ] {
        assert!(connected.contains(part), "{part}: {connected}");
    }
    assert!(log.contains("reason=untrusted-ca"), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains("mallory"));
}
