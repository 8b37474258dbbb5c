//! Who the sale's witnesses are: where each takes checkpoints, and by which key
//! it cosigns them.
//!
//! ```text
//! https://witness.example/gavel=witness.example/w1+03c5a1d9+BKp0...
//! ```

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;

use crate::ledger::vkey::VkeyError;
use crate::ledger::{CosignerKey, VerifierKey};
use crate::limits::{WITNESS_NAME_BYTES_MAX, WITNESS_URL_BYTES_MAX, WITNESSES_MAX};

/// Why a text names no witness, or a list of them cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessFault {
    /// No `=` between address and key.
    #[error("a witness is URL=VKEY: where it takes checkpoints, and its verifier key")]
    Shape,
    /// An address that nothing can be sent to.
    #[error("the witness's address: {why}")]
    Address {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key that cannot be read.
    #[error("the witness's key: {0}")]
    Key(#[from] VkeyError),
    /// A key for other signatures than timestamped Ed25519 cosignatures.
    #[error("the witness's key is of type 0x{found:02x}; only type 0x04 cosigns checkpoints here")]
    KeyType {
        /// Its type.
        found: u8,
    },
    /// A name that would leave no room for others in a note.
    #[error("the witness's name is longer than {WITNESS_NAME_BYTES_MAX} bytes")]
    LongName,
    /// A witness that is named as the ledger itself.
    #[error("the witness {name} has the name of the ledger itself")]
    LedgersName {
        /// The name.
        name: String,
    },
    /// One key twice, whatever it is called.
    #[error("the same key is given for {first} and for {second}: it is one witness")]
    KeyTwice {
        /// Its first name.
        first: String,
        /// Its second one.
        second: String,
    },
    /// Two keys of one name, which nobody could tell apart.
    #[error("two witnesses are called {name}")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// More than fit a note.
    #[error("{count} witnesses are more than {WITNESSES_MAX}")]
    TooMany {
        /// How many.
        count: usize,
    },
}

/// Where a witness takes checkpoints (tlog-witness, the submission prefix), and shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(String);

impl Prefix {
    fn parse(text: &str) -> Result<Self, WitnessFault> {
        let wrong = |why| WitnessFault::Address { why };
        if text.len() > WITNESS_URL_BYTES_MAX {
            return Err(wrong("it is too long"));
        }
        if text.contains(['?', '#']) {
            return Err(wrong("a question or a fragment has no place in it"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("it is no URL"))?;
        if ![Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme()) {
            return Err(wrong("it begins with http:// or https://"));
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                Err(wrong("a user's name has no place in it"))
            }
            Some(authority) if !authority.host().is_empty() => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(wrong("it names no host")),
        }
    }

    /// The address of something behind the prefix; `path` begins with a slash.
    pub(super) fn at(&self, path: &str) -> Uri {
        format!("{}{path}", self.0).parse().expect("a URL with plain letters behind it")
    }

    /// Whether its certificate has to be judged.
    pub(super) fn is_https(&self) -> bool {
        self.at("/").scheme() == Some(&Scheme::HTTPS)
    }
}

/// A witness of the sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub(super) prefix: Prefix,
    pub(super) key: CosignerKey,
}

impl Witness {
    /// The name of its key.
    pub fn name(&self) -> &str {
        self.key.name()
    }

    /// The key that its cosignatures are checked with.
    pub const fn key(&self) -> &CosignerKey {
        &self.key
    }
}

impl FromStr for Witness {
    type Err = WitnessFault;

    /// Reads `URL=VKEY`.
    fn from_str(text: &str) -> Result<Self, WitnessFault> {
        let (url, vkey) = text.split_once('=').ok_or(WitnessFault::Shape)?;
        let prefix = Prefix::parse(url)?;
        let key = VerifierKey::parse(vkey)?;
        let found = key.signature_type();
        let key = CosignerKey::of(key).ok_or(WitnessFault::KeyType { found })?;
        if key.name().len() > WITNESS_NAME_BYTES_MAX {
            return Err(WitnessFault::LongName);
        }
        Ok(Self { prefix, key })
    }
}

/// As it is read.
impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.prefix.0, self.key.vkey())
    }
}

/// Whether these witnesses can be asked together about the ledger `origin`.
pub(super) fn check(list: &[Witness], origin: &str) -> Result<(), WitnessFault> {
    if list.len() > WITNESSES_MAX {
        return Err(WitnessFault::TooMany { count: list.len() });
    }
    for (place, witness) in list.iter().enumerate() {
        let name = witness.name().to_owned();
        if name == origin {
            return Err(WitnessFault::LedgersName { name });
        }
        for other in &list[..place] {
            if other.key.vkey().material() == witness.key.vkey().material() {
                let first = other.name().to_owned();
                return Err(WitnessFault::KeyTwice { first, second: name });
            }
            if other.name() == name {
                return Err(WitnessFault::NameTwice { name });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::ledger::WitnessKey;
    use crate::ledger::note::TYPE_ED25519;

    fn vkey(name: &str, seed: u8) -> String {
        let key = WitnessKey::new(name, SigningKey::from_bytes(&[seed; 32])).expect("a name");
        key.public().vkey().to_string()
    }

    fn witness(url: &str, name: &str, seed: u8) -> Result<Witness, WitnessFault> {
        format!("{url}={}", vkey(name, seed)).parse()
    }

    #[test]
    fn addresses_are_prefixes_of_http_or_https() {
        let table = [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/x", false),
            ("https://w.example/a/b/", "https://w.example/a/b/x", true),
            ("http://[::1]:80//", "http://[::1]:80/x", false),
            ("HTTPS://w.example", "https://w.example/x", true),
        ];
        for (url, behind, https) in table {
            let prefix = witness(url, "w", 1).expect("a witness").prefix;
            assert_eq!((prefix.at("/x").to_string(), prefix.is_https()), (behind.into(), https));
        }
        let bad = [
            "",
            "w.example",
            "/a",
            "ftp://w.example",
            "http://",
            "http:///a",
            "http://:80",
            "http://a@w.example",
            "http://w.example?a",
            "http://w.example#a",
            "http://w.exa mple",
            "http://w.example/\u{e9}\n",
        ];
        for url in bad {
            let fault = witness(url, "w", 1).expect_err(url);
            assert!(matches!(fault, WitnessFault::Address { .. }), "{url}: {fault}");
        }
        let long = format!("http://w.example/{}", "a".repeat(WITNESS_URL_BYTES_MAX));
        assert!(witness(&long, "w", 1).is_err());
    }

    #[test]
    fn keys_are_of_type_four_alone() {
        assert_eq!("http://w.example".parse::<Witness>(), Err(WitnessFault::Shape));
        let fault = "http://w.example=w".parse::<Witness>();
        assert_eq!(fault, Err(WitnessFault::Key(VkeyError::Shape)));
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let log = VerifierKey::new("w", TYPE_ED25519, &key).expect("a key");
        let fault = format!("http://w.example={log}").parse::<Witness>();
        assert_eq!(fault, Err(WitnessFault::KeyType { found: 1 }));
        let name = "w".repeat(WITNESS_NAME_BYTES_MAX + 1);
        assert_eq!(witness("http://w.example", &name, 1), Err(WitnessFault::LongName));
        let text = format!("http://w.example/a={}", vkey("w=1", 1));
        assert_eq!(text.parse::<Witness>().expect("a witness").to_string(), text);
    }

    #[test]
    fn nobody_is_asked_twice() {
        let list = |given: &[(&str, u8)]| -> Vec<Witness> {
            let one = |(name, seed): &(&str, u8)| witness("http://w.example", name, *seed);
            given.iter().map(|given| one(given).expect("a witness")).collect()
        };
        let judge = |given: &[(&str, u8)]| check(&list(given), "house/sale");
        assert_eq!(judge(&[("a", 1), ("b", 2)]), Ok(()));
        assert!(matches!(judge(&[("a", 1), ("b", 1)]), Err(WitnessFault::KeyTwice { .. })));
        assert!(matches!(judge(&[("a", 1), ("a", 2)]), Err(WitnessFault::NameTwice { .. })));
        assert!(matches!(judge(&[("house/sale", 1)]), Err(WitnessFault::LedgersName { .. })));
        let names: Vec<String> = (0..=WITNESSES_MAX).map(|place| format!("w{place}")).collect();
        let many: Vec<(&str, u8)> = names.iter().map(String::as_str).zip(1..).collect();
        assert!(matches!(judge(&many), Err(WitnessFault::TooMany { .. })));
        assert_eq!(judge(&many[1..]), Ok(()));
    }
}
