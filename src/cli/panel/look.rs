//! How things look: every colour goes with a word and a shape, so that nothing is lost where
//! there is none (WCAG 2.2, 1.4.1; no-color.org).

use ratatui::style::{Color, Modifier, Style};

use super::board::{Row, Term};
use crate::client::Standing;

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    is_coloured: bool,
}

impl Look {
    /// Colours unless `NO_COLOR` asks for none.
    pub(super) fn of_environment() -> Self {
        let asked = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { is_coloured: !asked }
    }

    /// No colours.
    #[cfg(test)]
    pub(super) const fn plain() -> Self {
        Self { is_coloured: false }
    }

    fn ink(self, colour: Color) -> Style {
        if self.is_coloured { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn good(self) -> Style {
        self.ink(Color::Green).add_modifier(Modifier::BOLD)
    }

    pub(super) fn warning(self) -> Style {
        self.ink(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bad(self) -> Style {
        self.ink(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Shape, word and style of how somebody stands on a lot.
    pub(super) fn standing(self, row: &Row) -> (&'static str, Style) {
        match (row.standing, row.is_over()) {
            (Standing::Leading, false) => ("▲ leading", self.good()),
            (Standing::Leading, true) => ("★ won", self.good()),
            (Standing::Outbid, false) => ("▼ outbid", self.bad()),
            (Standing::Voided, false) => ("▽ void", self.warning()),
            (Standing::Outbid | Standing::Voided, true) => ("▽ not won", self.faint()),
            (Standing::Out, _) => ("○ not in it", self.faint()),
        }
    }

    /// The style of a lot's time, with this many milliseconds left.
    pub(super) fn term(self, term: Term, left_ms: u64) -> Style {
        match term {
            Term::Ends(_) if left_ms < 10_000 => self.warning(),
            Term::Ends(_) | Term::Manual => self.strong(),
            Term::Paused(_) => self.warning(),
            Term::Pending | Term::Unbid | Term::Sold | Term::Unsold | Term::Withdrawn => {
                self.faint()
            }
        }
    }
}
