//! Faults planted on purpose, each of which the simulation must catch: one that catches nothing
//! proves nothing.
//!
//! A disk can be planted here; what stands in the product's code needs its feature:
//! `cargo test --features planted-faults --lib simulation`.

use super::office::office;
use super::world::play;
#[cfg(feature = "planted-faults")]
use crate::planted;

/// A fault of disk or server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The disk says that it syncs, and does not.
    LyingDisk,
    /// One of the product's.
    #[cfg(feature = "planted-faults")]
    Planted(planted::Fault),
}

/// Plays seeds until one catches the fault.
fn caught(fault: Fault, seeds: u64) {
    for seed in 1..=seeds {
        let outcome = play(seed, &office(), Some(fault), false);
        if let Some(violation) = outcome.violations.first() {
            let violation: String = violation.chars().take(200).collect();
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

#[cfg(feature = "planted-faults")]
#[test]
fn every_planted_fault_is_caught() {
    // A simulated sale has one disk, without a copy on a second.
    let played =
        planted::Fault::ALL.iter().filter(|(_, fault)| *fault != planted::Fault::NoCopySync);
    for (_, fault) in played {
        caught(Fault::Planted(*fault), 40);
    }
}
