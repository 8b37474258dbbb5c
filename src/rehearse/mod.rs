//! A sale on a virtual clock: a scenario played through the house of the live
//! server, every step held against what it expects (RULES, "scenario").
//!
//! ```text
//! Scenario::read(bytes)      parsed once, as a whole; what cannot be played is refused by name
//! play(scenario, folder)     real certificates, signatures and frames; CRASH drops house and store
//!   -> Played                what differed, what each lot came to, and the ledger that it left
//! ```
//!
//! Certificates and keys are made for the one play and thrown away. Time is the
//! scenario's: `t` milliseconds after [`opening`]. The rules are nowhere here: a
//! bid is signed, authenticated, submitted and answered like any other, and the
//! ledger is one that any auditor takes. It refuses to know clocks, sockets and
//! where its folder is.

mod error;
mod expect;
mod failure;
mod hashes;
mod play;
mod read;
mod running;
mod scenario;
mod stage;
#[cfg(test)]
mod tests;

pub use error::ScenarioError;
pub use expect::{Mismatch, Place, Seen};
pub use failure::PlayFailure;
pub use play::{Played, PlayedLot, play};
pub use scenario::Scenario;

use crate::time::Timestamp;

/// The opening of every rehearsal, 2026-01-01T00:00:00Z: two plays of one scenario have the
/// same times.
const OPENING_MS: u64 = 1_767_225_600_000;

/// When every rehearsal's sale opens.
pub fn opening() -> Timestamp {
    Timestamp::from_unix_ms(OPENING_MS).expect("within what a ledger can hold")
}
