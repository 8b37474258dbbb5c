//! Texts and numbers of a body to values and back, with the key in every error.

use std::fmt::Display;
use std::str::FromStr;

use super::fault::RecordError;
use crate::auction::money::Amount;
use crate::auction::name::Title;
use crate::auction::refusal::Code;
use crate::ledger::Hash;
use crate::ledger::encoding::{decode_base64, encode_base64};
use crate::time::Timestamp;

type Key = &'static str;

/// Takes a name, an id or a role.
pub(super) fn word<T>(key: Key, text: &str) -> Result<T, RecordError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|error| RecordError::value(key, error))
}

/// Takes a title.
pub(super) fn title(key: Key, text: &str) -> Result<Title, RecordError> {
    Title::parse(text).map_err(|error| RecordError::value(key, error))
}

/// Takes a hash.
pub(super) fn hash(key: Key, text: &str) -> Result<Hash, RecordError> {
    Hash::parse(text).map_err(|error| RecordError::value(key, error))
}

/// Takes padded base64 with zero trailing bits.
pub(super) fn base64(key: Key, text: &str) -> Result<Vec<u8>, RecordError> {
    decode_base64(text).map_err(|_| RecordError::Base64 { key })
}

/// Takes a signature: 64 bytes in base64.
pub(super) fn signature(key: Key, text: &str) -> Result<[u8; 64], RecordError> {
    let bytes = base64(key, text)?;
    bytes.try_into().map_err(|_| RecordError::value(key, "a signature has 64 bytes"))
}

/// Takes an amount.
pub(super) fn amount(key: Key, minor_units: u64) -> Result<Amount, RecordError> {
    Amount::new(minor_units)
        .ok_or_else(|| RecordError::value(key, "an amount is 1 to 2^53-1 minor units"))
}

/// Takes a point in time.
pub(super) fn time(key: Key, unix_ms: u64) -> Result<Timestamp, RecordError> {
    Timestamp::from_unix_ms(unix_ms)
        .ok_or_else(|| RecordError::value(key, "a time is 0 to 2^53-1 milliseconds"))
}

/// Takes a point in time that may be absent.
pub(super) fn time_if(key: Key, unix_ms: Option<u64>) -> Result<Option<Timestamp>, RecordError> {
    unix_ms.map(|ms| time(key, ms)).transpose()
}

/// Takes a refusal's code.
pub(super) fn code(key: Key, text: &str) -> Result<Code, RecordError> {
    Code::parse(text).ok_or_else(|| RecordError::value(key, "no such code"))
}

/// Takes what must be there beside the evidence or the keys that are.
pub(super) fn present<T>(key: Key, value: Option<T>) -> Result<T, RecordError> {
    value.ok_or_else(|| RecordError::value(key, "missing"))
}

/// Refuses what must not be there beside the evidence or the keys that are.
pub(super) fn absent<T>(key: Key, value: Option<&T>) -> Result<(), RecordError> {
    match value {
        None => Ok(()),
        Some(_) => Err(RecordError::value(key, "may not stand here")),
    }
}

/// Writes certificates.
pub(super) fn write_certificates(certificates: &[Vec<u8>]) -> Vec<String> {
    certificates.iter().map(|der| encode_base64(der)).collect()
}
