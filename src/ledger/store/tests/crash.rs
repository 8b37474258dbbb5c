//! Many lives of one sale, each ended by a crash at a random point. After each
//! one the start must go on, keep every released line, and sign no second root
//! for a size; and it must refuse where released lines were taken away.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::{House, OPENING_LINES, Random, boundaries};
use crate::ledger::chain::Chained;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::entry::Kind;
use crate::ledger::hash::Hash;
use crate::ledger::store::*;

/// What outlives a crash beside the sale's own files.
#[derive(Default)]
struct World {
    key_used: bool,
    signed: BTreeMap<u64, Hash>,
    released: Vec<u8>,
    starts: Vec<Start>,
}

impl World {
    /// Signs as the house does, and remembers it as its bidders do.
    fn sign(&mut self, house: &House) -> SignedCheckpoint {
        assert!(self.key_used, "the key signs before it is marked");
        let checkpoint = house.checkpoint();
        let root = checkpoint.checkpoint().root;
        let before = *self.signed.entry(house.chain.size()).or_insert(root);
        assert_eq!(before, root, "two roots for one size");
        checkpoint
    }
}

/// Reads what there is, as a house does at its start.
fn find(locked: &Locked, house: &mut House, key_used: bool) -> (Found, Option<Scan>) {
    let anchor = locked.anchor().expect("reads");
    if !locked.exists().expect("looks") {
        return (Found::Nothing { anchor: anchor.is_some(), key_used }, None);
    }
    let mut kinds = Vec::new();
    let scan = locked.scan(|raw, line| {
        kinds.push(line.kind);
        house.chain.replay(line, raw).map(|()| Visit::Keep)
    });
    let scan = scan.expect("no line chains and goes back in time");
    let verified =
        |note: &str| SignedCheckpoint::verify(note, "house/s", &house.key.verifying_key());
    let larger = locked
        .find_note_beyond(&scan, |note| {
            verified(note).is_ok_and(|signed| signed.checkpoint().size > scan.lines())
        })
        .expect("reads");
    let anchor = anchor.map_or(AnchorFound::Missing, |note| {
        let signed = verified(&note).expect("the anchor is whole");
        let checkpoint = signed.checkpoint();
        match house.chain.tree().root_at(checkpoint.size) {
            Some(root) if root == checkpoint.root => AnchorFound::Reached,
            _ => AnchorFound::NotReached,
        }
    });
    let end = match kinds.as_slice() {
        [.., Kind::Close, Kind::Seal] => End::SealOverClose,
        [.., Kind::Close] => End::Close,
        _ => End::Running,
    };
    let found = Found::Ledger(Present {
        opening_whole: kinds.len() >= OPENING_LINES,
        sealed: kinds.contains(&Kind::Seal),
        broken: scan.broken().is_some(),
        larger_seal_beyond: larger.is_some(),
        anchor,
        end,
    });
    (found, Some(scan))
}

/// Starts the house, and goes on as far as the first seal; `None` when the sale is finished.
fn live(folder: &Path, world: &mut World, random: &mut Random) -> Option<(House, Store)> {
    let mut house = House::new();
    let locked = lock(folder, "s").expect("locks");
    let (found, scan) = find(&locked, &mut house, world.key_used);
    let mut store = match (start(&found), scan) {
        (Start::Create, None) => locked.create(house.opening()).expect("creates").0,
        (Start::Continue(_), Some(scan)) => locked.rewrite(scan).expect("rewrites"),
        (refusal, _) => panic!("{refusal:?} after an honest crash: {found:?}"),
    };
    world.starts.push(start(&found));
    let text = fs::read(store.path()).expect("readable");
    assert!(text.starts_with(&world.released), "a released line is lost");
    if start(&found) == Start::Continue(Continuation::Finished) {
        return None;
    }
    let crash_here = |random: &mut Random| random.below(8) == 0;
    if crash_here(random) {
        return Some((house, store));
    }
    world.key_used = true;
    let checkpoint = world.sign(&house);
    if crash_here(random) {
        return Some((house, store));
    }
    if anchor_is_missing(&store) || random.below(2) == 0 {
        store.write_anchor(&checkpoint).expect("anchors");
    }
    if crash_here(random) {
        return Some((house, store));
    }
    let seal = house.chain.append_seal(&checkpoint).expect("over all lines");
    if start(&found) == Start::Continue(Continuation::SealClose) {
        store.commit(vec![seal]).expect("commits");
        return Some((house, store));
    }
    commit_and_release(world, &mut house, &mut store, vec![seal]);
    run(world, random, &mut house, &mut store);
    Some((house, store))
}

fn anchor_is_missing(store: &Store) -> bool {
    !store.path().with_extension("checkpoint").exists()
}

/// Some frames, and the death of the process in the last of them.
fn run(world: &mut World, random: &mut Random, house: &mut House, store: &mut Store) {
    for _ in 0..random.below(4) {
        if random.below(2) == 0 {
            let checkpoint = world.sign(house);
            store.write_anchor(&checkpoint).expect("anchors");
        }
        let frame = house.frame(1 + random.below(3));
        commit_and_release(world, house, store, frame);
    }
    let mut frame = house.frame(1 + random.below(3));
    if random.below(6) == 0 {
        frame.push(house.entry(Kind::Close, "{}".to_owned()));
    }
    let mut torn: Vec<u8> = Vec::new();
    for line in &frame {
        torn.extend_from_slice(line.bytes());
        torn.push(b'\n');
    }
    let written = random.below(torn.len() + 1);
    match random.below(3) {
        0 => torn.truncate(written),
        1 => torn.iter_mut().skip(written).for_each(|byte| *byte = 0),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().append(true).open(store.path()).expect("opens");
    file.write_all(&torn).expect("writes");
}

fn commit_and_release(
    world: &mut World,
    house: &mut House,
    store: &mut Store,
    frame: Vec<Chained>,
) {
    let committed = store.commit(frame).expect("commits");
    world.sign(house);
    assert_eq!(committed.last().map(|line| line.seq() + 1), Some(house.chain.size()));
    world.released = fs::read(store.path()).expect("readable");
}

#[test]
fn no_crash_loses_a_released_line_or_signs_twice() {
    let mut starts = Vec::new();
    for seed in 1..=60 {
        let root = tempfile::tempdir().expect("temp dir");
        let mut random = Random::new(seed);
        let mut world = World::default();
        let lives = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..12).map_while(|_| live(root.path(), &mut world, &mut random)).count()
        }));
        assert!(lives.is_ok(), "seed {seed}");
        starts.append(&mut world.starts);
    }
    for continuation in [
        Continuation::Finished,
        Continuation::SealClose,
        Continuation::SealThenOutage { anchor_first: false },
        Continuation::SealThenOutage { anchor_first: true },
    ] {
        assert!(starts.contains(&Start::Continue(continuation)), "{continuation:?} never came");
    }
}

#[test]
fn a_ledger_that_lost_released_lines_is_refused() {
    for seed in 1..=30 {
        let root = tempfile::tempdir().expect("temp dir");
        let ledger = super::sale(root.path(), 5);
        let lines = boundaries(&ledger);
        // The newest anchor covers all but the last frame: two lines, for five frames.
        let anchored = lines.len() - 1 - 2;
        let mut random = Random::new(seed);
        let line = random.below(anchored);
        let mut damaged = ledger.clone();
        match random.below(3) {
            0 => damaged.truncate(lines[line]),
            1 => damaged[lines[line]..].fill(0),
            _ => damaged[lines[line]] = b'X',
        }
        fs::write(root.path().join("s.jsonl"), &damaged).expect("writes");
        let mut house = House::new();
        let locked = lock(root.path(), "s").expect("locks");
        let (found, _) = find(&locked, &mut house, true);
        assert!(matches!(start(&found), Start::Refuse(_)), "seed {seed}: {found:?}");
        fs::remove_file(root.path().join("s.checkpoint")).expect("removes");
        let (found, _) = find(&locked, &mut House::new(), true);
        let cut_before_any_seal = damaged.len() == lines[OPENING_LINES];
        assert!(matches!(start(&found), Start::Refuse(_)) || cut_before_any_seal, "seed {seed}");
    }
}

#[test]
fn the_files_in_the_folder_are_those_the_operator_was_told() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = super::sale(root.path(), 2);
    fs::write(root.path().join("s.jsonl"), &ledger[..ledger.len() - 1]).expect("writes");
    let mut house = House::new();
    let locked = lock(root.path(), "s").expect("locks");
    let (found, scan) = find(&locked, &mut house, true);
    assert!(matches!(start(&found), Start::Continue(_)));
    let store = locked.rewrite(scan.expect("a ledger is there")).expect("rewrites");
    assert!(store.cut().is_some());
    let entries = fs::read_dir(root.path()).expect("readable");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("readable").file_name()).collect();
    names.sort();
    assert_eq!(names, ["s.checkpoint", "s.jsonl", "s.jsonl.broken.1", "s.lock"]);
}
