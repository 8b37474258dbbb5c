//! Hears what a server says with as little work as can be: messages are told apart by how they
//! begin, and the long ones are only counted.
//!
//! It relies on the very bytes that our own server writes and is no reader for anything else; who
//! bids in earnest parses and checks. What it hears is held against the audited ledger afterwards.

use std::io::BufRead as _;

use crate::limits::SERVER_LINE_BYTES_MAX;

const LINES: &[u8] = br#"{"m":"lines","from":"#;
const REPLY: &[u8] = br#"{"m":"reply","id":"#;
const RECEIPT: &[u8] = br#","receipt":""#;
const CODE: &[u8] = br#","code":""#;
const INDEX: &[u8] = br"\nindex ";

/// How much of live lines is kept: their beginning.
const LINES_KEPT_BYTES: usize = 64;

/// A message, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// The live lines from that number on, and how long the message is.
    Lines { from: u64, bytes: usize },
    /// The request was entered as that line, and how long the message is.
    Entered { id: u64, seq: u64, bytes: usize },
    /// The request was refused.
    Refused { id: u64, code: &'a str },
    /// Something else, without its LF.
    Other(&'a [u8]),
}

/// Cuts what is read into messages.
#[derive(Debug, Default)]
pub(super) struct Ear {
    kept: Vec<u8>,
    /// How long the message is so far.
    bytes: usize,
}

/// The server never ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endless;

impl Ear {
    /// Takes what was read, and gives every message that ends in it.
    pub(super) fn hear(
        &mut self,
        mut read: &[u8],
        mut take: impl FnMut(Heard<'_>),
    ) -> Result<(), Endless> {
        while !read.is_empty() {
            let mut rest = read;
            // Reading a slice cannot fail.
            let length = rest.skip_until(b'\n').unwrap_or(0);
            let (piece, rest) = read.split_at(length);
            read = rest;
            if self.kept.is_empty() && piece.ends_with(b"\n") && !piece.starts_with(LINES) {
                take(meaning(&piece[..length - 1], length));
                continue;
            }
            self.keep(piece);
            if piece.ends_with(b"\n") {
                take(meaning(self.kept.strip_suffix(b"\n").unwrap_or(&self.kept), self.bytes));
                self.kept.clear();
                self.bytes = 0;
            } else if self.bytes > SERVER_LINE_BYTES_MAX {
                return Err(Endless);
            }
        }
        Ok(())
    }

    fn keep(&mut self, piece: &[u8]) {
        self.bytes += piece.len();
        let is_long = self.kept.len() >= LINES.len() && self.kept.starts_with(LINES)
            || self.kept.is_empty() && piece.starts_with(LINES);
        let kept = if is_long {
            piece.len().min(LINES_KEPT_BYTES.saturating_sub(self.kept.len()))
        } else {
            piece.len()
        };
        self.kept.extend_from_slice(&piece[..kept]);
    }
}

fn meaning(message: &[u8], bytes: usize) -> Heard<'_> {
    known(message, bytes).unwrap_or(Heard::Other(message))
}

fn known(message: &[u8], bytes: usize) -> Option<Heard<'_>> {
    if let Some(rest) = message.strip_prefix(LINES) {
        let (from, _) = number(rest)?;
        return Some(Heard::Lines { from, bytes });
    }
    let (id, rest) = number(message.strip_prefix(REPLY)?)?;
    if let Some(code) = rest.strip_prefix(CODE) {
        let end = code.iter().position(|byte| *byte == b'"')?;
        return Some(Heard::Refused { id, code: str::from_utf8(&code[..end]).ok()? });
    }
    // Header, entry and sealer hold no backslash but those of their line ends.
    let receipt = rest.strip_prefix(RECEIPT)?;
    let mut ends = receipt.iter().enumerate().filter(|(_, byte)| **byte == b'\\');
    let (second, _) = ends.nth(1)?;
    let (seq, _) = number(receipt[second..].strip_prefix(INDEX)?)?;
    Some(Heard::Entered { id, seq, bytes })
}

/// The decimal number at the beginning, and what follows.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::money::Currency;
    use crate::auction::refusal::Code;
    use crate::ledger::Receipt;
    use crate::wire::json::{Answer, Reply, RequestId, ServerMessage, lines_message};

    fn reply(id: u64, answer: Answer) -> Vec<u8> {
        ServerMessage::Reply(Reply { id: RequestId::new(id).ok(), answer }).to_line()
    }

    fn said() -> Vec<u8> {
        let receipt = Receipt {
            index: 17,
            proof: Vec::new(),
            note: "house/sale\n18\nroot\n\n— x y\n".to_owned(),
            entry: r#"{"a":"b\\c"}"#.to_owned(),
            sealer: vec![1, 2, 3],
        };
        let euro = Currency::new(Some("EUR"), 2).expect("a currency");
        let long = "x".repeat(9_000);
        [
            reply(3, Answer::Entered { receipt: receipt.to_text() }),
            lines_message(None, 17, [long.as_bytes(), b"{}"]),
            reply(4, Answer::refused(Code::TooLow, None, &euro)),
            reply(5, Answer::Done),
            lines_message(None, 19, [&b"{}"[..]]),
        ]
        .concat()
    }

    /// What is heard when it is read in pieces of so many bytes.
    fn heard(piece: usize) -> Vec<String> {
        let (mut ear, mut heard) = (Ear::default(), Vec::new());
        for read in said().chunks(piece) {
            ear.hear(read, |message| heard.push(format!("{message:?}"))).expect("short messages");
        }
        heard
    }

    #[test]
    fn messages_are_heard_however_they_are_read() {
        let whole = heard(usize::MAX);
        assert!(whole[0].starts_with("Entered { id: 3, seq: 17, bytes: "), "{}", whole[0]);
        assert!(whole[1].starts_with("Lines { from: 17, bytes: 90"), "{}", whole[1]);
        assert_eq!(whole[2], "Refused { id: 4, code: \"too-low\" }");
        assert!(whole[3].starts_with("Other("));
        assert_eq!(whole[4], "Lines { from: 19, bytes: 39 }");
        for piece in [1, 2, 3, 64, 100, 4_096] {
            assert_eq!(heard(piece), whole, "{piece}");
        }
    }
}
