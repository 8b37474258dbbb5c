//! Checkpoints (C2SP tlog-checkpoint): what the house signs about its tree.
//!
//! Ours are narrower than the standard: no extension line, an Ed25519 key whose
//! name is the origin, and in a seal that one signature alone (LEDGER 2). A
//! [`SignedCheckpoint`] exists only after its signature was made or checked.
//!
//! ```text
//! meridian/estate-2026
//! 42
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — meridian/estate-2026 Az3grlgt...
//! ```

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::encoding::{decode_base64, encode_base64};
use super::hash::Hash;
use super::note::{Note, NoteError, NoteSignature, TYPE_ED25519, check_key_name, key_id};
use super::vkey::VerifierKey;

/// Why a note is not a checkpoint that this key signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] NoteError),
    /// More signature lines than the one of the sealing key.
    #[error("a seal with {count} signature lines")]
    SignatureLines {
        /// How many there are.
        count: usize,
    },
    /// Fewer than three lines, or no origin.
    #[error("a checkpoint has an origin, a size and a root")]
    Shape,
    /// Lines after the root.
    #[error("an extension line")]
    Extension,
    /// A size that is not a plain decimal.
    #[error("the size is not a plain decimal number")]
    Size,
    /// A root that is not the base64 of 32 bytes.
    #[error("the root is not 32 bytes in base64")]
    RootForm,
    /// Another log than the one expected.
    #[error("the checkpoint is for another ledger")]
    Origin {
        /// The origin that it names.
        found: String,
    },
    /// No signature names the expected key.
    #[error("not signed by the expected key")]
    UnknownKey,
    /// The signature of the expected key is wrong.
    #[error("the signature is wrong")]
    Signature,
}

impl CheckpointError {
    /// The name of the auditor's finding (THREATS, "Keys" and "Log").
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Note(_)
            | Self::SignatureLines { .. }
            | Self::Shape
            | Self::Extension
            | Self::Size
            | Self::RootForm => "seal",
            Self::Origin { .. } | Self::UnknownKey => "untrusted",
            Self::Signature => "signature",
        }
    }
}

/// The origin of a sale's ledger, which is also its key's name: `<house>/<sale>`.
pub fn origin(house: &str, sale: &str) -> String {
    format!("{house}/{sale}")
}

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger it is about.
    pub origin: String,
    /// How many lines the tree covers.
    pub size: u64,
    /// The root of that tree.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note as our ledgers have it: three lines and no more.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        Self::read(text, false)
    }

    /// Reads the text of another log's note (tlog-checkpoint, "Note text"), which may have
    /// extension lines; they are passed over.
    pub fn parse_extended(text: &str) -> Result<Self, CheckpointError> {
        Self::read(text, true)
    }

    fn read(text: &str, extended: bool) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Shape);
        };
        if origin.is_empty() {
            return Err(CheckpointError::Shape);
        }
        match lines.next() {
            Some(_) if !extended => return Err(CheckpointError::Extension),
            Some("") => return Err(CheckpointError::Shape),
            Some(_) | None => {}
        }
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Shape);
        }
        let size = decimal(size).ok_or(CheckpointError::Size)?;
        let root = decode_base64(root).ok().and_then(|bytes| bytes.try_into().ok());
        let root = root.map(Hash::from_bytes).ok_or(CheckpointError::RootForm)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// Reads an ASCII decimal without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.starts_with('0') && text != "0";
    if plain && !leading_zero { text.parse().ok() } else { None }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, encode_base64(self.root.as_ref()))
    }
}

/// A checkpoint whose signature was made or checked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
}

impl SignedCheckpoint {
    /// Checks a note as a seal holds it: this key's signature and no other line.
    pub fn verify(note: &str, origin: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let parsed = Note::parse(note)?;
        match parsed.signatures.len() {
            1 => Self::verify_parsed(&parsed, note, origin, key),
            count => Err(CheckpointError::SignatureLines { count }),
        }
    }

    /// Checks a note that others may have cosigned: lines of other keys are passed over.
    pub fn verify_cosigned(
        note: &str,
        origin: &str,
        key: &VerifyingKey,
    ) -> Result<Self, CheckpointError> {
        Self::verify_parsed(&Note::parse(note)?, note, origin, key)
    }

    fn verify_parsed(
        parsed: &Note,
        note: &str,
        origin: &str,
        key: &VerifyingKey,
    ) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(&parsed.text)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::Origin { found: checkpoint.origin });
        }
        let id = key_id(origin, TYPE_ED25519, key.as_bytes());
        let ours = |line: &&NoteSignature| line.name == origin && line.key_id == id;
        let mut lines = parsed.signatures.iter().filter(ours).peekable();
        if lines.peek().is_none() {
            return Err(CheckpointError::UnknownKey);
        }
        // Strangers send notes: the same line copied many times must not cost its check as often.
        let mut checked: Option<&[u8]> = None;
        for line in lines {
            if checked == Some(line.signature.as_slice()) {
                continue;
            }
            checked = Some(&line.signature);
            let signature = Signature::from_slice(&line.signature);
            signature
                .and_then(|signature| key.verify_strict(parsed.text.as_bytes(), &signature))
                .map_err(|_| CheckpointError::Signature)?;
        }
        Ok(Self { checkpoint, note: note.to_owned() })
    }

    /// What it says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The whole signed note.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The note with one line of the key that signed it and no other: whoever made it could have
    /// filled it up with lines of strangers, which nobody checks.
    pub fn bare_note(&self, key: &VerifyingKey) -> String {
        let origin = &self.checkpoint.origin;
        let id = key_id(origin, TYPE_ED25519, key.as_bytes());
        let mut note = Note::parse(&self.note).expect("it was read when it was checked");
        note.signatures.retain(|line| line.name == *origin && line.key_id == id);
        note.signatures.truncate(1);
        note.to_string()
    }

    /// The same checkpoint without the lines of others.
    pub fn alone(&self) -> Self {
        let mut note = Note::parse(&self.note).expect("it was read when it was checked");
        note.signatures.retain(|line| line.name == self.checkpoint.origin);
        Self { checkpoint: self.checkpoint.clone(), note: note.to_string() }
    }

    /// The same checkpoint with the lines of witnesses below those that it has. Whose they are
    /// and whether they stand is for the caller to have checked.
    pub fn with_lines<'a>(&self, lines: impl IntoIterator<Item = &'a NoteSignature>) -> Self {
        let mut note = self.note.clone();
        lines.into_iter().for_each(|line| note.push_str(&format!("{line}\n")));
        Self { checkpoint: self.checkpoint.clone(), note }
    }
}

/// The key that seals one sale. It is wiped from memory when dropped.
pub struct SealingKey {
    origin: String,
    key: SigningKey,
}

impl SealingKey {
    /// Takes the key for a ledger; the origin must be fit to name a key.
    pub fn new(origin: String, key: SigningKey) -> Result<Self, NoteError> {
        check_key_name(&origin)?;
        Ok(Self { origin, key })
    }

    /// Which ledger it seals.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs a tree. Deterministic: the same tree gives the same bytes.
    pub fn sign(&self, size: u64, root: Hash) -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let text = checkpoint.to_string();
        let signature = NoteSignature {
            name: self.origin.clone(),
            key_id: key_id(&self.origin, TYPE_ED25519, self.verifying_key().as_bytes()),
            signature: self.key.sign(text.as_bytes()).to_bytes().to_vec(),
        };
        let note = Note { text, signatures: vec![signature] }.to_string();
        SignedCheckpoint { checkpoint, note }
    }

    /// The public half as other programs take it (signed-note, "Verifier keys").
    pub fn vkey(&self) -> String {
        let key = VerifierKey::new(&self.origin, TYPE_ED25519, &self.verifying_key());
        key.expect("the name was checked, and no secret has a weak key").to_string()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("origin", &self.origin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "house/sale";

    fn key() -> SealingKey {
        SealingKey::new(ORIGIN.to_owned(), SigningKey::from_bytes(&[7; 32])).expect("a name")
    }

    fn kind(note: &str) -> &'static str {
        let verified = SignedCheckpoint::verify(note, ORIGIN, &key().verifying_key());
        verified.map_or_else(|error| error.kind(), |_| "ok")
    }

    /// Signs any text, as a dishonest house could.
    fn signed(text: &str) -> String {
        let key = key();
        let signature = NoteSignature {
            name: ORIGIN.to_owned(),
            key_id: key_id(ORIGIN, TYPE_ED25519, key.verifying_key().as_bytes()),
            signature: key.key.sign(text.as_bytes()).to_bytes().to_vec(),
        };
        Note { text: text.to_owned(), signatures: vec![signature] }.to_string()
    }

    #[test]
    fn a_signature_is_the_same_every_time() {
        let (one, two) = (key().sign(7, Hash::ZERO), key().sign(7, Hash::ZERO));
        assert_eq!(one, two);
        let verified = SignedCheckpoint::verify(one.note(), ORIGIN, &key().verifying_key());
        assert_eq!(verified, Ok(one));
    }

    #[test]
    fn only_the_one_form_is_a_seal() {
        let root = encode_base64(&[0; 32]);
        let table = [
            ("ok", format!("{ORIGIN}\n7\n{root}\n")),
            ("ok", format!("{ORIGIN}\n0\n{root}\n")),
            ("seal", format!("{ORIGIN}\n7\n{root}\nextension\n")),
            ("seal", format!("{ORIGIN}\n7\n{root}\n\n")),
            ("seal", format!("{ORIGIN}\n07\n{root}\n")),
            ("seal", format!("{ORIGIN}\n+7\n{root}\n")),
            ("seal", format!("{ORIGIN}\n-7\n{root}\n")),
            ("seal", format!("{ORIGIN}\n\n{root}\n")),
            ("seal", format!("{ORIGIN}\n18446744073709551616\n{root}\n")),
            ("seal", format!("{ORIGIN}\n7\n{}\n", &root[4..])),
            ("seal", format!("{ORIGIN}\n7\n{}\n", root.replace("A=", "B="))),
            ("seal", format!("{ORIGIN}\n7\n")),
            ("seal", format!("\n7\n{root}\n")),
            ("untrusted", format!("house/other\n7\n{root}\n")),
        ];
        for (expected, text) in table {
            assert_eq!(kind(&signed(&text)), expected, "{text:?}");
        }
    }

    #[test]
    fn signature_lines_are_judged() {
        let sealed = key().sign(7, Hash::ZERO);
        let note = sealed.note();
        assert_eq!(kind(note), "ok");
        assert_eq!(kind(&note.replace("\n7\n", "\n8\n")), "signature");
        assert_eq!(kind(&note.replace("— house/sale", "— house/other")), "untrusted");
        let stranger = SealingKey::new(ORIGIN.to_owned(), SigningKey::from_bytes(&[8; 32]));
        let stranger = stranger.expect("a name").sign(7, Hash::ZERO);
        assert_eq!(kind(stranger.note()), "untrusted");
        let cosigned = format!("{note}— witness AAAAAAI=\n");
        assert_eq!(kind(&cosigned), "seal");
        let verify =
            |note: &str| SignedCheckpoint::verify_cosigned(note, ORIGIN, &key().verifying_key());
        assert_eq!(verify(&cosigned).expect("cosigned").checkpoint(), sealed.checkpoint());
        // A wrong signature of a known key spoils the note, whatever stands beside it.
        let mut parsed = Note::parse(note).expect("a note");
        let mut wrong = parsed.signatures[0].clone();
        wrong.signature[9] ^= 1;
        parsed.signatures.push(wrong);
        assert_eq!(verify(&parsed.to_string()), Err(CheckpointError::Signature));
    }

    #[test]
    fn a_line_copied_many_times_counts_once() {
        let mut parsed = Note::parse(key().sign(7, Hash::ZERO).note()).expect("a note");
        let line = parsed.signatures[0].clone();
        parsed.signatures.resize(crate::limits::NOTE_SIGNATURES_MAX, line);
        let verify = |note: &Note| {
            SignedCheckpoint::verify_cosigned(&note.to_string(), ORIGIN, &key().verifying_key())
        };
        assert_eq!(verify(&parsed).expect("signed").checkpoint().size, 7);
        for spoilt in [0, 1, parsed.signatures.len() - 1] {
            let mut parsed = parsed.clone();
            parsed.signatures[spoilt].signature[9] ^= 1;
            assert_eq!(verify(&parsed), Err(CheckpointError::Signature), "line {spoilt}");
        }
    }

    #[test]
    fn weak_keys_and_signatures_are_refused() {
        let sealed = key().sign(7, Hash::ZERO);
        let mut parsed = Note::parse(sealed.note()).expect("a note");
        for length in [0, 63, 64, 65] {
            parsed.signatures[0].signature = vec![0; length];
            assert_ne!(kind(&parsed.to_string()), "ok", "{length}");
        }
        parsed.signatures[0].signature = vec![0; 64];
        assert_eq!(kind(&parsed.to_string()), "signature");
        // The identity point as key, and R = identity, S = 0: plain `verify` takes it.
        let mut identity = [0; 32];
        identity[0] = 1;
        let weak = VerifyingKey::from_bytes(&identity).expect("decodes");
        let signature = [&identity[..], &[0; 32]].concat();
        let id = key_id(ORIGIN, TYPE_ED25519, &identity);
        parsed.signatures[0] = NoteSignature { name: ORIGIN.to_owned(), key_id: id, signature };
        let forged = SignedCheckpoint::verify(&parsed.to_string(), ORIGIN, &weak);
        assert_eq!(forged, Err(CheckpointError::Signature));
    }

    #[test]
    fn every_changed_byte_is_found() {
        let sealed = key().sign(7, Hash::of(b"root"));
        for at in 0..sealed.note().len() {
            let mut bytes = sealed.note().as_bytes().to_vec();
            bytes[at] ^= 1;
            if let Ok(note) = str::from_utf8(&bytes) {
                assert_ne!(kind(note), "ok", "byte {at}");
            }
        }
    }

    #[test]
    fn a_sealing_key_shows_no_secret() {
        let shown = format!("{:?}", key());
        assert_eq!(shown, r#"SealingKey { origin: "house/sale", .. }"#);
        let named = SealingKey::new("a b".to_owned(), SigningKey::from_bytes(&[7; 32]));
        assert!(named.is_err());
    }
}
