//! What a panel shows of a sale, from lines that were checked: one row for each lot, and how
//! the ledger, the connection and the clock stand. Nothing here draws.

use crate::auction::catalogue::Timer;
use crate::auction::event::Outcome;
use crate::auction::lot::{Lot, LotState};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Party, Role};
use crate::auction::sale::Sale;
use crate::cli::print::showable;
use crate::client::{BidOn, Happened, Session, Standing};
use crate::clock::{Clock, Stopwatch};
use crate::time::{Span, Timestamp};

/// What a lot's time comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// It has not opened.
    Pending,
    /// It closes at that time, if nobody bids late.
    Ends(Timestamp),
    /// Its first bid starts its clock.
    Unbid,
    /// Staff end it.
    Manual,
    /// It is paused, with that much left where it has an end.
    Paused(Option<Span>),
    /// It has been sold.
    Sold,
    /// It has not been sold.
    Unsold,
    /// It was taken back.
    Withdrawn,
}

/// A lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) lot: LotId,
    pub(crate) title: String,
    pub(crate) price: Option<String>,
    /// The same as it is typed.
    pub(crate) price_typed: Option<String>,
    /// The least bid that would stand, while bids are taken.
    pub(crate) ask: Option<Amount>,
    pub(crate) ask_words: String,
    /// The same as it is typed.
    pub(crate) ask_typed: String,
    pub(crate) leader: String,
    /// The standing bid's line, which a hammer will name.
    pub(crate) bid: Option<u64>,
    pub(crate) reserve_met: Option<bool>,
    pub(crate) standing: Standing,
    pub(crate) term: Term,
}

impl Row {
    /// Whether it is being sold now.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.term, Term::Ends(_) | Term::Unbid | Term::Manual | Term::Paused(_))
    }

    /// Whether it has closed.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.term, Term::Sold | Term::Unsold | Term::Withdrawn)
    }
}

/// What a panel shows.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// The sale's name.
    pub(crate) title: String,
    /// The currency's code, if it has one.
    pub(crate) currency: String,
    /// Whoever looks, by name and role.
    pub(crate) who: String,
    pub(crate) role: Role,
    /// What is being sold, then what is to come, then what is over.
    pub(crate) rows: Vec<Row>,
    /// The lot that staff are selling.
    pub(crate) current: Option<LotId>,
    pub(crate) is_connected: bool,
    pub(crate) is_closed: bool,
    /// How many lines of the ledger were checked and are under a seal.
    pub(crate) lines: u64,
    /// How many of them others have cosigned, and how many names stand there.
    pub(crate) cosigned: Option<(u64, usize)>,
    /// How many answers are awaited.
    pub(crate) awaited: usize,
    /// By how many milliseconds the sale's clock is before (or after) this machine's.
    pub(crate) ahead_ms: i128,
    official: Timestamp,
    taken: Stopwatch,
}

impl Board {
    #[cfg(test)]
    pub(super) fn for_tests(role: Role, rows: Vec<Row>) -> Self {
        Self {
            title: "Evening (evening)".to_owned(),
            currency: "EUR".to_owned(),
            who: format!("alice, {role}"),
            role,
            rows,
            current: None,
            is_connected: true,
            is_closed: false,
            lines: 40,
            cosigned: Some((30, 2)),
            awaited: 1,
            ahead_ms: -12,
            official: Timestamp::from_unix_ms(1_000_000).expect("in range"),
            taken: Stopwatch::start(),
        }
    }

    /// The sale's official time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.official.plus(Span::from_ms(self.taken.elapsed_us() / 1000))
    }

    /// The same, with the lot that staff are selling.
    pub(crate) fn selling(self, current: Option<LotId>) -> Self {
        Self { current, ..self }
    }

    /// A lot of it.
    pub(crate) fn row(&self, lot: &LotId) -> Option<&Row> {
        self.rows.iter().find(|row| row.lot == *lot)
    }
}

/// Makes boards for one person: it remembers on which lots they have bid.
#[derive(Debug)]
pub(crate) struct Boards {
    bid_on: BidOn,
}

impl Boards {
    /// Boards for whoever holds the session's credential.
    pub(crate) fn new(session: &Session) -> Self {
        Self { bid_on: BidOn::nothing(session.identity().name.clone()) }
    }

    /// Takes in what happened.
    pub(crate) fn hear(&mut self, happened: &Happened) {
        if let Happened::Entry(entry) = happened
            && let Some(event) = &entry.event
        {
            self.bid_on.hear(event);
        }
    }

    /// How everything stands now; none before the first line was checked.
    pub(crate) fn take(&self, session: &Session, awaited: usize) -> Option<Board> {
        let follower = session.follower()?;
        let sale = follower.standing()?;
        let (opening, identity) = (session.sale().opening(), session.identity());
        let clock = Clock::start();
        let official = session.official_now();
        let cosigned = session.cosigned();
        Some(Board {
            title: showable(&format!("{} ({})", opening.title, opening.sale)),
            currency: opening.terms.sale.currency.code().unwrap_or_default().to_owned(),
            who: format!("{}, {}", identity.name, identity.role),
            role: identity.role,
            rows: self.rows(sale, &opening.terms.sale.currency),
            current: None,
            is_connected: session.is_connected(),
            is_closed: sale.is_closed(),
            lines: follower.sealed().map_or(0, |sealed| sealed.checkpoint().size),
            cosigned: cosigned.map(|cosigned| (cosigned.size(), cosigned.names().len())),
            awaited,
            ahead_ms: i128::from(official.unix_ms()) - i128::from(clock.wall().unix_ms()),
            official,
            taken: Stopwatch::start(),
        })
    }

    fn rows(&self, sale: &Sale, currency: &Currency) -> Vec<Row> {
        let mut rows: Vec<Row> = sale.lots().map(|lot| self.row(lot, currency)).collect();
        // Stable: within each kind the catalogue's order stays.
        rows.sort_by_key(|row| match row.term {
            _ if row.is_live() => 0,
            Term::Pending => 1,
            _ => 2,
        });
        rows
    }

    fn row(&self, lot: &Lot, currency: &Currency) -> Row {
        let takes_bids = matches!(lot.state(), LotState::Open { .. } | LotState::Paused { .. });
        Row {
            lot: lot.terms().id.clone(),
            title: showable(lot.terms().name.as_str()),
            price: lot.price().map(|price| bare(currency, price)),
            price_typed: lot.price().map(|price| currency.decimal(price)),
            ask: takes_bids.then(|| lot.ask()),
            ask_words: bare(currency, lot.ask()),
            ask_typed: currency.decimal(lot.ask()),
            leader: lot.leader().map(Party::to_string).unwrap_or_default(),
            bid: lot.standing().map(|high| high.seq),
            reserve_met: lot.reserve_met(),
            standing: self.bid_on.standing(lot),
            term: term(lot),
        }
    }
}

/// An amount with its digits grouped and without the currency's code, which stands above.
fn bare(currency: &Currency, amount: Amount) -> String {
    let shown = currency.display(amount);
    shown.split(' ').next().unwrap_or_default().to_owned()
}

fn term(lot: &Lot) -> Term {
    match lot.state() {
        LotState::Pending => Term::Pending,
        LotState::Open { ends_at: Some(at), .. } => Term::Ends(*at),
        LotState::Open { ends_at: None, .. } => match lot.terms().timer {
            Timer::FirstBid { .. } => Term::Unbid,
            Timer::Manual | Timer::Schedule { .. } => Term::Manual,
        },
        LotState::Paused { left, .. } => Term::Paused(*left),
        LotState::Closed { outcome: Outcome::Sold { .. }, .. } => Term::Sold,
        LotState::Closed { outcome: Outcome::Unsold(_), .. } => Term::Unsold,
        LotState::Closed { outcome: Outcome::Withdrawn, .. } => Term::Withdrawn,
    }
}
