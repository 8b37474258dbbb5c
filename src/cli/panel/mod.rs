//! The live panel at a terminal: the lots, how things stand, and a line to type, kept at the
//! bottom of the screen while what happens scrolls away above it as ordinary text.
//!
//! One thread owns the terminal: it alone reads keys and alone writes, so that an arriving
//! line can neither break up what is being typed nor lose a key. Whoever follows the sale sends
//! it boards and words, and is sent whole lines.

mod board;
mod draw;
mod keeper;
mod line;
mod look;
mod room;
mod surface;

use std::sync::mpsc as messages;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Failure;
use super::prompt::{Prompt, Typed};
use crate::limits::TYPED_LINES_MAX;

pub(super) use board::{Board, Boards};
use keeper::{Keeper, Said};
use surface::Surface;

/// For how many rounds the last words are waited for, and how long each is.
const LAST_WORDS_ROUNDS: u32 = 100;
const LAST_WORDS_ROUND: Duration = Duration::from_millis(10);

/// A panel on the terminal, for as long as it lives.
pub(super) struct Panel {
    keeper: messages::Sender<Said>,
    thread: Option<JoinHandle<()>>,
}

impl Panel {
    /// Takes the bottom of the terminal for a panel with a line to type; gives what is typed.
    pub(super) fn open(prompt: String) -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        Self::on(Surface::below().map_err(|error| unusable(&error))?, Some(prompt))
    }

    /// Takes the whole terminal, for a room that only looks.
    pub(super) fn for_a_room() -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        Self::on(Surface::whole().map_err(|error| unusable(&error))?, None)
    }

    fn on(
        surface: Surface,
        prompt: Option<String>,
    ) -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        let (typed, lines) = mpsc::channel(TYPED_LINES_MAX);
        end_on_a_signal(&typed).map_err(|error| unusable(&error))?;
        let (keeper, said) = messages::channel();
        let thread = std::thread::spawn(move || Keeper::new(surface, prompt, typed).run(&said));
        Ok((Self { keeper, thread: Some(thread) }, lines))
    }

    /// Shows how everything stands.
    pub(super) fn show(&self, board: Board) {
        // A keeper that is gone has said so by `Typed::End`.
        let _ = self.keeper.send(Said::Board(Box::new(board)));
    }

    /// Prints above the panel, whatever has been typed so far.
    pub(super) fn print(&self, text: &str) {
        let _ = self.keeper.send(Said::Words(text.to_owned()));
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        // What was said is printed first; then the terminal is as it was.
        let _ = self.keeper.send(Said::End);
        let Some(thread) = self.thread.take() else { return };
        // A terminal that takes nothing more, as one on hold, must not keep us here for ever.
        for _ in 0..LAST_WORDS_ROUNDS {
            if thread.is_finished() {
                return;
            }
            std::thread::sleep(LAST_WORDS_ROUND);
        }
    }
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::operator("terminal-unusable", format!("the terminal cannot be used: {error}"))
        .hint("`--plain` needs less of it, and commands piped in need none")
}

/// Whoever ends us by a signal gets the terminal back as it was.
fn end_on_a_signal(typed: &mpsc::Sender<Typed>) -> std::io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::hangup()] {
        let (mut signals, typed) = (signal(kind)?, typed.clone());
        tokio::spawn(async move {
            signals.recv().await;
            // Nobody listens if the sale has been left meanwhile.
            let _ = typed.send(Typed::End).await;
        });
    }
    Ok(())
}

/// Where a person types: a panel, or a bare prompt.
pub(super) enum Face {
    Panel(Panel),
    Plain(Prompt),
}

impl Face {
    /// Opens it for somebody of that name.
    pub(super) fn open(
        name: &str,
        is_plain: bool,
    ) -> Result<(Self, mpsc::Receiver<Typed>), Failure> {
        let words = format!("{name}> ");
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_plain || is_dumb {
            let (prompt, typed) = Prompt::open(words)?;
            return Ok((Self::Plain(prompt), typed));
        }
        let (panel, typed) = Panel::open(words)?;
        Ok((Self::Panel(panel), typed))
    }

    /// Lets somebody type, with the board before their eyes.
    pub(super) fn show(&mut self, board: impl FnOnce() -> Option<Board>) {
        match self {
            Self::Panel(panel) => {
                if let Some(board) = board() {
                    panel.show(board);
                }
            }
            Self::Plain(prompt) => prompt.show(),
        }
    }

    /// Whether the lots are on the screen all the time.
    pub(super) const fn shows_lots(&self) -> bool {
        matches!(self, Self::Panel(_))
    }

    /// Notes that a line has been typed.
    pub(super) fn was_answered(&mut self) {
        if let Self::Plain(prompt) = self {
            prompt.was_answered();
        }
    }

    /// Prints above what is being typed.
    pub(super) fn print(&mut self, text: &str) {
        match self {
            Self::Panel(panel) => panel.print(text),
            Self::Plain(prompt) => prompt.print(text),
        }
    }
}
