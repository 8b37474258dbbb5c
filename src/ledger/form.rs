//! A text that is read against the one form it can have, from left to right, without building
//! anything: literal pieces, and between them integers, words and hashes in their one spelling.
//!
//! It only says yes. What it does not take is read again in the general way, which names the
//! fault; so its answer may be no more than sound, and every reader of it has a test that holds
//! it to the general one.

use super::hash::Hash;
use crate::limits::INTEGER_MAX;

/// What is left of a text.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    rest: &'a str,
}

impl<'a> Form<'a> {
    /// Stands before the first byte.
    pub const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Takes `piece`, which must stand here.
    pub fn literal(&mut self, piece: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(piece)?;
        Some(())
    }

    /// Takes `piece` if it stands here, and says whether it does.
    pub fn has(&mut self, piece: &str) -> bool {
        self.literal(piece).is_some()
    }

    /// Takes an integer 0..=2^53-1 without leading zeros.
    pub fn integer(&mut self) -> Option<u64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at_checked(digits)?;
        if text.starts_with('0') && digits > 1 {
            return None;
        }
        let value = text.parse().ok().filter(|value| *value <= INTEGER_MAX)?;
        self.rest = rest;
        Some(value)
    }

    /// Takes what stands before the next quotation mark, and the mark. An escape in it is
    /// whatever a text with a backslash means to whoever parses the word.
    pub fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.rest.split_once('"')?;
        self.rest = rest;
        Some(word)
    }

    /// Takes a hash in lower-case hex.
    pub fn hash(&mut self) -> Option<Hash> {
        let (digits, rest) = self.rest.split_at_checked(64)?;
        self.rest = rest;
        Hash::parse(digits).ok()
    }

    /// Whether nothing is left.
    pub fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        let integer = |text| Form::new(text).integer();
        assert_eq!(
            [integer("0"), integer("10,"), integer("9007199254740991}")],
            [Some(0), Some(10), Some(INTEGER_MAX)]
        );
        for bad in ["", "00", "01", "+1", "-1", "x", "9007199254740992", "99999999999999999999"] {
            assert_eq!(integer(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_form_is_taken_piece_by_piece() {
        let hash = Hash::of(b"abc");
        let text = format!("{{\"a\":\"{hash}\",\"b\":\"word\"}}");
        let mut form = Form::new(&text);
        assert!(!form.has("{\"b\""));
        assert_eq!(form.literal("{\"a\":\""), Some(()));
        assert_eq!(form.hash(), Some(hash));
        assert_eq!(form.literal("\",\"b\":\""), Some(()));
        assert_eq!((form.word(), form.end()), (Some("word"), None));
        assert_eq!((form.literal("}"), form.end()), (Some(()), Some(())));
        assert_eq!((form.word(), form.hash()), (None, None));
    }
}
