//! The door as a person with nothing but openssl finds it. Where there is no
//! openssl that is said, unless `GAVEL_NEED` asks for it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::log;
use super::world::{Plan, World};

fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    let needed = std::env::var("GAVEL_NEED").is_ok_and(|need| need.contains("openssl"));
    assert!(found || !needed, "openssl is needed and not here");
    if !found {
        println!("skipped: there is no openssl here");
    }
    found
}

/// What `openssl s_client -quiet` prints when somebody types `typed`.
async fn s_client(
    address: SocketAddr,
    credential: &Path,
    flags: &'static [&'static str],
    typed: &'static str,
) -> String {
    let credential = PathBuf::from(credential);
    let run = move || {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &address.to_string()])
            .arg("-cert")
            .arg(&credential)
            .arg("-key")
            .arg(&credential)
            .arg("-CAfile")
            .arg(&credential)
            .arg("-verify_return_error")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let mut input = child.stdin.take().expect("is piped");
        // It may be gone before all is typed.
        let _ = input.write_all(typed.as_bytes());
        drop(input);
        let output = child.wait_with_output().expect("openssl ends");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_s_client_takes_part_in_the_sale() {
    if !has_openssl() {
        return;
    }
    let (world, hall) = World::open_new(Plan::default()).await;
    world.person("alice");
    let alice = world.people().join("alice.pem");
    let typed = "LIST\nBID 1 60\nSTATUS 1\nstatus 2\nWHOAMI\nQUIT\n";
    let said = s_client(hall.address, &alice, &[], typed).await;
    let mut from = 0;
    for words in [
        "Welcome alice!",
        "Items (3):",
        "1. Lot 1 [ACTIVE] - Current highest bid: 50 by None",
        "Bid accepted! You bid 60 on item 1 (Lot 1).",
        "Current highest bid is 60 by alice.",
        "Current highest bid is 100 by None.",
        "You are alice, bidder at house estate.",
        "Goodbye.",
    ] {
        let at = said[from..].find(words).unwrap_or_else(|| panic!("{words:?} is missing: {said}"));
        from += at;
    }
    assert!(said.contains("alice bid 60 on item 1 (Lot 1). New highest bid: 60."), "{said}");
    hall.stop().await;
    assert_eq!(world.entries_of("bid")[0]["body"]["evidence"], "attested");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_s_client_cannot_bid_where_bids_are_signed() {
    if !has_openssl() {
        return;
    }
    let (world, hall) = World::open_new(Plan { attested: false, ..Plan::default() }).await;
    world.person("alice");
    let alice = world.people().join("alice.pem");
    let said = s_client(hall.address, &alice, &[], "LIST\nBID 1 60\nSTATUS 1\nHELP\nQUIT\n").await;
    let refused = said.lines().find(|line| line.ends_with("[unsigned]"));
    assert!(refused.is_some_and(|line| line.contains("gavel bid")), "a hint: {said}");
    assert!(said.contains("Current highest bid is 50 by None."), "{said}");
    hall.stop().await;
    assert!(world.entries_of("bid").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_s_client_is_refused_with_tls_1_2_or_another_houses_credential() {
    if !has_openssl() {
        return;
    }
    let (world, hall) = World::open_new(Plan::default()).await;
    world.person("alice");
    let alice = world.people().join("alice.pem");
    let mark = log::mark();
    let said = s_client(hall.address, &alice, &["-tls1_2"], "LIST\nQUIT\n").await;
    assert!(!said.contains("Lot 1"), "{said}");
    log::wait_for(mark, &["refused", "reason=handshake"]).await;
    let other = World::new(Plan::default());
    other.person("alice");
    let stranger = other.people().join("alice.pem");
    let said = s_client(hall.address, &stranger, &[], "LIST\nQUIT\n").await;
    assert!(!said.contains("Lot 1"), "openssl itself refuses the server: {said}");
    hall.stop().await;
}
