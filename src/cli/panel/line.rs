//! The line that is typed: editing, and the history of what was typed before.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::backend::crossterm::EventHandler as _;
use tui_input::{Input, InputRequest};

use crate::limits::{TYPED_HISTORY_MAX, TYPED_LINE_CHARS_MAX};

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    /// It edited the line, or nothing.
    Edited,
    /// It ended the line.
    Line(String),
    /// It ended the session.
    End,
    /// It chose another lot, by this many rows.
    Choose(Step),
    /// It asks for the next bid that would stand, on an empty line.
    NextBid,
}

impl Stroke {
    /// What a key does where nobody types.
    pub(super) fn of_a_looker(key: KeyEvent) -> Self {
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('c' | 'd'), true) => Self::End,
            (KeyCode::Tab | KeyCode::Down | KeyCode::PageDown, _) => Self::Choose(Step::Forward),
            (KeyCode::BackTab | KeyCode::Up | KeyCode::PageUp, _) => Self::Choose(Step::Back),
            _ => Self::Edited,
        }
    }
}

/// To which lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Back,
    Forward,
}

/// A line with its history.
#[derive(Debug, Default)]
pub(super) struct Line {
    input: Input,
    history: Vec<String>,
    /// Where in the history we are; at its end the line is a new one.
    at: usize,
    /// The new line, while an older one is shown.
    draft: String,
}

impl Line {
    /// What has been typed.
    pub(super) fn text(&self) -> &str {
        self.input.value()
    }

    /// The column of the cursor, in cells from the line's start.
    pub(super) fn column(&self) -> usize {
        self.input.visual_cursor()
    }

    /// How many cells are left out at the start, so that the cursor shows in `width` cells.
    pub(super) fn scroll(&self, width: usize) -> usize {
        self.input.visual_scroll(width)
    }

    /// Puts a text where something would be typed.
    pub(super) fn fill(&mut self, text: String) {
        self.input = Input::new(text);
        self.at = self.history.len();
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Stroke {
        if key.kind == KeyEventKind::Release {
            return Stroke::Edited;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('j' | 'm') if control => return self.enter(),
            KeyCode::Char('c') if control => return Stroke::End,
            KeyCode::Char('d') if control && self.text().is_empty() => return Stroke::End,
            KeyCode::Char('+') if self.text().is_empty() => return Stroke::NextBid,
            KeyCode::PageUp | KeyCode::BackTab => return Stroke::Choose(Step::Back),
            KeyCode::PageDown | KeyCode::Tab => return Stroke::Choose(Step::Forward),
            KeyCode::Up => self.older(),
            KeyCode::Down => self.newer(),
            KeyCode::Char('p') if control => self.older(),
            KeyCode::Char('n') if control => self.newer(),
            KeyCode::Esc => self.fill(String::new()),
            KeyCode::Char(_) if !control && self.is_full() => {}
            _ => {
                self.input.handle_event(&Event::Key(key));
            }
        }
        Stroke::Edited
    }

    /// Takes what was pasted: its whole lines as if they had been typed, one after another.
    pub(super) fn paste(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for character in text.chars() {
            match character {
                '\n' | '\r' if self.text().is_empty() => {}
                '\n' | '\r' => lines.push(self.take()),
                _ if self.is_full() || character.is_control() => {}
                _ => {
                    self.input.handle(InputRequest::InsertChar(character));
                }
            }
        }
        lines
    }

    fn is_full(&self) -> bool {
        self.text().chars().count() >= TYPED_LINE_CHARS_MAX
    }

    fn enter(&mut self) -> Stroke {
        Stroke::Line(self.take())
    }

    fn take(&mut self) -> String {
        let line = self.input.value_and_reset();
        if !line.trim().is_empty() && self.history.last() != Some(&line) {
            self.history.push(line.clone());
        }
        if self.history.len() > TYPED_HISTORY_MAX {
            self.history.remove(0);
        }
        self.at = self.history.len();
        line
    }

    fn older(&mut self) {
        if self.at == self.history.len() {
            self.draft = self.text().to_owned();
        }
        if let Some(at) = self.at.checked_sub(1) {
            self.show(at);
        }
    }

    fn newer(&mut self) {
        if self.at < self.history.len() {
            self.show(self.at + 1);
        }
    }

    fn show(&mut self, at: usize) {
        self.at = at;
        let text = self.history.get(at).unwrap_or(&self.draft);
        self.input = Input::new(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &mut Line, text: &str) {
        for character in text.chars() {
            line.press(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE));
        }
    }

    fn pressed(line: &mut Line, code: KeyCode) -> Stroke {
        line.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn what_is_typed_is_edited_and_ends_as_a_line() {
        let mut line = Line::default();
        typed(&mut line, "bid 1 12");
        pressed(&mut line, KeyCode::Backspace);
        pressed(&mut line, KeyCode::Home);
        pressed(&mut line, KeyCode::Delete);
        typed(&mut line, "B");
        assert_eq!((line.text(), line.column()), ("Bid 1 1", 1));
        assert_eq!(pressed(&mut line, KeyCode::Enter), Stroke::Line("Bid 1 1".to_owned()));
        assert_eq!(line.text(), "");
    }

    #[test]
    fn the_history_keeps_the_line_that_was_begun() {
        let mut line = Line::default();
        for text in ["one", "two", "two"] {
            typed(&mut line, text);
            pressed(&mut line, KeyCode::Enter);
        }
        typed(&mut line, "dra");
        let seen: Vec<String> =
            [KeyCode::Up, KeyCode::Up, KeyCode::Up, KeyCode::Down, KeyCode::Down, KeyCode::Down]
                .into_iter()
                .map(|code| {
                    pressed(&mut line, code);
                    line.text().to_owned()
                })
                .collect();
        assert_eq!(seen, ["two", "one", "one", "two", "dra", "dra"]);
    }

    #[test]
    fn one_key_bids_only_where_nothing_was_typed() {
        let mut line = Line::default();
        assert_eq!(pressed(&mut line, KeyCode::Char('+')), Stroke::NextBid);
        typed(&mut line, "1");
        assert_eq!(pressed(&mut line, KeyCode::Char('+')), Stroke::Edited);
        assert_eq!(line.text(), "1+");
    }

    #[test]
    fn pasted_lines_are_commands_and_the_rest_waits() {
        let mut line = Line::default();
        typed(&mut line, "bid ");
        assert_eq!(line.paste("1 5\r\nlist\n\nsta\u{1b}tus"), ["bid 1 5", "list"]);
        assert_eq!(line.text(), "status");
    }

    #[test]
    fn a_line_is_bounded() {
        let mut line = Line::default();
        typed(&mut line, &"x".repeat(TYPED_LINE_CHARS_MAX + 9));
        line.paste(&"y".repeat(9));
        assert_eq!(line.text().len(), TYPED_LINE_CHARS_MAX);
    }
}
