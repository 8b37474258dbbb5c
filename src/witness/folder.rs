//! The folder of a witness's state, which never goes back.
//!
//! | file | holds |
//! |---|---|
//! | `.lock` | held by the witness that runs: two on one state would cosign two trees |
//! | `state` | the newest cosigned checkpoint of each log, replaced as a whole and synced |
//! | `evidence/` | what speaks against logs: each request with what was cosigned before (`.txt`), and its checkpoint alone (`.checkpoint`), for programs |
//!
//! The state is there from the key's making on, and names the key. A witness without it does not
//! start: nobody could say what it has cosigned.

use std::path::{Path, PathBuf};

use super::judge::Suspicion;
use super::state::{Record, State, StateError};
use crate::ledger::CosignerKey;
use crate::ledger::Hash;
use crate::ledger::note::Note;
use crate::ledger::witnessing::{AddCheckpoint, origin_hash};
use crate::limits::{EVIDENCE_FILES_MAX, WITNESS_STATE_BYTES_MAX};
use crate::pki::keys::{self, FolderLock, KeyFault};
use crate::time::Timestamp;

/// Why a witness's state cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderFault {
    /// There is no state where it should be.
    #[error("there is no state in {}", keys::shown(.path))]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// Another witness runs on it.
    #[error("another witness runs on {}", keys::shown(.path))]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// It is not this witness's state, or not whole.
    #[error("{}", keys::shown(.path))]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: StateError,
    },
    /// The system refuses.
    #[error(transparent)]
    File(#[from] KeyFault),
}

/// A folder that is locked for this process.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    #[expect(dead_code, reason = "held until the folder is dropped")]
    lock: FolderLock,
}

impl StateFolder {
    /// Makes the folder of a new witness, which has cosigned nothing.
    ///
    /// # Errors
    /// [`KeyFault::Exists`] if a state is there: one folder is one key's for ever.
    pub fn create(path: &Path, key: &CosignerKey) -> Result<(), FolderFault> {
        keys::make_folder(path)?;
        keys::create(&state_path(path), State::new().to_text(key).as_bytes())?;
        Ok(())
    }

    /// Locks the folder and reads the state of the witness with this key.
    pub fn open(path: &Path, key: &CosignerKey) -> Result<(Self, State), FolderFault> {
        let missing = || FolderFault::Missing { path: path.to_owned() };
        if !keys::is_there(&state_path(path))? {
            return Err(missing());
        }
        keys::check_folder(path)?;
        let lock = keys::lock_folder(path).map_err(|fault| match fault {
            KeyFault::Busy { path } => FolderFault::Busy { path },
            other => other.into(),
        })?;
        let bytes = keys::read_secret(&state_path(path), WITNESS_STATE_BYTES_MAX)?;
        let state = State::parse(&bytes, key)
            .map_err(|source| FolderFault::State { path: state_path(path), source })?;
        let folder = Self { path: path.to_owned(), lock };
        keys::make_folder(&folder.evidence_path())?;
        // After a failed sync the page cache may show what the disk lacks: what this witness goes
        // on from must be on the disk.
        folder.write(&state, key)?;
        Ok((folder, state))
    }

    /// Brings the state to the disk, in place of the one before: the new one or the old one is
    /// there after a crash. After an error neither is certain, and nothing may be answered.
    pub(super) fn write(&self, state: &State, key: &CosignerKey) -> Result<(), KeyFault> {
        keys::replace(&state_path(&self.path), state.to_text(key).as_bytes())
    }

    /// Where evidence is kept.
    fn evidence_path(&self) -> PathBuf {
        self.path.join("evidence")
    }

    /// Keeps a request that speaks against its log, beside what was cosigned before, and by itself
    /// the checkpoint with the log's own lines, `note`.
    pub(super) fn keep_evidence(
        &self,
        now: Timestamp,
        suspicion: Suspicion,
        last: Option<&Record>,
        request: &AddCheckpoint,
        note: &Note,
    ) -> Result<Kept, KeyFault> {
        let folder = self.evidence_path();
        let log = origin_hash(&request.checkpoint().origin);
        let kind = format!("{}-{log:.16}-", suspicion.as_str());
        let is_kind = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&kind))
        };
        let kept = keys::files_with_extension(&folder, "txt")?.iter().filter(is_kind).count();
        let text = Hash::of(request.note().text.as_bytes());
        let path = folder.join(format!("{kind}{text:.16}.txt"));
        if keys::is_there(&path)? {
            return Ok(Kept::Before);
        }
        if kept >= EVIDENCE_FILES_MAX {
            return Ok(Kept::Full);
        }
        match keys::create(&path.with_extension("checkpoint"), note.to_string().as_bytes()) {
            // A crash came between the two.
            Ok(()) | Err(KeyFault::Exists { .. }) => {}
            Err(fault) => return Err(fault),
        }
        keys::create(&path, evidence(now, suspicion, last, request).as_bytes())?;
        Ok(Kept::At(path))
    }
}

/// What became of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It was there already.
    Before,
    /// As much is kept against the log as may be.
    Full,
    /// It is kept here.
    At(PathBuf),
}

fn state_path(folder: &Path) -> PathBuf {
    folder.join("state")
}

fn evidence(
    now: Timestamp,
    suspicion: Suspicion,
    last: Option<&Record>,
    request: &AddCheckpoint,
) -> String {
    let what = match suspicion {
        Suspicion::Fork => "the log signed two roots for one size",
        Suspicion::Unproven => "the proof fails: a fork, or a good checkpoint with a wrong proof",
    };
    let last = last.map_or_else(|| "nothing\n".to_owned(), |last| last.note().to_string());
    format!("{what}\nreceived {now}\n\ncosigned before:\n{last}\nthe request:\n{request}")
}

#[cfg(test)]
mod tests;
