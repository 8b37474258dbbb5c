//! Disks that are full, read only or shared, and files that are not as they were left: the server
//! says what is wrong and exits, touches nothing, and goes on once that is mended.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::bidders::Crowd;
use crate::disk::Mounted;
use crate::hall::{Hall, Program, Server, scratch};
use crate::judge::{holds, judge};
use crate::tools::{Tool, have};

const BIDDERS: usize = 3;
const BIDS: usize = 9;

/// The server ends by itself, with this exit code and this error, and tells what to do.
fn refuses(hall: &Hall, server: &mut Server, exit: i32, code: &str) {
    let before = hall.ledger();
    assert!(!server.listens(), "{code}: it listens");
    ends(server, exit, code);
    assert!(before == hall.ledger(), "{code}: the ledger was touched");
}

fn ends(server: &mut Server, exit: i32, code: &str) {
    let status = server.wait();
    let said = server.said();
    assert_eq!(status.code(), Some(exit), "{said}");
    assert!(said.contains(&format!("[{code}]")) && said.contains("\nhint: "), "{said}");
}

/// Takes part until the end: everything is in place.
fn goes_on_to_the_end(hall: &Hall, crowd: Crowd) {
    let mut server = hall.restart().expect("goes on");
    crowd.come();
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"), "{}", server.said());
    let acknowledged = crowd.settle().expect("all is told");
    hall.close(&mut server).expect("closes");
    judge(hall, &acknowledged).expect("is whole");
}

/// A sale that has run for a while and whose server was killed.
fn a_sale(scratch: &Path) -> (Hall, Crowd) {
    let hall = Hall::new(scratch, Program::honest());
    let crowd = Crowd::gather(&hall, BIDDERS);
    run_for_a_while(&hall, &crowd);
    (hall, crowd)
}

fn run_for_a_while(hall: &Hall, crowd: &Crowd) {
    let mut server = hall.restart().expect("starts");
    crowd.come();
    assert!(crowd.waits_for(BIDS, &mut server).expect("no lie"), "{}", server.said());
    server.kill();
}

#[test]
fn a_disk_that_is_full_ends_the_server_and_with_room_it_goes_on() {
    if !have("a full disk", &[Tool::Mount]) {
        return;
    }
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), Program::honest());
    let small = ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"];
    let disk = Mounted::new(&small, &hall.house.ledgers());
    let crowd = Crowd::gather(&hall, BIDDERS);
    let mut server = hall.restart().expect("64 KiB are enough to begin with");
    crowd.come();
    ends(&mut server, 6, "disk-full");
    let acknowledged = crowd.acknowledged();
    assert!(acknowledged.len() >= BIDS, "{}", acknowledged.len());
    holds(&hall.ledger(), &acknowledged).expect("all that was answered was written");
    refuses(&hall, &mut hall.start(&[]), 6, "disk-full");
    disk.again("size=8m");
    goes_on_to_the_end(&hall, crowd);
}

#[test]
fn a_disk_that_is_read_only_is_named() {
    if !have("a read-only disk", &[Tool::Mount]) {
        return;
    }
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), Program::honest());
    let words = ["-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs"];
    let disk = Mounted::new(&words, &hall.house.ledgers());
    disk.again("ro");
    refuses(&hall, &mut hall.start(&[]), 6, "read-only");
    disk.again("rw");
    let crowd = Crowd::gather(&hall, BIDDERS);
    run_for_a_while(&hall, &crowd);
    disk.again("ro");
    refuses(&hall, &mut hall.start(&[]), 6, "read-only");
    disk.again("rw");
    goes_on_to_the_end(&hall, crowd);
}

#[test]
fn whatever_a_crash_left_at_the_end_is_put_aside() {
    let scratch = scratch();
    let (hall, crowd) = a_sale(scratch.path());
    let whole = hall.ledger();
    let last = whole.split(|byte| *byte == b'\n').rev().nth(1).expect("a line");
    let torn = last[..last.len() / 2].to_vec();
    // Half of a line, blocks that were never written, and both.
    let zeroed = [&torn[..], &[0; 4096], b"\n"].concat();
    for (index, tail) in [torn, vec![0; 8192], zeroed].iter().enumerate() {
        let mut ledger = File::options().append(true).open(hall.house.ledger()).expect("opens");
        if tail.iter().all(|byte| *byte == 0) {
            // A hole: the file is long, and the disk holds nothing of that.
            let length = ledger.metadata().expect("is there").len();
            let more = u64::try_from(tail.len()).expect("short");
            ledger.set_len(length + more).expect("sets");
        } else {
            ledger.write_all(tail).expect("writes");
        }
        run_for_a_while(&hall, &crowd);
        let broken = fs::read(hall.file(&format!("jsonl.broken.{}", index + 1))).expect("is there");
        assert!(broken == *tail, "tail {index} is put aside as it was");
        assert!(hall.ledger().starts_with(&whole), "nothing before it is changed");
    }
    goes_on_to_the_end(&hall, crowd);
}

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let scratch = scratch();
    let (hall, crowd) = a_sale(scratch.path());
    let mut first = hall.restart().expect("starts");
    crowd.come();
    let mut second = hall.start_at("127.0.0.1:0");
    assert!(!second.listens(), "two servers, one ledger");
    ends(&mut second, 6, "ledger-locked");
    assert!(crowd.waits_for(BIDS, &mut first).expect("no lie"), "{}", first.said());
    first.kill();
    goes_on_to_the_end(&hall, crowd);
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let scratch = scratch();
    let (hall, crowd) = a_sale(scratch.path());
    let serve = hall.folder().join("pki").join("serve");
    for key in ["server.pem", "sealer-faults.key"] {
        fs::set_permissions(serve.join(key), Permissions::from_mode(0o644)).expect("sets");
        refuses(&hall, &mut hall.start(&[]), 2, "loose-mode");
        fs::set_permissions(serve.join(key), Permissions::from_mode(0o600)).expect("sets");
    }
    goes_on_to_the_end(&hall, crowd);
}
