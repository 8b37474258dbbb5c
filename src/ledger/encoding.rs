//! Base64 and hex, each with exactly one spelling of the same bytes.
//!
//! A second spelling of a signature or a hash would be a second line with the
//! same meaning, so nothing lenient is taken (LEDGER 1; RFC 4648, sections 3.5
//! and 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a text does not spell bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// Not padded base64 of the standard alphabet with zero trailing bits.
    #[error("not padded base64 with zero trailing bits")]
    Base64,
    /// The text is longer or shorter than these bytes need.
    #[error("expected {expected} hex digits, found {found} bytes")]
    HexLength {
        /// How many digits were expected.
        expected: usize,
        /// How many bytes there were.
        found: usize,
    },
    /// A hex digit in upper case.
    #[error("hex in upper case at byte {offset}")]
    HexUpperCase {
        /// Where it stands.
        offset: usize,
    },
    /// A byte that is no hex digit.
    #[error("no hex digit at byte {offset}")]
    HexDigit {
        /// Where it stands.
        offset: usize,
    },
}

/// Spells bytes as padded base64 (RFC 4648, section 4).
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Adds them to a text, spelt so.
pub fn append_base64(bytes: &[u8], text: &mut String) {
    STANDARD.encode_string(bytes, text);
}

/// Adds them to what is written, spelt so.
pub fn push_base64(bytes: &[u8], written: &mut Vec<u8>) {
    let begin = written.len();
    written.resize(begin + bytes.len().div_ceil(3) * 4, b'=');
    let length = STANDARD.encode_slice(bytes, &mut written[begin..]);
    debug_assert_eq!(length.ok(), Some(written.len() - begin), "four digits for three bytes");
}

/// Reads padded base64 and refuses every other spelling of the same bytes.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, EncodingError> {
    STANDARD.decode(text).map_err(|_| EncodingError::Base64)
}

/// Reads exactly `N` bytes of it, without a vector.
pub fn decode_base64_exactly<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    let mut bytes = [0; N];
    match STANDARD.decode_slice(text, &mut bytes) {
        Ok(count) if count == N => Ok(bytes),
        Ok(_) | Err(_) => Err(EncodingError::Base64),
    }
}

/// Spells bytes as lower-case hex.
pub fn encode_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|nibble| char::from(hex_digit(nibble))).collect()
}

/// Reads exactly `N` bytes of lower-case hex.
pub fn decode_hex<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    if text.len() != 2 * N {
        return Err(EncodingError::HexLength { expected: 2 * N, found: text.len() });
    }
    let mut bytes = [0; N];
    for (index, pair) in text.as_bytes().chunks_exact(2).enumerate() {
        let high = nibble(pair[0], 2 * index)?;
        bytes[index] = high << 4 | nibble(pair[1], 2 * index + 1)?;
    }
    Ok(bytes)
}

/// The lower-case digit of a nibble.
pub(super) const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

const fn nibble(digit: u8, offset: usize) -> Result<u8, EncodingError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Err(EncodingError::HexUpperCase { offset }),
        _ => Err(EncodingError::HexDigit { offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_one_spelling() {
        // RFC 4648, section 10.
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode_base64(bytes.as_bytes()), text);
            assert_eq!(decode_base64(text).as_deref(), Ok(bytes.as_bytes()));
            assert_eq!(decode_base64_exactly::<4>(text).is_ok(), bytes.len() == 4);
        }
        for bad in ["Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Zg==Zg==", "Z_8=", "="] {
            assert_eq!(decode_base64(bad), Err(EncodingError::Base64), "{bad:?}");
        }
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(encode_hex(&[0, 0x9a, 0xff]), "009aff");
        assert_eq!(decode_hex::<3>("009aff"), Ok([0, 0x9a, 0xff]));
        let upper = EncodingError::HexUpperCase { offset: 3 };
        assert_eq!(decode_hex::<3>("009Aff"), Err(upper));
        assert_eq!(decode_hex::<3>("009agf"), Err(EncodingError::HexDigit { offset: 4 }));
        let short = EncodingError::HexLength { expected: 6, found: 5 };
        assert_eq!(decode_hex::<3>("009af"), Err(short));
        assert_eq!(decode_hex::<1>("é"), Err(EncodingError::HexDigit { offset: 0 }));
    }
}
