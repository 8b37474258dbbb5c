//! Draws a panel: what is being sold, how the ledger and the connection stand, and the line
//! that is typed. Pure but for the time that is left, which goes by the board's own clock.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line as Words, Span as Piece, Text};
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table};

use super::board::{Board, Row, Term};
use super::line::Line;
use super::look::Look;
use crate::auction::name::{LotId, Role};
use crate::cli::when;
use crate::time::{Span, Timestamp};

/// The lines of a panel that are no lots: its title, the columns' names, how things stand, and
/// the line that is typed.
pub(super) const OTHER_LINES: u16 = 4;
/// From this width on there is room for who leads.
const WIDE: u16 = 100;

/// What there is to draw.
pub(super) struct View<'a> {
    pub(super) board: Option<&'a Board>,
    /// For whom the columns are chosen: a room sees who leads, whoever's credential shows it.
    pub(super) audience: Role,
    /// The lot that one key would bid on.
    pub(super) chosen: Option<&'a LotId>,
    /// What stands before the line that is typed; none where nobody types.
    pub(super) prompt: Option<&'a str>,
    pub(super) line: &'a Line,
    pub(super) look: Look,
}

/// Draws it into `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let typed = u16::from(view.prompt.is_some());
    let [title, lots, foot, prompt] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(typed),
    ])
    .areas(area);
    if let Some(board) = view.board {
        frame.render_widget(head(board, view.look, title.width), title);
        draw_lots(frame, lots, board, view);
        frame.render_widget(Paragraph::new(standing(board, view, foot.width)), foot);
    } else {
        frame.render_widget("Checking the ledger from its first line on …", title);
    }
    if let Some(words) = view.prompt {
        draw_prompt(frame, prompt, words, view);
    }
}

fn head(board: &Board, look: Look, width: u16) -> Words<'static> {
    let state = if board.is_closed { " · has closed" } else { "" };
    let (left, right) = (format!("━━ {}{state} ", board.title), format!(" {} ━━", board.who));
    let room = usize::from(width).saturating_sub(Words::raw(&*right).width());
    let fill = room.saturating_sub(Words::raw(&*left).width());
    Words::from(vec![
        Piece::styled(left, look.strong()),
        Piece::styled("━".repeat(fill), look.faint()),
        Piece::styled(right, look.strong()),
    ])
}

// ---- The lots ----

fn draw_lots(frame: &mut Frame<'_>, area: Rect, board: &Board, view: &View<'_>) {
    let room = usize::from(area.height.saturating_sub(1));
    let chosen = board.rows.iter().position(|row| Some(&row.lot) == view.chosen);
    let from = first_shown(board.rows.len(), room, chosen.unwrap_or(0));
    let shown = board.rows.iter().skip(from).take(room);
    let now = board.now();
    let columns = Columns::of(board, view.audience, area.width);
    let rows = shown.map(|row| columns.cells(row, now, Some(&row.lot) == view.chosen, view.look));
    let hidden = board.rows.len().saturating_sub(room);
    let table = Table::new(rows, columns.widths())
        .header(columns.names(hidden).style(view.look.faint()))
        .column_spacing(1);
    frame.render_widget(table, area);
}

/// The first row that shows, so that the chosen one does.
fn first_shown(rows: usize, room: usize, chosen: usize) -> usize {
    let furthest = rows.saturating_sub(room);
    chosen.saturating_sub(room / 2).min(furthest)
}

/// Which columns there are for whom.
#[derive(Clone)]
struct Columns {
    role: Role,
    is_wide: bool,
    /// The currency's code.
    currency: String,
    /// The longest amount, in cells.
    amount_cells: u16,
}

impl Columns {
    fn of(board: &Board, role: Role, width: u16) -> Self {
        let amounts =
            board.rows.iter().flat_map(|row| [row.price.as_deref(), Some(&*row.ask_words)]);
        let longest = amounts.flatten().map(str::len).max().unwrap_or(0);
        Self {
            role,
            is_wide: width >= WIDE,
            currency: board.currency.clone(),
            amount_cells: u16::try_from(longest).unwrap_or(u16::MAX).max(9),
        }
    }

    const fn is_bidder(&self) -> bool {
        matches!(self.role, Role::Bidder)
    }

    const fn is_staff(&self) -> bool {
        matches!(self.role, Role::Auctioneer | Role::Clerk)
    }

    /// Who leads is told to all that do not bid themselves, and to bidders where there is room.
    const fn tells_leader(&self) -> bool {
        self.is_wide || !self.is_bidder()
    }

    fn widths(&self) -> Vec<Constraint> {
        let mut widths = vec![
            Constraint::Length(1),
            Constraint::Length(5),
            Constraint::Fill(1),
            Constraint::Length(self.amount_cells),
            Constraint::Length(self.amount_cells),
        ];
        if self.tells_leader() {
            widths.push(Constraint::Length(12));
        }
        if self.is_bidder() {
            widths.push(Constraint::Length(11));
        }
        if self.is_staff() {
            widths.push(Constraint::Length(9));
        }
        widths.push(Constraint::Length(11));
        widths
    }

    fn names(&self, hidden: usize) -> Cells<'static> {
        let title = if hidden == 0 { "title".to_owned() } else { format!("title ({hidden} more)") };
        let price = format!("price {}", self.currency);
        let mut names =
            vec![Cell::from(""), "lot".into(), title.into(), right(price.trim()), right("next")];
        if self.tells_leader() {
            names.push("leader".into());
        }
        if self.is_bidder() {
            names.push("you".into());
        }
        if self.is_staff() {
            names.push(right("bid no."));
        }
        names.push(right("closes"));
        Cells::new(names)
    }

    fn cells(&self, row: &Row, now: Timestamp, is_chosen: bool, look: Look) -> Cells<'static> {
        let mark = if is_chosen { "▸" } else { "" };
        let price = row.price.clone().unwrap_or_else(|| "–".to_owned());
        let ask = if row.ask.is_some() { row.ask_words.clone() } else { "–".to_owned() };
        let mut cells = vec![
            Cell::from(mark),
            row.lot.to_string().into(),
            row.title.clone().into(),
            right(&price),
            right(&ask),
        ];
        if self.tells_leader() {
            cells.push(row.leader.clone().into());
        }
        if self.is_bidder() {
            let (words, style) = look.standing(row);
            cells.push(Cell::from(words).style(style));
        }
        if self.is_staff() {
            cells.push(right(&row.bid.map_or_else(|| "–".to_owned(), |seq| format!("#{seq}"))));
        }
        let (words, style) = closes(row, now, look);
        cells.push(right(&words).style(style));
        let style = if is_chosen { look.strong() } else { Style::new() };
        Cells::new(cells).style(style)
    }
}

fn right(text: &str) -> Cell<'static> {
    Cell::from(Text::from(text.to_owned()).alignment(Alignment::Right))
}

/// When it closes, in words that fit 11 cells.
fn closes(row: &Row, now: Timestamp, look: Look) -> (String, Style) {
    let left = match row.term {
        Term::Ends(at) => at.since(now),
        _ => Span::from_ms(0),
    };
    let words = match row.term {
        Term::Pending => "to come".to_owned(),
        Term::Ends(at) if at <= now => "closing".to_owned(),
        Term::Ends(_) => ticking(left),
        Term::Unbid => "no bid yet".to_owned(),
        Term::Manual => "by hammer".to_owned(),
        Term::Paused(Some(left)) => format!("‖ {}", ticking(left)),
        Term::Paused(None) => "‖ paused".to_owned(),
        Term::Sold => "sold".to_owned(),
        Term::Unsold => "unsold".to_owned(),
        Term::Withdrawn => "withdrawn".to_owned(),
    };
    (words, look.term(row.term, left.ms()))
}

/// `2:05:09`, `5:09`, and days in words.
fn ticking(left: Span) -> String {
    let all_s = left.ms().div_ceil(1000);
    let (hours, minutes, seconds) = (all_s / 3_600, all_s / 60 % 60, all_s % 60);
    match (hours, minutes) {
        (24.., _) => when::length(left),
        (1.., _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        (0, _) => format!("{minutes}:{seconds:02}"),
    }
}

// ---- How things stand ----

fn standing(board: &Board, view: &View<'_>, width: u16) -> Words<'static> {
    let look = view.look;
    let (mark, style) = match board.is_connected {
        true => ("● connected", look.good()),
        false => ("◌ no connection, trying", look.bad()),
    };
    let mut words = vec![Piece::styled(mark, style)];
    let mut room = usize::from(width).saturating_sub(words[0].width());
    let mut add = |text: String| {
        let piece = Piece::styled(format!(" · {text}"), look.faint());
        if let Some(left) = room.checked_sub(piece.width()) {
            room = left;
            words.push(piece);
        }
    };
    if board.awaited > 0 {
        add(format!("{} awaited", board.awaited));
    }
    add(format!("{} lines checked", board.lines));
    if let Some((size, names)) = board.cosigned {
        add(format!("{size} cosigned by {names}"));
    }
    add(format!("clock {}", offset(board.ahead_ms)));
    add(keys(view.audience).to_owned());
    Words::from(words)
}

/// By how much the sale's clock is ahead of ours, as `+0.120 s`.
fn offset(ahead_ms: i128) -> String {
    let (sign, ms) = (if ahead_ms < 0 { '−' } else { '+' }, ahead_ms.unsigned_abs());
    format!("{sign}{}.{:03} s", ms / 1000, ms % 1000)
}

const fn keys(role: Role) -> &'static str {
    match role {
        Role::Bidder => "+ bids next, Tab chooses, HELP",
        Role::Auctioneer | Role::Clerk => "F2 open F3 warn F4 hammer F5 pass F6 pause",
        Role::Auditor | Role::Observer => "q leaves",
    }
}

// ---- What is typed ----

fn draw_prompt(frame: &mut Frame<'_>, area: Rect, words: &str, view: &View<'_>) {
    let prompt = Words::styled(words.to_owned(), view.look.strong());
    let taken = u16::try_from(prompt.width()).unwrap_or(u16::MAX).min(area.width);
    let [before, typed] =
        Layout::horizontal([Constraint::Length(taken), Constraint::Fill(1)]).areas(area);
    frame.render_widget(prompt, before);
    let width = usize::from(typed.width.max(1)) - 1;
    let scroll = view.line.scroll(width);
    let shift = u16::try_from(scroll).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(view.line.text()).scroll((0, shift)), typed);
    let column = u16::try_from(view.line.column().saturating_sub(scroll)).unwrap_or(u16::MAX);
    let x = typed.x.saturating_add(column).min(area.right().saturating_sub(1));
    frame.set_cursor_position(Position { x, y: typed.y });
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::auction::money::Amount;
    use crate::client::Standing;

    fn row(lot: &str, title: &str, standing: Standing, term: Term) -> Row {
        let is_live = !matches!(term, Term::Pending | Term::Sold | Term::Unsold | Term::Withdrawn);
        Row {
            lot: LotId::parse(lot).expect("a lot"),
            title: title.to_owned(),
            price: Some("1,120.00".to_owned()),
            price_typed: Some("1120.00".to_owned()),
            ask: is_live.then(|| Amount::new(112_100).expect("not zero")),
            ask_words: "1,121.00".to_owned(),
            ask_typed: "1121.00".to_owned(),
            leader: "bob".to_owned(),
            bid: Some(17),
            reserve_met: None,
            standing,
            term,
        }
    }

    fn rows() -> Vec<Row> {
        let end = |s: u64| Timestamp::from_unix_ms(s * 1000).expect("in range");
        vec![
            row("1", "Quilt", Standing::Outbid, Term::Ends(end(1_009))),
            row("2", "東京 print", Standing::Leading, Term::Ends(end(1_000 + 3_905))),
            row("3", "Rug", Standing::Out, Term::Paused(Some(Span::from_s(61)))),
            row("4", "Clock", Standing::Out, Term::Manual),
            row("5", "Mug", Standing::Leading, Term::Sold),
        ]
    }

    /// What stands on a screen of that size.
    fn drawn(board: &Board, width: u16, height: u16, prompt: Option<&str>) -> Vec<String> {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("nothing fails in memory");
        let (mut line, chosen) = (Line::default(), LotId::parse("2").expect("a lot"));
        line.fill("bid 2 ".to_owned());
        let look = Look::plain();
        let view = View {
            board: Some(board),
            audience: board.role,
            chosen: Some(&chosen),
            prompt,
            line: &line,
            look,
        };
        terminal.draw(|frame| draw(frame, frame.area(), &view)).expect("nothing fails in memory");
        let shown = terminal.backend().to_string();
        // A line stands between quotes; what follows tells of characters that fill two cells.
        let lines = shown.lines().filter_map(|line| line.split('"').nth(1));
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn a_bidder_sees_how_they_stand_in_words_and_shapes() {
        let board = Board::for_tests(Role::Bidder, rows());
        let lines = drawn(&board, 80, 9, Some("alice> "));
        let expected = [
            "━━ Evening (evening) ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ alice, bidder ━━",
            "  lot   title                        price EUR      next you              closes",
            "  1     Quilt                         1,120.00  1,121.00 ▼ outbid           0:09",
            "▸ 2     東京 print                    1,120.00  1,121.00 ▲ leading       1:05:05",
            "  3     Rug                           1,120.00  1,121.00 ○ not in it      ‖ 1:01",
            "  4     Clock                         1,120.00  1,121.00 ○ not in it   by hammer",
            "  5     Mug                           1,120.00         – ★ won              sold",
            "● connected · 1 awaited · 40 lines checked · 30 cosigned by 2 · clock −0.012 s",
            "alice> bid 2",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn staff_see_the_bid_that_a_hammer_names() {
        let board = Board::for_tests(Role::Auctioneer, rows());
        let lines = drawn(&board, 80, 9, Some("ada> "));
        assert!(lines[1].ends_with("leader         bid no.      closes"), "{}", lines[1]);
        assert!(lines[5].ends_with("bob                #17   by hammer"), "{}", lines[5]);
    }

    #[test]
    fn what_has_no_room_is_counted_and_the_chosen_lot_shows() {
        let board = Board::for_tests(Role::Bidder, rows());
        let lines = drawn(&board, 80, 6, Some("alice> "));
        assert!(lines[1].contains("title (3 more)"), "{}", lines[1]);
        assert!(lines.iter().any(|line| line.starts_with("▸ 2")), "{lines:#?}");
    }

    #[test]
    fn no_size_is_too_small() {
        let board = Board::for_tests(Role::Auctioneer, rows());
        for (width, height) in [(1, 1), (3, 2), (10, 3), (40, 4), (200, 60)] {
            drawn(&board, width, height, Some("a-long-name> "));
            drawn(&board, width, height, None);
        }
    }
}
