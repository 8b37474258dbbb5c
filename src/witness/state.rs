//! What a witness remembers: for each log the newest checkpoint that it cosigned.
//!
//! All of it is one text, so that no part can be lost or set back alone. The second line is the
//! witness's own verifier key: a state belongs to one key for ever. Each checkpoint stands there
//! with the log's signatures that were checked and, as its last line, the cosignature.
//!
//! ```text
//! gavel-witness-state/v1
//! seller.example/w1+8d2b0f6e+BGx1...
//! checkpoint 342
//! house/sale
//! 42
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — house/sale Az3grlgt...
//! — seller.example/w1 jWbPPwAAAABk...
//! end 1 0f3c8d...
//! ```
//!
//! The number behind `checkpoint` is its length in bytes; the last line counts the checkpoints and
//! has the SHA-256 of everything before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::{Note, NoteSignature};
use crate::ledger::{CosignerKey, Hash, VerifierKey, WitnessKey};

const VERSION: &str = "gavel-witness-state/v1";

/// Why bytes are not the state of this witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Not a state, or of a later version.
    #[error("this is no state of a witness, or one of a later version")]
    Version,
    /// Another witness's.
    #[error("this is the state of {found}")]
    OtherWitness {
        /// The verifier key that it names.
        found: String,
    },
    /// Cut short, changed, or put together by hand.
    #[error("the state is damaged")]
    Damaged,
}

/// The newest checkpoint of a log that was cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    checkpoint: Checkpoint,
    time_s: u64,
    note: Note,
}

impl Record {
    /// Cosigns a checkpoint at a time in POSIX seconds, above the log's own lines.
    pub(super) fn cosign(
        key: &WitnessKey,
        checkpoint: Checkpoint,
        text: &str,
        lines: Vec<NoteSignature>,
        time_s: u64,
    ) -> Self {
        let mut signatures = lines;
        signatures.push(key.cosign(text, time_s));
        Self { checkpoint, time_s, note: Note { text: text.to_owned(), signatures } }
    }

    /// Reads a record; whatever this witness did not cosign is none.
    fn read(note: &str, key: &CosignerKey) -> Option<Self> {
        let note = Note::parse(note).ok()?;
        let checkpoint = Checkpoint::parse_extended(&note.text).ok()?;
        let cosignature = key.cosigned(&note).ok()??;
        let is_last = note.signatures.last() == Some(&cosignature.line);
        is_last.then_some(Self { checkpoint, time_s: cosignature.time_s, note })
    }

    /// What was cosigned.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// When, in POSIX seconds.
    pub const fn time_s(&self) -> u64 {
        self.time_s
    }

    /// The checkpoint with the log's signatures that were checked, and the cosignature.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// The cosignature: what may go out once the record is durable.
    pub(super) fn cosignature(&self) -> NoteSignature {
        self.note.signatures.last().expect("a record ends with its cosignature").clone()
    }
}

/// The newest cosigned checkpoint of each log, by origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    records: BTreeMap<String, Record>,
}

impl State {
    /// What a witness knows that has cosigned nothing.
    pub const fn new() -> Self {
        Self { records: BTreeMap::new() }
    }

    /// Reads the state of the witness with this key.
    pub fn parse(bytes: &[u8], key: &CosignerKey) -> Result<Self, StateError> {
        let text = str::from_utf8(bytes).map_err(|_| StateError::Version)?;
        let rest = text.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('\n'));
        let (found, rest) =
            rest.and_then(|rest| rest.split_once('\n')).ok_or(StateError::Version)?;
        if found != key.vkey().to_string() {
            let found = VerifierKey::parse(found).map_err(|_| StateError::Damaged)?;
            return Err(StateError::OtherWitness { found: found.to_string() });
        }
        let state = read_records(rest, key).ok_or(StateError::Damaged)?;
        // One spelling: it also holds the last line and the order of the records.
        if state.to_text(key) == text { Ok(state) } else { Err(StateError::Damaged) }
    }

    /// The text that [`Self::parse`] reads.
    pub fn to_text(&self, key: &CosignerKey) -> String {
        let mut text = format!("{VERSION}\n{}\n", key.vkey());
        for record in self.records.values() {
            let note = record.note.to_string();
            let _ = write!(text, "checkpoint {}\n{note}", note.len());
        }
        let hash = Hash::of(text.as_bytes());
        let _ = writeln!(text, "end {} {hash}", self.records.len());
        text
    }

    /// What was cosigned last of a log.
    pub fn get(&self, origin: &str) -> Option<&Record> {
        self.records.get(origin)
    }

    /// The records, in the order of their origins.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// How many logs were ever cosigned.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none ever was.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Puts a record in the place of the one before it.
    pub(super) fn put(&mut self, record: Record) {
        self.records.insert(record.checkpoint.origin.clone(), record);
    }
}

fn read_records(mut rest: &str, key: &CosignerKey) -> Option<State> {
    let mut state = State::new();
    while let Some(after) = rest.strip_prefix("checkpoint ") {
        let (length, after) = after.split_once('\n')?;
        let (note, after) = after.split_at_checked(length.parse().ok()?)?;
        state.put(Record::read(note, key)?);
        rest = after;
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn witness(seed: u8) -> WitnessKey {
        WitnessKey::new("witness.example/w1", SigningKey::from_bytes(&[seed; 32])).expect("a key")
    }

    fn record(key: &WitnessKey, origin: &str, size: u64) -> Record {
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root: Hash::ZERO };
        let text = checkpoint.to_string();
        let line =
            NoteSignature { name: origin.to_owned(), key_id: [1, 2, 3, 4], signature: vec![5; 64] };
        Record::cosign(key, checkpoint, &text, vec![line], 1_800_000_000 + size % 100)
    }

    fn three() -> (WitnessKey, State) {
        let (key, mut state) = (witness(1), State::new());
        for (origin, size) in [("house/two", 7), ("house/one", 0), ("log.example", u64::MAX)] {
            state.put(record(&key, origin, size));
        }
        (key, state)
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let (key, state) = three();
        for state in [state, State::new()] {
            let text = state.to_text(key.public());
            assert_eq!(State::parse(text.as_bytes(), key.public()), Ok(state));
        }
    }

    #[test]
    fn a_newer_record_takes_the_place_of_an_older() {
        let (key, mut state) = three();
        state.put(record(&key, "house/two", 9));
        let two = state.get("house/two").expect("is there");
        assert_eq!((state.len(), two.checkpoint().size, two.time_s()), (3, 9, 1_800_000_009));
    }

    #[test]
    fn another_witness_s_state_is_told_apart() {
        let (key, state) = three();
        let text = state.to_text(key.public());
        let other = State::parse(text.as_bytes(), witness(2).public());
        assert_eq!(other, Err(StateError::OtherWitness { found: key.public().vkey().to_string() }));
        let later = text.replacen("/v1", "/v2", 1);
        assert_eq!(State::parse(later.as_bytes(), key.public()), Err(StateError::Version));
    }

    #[test]
    fn no_changed_byte_and_no_cut_passes() {
        let (key, state) = three();
        let text = state.to_text(key.public());
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(State::parse(&bytes, key.public()).is_err(), "byte {at}");
            assert!(State::parse(&text.as_bytes()[..at], key.public()).is_err(), "cut at {at}");
        }
        for more in ["\n", "checkpoint 0\n", "end 0 0\n"] {
            assert!(State::parse(format!("{text}{more}").as_bytes(), key.public()).is_err());
        }
    }

    #[test]
    fn a_record_taken_out_by_hand_is_noticed() {
        let (key, state) = three();
        let text = state.to_text(key.public());
        let note = state.get("house/two").expect("is there").note().to_string();
        let without = text.replacen(&format!("checkpoint {}\n{note}", note.len()), "", 1);
        assert!(without.len() < text.len());
        assert_eq!(State::parse(without.as_bytes(), key.public()), Err(StateError::Damaged));
    }
}
