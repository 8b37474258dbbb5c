//! The one writer: decides what waits, brings the new state to the disk once, and only then gives
//! the answers out (tlog-witness: check and persist are one step).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock};

use super::folder::{FolderFault, Kept, StateFolder};
use super::judge::{Decision, Suspicion, decide};
use super::logs::Logs;
use super::state::{Record, State};
use crate::ledger::note::Note;
use crate::ledger::witnessing::{AddCheckpoint, Answer, origin_hash};
use crate::ledger::{Hash, WitnessKey};
use crate::limits::COSIGNED_LOGS_MAX;
use crate::pki::keys::KeyFault;
use crate::time::Timestamp;

/// Why a witness cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenFault {
    /// Its state cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderFault),
    /// More logs than one state holds.
    #[error(
        "with the logs that it has cosigned, the witness would serve {count}, and {COSIGNED_LOGS_MAX} is the most"
    )]
    TooManyLogs {
        /// How many logs there would be.
        count: usize,
    },
}

/// What is answered to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// What the protocol says.
    Answer(Answer),
    /// Nothing now: the clock is behind the log's last cosignature.
    ClockBehind {
        /// How far, in seconds.
        by_s: u64,
    },
}

/// What several requests come to before anything of it is on the disk.
#[derive(Default)]
struct Round<'a> {
    replies: Vec<Reply>,
    cosigned: Vec<Record>,
    suspected: Vec<(Suspicion, Option<Record>, &'a AddCheckpoint)>,
}

/// A witness: its key, the logs that it serves, and what it cosigned of them.
#[derive(Debug)]
pub struct Witness {
    key: WitnessKey,
    logs: Logs,
    state: State,
    folder: StateFolder,
    shown: Shown,
}

impl Witness {
    /// Takes up the state in `folder`, which must be this key's and not in use.
    pub fn open(key: WitnessKey, logs: Logs, folder: &Path) -> Result<Self, OpenFault> {
        let (folder, state) = StateFolder::open(folder, key.public())?;
        let new = logs.origins().filter(|origin| state.get(origin).is_none()).count();
        let count = state.len() + new;
        if count > COSIGNED_LOGS_MAX {
            return Err(OpenFault::TooManyLogs { count });
        }
        let shown = Shown::default();
        state.records().for_each(|record| shown.show(record));
        Ok(Self { key, logs, state, folder, shown })
    }

    /// What it has cosigned of each log.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The newest cosigned checkpoints, as others may read them while the witness works.
    pub(super) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Answers requests in their order, when what follows from them is on the disk. An error takes
    /// the witness away: what the disk holds is not certain then, and nothing more may be said
    /// before it is read again.
    ///
    /// ```compile_fail
    /// # use gavel::{time::Timestamp, witness::Witness};
    /// fn once_more(witness: Witness) {
    ///     if witness.answer(Timestamp::ZERO, &[]).is_err() { witness.answer(Timestamp::ZERO, &[]); }
    /// }
    /// ```
    pub fn answer(
        mut self,
        now: Timestamp,
        requests: &[AddCheckpoint],
    ) -> Result<(Self, Vec<Reply>), KeyFault> {
        let mut round = Round::default();
        for request in requests {
            let reply = self.judge(now, request, &mut round);
            round.replies.push(reply);
        }
        if !round.cosigned.is_empty() {
            self.folder.write(&self.state, self.key.public())?;
        }
        for record in &round.cosigned {
            self.shown.show(record);
            tell_cosigned(record);
        }
        for (suspicion, last, request) in &round.suspected {
            self.accuse(now, *suspicion, last.as_ref(), request);
        }
        Ok((self, round.replies))
    }

    /// Decides one request by the state that the one before it left, which is not on the disk yet.
    fn judge<'a>(
        &mut self,
        now: Timestamp,
        request: &'a AddCheckpoint,
        round: &mut Round<'a>,
    ) -> Reply {
        match decide(&self.key, &self.logs, &self.state, now.unix_s(), request) {
            Decision::ClockBehind { by_s } => Reply::ClockBehind { by_s },
            Decision::Cosign(record) => {
                let cosignature = record.cosignature();
                // The same checkpoint again within a second changes nothing.
                if self.state.get(&record.checkpoint().origin) != Some(&record) {
                    self.state.put(record.clone());
                    round.cosigned.push(record);
                }
                Reply::Answer(Answer::Cosigned(vec![cosignature]))
            }
            Decision::Refuse(answer, suspicion) => {
                if let Some(suspicion) = suspicion {
                    let last = self.state.get(&request.checkpoint().origin).cloned();
                    round.suspected.push((suspicion, last, request));
                }
                Reply::Answer(answer)
            }
        }
    }

    /// The checkpoint with the lines of the log's own keys, which were checked, once each: whoever
    /// asks could have filled it up with others.
    fn bare_note(&self, request: &AddCheckpoint) -> Note {
        let keys = self.logs.keys_of(&request.checkpoint().origin).unwrap_or_default();
        let mut note = request.note().clone();
        note.signatures.retain(|line| keys.iter().any(|key| key.is_named_by(line)));
        note.signatures.dedup();
        note
    }

    /// Keeps what speaks against a log, and says so loudly. If it cannot be kept, the refusal
    /// stands all the same.
    fn accuse(
        &self,
        now: Timestamp,
        suspicion: Suspicion,
        last: Option<&Record>,
        request: &AddCheckpoint,
    ) {
        let note = self.bare_note(request);
        let kept = match self.folder.keep_evidence(now, suspicion, last, request, &note) {
            Ok(Kept::At(path)) => path.display().to_string(),
            Ok(Kept::Full) => "not kept: there is as much of it as may be".to_owned(),
            // It was said.
            Ok(Kept::Before) => return,
            Err(fault) => format!("not kept: {fault}"),
        };
        let checkpoint = request.checkpoint();
        let (log, size, root) = (&checkpoint.origin, checkpoint.size, checkpoint.root);
        match suspicion {
            Suspicion::Fork => tracing::error!(
                ?log,
                size,
                %root,
                evidence = ?kept,
                "THE LOG HAS FORKED: it signed two roots for one size; publish the evidence"
            ),
            Suspicion::Unproven => tracing::warn!(
                ?log,
                size,
                %root,
                evidence = ?kept,
                "a signed checkpoint came with a proof that fails: ask the log for a good one"
            ),
        }
    }
}

fn tell_cosigned(record: &Record) {
    let checkpoint = record.checkpoint();
    tracing::info!(log = ?checkpoint.origin, size = checkpoint.size, "cosigned");
}

/// The notes that monitors may read, by the hash of their origin. Only what is durable is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown(Arc<RwLock<BTreeMap<Hash, Arc<str>>>>);

impl Shown {
    fn show(&self, record: &Record) {
        let note = record.note().to_string().into();
        let mut notes = self.0.write().expect("nobody panics while holding it");
        notes.insert(origin_hash(&record.checkpoint().origin), note);
    }

    pub(super) fn note(&self, origin: Hash) -> Option<Arc<str>> {
        self.0.read().expect("nobody panics while holding it").get(&origin).cloned()
    }
}
