//! The printable forms: one self-contained page each, without script, fetching nothing.
//!
//! [`Html`] has two doors: markup that stands in this source, and text from anywhere,
//! which is escaped. So no title, reason or address can become markup.

mod annexes;
mod page;
mod papers;
mod qr;
mod style;

pub use papers::{Paper, papers};

use super::values::Moment;
use crate::auction::name::is_showable;

/// What a browser may do with a page: draw it with its own style, and nothing else.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
    'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";

/// A piece of a page.
#[derive(Clone, Debug, Default)]
struct Html(String);

impl Html {
    /// Adds markup, which only this source can hold.
    fn mark(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text from anywhere, as text or inside a quoted attribute.
    fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' => self.0.push('\n'),
                shown if is_showable(shown) => self.0.push(shown),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self
    }

    /// Adds an element around text; `open` is its start tag, `close` its end tag.
    fn around(&mut self, open: &'static str, text: &str, close: &'static str) -> &mut Self {
        self.mark(open).text(text).mark(close)
    }

    /// Adds a cell of text.
    fn cell(&mut self, text: &str) -> &mut Self {
        self.around("<td>", text, "</td>")
    }

    /// Adds a cell of figures.
    fn figure(&mut self, text: &str) -> &mut Self {
        self.around("<td class=\"n\">", text, "</td>")
    }

    /// Adds a cell with a hash or a number of a line.
    fn code(&mut self, text: &str) -> &mut Self {
        self.around("<td class=\"code\">", text, "</td>")
    }

    /// Adds a row of a list of terms.
    fn term(&mut self, term: &'static str, text: &str) -> &mut Self {
        self.around("<dt>", term, "</dt>").around("<dd>", text, "</dd>\n")
    }
}

/// A whole page.
fn document(title: &str, body: Html) -> String {
    let mut page = Html::default();
    page.mark(HEAD).text(title).mark("</title>\n<style>\n").mark(style::STYLE);
    page.mark("</style>\n</head>\n<body>\n");
    page.0.push_str(&body.0);
    page.mark("</body>\n</html>\n");
    page.0
}

/// A time in a table whose caption says that times are UTC.
fn clock(at: Option<&Moment>) -> String {
    at.map_or_else(String::new, |at| at.shown().replace(" UTC", ""))
}

/// `24 %`, `17.5 %`, `0.01 %`.
fn percent(bps: u64) -> String {
    let (whole, hundredths) = (bps / 100, bps % 100);
    let text = format!("{whole}.{hundredths:02}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}\u{a0}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        let mut html = Html::default();
        html.text("<script>\"'&\u{1b}[2J\u{202e}</script>\u{0}");
        assert_eq!(
            html.0,
            "&lt;script&gt;&quot;&#39;&amp;\u{fffd}[2J\u{fffd}&lt;/script&gt;\u{fffd}"
        );
    }

    #[test]
    fn rates_read_as_percent() {
        for (bps, text) in [(2400, "24"), (1750, "17.5"), (1, "0.01"), (0, "0"), (10_000, "100")] {
            assert_eq!(percent(bps), format!("{text}\u{a0}%"));
        }
    }
}
