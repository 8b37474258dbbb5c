//! Chunks of bytes to whole lines, with never more than one line in memory.

use std::io::BufRead;

use crate::ledger::canonical::{CanonicalError, check};
use crate::limits::LINE_BYTES_MAX;

/// Cuts what is fed to it into lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

/// A line is longer than the format allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    /// Takes the next line out of `chunk`, if it ends there; what is left of
    /// `chunk` must be offered again.
    pub(super) fn next<'c>(
        &mut self,
        chunk: &'c [u8],
    ) -> Result<(Option<Vec<u8>>, &'c [u8]), TooLong> {
        let mut rest = chunk;
        // Reading a slice cannot fail, and finds a line's end many bytes at a time.
        let read = rest.skip_until(b'\n').unwrap_or(0);
        let (piece, rest) = match chunk[..read].strip_suffix(b"\n") {
            Some(piece) => (piece, Some(rest)),
            None => (chunk, None),
        };
        if self.partial.len() + piece.len() > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        self.partial.extend_from_slice(piece);
        match rest {
            Some(rest) => Ok((Some(std::mem::take(&mut self.partial)), rest)),
            None => Ok((None, &[])),
        }
    }

    /// What stands after the last LF.
    pub(super) fn tail(&self) -> &[u8] {
        &self.partial
    }
}

/// Whether a tail without LF can be the beginning of a line; otherwise it was
/// not cut but changed, and the error says how.
pub(super) fn check_torn(tail: &[u8]) -> Result<(), CanonicalError> {
    let whole_characters = match str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => &tail[..error.valid_up_to()],
        Ok(_) | Err(_) => tail,
    };
    let end = whole_characters.len();
    match check(whole_characters) {
        Err(CanonicalError::Syntax { offset }) if offset == end => Ok(()),
        // An escape that was cut is reported at its backslash.
        Err(CanonicalError::Syntax { offset })
            if offset + 1 == end && whole_characters.ends_with(b"\\") =>
        {
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Result<(Vec<Vec<u8>>, Vec<u8>), TooLong> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                let (line, left) = lines.next(rest)?;
                found.extend(line);
                rest = left;
            }
        }
        Ok((found, lines.tail().to_vec()))
    }

    #[test]
    fn lines_are_cut_however_they_arrive() {
        let whole = lines_of(&[b"ab\n\ncd\nef"]).expect("short");
        let split = lines_of(&[b"a", b"b\n", b"\n", b"cd\ne", b"f"]).expect("short");
        assert_eq!(whole, split);
        assert_eq!(whole.0, [&b"ab"[..], b"", b"cd"]);
        assert_eq!(whole.1, b"ef");
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let chunk = vec![b'a'; 4096];
        let mut lines = Lines::default();
        let taken = (0..1000).take_while(|_| lines.next(&chunk).is_ok()).count();
        assert!(taken * chunk.len() <= LINE_BYTES_MAX);
    }

    #[test]
    fn every_beginning_of_a_line_is_torn_and_a_changed_one_is_not() {
        let line =
            "{\"body\":{\"note\":\"a\\nb\",\"ok\":true,\"title\":\"Ölbild \\\"x\\\"\"},\"seq\":17}";
        for end in 0..=line.len() {
            assert_eq!(check_torn(&line.as_bytes()[..end]), Ok(()), "{end}");
        }
        for bad in ["{\"body\":{}}\r", "{\"body\":{}}\u{b}", "{ ", "x", "\u{feff}{"] {
            assert!(check_torn(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(check_torn(b"{\"body\":{\"title\":\"\xff").is_err());
    }
}
