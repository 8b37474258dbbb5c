//! The part of the terminal that a panel has: some lines at the bottom, or all of it. It gives
//! the terminal back as it was, also where it changes its size or something fails.

use std::io::{self, Stdout, stdout};

use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Widget as _;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// The fewest lines that a panel is drawn in.
const LINES_MIN: u16 = 5;

/// A terminal in raw mode, with a viewport in it.
pub(super) struct Surface {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// The size for which the viewport was made.
    size: Size,
    is_whole: bool,
    /// How many cells each line of the viewport filled when it was drawn.
    filled: Vec<u16>,
}

impl Surface {
    /// The bottom of the terminal.
    pub(super) fn below() -> io::Result<Self> {
        Self::open(false)
    }

    /// The whole terminal.
    pub(super) fn whole() -> io::Result<Self> {
        Self::open(true)
    }

    fn open(is_whole: bool) -> io::Result<Self> {
        enable_raw_mode()?;
        let made = Self::begin(is_whole);
        if made.is_err() {
            let _ = disable_raw_mode();
        }
        made
    }

    fn begin(is_whole: bool) -> io::Result<Self> {
        execute!(stdout(), EnableBracketedPaste)?;
        if is_whole {
            execute!(stdout(), EnterAlternateScreen)?;
        }
        let terminal = make(if is_whole { Viewport::Fullscreen } else { Viewport::Inline(1) })?;
        let size = terminal.size()?;
        Ok(Self { terminal, size, is_whole, filled: Vec::new() })
    }

    /// Waits for a key, at most that long; whether there is one. A terminal that is gone is an
    /// error: whoever reads from it would read for ever.
    pub(super) fn wait_for_a_key(patience: &Timespec) -> io::Result<bool> {
        let stdin = io::stdin();
        let mut keys = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut keys, Some(patience)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let what = keys[0].revents();
        if what.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(what.contains(PollFlags::IN))
    }

    /// Whether it is all of the terminal.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Gives the viewport `wanted` lines, or as many as half of the terminal has.
    pub(super) fn fit(&mut self, wanted: u16) -> io::Result<()> {
        let size = self.terminal.backend().size()?;
        if self.is_whole || size.width == 0 || size.height == 0 {
            self.size = size;
            return Ok(());
        }
        let most = (size.height / 2).max(LINES_MIN).min(size.height);
        let height = wanted.clamp(1, most);
        let area = self.terminal.get_frame().area();
        if size == self.size && area.height == height {
            return Ok(());
        }
        let (top, bottom) = match size == self.size {
            true => (area.y, area.bottom()),
            false => self.place_after_a_change(size)?,
        };
        self.wipe(top, bottom)?;
        self.terminal = make(Viewport::Inline(height))?;
        self.size = size;
        Ok(())
    }

    /// Where the viewport begins and ends now that the terminal has another size. Terminals
    /// break long lines anew, so that what was drawn may fill more of them than before; its last
    /// line is where the cursor is.
    fn place_after_a_change(&mut self, size: Size) -> io::Result<(u16, u16)> {
        let cursor = self.terminal.get_cursor_position()?;
        let above = self.filled.split_last().map_or(&[][..], |(_, above)| above);
        let lines: u16 = above.iter().map(|cells| cells.div_ceil(size.width).max(1)).sum();
        Ok((cursor.y.saturating_sub(lines), cursor.y.saturating_add(1)))
    }

    /// Wipes lines one by one and leaves the cursor at the first: terminals that are asked to
    /// clear all from their first line on keep a copy of it in their history.
    fn wipe(&mut self, top: u16, bottom: u16) -> io::Result<()> {
        for y in (top..bottom).rev() {
            self.terminal.set_cursor_position(Position { x: 0, y })?;
            self.terminal.backend_mut().clear_region(ClearType::CurrentLine)?;
        }
        Ok(())
    }

    /// Draws the viewport.
    pub(super) fn draw(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let drawn = self.terminal.draw(paint)?;
        self.filled = drawn.buffer.area.rows().map(|row| filled(drawn.buffer, row)).collect();
        Ok(())
    }

    /// Puts lines above the viewport, where they scroll away.
    pub(super) fn print(&mut self, lines: &[String]) -> io::Result<()> {
        let pieces: Vec<&str> =
            lines.iter().flat_map(|line| broken(line, usize::from(self.size.width))).collect();
        for some in pieces.chunks(usize::from(self.size.height.max(1))) {
            let height = u16::try_from(some.len()).unwrap_or(u16::MAX);
            self.terminal.insert_before(height, |buffer| {
                for (piece, row) in some.iter().zip(buffer.area.rows()) {
                    Line::raw(*piece).render(row, buffer);
                }
            })?;
        }
        Ok(())
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        // Best effort, each for itself: the terminal may be gone.
        if self.is_whole {
            let _ = execute!(stdout(), LeaveAlternateScreen);
        } else {
            let area = self.terminal.get_frame().area();
            let _ = self.wipe(area.y, area.bottom());
        }
        let _ = self.terminal.show_cursor();
        let _ = execute!(stdout(), DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
}

fn make(viewport: Viewport) -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    Terminal::with_options(CrosstermBackend::new(stdout()), TerminalOptions { viewport })
}

/// How many cells of a row hold something.
fn filled(buffer: &Buffer, row: Rect) -> u16 {
    let last = row
        .columns()
        .rev()
        .find(|cell| buffer.cell(cell.as_position()).is_some_and(|cell| cell.symbol() != " "));
    last.map_or(0, |cell| cell.x - row.x + 1)
}

/// A line in pieces that fit `width` cells, broken behind the last space of each or, where there
/// is none, where it is full: nothing is cut off.
fn broken(line: &str, width: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), line);
    while let Some(full) = full_at(rest, width.max(2)) {
        let at = rest[..full].rfind(' ').map_or(full, |space| space + 1);
        let (piece, after) = rest.split_at(at);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Where the first character stands that `width` cells have no room for.
fn full_at(line: &str, width: usize) -> Option<usize> {
    let mut cells = 0;
    line.char_indices().find_map(|(at, character)| {
        cells += Line::raw(character.encode_utf8(&mut [0; 4]) as &str).width();
        (cells > width).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        assert_eq!(broken("", 5), [""]);
        assert_eq!(broken("abcde", 5), ["abcde"]);
        assert_eq!(broken("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(broken("a bid of ten", 6), ["a bid ", "of ten"]);
        assert_eq!(broken("a biddable", 6), ["a ", "biddab", "le"]);
        assert_eq!(broken("東京タワー", 5), ["東京", "タワ", "ー"]);
        assert_eq!(broken("ab", 0), ["ab"]);
    }
}
