//! Hidden reserves: lowered by what only the house knows, kept out of the ledger until
//! their lot has ended, and missed at a start.

use gavel::auction::act::Deed;
use gavel::auction::refusal::Code;
use gavel::auction::reserve::ReserveOpening;
use gavel::house::{Answer, RecoveryRefusal};
use gavel::ledger::Hash;
use gavel::ledger::entry::Kind;
use gavel::record::KeptReserve;

use super::staff::{Hall, RESERVES, crashed, entered, id, lines, opening, paddle, refused};
use super::world::at;

/// Lowers the reserve of lot 2 to what `committed` says, and brings `brought` along.
fn lower(
    hall: &mut Hall,
    ms: u64,
    committed: &ReserveOpening,
    brought: Option<ReserveOpening>,
) -> Answer {
    let signed = hall.sign("ada", hall.lower("2", committed));
    let would =
        brought.is_some_and(|brought| hall.running.house.would_lower(at(ms), &signed, &brought));
    let answer = hall.running.one(|house| house.submit_with(at(ms), 1, signed, brought));
    let taken = matches!(answer, Answer::Entered(_));
    assert_eq!(would, taken, "the owner keeps exactly what is taken");
    answer
}

#[test]
fn a_reserve_is_lowered_by_its_opening_alone() {
    let mut hall = Hall::open();
    let good = opening(60_119, 0xb1);
    let cases = [
        ("no opening", good, None),
        ("another amount", good, Some(opening(60_118, 0xb1))),
        ("another nonce", good, Some(opening(60_119, 0xb2))),
        ("the same amount", opening(70_219, 0xb3), Some(opening(70_219, 0xb3))),
        ("a greater amount", opening(70_220, 0xb4), Some(opening(70_220, 0xb4))),
    ];
    for (what, committed, brought) in cases {
        let answer = lower(&mut hall, 1_000, &committed, brought);
        assert_eq!(refused(&answer), Code::ReserveNotLowered, "{what}");
    }
    assert_eq!(entered(&lower(&mut hall, 1_100, &good, Some(good))).0, Kind::Reserve);
    let answer = lower(&mut hall, 1_200, &opening(65_000, 1), Some(opening(65_000, 1)));
    assert_eq!(refused(&answer), Code::ReserveNotLowered, "it is the last one that counts");
    entered(&lower(&mut hall, 1_300, &opening(50_777, 2), Some(opening(50_777, 2))));
    entered(&hall.act(1_400, "ada", Deed::Open { lot: id("2") }));
    entered(&hall.enter(1_500, "2", paddle("9"), 50_777));
    entered(&lower(&mut hall, 1_600, &opening(40_000, 3), Some(opening(40_000, 3))));
    entered(&hall.act(1_700, "ada", Deed::Hammer { lot: id("2"), seen: hall.seen("2") }));
    let (_, closed) = lines(&hall.ledger()).pop().expect("a line");
    let mut at = 0;
    for reserve in [70_219, 60_119, 50_777, 40_000] {
        let found = closed[at..].find(&format!("\"reserve\":{reserve}"));
        at += found.expect("every reserve is opened, in the order of their making");
    }
    hall.finish(200_000);
}

/// Else a reserve stands in the ledger that a house after a crash cannot open.
#[test]
fn the_owner_is_told_to_keep_an_opening_whatever_comes_before_it() {
    let mut hall = Hall::open();
    // As the first act of a frame, whose signer has seen the seal that has no line yet.
    let first = opening(60_119, 0xb1);
    assert!(hall.running.house.owes_seal());
    let signed = hall.sign("ada", hall.lower("2", &first));
    assert!(hall.running.house.would_lower(at(1_000), &signed, &first));
    let answer =
        hall.running.one(|house| house.submit_with(at(1_000), 1, signed.clone(), Some(first)));
    entered(&answer);
    assert!(!hall.running.house.would_lower(at(1_000), &signed, &first), "it is kept already");
    // And where a tick is due before it.
    let second = opening(50_777, 0xb2);
    entered(&lower(&mut hall, 19_000, &second, Some(second)));
    hall.finish(200_000);
}

#[test]
fn flags_follow_the_reserve_in_force() {
    let mut hall = Hall::open();
    let flag = |hall: &Hall| {
        let (_, body) = lines(&hall.ledger()).pop().expect("a line");
        ["true", "false"].into_iter().find(|met| body.contains(&format!("\"reserve_met\":{met}")))
    };
    entered(&hall.bid(1_000, "alice", "1", 80_316));
    assert_eq!(flag(&hall), Some("false"));
    entered(&hall.bid(1_100, "alice", "1", 80_330));
    assert_eq!(flag(&hall), Some("true"), "the leader may raise until the reserve is met");
    assert_eq!(refused(&hall.bid(1_200, "alice", "1", 90_000)), Code::AlreadyLeading);
    entered(&hall.act(1_300, "ada", Deed::Void { lot: id("1"), seen: hall.seen("1") }));
    assert_eq!(flag(&hall), Some("false"), "of the bid that stands again");
    entered(&hall.act(1_400, "ada", Deed::Void { lot: id("1"), seen: hall.seen("1") }));
    assert_eq!(flag(&hall), None, "no price stands");
    entered(&hall.bid(1_500, "bob", "3", 100));
    assert_eq!(flag(&hall), None, "lot 3 has no reserve");
    hall.finish(200_000);
}

#[test]
fn nothing_of_a_reserve_is_in_the_ledger_before_its_lot_has_ended() {
    let mut hall = Hall::open();
    let lowered = opening(60_119, 0xb1);
    let secrets = |lot: &str, hall: &Hall| -> Vec<String> {
        let kept = hall.world.reserves.iter().filter(|kept| kept.lot == id(lot));
        let mut openings: Vec<ReserveOpening> = kept.map(|kept| kept.opening).collect();
        openings.extend((lot == "2").then_some(lowered));
        let texts = |opening: ReserveOpening| {
            let nonce = Hash::from_bytes(opening.nonce).to_string();
            [opening.reserve.minor_units().to_string(), nonce]
        };
        openings.into_iter().flat_map(texts).collect()
    };
    let told = |lot: &str, hall: &Hall| {
        let ledger = String::from_utf8(hall.ledger()).expect("UTF-8");
        let told: Vec<bool> =
            secrets(lot, hall).iter().map(|secret| ledger.contains(secret)).collect();
        assert!(told.iter().all(|one| *one == told[0]), "all of lot {lot} or nothing: {told:?}");
        told[0]
    };
    let mut over: Vec<&str> = Vec::new();
    let mut look = |hall: &Hall, ended: &[&'static str]| {
        over.extend(ended);
        for (lot, _) in RESERVES {
            assert_eq!(told(lot, hall), over.contains(&lot), "lot {lot}");
        }
    };
    look(&hall, &[]);
    entered(&lower(&mut hall, 1_000, &lowered, Some(lowered)));
    let wrong = opening(60_118, 0xb1);
    assert_eq!(refused(&lower(&mut hall, 1_000, &lowered, Some(wrong))), Code::ReserveNotLowered);
    entered(&hall.bid(1_100, "alice", "1", 100));
    entered(&hall.bid(1_200, "bob", "1", 90_000));
    entered(&hall.act(1_300, "ada", Deed::Void { lot: id("1"), seen: hall.seen("1") }));
    entered(&hall.act(1_400, "ada", Deed::Open { lot: id("2") }));
    entered(&hall.enter(1_500, "2", paddle("9"), 100));
    look(&hall, &[]);
    entered(&hall.act(1_600, "ada", Deed::Withdraw { lot: id("5") }));
    look(&hall, &["5"]);
    entered(&hall.act(1_700, "ada", Deed::Hammer { lot: id("2"), seen: hall.seen("2") }));
    look(&hall, &["2"]);
    hall.running.quiet(at(50_000));
    look(&hall, &["1"]);
    hall.finish(200_000);
}

#[test]
fn a_start_without_a_reserve_that_is_still_hidden_is_refused() {
    let mut hall = Hall::open();
    let lowered = opening(60_119, 0xb1);
    entered(&lower(&mut hall, 1_000, &lowered, Some(lowered)));
    entered(&hall.act(1_100, "ada", Deed::Withdraw { lot: id("5") }));
    let ledger = hall.ledger();
    let all: Vec<KeptReserve> = {
        let lowered = KeptReserve { lot: id("2"), opening: lowered };
        hall.world.reserves.iter().cloned().chain([lowered]).collect()
    };
    let without = |place: usize| {
        let mut kept = all.clone();
        kept.remove(place);
        kept
    };
    let go_on = |kept: &[KeptReserve]| {
        let folder = crashed(hall.folder.path(), &ledger);
        let went = hall.world.go_on_with(folder.path(), at(5_000), kept);
        if went.is_err() {
            let now = std::fs::read(folder.path().join("spring.jsonl")).expect("reads");
            assert_eq!(now, ledger, "a refusal touches nothing");
        }
        went.map(|_| ()).map_err(|refused| refused.0)
    };
    for (place, lot) in [(0, "1"), (1, "2"), (3, "2")] {
        match go_on(&without(place)) {
            Err(RecoveryRefusal::Reserve(missing)) => assert_eq!(missing.lot, id(lot)),
            other => panic!("without {place}: {other:?}"),
        }
    }
    let mut other = all.clone();
    other[0].opening.nonce[0] ^= 1;
    assert!(matches!(go_on(&other), Err(RecoveryRefusal::Reserve(_))), "another sale's file");
    go_on(&without(2)).expect("lot 5 has ended, and is open to all");
    let mut more = all.clone();
    more.push(KeptReserve { lot: id("2"), opening: opening(1, 1) });
    more.push(KeptReserve { lot: id("6"), opening: opening(2, 2) });
    more.reverse();
    go_on(&more).expect("what was never committed to is passed over, in any order");
}
