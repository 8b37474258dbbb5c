//! The thread that owns the terminal: it prints what it is told, takes keys, and draws.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode};
use rustix::event::Timespec;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::board::{Board, Row, Term};
use super::draw::{OTHER_LINES, View, draw};
use super::line::{Line, Step, Stroke};
use super::look::Look;
use super::room;
use super::surface::Surface;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Role};
use crate::cli::print::showable;
use crate::cli::prompt::Typed;
use crate::clock::Stopwatch;
use crate::limits::SEEN_AFTER;

/// How long it waits for a key before it looks for words again: nobody sees that they are late.
const KEY_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 30_000_000 };
/// After how many rounds without news it draws all the same, since the time that is left ticks.
const ROUNDS_BETWEEN_TICKS: u32 = 8;

/// What the keeper is told.
pub(super) enum Said {
    Board(Box<Board>),
    Words(String),
    End,
}

/// Whether the keeper goes on.
enum Then {
    GoOn,
    End,
}

pub(super) struct Keeper {
    surface: Surface,
    look: Look,
    prompt: Option<String>,
    line: Line,
    board: Option<Box<Board>>,
    /// The lot that was chosen by a key, until it has closed.
    chosen: Option<LotId>,
    /// The bid that one key would make, and since when it has been on the screen.
    next_bid: Option<(LotId, Amount, Stopwatch)>,
    typed: Sender<Typed>,
    /// What was typed and not yet taken.
    waiting: VecDeque<Typed>,
    /// What a room has been told last.
    told: VecDeque<String>,
}

impl Keeper {
    pub(super) fn new(surface: Surface, prompt: Option<String>, typed: Sender<Typed>) -> Self {
        Self {
            surface,
            look: Look::of_environment(),
            prompt,
            line: Line::default(),
            board: None,
            chosen: None,
            next_bid: None,
            typed,
            waiting: VecDeque::new(),
            told: VecDeque::new(),
        }
    }

    /// Keeps the terminal until it is told to end, or the terminal is gone.
    pub(super) fn run(mut self, said: &Receiver<Said>) {
        let kept = self.keep(said);
        if kept.is_err() {
            self.waiting.push_back(Typed::End);
            self.pass_on();
        }
    }

    fn keep(&mut self, said: &Receiver<Said>) -> io::Result<()> {
        let mut quiet = 0;
        loop {
            let (news, then) = self.hear(said)?;
            if let Then::End = then {
                return Ok(());
            }
            quiet = if news { 0 } else { quiet + 1 };
            if quiet == 0 || quiet >= ROUNDS_BETWEEN_TICKS {
                quiet = 0;
                self.draw()?;
            }
            if Surface::wait_for_a_key(&KEY_PATIENCE)? {
                self.take_keys()?;
                self.draw()?;
            }
            self.pass_on();
        }
    }

    /// Prints all that was said, and keeps the newest board; whether there was anything.
    fn hear(&mut self, said: &Receiver<Said>) -> io::Result<(bool, Then)> {
        let (mut words, mut news, mut then) = (String::new(), false, Then::GoOn);
        loop {
            match said.try_recv() {
                Ok(Said::Board(board)) => self.look_at(board),
                Ok(Said::Words(text)) => words += &text,
                Ok(Said::End) | Err(TryRecvError::Disconnected) => then = Then::End,
                Err(TryRecvError::Empty) => break,
            }
            news = true;
            if let Then::End = then {
                break;
            }
        }
        let lines: Vec<String> = words.lines().map(showable).collect();
        self.print(lines)?;
        Ok((news, then))
    }

    fn print(&mut self, lines: Vec<String>) -> io::Result<()> {
        if self.surface.is_whole() {
            self.told.extend(lines);
            let over = self.told.len().saturating_sub(room::LINES_KEPT);
            self.told.drain(..over);
            return Ok(());
        }
        if lines.is_empty() { Ok(()) } else { self.surface.print(&lines) }
    }

    // ---- What is shown ----

    fn look_at(&mut self, board: Box<Board>) {
        let is_over = |lot: &LotId| board.row(lot).is_none_or(|row| !row.is_live());
        if self.chosen.as_ref().is_some_and(is_over) {
            self.chosen = None;
        }
        self.board = Some(board);
        self.note_next_bid();
    }

    fn note_next_bid(&mut self) {
        let next = self.chosen_row().and_then(|row| Some((row.lot.clone(), row.ask?)));
        let same = match (&self.next_bid, &next) {
            (Some((lot, ask, _)), Some((new_lot, new_ask))) => lot == new_lot && ask == new_ask,
            (before, after) => before.is_none() && after.is_none(),
        };
        if !same {
            self.next_bid = next.map(|(lot, ask)| (lot, ask, Stopwatch::start()));
        }
    }

    /// The lot that a key acts on: the one that was chosen, staff's current one, or else the
    /// first that is being sold.
    fn chosen_row(&self) -> Option<&Row> {
        let board = self.board.as_ref()?;
        let wanted = self.chosen.as_ref().or(board.current.as_ref());
        match wanted {
            Some(lot) => board.row(lot),
            None => board.rows.first().filter(|row| row.is_live()),
        }
    }

    fn audience(&self) -> Role {
        match &self.board {
            Some(board) if !self.surface.is_whole() => board.role,
            Some(_) | None => Role::Observer,
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let lots = self.board.as_ref().map_or(0, |board| board.rows.len());
        self.surface.fit(u16::try_from(lots).unwrap_or(u16::MAX).saturating_add(OTHER_LINES))?;
        let chosen = self.chosen_row().map(|row| row.lot.clone());
        let view = View {
            board: self.board.as_deref(),
            audience: self.audience(),
            chosen: chosen.as_ref(),
            prompt: self.prompt.as_deref().filter(|_| self.board.is_some()),
            line: &self.line,
            look: self.look,
        };
        let told = &self.told;
        let is_whole = self.surface.is_whole();
        self.surface.draw(|frame| {
            let area = frame.area();
            match is_whole {
                true => room::draw_room(frame, area, &view, told),
                false => draw(frame, area, &view),
            }
        })
    }

    // ---- What is typed ----

    fn take_keys(&mut self) -> io::Result<()> {
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if self.prompt.is_none() => match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => self.waiting.push_back(Typed::End),
                    _ => self.act(Stroke::of_a_looker(key))?,
                },
                Event::Key(key) if self.fill_by(key.code) => {}
                Event::Key(key) => {
                    let stroke = self.line.press(key);
                    self.act(stroke)?;
                }
                Event::Paste(text) => {
                    for line in self.line.paste(&text) {
                        self.enter(line)?;
                    }
                }
                // The next drawing looks at the size by itself.
                Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Resize(..) => {}
            }
        }
        Ok(())
    }

    fn act(&mut self, stroke: Stroke) -> io::Result<()> {
        match stroke {
            Stroke::Edited => Ok(()),
            Stroke::Line(line) => self.enter(line),
            Stroke::End => {
                self.waiting.push_back(Typed::End);
                Ok(())
            }
            Stroke::Choose(step) => self.choose(step),
            Stroke::NextBid => self.bid_next(),
        }
    }

    /// A line is part of what happened: it stays above, with its prompt.
    fn enter(&mut self, line: String) -> io::Result<()> {
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let echo = showable(&format!("{prompt}{line}"));
        self.waiting.push_back(Typed::Line(line));
        self.print(vec![echo])
    }

    fn is_staff(&self) -> bool {
        let role = self.board.as_ref().map(|board| board.role);
        matches!(role, Some(Role::Auctioneer | Role::Clerk))
    }

    fn choose(&mut self, step: Step) -> io::Result<()> {
        let Some(board) = &self.board else { return Ok(()) };
        let live: Vec<&LotId> =
            board.rows.iter().filter(|row| row.is_live()).map(|row| &row.lot).collect();
        let at = self.chosen_row().and_then(|row| live.iter().position(|lot| **lot == row.lot));
        let next = match (at, step) {
            (None, _) => 0,
            (Some(at), Step::Forward) => (at + 1) % live.len(),
            (Some(at), Step::Back) => at.checked_sub(1).unwrap_or(live.len() - 1),
        };
        let Some(lot) = live.get(next).map(|lot| (*lot).clone()) else { return Ok(()) };
        if self.is_staff() {
            // The session itself keeps which lot is being sold.
            return self.enter(format!("lot {lot}"));
        }
        self.chosen = Some(lot);
        self.note_next_bid();
        Ok(())
    }

    /// One key bids what has been on the screen for long enough to be read; what has just
    /// changed is only put into the line, for Enter.
    fn bid_next(&mut self) -> io::Result<()> {
        let bidder = self.board.as_ref().is_some_and(|board| board.role == Role::Bidder);
        let Some(row) = self.chosen_row().filter(|row| bidder && row.ask.is_some()) else {
            return self.print(vec!["There is no lot to bid on: Tab chooses one.".to_owned()]);
        };
        let line = format!("BID {} {}", row.lot, row.ask_typed);
        let since = self.next_bid.as_ref().map(|(_, _, since)| since.elapsed_us());
        if since.is_some_and(|us| us >= SEEN_AFTER.ms() * 1000) {
            return self.enter(line);
        }
        let words = format!(
            "The next bid on item {} has just become {}: Enter bids it.",
            row.lot, row.ask_words
        );
        self.line.fill(line);
        self.print(vec![words])
    }

    /// Staff's keys put a command into the line, for Enter; whether it was one of them.
    fn fill_by(&mut self, key: KeyCode) -> bool {
        let KeyCode::F(number @ 2..=6) = key else { return false };
        if !self.is_staff() || !self.line.text().is_empty() {
            return false;
        }
        let Some(command) = self.command(number) else { return false };
        self.line.fill(command);
        true
    }

    fn command(&self, number: u8) -> Option<String> {
        let board = self.board.as_ref()?;
        if number == 2 {
            let pending = board.rows.iter().find(|row| row.term == Term::Pending)?;
            return Some(format!("open {}", pending.lot));
        }
        let row = self.chosen_row()?;
        let lot = &row.lot;
        Some(match (number, row.term) {
            (3, _) => format!("warn {lot}"),
            (4, _) => match &row.price_typed {
                // It names the bid that is on the screen; another one in between refuses it.
                Some(price) => format!("hammer {lot} {price}"),
                None => format!("hammer {lot}"),
            },
            (5, _) => format!("pass {lot}"),
            (_, Term::Paused(_)) => format!("resume {lot}"),
            (_, _) => format!("pause {lot}"),
        })
    }

    /// Passes on what was typed, as far as it is taken.
    fn pass_on(&mut self) {
        while let Some(typed) = self.waiting.pop_front() {
            match self.typed.try_send(typed) {
                Ok(()) => {}
                Err(TrySendError::Full(typed)) => return self.waiting.push_front(typed),
                // The sale has been left; the end is said in a moment.
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }
}
