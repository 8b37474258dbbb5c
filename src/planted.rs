//! Faults planted on purpose: the negative controls of the fault harness (`tests/faults/`).
//!
//! A harness that finds nothing proves nothing before it has found something. The program
//! `gavel-planted` arms one of these faults, and the harness must catch it. The module and every
//! site that asks it exist under the feature `planted-faults` alone, and no release can have that.

#[cfg(not(debug_assertions))]
compile_error!("planted faults are for the negative controls only: a release cannot have them");

use std::cell::Cell;
use std::sync::OnceLock;

/// One way to lose or forge what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A frame is written and never synced.
    NoSync,
    /// A frame is never synced on the second disk.
    NoCopySync,
    /// Bids are answered, then the frame is synced.
    AnswerBeforeSync,
    /// A write or sync that failed is taken for done.
    GoOnAfterFailure,
    /// The checkpoint is signed and anchored, then the frame under it is synced.
    SealBeforeSync,
    /// A start appends to the file that it found, instead of writing it anew.
    TrustPageCache,
    /// The lines of a frame reach the disk the wrong way round.
    ReorderLines,
    /// Of two bids in one frame, each gets the other's answer.
    SwapAnswers,
}

impl Fault {
    /// Every fault, with the name by which it is armed.
    pub const ALL: [(&'static str, Self); 8] = [
        ("no-sync", Self::NoSync),
        ("no-copy-sync", Self::NoCopySync),
        ("answer-before-sync", Self::AnswerBeforeSync),
        ("go-on-after-failure", Self::GoOnAfterFailure),
        ("seal-before-sync", Self::SealBeforeSync),
        ("trust-page-cache", Self::TrustPageCache),
        ("reorder-lines", Self::ReorderLines),
        ("swap-answers", Self::SwapAnswers),
    ];
}

static ARMED: OnceLock<Fault> = OnceLock::new();

/// Arms a fault for the rest of this process; only the first counts.
pub fn arm(fault: Fault) {
    let _ = ARMED.set(fault);
}

thread_local! {
    static ARMED_HERE: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// A fault is armed for one thread, for as long as this lives: a simulation is one.
#[derive(Debug)]
pub(crate) struct ArmedHere(());

/// Arms a fault for this thread alone.
#[cfg_attr(not(test), expect(dead_code, reason = "only a simulation arms one thread"))]
pub(crate) fn arm_here(fault: Fault) -> ArmedHere {
    ARMED_HERE.set(Some(fault));
    ArmedHere(())
}

impl Drop for ArmedHere {
    fn drop(&mut self) {
        ARMED_HERE.set(None);
    }
}

/// Whether this fault is armed.
pub(crate) fn is_armed(fault: Fault) -> bool {
    ARMED_HERE.get() == Some(fault) || ARMED.get() == Some(&fault)
}

/// Whether the sync of a frame is left out where it belongs; some do it later.
pub(crate) fn skips_sync() -> bool {
    [Fault::NoSync, Fault::AnswerBeforeSync, Fault::SealBeforeSync].into_iter().any(is_armed)
}

/// Takes a failure for done.
pub(crate) fn forgive<E>(failure: E) -> Result<(), E> {
    if is_armed(Fault::GoOnAfterFailure) { Ok(()) } else { Err(failure) }
}

/// The lines of a frame, the wrong way round.
pub(crate) fn reorder(frame: &[u8]) -> Vec<u8> {
    if !is_armed(Fault::ReorderLines) {
        return frame.to_vec();
    }
    frame.split_inclusive(|byte| *byte == b'\n').rev().collect::<Vec<_>>().concat()
}
