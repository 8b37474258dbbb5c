//! Colour, where somebody looks: on a terminal, unless `NO_COLOR` asks for none.
//!
//! What is painted is made showable first, so that the only control characters
//! that reach the terminal are the ones put in here.

use std::io::{IsTerminal as _, Write as _};

use super::print::showable;

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Beside the point.
    Faint,
    /// What matters.
    Strong,
    /// Something new.
    Fresh,
    /// Something good.
    Good,
    /// A "no".
    Warning,
    /// Something bad.
    Bad,
}

impl Ink {
    /// Its "select graphic rendition" (ECMA-48, 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Faint => "2",
            Self::Strong => "1",
            Self::Fresh => "36",
            Self::Good => "1;32",
            Self::Warning => "33",
            Self::Bad => "1;31",
        }
    }
}

/// Paints lines for stdout, or leaves them plain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    is_on: bool,
}

impl Palette {
    /// As fits stdout.
    pub(crate) fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { is_on: std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    /// A piece of text in that ink.
    pub(crate) fn ink(self, ink: Ink, text: &str) -> String {
        let text = showable(text);
        if self.is_on && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", ink.code())
        } else {
            text
        }
    }

    /// A piece of text as it is.
    pub(crate) fn plain(self, text: &str) -> String {
        showable(text)
    }

    /// Prints pieces that were painted here as one line.
    pub(crate) fn line(self, pieces: &[String]) {
        let mut line = pieces.concat();
        line.push('\n');
        // A reader that has gone away is no reason for another error.
        let _ = std::io::stdout().write_all(line.as_bytes());
        let _ = std::io::stdout().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_control_characters_pass() {
        let (on, off) = (Palette { is_on: true }, Palette { is_on: false });
        assert_eq!(on.ink(Ink::Warning, "a\u{1b}[2J"), "\u{1b}[33ma\\u{1b}[2J\u{1b}[0m");
        assert_eq!(off.ink(Ink::Bad, "a\u{9b}"), "a\\u{9b}");
        assert_eq!(on.plain("a\u{1b}"), "a\\u{1b}");
    }
}
