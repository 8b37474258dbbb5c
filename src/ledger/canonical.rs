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

use super::scanner::Scanner;
use crate::limits::{DEPTH_MAX, LINE_BYTES_MAX};

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
    check_at(bytes, bytes_max, 1)
}

/// As [`check`], for an object that will stand at `depth` of a line.
pub(super) fn check_at(bytes: &[u8], bytes_max: usize, depth: usize) -> Result<(), CanonicalError> {
    if bytes.len() > bytes_max {
        return Err(CanonicalError::LongText { bytes_max });
    }
    let text = str::from_utf8(bytes)
        .map_err(|error| CanonicalError::Utf8 { offset: error.valid_up_to() })?;
    Scanner::new(text).whole_object(depth)
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

/// Writes a text as a JSON string, as [`to_canonical`] would. Lines of the ledger and what is made
/// of them hold no control character but line ends, so that nearly all of it is copied.
pub fn push_string(written: &mut Vec<u8>, text: &[u8]) {
    let (odd, ends) = text.iter().fold((false, false), |(odd, ends), byte| {
        (odd | (*byte < b' ' && *byte != b'\n'), ends | (*byte == b'\n'))
    });
    written.reserve(text.len() + text.len() / 8 + 2);
    if odd {
        let text = String::from_utf8_lossy(text);
        written.extend_from_slice(&to_canonical_sized(text.as_ref()));
        return;
    }
    written.push(b'"');
    let mut copied = 0;
    for (at, byte) in text.iter().enumerate() {
        if matches!(byte, b'"' | b'\\') || ends && *byte == b'\n' {
            written.extend_from_slice(&text[copied..at]);
            written.push(b'\\');
            copied = at;
            if *byte == b'\n' {
                written.push(b'n');
                copied += 1;
            }
        }
    }
    written.extend_from_slice(&text[copied..]);
    written.push(b'"');
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
        if rest.starts_with(bytes) {
            self.at += bytes.len();
            return Ok(bytes.len());
        }
        let same = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        self.at += same;
        self.written = bytes.get(same).copied();
        Err(io::ErrorKind::InvalidData.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn verdict(text: &[u8]) -> &'static str {
        check(text).map_or_else(|error| error.kind(), |()| "ok")
    }

    #[test]
    fn a_text_has_one_form() {
        let table: &[(&str, &str)] = &[
            ("ok", r#"{}"#),
            ("ok", r#"{"a":[],"a_b":{"c":[true,false,0,9007199254740991]},"b":"\"\\é€😀 "}"#),
            ("ok", "{\"note\":\"a\\n\\nb\"}"),
            // THREATS, "Bytes".
            ("number", r#"{"amount":1e2}"#),
            ("number", r#"{"amount":1E2}"#),
            ("number", r#"{"amount":1.0}"#),
            ("number", r#"{"amount":-0}"#),
            ("number", r#"{"amount":-5}"#),
            ("number", r#"{"amount":01}"#),
            ("number", r#"{"amount":00}"#),
            ("number", r#"{"amount":+1}"#),
            ("number", r#"{"amount":.5}"#),
            ("number", r#"{"amount":9007199254740992}"#),
            ("number", r#"{"amount":9007199254740993}"#),
            ("number", r#"{"amount":18446744073709551616}"#),
            ("number", r#"{"amount":99999999999999999999999999999999999999}"#),
            ("canonical", "\u{feff}{}"),
            ("canonical", "{}\r"),
            ("canonical", "{}\n"),
            ("canonical", " {}"),
            ("canonical", r#"{"a": 1}"#),
            ("canonical", r#"{"a" :1}"#),
            ("canonical", r#"{ "a":1}"#),
            ("canonical", r#"{"a":1 }"#),
            ("canonical", "{\"a\":1,\t\"b\":2}"),
            ("canonical", r#"{"a":[1, 2]}"#),
            ("canonical", r#"{"b":1,"a":2}"#),
            ("canonical", r#"{"a":1,"_":2}"#),
            ("duplicate-key", r#"{"a":1,"a":1}"#),
            ("duplicate-key", r#"{"a":1,"b":{"z":[1,{}]},"a":1}"#),
            ("duplicate-key", r#"{"a":{"b":1,"c":2,"b":3}}"#),
            ("canonical", "{\"a\":\"\0\"}"),
            ("canonical", "\0{}"),
            ("canonical", "{\"a\0\":1}"),
            ("canonical", "{\"a\":\"x\ny\"}"),
            ("canonical", r#"{"a":"\u0041"}"#),
            ("canonical", r#"{"a":"\u00e9"}"#),
            ("canonical", r#"{"a":"\u001B"}"#),
            ("canonical", r#"{"note":"\u000a"}"#),
            ("canonical", r#"{"a":"\/"}"#),
            ("canonical", r#"{"\u0061":1}"#),
            ("canonical", r#"{"a":"\x"}"#),
            ("canonical", r#"{"a":"\u12"}"#),
            ("canonical", r#"{"prev":"00AF"}"#),
            ("canonical", r#"{"head":{"root":"aF","size":1}}"#),
            ("charset", r#"{"a":"\u0000"}"#),
            ("charset", r#"{"a":"\u001b"}"#),
            ("charset", r#"{"a":"\n"}"#),
            ("charset", r#"{"note":"\t"}"#),
            ("charset", "{\"a\":\"\u{7f}\"}"),
            ("charset", "{\"a\":\"\u{9b}\"}"),
            ("charset", "{\"a\":\"\u{202e}\"}"),
            ("charset", "{\"a\":\"\u{2066}\"}"),
            ("charset", "{\"a\":\"\u{61c}\"}"),
            ("charset", "{\"a\":\"\u{200f}\"}"),
            ("charset", r#"{"bidder":"zoë"}"#),
            ("charset", r#"{"sealers":["é"]}"#),
            ("schema", r#"{"a":null}"#),
            ("schema", r#"{"A":1}"#),
            ("schema", r#"{"a1":1}"#),
            ("schema", r#"{"":1}"#),
            ("schema", r#"{"é":1}"#),
            ("schema", r#"[{}]"#),
            ("schema", r#""a""#),
            ("schema", "5"),
            ("canonical", ""),
            ("canonical", "{"),
            ("canonical", r#"{"a""#),
            ("canonical", r#"{"a":"#),
            ("canonical", r#"{"a":1,}"#),
            ("canonical", r#"{"a":[1,]}"#),
            ("canonical", r#"{"a":tru}"#),
            ("canonical", r#"{"a":nul}"#),
            ("canonical", r#"{"a":NaN}"#),
            ("canonical", r#"{"a":'b'}"#),
            ("canonical", r#"{"a":1}{}"#),
            ("canonical", r#"{"a":1a}"#),
        ];
        for (expected, text) in table {
            assert_eq!(verdict(text.as_bytes()), *expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_named() {
        let bad: [&[u8]; 4] = [
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\xc0\x80\"}",
            b"{\"a\":\"\xed\xa0\x80\"}",
            b"\xe2\x82",
        ];
        for text in bad {
            assert_eq!(verdict(text), "utf8", "{text:?}");
        }
        assert_eq!(check(b"{\"a\":\"\xff\"}"), Err(CanonicalError::Utf8 { offset: 6 }));
    }

    fn nested(depth: usize) -> String {
        format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert_eq!(verdict(nested(DEPTH_MAX).as_bytes()), "ok");
        assert_eq!(verdict(nested(DEPTH_MAX + 1).as_bytes()), "limit");
        assert_eq!(verdict(nested(10_000).as_bytes()), "limit");
        assert_eq!(verdict("[".repeat(10_000).as_bytes()), "schema");
        let arrays = format!("{{\"a\":{}", "[".repeat(10_000));
        assert_eq!(verdict(arrays.as_bytes()), "limit");
        assert_eq!(verdict(&vec![b' '; LINE_BYTES_MAX + 1]), "limit");
    }

    #[test]
    fn strings_have_the_limit_of_their_key() {
        let text = |key: &str, inner: &str, count| {
            format!("{{\"{key}\":\"{}\"}}", inner.repeat(count)).into_bytes()
        };
        let lengths = [("a", "x", 1024), ("title", "é", 512), ("a", "\\\"", 1024)];
        for (key, inner, count) in lengths {
            assert_eq!(verdict(&text(key, inner, count)), "ok", "{key} {inner}");
            assert_eq!(verdict(&text(key, inner, count + 1)), "limit", "{key} {inner}");
        }
        for (key, bytes_max) in [("note", 4 * 1024), ("ca", 6 * 1024)] {
            assert_eq!(verdict(&text(key, "x", bytes_max)), "ok", "{key}");
            assert_eq!(verdict(&text(key, "x", bytes_max + 1)), "limit", "{key}");
        }
        let chain = format!("{{\"chain\":[\"{0}\",\"{0}\"]}}", "x".repeat(6 * 1024));
        assert_eq!(verdict(chain.as_bytes()), "ok");
        assert_eq!(verdict(&text(&"k".repeat(1025), "x", 1)), "limit");
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        root: super::super::Hash,
        size: u64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        chain: Vec<String>,
        head: Inner,
        #[serde(skip_serializing_if = "Option::is_none")]
        lot: Option<String>,
        note: String,
        open: bool,
        title: String,
    }

    #[test]
    fn a_struct_is_read_from_its_one_form_only() {
        let zeros = "0".repeat(64);
        let text = |head: &str| {
            format!(r#"{{"chain":[],"head":{head},"note":"","open":true,"title":"x"}}"#)
        };
        let kind = |head: &str| {
            let read = from_canonical::<Outer>(text(head).as_bytes());
            read.map_or_else(|error| error.kind(), |_| "ok")
        };
        assert_eq!(kind(&format!(r#"{{"root":"{zeros}","size":7}}"#)), "ok");
        assert_eq!(kind(&format!(r#"["{zeros}",7]"#)), "schema");
        assert_eq!(kind(&format!(r#"{{"root":"{zeros}"}}"#)), "schema");
        assert_eq!(kind(&format!(r#"{{"root":"{zeros}","size":7,"x":1}}"#)), "schema");
        assert_eq!(kind(&format!(r#"{{"root":"{zeros}","size":"7"}}"#)), "schema");
        assert_eq!(kind(r#"{"root":"00","size":7}"#), "schema");
    }

    #[test]
    fn an_array_for_a_struct_is_told_from_other_differences() {
        let text = br#"{"chain":[],"head":["0000000000000000000000000000000000000000000000000000000000000000",7],"note":"","open":true,"title":"x"}"#;
        let offset = 19;
        let error = from_canonical::<Outer>(text).expect_err("an array for a struct");
        assert_eq!(error, CanonicalError::NotAnObject { offset });
    }

    fn shown() -> impl Strategy<Value = String> {
        r#"[ -~é€😀\u{300}]{0,40}"#
    }

    fn outer() -> impl Strategy<Value = Outer> {
        let head = (any::<[u8; 32]>(), 0..=crate::limits::INTEGER_MAX);
        let head = head
            .prop_map(|(root, size)| Inner { root: super::super::Hash::from_bytes(root), size });
        let chain = proptest::collection::vec("[A-Za-z0-9+/=]{0,30}", 0..3);
        let lot = proptest::option::of("[a-z0-9-]{1,16}");
        (chain, head, lot, "[ -~\n—]{0,40}", any::<bool>(), shown()).prop_map(
            |(chain, head, lot, note, open, title)| Outer { chain, head, lot, note, open, title },
        )
    }

    /// Bytes that look enough like JSON to get deep into the scanner.
    fn json_like() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\""),
            Just("\"a\":"),
            Just("\"b\":"),
            Just("\"prev\":"),
            Just("\"note\":"),
            Just("0"),
            Just("12"),
            Just("true"),
            Just("false"),
            Just("null"),
            Just("\\n"),
            Just("\\u00"),
            Just("\\"),
            Just(" "),
            Just("\n"),
            Just("é"),
            Just("\u{202e}"),
            Just("F"),
            Just("-"),
            Just("e")
        ];
        proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat().into_bytes())
    }

    fn same_after_serde_json(text: &[u8]) -> bool {
        let value: Value = serde_json::from_slice(text).expect("canonical text is JSON");
        serde_json::to_vec(&value).expect("writes") == text
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(check(&bytes).is_err() || same_after_serde_json(&bytes));
        }

        #[test]
        fn random_tokens_never_panic(bytes in json_like()) {
            prop_assert!(check(&bytes).is_err() || same_after_serde_json(&bytes));
        }

        #[test]
        fn what_is_written_is_canonical_and_read_back(outer in outer()) {
            let bytes = to_canonical(&outer);
            prop_assert_eq!(check(&bytes), Ok(()));
            prop_assert_eq!(from_canonical::<Outer>(&bytes), Ok(outer));
        }

        #[test]
        fn a_mutation_is_refused_or_is_itself_canonical(
            outer in outer(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3,
        ) {
            let mut bytes = to_canonical(&outer);
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
            prop_assert!(check(&bytes).is_err() || same_after_serde_json(&bytes));
            if let Ok(read) = from_canonical::<Outer>(&bytes) {
                prop_assert_eq!(to_canonical(&read), bytes);
            }
        }
    }
}
