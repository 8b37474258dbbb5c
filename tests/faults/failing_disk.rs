//! A disk that fails for real: writes that the kernel has taken cannot be kept any more.
//!
//! The image of the disk lies in a small memory file system, and everything in it that the inner
//! file system does not use is given back. When the rest is filled, new blocks of the ledger have
//! no place: the sync fails, and the kernel then holds pages for clean that the disk never got.
//! Whoever believes the page cache after that builds on nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::bidders::Crowd;
use crate::disk::{Disk, Mounted};
use crate::hall::{Hall, Program, scratch};
use crate::judge::{Violation, holds, judge};
use crate::tools::{Tool, have};
use crate::tracer::Injection;

/// Room for the image when all of it is used, and little more.
const MEMORY: &str = "size=20m";
/// So many bids gather while one frame is synced that the next is several blocks long.
const BIDDERS: usize = 8;
const SYNC_MS: u32 = 20;
const BIDS: usize = 16;

#[test]
fn what_a_failed_sync_left_in_memory_is_not_believed() {
    if have("a disk that fails", &[Tool::Strace, Tool::Mount]) {
        let told = fail_and_cut(&Program::honest());
        let bids = told.unwrap_or_else(|violation| panic!("{violation:?}"));
        println!("a failed disk, a restart and a power cut; {bids} bids acknowledged, none lost");
    }
}

/// The disk fails under a frame; it is mended, the sale goes on, and then the power fails.
pub(crate) fn fail_and_cut(program: &Program) -> Result<usize, Violation> {
    let scratch = scratch();
    let memory = scratch.path().join("memory");
    let _memory = Mounted::new(&["-t", "tmpfs", "-o", MEMORY, "tmpfs"], &memory);
    let mut disk = Disk::new(&memory, &scratch.path().join("house"));
    let hall = Hall::new(scratch.path(), program.clone());
    drop(hall.restart()?);
    disk.trim();
    let crowd = Crowd::gather(&hall, BIDDERS);

    let slow = Injection::Slow { call: "fdatasync", ms: SYNC_MS };
    let mut server = hall.restart_behind(&slow.words(&hall))?;
    crowd.come();
    crowd.waits_for(BIDS, &mut server)?;
    fill(&memory.join("filler"));
    let status = server.wait();
    if status.code() != Some(6) {
        return Err(Violation::WentOn(format!("{status}: {}", server.said())));
    }
    fs::remove_file(memory.join("filler")).expect("removes");

    let mut server = hall.restart()?;
    crowd.come();
    crowd.waits_for(BIDDERS, &mut server)?;
    server.kill();
    disk.cut_power(scratch.path());
    holds(&hall.ledger(), &crowd.acknowledged())?;

    let mut server = hall.restart()?;
    crowd.come();
    let acknowledged = crowd.settle()?;
    hall.close(&mut server)?;
    judge(&hall, &acknowledged)?;
    Ok(acknowledged.len())
}

/// Writes until nothing more has room.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    let block = [1; 4096];
    while file.write_all(&block).is_ok() {}
}
