//! What a witness answers to a request: a pure function of the request, the keys that it trusts
//! for the log, what it cosigned of that log last, and the time.
//!
//! More than one refusal may be due. The first of these is given, which is the order in which the
//! specification names them (tlog-witness, "add-checkpoint"), and nothing is said about a log to
//! somebody who has not shown its signature:
//!
//! | | status |
//! |---|---|
//! | the body cannot be read, or its checkpoint is longer than is kept | 400 |
//! | the log is not known | 404 |
//! | no key of the log has signed, or a line that names one is wrong | 403 |
//! | the old size is above the checkpoint's | 400 |
//! | the old size is not the one cosigned last (0 before the first) | 409, with that size |
//! | a size of 0 with another root than the empty tree's | 422 |
//! | a proof though the old size is 0 | 422 |
//! | the old size is the checkpoint's, and the roots differ or there is a proof | 422 |
//! | the proof fails | 422 |
//! | otherwise | 200, with the cosignature |
//!
//! One status is ours: 503 while the clock is behind the time of the log's last cosignature. A
//! cosignature says which tree was the largest at its time; an earlier time under a larger tree
//! would contradict the one before.

use super::logs::Logs;
use super::state::{Record, State};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::merkle::{empty_root, verify_consistency};
use crate::ledger::note::{Note, NoteSignature};
use crate::ledger::witnessing::{AddCheckpoint, Answer};
use crate::ledger::{VerifierKey, WitnessKey};
use crate::limits::{COSIGNED_TEXT_BYTES_MAX, NOTE_SIGNATURES_MAX};

/// What follows from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Cosign: the record takes the place of the log's last one, and once it is durable its
    /// cosignature is the answer.
    Cosign(Record),
    /// Refuse, and keep the request if it speaks against the log.
    Refuse(Answer, Option<Suspicion>),
    /// Refuse for now: the clock is behind the log's last cosignature.
    ClockBehind {
        /// How far, in seconds.
        by_s: u64,
    },
}

/// What a signed checkpoint that is refused says of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// The log signed two roots for one size: proof of its fraud, whoever brings it.
    Fork,
    /// Its proof fails. The log may have forked; but anybody can send a good checkpoint with a
    /// wrong proof.
    Unproven,
}

impl Suspicion {
    /// Its word in names of files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Unproven => "unproven",
        }
    }
}

/// Says what a request leads to at `now_s`, in POSIX seconds, and changes nothing.
pub fn decide(
    key: &WitnessKey,
    logs: &Logs,
    state: &State,
    now_s: u64,
    request: &AddCheckpoint,
) -> Decision {
    let checkpoint = request.checkpoint();
    if request.note().text.len() > COSIGNED_TEXT_BYTES_MAX {
        return Decision::Refuse(Answer::Malformed, None);
    }
    let Some(keys) = logs.keys_of(&checkpoint.origin) else {
        return Decision::Refuse(Answer::UnknownLog, None);
    };
    let Some(lines) = lines_of(keys, request.note()) else {
        return Decision::Refuse(Answer::NotSigned, None);
    };
    let last = state.get(&checkpoint.origin);
    if let Err((answer, suspicion)) = check(request, last.map(Record::checkpoint)) {
        return Decision::Refuse(answer, suspicion);
    }
    let by_s = last.map_or(0, Record::time_s).saturating_sub(now_s);
    if by_s > 0 {
        return Decision::ClockBehind { by_s };
    }
    let text = &request.note().text;
    Decision::Cosign(Record::cosign(key, checkpoint.clone(), text, lines, now_s))
}

/// A line of each of the log's keys that signed; none if no key did, or one that is named did not
/// (signed-note, "Signatures"). With the cosignature they are to fit one note.
fn lines_of(keys: &[VerifierKey], note: &Note) -> Option<Vec<NoteSignature>> {
    let mut lines = Vec::new();
    for key in keys {
        if key.signs(note).ok()? {
            // All its lines stand, so any of them will do.
            lines.extend(note.signatures.iter().find(|line| key.is_named_by(line)).cloned());
        }
    }
    lines.truncate(NOTE_SIGNATURES_MAX - 1);
    (!lines.is_empty()).then_some(lines)
}

/// Judges a signed checkpoint by the last one that was cosigned.
fn check(
    request: &AddCheckpoint,
    last: Option<&Checkpoint>,
) -> Result<(), (Answer, Option<Suspicion>)> {
    let (new, old_size) = (request.checkpoint(), request.old_size());
    let known_size = last.map_or(0, |last| last.size);
    let fork = is_fork(new, last).then_some(Suspicion::Fork);
    if old_size > new.size {
        return Err((Answer::Malformed, fork));
    }
    if old_size != known_size {
        return Err((Answer::OtherSize { known_size }, fork));
    }
    if fork.is_some() {
        return Err((Answer::Inconsistent, fork));
    }
    match last.filter(|last| last.size > 0) {
        // The empty tree is consistent with any: there is nothing to prove.
        None if request.proof().is_empty() => Ok(()),
        None => Err((Answer::Inconsistent, None)),
        Some(last) => {
            // RFC 6962, section 2.1.2; for equal sizes the proof is empty and the roots are one.
            verify_consistency(old_size, new.size, request.proof(), last.root, new.root).map_err(
                |_| (Answer::Inconsistent, (new.size > last.size).then_some(Suspicion::Unproven)),
            )
        }
    }
}

/// Whether the log contradicts itself with this checkpoint: another root for the size that was
/// cosigned, or one for the empty tree that is not the hash of nothing (RFC 6962, section 2.1).
fn is_fork(new: &Checkpoint, last: Option<&Checkpoint>) -> bool {
    let is_other = |last: &Checkpoint| new.size == last.size && new.root != last.root;
    last.is_some_and(is_other) || new.size == 0 && new.root != empty_root()
}

#[cfg(test)]
mod tests;
