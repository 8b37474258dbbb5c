//! Lines out of a stream of bytes, bounded: a push parser that knows no socket.
//!
//! A line ends with LF or CRLF. Several lines in one packet are several lines,
//! half a line waits for its rest, and a line beyond the maximum is one fault,
//! after which the next line is read as if nothing had been. Whatever cannot be
//! read is handed out as a [`LineFault`] to be answered, never dropped in
//! silence (SEED, defects 1 and 10).

use std::io::BufRead as _;

use crate::auction::name::is_showable;

/// Why a line cannot be read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It has a control or text-direction character, NUL among them.
    #[error("the line has a control or text-direction character")]
    ControlCharacter,
    /// It is not UTF-8.
    #[error("the line is not UTF-8 text")]
    NotUtf8,
    /// It is longer than the maximum; all of it was skipped.
    #[error("the line is longer than {bytes_max} bytes with its end")]
    TooLong {
        /// The maximum, line end included.
        bytes_max: usize,
    },
}

/// Cuts a stream of bytes into lines of at most `bytes_max` bytes.
///
/// It buffers less than one maximal line and one push, if every push is
/// followed by taking lines until there are none.
#[derive(Debug)]
pub struct Framer {
    bytes_max: usize,
    buffer: Vec<u8>,
    /// Where the next line begins in `buffer`.
    begin: usize,
    /// Up to where `buffer` is known to hold no LF.
    scanned: usize,
    /// The line that began is too long; its rest is thrown away.
    skipping: bool,
}

impl Framer {
    /// A framer for lines of at most `bytes_max` bytes, line end included.
    pub const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, buffer: Vec::new(), begin: 0, scanned: 0, skipping: false }
    }

    /// Takes in what one read brought.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.begin);
        self.scanned -= self.begin;
        self.begin = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its end, or what is wrong with it; `None`
    /// while only part of a line is here.
    pub fn next_line(&mut self) -> Option<Result<&str, LineFault>> {
        let (begin, end) = loop {
            // Reading a slice cannot fail, and finds a line's end many bytes at a time.
            let mut rest = &self.buffer[self.scanned..];
            let length = rest.skip_until(b'\n').unwrap_or(0);
            if !self.buffer[self.scanned..self.scanned + length].ends_with(b"\n") {
                return self.wait_for_more();
            }
            let (begin, end) = (self.begin, self.scanned + length - 1);
            self.begin = end + 1;
            self.scanned = self.begin;
            if !std::mem::take(&mut self.skipping) {
                break (begin, end);
            }
        };
        if end - begin >= self.bytes_max {
            return Some(Err(LineFault::TooLong { bytes_max: self.bytes_max }));
        }
        let line = &self.buffer[begin..end];
        Some(readable(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    fn wait_for_more(&mut self) -> Option<Result<&str, LineFault>> {
        self.scanned = self.buffer.len();
        if self.skipping || self.buffer.len() - self.begin >= self.bytes_max {
            self.begin = self.buffer.len();
            if !std::mem::replace(&mut self.skipping, true) {
                return Some(Err(LineFault::TooLong { bytes_max: self.bytes_max }));
            }
        }
        if self.begin == self.buffer.len() {
            // Nothing is here: whoever is silent from here on holds no memory.
            (self.buffer, self.begin, self.scanned) = (Vec::new(), 0, 0);
        }
        None
    }
}

/// The line as text, if it holds nothing but what may be shown and tabs.
fn readable(line: &[u8]) -> Result<&str, LineFault> {
    let plain = |b: &u8| matches!(b, b'\t' | b' '..=b'~');
    let text = std::str::from_utf8(line).map_err(|_| LineFault::NotUtf8)?;
    if line.iter().all(plain) || text.chars().all(|c| c == '\t' || is_showable(c)) {
        Ok(text)
    } else {
        Err(LineFault::ControlCharacter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes `packets` one by one and lists what comes out.
    fn lines(bytes_max: usize, packets: &[&[u8]]) -> Vec<Result<String, LineFault>> {
        let mut framer = Framer::new(bytes_max);
        let mut lines = Vec::new();
        for packet in packets {
            framer.push(packet);
            while let Some(line) = framer.next_line() {
                lines.push(line.map(str::to_owned));
            }
            assert!(framer.buffer.len() - framer.begin < bytes_max, "the buffer is bounded");
        }
        lines
    }

    fn ok(text: &str) -> Result<String, LineFault> {
        Ok(text.to_owned())
    }

    #[test]
    fn several_lines_in_one_packet_are_several_lines() {
        let got = lines(64, &[b"LIST\r\nSTATUS 1\n\nBID 1 2\n"]);
        assert_eq!(got, [ok("LIST"), ok("STATUS 1"), ok(""), ok("BID 1 2")]);
    }

    #[test]
    fn half_a_line_waits() {
        assert_eq!(lines(64, &[b"BID 1", b" 10", b"0"]), []);
        assert_eq!(
            lines(64, &[b"BID 1", b" 10", b"0\r", b"\nLI", b"ST\n"]),
            [ok("BID 1 100"), ok("LIST")]
        );
    }

    #[test]
    fn a_long_line_is_one_fault_and_the_next_line_is_read() {
        let fault = Err(LineFault::TooLong { bytes_max: 8 });
        let got = lines(8, &[b"1234567\n", b"12345678\n", b"LIST\n"]);
        assert_eq!(got, [ok("1234567"), fault.clone(), ok("LIST")]);
        let got = lines(8, &[b"123456", b"789", b"abcdefghijklmnop", b"x\nLIST\n"]);
        assert_eq!(got, [fault.clone(), ok("LIST")]);
        let got = lines(8, &[b"123456789abcdefghijklmnop\nLIST\n12345678"]);
        assert_eq!(got, [fault.clone(), ok("LIST"), fault]);
    }

    #[test]
    fn what_is_no_text_is_told_apart_from_silence() {
        let got =
            lines(64, &[b"LI\0ST\n\xff\xfe\na\x1b[2Jb\na\rb\n\xe2\x80\xae\nSTATUS\t1\n\xc3\xa9\n"]);
        let control = Err(LineFault::ControlCharacter);
        assert_eq!(
            got,
            [
                control.clone(),
                Err(LineFault::NotUtf8),
                control.clone(),
                control.clone(),
                control,
                ok("STATUS\t1"),
                ok("é"),
            ]
        );
    }

    #[test]
    fn any_cut_into_packets_gives_the_same_lines() {
        let bytes = b"LIST\r\nBID 1 100\n\n0123456789abcdef0\nQUIT\n";
        let whole = lines(16, &[bytes]);
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(lines(16, &[a, b]), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines(16, &single), whole);
    }
}
