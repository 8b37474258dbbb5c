//! `kill -9` at chosen system calls: in a birth, in a recovery, and in the middle of the bidding.

use crate::bidders::Crowd;
use crate::hall::{Hall, Program, scratch};
use crate::judge::{Violation, judge};
use crate::tools::{Tool, have, number};
use crate::tracer::Injection;

/// How many kills without `GAVEL_KILL_POINTS`.
const POINTS: u32 = 6;
/// How many kills one sale lives through: the ledger stays short, and every sale is closed.
const POINTS_OF_A_SALE: u32 = 20;
const BIDDERS: usize = 4;
/// A start that its kill did not meet is ended by hand after so many bids.
const BIDS_AT_MOST: usize = 60;

/// The calls of a birth on the sale's files, each thread counted by itself.
const BIRTH: [(&str, u32); 4] = [("write", 3), ("fsync", 6), ("fdatasync", 1), ("rename", 2)];

#[test]
fn killed_at_any_write_or_sync_the_house_loses_nothing() {
    if !have("kill points", &[Tool::Strace]) {
        return;
    }
    let points = number("GAVEL_KILL_POINTS", POINTS);
    let births = points.div_ceil(5);
    let mut told = Told::default();
    for index in 0..births {
        killed_in_birth(index).unwrap_or_else(|violation| panic!("birth {index}: {violation:?}"));
    }
    let mut left = births..points;
    while !left.is_empty() {
        let end = points.min(left.start + POINTS_OF_A_SALE);
        let sale = killed_in_a_sale(&Program::honest(), left.start..end);
        told += sale.unwrap_or_else(|violation| panic!("points {left:?}: {violation:?}"));
        left.start = end;
    }
    println!("{births} kills in births, {told}");
    assert!(told.by_hand * 4 <= points, "most kills meet their call");
}

/// What came of the faults of one sale, or of several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// Starts that the fault ended before they listened.
    pub(crate) in_starts: u32,
    /// Servers that it ended under load.
    pub(crate) under_load: u32,
    /// Servers that did not come so far, and were killed in any case.
    pub(crate) by_hand: u32,
    /// Acknowledged bids.
    pub(crate) bids: usize,
}

impl Told {
    /// One life of the server: it meets its fault in the start, or under load, or is killed after
    /// so many bids.
    pub(crate) fn live(
        &mut self,
        hall: &Hall,
        crowd: &Crowd,
        point: &Injection,
        bids_at_most: usize,
    ) -> Result<(), Violation> {
        let mut server = hall.start(&point.words(hall));
        if server.listens() {
            crowd.come();
            self.add(crowd.waits_for(bids_at_most, &mut server)?);
            server.kill();
        } else if server.was_killed() {
            self.in_starts += 1;
        } else {
            return Err(Violation::DoesNotRestart(format!("{point:?}: {}", server.said())));
        }
        Ok(())
    }

    /// Counts a server that took bids.
    pub(crate) fn add(&mut self, outlived: bool) {
        *(if outlived { &mut self.by_hand } else { &mut self.under_load }) += 1;
    }
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, more: Self) {
        self.in_starts += more.in_starts;
        self.under_load += more.under_load;
        self.by_hand += more.by_hand;
        self.bids += more.bids;
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { in_starts, under_load, by_hand, bids } = self;
        write!(
            f,
            "{in_starts} in starts, {under_load} at calls under load, {by_hand} at any time under \
             load; {bids} bids acknowledged, none lost, every sale VALID"
        )
    }
}

/// The calls of a birth, one after the other, and around again.
pub(crate) fn birth_point(index: u32) -> Injection {
    let all: u32 = BIRTH.iter().map(|(_, calls)| calls).sum();
    let mut at = index % all;
    for (call, calls) in BIRTH {
        if at < calls {
            return Injection::Kill { call, n: at + 1 };
        }
        at -= calls;
    }
    unreachable!("the remainder is below the sum")
}

fn killed_in_birth(index: u32) -> Result<(), Violation> {
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), Program::honest());
    let point = birth_point(index);
    let mut server = hall.start(&point.words(&hall));
    assert!(!server.listens() && server.was_killed(), "{point:?}: {}", server.said());
    let mut server = hall.restart()?;
    let crowd = Crowd::gather(&hall, 2);
    crowd.come();
    crowd.waits_for(2, &mut server)?;
    let acknowledged = crowd.settle()?;
    hall.close(&mut server)?;
    judge(&hall, &acknowledged)
}

/// Kills in recoveries (few calls) and under load (many), spread evenly.
pub(crate) fn sale_point(index: u32) -> Injection {
    let round = index / 2;
    let (call, n) = match index % 8 {
        0 => ("write", 1 + round % 3),
        1 | 5 => ("write", 4 + round * 7 % 30),
        2 => ("fsync", 1 + round % 4),
        3 | 7 => ("fdatasync", 2 + round * 5 % 25),
        4 => ("rename", 1 + round % 3),
        _ => ("fsync", 5 + round % 2),
    };
    Injection::Kill { call, n }
}

/// One sale that is killed at each of these points, closed at the end and judged.
pub(crate) fn killed_in_a_sale(
    program: &Program,
    points: std::ops::Range<u32>,
) -> Result<Told, Violation> {
    let scratch = scratch();
    let hall = Hall::new(scratch.path(), program.clone());
    drop(hall.restart()?);
    let crowd = Crowd::gather(&hall, BIDDERS);
    let mut told = Told::default();
    for index in points {
        told.live(&hall, &crowd, &sale_point(index), BIDS_AT_MOST)?;
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
