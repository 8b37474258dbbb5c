//! Chunks of bytes to whole lines, gathered until they make a batch: enough for every core to be
//! busy, and never more than a bounded part of a file in memory.

use std::io::BufRead;

use crate::ledger::canonical::{CanonicalError, check};
use crate::limits::{AUDIT_BATCH_BYTES, AUDIT_BATCH_LINES, LINE_BYTES_MAX};

/// Cuts what is fed to it into lines, and keeps them on end.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Where each whole line ends, after its LF.
    ends: Vec<usize>,
}

/// A line is longer than the format allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    /// Takes bytes out of `chunk` until there are `lines_max` whole lines, or a batch of bytes;
    /// what is left of `chunk` must be offered again.
    pub(super) fn take<'c>(
        &mut self,
        chunk: &'c [u8],
        lines_max: usize,
    ) -> Result<&'c [u8], TooLong> {
        let mut rest = chunk;
        while !rest.is_empty() && self.ends.len() < lines_max && !self.is_batch() {
            let before = rest;
            // Reading a slice cannot fail, and finds a line's end many bytes at a time.
            let read = rest.skip_until(b'\n').unwrap_or(0);
            let piece = &before[..read];
            let text = piece.strip_suffix(b"\n");
            if self.tail().len() + text.unwrap_or(piece).len() > LINE_BYTES_MAX {
                return Err(TooLong);
            }
            self.bytes.extend_from_slice(piece);
            if text.is_some() {
                self.ends.push(self.bytes.len());
            }
        }
        Ok(rest)
    }

    /// Whether there is enough to be worked on.
    pub(super) fn is_batch(&self) -> bool {
        self.ends.len() >= AUDIT_BATCH_LINES || self.bytes.len() >= AUDIT_BATCH_BYTES
    }

    /// How many whole lines there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A whole line without its LF; empty beyond them.
    pub(super) fn line(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        let line = self.ends.get(place).map_or(&[][..], |end| &self.bytes[begin..*end]);
        line.strip_suffix(b"\n").unwrap_or(line)
    }

    /// Gives the whole lines away, and keeps what stands after them.
    pub(super) fn split_off(&mut self) -> Self {
        let tail = self.tail().to_vec();
        std::mem::replace(self, Self { bytes: tail, ends: Vec::new() })
    }

    /// What stands after the last LF.
    pub(super) fn tail(&self) -> &[u8] {
        &self.bytes[self.ends.last().copied().unwrap_or(0)..]
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

    fn lines_of(chunks: &[&[u8]], lines_max: usize) -> Result<(Vec<Vec<u8>>, Vec<u8>), TooLong> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                rest = lines.take(rest, lines_max)?;
                let whole = lines.split_off();
                assert!(whole.len() <= lines_max);
                found.extend((0..whole.len()).map(|place| whole.line(place).to_vec()));
            }
        }
        Ok((found, lines.tail().to_vec()))
    }

    #[test]
    fn lines_are_cut_however_they_arrive() {
        let whole = lines_of(&[b"ab\n\ncd\nef"], 2).expect("short");
        let split = lines_of(&[b"a", b"b\n", b"\n", b"cd\ne", b"f"], 9).expect("short");
        assert_eq!(whole, split);
        assert_eq!(whole.0, [&b"ab"[..], b"", b"cd"]);
        assert_eq!(whole.1, b"ef");
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let chunk = vec![b'a'; 4096];
        let mut lines = Lines::default();
        let taken = (0..1000).take_while(|_| lines.take(&chunk, 9).is_ok()).count();
        assert!(taken * chunk.len() <= LINE_BYTES_MAX);
    }

    #[test]
    fn a_batch_is_bounded_in_lines_and_in_bytes() {
        let bytes_max = AUDIT_BATCH_BYTES + LINE_BYTES_MAX + 1;
        for line in [&b"\n"[..], &[&[b'a'; LINE_BYTES_MAX][..], b"\n"].concat()] {
            let chunk = line.repeat(2 * bytes_max / line.len());
            let mut lines = Lines::default();
            let left = lines.take(&chunk, usize::MAX).expect("short lines");
            assert!(lines.is_batch() && !left.is_empty());
            assert!(lines.len() <= AUDIT_BATCH_LINES && chunk.len() - left.len() <= bytes_max);
        }
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
