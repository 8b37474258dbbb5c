//! The store against crashes: ledgers as the house writes them, damaged as
//! crashes damage them, read and rewritten in real folders.

mod copy;
mod crash;

use std::convert::Infallible;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use ed25519_dalek::SigningKey;

use super::*;
use crate::ledger::WitnessKey;
use crate::ledger::chain::{Chain, ChainError};
use crate::ledger::checkpoint::SealingKey;
use crate::ledger::entry::{Draft, Kind, Line};
use crate::time::Timestamp;

const OPENING_LINES: usize = 4;

/// A house as far as the store can tell: a chain, a key, and a clock that counts lines.
struct House {
    chain: Chain,
    key: SealingKey,
}

impl House {
    fn new() -> Self {
        let key = SealingKey::new("house/s".to_owned(), SigningKey::from_bytes(&[7; 32]))
            .expect("a good name");
        Self { chain: Chain::new(), key }
    }

    fn entry(&mut self, kind: Kind, body: String) -> Chained {
        let at = Timestamp::from_unix_ms(1_000 + self.chain.size()).expect("in range");
        self.chain.append(Draft { kind, at, body: body.into_bytes() }).expect("canonical")
    }

    fn opening(&mut self) -> Vec<Chained> {
        let mut lines = vec![self.entry(Kind::Open, r#"{"title":"s"}"#.to_owned())];
        for lot in 1..OPENING_LINES {
            lines.push(self.entry(Kind::Lot, format!(r#"{{"id":"{lot}"}}"#)));
        }
        lines
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.key.sign(self.chain.size(), self.chain.root())
    }

    /// The seal over everything so far, then `entries` ticks.
    fn frame(&mut self, entries: usize) -> Vec<Chained> {
        let checkpoint = self.checkpoint();
        let mut lines = vec![self.chain.append_seal(&checkpoint).expect("over all lines")];
        lines.extend((0..entries).map(|_| self.entry(Kind::Tick, "{}".to_owned())));
        lines
    }
}

/// A sale with `frames` frames, on disk; the bytes of its ledger.
fn sale(folder: &Path, frames: usize) -> Vec<u8> {
    let mut house = House::new();
    let locked = lock(folder, "s").expect("locks");
    let (mut store, committed) = locked.create(house.opening()).expect("creates");
    assert_eq!(committed.len(), OPENING_LINES);
    for frame in 0..frames {
        store.write_anchor(&house.checkpoint()).expect("anchors");
        store.commit(house.frame(frame % 3)).expect("commits");
    }
    fs::read(store.path()).expect("readable")
}

fn scan_all(locked: &Locked) -> Scan {
    locked.scan(|_, _| Ok::<_, Infallible>(Visit::Keep)).expect("scans")
}

/// Where each line begins, and where the file ends.
fn boundaries(ledger: &[u8]) -> Vec<usize> {
    let ends = ledger.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

/// Puts `damaged` where the ledger was and starts; `kept` lines must survive.
fn check_recovery(folder: &Path, original: &[u8], damaged: &[u8], kept: usize, what: &str) {
    let path = folder.join("s.jsonl");
    fs::write(&path, damaged).expect("writes");
    let boundary = boundaries(original)[kept];
    let locked = lock(folder, "s").expect("locks");
    let scan = scan_all(&locked);
    assert_eq!(scan.lines(), count(kept), "{what}");
    assert_eq!(scan.bytes(), count(boundary), "{what}");
    assert_eq!(scan.bytes_cut(), count(damaged.len() - boundary), "{what}");
    assert_eq!(scan.broken().is_some(), damaged.len() > boundary, "{what}");
    assert_eq!(fs::read(&path).expect("readable"), damaged, "a scan changes nothing: {what}");

    let store = locked.rewrite(scan).expect("rewrites");
    assert_eq!(fs::read(&path).expect("readable"), &original[..boundary], "{what}");
    match store.cut() {
        Some(broken) => {
            assert_eq!(fs::read(broken).expect("readable"), &damaged[boundary..], "{what}");
            fs::remove_file(broken).expect("removes");
        }
        None => assert_eq!(damaged.len(), boundary, "{what}"),
    }
}

/// A small generator (xorshift64*), so that a failure can be run again from its seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).expect("31 bits") % bound
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| u8::try_from(self.below(256)).expect("a byte")).collect()
    }
}

#[test]
fn a_cut_at_any_byte_of_the_last_lines_keeps_the_whole_lines() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 6);
    let lines = boundaries(&ledger);
    for at in lines[lines.len() - 6]..=ledger.len() {
        let kept = lines.iter().filter(|boundary| **boundary <= at).count() - 1;
        check_recovery(root.path(), &ledger, &ledger[..at], kept, &format!("cut at {at}"));
    }
}

#[test]
fn a_cut_at_any_byte_shows_its_kind_of_break() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 2);
    let check = |damaged: &[u8], expected: fn(&Break) -> bool| {
        fs::write(root.path().join("s.jsonl"), damaged).expect("writes");
        let scan = scan_all(&lock(root.path(), "s").expect("locks"));
        assert!(scan.broken().is_some_and(expected), "{:?}", scan.broken());
    };
    let lines = boundaries(&ledger);
    let without = |line: usize| [&ledger[..lines[line]], &ledger[lines[line + 1]..]].concat();
    check(&ledger[..ledger.len() - 1], |broken| *broken == Break::Torn);
    check(&[&ledger[..], &[0; 4096]].concat(), |broken| *broken == Break::Torn);
    check(&[&ledger[..], &[0; 40_000]].concat(), |broken| *broken == Break::TooLong);
    check(&[&ledger[..], b"\n"].concat(), |broken| matches!(broken, Break::Malformed(_)));
    check(&[&ledger[..], b"{}\n"].concat(), |broken| matches!(broken, Break::Malformed(_)));
    check(&without(3), |broken| {
        *broken == Break::Unchained(ChainError::Seq { expected: 3, found: 4 })
    });
    let renamed =
        String::from_utf8(ledger.clone()).expect("text").replace(r#""id":"1""#, r#""id":"2""#);
    check(renamed.as_bytes(), |broken| matches!(broken, Break::Unchained(ChainError::Prev { .. })));
}

#[test]
fn zeros_and_garbage_and_missing_lines_break_where_they_begin() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 6);
    let lines = boundaries(&ledger);
    for seed in 1..=60 {
        let mut random = Random::new(seed);
        let at = lines[1] + random.below(ledger.len() - lines[1]);
        let kept = lines.iter().filter(|boundary| **boundary <= at).count() - 1;
        let check = |damaged: &[u8], kept: usize, what: &str| {
            check_recovery(root.path(), &ledger, damaged, kept, &format!("{what}, seed {seed}"));
        };
        let zeros = vec![0; ledger.len() - at];
        check(&[&ledger[..at], &zeros].concat(), kept, "zero-filled tail");
        let length = 1 + random.below(3_000);
        let garbage = random.bytes(length);
        check(&[&ledger[..lines[kept]], &garbage].concat(), kept, "garbage tail");
        check(&[&ledger[..], &garbage].concat(), lines.len() - 1, "garbage after the end");
        check(&[&ledger[..lines[kept]], &ledger[lines[kept + 1]..]].concat(), kept, "line missing");
        let twice = [&ledger[..lines[kept + 1]], &ledger[lines[kept]..]].concat();
        check(&twice, kept + 1, "line twice");
        check(&ledger[..lines[kept]], kept, "whole lines missing at the end");
    }
}

#[test]
fn what_is_kept_goes_on_as_if_nothing_had_happened() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 6);
    let path = root.path().join("s.jsonl");
    fs::write(&path, &ledger[..ledger.len() - 5]).expect("writes");

    let mut house = House::new();
    let locked = lock(root.path(), "s").expect("locks");
    let scan = locked
        .scan(|raw, line: &Line<'_>| house.chain.replay(line, raw).map(|()| Visit::Keep))
        .expect("replays");
    assert_eq!(scan.broken(), Some(&Break::Torn));
    let mut store = locked.rewrite(scan).expect("rewrites");
    assert_eq!(store.lines(), house.chain.size());
    store.write_anchor(&house.checkpoint()).expect("anchors");
    for _ in 0..3 {
        store.commit(house.frame(2)).expect("commits");
    }
    drop(store);

    let locked = lock(root.path(), "s").expect("locks");
    let scan = scan_all(&locked);
    assert_eq!(scan.broken(), None);
    assert_eq!(scan.lines(), house.chain.size());
    let store = locked.rewrite(scan).expect("rewrites");
    let whole = fs::read(&path).expect("readable");
    let offsets: Vec<_> = (0..=store.lines()).filter_map(|seq| store.offset_of(seq)).collect();
    assert_eq!(offsets, boundaries(&whole).into_iter().map(count).collect::<Vec<_>>());
    assert_eq!(store.offset_of(store.lines() + 1), None);
    assert_eq!(store.bytes(), count(whole.len()));
    assert_eq!(store.cut(), None);
}

#[test]
fn a_crash_during_a_start_leaves_nothing_worse_behind() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 3);
    let at = |name: &str| root.path().join(name);
    fs::write(at("s.jsonl"), &ledger[..ledger.len() - 1]).expect("writes");
    // The start before this one saved the cut bytes, wrote half of the new file, and lost power.
    fs::write(at("s.jsonl.broken.1"), "kept for ever").expect("writes");
    fs::write(at("s.jsonl.new"), "half a led").expect("writes");
    fs::write(at("s.checkpoint.new"), "half a check").expect("writes");

    let locked = lock(root.path(), "s").expect("locks");
    let scan = scan_all(&locked);
    let kept = usize::try_from(scan.bytes()).expect("small");
    let store = locked.rewrite(scan).expect("rewrites");
    assert_eq!(store.cut(), Some(at("s.jsonl.broken.2").as_path()));
    assert_eq!(fs::read(at("s.jsonl")).expect("readable"), &ledger[..kept]);
    let cut = fs::read(at("s.jsonl.broken.2")).expect("readable");
    assert_eq!(cut, &ledger[kept..ledger.len() - 1]);
    assert_eq!(fs::read(at("s.jsonl.broken.1")).expect("readable"), b"kept for ever");
    assert!(!at("s.jsonl.new").exists());
}

#[test]
fn a_rewrite_takes_no_bytes_but_those_that_were_validated() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 3);
    let path = root.path().join("s.jsonl");
    let check = |between: &[u8]| {
        fs::write(&path, &ledger).expect("writes");
        let locked = lock(root.path(), "s").expect("locks");
        let scan = scan_all(&locked);
        fs::write(&path, between).expect("writes");
        let failure = locked.rewrite(scan).expect_err("refuses");
        assert!(matches!(failure, StoreFailure::Changed { .. }), "{failure:?}");
        assert_eq!(fs::read(&path).expect("readable"), between);
        assert!(!root.path().join("s.jsonl.new").exists());
    };
    let mut flipped = ledger.clone();
    flipped[20] ^= 1;
    check(&flipped);
    check(&ledger[..ledger.len() - 1]);
    check(&[&ledger[..], b"x"].concat());
}

#[test]
fn a_visitor_breaks_or_refuses() {
    let root = tempfile::tempdir().expect("temp dir");
    sale(root.path(), 3);
    let locked = lock(root.path(), "s").expect("locks");
    let broken = locked.scan(|_, line| {
        Ok::<_, Infallible>(if line.seq == 5 { Visit::Break } else { Visit::Keep })
    });
    let broken = broken.expect("scans");
    assert_eq!((broken.lines(), broken.broken()), (5, Some(&Break::Body)));
    let refused =
        locked.scan(
            |_, line| {
                if line.seq == 5 { Err(Hindrance::AnchorNotReached) } else { Ok(Visit::Keep) }
            },
        );
    assert!(matches!(refused, Err(ScanError::Refused { line: 5, .. })));
}

#[test]
fn seals_beyond_the_break_are_found() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 4);
    let mut damaged = ledger.clone();
    let at = boundaries(&ledger)[6];
    damaged[at] = b'X';
    fs::write(root.path().join("s.jsonl"), &damaged).expect("writes");
    let locked = lock(root.path(), "s").expect("locks");
    let scan = scan_all(&locked);
    assert_eq!(scan.lines(), 6);
    let house = House::new();
    let key = house.key.verifying_key();
    let larger = |note: &str| {
        SignedCheckpoint::verify(note, "house/s", &key)
            .is_ok_and(|signed| signed.checkpoint().size > scan.lines())
    };
    let found = locked.find_note_beyond(&scan, larger).expect("reads");
    assert!(found.is_some());
    fs::write(root.path().join("s.jsonl"), &ledger).expect("writes");
    let whole = scan_all(&locked);
    assert_eq!(locked.find_note_beyond(&whole, |_| true).expect("reads"), None);
}

#[test]
fn the_anchor_is_replaced_whole_and_never_ahead_of_the_disk() {
    let root = tempfile::tempdir().expect("temp dir");
    let other_disk = tempfile::tempdir().expect("temp dir");
    let mut house = House::new();
    let locked = lock(&root.path().join("ledger"), "s").expect("locks");
    let locked = locked.anchor_in(other_disk.path()).expect("locks the anchor");
    assert_eq!(locked.anchor().expect("reads"), None);
    let (mut store, _) = locked.create(house.opening()).expect("creates");
    for _ in 0..2 {
        let checkpoint = house.checkpoint();
        store.write_anchor(&checkpoint).expect("anchors");
        let written = fs::read_to_string(other_disk.path().join("s.checkpoint"));
        assert_eq!(written.expect("readable"), checkpoint.note());
        store.commit(house.frame(1)).expect("commits");
    }
    let frame = house.frame(1);
    let ahead = store.write_anchor(&house.checkpoint());
    assert!(matches!(ahead, Err(StoreFailure::AheadOfDisk { size: 10, committed: 8, .. })));
    store.commit(frame).expect("nothing was written, so nothing is unknown");
    drop(store);
    let locked = lock(&root.path().join("ledger"), "s").expect("locks");
    let locked = locked.anchor_in(other_disk.path()).expect("locks the anchor");
    assert!(locked.anchor().expect("reads").is_some_and(|note| note.starts_with("house/s\n6\n")));
}

#[test]
fn a_cosigned_checkpoint_stands_beside_the_anchor_and_spoils_nothing() {
    let root = tempfile::tempdir().expect("temp dir");
    let other_disk = tempfile::tempdir().expect("temp dir");
    let mut house = House::new();
    let locked = lock(root.path(), "s").expect("locks");
    let locked = locked.anchor_in(other_disk.path()).expect("locks the anchor");
    assert_eq!(locked.cosigned().expect("reads"), None);
    let (mut store, _) = locked.create(house.opening()).expect("creates");
    let file = store.cosigned_file();
    let witness = WitnessKey::new("w", SigningKey::from_bytes(&[8; 32])).expect("a name");
    let line = witness.cosign(&house.checkpoint().checkpoint().to_string(), 5);
    let cosigned = house.checkpoint().with_lines([&line]);
    assert_eq!(cosigned.alone(), house.checkpoint());
    file.replace(&cosigned).expect("writes");
    store.write_anchor(&cosigned).expect("anchors");
    drop(store);
    let files = look(root.path(), "s", Some(other_disk.path())).expect("looks");
    assert_eq!(files.cosigned().expect("reads").as_deref(), Some(cosigned.note()));
    assert_eq!(files.anchor().expect("reads").as_deref(), Some(cosigned.note()));
    fs::write(files.cosigned_path(), b"\xff").expect("writes");
    assert!(files.cosigned().expect("no failure").is_some(), "whatever it is");
    drop(files);

    // A full disk, a folder that is gone: the ledger goes on.
    let locked = lock(root.path(), "s").expect("locks");
    let scan = scan_all(&locked);
    let mut store = locked.rewrite(scan).expect("rewrites");
    let file = store.cosigned_file();
    fs::create_dir(root.path().join("s.cosigned")).expect("stands in the way");
    file.replace(&cosigned).expect_err("cannot be written");
    store.commit(house.frame(1)).expect("commits");
}

#[test]
fn a_sale_is_born_once() {
    let root = tempfile::tempdir().expect("temp dir");
    let ledger = sale(root.path(), 1);
    let locked = lock(root.path(), "s").expect("locks");
    assert!(locked.exists().expect("looks"));
    let again = locked.create(House::new().opening());
    assert!(matches!(again, Err(StoreFailure::Exists { .. })));
    assert_eq!(fs::read(root.path().join("s.jsonl")).expect("readable"), ledger);
}

/// A store whose file is one that fails as disks fail.
fn store_on(device: &str, root: &Path) -> Store {
    let place = Place::lock(Arc::new(disk::Local), root, "s").expect("locks");
    let file = fs::OpenOptions::new().append(true).open(device).expect("opens");
    Store::new(place, Box::new(file), Vec::new(), 0, None)
}

#[test]
fn a_full_disk_poisons_the_store() {
    let root = tempfile::tempdir().expect("temp dir");
    let mut house = House::new();
    let mut store = store_on("/dev/full", root.path());
    let failure = store.commit(house.opening()).expect_err("no room");
    assert_eq!(failure.cause(), Cause::DiskFull);
    assert_eq!((store.lines(), store.bytes()), (0, 0));
    let poisoned = store.commit(Vec::new());
    assert!(matches!(poisoned, Err(StoreFailure::Poisoned { .. })));
    let anchor = store.unless_poisoned(|_| Ok(()));
    assert!(matches!(anchor, Err(StoreFailure::Poisoned { .. })));
}

#[test]
fn a_failed_sync_poisons_the_store() {
    let root = tempfile::tempdir().expect("temp dir");
    let mut store = store_on("/dev/null", root.path());
    let failure = store.commit(House::new().opening()).expect_err("cannot be synced");
    assert!(matches!(failure, StoreFailure::Io { operation: Operation::Sync, .. }));
    assert_eq!(store.lines(), 0);
    assert!(matches!(store.commit(Vec::new()), Err(StoreFailure::Poisoned { .. })));
}

#[test]
fn a_second_writer_or_a_vanished_file_stops_the_house() {
    let meddle = |meddle: fn(&Path)| {
        let root = tempfile::tempdir().expect("temp dir");
        let mut house = House::new();
        let locked = lock(root.path(), "s").expect("locks");
        let (mut store, _) = locked.create(house.opening()).expect("creates");
        meddle(store.path());
        let failure = store.commit(house.frame(1)).expect_err("notices");
        assert!(matches!(failure, StoreFailure::Changed { .. }), "{failure:?}");
        assert!(matches!(store.commit(Vec::new()), Err(StoreFailure::Poisoned { .. })));
    };
    meddle(|path| fs::remove_file(path).expect("removes"));
    meddle(|path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).expect("opens");
        file.write_all(b"x").expect("writes");
    });
    meddle(|path| {
        let saved = path.with_extension("saved");
        fs::copy(path, &saved).expect("copies");
        fs::rename(saved, path).expect("renames");
    });
}

#[test]
fn lines_out_of_order_are_not_written() {
    let root = tempfile::tempdir().expect("temp dir");
    let mut house = House::new();
    let locked = lock(root.path(), "s").expect("locks");
    let (mut store, _) = locked.create(house.opening()).expect("creates");
    let before = fs::read(store.path()).expect("readable");
    house.frame(2);
    let failure = store.commit(house.frame(0)).expect_err("a frame is missing");
    assert!(matches!(failure, StoreFailure::OutOfOrder { expected: 4, given: 7, .. }));
    assert_eq!(fs::read(store.path()).expect("readable"), before);
}
