//! Cosignatures (C2SP tlog-cosignature, Ed25519): a witness's word that, at a
//! time, a checkpoint was the largest that it had seen of a log, and consistent
//! with every one before it.
//!
//! What is signed names the time, then the whole text of the checkpoint:
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```

use ed25519_dalek::{Signature, Signer as _, SigningKey};

use super::note::{Note, NoteSignature};
use super::vkey::{TYPE_COSIGNATURE, VerifierKey, VkeyError, WrongSignature, distinct};

/// The largest time that a cosignature can name (tlog-cosignature, "Format").
const TIME_S_MAX: u64 = i64::MAX.unsigned_abs();

/// A cosignature that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// When the witness says it signed: POSIX time in seconds, above 0.
    pub time_s: u64,
    /// The line as it stands in the note.
    pub line: NoteSignature,
}

/// The public key of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey(VerifierKey);

impl CosignerKey {
    /// Takes a verifier key of type 0x04; none for any other.
    pub fn of(key: VerifierKey) -> Option<Self> {
        (key.signature_type() == TYPE_COSIGNATURE).then_some(Self(key))
    }

    /// The key as other programs take it.
    pub const fn vkey(&self) -> &VerifierKey {
        &self.0
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The newest cosignature of this witness under a note; none if it has none. Every line that
    /// names the key must stand, else the note is malformed (signed-note, "Signatures").
    pub fn cosigned(&self, note: &Note) -> Result<Option<Cosignature>, WrongSignature> {
        let lines = distinct(note.signatures.iter().filter(|line| self.0.is_named_by(line)));
        let mut newest: Option<Cosignature> = None;
        for line in lines {
            let cosignature = self.check(&note.text, line)?;
            if newest.as_ref().is_none_or(|newest| newest.time_s < cosignature.time_s) {
                newest = Some(cosignature);
            }
        }
        Ok(newest)
    }

    fn check(&self, text: &str, line: &NoteSignature) -> Result<Cosignature, WrongSignature> {
        let (time, signature) = line.signature.split_first_chunk::<8>().ok_or(WrongSignature)?;
        let time_s = u64::from_be_bytes(*time);
        // A time of zero says nothing about the tree being the newest (tlog-witness,
        // "add-checkpoint").
        if time_s == 0 || time_s > TIME_S_MAX {
            return Err(WrongSignature);
        }
        let signature = Signature::from_slice(signature).map_err(|_| WrongSignature)?;
        let key = self.0.ed25519().ok_or(WrongSignature)?;
        key.verify_strict(message(time_s, text).as_bytes(), &signature)
            .map_err(|_| WrongSignature)?;
        Ok(Cosignature { time_s, line: line.clone() })
    }
}

/// What is signed (tlog-cosignature, "Ed25519 signed message").
fn message(time_s: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

/// The key of a witness, which signs nothing but cosignatures. It is wiped from memory when
/// dropped.
pub struct WitnessKey {
    public: CosignerKey,
    secret: SigningKey,
}

impl WitnessKey {
    /// Takes the key of a witness; the name must be fit to name a key.
    pub fn new(name: &str, secret: SigningKey) -> Result<Self, VkeyError> {
        let key = VerifierKey::new(name, TYPE_COSIGNATURE, &secret.verifying_key())?;
        Ok(Self { public: CosignerKey(key), secret })
    }

    /// The public half.
    pub const fn public(&self) -> &CosignerKey {
        &self.public
    }

    /// Cosigns the text of a checkpoint at a time in POSIX seconds, from 1 to 2^63-1: others are
    /// moved into that range, for no clock is there.
    ///
    /// It is for the caller to have checked that this tree contains every one before it.
    pub fn cosign(&self, text: &str, time_s: u64) -> NoteSignature {
        let time_s = time_s.clamp(1, TIME_S_MAX);
        let signature = self.secret.sign(message(time_s, text).as_bytes());
        NoteSignature {
            name: self.public.name().to_owned(),
            key_id: self.public.0.id(),
            signature: [&time_s.to_be_bytes(), &signature.to_bytes()[..]].concat(),
        }
    }
}

impl std::fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WitnessKey").field("name", &self.public.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::TYPE_ED25519;
    use super::*;

    const TEXT: &str = "example.com/log\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

    fn key() -> WitnessKey {
        WitnessKey::new("witness.example/w1", SigningKey::from_bytes(&[9; 32])).expect("a name")
    }

    fn note(signatures: Vec<NoteSignature>) -> Note {
        Note { text: TEXT.to_owned(), signatures }
    }

    #[test]
    fn the_message_is_as_the_specification_shows_it() {
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let shown = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(message(1_679_315_147, text), shown);
    }

    #[test]
    fn a_cosignature_stands_for_its_text_and_time_alone() {
        let (key, line) = (key(), key().cosign(TEXT, 1_700_000_000));
        assert_eq!(line.signature.len(), 72, "eight bytes of time, 64 of signature");
        let found = key.public().cosigned(&note(vec![line.clone()])).expect("stands");
        assert_eq!(found.expect("is there").time_s, 1_700_000_000);
        for at in 0..line.signature.len() {
            let mut wrong = line.clone();
            wrong.signature[at] ^= 1;
            assert_eq!(key.public().cosigned(&note(vec![wrong])), Err(WrongSignature), "{at}");
        }
        let other = Note { text: TEXT.replace("7", "8"), ..note(vec![line.clone()]) };
        assert_eq!(key.public().cosigned(&other), Err(WrongSignature));
        let stranger = NoteSignature { name: "w2".to_owned(), ..line };
        assert_eq!(key.public().cosigned(&note(vec![stranger])), Ok(None));
    }

    #[test]
    fn the_newest_of_several_counts_and_one_wrong_line_spoils_the_note() {
        let key = key();
        let (old, new) = (key.cosign(TEXT, 5), key.cosign(TEXT, 9));
        let found = key.public().cosigned(&note(vec![new.clone(), old])).expect("stands");
        assert_eq!(found.map(|cosignature| cosignature.time_s), Some(9));
        let wrong = key.cosign("other\n", 9);
        assert_eq!(key.public().cosigned(&note(vec![new, wrong])), Err(WrongSignature));
    }

    #[test]
    fn a_time_is_never_zero_nor_beyond_its_range() {
        let key = key();
        for (time, expected) in [(0, 1), (u64::MAX, TIME_S_MAX)] {
            let found = key.public().cosigned(&note(vec![key.cosign(TEXT, time)]));
            assert_eq!(found.expect("stands").expect("is there").time_s, expected);
        }
        let signed = key.secret.sign(message(0, TEXT).as_bytes()).to_bytes();
        let line =
            NoteSignature { signature: [&[0; 8], &signed[..]].concat(), ..key.cosign(TEXT, 1) };
        assert_eq!(key.public().cosigned(&note(vec![line])), Err(WrongSignature));
    }

    #[test]
    fn a_log_s_key_is_no_witness_s() {
        let key = SigningKey::from_bytes(&[9; 32]).verifying_key();
        let log = VerifierKey::new("w", TYPE_ED25519, &key).expect("a key");
        assert_eq!(CosignerKey::of(log), None);
        assert!(!format!("{:?}", self::key()).contains("09"), "no secret is shown");
    }
}
