//! The prompt: a line editor that arriving lines never break up.
//!
//! The editor waits for keys on a thread of its own and has the terminal in raw
//! mode meanwhile. Whoever leaves while it waits has to put the mode back.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use crate::cli::{Failure, print};
use crate::limits::TYPED_LINES_MAX;

/// What is typed.
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// The end: Ctrl-C, Ctrl-D, or nothing more to read.
    End,
}

/// A terminal with a prompt.
pub(super) struct Prompt {
    printer: Box<dyn ExternalPrinter + Send>,
    mode: Option<Termios>,
}

impl Prompt {
    /// Shows a prompt, and gives what is typed at it.
    pub(super) fn open(words: String) -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        let failed = |error: ReadlineError| {
            Failure::operator("terminal-unusable", format!("the terminal cannot be used: {error}"))
                .hint("pipe commands into `gavel bid` instead: they need no terminal")
        };
        let mode = tcgetattr(std::io::stdin()).ok();
        let mut editor = DefaultEditor::new().map_err(failed)?;
        let printer = Box::new(editor.create_external_printer().map_err(failed)?);
        let (typed, lines) = mpsc::channel(TYPED_LINES_MAX);
        std::thread::spawn(move || read(&mut editor, &words, &typed));
        Ok((Self { printer, mode }, lines))
    }

    /// Prints above the prompt, whatever has been typed so far.
    pub(super) fn print(&mut self, text: &str) {
        // A terminal that is gone needs no more lines.
        let _ = self.printer.print(print::showable(text));
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if let Some(mode) = &self.mode {
            // Best effort: the terminal may be gone.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, mode);
        }
    }
}

fn read(editor: &mut DefaultEditor, words: &str, typed: &mpsc::Sender<Typed>) {
    loop {
        let said = match editor.readline(words) {
            Ok(line) => {
                // Only the history suffers if it cannot be kept.
                let _ = editor.add_history_entry(&line);
                Typed::Line(line)
            }
            Err(_) => Typed::End,
        };
        let ended = matches!(said, Typed::End);
        if typed.blocking_send(said).is_err() || ended {
            return;
        }
    }
}

/// Gives the lines of standard input.
pub(super) fn piped() -> mpsc::Receiver<Typed> {
    let (typed, lines) = mpsc::channel(TYPED_LINES_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if typed.blocking_send(Typed::Line(line)).is_err() {
                return;
            }
        }
        // Nobody listens if the sale has ended meanwhile.
        let _ = typed.blocking_send(Typed::End);
    });
    lines
}
