//! Clocks that are set while a sale runs and between its runs, and lists that expire in it.
//!
//! faketime(1) gives the program another wall clock, read anew from a file at every look; the
//! monotonic clock stays as it is, as on a host whose clock somebody sets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::bidders::Crowd;
use crate::hall::{Hall, LOOK_EVERY, PATIENCE, Program, Server, scratch};
use crate::judge::judge;
use crate::tools::{Tool, have};

const BIDDERS: usize = 3;
const BIDS: usize = 9;
/// Time passes here, and the ledger stays short.
const THINK: Duration = Duration::from_millis(20);
/// Three seconds less than a revocation list is good for.
const BEFORE_THE_LIST_EXPIRES_S: u64 = 30 * 24 * 3600 - 3;

/// A wall clock that can be set.
struct WallClock(PathBuf);

impl WallClock {
    fn new(scratch: &Path, offset: &str) -> Self {
        let clock = Self(scratch.join("clock"));
        clock.set(offset);
        clock
    }

    /// So far from the true time.
    fn set(&self, offset: &str) {
        let new = self.0.with_extension("new");
        fs::write(&new, offset).expect("writes");
        fs::rename(&new, &self.0).expect("renames");
    }

    /// The words before a program that is to have this clock.
    fn words(&self) -> Vec<String> {
        // The wrapper knows where its library is.
        let wrapped = Command::new("faketime").args(["-f", "+0", "env"]).output().expect("runs");
        let wrapped = String::from_utf8(wrapped.stdout).expect("UTF-8");
        let library = wrapped.lines().find(|line| line.starts_with("LD_PRELOAD="));
        let library = library.expect("faketime preloads a library");
        let file = format!("FAKETIME_TIMESTAMP_FILE={}", self.0.display());
        ["env", library, &file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
            .map(ToOwned::to_owned)
            .to_vec()
    }
}

/// Waits until the ledger has so many entries about the clock; bids go on meanwhile.
fn notes_the_clock(hall: &Hall, server: &mut Server, times: usize) {
    let begun = Instant::now();
    let entry = br#""t":"clock""#;
    while hall.ledger().windows(entry.len()).filter(|bytes| bytes == entry).count() < times {
        assert!(server.ended().is_none() && begun.elapsed() < PATIENCE, "{}", server.said());
        thread::sleep(LOOK_EVERY);
    }
}

/// Not killed: what faketime(1) shares in memory is cleared away by the process that ends.
fn ends_in_good_order(server: &mut Server) {
    server.stop();
    assert!(server.wait().success(), "{}", server.said());
}

#[test]
fn a_clock_that_is_set_stops_no_sale_and_is_entered() {
    if !have("clocks", &[Tool::Faketime]) {
        return;
    }
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), Program::honest());
    let clock = WallClock::new(scratch.path(), "+0");
    let crowd = Crowd::gather_slow(&hall, BIDDERS, THINK);
    let mut server = hall.restart_behind(&clock.words()).expect("starts");
    crowd.come();
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"));
    clock.set("+2h");
    notes_the_clock(&hall, &mut server, 1);
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"));
    clock.set("-3h");
    notes_the_clock(&hall, &mut server, 2);
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"));
    ends_in_good_order(&mut server);

    // Between two runs: back is refused, for time never goes back in a ledger; a little ahead is not.
    let before = hall.ledger();
    let mut server = hall.start(&clock.words());
    assert!(!server.listens());
    assert_eq!(server.wait().code(), Some(6));
    assert!(server.said().contains("[clock-behind]"), "{}", server.said());
    assert!(hall.ledger() == before, "nothing is touched");
    clock.set("+1h");
    let mut server = hall.restart_behind(&clock.words()).expect("goes on");
    crowd.come();
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"));
    let acknowledged = crowd.settle().expect("all is told");
    hall.close(&mut server).expect("closes");
    judge(&hall, &acknowledged).expect("is whole");
}

#[test]
fn a_revocation_list_that_expires_in_mid_sale_stops_nobody() {
    if !have("an expiring list", &[Tool::Faketime]) {
        return;
    }
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), Program::honest());
    let offset = format!("+{BEFORE_THE_LIST_EXPIRES_S}");
    let clock = WallClock::new(scratch.path(), &offset);
    let crowd = Crowd::gather_slow(&hall, BIDDERS, THINK);
    let mut server = hall.restart_behind(&clock.words()).expect("starts");
    assert!(server.said().contains("the revocation list expires"), "{}", server.said());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        crowd.come();
        assert!(crowd.waits_for(1, &mut server).expect("no lie"), "{}", server.said());
    }
    ends_in_good_order(&mut server);
    // Once more with the list expired from the beginning: loudly, and for everybody.
    let mut server = hall.restart_behind(&clock.words()).expect("goes on");
    assert!(server.said().contains("the revocation list expired"), "{}", server.said());
    crowd.come();
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"));
    let acknowledged = crowd.settle().expect("all is told");
    hall.close(&mut server).expect("closes");
    judge(&hall, &acknowledged).expect("is whole");
}
