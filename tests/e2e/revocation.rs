//! A revoked certificate is out at once, by every way in, and no bad list
//! brings it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gavel::pki::{CrlEntry, Replace, RevocationReason, keys};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup};

use super::bidder::{Bidder, code};
use super::log;
use super::wire::{Alpn, Typist, Wire, honest};
use super::world::{Plan, World, now};

/// What "at once" may take on a busy machine; the design asks for a second.
const AT_ONCE: Duration = Duration::from_millis(2_500);

/// Waits until the server has taken the list that the office wrote.
async fn in_force(world: &World, mark: log::Mark) {
    let file = format!("file={}", world.crl_path().display());
    log::wait_for(mark, &[&file, "in force"]).await;
}

async fn is_let_in(address: std::net::SocketAddr, config: ClientConfig) -> bool {
    match Wire::connect(address, config).await {
        Ok(mut wire) => wire.line().await.is_some(),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_bidder_is_cut_off_and_stays_out() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut typing = Typist::enter(hall.address, &alice).await;
    let mut bidding = Bidder::enrolled(hall.address, &alice).await;
    let mut other = Bidder::enrolled(hall.address, &bob).await;
    let reply = bidding.bid("1", 60).await;
    bidding.receipt(&reply);

    let (mark, begun) = (log::mark(), Instant::now());
    let serials = world.revoke("alice");
    // Both live connections hear why and end.
    let rest = typing.rest().await;
    let word = bidding.last_word().await.expect("a last word");
    let took = begun.elapsed();
    assert!(rest.last().is_some_and(|line| line.ends_with("[revoked]")), "{rest:?}");
    assert_eq!(code(&word), "revoked");
    assert!(took < AT_ONCE, "it took {took:?}");
    // No new one is let in, with the reason in the log.
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await);
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Gavel)).await);
    log::wait_for(mark, &["refused", "reason=revoked"]).await;

    // The ledger has it, and the others go on.
    let entry = other.line_where(|line| line["t"] == "revoke").await;
    assert_eq!(entry["body"]["serial"], serials[0].as_str());
    assert_eq!(entry["body"]["reason"], "key-compromise");
    let reply = other.bid("1", 61).await;
    other.receipt(&reply);
    hall.stop().await;
}

/// Remembers whatever a server gives for a resumption.
#[derive(Debug)]
struct Tickets {
    kept: ClientSessionMemoryCache,
    given: AtomicUsize,
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(name, group);
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(name)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {
        self.given.fetch_add(1, Ordering::SeqCst);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.given.fetch_add(1, Ordering::SeqCst);
        self.kept.insert_tls13_ticket(name, ticket);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_given_that_could_resume_a_session() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let alice = world.person("alice");
    let tickets =
        Arc::new(Tickets { kept: ClientSessionMemoryCache::new(8), given: AtomicUsize::new(0) });
    let eager = || {
        let mut config = honest(&alice, Alpn::Text);
        config.resumption = Resumption::store(Arc::clone(&tickets) as Arc<dyn ClientSessionStore>);
        config.enable_early_data = true;
        config
    };
    for _ in 0..3 {
        let mut wire = Wire::connect(hall.address, eager()).await.expect("connects");
        wire.send(b"WHOAMI\nQUIT\n").await;
        while wire.line().await.is_some() {}
        assert_eq!(wire.kind, Some(rustls::HandshakeKind::Full));
    }
    assert_eq!(tickets.given.load(Ordering::SeqCst), 0, "the server gave a ticket");
    let mark = log::mark();
    world.revoke("alice");
    in_force(&world, mark).await;
    assert!(!is_let_in(hall.address, eager()).await, "by what it kept from before");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_list_changes_nothing_and_is_told_loudly() {
    let (world, hall) = World::open_new(Plan::default()).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let older = std::fs::read(world.crl_path()).expect("the list of the beginning");
    let mark = log::mark();
    world.revoke("alice");
    in_force(&world, mark).await;
    let good = std::fs::read(world.crl_path()).expect("the list in force");

    let bob_revoked = CrlEntry {
        serial: bob.identity.serial.clone(),
        revoked_at: now(),
        reason: RevocationReason::Unspecified,
    };
    let stranger = gavel::pki::Ca::create(world.house.clone(), now()).expect("another CA");
    let forged = stranger.sign_crl(99, std::slice::from_ref(&bob_revoked), now()).expect("signs");
    let same_number = world.ca().sign_crl(2, std::slice::from_ref(&bob_revoked), now());
    let same_number = same_number.expect("signs");
    let mut spoiled = good.clone();
    let middle = spoiled.len() / 2;
    spoiled[middle] = if spoiled[middle] == b'A' { b'B' } else { b'A' };
    let mut mutter = Bidder::enter(hall.address, &bob).await;
    for (row, list, said) in [
        ("empty", &b""[..], "the revocation list is empty"),
        ("blank", b"\n\n", "the revocation list is empty"),
        ("garbage", b"\x1b[2Jnot a list\n", "the revocation list cannot be read"),
        ("a certificate", world.anchor().to_pem().as_bytes(), "the revocation list cannot be read"),
        ("spoiled", &spoiled, "the revocation list"),
        ("older", &older, "number 1, older than number 2 in force"),
        ("the same number", same_number.as_bytes(), "the same number 2"),
        ("another signer", forged.as_bytes(), "not signed by this house's CA"),
        ("huge", &vec![b'A'; 5 * 1024 * 1024], "the revocation list is too large"),
    ] {
        let mark = log::mark();
        keys::replace(&world.crl_path(), list).expect("writes");
        let file = format!("file={}", world.crl_path().display());
        let line = log::wait_for(mark, &[&file, "refused", said]).await;
        assert!(line.starts_with("WARN") && line.contains("stays in force"), "{row}: {line}");
        assert!(log::is_plain(&line), "{row}: {line:?}");
        assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await, "{row}: alice is back");
        assert!(is_let_in(hall.address, honest(&bob, Alpn::Text)).await, "{row}: bob is out");
    }
    let mark = log::mark();
    std::fs::remove_file(world.crl_path()).expect("removes");
    let line =
        log::wait_for(mark, &["cannot be read", &world.crl_path().display().to_string()]).await;
    assert!(line.starts_with("WARN"), "{line}");
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await, "no list: alice is back");

    // A newer list that forgets alice does not bring her back either, and bites on.
    let newer = world.ca().sign_crl(7, &[bob_revoked], now()).expect("signs");
    keys::replace(&world.crl_path(), newer.as_bytes()).expect("writes");
    assert_eq!(code(&mutter.last_word().await.expect("a last word")), "revoked");
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await, "forgotten");
    hall.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_stands_before_the_start_is_in_force_from_the_first_handshake() {
    let world = World::new(Plan::default());
    let alice = world.person("alice");
    world.revoke("alice");
    let hall = world.open().await;
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await);
    hall.stop().await;
    let hall = world.open().await;
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await, "after a restart");
    // A new certificate for her opens the door again, and the old one stays out.
    let path = world.issue("alice", Replace::Revoke);
    let new = super::world::read_credential(&path);
    assert!(is_let_in(hall.address, honest(&new, Alpn::Text)).await);
    assert!(!is_let_in(hall.address, honest(&alice, Alpn::Text)).await);
    hall.stop().await;
}
