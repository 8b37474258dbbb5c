//! Two disks (`--copy`), and after each crash the one that was in use is gone: whoever goes on from
//! the other has every acknowledged bid. Then the roles change, with the power cut on both.

use crate::bidders::Crowd;
use crate::disk::Disk;
use crate::hall::{Hall, Program, scratch};
use crate::judge::{Violation, holds, judge};
use crate::kill_points::Told;
use crate::tools::{Tool, have, number};
use crate::tracer::Injection;

/// How often without `GAVEL_LOST_DISKS`.
const LOST: u32 = 2;
const BIDDERS: usize = 4;
const BIDS_AT_MOST: usize = 40;

#[test]
fn whoever_has_the_second_disk_has_every_acknowledged_bid() {
    if !have("lost disks", &[Tool::Strace, Tool::Mount]) {
        return;
    }
    let lost = number("GAVEL_LOST_DISKS", LOST);
    let told = lose_disks(&Program::honest(), lost);
    let told = told.unwrap_or_else(|violation| panic!("{violation:?}"));
    println!("{lost} lost disks, {told}");
}

/// Kills at calls of the floor, of the copy's thread, and of the start that brings a copy up.
fn point(index: u32) -> Injection {
    let round = index / 4;
    match index % 4 {
        0 => Injection::Slow { call: "fdatasync", ms: 4 },
        1 => Injection::Kill { call: "fdatasync", n: 2 + round * 7 % 30 },
        2 => Injection::Kill { call: "fsync", n: 1 + round * 5 % 24 },
        _ => Injection::Kill { call: "rename", n: 1 + round * 3 % 8 },
    }
}

/// One sale that moves from disk to disk so often, closed at the end and judged on both.
pub(crate) fn lose_disks(program: &Program, times: u32) -> Result<Told, Violation> {
    let scratch = scratch();
    let (first, second) = (scratch.path().join("first.d"), scratch.path().join("second.d"));
    for folder in [&first, &second] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let mut disks = [
        Disk::new(&first, &scratch.path().join("house")),
        Disk::new(&second, &scratch.path().join("second")),
    ];
    let mut hall = Hall::new(scratch.path(), program.clone());
    disks.iter().for_each(Disk::settle);
    hall.copy_to_the_other();
    drop(hall.restart()?);
    let crowd = Crowd::gather(&hall, BIDDERS);
    let mut told = Told::default();
    for index in 0..times {
        told.live(&hall, &crowd, &point(index), BIDS_AT_MOST)?;
        disks[0].cut_power(&first);
        disks[1].cut_power(&second);
        hall.move_to_the_other();
        holds(&hall.ledger(), &crowd.acknowledged())?;
        crowd.unharmed()?;
    }
    let mut server = hall.restart()?;
    crowd.come();
    crowd.waits_for(1, &mut server)?;
    let acknowledged = crowd.settle()?;
    hall.close(&mut server)?;
    judge(&hall, &acknowledged)?;
    hall.move_to_the_other();
    judge(&hall, &acknowledged)?;
    told.bids = acknowledged.len();
    Ok(told)
}
