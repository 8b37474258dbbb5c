//! The only way to the terminal: no control character of others passes.
//!
//! Whatever a stranger put into a certificate, a file name or a sale file could
//! move a cursor or retitle a window; here it is shown instead of obeyed.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::Failure;
use super::fault::of_io;
use crate::auction::name::is_showable;

/// Prints results, for people or programs.
pub(crate) fn results(text: &str) {
    // A reader that has gone away is no reason for another error.
    let _ = std::io::stdout().write_all(showable(text).as_bytes());
}

/// Prints results that somebody will rely on: a full disk is a failure, for what is
/// cut short would pass for the whole. `false` once nobody reads any more.
pub(crate) fn report(text: &str) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(showable(text).as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(of_io("write", Path::new("the results"), &error)),
    }
}

/// Prints a CSV file, whose lines end in CRLF (RFC 4180); else as [`report`].
pub(crate) fn csv(text: &str) -> Result<(), Failure> {
    let lines: Vec<String> = text.split("\r\n").map(showable).collect();
    let mut stdout = std::io::stdout();
    match stdout.write_all(lines.join("\r\n").as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(of_io("write", Path::new("the results"), &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints results as long as somebody reads them; `false` once nobody does.
pub(crate) fn is_read(text: &str) -> bool {
    let mut stdout = std::io::stdout();
    stdout.write_all(showable(text).as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Prints what is said beside the results.
pub(crate) fn talk(text: &str) {
    let _ = std::io::stderr().write_all(showable(text).as_bytes());
}

/// The text with every control character but line ends spelled out.
pub(crate) fn showable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || is_showable(character) {
            shown.push(character);
        } else {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_a_cursor() {
        assert_eq!(showable("a\nb"), "a\nb");
        assert_eq!(showable("\u{1b}[2J\r\u{9b}\u{202e}"), "\\u{1b}[2J\\u{d}\\u{9b}\\u{202e}");
        assert_eq!(showable("Grüße, 東京"), "Grüße, 東京");
    }
}
