//! The demo as one reads it: who did what, when, line by line.

use std::future::Future;
use std::path::Path;
use std::pin::pin;

use tokio::sync::mpsc;

use super::play::BIDDERS;
use super::{Failure, failed};
use crate::auction::catalogue::LotTerms;
use crate::auction::event::{Event, Happening, Outcome, Totals};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::cli::paint::{Ink, Palette};
use crate::cli::scratch::Scratch;
use crate::client::{Entry, PlacedBid};
use crate::loadtest::TrialHouse;
use crate::pki::keys::shown;
use crate::time::{Span, Timestamp};

/// Credentials for people: one for gavel, one for openssl, since a name that has
/// enrolled a bid key can no longer bid by hand.
pub(super) const GUESTS: [&str; 2] = ["guest", "visitor"];

/// What is told.
#[derive(Debug)]
pub(super) enum Told {
    /// A line of the ledger that the observer has checked.
    Entry(Box<Entry>),
    /// A bid was refused.
    Refused { at: Timestamp, name: Name, bid: PlacedBid, code: Code, ask: Option<Amount> },
    /// A bidder has checked a receipt.
    Receipt,
    /// Somebody without a certificate of the house was turned away.
    Intruder { why: String },
    /// A bidder could not go on.
    Gone { name: Name, why: String },
    /// Nobody can tell any more what happens.
    Blind(String),
}

/// The teller.
pub(super) struct Story {
    palette: Palette,
    currency: Currency,
    lots: Vec<(LotId, String)>,
    opened: Timestamp,
}

impl Story {
    pub(super) fn new(palette: Palette, lots: &[LotTerms], opened: Timestamp) -> Self {
        let width = lots.iter().map(|lot| lot.name.as_str().chars().count()).max().unwrap_or(0);
        let lots = lots
            .iter()
            .map(|lot| (lot.id.clone(), format!("{} {:<width$}", lot.id, lot.name.as_str())));
        Self { palette, currency: Currency::seed(), lots: lots.collect(), opened }
    }

    /// What this is, and how to join.
    pub(super) fn heading(&self, house: &TrialHouse, scratch: &Scratch, keep_open: bool) {
        let p = self.palette;
        let length = if keep_open { "open until Ctrl-C" } else { "about 20 seconds" };
        let head = format!("{} lots, {} bidders, {length}", self.lots.len(), BIDDERS.len());
        p.line(&[p.ink(Ink::Strong, "gavel demo"), p.plain(&format!(": {head}"))]);
        p.line(&[]);
        let fate = if scratch.is_temporary() { "gone when this ends" } else { "kept" };
        let folder = format!("{} ({fate})", shown(scratch.path()));
        let server = format!("{}, TLS 1.3, both sides show certificates", house.address());
        for (name, value) in [
            ("folder", folder),
            ("CA", format!("sha256:{}", house.fingerprint())),
            ("server", server),
        ] {
            p.line(&[p.ink(Ink::Faint, &format!("  {name:<8}")), p.plain(&value)]);
        }
        p.line(&[]);
        p.line(&[
            p.plain("  Join from another terminal, signing your bids, or typing them by hand:")
        ]);
        let [guest, visitor] =
            GUESTS.map(|name| quoted(&scratch.path().join(format!("{name}.pem"))));
        p.line(&[p.ink(Ink::Fresh, &format!("    {} bid {guest}", program()))]);
        let command = format!(
            "    C={visitor}; openssl s_client -quiet -connect {} -cert $C -key $C -CAfile $C",
            house.address()
        );
        p.line(&[p.ink(Ink::Fresh, &command)]);
        p.line(&[]);
    }

    /// Tells what happens until the sale has closed; with `keep_open` until interrupted.
    pub(super) async fn tell(
        &self,
        mut told: mpsc::Receiver<Told>,
        interrupt: impl Future<Output = ()>,
        keep_open: bool,
    ) -> Result<(), Failure> {
        let mut interrupt = pin!(interrupt);
        loop {
            let told = tokio::select! {
                told = told.recv() => told,
                () = &mut interrupt => {
                    self.aside("stopped before the end");
                    return Ok(());
                }
            };
            match told {
                Some(Told::Entry(entry)) => {
                    let Some(event) = &entry.event else { continue };
                    self.event(event);
                    if matches!(event.what, Happening::SaleClosed(_)) {
                        break;
                    }
                }
                Some(Told::Refused { at, name, bid, code, ask }) => {
                    self.refused(at, &name, &bid, code, ask);
                }
                Some(Told::Receipt) => {}
                Some(Told::Intruder { why }) => self.intruder(&why),
                Some(Told::Gone { name, why }) => {
                    self.aside(&format!("{name} had to leave: {why}"));
                }
                Some(Told::Blind(why)) => return Err(failed(why)),
                None => return Err(failed("nobody is left to tell what happens")),
            }
        }
        if keep_open {
            self.aside("the server stays, giving out the ledger and receipts, until Ctrl-C");
            interrupt.await;
        }
        Ok(())
    }

    fn event(&self, event: &Event) {
        match &event.what {
            Happening::BidAccepted { bid, ends_at, .. } => {
                let what = format!("{} bids {}", bid.party(), self.currency.display(bid.amount));
                let left = ends_at.map(|end| left(end.since(event.at)));
                self.lot_line(
                    event.at,
                    (Ink::Fresh, "▲"),
                    &bid.lot,
                    (Ink::Strong, &what),
                    left.as_deref(),
                );
            }
            // The demo's sale has no staff.
            Happening::Acted { .. }
            | Happening::LotOpened { .. }
            | Happening::LotResumed { .. } => {}
            Happening::LotClosed { lot, outcome: Outcome::Sold { to, hammer_price }, .. } => {
                let what = format!("SOLD to {to} for {}", self.currency.display(*hammer_price));
                self.lot_line(event.at, (Ink::Good, "■"), lot, (Ink::Good, &what), None);
            }
            Happening::LotClosed {
                lot, outcome: Outcome::Unsold(_) | Outcome::Withdrawn, ..
            } => {
                self.lot_line(
                    event.at,
                    (Ink::Faint, "□"),
                    lot,
                    (Ink::Strong, "unsold: no bid stood"),
                    None,
                );
            }
            Happening::SaleClosed(totals) => self.closed(event.at, *totals),
            Happening::OutageEnded { .. } => self.aside("the server was away"),
            Happening::ClockNoted { .. } | Happening::Ticked => {}
        }
    }

    fn refused(
        &self,
        at: Timestamp,
        name: &Name,
        bid: &PlacedBid,
        code: Code,
        ask: Option<Amount>,
    ) {
        let what = format!("{name} bids {}", self.currency.display(bid.amount));
        let least = ask.map(|ask| format!(", the least is {}", self.currency.display(ask)));
        let why = format!("refused: {code}{}", least.unwrap_or_default());
        self.lot_line(at, (Ink::Warning, "×"), &bid.lot, (Ink::Warning, &what), Some(&why));
    }

    fn intruder(&self, why: &str) {
        let p = self.palette;
        p.line(&[
            p.ink(Ink::Faint, "        "),
            p.ink(Ink::Warning, "×"),
            p.plain(" mallory, with a certificate for alice by a CA of her own, stays outside:"),
        ]);
        p.line(&[p.ink(Ink::Faint, &format!("          {why}"))]);
    }

    fn closed(&self, at: Timestamp, totals: Totals) {
        let p = self.palette;
        let what = format!(" The sale has closed: {} sold, {} unsold.", totals.sold, totals.unsold);
        p.line(&[self.moment(at), p.ink(Ink::Good, "●"), p.ink(Ink::Strong, &what)]);
    }

    fn lot_line(
        &self,
        at: Timestamp,
        sign: (Ink, &str),
        lot: &LotId,
        what: (Ink, &str),
        beside: Option<&str>,
    ) {
        let p = self.palette;
        let name = self.lots.iter().find(|(id, _)| id == lot).map_or("", |(_, name)| name);
        let beside = beside.map(|text| format!("  {text}")).unwrap_or_default();
        let what_text =
            if beside.is_empty() { what.1.to_owned() } else { format!("{:<20}", what.1) };
        p.line(&[
            self.moment(at),
            p.ink(sign.0, sign.1),
            p.plain(&format!(" {name}  ")),
            p.ink(what.0, &what_text),
            p.ink(Ink::Faint, &beside),
        ]);
    }

    fn aside(&self, text: &str) {
        self.palette.line(&[self.palette.ink(Ink::Faint, &format!("        ({text})"))]);
    }

    /// `  12.3 s `, since the opening.
    fn moment(&self, at: Timestamp) -> String {
        let since = seconds(at.since(self.opened));
        self.palette.ink(Ink::Faint, &format!("{since:>7} "))
    }
}

/// `12.3 s left`, or `20 min left`.
fn left(span: Span) -> String {
    if span < Span::from_s(100) {
        format!("{} left", seconds(span))
    } else {
        format!("{} min left", span.ms().div_ceil(60_000))
    }
}

/// `12.3 s`.
fn seconds(span: Span) -> String {
    format!("{}.{} s", span.ms() / 1000, span.ms() % 1000 / 100)
}

/// How to call this program from another terminal.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    if Path::new(&called).components().count() == 1 {
        return "gavel".to_owned();
    }
    std::env::current_exe().map_or_else(|_| "gavel".to_owned(), |path| quoted(&path))
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = shown(path);
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
