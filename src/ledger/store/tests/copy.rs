//! The copy on a second disk: kept up frame by frame, given up when it fails, and never in the way.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::disk::Local;
use super::*;

/// A disk of this machine that can be broken, or made to stand still.
#[derive(Debug, Default)]
struct Fragile {
    broken: AtomicBool,
    still: Mutex<()>,
}

#[derive(Debug)]
struct FragileFile(Box<dyn DiskFile>, Arc<Fragile>);

#[derive(Debug)]
struct Shared(Arc<Fragile>);

impl Disk for Shared {
    fn entry(&self, path: &Path) -> std::io::Result<Option<Entry>> {
        Local.entry(path)
    }
    fn is_folder(&self, path: &Path) -> bool {
        Local.is_folder(path)
    }
    fn make_folder(&self, path: &Path) -> std::io::Result<()> {
        Local.make_folder(path)
    }
    fn sync_folder(&self, path: &Path) -> std::io::Result<()> {
        Local.sync_folder(path)
    }
    fn open(&self, path: &Path) -> std::io::Result<Box<dyn DiskFile>> {
        Local.open(path)
    }
    fn create_new(&self, path: &Path, readers: Readers) -> std::io::Result<Box<dyn DiskFile>> {
        let file = Local.create_new(path, readers)?;
        Ok(Box::new(FragileFile(file, Arc::clone(&self.0))))
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        Local.rename(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        Local.remove(path)
    }
    fn lock(&self, path: &Path, make: bool) -> std::io::Result<Box<dyn DiskLock>> {
        Local.lock(path, make)
    }
}

impl Read for FragileFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for FragileFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        drop(self.1.still.lock());
        self.0.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Seek for FragileFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

impl DiskFile for FragileFile {
    fn sync_data(&self) -> std::io::Result<()> {
        if self.1.broken.load(Ordering::SeqCst) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.0.sync_data()
    }
    fn sync_all(&self) -> std::io::Result<()> {
        self.0.sync_all()
    }
    fn status(&self) -> std::io::Result<Status> {
        self.0.status()
    }
}

/// A sale of a few frames with a copy on a disk that can break.
struct Twice {
    root: tempfile::TempDir,
    second: Arc<Fragile>,
    house: House,
    store: Store,
}

impl Twice {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("temp dir");
        let second = Arc::new(Fragile::default());
        let mut house = House::new();
        let locked = Self::lock(root.path(), &second);
        let (store, _) = locked.create(house.opening()).expect("creates");
        let mut twice = Self { root, second, house, store };
        twice.store.write_anchor(&twice.house.checkpoint()).expect("anchors");
        twice.commit();
        twice
    }

    fn lock(root: &Path, second: &Arc<Fragile>) -> Locked {
        let locked = lock(&root.join("own"), "s").expect("locks");
        locked.copy_on(Arc::new(Shared(Arc::clone(second))), &root.join("copy")).expect("locks")
    }

    fn commit(&mut self) {
        let frame = self.house.frame(2);
        self.store.commit(frame).expect("the ledger's own disk works");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("readable")
    }
}

#[test]
fn every_frame_is_on_both_disks() {
    let mut twice = Twice::new();
    twice.store.write_private(b"secret").expect("writes");
    for _ in 0..3 {
        twice.commit();
        assert_eq!(twice.bytes("own/s.jsonl"), twice.bytes("copy/s.jsonl"));
    }
    twice.store.write_anchor(&twice.house.checkpoint()).expect("anchors");
    for name in ["s.checkpoint", "s.private"] {
        assert_eq!(twice.bytes(&format!("own/{name}")), twice.bytes(&format!("copy/{name}")));
    }
    twice.store.erase_private().expect("erases");
    assert!(!twice.path("copy/s.private").exists());
    assert!(twice.store.copy().is_some() && twice.store.take_copy_lost().is_none());
}

#[test]
fn a_copy_that_fails_is_given_up_once_and_for_all() {
    let mut twice = Twice::new();
    let lines = twice.store.lines();
    twice.second.broken.store(true, Ordering::SeqCst);
    twice.commit();
    let lost = twice.store.take_copy_lost().expect("is said");
    assert_eq!((lost.lines, lost.why.cause()), (lines, Cause::DiskFull));
    assert!(twice.store.take_copy_lost().is_none() && twice.store.copy().is_none());
    twice.second.broken.store(false, Ordering::SeqCst);
    let copy = twice.bytes("copy/s.jsonl");
    twice.commit();
    assert_eq!(twice.bytes("copy/s.jsonl"), copy, "it is written no more");
    let begun = std::time::Instant::now();
    while !twice.path("copy/s.copy-lost").exists() {
        assert!(begun.elapsed().as_secs() < 60, "word of it is left");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(twice.store.lines(), twice.house.chain.size());
}

#[test]
fn a_copy_that_stands_still_is_waited_for_no_longer_than_the_limit() {
    let mut twice = Twice::new();
    let second = Arc::clone(&twice.second);
    let still = second.still.lock().expect("whole");
    twice.commit();
    let lost = twice.store.take_copy_lost().expect("is said");
    assert!(matches!(lost.why, StoreFailure::Silent { .. }), "{:?}", lost.why);
    twice.commit();
    drop(still);
}

#[test]
fn a_start_begins_from_whichever_goes_further() {
    for own_is_behind in [true, false] {
        let mut twice = Twice::new();
        let earlier = twice.bytes("own/s.jsonl");
        twice.commit();
        let whole = twice.bytes("own/s.jsonl");
        drop(twice.store);
        let behind = if own_is_behind { "own/s.jsonl" } else { "copy/s.jsonl" };
        // A frame and a half on the one disk, half of the first on the other.
        fs::write(twice.root.path().join(behind), &whole[..earlier.len() + 9]).expect("writes");
        let locked = Twice::lock(twice.root.path(), &twice.second);
        let scan = scan_all(&locked);
        assert_eq!((scan.bytes(), scan.broken()), (count(whole.len()), None));
        drop(locked.rewrite(scan).expect("rewrites"));
        for name in ["own/s.jsonl", "copy/s.jsonl"] {
            assert_eq!(fs::read(twice.root.path().join(name)).expect("readable"), whole);
        }
        let saved = twice.root.path().join("own/s.jsonl.broken.1");
        assert!(!saved.exists(), "half a line of what the other has whole is worth nothing");
    }
}

#[test]
fn what_only_the_shorter_one_holds_is_put_aside() {
    let mut twice = Twice::new();
    let earlier = twice.bytes("own/s.jsonl");
    twice.commit();
    let whole = twice.bytes("copy/s.jsonl");
    drop(twice.store);
    // Whatever stands there, with a line end or without: what follows stands in the copy.
    for (place, garbage) in [(1, &b"\0\0\0"[..]), (2, b"\0\n\0\n")] {
        let damaged = [&earlier[..], garbage].concat();
        fs::write(twice.root.path().join("own/s.jsonl"), damaged).expect("writes");
        let locked = Twice::lock(twice.root.path(), &twice.second);
        let scan = scan_all(&locked);
        drop(locked.rewrite(scan).expect("rewrites"));
        let saved = fs::read(twice.root.path().join(format!("own/s.jsonl.broken.{place}")));
        assert_eq!(saved.expect("readable"), garbage);
        for name in ["own/s.jsonl", "copy/s.jsonl"] {
            assert_eq!(fs::read(twice.root.path().join(name)).expect("readable"), whole);
        }
    }
}

#[test]
fn two_that_went_different_ways_are_told_apart() {
    let mut twice = Twice::new();
    let earlier = twice.bytes("own/s.jsonl");
    twice.commit();
    twice.commit();
    drop(twice.store);
    // The ledger's own file went on from there with something else that was never sealed.
    let mut other = House::new();
    for line in earlier.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        other.chain.replay(&Line::parse(line).expect("a line"), line).expect("chained");
    }
    let mut own = earlier.clone();
    let seal = other.chain.append_seal(&other.checkpoint()).expect("over all lines");
    for line in [seal, other.entry(Kind::Clock, "{}".to_owned())] {
        own.extend_from_slice(line.bytes());
        own.push(b'\n');
    }
    fs::write(twice.root.path().join("own/s.jsonl"), own).expect("writes");
    let mut locked = Twice::lock(twice.root.path(), &twice.second);
    let key = House::new().key.verifying_key();
    let sealed = |note: &str| SignedCheckpoint::verify(note, "house/s", &key).is_ok();
    let (path, _) = locked.find_note_in_other(sealed).expect("reads").expect("the copy has seals");
    assert_eq!(path, twice.root.path().join("copy/s.jsonl"));
    assert!(locked.turn_to_other(), "the one that is sealed can be taken");
    assert_eq!(locked.find_note_in_other(sealed).expect("reads"), None);
    let scan = scan_all(&locked);
    drop(locked.rewrite(scan).expect("rewrites"));
    let [own, copy] = ["own/s.jsonl", "copy/s.jsonl"].map(|name| twice.root.path().join(name));
    assert_eq!(fs::read(own).expect("readable"), fs::read(copy).expect("readable"));
}

#[test]
fn another_ledger_is_never_written_over() {
    let twice = Twice::new();
    drop(twice.store);
    let foreign = b"{\"another\":\"ledger\"}\n";
    fs::write(twice.root.path().join("copy/s.jsonl"), foreign).expect("writes");
    let locked = lock(&twice.root.path().join("own"), "s").expect("locks");
    let refused = locked.copy_in(&twice.root.path().join("copy"));
    assert!(matches!(refused, Err(StoreFailure::Exists { .. })));
}
