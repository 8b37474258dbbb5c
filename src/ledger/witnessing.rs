//! What a log asks of a witness and what that answers, as texts (C2SP tlog-witness,
//! "add-checkpoint"). Both sides use this one spelling; who carries it is not known here.
//!
//! A request is the size of the tree that the witness cosigned last, the proof
//! from there to the checkpoint (RFC 6962, section 2.1.2), a blank line, and the
//! checkpoint:
//!
//! ```text
//! old 20852014
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
//! jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
//!
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — example.com/behind-the-sofa Az3grlgt...
//! ```
//!
//! The answer to it is a status, and with two of them a body: the lines of the
//! cosignatures, or the size that the witness knows.

use std::fmt;

use super::checkpoint::{Checkpoint, CheckpointError, decimal};
use super::cosignature::{Cosignature, CosignerKey};
use super::encoding::{decode_base64, encode_base64};
use super::hash::Hash;
use super::note::{Note, NoteError, NoteSignature};
use super::vkey::WrongSignature;
use crate::limits::REQUEST_PROOF_HASHES_MAX;

/// Where requests go, behind the witness's submission prefix; always as POST.
pub const ADD_CHECKPOINT_PATH: &str = "/add-checkpoint";

/// The media type of the size in a 409 answer.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// How a log is named in addresses and folders: the SHA-256 of its origin (tlog-witness, "Monitor
/// Retrieval Mechanism").
pub fn origin_hash(origin: &str) -> Hash {
    Hash::of(origin.as_bytes())
}

/// Why bytes are not a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not UTF-8.
    #[error("the request is not UTF-8")]
    Utf8,
    /// The first line is not `old` and a plain decimal number.
    #[error("the first line is `old`, a space and a plain decimal number")]
    OldSize,
    /// A proof line that is not the base64 of 32 bytes, or no blank line after them.
    #[error("line {line} is neither a hash in base64 nor blank")]
    ProofLine {
        /// Which line, from 1.
        line: usize,
    },
    /// More hashes than any proof needs.
    #[error("more than {REQUEST_PROOF_HASHES_MAX} proof lines")]
    ProofTooLong,
    /// What follows the blank line is no signed note.
    #[error("after the blank line: {0}")]
    Note(#[from] NoteError),
    /// The note's text is no checkpoint.
    #[error("after the blank line: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// A request for a cosignature, well formed and not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    note: Note,
    checkpoint: Checkpoint,
}

impl AddCheckpoint {
    /// Asks for a cosignature of a checkpoint, given as its note, from a witness that cosigned
    /// `old_size` entries last (0 if it is not known to have cosigned any). `proof` goes from there
    /// to the checkpoint and is empty from 0.
    pub fn new(old_size: u64, proof: Vec<Hash>, note: &str) -> Result<Self, RequestError> {
        if proof.len() > REQUEST_PROOF_HASHES_MAX {
            return Err(RequestError::ProofTooLong);
        }
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse_extended(&note.text)?;
        Ok(Self { old_size, proof, note, checkpoint })
    }

    /// Reads the body of a request.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let body = str::from_utf8(body).map_err(|_| RequestError::Utf8)?;
        let (first, mut rest) = body.split_once('\n').ok_or(RequestError::OldSize)?;
        let old_size = first.strip_prefix("old ").and_then(decimal);
        let old_size = old_size.ok_or(RequestError::OldSize)?;
        let mut proof = Vec::new();
        loop {
            let line = proof.len() + 2;
            let (text, after) = rest.split_once('\n').ok_or(RequestError::ProofLine { line })?;
            rest = after;
            if text.is_empty() {
                return Self::new(old_size, proof, rest);
            }
            if proof.len() == REQUEST_PROOF_HASHES_MAX {
                return Err(RequestError::ProofTooLong);
            }
            let hash = decode_base64(text).ok().and_then(|bytes| bytes.try_into().ok());
            proof.push(hash.map(Hash::from_bytes).ok_or(RequestError::ProofLine { line })?);
        }
    }

    /// The size that the client takes to be the last one cosigned.
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The hashes from that size to the checkpoint's.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint with all its signature lines, none of which is checked.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// What the checkpoint says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The newest cosignature of a witness among the lines that it answered to this request; lines
    /// of other keys are passed over, and none is an error.
    pub fn cosigned_by(
        &self,
        witness: &CosignerKey,
        lines: &[NoteSignature],
    ) -> Result<Cosignature, AnswerError> {
        let note = Note { text: self.note.text.clone(), signatures: lines.to_vec() };
        witness.cosigned(&note)?.ok_or(AnswerError::NoCosignature)
    }
}

/// The body of the request.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        let mut hashes = self.proof.iter();
        hashes.try_for_each(|hash| writeln!(f, "{}", encode_base64(hash.as_ref())))?;
        write!(f, "\n{}", self.note)
    }
}

/// Why bytes are not the answer of a witness, or not one that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// A status that the protocol does not give.
    #[error("the witness answered with status {status}")]
    Status {
        /// Which one.
        status: u16,
    },
    /// The body of a 200 is no list of signature lines.
    #[error("the witness's cosignatures cannot be read")]
    Lines,
    /// The body of a 409 is no size.
    #[error("the size that the witness names cannot be read")]
    Size,
    /// No line is by the key that is expected.
    #[error("none of the cosignatures is by the witness's key")]
    NoCosignature,
    /// A line names the expected key, and that key did not sign this checkpoint.
    #[error("the witness's cosignature is wrong")]
    WrongSignature(#[from] WrongSignature),
}

/// What a witness answers to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned, and these are the lines: one or more.
    Cosigned(Vec<NoteSignature>),
    /// The request is malformed, or its old size is above that of its checkpoint.
    Malformed,
    /// No key that the witness trusts for this log has signed, or the signature is wrong.
    NotSigned,
    /// The witness does not know the log.
    UnknownLog,
    /// The old size is not the one that the witness cosigned last.
    OtherSize {
        /// The one that it did: 0 before the first.
        known_size: u64,
    },
    /// The checkpoint is not consistent with what the witness cosigned, or not shown to be.
    Inconsistent,
}

impl Answer {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } => 409,
            Self::Inconsistent => 422,
        }
    }

    /// The body, with what the protocol gives none an empty one.
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
            Self::OtherSize { known_size } => format!("{known_size}\n"),
            Self::Malformed | Self::NotSigned | Self::UnknownLog | Self::Inconsistent => {
                String::new()
            }
        }
    }

    /// Reads status and body; the body of a refusal is words for people and passed over.
    pub fn parse(status: u16, body: &[u8]) -> Result<Self, AnswerError> {
        match status {
            200 => lines(body).map(Self::Cosigned).ok_or(AnswerError::Lines),
            400 => Ok(Self::Malformed),
            403 => Ok(Self::NotSigned),
            404 => Ok(Self::UnknownLog),
            409 => {
                let size = str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n'));
                let known_size = size.and_then(decimal).ok_or(AnswerError::Size)?;
                Ok(Self::OtherSize { known_size })
            }
            422 => Ok(Self::Inconsistent),
            status => Err(AnswerError::Status { status }),
        }
    }
}

/// Reads signature lines by putting them under a text, as the protocol proposes.
fn lines(body: &[u8]) -> Option<Vec<NoteSignature>> {
    let note = Note::parse(&format!("\n\n{}", str::from_utf8(body).ok()?)).ok()?;
    // A blank line among them would make some of them text.
    (note.text == "\n").then_some(note.signatures)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::cosignature::WitnessKey;
    use super::*;

    /// tlog-witness, "add-checkpoint": the example request.
    const REQUEST: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";
    /// The same: the example answer.
    const ANSWER: &str = "— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
";

    fn parse(body: &str) -> Result<AddCheckpoint, RequestError> {
        AddCheckpoint::parse(body.as_bytes())
    }

    #[test]
    fn the_published_request_is_read_and_written_again() {
        let request = parse(REQUEST).expect("a request");
        assert_eq!((request.old_size(), request.proof().len()), (20_852_014, 4));
        assert_eq!(request.checkpoint().size, 20_852_163);
        assert_eq!(request.note().signatures.len(), 2);
        assert_eq!(request.to_string(), REQUEST);
        let (_, note) = REQUEST.split_once("\n\n").expect("a blank line");
        let made = AddCheckpoint::new(20_852_014, request.proof().to_vec(), note);
        assert_eq!(made, Ok(request));
    }

    #[test]
    fn what_is_no_request_is_refused_by_its_line() {
        use RequestError::{OldSize, ProofLine, ProofTooLong};
        let table = [
            ("old 20852014", "", OldSize),
            ("old 20852014", "old", OldSize),
            ("old 20852014", "old  20852014", OldSize),
            ("old 20852014", "old 020852014", OldSize),
            ("old 20852014", "old -1", OldSize),
            ("old 20852014", "old 18446744073709551616", OldSize),
            ("old 20852014", "old 20852014\r", OldSize),
            ("old 20852014", "OLD 20852014", OldSize),
            ("old 20852014\n", "", OldSize),
            ("PlRN", "PlR", ProofLine { line: 2 }),
            ("swk=", "swl=", ProofLine { line: 3 }),
            ("5+pK", "5+pKAAAA", ProofLine { line: 4 }),
            ("/6WV", " /6WV", ProofLine { line: 5 }),
            ("/0=\n\nexample.com/behind", "/0=\nexample.com/behind", ProofLine { line: 6 }),
            ("q2I=\n\n—", "q2I=\n—", NoteError::Shape.into()),
            ("\n20852163\n", "\n020852163\n", CheckpointError::Size.into()),
            ("20852163\nCsUY", "20852163\nCsU", CheckpointError::RootForm.into()),
            ("\n\nexample.com/behind-the-sofa", "\n\n", CheckpointError::Shape.into()),
        ];
        for (from, to, expected) in table {
            assert_eq!(parse(&REQUEST.replacen(from, to, 1)), Err(expected), "{from:?} -> {to:?}");
        }
        assert_eq!(AddCheckpoint::parse(b"old 0\xff\n\n"), Err(RequestError::Utf8));
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        let with = |count| parse(&REQUEST.replacen(hash, &hash.repeat(count), 1));
        assert_eq!(with(60).expect("63 hashes").proof().len(), REQUEST_PROOF_HASHES_MAX);
        assert_eq!(with(61), Err(ProofTooLong));
        let long = AddCheckpoint::new(1, vec![Hash::ZERO; 64], "");
        assert_eq!(long, Err(ProofTooLong));
    }

    #[test]
    fn extension_lines_belong_to_the_checkpoint() {
        let request = parse(&REQUEST.replace("q2I=\n\n—", "q2I=\none\ntwo\n\n—")).expect("read");
        assert!(request.note().text.ends_with("\none\ntwo\n"));
    }

    #[test]
    fn the_published_answer_is_read_and_written_again() {
        let answer = Answer::parse(200, ANSWER.as_bytes()).expect("an answer");
        let Answer::Cosigned(lines) = &answer else { panic!("cosigned") };
        assert_eq!(lines.len(), 3);
        assert_eq!((answer.status(), answer.body()), (200, ANSWER.to_owned()));
    }

    #[test]
    fn every_answer_is_read_as_it_is_written() {
        use Answer::{Inconsistent, Malformed, NotSigned, OtherSize, UnknownLog};
        let sizes = [0, 7, u64::MAX].map(|known_size| OtherSize { known_size });
        for answer in [Malformed, NotSigned, UnknownLog, Inconsistent].into_iter().chain(sizes) {
            assert_eq!(Answer::parse(answer.status(), answer.body().as_bytes()), Ok(answer));
        }
        for body in ["", "\n", "7", "07\n", "7\n\n", "+7\n", "<html>\n", "18446744073709551616\n"] {
            assert_eq!(Answer::parse(409, body.as_bytes()), Err(AnswerError::Size), "{body:?}");
        }
        let torn = [&ANSWER[..ANSWER.len() - 1], "", "\n", &ANSWER.replacen('\n', "\n\n", 1)];
        for body in torn {
            assert_eq!(Answer::parse(200, body.as_bytes()), Err(AnswerError::Lines), "{body:?}");
        }
        for status in [201, 301, 413, 429, 500, 503] {
            assert_eq!(Answer::parse(status, b""), Err(AnswerError::Status { status }));
        }
    }

    #[test]
    fn only_the_witness_s_own_line_counts() {
        let key = |seed, name| WitnessKey::new(name, SigningKey::from_bytes(&[seed; 32]));
        let (ours, other) = (key(1, "w1").expect("a key"), key(2, "w2").expect("a key"));
        let request = parse(REQUEST).expect("a request");
        let cosign = |witness: &WitnessKey, time| witness.cosign(&request.note().text, time);
        let judge = |lines: &[NoteSignature]| request.cosigned_by(ours.public(), lines);
        let found = judge(&[cosign(&other, 9), cosign(&ours, 5)]).expect("stands");
        assert_eq!(found.time_s, 5);
        assert_eq!(judge(&[cosign(&other, 9)]), Err(AnswerError::NoCosignature));
        let wrong = ours.cosign("other\n1\n", 5);
        assert_eq!(judge(&[wrong]), Err(AnswerError::WrongSignature(WrongSignature)));
    }

    proptest! {
        #[test]
        fn what_parses_is_written_as_the_same_bytes(
            at in any::<prop::sample::Index>(), with in "[ -~\n]{0,2}", cut in 0..3_usize,
        ) {
            let mut chars: Vec<char> = REQUEST.chars().collect();
            let at = at.index(chars.len());
            let end = chars.len().min(at + cut);
            chars.splice(at..end, with.chars());
            let body: String = chars.into_iter().collect();
            if let Ok(request) = parse(&body) {
                prop_assert_eq!(request.to_string(), body);
            }
        }
    }
}
