//! How single values stand in a message: hex, base64, text and whole numbers,
//! each with one reader and one writer.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ledger::encoding::{decode_base64_exactly, encode_base64};
use crate::ledger::hash::Hash;
use crate::limits::INTEGER_MAX;

/// A 32-byte public key: 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key32(Hash);

impl Key32 {
    /// Takes the key's bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Hash::from_bytes(bytes))
    }

    /// The key's bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        self.0.bytes()
    }
}

/// A 64-byte signature (Ed25519, or P-256 as r‖s): padded base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature64([u8; 64]);

impl Signature64 {
    /// Takes the signature's bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The signature's bytes.
    pub const fn bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature64({})", encode_base64(&self.0))
    }
}

impl Serialize for Signature64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_base64(&self.0))
    }
}

impl<'de> Deserialize<'de> for Signature64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = "a signature is 64 bytes in padded base64";
        read_text(deserializer, |text| decode_base64_exactly(text).map_err(|_| refused)).map(Self)
    }
}

/// A hash of a proof or frontier: padded base64, as in a tlog-proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofHash(pub Hash);

impl Serialize for ProofHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_base64(self.0.bytes()))
    }
}

impl<'de> Deserialize<'de> for ProofHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = "a hash of a proof is 32 bytes in padded base64";
        read_text(deserializer, |text| decode_base64_exactly(text).map_err(|_| refused))
            .map(|bytes| Self(Hash::from_bytes(bytes)))
    }
}

/// What `read` makes of a text, which itself is not kept.
fn read_text<'de, D, T, E>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: Display,
{
    struct Text<F>(F);

    impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<Fault: Error>(self, text: &str) -> Result<T, Fault> {
            (self.0)(text).map_err(Fault::custom)
        }
    }

    deserializer.deserialize_str(Text(read))
}

/// A whole number of at most 2^53-1, the greatest that every JSON reader keeps.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if number > INTEGER_MAX {
        return Err(D::Error::custom("a number is beyond 2^53-1"));
    }
    Ok(number)
}

/// A struct from an object only: serde alone would take an array for one.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct ObjectOnly<T>(std::marker::PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for ObjectOnly<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(ObjectOnly(std::marker::PhantomData))
}

/// Values that stand as their text: names, ids, codes.
pub(super) mod as_text {
    use super::*;

    pub(in crate::wire) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::wire) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        read_text(deserializer, str::parse)
    }

    pub(in crate::wire) mod option {
        use super::*;

        pub(in crate::wire) fn serialize<T: Display, S: Serializer>(
            value: &Option<T>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => serializer.collect_str(value),
                None => serializer.serialize_none(),
            }
        }

        pub(in crate::wire) fn deserialize<'de, T, D>(
            deserializer: D,
        ) -> Result<Option<T>, D::Error>
        where
            T: FromStr<Err: Display>,
            D: Deserializer<'de>,
        {
            super::deserialize(deserializer).map(Some)
        }
    }
}

/// Whole numbers that a type's own constructor has to take.
macro_rules! number {
    ($module:ident, $type:ty, $from:expr, $to:expr, $what:literal) => {
        pub(super) mod $module {
            use super::*;

            pub(in crate::wire) fn serialize<S: Serializer>(
                value: &$type,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64($to(*value))
            }

            pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                $from(u64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom($what))
            }

            pub(in crate::wire) mod option {
                use super::*;

                pub(in crate::wire) fn serialize<S: Serializer>(
                    value: &Option<$type>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    match value {
                        Some(value) => super::serialize(value, serializer),
                        None => serializer.serialize_none(),
                    }
                }

                pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<$type>, D::Error> {
                    super::deserialize(deserializer).map(Some)
                }
            }
        }
    };
}

number! {
    minor_units, crate::auction::money::Amount, crate::auction::money::Amount::new,
    crate::auction::money::Amount::minor_units, "an amount is 1 to 2^53-1 minor units"
}
number! {
    unix_ms, crate::time::Timestamp, crate::time::Timestamp::from_unix_ms,
    crate::time::Timestamp::unix_ms, "a time is Unix milliseconds up to 2^53-1"
}
