//! A simulated disk under the real store: what is written and what is durable are kept apart, for
//! files ([`Inode`]) and for names.
//!
//! A name that was made, changed or taken away is durable once its folder was synced; a power cut
//! before that keeps any of these changes, in their order: a prefix, or some and not others. A
//! rename is one change. After a folder sync that failed, what was pending is clean and stays lost,
//! but for new folders: those a later sync makes durable, for nobody can make them anew. A killed
//! process loses nothing of all that: the page cache outlives it.
//!
//! Any call can fail, and at any call the process can end. After a call that failed, the process
//! may take its leftovers away and must change nothing else: that is checked here.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::dice::Dice;
use super::hall::Hall;
use super::inode::Inode;
use super::trace::{Trace, step};

/// The payload with which a process ends in the middle of a call.
#[derive(Debug)]
pub(super) struct Crash;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// The host goes on: all that was written is there.
    Killed,
    /// Only what is durable is there.
    PowerCut,
}

/// What becomes of one life of the process at the disk; calls are counted from its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    /// At which call the process ends.
    pub(super) crash_at: Option<u64>,
    /// Which call fails.
    pub(super) fail_at: Option<u64>,
    /// Whether it fails for want of room.
    pub(super) is_full: bool,
    /// When the process ends, whatever it does; while it waits for the disk, in the middle of that.
    pub(super) dies_at_us: Option<u64>,
}

/// A call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    MakeFolder,
    Remove,
    Rename,
    Sync,
    SyncFolder,
    Write,
}

/// The disk. It outlives every process.
#[derive(Debug)]
pub(super) struct FakeDisk {
    state: Mutex<State>,
    trace: Trace,
    /// Who goes on while a process waits for the disk.
    hall: Mutex<Weak<Mutex<Hall>>>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
    locks: BTreeSet<PathBuf>,
    /// Which process may use the disk; others are dead.
    life: u64,
    calls: u64,
    fate: Fate,
    failures: u64,
    /// It says that it syncs, and does not.
    is_lying: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(usize),
    Folder,
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
enum Change {
    Put { path: PathBuf, node: Node },
    Remove { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, node: Node },
}

/// What a call comes to.
enum Turn {
    Done,
    Failed(io::Error),
    CrashBefore,
    CrashAfter,
}

impl FakeDisk {
    /// An empty disk with these folders.
    pub(super) fn new(dice: Dice, trace: Trace, folders: &[&Path]) -> Arc<Self> {
        let names: BTreeMap<PathBuf, Node> =
            folders.iter().map(|folder| ((*folder).to_owned(), Node::Folder)).collect();
        let state = State {
            dice,
            inodes: Vec::new(),
            durable_names: names.clone(),
            names,
            pending: Vec::new(),
            locks: BTreeSet::new(),
            life: 0,
            calls: 0,
            fate: Fate::default(),
            failures: 0,
            is_lying: false,
        };
        Arc::new(Self { state: Mutex::new(state), trace, hall: Mutex::default() })
    }

    /// Names who goes on while a process waits for the disk.
    pub(super) fn serve(&self, hall: &Arc<Mutex<Hall>>) {
        *self.hall.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(hall);
    }

    /// A disk that says that it syncs, and does not.
    pub(super) fn lie(&self) {
        self.state().is_lying = true;
    }

    /// A process begins; gives the number of its life.
    pub(super) fn begin_life(&self, fate: Fate) -> u64 {
        let mut state = self.state();
        state.life += 1;
        state.calls = 0;
        state.failures = 0;
        state.fate = fate;
        state.life
    }

    /// How many calls have failed in this life.
    pub(super) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// The process has ended; its locks end with it.
    pub(super) fn end_life(&self, death: Death) {
        let mut state = self.state();
        state.life += 1;
        state.locks.clear();
        if death == Death::PowerCut {
            state.cut_power();
        }
    }

    /// What a process reads in a file; nothing where there is none.
    pub(super) fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.names.get(path)? {
            Node::File(inode) => Some(state.inodes[*inode].written.clone()),
            Node::Folder => None,
        }
    }

    /// Some bytes of a file that is there.
    pub(super) fn read_range(&self, path: &Path, range: Range<u64>) -> Vec<u8> {
        let state = self.state();
        let Some(Node::File(inode)) = state.names.get(path) else { return Vec::new() };
        let place = |at: u64| usize::try_from(at).expect("fits");
        let range = place(range.start)..place(range.end);
        state.inodes[*inode].written.get(range).unwrap_or_default().to_vec()
    }

    pub(super) fn state_of(&self, path: &Path) -> Option<Node> {
        self.state().names.get(path).copied()
    }

    pub(super) fn locks_of(&self, change: impl FnOnce(&mut BTreeSet<PathBuf>) -> bool) -> bool {
        change(&mut self.state().locks)
    }

    /// Whether some name leads to that file.
    pub(super) fn is_named(&self, inode: usize) -> bool {
        self.state().names.values().any(|node| *node == Node::File(inode))
    }

    /// Looks into a file.
    pub(super) fn inode<T>(&self, inode: usize, look: impl FnOnce(&Inode) -> T) -> T {
        look(&self.state().inodes[inode])
    }

    /// Cuts a file off, as no store may.
    #[cfg(feature = "planted-faults")]
    pub(super) fn truncate(&self, inode: usize, bytes: usize) {
        self.state().inodes[inode].truncate(bytes);
    }

    /// Fewer than `most`, now and then: what reads and writes may come to.
    pub(super) fn short(&self, most: usize) -> usize {
        let mut state = self.state();
        if most > 1 && state.dice.percent(5) { 1 + state.dice.place(most - 1) } else { most }
    }

    /// Makes a name.
    pub(super) fn put(&self, life: u64, path: &Path, is_folder: bool) -> io::Result<Node> {
        let call = if is_folder { Call::MakeFolder } else { Call::Create };
        let mut made = Node::Folder;
        self.call(life, call, path, |state, turn| match turn {
            Turn::Done | Turn::CrashAfter => {
                if state.names.contains_key(path) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                if !is_folder {
                    state.inodes.push(Inode::default());
                    made = Node::File(state.inodes.len() - 1);
                }
                state.change(Change::Put { path: path.to_owned(), node: made });
                Ok(())
            }
            Turn::Failed(error) => Err(error),
            Turn::CrashBefore => Ok(()),
        })?;
        Ok(made)
    }

    pub(super) fn remove(&self, life: u64, path: &Path) -> io::Result<()> {
        self.call(life, Call::Remove, path, |state, turn| match turn {
            Turn::Done | Turn::CrashAfter => {
                if !state.names.contains_key(path) {
                    return Err(io::ErrorKind::NotFound.into());
                }
                state.change(Change::Remove { path: path.to_owned() });
                Ok(())
            }
            Turn::Failed(error) => Err(error),
            Turn::CrashBefore => Ok(()),
        })
    }

    pub(super) fn rename(&self, life: u64, from: &Path, to: &Path) -> io::Result<()> {
        self.call(life, Call::Rename, to, |state, turn| {
            let node = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
            let change = Change::Rename { from: from.to_owned(), to: to.to_owned(), node };
            match turn {
                Turn::Done | Turn::CrashAfter => {
                    state.change(change);
                    Ok(())
                }
                // It may have been done all the same.
                Turn::Failed(error) => {
                    if state.dice.percent(25) {
                        state.change(change);
                    }
                    Err(error)
                }
                Turn::CrashBefore => Ok(()),
            }
        })
    }

    pub(super) fn write(
        &self,
        life: u64,
        inode: usize,
        path: &Path,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let most = self.short(bytes.len());
        let mut written = 0;
        self.call(life, Call::Write, path, |state, turn| {
            let (take, result) = match turn {
                Turn::Done => (most, Ok(())),
                Turn::Failed(error) => (state.dice.place(most + 1), Err(error)),
                Turn::CrashBefore => (0, Ok(())),
                Turn::CrashAfter => (state.dice.place(most + 1), Ok(())),
            };
            state.inodes[inode].append(&bytes[..take]);
            written = take;
            result
        })?;
        Ok(written)
    }

    pub(super) fn sync(&self, life: u64, inode: usize, path: &Path) -> io::Result<()> {
        self.wait();
        self.call(life, Call::Sync, path, |state, turn| {
            let State { inodes, dice, is_lying, .. } = state;
            let file = &mut inodes[inode];
            match turn {
                Turn::Done | Turn::CrashAfter => {
                    if !*is_lying {
                        file.sync();
                    }
                    Ok(())
                }
                Turn::Failed(error) => {
                    file.fail_sync(dice);
                    Err(error)
                }
                Turn::CrashBefore => Ok(()),
            }
        })
    }

    pub(super) fn sync_folder(&self, life: u64, folder: &Path) -> io::Result<()> {
        self.wait();
        self.call(life, Call::SyncFolder, folder, |state, turn| match turn {
            Turn::Done | Turn::CrashAfter => {
                let (here, elsewhere) = state.pending_in(folder);
                state.pending = if state.is_lying {
                    [here, elsewhere].concat()
                } else {
                    for change in here {
                        apply(&mut state.durable_names, &change);
                    }
                    elsewhere
                };
                Ok(())
            }
            Turn::Failed(error) => {
                let (here, mut pending) = state.pending_in(folder);
                let (folders, files): (Vec<_>, Vec<_>) =
                    here.into_iter().partition(Change::is_of_a_folder);
                state.keep_some(&files);
                pending.extend(folders);
                state.pending = pending;
                Err(error)
            }
            Turn::CrashBefore => Ok(()),
        })
    }

    /// One call: it is done, fails, or is the last of its process.
    fn call(
        &self,
        life: u64,
        call: Call,
        path: &Path,
        act: impl FnOnce(&mut State, Turn) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state();
        assert_eq!(state.life, life, "a dead process uses the disk");
        if state.fate.dies_at_us.is_some_and(|us| us <= self.trace.now_us()) {
            drop(state);
            step!(self.trace, "the process ends while it waits for the disk");
            std::panic::resume_unwind(Box::new(Crash));
        }
        state.calls += 1;
        let number = state.calls;
        let name = path.file_name().unwrap_or_default().display();
        step!(self.trace, "disk {number} {call:?} {name}");
        if state.failures > 0 && call != Call::Remove {
            let offence = format!("the process goes on after a failure: {call:?} {name}");
            self.trace.violation(offence);
        }
        let turn = state.turn(number);
        let crashes = matches!(turn, Turn::CrashBefore | Turn::CrashAfter);
        match &turn {
            Turn::Failed(error) => step!(self.trace, "disk {number} fails: {}", error.kind()),
            Turn::CrashBefore => step!(self.trace, "the process ends before it is done"),
            Turn::CrashAfter => step!(self.trace, "the process ends after it is done"),
            Turn::Done => {}
        }
        let result = act(&mut state, turn);
        drop(state);
        if crashes {
            std::panic::resume_unwind(Box::new(Crash));
        }
        result
    }

    /// The disk takes its time, and everybody else goes on.
    fn wait(&self) {
        let us = {
            let dice = &mut self.state().dice;
            match dice.below(100) {
                0..80 => dice.between(200, 5_000),
                80..97 => dice.between(5_000, 50_000),
                _ => dice.between(100_000, 2_500_000),
            }
        };
        let hall = self.hall.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(hall) = hall {
            let mut hall = hall.lock().unwrap_or_else(PoisonError::into_inner);
            let until_us = self.trace.now_us() + us;
            let dies_at_us = self.state().fate.dies_at_us.unwrap_or(u64::MAX);
            hall.go_on_until(until_us.min(dies_at_us));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn turn(&mut self, number: u64) -> Turn {
        if self.fate.crash_at == Some(number) {
            return if self.dice.percent(50) { Turn::CrashBefore } else { Turn::CrashAfter };
        }
        if self.fate.fail_at == Some(number) {
            self.failures += 1;
            // EIO has no kind of its own.
            let error = if self.fate.is_full {
                io::ErrorKind::StorageFull.into()
            } else {
                io::Error::from_raw_os_error(5)
            };
            return Turn::Failed(error);
        }
        Turn::Done
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.pending.push(change);
    }

    /// What is pending in a folder, and what elsewhere.
    fn pending_in(&mut self, folder: &Path) -> (Vec<Change>, Vec<Change>) {
        std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|change| change.path().parent() == Some(folder))
    }

    /// Makes some of these changes durable: a prefix, or some and not others.
    fn keep_some(&mut self, changes: &[Change]) {
        let prefix = self.dice.percent(50).then(|| self.dice.place(changes.len() + 1));
        for (place, change) in changes.iter().enumerate() {
            let keeps = match prefix {
                Some(prefix) => place < prefix,
                None => self.dice.percent(50),
            };
            if keeps {
                apply(&mut self.durable_names, change);
            }
        }
    }

    fn cut_power(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.keep_some(&pending);
        let State { durable_names, inodes, dice, .. } = self;
        // What is in a folder that never came to be is gone with it.
        let names = durable_names.clone();
        durable_names.retain(|path, _| match path.parent() {
            Some(parent) if parent != Path::new("/") => names.contains_key(parent),
            _ => true,
        });
        self.names.clone_from(durable_names);
        for inode in inodes {
            inode.cut(dice);
        }
    }
}

impl Change {
    const fn is_of_a_folder(&self) -> bool {
        matches!(self, Self::Put { node: Node::Folder, .. })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Put { path, .. } | Self::Remove { path } | Self::Rename { to: path, .. } => path,
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
    match change {
        Change::Put { path, node } => {
            names.insert(path.clone(), *node);
        }
        Change::Remove { path } => {
            names.remove(path);
        }
        Change::Rename { from, to, node } => {
            if names.get(from) == Some(node) {
                names.remove(from);
            }
            names.insert(to.clone(), *node);
        }
    }
}
