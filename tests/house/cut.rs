//! A sale with staff, cut at every byte of its last lines and played on: with lots paused,
//! voided and hammered, and in the middle of what an act has caused.

use std::sync::Arc;

use gavel::auction::act::Deed;
use gavel::auction::lot::LotState;
use gavel::ledger::entry::Kind;
use gavel::record::KeptReserve;
use rayon::prelude::*;

use super::staff::{Hall, crashed, entered, id, lines, opening, paddle, staffed};
use super::world::at;

/// A staffed sale that has seen every act, and has not ended. Everything that opens its
/// reserves is in its world's private file.
fn interrupted() -> Hall {
    let mut world = staffed();
    let lowered = opening(60_119, 0xb1);
    world.reserves.push(KeptReserve { lot: id("2"), opening: lowered });
    let mut hall = Hall::of(world);
    entered(&hall.bid(1_000, "alice", "1", 100));
    entered(&hall.bid(1_100, "bob", "1", 90_000));
    let signed = hall.sign("ada", hall.lower("2", &lowered));
    entered(&hall.running.one(|house| house.submit_with(at(1_200), 1, signed, Some(lowered))));
    entered(&hall.act(1_300, "cleo", Deed::Open { lot: id("2") }));
    entered(&hall.enter(1_400, "2", paddle("9"), 100));
    entered(&hall.act(1_500, "cleo", Deed::Pause { lot: id("2") }));
    entered(&hall.bid(1_600, "bob", "3", 100));
    entered(&hall.act(1_700, "ada", Deed::Extend { lot: id("4"), ends_at: at(90_000) }));
    entered(&hall.act(1_800, "ada", Deed::Withdraw { lot: id("5") }));
    entered(&hall.act(1_900, "ada", hall.reissue()));
    entered(&hall.enrol(2_000, "alice-2"));
    entered(&hall.act(2_100, "ada", Deed::Void { lot: id("1"), seen: hall.seen("1") }));
    entered(&hall.act(2_200, "cleo", Deed::Pause { lot: id("3") }));
    hall
}

/// Plays a recovered sale on: what stands and has no end is hammered, the rest closed.
fn play_on(hall: &mut Hall) {
    hall.running.quiet(at(200_000));
    let state = |hall: &Hall, lot: &str| {
        hall.running.house.sale().lot(&id(lot)).expect("a lot").state().clone()
    };
    for lot in ["1", "2", "3", "4", "6"] {
        if let LotState::Paused { .. } = state(hall, lot) {
            entered(&hall.act(200_000, "cleo", Deed::Resume { lot: id(lot) }));
        }
        if let LotState::Open { ends_at: None, high: Some(high) } = state(hall, lot) {
            entered(&hall.act(200_000, "ada", Deed::Hammer { lot: id(lot), seen: Some(high.seq) }));
        }
    }
    if !hall.running.house.sale().is_closed() {
        entered(&hall.act(200_000, "ada", Deed::Closing));
    }
}

/// Cuts the ledger at every byte of its last `whole` lines, and at the end of every line
/// since all have enrolled. At line ends the sale is played to its end, and no checkpoint of a
/// size that was kept may differ from the one that was released.
fn cut_everywhere(hall: &Hall, whole: usize) {
    let ledger = hall.ledger();
    let ends: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    let every_byte = ends[ends.len() - 1 - whole]..=ledger.len();
    let enrolled = lines(&ledger).iter().position(|(kind, _)| *kind == Kind::Bid);
    let cuts =
        ends[enrolled.expect("a bid")..].iter().copied().filter(|end| end < every_byte.start());
    let cuts: Vec<usize> = cuts.chain(every_byte.clone()).collect();
    cuts.into_par_iter().for_each(|cut| {
        let folder = crashed(hall.folder.path(), &ledger[..cut]);
        let kept = u64::try_from(ends.iter().filter(|end| **end <= cut).count()).expect("few");
        if !ends.contains(&cut) {
            let running = hall.world.go_on(folder.path(), at(190_000)).expect("goes on");
            assert!(running.store.lines() >= kept + 2, "seal and outage follow");
            let torn = std::fs::read(folder.path().join("spring.jsonl.broken.1"));
            assert!(!torn.expect("the cut bytes are kept").is_empty());
            return;
        }
        let mut played = Hall::taken_up(Arc::clone(&hall.world), folder, 190_000, 100);
        play_on(&mut played);
        for (size, note) in played.running.notes.range(..=kept) {
            let before = hall.running.notes.get(size);
            assert!(before.is_none_or(|before| before == note), "two checkpoints of size {size}");
        }
        played.finish(500_000);
    });
}

#[test]
fn a_sale_with_staff_is_taken_up_from_every_byte_of_its_last_lines() {
    let hall = interrupted();
    cut_everywhere(&hall, 2);
}

/// The house dies in the middle of the frame that closes the sale.
#[test]
fn a_sale_is_closed_from_the_middle_of_its_closing() {
    let mut hall = interrupted();
    entered(&hall.act(2_300, "ada", Deed::Closing));
    // Lots 2 and 3 go on, lots 4 and 6 close.
    cut_everywhere(&hall, 4);
}

/// The house dies between a void after the sale's end and the closing that it causes: the
/// lot is not closed for the time that the house was away.
#[test]
fn a_lot_that_a_void_has_left_bare_keeps_the_time_of_an_outage() {
    let mut world = staffed();
    world.terms.sale.sale_ends_at = Some(at(500));
    let mut hall = Hall::of(world);
    entered(&hall.bid(100, "alice", "3", 100));
    entered(&hall.act(1_000, "ada", Deed::Void { lot: id("3"), seen: hall.seen("3") }));
    let ledger = hall.ledger();
    let ends: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    let void = lines(&ledger).iter().position(|(kind, _)| *kind == Kind::Void);
    let folder = crashed(hall.folder.path(), &ledger[..ends[void.expect("a void")]]);
    let mut hall = Hall::taken_up(Arc::clone(&hall.world), folder, 300_000, 100);
    entered(&hall.bid(300_100, "bob", "3", 100));
    hall.finish(500_000);
}

/// A host that was suspended was away: open lots keep their time, at least the grace, and
/// nothing that fell due meanwhile comes first.
#[test]
fn a_suspended_host_counts_as_an_outage() {
    let mut hall = Hall::open();
    entered(&hall.bid(1_000, "alice", "1", 100));
    hall.running.quiet(at(25_000));
    // The last entry is a tick of 21 s; lot 1 would end at 31 s.
    assert!(hall.running.house.note_suspension(at(30_990)));
    assert!(!hall.running.house.note_suspension(at(30_990)), "once, and right behind a seal");
    hall.running.quiet(at(31_000));
    let end =
        |hall: &Hall, lot| hall.running.house.sale().lot(&id(lot)).and_then(|lot| lot.ends_at());
    assert_eq!(end(&hall, "1"), Some(at(90_990)), "60 s are left");
    assert_eq!(end(&hall, "3"), Some(at(90_990)), "more than its own 9.990 s");
    entered(&hall.bid(80_000, "bob", "1", 110));
    hall.finish(200_000);
}
