//! The view for a room: what is being sold, large, and what was last said below.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line as Words, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::draw::{OTHER_LINES, View, draw};

/// How many lines of what was said are kept to be shown.
pub(super) const LINES_KEPT: usize = 100;
/// The fewest lines for what was said.
const SAID_MIN: u16 = 4;

/// Draws it: the lots on top, what was said last under them, the newest at the bottom.
pub(super) fn draw_room(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View<'_>,
    told: &VecDeque<String>,
) {
    let lots = view.board.map_or(0, |board| board.rows.len());
    let wanted = u16::try_from(lots).unwrap_or(u16::MAX).saturating_add(OTHER_LINES);
    let most = area.height.saturating_sub(SAID_MIN);
    let [board, said] =
        Layout::vertical([Constraint::Length(wanted.min(most)), Constraint::Fill(1)]).areas(area);
    draw(frame, board, view);
    let skipped = told.len().saturating_sub(usize::from(said.height));
    let lines: Vec<Words<'_>> = told.iter().skip(skipped).map(|line| Words::raw(&**line)).collect();
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), said);
}
