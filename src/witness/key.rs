//! The file of a witness's key: one line in the form in which Go's notes keep private keys, with
//! the type of cosignatures in it.
//!
//! ```text
//! # The key of a gavel witness ...
//! PRIVATE+KEY+seller.example/w1+8d2b0f6e+BK1w...
//! ```
//!
//! Behind the name stand the key's identifier and, in base64, the byte 0x04 and the 32 bytes of
//! the secret. A sealing key is PKCS#8 in PEM and has no such line; neither is ever taken for the
//! other, so that no key signs both checkpoints and cosignatures.

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::ledger::WitnessKey;
use crate::ledger::encoding::{decode_base64, encode_base64, encode_hex};
use crate::ledger::vkey::{TYPE_COSIGNATURE, VkeyError};
use crate::limits::WITNESS_KEY_BYTES_MAX;
use crate::pki::keys::{self, KeyFault};

const PREFIX: &str = "PRIVATE+KEY+";
const COMMENT: &str = "# The key of a gavel witness: it cosigns checkpoints and signs nothing else. It belongs to one\n\
                       # state folder. If that is lost, or only an older copy is left, the key must never be used\n\
                       # again: docs/witness.md.\n";

/// Why a witness's key cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessKeyFault {
    /// The file cannot be read or written, or is open to others.
    #[error(transparent)]
    File(#[from] KeyFault),
    /// The file holds no key of a witness.
    #[error("{} does not hold a witness's key", keys::shown(.path))]
    NotAWitnessKey {
        /// The file.
        path: PathBuf,
    },
    /// The name may not stand for a key.
    #[error("{0}")]
    Name(#[from] VkeyError),
}

/// Makes a key for a new witness; `write` brings it to a file, once its state is there.
pub fn make(name: &str) -> Result<NewKey, WitnessKeyFault> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| KeyFault::Randomness)?;
    let key = WitnessKey::new(name, SigningKey::from_bytes(&seed))?;
    Ok(NewKey { key, seed })
}

/// A key that stands in no file yet. It is wiped from memory when dropped.
pub struct NewKey {
    key: WitnessKey,
    seed: Zeroizing<[u8; 32]>,
}

impl NewKey {
    /// The key.
    pub const fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// Writes the key to a new file for its owner only.
    pub fn write(&self, path: &Path) -> Result<(), KeyFault> {
        keys::create(path, self.to_text().as_bytes())
    }

    fn to_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new([&[TYPE_COSIGNATURE], &self.seed[..]].concat());
        let secret = Zeroizing::new(encode_base64(&bytes));
        let vkey = self.key.public().vkey();
        let id = encode_hex(&vkey.id());
        Zeroizing::new(format!("{COMMENT}{PREFIX}{}+{id}+{}\n", vkey.name(), *secret))
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NewKey").field(&self.key).finish()
    }
}

/// Reads the key of a witness from its file.
pub fn read(path: &Path) -> Result<WitnessKey, WitnessKeyFault> {
    let bytes = keys::read_secret(path, WITNESS_KEY_BYTES_MAX)?;
    let text = str::from_utf8(&bytes).ok();
    text.and_then(parse).ok_or_else(|| WitnessKeyFault::NotAWitnessKey { path: path.to_owned() })
}

/// Reads the one line that is no comment; its identifier must be that of its name and key.
fn parse(text: &str) -> Option<WitnessKey> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let mut parts = line.strip_prefix(PREFIX)?.split('+');
    let (name, id) = (parts.next()?, parts.next()?);
    // Base64 has plus signs of its own.
    let encoded = Zeroizing::new(parts.collect::<Vec<_>>().join("+"));
    let bytes = Zeroizing::new(decode_base64(&encoded).ok()?);
    let (signature_type, seed) = bytes.split_first()?;
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?);
    let key = WitnessKey::new(name, SigningKey::from_bytes(&seed)).ok()?;
    let is_whole = encode_hex(&key.public().vkey().id()) == id;
    (*signature_type == TYPE_COSIGNATURE && is_whole).then_some(key)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NAME: &str = "seller.example/w1";

    fn vkey(key: &WitnessKey) -> String {
        key.public().vkey().to_string()
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_is_its_owner_s_only() {
        let temp = tempfile::tempdir().expect("a folder");
        let path = temp.path().join("w.key");
        // Some have plus signs in their base64.
        for number in 0..20 {
            let path = path.with_extension(number.to_string());
            let made = make(NAME).expect("a key");
            made.write(&path).expect("writes");
            assert_eq!(vkey(&read(&path).expect("reads")), vkey(made.key()));
            let mode = fs::metadata(&path).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert!(matches!(made.write(&path), Err(KeyFault::Exists { .. })));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("sets");
            let loose = read(&path).expect_err("open to others");
            assert!(matches!(loose, WitnessKeyFault::File(KeyFault::Loose { .. })));
        }
    }

    #[test]
    fn nothing_else_is_taken_for_a_witness_s_key() {
        let made = make(NAME).expect("a key");
        let text = made.to_text();
        assert!(parse(&text).is_some());
        let secret = text.trim_end().splitn(5, '+').last().expect("the fifth part");
        let mut bytes = decode_base64(secret).expect("base64");
        assert_eq!((bytes[0], bytes.len()), (TYPE_COSIGNATURE, 33));
        bytes[0] = 0x01;
        let sealing = encode_base64(&bytes);
        let wrong = [
            text.replace(PREFIX, ""),
            text.replace(NAME, "seller.example/w2"),
            text.replace(NAME, "seller example"),
            format!("{}{}", *text, *text),
            text.replace(secret, &secret[4..]),
            text.replace(secret, &sealing),
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"
                .to_owned(),
            String::new(),
        ];
        for (place, wrong) in wrong.iter().enumerate() {
            assert!(parse(wrong).is_none(), "{place}");
        }
        assert!(matches!(make("a b"), Err(WitnessKeyFault::Name(_))));
    }

    #[test]
    fn a_key_shows_no_secret() {
        let made = make(NAME).expect("a key");
        let shown = format!("{made:?}");
        assert_eq!(shown, r#"NewKey(WitnessKey { name: "seller.example/w1", .. })"#);
    }
}
