//! The sale as a page shows it: a pure view of what was checked.

use serde::Serialize;

use crate::auction::catalogue::{Seller, Timer};
use crate::auction::event::Outcome;
use crate::auction::lot::{Lot, LotState};
use crate::auction::name::{Name, Party};
use crate::client::{Session, Standing};
use crate::time::{Span, Timestamp};

/// What never changes while a page is there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SaleBoard {
    /// Our name.
    pub(super) me: String,
    /// Our role, as certificates have it.
    pub(super) role: &'static str,
    /// Until when our certificate is good.
    pub(super) good_until: u64,
    /// The house.
    pub(super) house: String,
    /// The sale's id.
    pub(super) sale: String,
    /// Its title.
    pub(super) title: String,
    /// Three letters, if the currency has them.
    pub(super) currency: Option<String>,
    /// The digits of its minor unit.
    pub(super) minor_digits: u8,
    /// The fingerprint of the CA's certificate, to be compared with the published one.
    pub(super) ca: String,
    /// How many lots there are.
    pub(super) lots: usize,
    /// The folder in which bids and receipts are kept.
    pub(super) folder: Option<String>,
    /// The program's version.
    pub(super) version: &'static str,
}

impl SaleBoard {
    /// What a session shows.
    pub(super) fn of(session: &Session) -> Self {
        let (identity, opening) = (session.identity(), session.sale().opening());
        let currency = &opening.terms.sale.currency;
        let standing = session.follower().and_then(|follower| follower.standing());
        Self {
            me: identity.name.as_str().to_owned(),
            role: identity.role.as_str(),
            good_until: identity.not_after.unix_ms(),
            house: opening.house.as_str().to_owned(),
            sale: opening.sale.as_str().to_owned(),
            title: opening.title.as_str().to_owned(),
            currency: currency.code().map(str::to_owned),
            minor_digits: currency.minor_digits(),
            ca: format!("sha256:{}", session.credential().anchor.fingerprint()),
            lots: standing.map_or(0, |sale| sale.lots().len()),
            folder: session.folder().map(|folder| folder.display().to_string()),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// A bidder, or a paddle in the room: not the person of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Who {
    /// A person.
    Name(String),
    /// A paddle.
    Paddle(String),
}

impl From<&Party> for Who {
    fn from(party: &Party) -> Self {
        match party {
            Party::Named(name) => Self::Name(name.as_str().to_owned()),
            Party::Paddle(paddle) => Self::Paddle(paddle.as_str().to_owned()),
        }
    }
}

/// One lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LotBoard {
    id: String,
    title: String,
    state: &'static str,
    ask: u64,
    start: u64,
    bids: u64,
    price: Option<u64>,
    /// Who leads or has won.
    who: Option<Who>,
    standing: Standing,
    /// The standing bid's entry, which a hammer or void names.
    bid: Option<u64>,
    has_reserve: bool,
    without_reserve: bool,
    reserve_met: Option<bool>,
    estimate: Option<(u64, u64)>,
    seller: Option<String>,
    we_sell: bool,
    /// Whether staff end it, and no time does.
    manual: bool,
    /// How long the first bid lets it run, if that is what starts its clock.
    runs_ms: Option<u64>,
    opens_at: Option<u64>,
    ends_at: Option<u64>,
    scheduled_end: Option<u64>,
    hard_end: Option<u64>,
    left_ms: Option<u64>,
    closed_at: Option<u64>,
    outcome: Option<&'static str>,
    soft_window_ms: u64,
    soft_extend_ms: u64,
    extensions: u64,
    /// `[from, step]` rows: the least step above a price.
    increments: Vec<(u64, u64)>,
}

impl LotBoard {
    /// How `lot` stands for `me`.
    pub(super) fn of(lot: &Lot, me: &Name, standing: Standing) -> Self {
        let terms = lot.terms();
        let ms = |at: Option<Timestamp>| at.map(Timestamp::unix_ms);
        let (opens_at, runs_ms) = match terms.timer {
            Timer::FirstBid { duration } => (None, Some(duration.ms())),
            Timer::Manual => (None, None),
            Timer::Schedule { opens_at, .. } => (opens_at, None),
        };
        let (left_ms, closed_at, outcome) = match lot.state() {
            LotState::Paused { left, .. } => (left.map(Span::ms), None, None),
            LotState::Closed { outcome, at } => (None, Some(*at), Some(outcome)),
            LotState::Open { .. } | LotState::Pending => (None, None, None),
        };
        Self {
            id: terms.id.as_str().to_owned(),
            title: terms.name.as_str().to_owned(),
            state: state_name(lot.state()),
            ask: lot.ask().minor_units(),
            start: terms.start.minor_units(),
            bids: lot.bids_accepted(),
            price: lot.price().map(|price| price.minor_units()),
            who: lot.leader().map(Who::from),
            standing,
            bid: lot.standing().map(|high| high.seq),
            has_reserve: terms.reserve_commit.is_some(),
            without_reserve: terms.without_reserve,
            reserve_met: lot.reserve_met(),
            estimate: terms.estimate.map(|(low, high)| (low.minor_units(), high.minor_units())),
            seller: terms.seller.as_ref().map(seller_name),
            we_sell: matches!(&terms.seller, Some(Seller::Person(name)) if name == me),
            manual: matches!(terms.timer, Timer::Manual),
            runs_ms,
            opens_at: ms(opens_at),
            ends_at: ms(lot.ends_at()),
            scheduled_end: ms(lot.scheduled_end()),
            hard_end: ms(terms.hard_end),
            left_ms,
            closed_at: ms(closed_at),
            outcome: outcome.map(Outcome::as_str),
            soft_window_ms: terms.soft_window.ms(),
            soft_extend_ms: terms.soft_extend.ms(),
            extensions: lot.extensions(),
            increments: terms.increments.rows().to_vec(),
        }
    }
}

const fn state_name(state: &LotState) -> &'static str {
    match state {
        LotState::Closed { .. } => "closed",
        LotState::Open { .. } => "open",
        LotState::Paused { .. } => "paused",
        LotState::Pending => "pending",
    }
}

fn seller_name(seller: &Seller) -> String {
    match seller {
        Seller::Person(name) => name.as_str().to_owned(),
        Seller::Text(text) => text.as_str().to_owned(),
    }
}

/// One step of a lot's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// The bid's entry.
    pub(super) seq: u64,
    /// When.
    pub(super) at: u64,
    /// How much.
    pub(super) amount: u64,
    /// Whether it is ours.
    pub(super) mine: bool,
    /// Whether staff took it back.
    pub(super) void: bool,
}
