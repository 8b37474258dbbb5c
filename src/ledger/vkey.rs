//! Verifier keys (C2SP signed-note, "Verifier keys"): public keys as texts, for
//! logs and for witnesses, and the check of the signature lines that they name.
//!
//! ```text
//! example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k
//! ```

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use super::encoding::{decode_base64, decode_hex, encode_base64, encode_hex};
use super::note::{Note, NoteError, NoteSignature, TYPE_ED25519, check_key_name, key_id};
use crate::limits::VKEY_BYTES_MAX;

/// The signature type of timestamped Ed25519 cosignatures (signed-note, "Signature types").
pub const TYPE_COSIGNATURE: u8 = 0x04;

/// Why a text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VkeyError {
    /// Not a name, an identifier and a key with plus signs between them, or longer than any key.
    #[error("a verifier key is NAME+8 HEX DIGITS+BASE64")]
    Shape,
    /// The name may not stand for a key.
    #[error("the name of the verifier key: {0}")]
    Name(#[from] NoteError),
    /// The identifier is not the one that name and key give.
    #[error("the verifier key's identifier does not belong to its name and key")]
    KeyId,
    /// Not 32 bytes of a point of full order.
    #[error("the verifier key is not an Ed25519 public key")]
    Material,
}

/// A public key with its name, whatever it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    signature_type: u8,
    material: Vec<u8>,
    /// As it was read: keys of other types have identifiers that are computed in other ways.
    id: [u8; 4],
    /// The key itself, for the two types whose keys are Ed25519.
    ed25519: Option<VerifyingKey>,
}

impl VerifierKey {
    /// Names an Ed25519 key for one type of signature.
    pub fn new(name: &str, signature_type: u8, key: &VerifyingKey) -> Result<Self, VkeyError> {
        check_key_name(name)?;
        Self::checked(name, signature_type, key.as_bytes().to_vec())
    }

    /// Reads a verifier key. One of a type that is not known here is well formed too.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        if text.len() > VKEY_BYTES_MAX {
            return Err(VkeyError::Shape);
        }
        let (name, rest) = text.split_once('+').ok_or(VkeyError::Shape)?;
        let (id, encoded) = rest.split_once('+').ok_or(VkeyError::Shape)?;
        check_key_name(name)?;
        let bytes = decode_base64(encoded).map_err(|_| VkeyError::Shape)?;
        let (signature_type, material) = bytes.split_first().ok_or(VkeyError::Shape)?;
        let key = Self::checked(name, *signature_type, material.to_vec())?;
        let id = decode_hex(id).map_err(|_| VkeyError::KeyId)?;
        match key.ed25519 {
            Some(_) if key.id != id => Err(VkeyError::KeyId),
            _ => Ok(Self { id, ..key }),
        }
    }

    fn checked(name: &str, signature_type: u8, material: Vec<u8>) -> Result<Self, VkeyError> {
        let ed25519 = match signature_type {
            TYPE_ED25519 | TYPE_COSIGNATURE => {
                let bytes = material.as_slice().try_into().map_err(|_| VkeyError::Material)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| VkeyError::Material)?;
                // Under such a key many signatures stand that nobody made.
                if key.is_weak() {
                    return Err(VkeyError::Material);
                }
                Some(key)
            }
            _ => None,
        };
        let id = key_id(name, signature_type, &material);
        Ok(Self { name: name.to_owned(), signature_type, material, id, ed25519 })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of signature that it checks (signed-note, "Signature types").
    pub const fn signature_type(&self) -> u8 {
        self.signature_type
    }

    /// The public key alone, without name and type: what tells duplicates (tlog-policy, "Public
    /// key representation").
    pub fn material(&self) -> &[u8] {
        &self.material
    }

    /// The key, if signatures of its type can be checked here.
    pub const fn ed25519(&self) -> Option<&VerifyingKey> {
        self.ed25519.as_ref()
    }

    /// Its identifier (signed-note, "Signatures").
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether a signature line names this key.
    pub fn is_named_by(&self, line: &NoteSignature) -> bool {
        line.name == self.name && line.key_id == self.id()
    }

    /// The plain signature lines by this key, all of which must stand (signed-note,
    /// "Signatures"); none if there is no such line.
    pub fn signs(&self, note: &Note) -> Result<bool, WrongSignature> {
        let Some(key) = self.ed25519.filter(|_| self.signature_type == TYPE_ED25519) else {
            return Ok(false);
        };
        let lines = distinct(note.signatures.iter().filter(|line| self.is_named_by(line)));
        for line in &lines {
            let signature = Signature::from_slice(&line.signature).map_err(|_| WrongSignature)?;
            key.verify_strict(note.text.as_bytes(), &signature).map_err(|_| WrongSignature)?;
        }
        Ok(!lines.is_empty())
    }
}

/// A signature line names a known key, and that key did not sign: the note is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature line of a known key is wrong")]
pub struct WrongSignature;

/// Lines without their repetitions: strangers send notes, and the same line copied many times
/// must not cost its check as often.
pub(super) fn distinct<'a>(
    lines: impl Iterator<Item = &'a NoteSignature>,
) -> Vec<&'a NoteSignature> {
    let mut distinct: Vec<&NoteSignature> = lines.collect();
    distinct.dedup();
    distinct
}

/// The key as other programs take it.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[self.signature_type], &self.material[..]].concat();
        write!(f, "{}+{}+{}", self.name, encode_hex(&self.id()), encode_base64(&material))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    /// signed-note, "Example".
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_published_example_stands() {
        let key = VerifierKey::parse(VKEY).expect("a key");
        assert_eq!((key.to_string().as_str(), key.name()), (VKEY, "example.com/foo"));
        let note = Note::parse(NOTE).expect("a note");
        assert_eq!(key.signs(&note), Ok(true));
        let changed = Note { text: "This is another message.\n".to_owned(), ..note };
        assert_eq!(key.signs(&changed), Err(WrongSignature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let table = [
            ("", VkeyError::Shape),
            ("name", VkeyError::Shape),
            ("name+530d903a", VkeyError::Shape),
            (&VKEY.replace("2k", "2l"), VkeyError::KeyId),
            (&VKEY.replace("530d", "530D"), VkeyError::KeyId),
            (&VKEY.replace("530d", "530e"), VkeyError::KeyId),
            (&VKEY.replace("530d903a", "530d903a0"), VkeyError::KeyId),
            (&VKEY.replace("/foo", "/fop"), VkeyError::KeyId),
            (&VKEY.replace("/foo", " foo"), VkeyError::Name(NoteError::KeyName)),
            (&VKEY.replace("example.com/foo", ""), VkeyError::Name(NoteError::KeyName)),
            ("name+530d903a+AekyeRrm", VkeyError::Material),
            // The identity point: every message has a signature under it.
            ("name+530d903a+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", VkeyError::Material),
        ];
        for (text, expected) in table {
            assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
        }
        let long = format!("{}{VKEY}", "a".repeat(VKEY_BYTES_MAX));
        assert_eq!(VerifierKey::parse(&long), Err(VkeyError::Shape));
    }

    #[test]
    fn a_key_of_a_type_that_is_not_known_can_be_named_and_checks_nothing() {
        let material = encode_base64(&[&[0x06], &[7; 1312][..]].concat());
        let text = format!("w+00000000+{material}");
        let key = VerifierKey::parse(&text).expect("well formed");
        assert_eq!((key.id(), key.to_string()), ([0; 4], text), "its identifier is kept");
        assert_eq!((key.ed25519(), key.signature_type()), (None, 0x06));
        assert_eq!(key.signs(&Note::parse(NOTE).expect("a note")), Ok(false));
    }

    #[test]
    fn each_line_of_the_key_must_stand() {
        let secret = SigningKey::from_bytes(&[3; 32]);
        let key = VerifierKey::new("log", TYPE_ED25519, &secret.verifying_key()).expect("a key");
        let line = |text: &str| NoteSignature {
            name: "log".to_owned(),
            key_id: key.id(),
            signature: secret.sign(text.as_bytes()).to_bytes().to_vec(),
        };
        let note = |signatures| Note { text: "text\n".to_owned(), signatures };
        assert_eq!(key.signs(&note(vec![line("text\n"); 2])), Ok(true));
        let wrong = note(vec![line("text\n"), line("other\n")]);
        assert_eq!(key.signs(&wrong), Err(WrongSignature));
        let stranger = NoteSignature { key_id: [0; 4], ..line("other\n") };
        assert_eq!(key.signs(&note(vec![stranger])), Ok(false), "an unknown key is passed over");
        let witness = VerifierKey::new("log", TYPE_COSIGNATURE, &secret.verifying_key());
        assert_ne!(witness.expect("a key").id(), key.id(), "types have identifiers of their own");
    }
}
