//! The one form that a text may have in the ledger.
//!
//! RFC 8785 canonical JSON within a narrower subset (LEDGER 1): objects with
//! sorted unique keys of `[a-z_]`, arrays, strings, booleans and integers up to
//! 2^53-1, no spaces, no escape that is not needed, bounded depth and sizes. Two
//! readers that take a line take it for the same thing, so its hash is the hash
//! of its meaning. serde_json alone takes far more; [`check`] runs before it.
//!
//! ```
//! use gavel::ledger::canonical::check;
//! assert!(check(br#"{"amount":150,"lot":"vase"}"#).is_ok());
//! assert_eq!(check(br#"{"amount":1e2,"lot":"vase"}"#).map_err(|e| e.kind()), Err("number"));
//! ```

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::limits::{
    CERT_BASE64_BYTES_MAX, DEPTH_MAX, INTEGER_MAX, LINE_BYTES_MAX, NOTE_BYTES_MAX, STRING_BYTES_MAX,
};

/// Why bytes are not a canonical text of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8 at byte {offset}")]
    Utf8 {
        /// The first bad byte.
        offset: usize,
    },
    /// Not JSON at all, or more after its end; a byte order mark, a NUL.
    #[error("not JSON at byte {offset}")]
    Syntax {
        /// The first byte that does not fit.
        offset: usize,
    },
    /// A space, tab, CR or LF between tokens.
    #[error("white space at byte {offset}")]
    Spacing {
        /// Where it stands.
        offset: usize,
    },
    /// An escape where the character itself, or a shorter escape, must stand.
    #[error("an escape that is not needed at byte {offset}")]
    Escape {
        /// Where its backslash stands.
        offset: usize,
    },
    /// A hash or key in upper-case hex.
    #[error("hex in upper case at byte {offset}")]
    UpperCaseHex {
        /// Where the digit stands.
        offset: usize,
    },
    /// Keys that are not in order.
    #[error("keys out of order at byte {offset}")]
    KeyOrder {
        /// Where the smaller key begins.
        offset: usize,
    },
    /// A text that is read, but would be written differently.
    #[error("not written as it would be written again at byte {offset}")]
    Rewritten {
        /// The first byte that differs.
        offset: usize,
    },
    /// A key that stands twice in an object.
    #[error("a key that stands twice at byte {offset}")]
    DuplicateKey {
        /// Where the second one begins.
        offset: usize,
    },
    /// A character that may not stand in this string.
    #[error("a character that may not stand here at byte {offset}")]
    Charset {
        /// Where it begins.
        offset: usize,
    },
    /// A number that is not a plain integer `0..=2^53-1`.
    #[error("not a plain integer up to 2^53-1 at byte {offset}")]
    Number {
        /// Where it begins.
        offset: usize,
    },
    /// Nested deeper than the format allows.
    #[error("nested deeper than {DEPTH_MAX} at byte {offset}")]
    Depth {
        /// Where the level too many opens.
        offset: usize,
    },
    /// A string that is longer than its kind may be.
    #[error("a string of more than {bytes_max} bytes at byte {offset}")]
    LongString {
        /// Where it begins.
        offset: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The whole text is too long.
    #[error("more than {bytes_max} bytes")]
    LongText {
        /// How long it may be.
        bytes_max: usize,
    },
    /// A key that no object of the format has.
    #[error("a key outside a-z and _ at byte {offset}")]
    Key {
        /// Where the first bad byte stands.
        offset: usize,
    },
    /// A `null`, which the format does not know.
    #[error("null at byte {offset}")]
    Null {
        /// Where it stands.
        offset: usize,
    },
    /// Something else where an object must stand.
    #[error("not an object at byte {offset}")]
    NotAnObject {
        /// Where it stands.
        offset: usize,
    },
    /// Canonical, but not of the expected shape: keys missing, unknown, wrong types or values.
    #[error("{reason}")]
    Schema {
        /// What the reader expected.
        reason: String,
    },
}

impl CanonicalError {
    /// The name of the auditor's finding (THREATS, "Bytes").
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Utf8 { .. } => "utf8",
            Self::Syntax { .. }
            | Self::Spacing { .. }
            | Self::Escape { .. }
            | Self::UpperCaseHex { .. }
            | Self::KeyOrder { .. }
            | Self::Rewritten { .. } => "canonical",
            Self::DuplicateKey { .. } => "duplicate-key",
            Self::Charset { .. } => "charset",
            Self::Number { .. } => "number",
            Self::Depth { .. } | Self::LongString { .. } | Self::LongText { .. } => "limit",
            Self::Key { .. } | Self::Null { .. } | Self::NotAnObject { .. } => "schema",
            Self::Schema { .. } => "schema",
        }
    }
}

/// Checks that `line` (without its LF) is an object in canonical form within the subset.
pub fn check(line: &[u8]) -> Result<(), CanonicalError> {
    check_sized(line, LINE_BYTES_MAX)
}

/// As [`check`], for texts outside the ledger with another limit.
pub(super) fn check_sized(bytes: &[u8], bytes_max: usize) -> Result<(), CanonicalError> {
    if bytes.len() > bytes_max {
        return Err(CanonicalError::LongText { bytes_max });
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| CanonicalError::Utf8 { offset: error.valid_up_to() })?;
    let mut scanner = Scanner { text, bytes, at: 0 };
    match scanner.peek() {
        Some(b'[' | b'"' | b'0'..=b'9' | b't' | b'f') => {
            return Err(CanonicalError::NotAnObject { offset: 0 });
        }
        _ => scanner.value(b"", 1)?,
    }
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.unexpected()),
    }
}

/// Writes `value` in canonical form. Its structs must hold their fields in the
/// order of their names, leave `None` out, and keep to the subset: what an
/// outsider can put into them was parsed at the door.
pub fn to_canonical<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let bytes = to_canonical_sized(value);
    debug_assert_eq!(check(&bytes), Ok(()), "the structs of the format write canonical form");
    bytes
}

/// As [`to_canonical`], for texts outside the ledger with another limit.
pub(super) fn to_canonical_sized<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the structs of the format have string keys only")
}

/// Reads canonical bytes: [`check`], then the shape of `T` (which must deny
/// unknown fields), then that `T` is written as the very same bytes. The last
/// step is what refuses an array in the place of a struct.
pub fn from_canonical<'a, T>(bytes: &'a [u8]) -> Result<T, CanonicalError>
where
    T: Deserialize<'a> + Serialize,
{
    from_canonical_sized(bytes, LINE_BYTES_MAX)
}

/// As [`from_canonical`], for texts outside the ledger with another limit.
pub(super) fn from_canonical_sized<'a, T>(
    bytes: &'a [u8],
    bytes_max: usize,
) -> Result<T, CanonicalError>
where
    T: Deserialize<'a> + Serialize,
{
    check_sized(bytes, bytes_max)?;
    let value: T = serde_json::from_slice(bytes)
        .map_err(|error| CanonicalError::Schema { reason: error.to_string() })?;
    let mut comparison = Comparison { expected: bytes, at: 0, written: None };
    let written = serde_json::to_writer(&mut comparison, &value);
    if written.is_ok() && comparison.at == bytes.len() {
        return Ok(value);
    }
    Err(comparison.difference())
}

/// Compares what is written to it with the bytes that were read, and keeps nothing.
struct Comparison<'a> {
    expected: &'a [u8],
    at: usize,
    written: Option<u8>,
}

impl Comparison<'_> {
    fn difference(&self) -> CanonicalError {
        let offset = self.at;
        match (self.expected.get(offset), self.written) {
            (Some(b'['), Some(b'{')) => CanonicalError::NotAnObject { offset },
            _ => CanonicalError::Rewritten { offset },
        }
    }
}

impl Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = &self.expected[self.at..];
        let same = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        self.at += same;
        self.written = bytes.get(same).copied();
        if same == bytes.len() { Ok(same) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What may stand in a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    /// Whatever a screen may show.
    Shown,
    /// The same, and LF.
    Lines,
    /// Printable ASCII: names, ids, codes, base64.
    Ascii,
    /// The same, where upper-case hex digits are a second spelling.
    LowerHex,
}

/// How long the string under `key` (or in the array under it) may be, and of what.
const fn string_rule(key: &[u8]) -> (usize, Charset) {
    match key {
        b"note" => (NOTE_BYTES_MAX, Charset::Lines),
        b"entry" => (LINE_BYTES_MAX, Charset::Shown),
        b"ca" | b"cert" | b"chain" | b"sealer" | b"sealers" => {
            (CERT_BASE64_BYTES_MAX, Charset::Ascii)
        }
        b"bid_key" | b"catalogue" | b"crl_hash" | b"nonce" | b"prev" | b"reserve_commit"
        | b"root" | b"sale_hash" | b"serial" => (STRING_BYTES_MAX, Charset::LowerHex),
        b"bidder" | b"code" | b"evidence" | b"house" | b"id" | b"lot" | b"outcome" | b"proof"
        | b"role" | b"sale" | b"sig" | b"t" | b"timer" | b"winner" => {
            (STRING_BYTES_MAX, Charset::Ascii)
        }
        _ => (STRING_BYTES_MAX, Charset::Shown),
    }
}

/// Whether a character may be shown: no C0, DEL or C1 control and none that
/// turns the direction of text.
const fn is_shown(c: char) -> bool {
    !matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Walks over a text once. Recursion is bounded by the depth that the format allows.
#[derive(Clone, Copy)]
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The error for a byte (or an end) where another token must stand.
    fn unexpected(&self) -> CanonicalError {
        let offset = self.at;
        match self.peek() {
            Some(b' ' | b'\t' | b'\r' | b'\n') => CanonicalError::Spacing { offset },
            _ => CanonicalError::Syntax { offset },
        }
    }

    fn expect(&mut self, token: &[u8]) -> Result<(), CanonicalError> {
        for byte in token {
            if self.peek() != Some(*byte) {
                return Err(self.unexpected());
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Takes one value; `key` is the key that it, or the array around it, stands under.
    fn value(&mut self, key: &[u8], depth: usize) -> Result<(), CanonicalError> {
        let offset = self.at;
        match self.peek() {
            Some(b'"') => self.string(key),
            Some(b'0'..=b'9') => self.integer(),
            Some(b'{' | b'[') if depth > DEPTH_MAX => Err(CanonicalError::Depth { offset }),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(key, depth),
            Some(b't') => self.expect(b"true"),
            Some(b'f') => self.expect(b"false"),
            Some(b'n') => {
                self.expect(b"null")?;
                Err(CanonicalError::Null { offset })
            }
            Some(b'-' | b'+' | b'.') => Err(CanonicalError::Number { offset }),
            _ => Err(self.unexpected()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), CanonicalError> {
        let start = *self;
        self.expect(b"{")?;
        if self.peek() == Some(b'}') {
            return self.expect(b"}");
        }
        let mut last: &[u8] = b"";
        loop {
            let offset = self.at;
            let key = self.key()?;
            if key <= last {
                return Err(start.misplaced(key, offset, depth));
            }
            last = key;
            self.expect(b":")?;
            self.value(key, depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b"}"),
            }
        }
    }

    /// The error for a key that is not greater than the one before it: the
    /// object is walked again from its start, to tell a second one from a late one.
    fn misplaced(mut self, key: &[u8], offset: usize, depth: usize) -> CanonicalError {
        self.at += 1;
        while self.at < offset {
            match self.key() {
                Ok(earlier) if earlier == key => return CanonicalError::DuplicateKey { offset },
                Ok(earlier) => {
                    self.at += 1;
                    if self.value(earlier, depth + 1).is_err() {
                        break;
                    }
                    self.at += 1;
                }
                Err(_) => break,
            }
        }
        CanonicalError::KeyOrder { offset }
    }

    fn key(&mut self) -> Result<&'a [u8], CanonicalError> {
        self.expect(b"\"")?;
        let start = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'_')) {
            self.at += 1;
        }
        let offset = self.at;
        match self.peek() {
            Some(b'"') if offset > start => {}
            Some(b'\\') => return Err(CanonicalError::Escape { offset }),
            None | Some(0..=0x1f) => return Err(CanonicalError::Syntax { offset }),
            Some(_) => return Err(CanonicalError::Key { offset }),
        }
        if offset - start > STRING_BYTES_MAX {
            return Err(CanonicalError::LongString { offset: start, bytes_max: STRING_BYTES_MAX });
        }
        self.at += 1;
        Ok(&self.bytes[start..offset])
    }

    fn array(&mut self, key: &[u8], depth: usize) -> Result<(), CanonicalError> {
        self.expect(b"[")?;
        if self.peek() == Some(b']') {
            return self.expect(b"]");
        }
        loop {
            self.value(key, depth + 1)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(b"]"),
            }
        }
    }

    fn integer(&mut self) -> Result<(), CanonicalError> {
        let offset = self.at;
        let mut value: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let leading_zero = self.bytes[offset] == b'0' && self.at - offset > 1;
        let fraction = matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        if leading_zero || fraction || value > INTEGER_MAX {
            return Err(CanonicalError::Number { offset });
        }
        Ok(())
    }

    fn string(&mut self, key: &[u8]) -> Result<(), CanonicalError> {
        let (bytes_max, charset) = string_rule(key);
        let start = self.at;
        self.at += 1;
        let mut escapes = 0;
        loop {
            let offset = self.at;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.escape(charset)?;
                    escapes += 1;
                }
                None | Some(0..=0x1f) => return Err(CanonicalError::Syntax { offset }),
                Some(0x7f) => return Err(CanonicalError::Charset { offset }),
                Some(b'A'..=b'F') if charset == Charset::LowerHex => {
                    return Err(CanonicalError::UpperCaseHex { offset });
                }
                Some(0x20..=0x7e) => self.at += 1,
                Some(0x80..) => self.beyond_ascii(charset)?,
            }
        }
        let decoded_bytes = self.at - start - 1 - escapes;
        self.at += 1;
        if decoded_bytes > bytes_max {
            return Err(CanonicalError::LongString { offset: start, bytes_max });
        }
        Ok(())
    }

    fn beyond_ascii(&mut self, charset: Charset) -> Result<(), CanonicalError> {
        let offset = self.at;
        let any = matches!(charset, Charset::Shown | Charset::Lines);
        match self.text.get(offset..).and_then(|rest| rest.chars().next()) {
            Some(c) if any && is_shown(c) => self.at += c.len_utf8(),
            _ => return Err(CanonicalError::Charset { offset }),
        }
        Ok(())
    }

    /// Takes one escape of two bytes: RFC 8785, section 3.2.2.2, leaves `\"` and
    /// `\\`, and those of controls, of which only LF may stand, and only in a note.
    fn escape(&mut self, charset: Charset) -> Result<(), CanonicalError> {
        let offset = self.at;
        match self.bytes.get(offset + 1) {
            Some(b'"' | b'\\') => {}
            Some(b'n') if charset == Charset::Lines => {}
            Some(b'b' | b'f' | b'n' | b'r' | b't') => {
                return Err(CanonicalError::Charset { offset });
            }
            Some(b'u') => return Err(self.long_escape()),
            Some(b'/') => return Err(CanonicalError::Escape { offset }),
            _ => return Err(CanonicalError::Syntax { offset }),
        }
        self.at += 2;
        Ok(())
    }

    /// The error for `\uXXXX`: the right spelling of some controls, which may
    /// not stand, and a needless one of everything else.
    fn long_escape(&self) -> CanonicalError {
        let offset = self.at;
        match self.bytes.get(offset + 2..offset + 6) {
            Some([b'0', b'0', b'0', b'8' | b'9' | b'a' | b'c' | b'd']) => {
                CanonicalError::Escape { offset }
            }
            Some([b'0', b'0', b'0' | b'1', b'0'..=b'9' | b'a'..=b'f']) => {
                CanonicalError::Charset { offset }
            }
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {
                CanonicalError::Escape { offset }
            }
            _ => CanonicalError::Syntax { offset },
        }
    }
}
