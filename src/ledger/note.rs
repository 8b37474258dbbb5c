//! Signed notes (C2SP signed-note): a text and the signatures under it.
//!
//! Only the form is judged here; whose signature counts is the reader's affair.
//! A note has one spelling: what parses is written again as the same bytes.
//!
//! ```text
//! This is an example message.
//!
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//! ```

use std::fmt;

use super::encoding::{decode_base64, encode_base64};
use super::hash::Hash;
use crate::limits::NOTE_SIGNATURES_MAX;

/// The signature type of plain Ed25519 (signed-note, "Signature types").
pub const TYPE_ED25519: u8 = 0x01;

/// Why a text is not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// A control character other than LF.
    #[error("a control character at byte {offset}")]
    Control {
        /// Where it stands.
        offset: usize,
    },
    /// No blank line, no signature line, or no LF at the end.
    #[error("no blank line with signature lines after it")]
    Shape,
    /// A signature line that has not the form of one.
    #[error("signature line {number} is malformed")]
    SignatureLine {
        /// Which one, from 1.
        number: usize,
    },
    /// A key name that is empty or has a space or plus.
    #[error("a key name that is empty or has a space or plus")]
    KeyName,
    /// More signatures than anybody needs.
    #[error("more than {NOTE_SIGNATURES_MAX} signature lines")]
    TooManySignatures,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key.
    pub name: String,
    /// The short identifier of the key.
    pub key_id: [u8; 4],
    /// The signature itself.
    pub signature: Vec<u8>,
}

/// A signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text that is signed, with its last LF.
    pub text: String,
    /// The signatures, in their order.
    pub signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note (signed-note, "Format").
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if let Some(offset) = note.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Control { offset });
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Shape)?;
        let (text, signed) = note.split_at(blank + 1);
        let lines = signed.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let mut signatures = Vec::new();
        for (index, line) in lines.ok_or(NoteError::Shape)?.split('\n').enumerate() {
            if index == NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            let number = index + 1;
            signatures.push(signature(line).ok_or(NoteError::SignatureLine { number })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
}

fn signature(line: &str) -> Option<NoteSignature> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    check_key_name(name).ok()?;
    let bytes = decode_base64(encoded).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    let filled = !signature.is_empty();
    filled.then(|| NoteSignature {
        name: name.to_owned(),
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

/// Checks that a name may stand for a key: not empty, no Unicode space, no plus, no control.
pub fn check_key_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    if name.is_empty() || name.contains(bad) { Err(NoteError::KeyName) } else { Ok(()) }
}

/// The note's one spelling.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id, &self.signature[..]].concat();
        write!(f, "— {} {}", self.name, encode_base64(&bytes))
    }
}

/// The identifier of a key (signed-note, "Signatures").
pub fn key_id(name: &str, signature_type: u8, key: &[u8]) -> [u8; 4] {
    let hash = Hash::of_parts(&[name.as_bytes(), b"\n", &[signature_type], key]);
    let [a, b, c, d, ..] = *hash.bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "text\n\nmore\n\n— a/b AAAAAAE=\n— c AAAAAAI=\n";

    #[test]
    fn a_note_has_one_spelling() {
        let note = Note::parse(GOOD).expect("a note");
        assert_eq!(note.text, "text\n\nmore\n");
        let [first, second] = &note.signatures[..] else { panic!("two signatures") };
        assert_eq!(
            (&first.name[..], first.key_id, &first.signature[..]),
            ("a/b", [0; 4], &[1][..])
        );
        assert_eq!(second.name, "c");
        assert_eq!(note.to_string(), GOOD);
        let bad = [
            ("", ""),
            ("more\n\n", "more\n"),
            ("AAAAAAI=\n", "AAAAAAI="),
            ("AAAAAAI=\n", "AAAAAAI=\n\n"),
            ("AAAAAAI=\n", "AAAAAAI=\n."),
            ("text", "te\txt"),
            ("text", "te\rxt"),
            ("text", "te\0xt"),
            ("— c", "- c"),
            ("— c", "—  c"),
            ("— c", "—\u{a0}c"),
            ("— c", "— c\u{2003}d"),
            ("— c", "— c+d"),
            ("— c ", "— "),
            ("AAAAAAI=", "AAAAAAI"),
            ("AAAAAAI=", "AAAAAAJ="),
            ("AAAAAAI=", "AAAAAAI= "),
            ("AAAAAAI=", "AAAAAA=="),
            ("AAAAAAI=", "AAAA"),
            ("AAAAAAI=", ""),
        ];
        for (from, to) in bad {
            let text = if from.is_empty() { String::new() } else { GOOD.replace(from, to) };
            assert!(Note::parse(&text).is_err(), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn signatures_are_bounded() {
        let note = |count| format!("text\n\n{}", "— c AAAAAAI=\n".repeat(count));
        assert!(Note::parse(&note(NOTE_SIGNATURES_MAX)).is_ok());
        let many = Note::parse(&note(NOTE_SIGNATURES_MAX + 1));
        assert_eq!(many, Err(NoteError::TooManySignatures));
    }

    proptest! {
        #[test]
        fn what_parses_is_written_again(
            at in any::<prop::sample::Index>(), with in "[ -~\n—\u{a0}]{0,2}", cut in 0..3_usize,
        ) {
            let mut chars: Vec<char> = GOOD.chars().collect();
            let at = at.index(chars.len());
            let end = chars.len().min(at + cut);
            chars.splice(at..end, with.chars());
            let text: String = chars.into_iter().collect();
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }
}
