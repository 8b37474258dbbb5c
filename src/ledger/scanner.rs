//! The one walk over a text that decides whether it is canonical.
//!
//! It looks at each byte once, allocates nothing and builds nothing: this runs
//! on every line that the house writes and that an auditor reads.

use super::canonical::CanonicalError;
use crate::limits::{
    CERT_BASE64_BYTES_MAX, DEPTH_MAX, INTEGER_MAX, LINE_BYTES_MAX, NOTE_BYTES_MAX, STRING_BYTES_MAX,
};

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
        b"ca" | b"chain" | b"sealer" | b"sealers" => (CERT_BASE64_BYTES_MAX, Charset::Ascii),
        b"bid_key" | b"catalogue" | b"cert" | b"crl_hash" | b"new_key" | b"nonce" | b"old_key"
        | b"prev" | b"reserve_commit" | b"root" | b"sale_hash" | b"serial" => {
            (STRING_BYTES_MAX, Charset::LowerHex)
        }
        b"act" | b"bid_sig" | b"bidder" | b"cert_sig" | b"code" | b"evidence" | b"house"
        | b"id" | b"lot" | b"outcome" | b"paddle" | b"proof" | b"role" | b"sale" | b"sig"
        | b"t" | b"timer" | b"winner" => (STRING_BYTES_MAX, Charset::Ascii),
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
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Stands before the first byte.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    /// Takes the whole text, which must be one object, as it would stand at `depth`.
    pub(super) fn whole_object(mut self, depth: usize) -> Result<(), CanonicalError> {
        match self.peek() {
            Some(b'[' | b'"' | b'0'..=b'9' | b't' | b'f') => {
                return Err(CanonicalError::NotAnObject { offset: 0 });
            }
            _ => self.value(b"", depth)?,
        }
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes the text's beginning, up to and with the object that is the value of its first key,
    /// `body`, and says where that ends.
    pub(super) fn line_to_body_end(mut self) -> Result<usize, CanonicalError> {
        self.expect(br#"{"body":"#)?;
        if self.peek() != Some(b'{') {
            return Err(CanonicalError::NotAnObject { offset: self.at });
        }
        self.object(2)?;
        Ok(self.at)
    }

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
