//! The prompt: a line editor that arriving lines never break up.
//!
//! The editor waits for keys on a thread of its own and has the terminal in raw
//! mode meanwhile. Whoever leaves while it waits has to put the mode back.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
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
    /// Lets the editor show its prompt once more.
    ask: std::sync::mpsc::Sender<()>,
    /// The mode to put back while the editor waits for keys.
    mode: Option<Termios>,
    waits: bool,
}

impl Prompt {
    /// Shows a prompt, and gives what is typed at it.
    pub(super) fn open(words: String) -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        let failed = |error: ReadlineError| {
            Failure::operator("terminal-unusable", format!("the terminal cannot be used: {error}"))
                .hint("pipe commands into `gavel bid` instead: they need no terminal")
        };
        let mode = tcgetattr(std::io::stdin()).ok();
        // Pasted lines are commands, one after the other.
        let config = Config::builder().bracketed_paste(false).build();
        let mut editor = DefaultEditor::with_config(config).map_err(failed)?;
        let printer = Box::new(editor.create_external_printer().map_err(failed)?);
        let (typed, lines) = mpsc::channel(TYPED_LINES_MAX);
        let (ask, asked) = std::sync::mpsc::channel();
        std::thread::spawn(
            move || {
                while asked.recv().is_ok() && read(&mut editor, &words, &typed) {}
            },
        );
        Ok((Self { printer, ask, mode, waits: false }, lines))
    }

    /// Shows the prompt, unless it is there.
    pub(super) fn show(&mut self) {
        // An editor that is gone has said so by `Typed::End`.
        self.waits = self.waits || self.ask.send(()).is_ok();
    }

    /// Notes that the prompt is gone, with the line that was typed at it.
    pub(super) fn was_answered(&mut self) {
        self.waits = false;
    }

    /// Prints above the prompt, whatever has been typed so far.
    pub(super) fn print(&mut self, text: &str) {
        // A terminal that is gone needs no more lines.
        let _ = self.printer.print(print::showable(text));
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        if let Some(mode) = self.mode.as_ref().filter(|_| self.waits) {
            // Best effort: the terminal may be gone.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, mode);
            print::talk("\n");
        }
    }
}

/// Reads one line; whether another may follow.
fn read(editor: &mut DefaultEditor, words: &str, typed: &mpsc::Sender<Typed>) -> bool {
    match editor.readline(words) {
        Ok(line) => {
            // Only the history suffers if it cannot be kept.
            let _ = editor.add_history_entry(&line);
            typed.blocking_send(Typed::Line(line)).is_ok()
        }
        Err(_) => {
            // Nobody listens if the sale has been left meanwhile.
            let _ = typed.blocking_send(Typed::End);
            false
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
