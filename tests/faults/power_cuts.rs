//! Power cuts with load running, at chosen system calls and at any time while the disk is slow:
//! what was acknowledged is on the disk, and the sale goes on from there by itself.

use std::thread;
use std::time::Duration;

use crate::bidders::Crowd;
use crate::disk::Disk;
use crate::hall::{Hall, Program, scratch};
use crate::judge::{Violation, holds, judge};
use crate::kill_points::{Told, birth_point, sale_point};
use crate::tools::{Tool, have, number};
use crate::tracer::Injection;

/// How many cuts without `GAVEL_POWER_CUTS`.
const CUTS: u32 = 2;
/// How many cuts one sale lives through.
const CUTS_OF_A_SALE: u32 = 10;
const BIDDERS: usize = 4;
const BIDS_AT_MOST: usize = 40;
/// How long a sync takes: whatever is said before its end is mostly said during it.
const SYNC_MS: u32 = 4;

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    if !have("power cuts", &[Tool::Strace, Tool::Mount]) {
        return;
    }
    let cuts = number("GAVEL_POWER_CUTS", CUTS);
    let births = cuts / 5;
    let mut told = Told::default();
    for index in 0..births {
        cut_in_birth(index).unwrap_or_else(|violation| panic!("birth {index}: {violation:?}"));
    }
    let mut left = births..cuts;
    while !left.is_empty() {
        let end = cuts.min(left.start + CUTS_OF_A_SALE);
        let sale = cut_in_a_sale(&Program::honest(), left.start..end);
        told += sale.unwrap_or_else(|violation| panic!("cuts {left:?}: {violation:?}"));
        left.start = end;
    }
    println!("{births} power cuts in births, {told}");
}

/// The power fails at a call of the birth, and the sale is born, or goes on, all the same.
fn cut_in_birth(index: u32) -> Result<(), Violation> {
    let scratch = scratch();
    let mut disk = Disk::new(scratch.path(), &scratch.path().join("house"));
    let hall = Hall::new(scratch.path(), Program::honest());
    disk.settle();
    let point = birth_point(index);
    let mut server = hall.start(&point.words(&hall));
    assert!(!server.listens() && server.was_killed(), "{point:?}: {}", server.said());
    disk.cut_power(scratch.path());
    let crowd = Crowd::gather(&hall, 2);
    let mut server = hall.restart()?;
    crowd.come();
    crowd.waits_for(2, &mut server)?;
    let acknowledged = crowd.settle()?;
    hall.close(&mut server)?;
    judge(&hall, &acknowledged)
}

/// One sale on a disk whose power fails so often, closed at the end and judged.
pub(crate) fn cut_in_a_sale(
    program: &Program,
    cuts: std::ops::Range<u32>,
) -> Result<Told, Violation> {
    let scratch = scratch();
    let mut disk = Disk::new(scratch.path(), &scratch.path().join("house"));
    let hall = Hall::new(scratch.path(), program.clone());
    disk.settle();
    let crowd = Crowd::gather(&hall, BIDDERS);
    let mut told = Told::default();
    for cut in cuts {
        let point = if cut % 2 == 0 {
            Injection::Slow { call: "fdatasync", ms: SYNC_MS }
        } else {
            sale_point(cut / 2)
        };
        let mut server = hall.start(&point.words(&hall));
        if server.listens() {
            crowd.come();
            let outlived = crowd.waits_for(BIDS_AT_MOST, &mut server)?;
            told.add(outlived);
            if outlived {
                // Anywhere between two syncs, or in one.
                thread::sleep(Duration::from_millis(u64::from(cut % 7)));
            }
            server.kill();
        } else if server.was_killed() {
            told.in_starts += 1;
        } else {
            return Err(Violation::DoesNotRestart(format!("{point:?}: {}", server.said())));
        }
        disk.cut_power(scratch.path());
        holds(&hall.ledger(), &crowd.acknowledged())?;
        crowd.unharmed()?;
    }
    let mut server = hall.restart()?;
    crowd.come();
    crowd.waits_for(1, &mut server)?;
    let acknowledged = crowd.settle()?;
    hall.close(&mut server)?;
    judge(&hall, &acknowledged)?;
    told.bids = acknowledged.len();
    Ok(told)
}
