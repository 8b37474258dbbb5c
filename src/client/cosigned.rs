//! A cosigned checkpoint as a client holds it: signed by the sale's key, held
//! against the ledger, and with lines of witnesses whose keys a policy may know.

use std::cmp::Ordering;

use crate::auction::name::is_showable;
use crate::ledger::note::Note;
use crate::ledger::policy::Judgement;
use crate::ledger::vkey::WrongSignature;
use crate::ledger::{Policy, SignedCheckpoint};
use crate::limits::WITNESS_NAME_BYTES_MAX;

/// A checkpoint of the sale under which others have signed too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    checkpoint: SignedCheckpoint,
    lines: Note,
}

impl Cosigned {
    /// Takes a checkpoint of the sale with all its lines; those of others are not checked.
    pub(super) fn of(checkpoint: SignedCheckpoint) -> Option<Self> {
        let lines = Note::parse(checkpoint.note()).ok()?;
        Some(Self { checkpoint, lines })
    }

    /// The checkpoint with all its lines.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// How many lines of the ledger it covers.
    pub const fn size(&self) -> u64 {
        self.checkpoint.checkpoint().size
    }

    /// The names of the witnesses under it, fit to be shown, in its order; without their keys
    /// nobody knows whether they have signed.
    pub fn names(&self) -> Vec<String> {
        let origin = &self.checkpoint.checkpoint().origin;
        let mut names = Vec::new();
        for line in self.lines.signatures.iter().filter(|line| line.name != *origin) {
            let shown = line.name.chars().filter(|c| is_showable(*c)).take(WITNESS_NAME_BYTES_MAX);
            let shown: String = shown.collect();
            if !names.contains(&shown) {
                names.push(shown);
            }
        }
        names
    }

    /// What a policy says of its cosignatures.
    pub fn judge(&self, policy: &Policy) -> Result<Judgement, WrongSignature> {
        policy.judge(&self.lines)
    }

    /// Whether it says more than another: more lines of the ledger, or more signatures.
    pub(super) fn is_more_than(&self, other: Option<&Self>) -> bool {
        let Some(other) = other else { return true };
        let (ours, theirs) = (&self.lines.signatures, &other.lines.signatures);
        match self.size().cmp(&other.size()) {
            Ordering::Greater => true,
            // Lines that nobody checked take the place of none.
            Ordering::Equal => {
                ours.len() > theirs.len() && theirs.iter().all(|line| ours.contains(line))
            }
            Ordering::Less => false,
        }
    }
}
