//! Faults planted on purpose, each of which the simulation must catch: one that catches nothing
//! proves nothing.

use super::office::office;
use super::world::play;

/// A fault of disk or server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The disk says that it syncs, and does not.
    LyingDisk,
}

/// A fault is armed for as long as it lives.
#[derive(Debug)]
pub(super) struct Armed;

impl Fault {
    pub(super) fn arm(self) -> Armed {
        Armed
    }
}

/// Plays seeds until one catches the fault.
fn caught(fault: Fault, seeds: u64) {
    for seed in 1..=seeds {
        let outcome = play(seed, &office(), Some(fault), false);
        if let Some(violation) = outcome.violations.first() {
            println!("{fault:?} was caught by seed {seed}: {violation}");
            return;
        }
    }
    panic!("{fault:?} was not caught by {seeds} seeds");
}

#[test]
fn a_disk_that_ignores_sync_is_caught() {
    caught(Fault::LyingDisk, 20);
}
