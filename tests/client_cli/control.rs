//! `gavel control`: a sale run by its staff, over real mTLS.

use gavel::audit::{Anchors, Trust, Verdict, audit};

use super::*;

const EVENING: &str = r#"{"sale": {"currency": {"code": "EUR"}, "timer": "manual", "start": 1000,
    "increments": [[0, 500]], "room_bids": true},
    "lots": {"1": {"name": "Dinner"}, "2": {"name": "Day at sea", "reserve": 5000},
             "3": {"name": "Hamper", "without_reserve": true}}}"#;

/// A hall with staff: anna runs the sale, carla keeps the room's bids.
async fn hall() -> Hall {
    let mut house = House::new();
    house.items = EVENING.to_owned();
    let hall = Hall::new(house).await;
    hall.credential_as(Role::Auctioneer, "anna");
    hall.credential_as(Role::Clerk, "carla");
    hall
}

impl Hall {
    /// One act; its exit code and everything that was said.
    async fn control(&self, who: &str, words: &[&str]) -> (Option<i32>, String) {
        let output = self.run("control", who, words, "").await;
        (output.status.code(), said(&output) + &talk(&output))
    }

    async fn bids(&self, who: &str, lot: &str, amount: &str) {
        let output = self.run("bid", who, &["bid", lot, amount], "").await;
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    }
}

fn check((code, told): (Option<i32>, String), expected: i32, says: &str) {
    assert_eq!(code, Some(expected), "{told}");
    assert!(told.contains(says), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_run_a_sale_from_its_first_opening_to_its_close() {
    let hall = hall().await;
    check(hall.control("anna", &["hammer", "1"]).await, 4, "not-open");
    check(hall.control("alice", &["open", "1"]).await, 4, "role");
    check(hall.control("carla", &["open", "1"]).await, 0, "Item 1 (Dinner) is open for bids.");
    hall.bids("alice", "1", "10").await;
    check(hall.control("carla", &["bid", "12", "1", "15"]).await, 0, "paddle 12, in the room, bid");
    check(hall.control("carla", &["bid", "12", "1", "500"]).await, 2, "confirmation-needed");
    check(hall.control("carla", &["warn", "1"]).await, 0, "Fair warning at 15.00 EUR.");
    hall.bids("alice", "1", "20").await;
    // The price that was named is not the one that stands.
    check(hall.control("anna", &["hammer", "1", "15"]).await, 4, "bid-in");
    check(hall.control("carla", &["hammer", "1"]).await, 4, "role");
    check(hall.control("anna", &["void", "1"]).await, 4, "no-reason");
    let void = hall.control("anna", &["void", "1", "a", "slip"]).await;
    check(void, 0, "Item 1 (Dinner): the highest bid is void: a slip.");
    check(hall.control("carla", &["pause", "1", "--reason", "noise"]).await, 0, "paused: noise");
    check(hall.control("carla", &["resume", "1"]).await, 0, "goes on");
    check(hall.control("anna", &["close-sale"]).await, 4, "open-lots");
    check(hall.control("anna", &["hammer", "1", "15"]).await, 0, "Dinner → paddle 12 with 15.00");

    check(hall.control("anna", &["open", "2"]).await, 0, "open for bids");
    hall.bids("alice", "2", "20").await;
    check(hall.control("anna", &["hammer", "2"]).await, 2, "the reserve is not met");
    check(hall.control("anna", &["reserve", "2", "60", "up"]).await, 4, "reserve-not-lowered");
    let lowered = hall.control("anna", &["reserve", "2", "20", "the seller agrees"]).await;
    check(lowered, 0, "the reserve is lower now: the seller agrees. Reserve met.");
    check(hall.control("anna", &["hammer", "2"]).await, 0, "Day at sea → alice with 20.00 EUR");

    check(hall.control("anna", &["open", "3"]).await, 0, "open for bids");
    hall.bids("alice", "3", "10").await;
    check(hall.control("anna", &["withdraw", "3", "why"]).await, 4, "without-reserve");
    check(hall.control("anna", &["void", "3", "nobody is there"]).await, 0, "is void");
    check(hall.control("anna", &["close-sale"]).await, 0, "The auctioneer closes the sale");
    check(hall.control("anna", &["say", "late"]).await, 4, "closed");

    let trust = Trust::Certificate(Box::new(hall.house.ca.anchor().clone()));
    let audit = audit(hall.house.ledger().as_bytes(), Anchors::new(trust));
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    let totals = audit.audited().expect("sound").results().totals;
    assert_eq!((totals.sold, totals.unsold, totals.hammer_total), (2, 1, Some(3_500)));
    let left: Vec<_> = std::fs::read_dir(hall.house.folder.path())
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".private"))
        .collect();
    assert!(left.is_empty(), "what opened the reserves is erased with the close: {left:?}");
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_passes_to_another_key_by_the_auctioneer_alone() {
    let hall = hall().await;
    check(hall.control("anna", &["open", "1"]).await, 0, "open for bids");
    hall.bids("alice", "1", "10").await;
    // Alice has lost her key: the house certifies a new one, which the name does not know.
    let lost = hall.credential("alice");
    let memory = lost.with_extension("gavel");
    std::fs::rename(&lost, hall.folder.path().join("lost.pem")).expect("moves");
    std::fs::rename(&memory, hall.folder.path().join("lost.gavel")).expect("moves");
    let again = hall.credential("alice");
    let refused = hall.run("bid", "alice", &["bid", "1", "15"], "").await;
    assert!(talk(&refused).contains("name-taken"), "{}", talk(&refused));
    let path = again.to_str().expect("a path");
    check(hall.control("carla", &["reissue", "alice", path, "lost"]).await, 4, "role");
    check(hall.control("anna", &["reissue", "bob", path, "lost"]).await, 4, "no-such-name");
    let passed = hall.control("anna", &["reissue", "alice", path, "lost her laptop"]).await;
    check(passed, 0, "The name alice has passed to another key: lost her laptop.");
    let standing = hall.run("bid", "alice", &["bid", "1", "15"], "").await;
    assert!(talk(&standing).contains("already-leading"), "{}", talk(&standing));
    let old =
        hall.run_with("bid", &hall.folder.path().join("lost.pem"), &["bid", "1", "20"], "").await;
    assert!(talk(&old).contains("revoked"), "{}", talk(&old));
    hall.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_takes_short_words_for_the_lot_that_is_being_sold() {
    let hall = hall().await;
    let script = "n\nbid 7 10\nw\nstatus\nh 20\nh 10\nfrob\nquit\n";
    let output = hall.run("control", "anna", &[], script).await;
    let told = said(&output);
    for line in [
        "Item 1 (Dinner) is open for bids.",
        "paddle 7, in the room, bid 10.00 EUR on item 1 (Dinner).",
        "Fair warning at 10.00 EUR.",
        "Current highest bid is 10.00 EUR by paddle 7.",
        "another bid has come in: 10.00 EUR stands, not 20.00 EUR",
        "Dinner → paddle 7 with 10.00 EUR",
        "unknown command `frob`",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    // A script is told that not everything was done.
    assert_eq!(output.status.code(), Some(4), "{}", talk(&output));
    hall.server.stop().await;
}
