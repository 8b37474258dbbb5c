//! A ledger cut anywhere is taken up again or refused exactly as designed, and no
//! two checkpoints of one size ever differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gavel::house::{Answer, RecoveryRefusal};
use gavel::ledger::Hash;
use gavel::ledger::store::Hindrance;

use super::world::{Running, World, at, folder_in_memory};

/// A sale with a few bids, stopped in its middle; gives every checkpoint it released.
fn interrupted(world: &World, folder: &Path) -> BTreeMap<u64, String> {
    let mut running = world.bear(folder);
    for name in ["alice", "bob"] {
        let enrolled = world.enrolled(name, &running);
        running.one(|house| house.enrol(at(10), &enrolled));
    }
    let bids = [("alice", 51, 1), ("bob", 52, 1), ("alice", 53, 2), ("bob", 54, 2)];
    for (i, (name, amount, n)) in (0u64..).zip(bids) {
        let bid = world.bid(&running, name, "1", amount, n);
        let answer = running.one(|house| house.submit(at(1_000 + i), 0, bid));
        assert!(matches!(answer, Answer::Entered(_)));
    }
    running.notes
}

fn copy(from: &Path, to: &Path, ledger: &[u8], anchor: bool) {
    fs::write(to.join("spring.jsonl"), ledger).expect("writes");
    if anchor {
        let text = fs::read(from.join("spring.checkpoint")).expect("reads");
        fs::write(to.join("spring.checkpoint"), text).expect("writes");
    }
}

/// Takes the sale up and plays it to its end; every checkpoint is held against `released`.
fn play_on(world: &World, folder: &Path, released: &BTreeMap<u64, String>) {
    let mut running = world.go_on(folder, at(60_000)).expect("goes on");
    running.quiet(at(500_000));
    assert!(running.house.is_finished());
    for (size, note) in &running.notes {
        let before = released.get(size);
        assert!(before.is_none_or(|before| before == note), "two checkpoints of size {size}");
    }
    drop(running);
    world.recover(folder).expect("what was played on is whole");
}

#[test]
fn a_ledger_cut_at_every_byte_of_its_last_lines_is_taken_up_or_refused() {
    let home = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let released = interrupted(&world, home.path());
    let ledger = fs::read(home.path().join("spring.jsonl")).expect("reads");
    let ends: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    let from = ends[ends.len() - 6];
    let anchored = 6 + 5; // Line 0, five lots; the anchor in the file is the first one.
    assert!(ends.len() > anchored);
    for cut in from..=ledger.len() {
        let folder = folder_in_memory();
        copy(home.path(), folder.path(), &ledger[..cut], true);
        play_on_some(&world, folder.path(), &released, cut, &ends);
    }
}

/// A whole play for cuts at line ends, a recovery for all: the rest is alike.
fn play_on_some(
    world: &World,
    folder: &Path,
    released: &BTreeMap<u64, String>,
    cut: usize,
    ends: &[usize],
) {
    if ends.contains(&cut) {
        // Checkpoints beyond the cut were never released by a house whose disk says this.
        let whole = u64::try_from(ends.iter().filter(|end| **end <= cut).count()).expect("few");
        let kept = released.range(..=whole).map(|(k, v)| (*k, v.clone())).collect();
        play_on(world, folder, &kept);
        return;
    }
    let running = world.go_on(folder, at(60_000)).expect("goes on");
    let kept = ends.iter().filter(|end| **end <= cut).count();
    assert!(
        running.store.lines() >= u64::try_from(kept + 2).expect("few"),
        "seal and outage follow"
    );
    let torn = fs::read(folder.join("spring.jsonl.broken.1")).expect("the cut bytes are kept");
    assert!(!torn.is_empty());
}

#[test]
fn lines_beyond_the_last_sync_may_be_lost_but_no_acknowledged_one() {
    let home = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    let mut running = world.bear(home.path());
    let enrolled = world.enrolled("alice", &running);
    running.one(|house| house.enrol(at(10), &enrolled));
    running.store.write_anchor(running.house.checkpoint()).expect("writes");
    let anchored = running.house.checkpoint().checkpoint().size;
    let bid = world.bid(&running, "alice", "1", 51, 1);
    running.one(|house| house.submit(at(20), 0, bid));
    drop(running);
    let ledger = fs::read(home.path().join("spring.jsonl")).expect("reads");
    let ends: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    for (lines, cut) in ends.iter().enumerate().map(|(i, end)| (i + 1, *end)) {
        let folder = folder_in_memory();
        copy(home.path(), folder.path(), &ledger[..cut], true);
        let result = world.go_on(folder.path(), at(60_000));
        let lines = u64::try_from(lines).expect("few");
        if lines >= anchored {
            result.unwrap_or_else(|refused| panic!("{lines} lines: {refused:?}"));
        } else {
            let refused = result.err().expect("acknowledged lines are missing");
            let before = fs::read(folder.path().join("spring.jsonl")).expect("reads");
            assert_eq!(before, ledger[..cut], "a refusal touches nothing");
            let hindered = matches!(
                refused.0,
                RecoveryRefusal::Hindered { why: Hindrance::AnchorNotReached, .. }
                    | RecoveryRefusal::NoCatalogue
            );
            assert!(hindered, "{lines} lines: {refused:?}");
        }
    }
}

#[test]
fn damage_before_a_valid_seal_is_refused() {
    let home = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    interrupted(&world, home.path());
    let ledger = fs::read(home.path().join("spring.jsonl")).expect("reads");
    let ends: Vec<usize> =
        ledger.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    for line in 12..ends.len() - 2 {
        let folder = folder_in_memory();
        let mut damaged = ledger.clone();
        damaged[ends[line] + 40] ^= 1;
        copy(home.path(), folder.path(), &damaged, true);
        let refused = world.go_on(folder.path(), at(60_000)).err().expect("refused");
        let after = fs::read(folder.path().join("spring.jsonl")).expect("reads");
        assert_eq!(after, damaged, "a refusal touches nothing: {refused:?}");
    }
}

#[test]
fn a_missing_anchor_beside_a_sealed_ledger_is_refused() {
    let home = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    interrupted(&world, home.path());
    let folder = folder_in_memory();
    let ledger = fs::read(home.path().join("spring.jsonl")).expect("reads");
    copy(home.path(), folder.path(), &ledger, false);
    let refused = world.go_on(folder.path(), at(60_000)).err().expect("refused");
    let missing = RecoveryRefusal::Hindered { why: Hindrance::AnchorMissing, kept: 0 }.to_string();
    let begins = missing.split(" (").next().expect("a sentence").to_owned();
    assert!(refused.0.to_string().starts_with(&begins), "{refused:?}");
}

#[test]
fn a_sale_stopped_at_any_frame_goes_on_without_a_second_checkpoint_of_any_size() {
    let world = World::new(&["alice", "bob"]);
    for stop in 0..12u64 {
        let folder = folder_in_memory();
        let mut running: Running = world.bear(folder.path());
        let mut released = BTreeMap::new();
        let names = ["alice", "bob"];
        for name in names {
            let enrolled = world.enrolled(name, &running);
            running.one(|house| house.enrol(at(10), &enrolled));
        }
        for i in 0..12u64 {
            if i == stop {
                released.append(&mut running.notes);
                drop(running);
                running = world.go_on(folder.path(), at(5_000 + i * 100)).expect("goes on");
            }
            let name = names[usize::try_from(i % 2).expect("small")];
            let bid = world.bid(&running, name, "1", 51 + i, i / 2 + 1);
            let now = at(1_000 + i * 1_000);
            let answer = running.one(|house| house.submit(now, 0, bid));
            assert!(matches!(answer, Answer::Entered(_)), "{answer:?}");
        }
        running.quiet(at(900_000));
        assert!(running.house.is_finished());
        for (size, note) in &running.notes {
            assert!(released.get(size).is_none_or(|before| before == note), "size {size}");
        }
    }
}

/// What a later version wrote was acknowledged like everything else: it is no damage.
#[test]
fn an_entry_of_a_later_version_is_refused_and_not_cut_off() {
    let home = folder_in_memory();
    let world = World::new(&["alice", "bob"]);
    interrupted(&world, home.path());
    let path = home.path().join("spring.jsonl");
    let ledger = fs::read(&path).expect("reads");
    let last = ledger.split(|b| *b == b'\n').rfind(|line| !line.is_empty()).expect("lines");
    let seq = ledger.iter().filter(|b| **b == b'\n').count();
    let (prev, time) = (Hash::of(last), at(9_000).unix_ms());
    for tail in [
        format!(r#""t":"auction_by_candle","ts":{time},"v":1"#),
        format!(r#""t":"tick","ts":{time},"v":2"#),
        format!(r#""t":"tick","tai":{time},"v":2"#),
    ] {
        let mut later = ledger.clone();
        let line = format!(r#"{{"body":{{}},"prev":"{prev}","seq":{seq},{tail}}}"#);
        later.extend_from_slice(line.as_bytes());
        later.push(b'\n');
        fs::write(&path, &later).expect("writes");
        let refused = world.go_on(home.path(), at(60_000)).err().expect("refused");
        assert!(matches!(refused.0, RecoveryRefusal::OtherVersion { .. }), "{tail}: {refused:?}");
        assert_eq!(fs::read(&path).expect("reads"), later, "a refusal touches nothing");
    }
}
