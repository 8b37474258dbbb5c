//! One lot, as the oracle understands RULES 4 to 7.

use super::ask::{Act, Bidder};
use super::oracle::{Cause, Code, first_true};
use super::plan::{PlannedLot, PlannedTimer};

/// The greatest amount.
const MOST: u64 = (1 << 53) - 1;
/// So many bids that stand on each other are kept for voids.
const KEPT: usize = 64;
/// So many reserves one lot may have.
const RESERVES: usize = 32;

/// A lot in its course.
#[derive(Clone, Debug)]
pub(crate) struct OracleLot {
    pub(crate) plan: PlannedLot,
    pub(crate) state: State,
    /// The bids that stand on each other, the leader last.
    pub(crate) standing: Vec<Stands>,
    /// All bids that were ever accepted, by number.
    pub(crate) accepted: Vec<u64>,
    /// Its reserves, the one in force last.
    pub(crate) reserves: Vec<u64>,
    pub(crate) end: Option<u64>,
    /// While it is paused: the time left, and since when.
    pub(crate) left: Option<u64>,
    paused_at: u64,
    pub(crate) opening: Option<u64>,
    pub(crate) scheduled_end: Option<u64>,
    pub(crate) hard: Option<u64>,
    /// When the close of the sale resumes it.
    pub(crate) resumes: Option<u64>,
    /// When it closes because a void after the sale's end left it without a bid.
    pub(crate) bare_end: Option<u64>,
    /// Bids that stood before those in `standing` and are forgotten.
    forgotten: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Stands {
    pub(crate) who: Bidder,
    pub(crate) amount: u64,
    pub(crate) seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Closed(Result<(Bidder, u64), Code>),
    Open,
    Paused,
    Pending,
}

impl OracleLot {
    pub(crate) fn new(plan: PlannedLot, sale_opens: Option<u64>) -> Self {
        let sale_opens = sale_opens.unwrap_or(0);
        let (opening, scheduled_end) = match plan.timer {
            PlannedTimer::FirstBid(_) => (Some(sale_opens), None),
            PlannedTimer::Manual => (None, None),
            PlannedTimer::Schedule { opens, ends } => {
                (Some(opens.unwrap_or(0).max(sale_opens)), Some(ends))
            }
        };
        Self {
            state: State::Pending,
            standing: Vec::new(),
            accepted: Vec::new(),
            reserves: plan.reserve.into_iter().collect(),
            end: None,
            left: None,
            paused_at: 0,
            opening,
            scheduled_end,
            hard: plan.hard,
            resumes: None,
            bare_end: None,
            forgotten: false,
            plan,
        }
    }

    // ---- What is true of it ----

    /// The least bid that stands; none where that is beyond the greatest amount.
    pub(crate) fn ask(&self) -> Option<u64> {
        let Some(high) = self.standing.last() else { return Some(self.plan.start) };
        let row = self.plan.steps.iter().rfind(|(from, _)| *from <= high.amount);
        let (_, step) = row.expect("the first row begins at 0");
        Some(high.amount + step).filter(|ask| *ask <= MOST)
    }

    pub(crate) fn standing_seq(&self) -> Option<u64> {
        self.standing.last().map(|high| high.seq)
    }

    /// Whether a price meets the reserve in force, where there is one.
    pub(crate) fn met(&self, price: Option<u64>) -> Option<bool> {
        Some(price? >= *self.reserves.last()?)
    }

    pub(crate) fn is_under_reserve(&self) -> bool {
        self.met(self.standing.last().map(|high| high.amount)) == Some(false)
    }

    pub(crate) fn waits_for_the_hammer(&self) -> bool {
        self.state == State::Open && self.end.is_none() && !self.standing.is_empty()
    }

    /// Its end; of a paused lot the one that it would have if it went on now.
    pub(crate) fn end_if_resumed(&self, now: u64) -> Option<u64> {
        if self.state == State::Paused { self.left.map(|left| now + left) } else { self.end }
    }

    /// The price that stands after a void.
    pub(crate) fn price_after_void(&self, reopen: bool) -> Option<u64> {
        let under = self.standing.iter().rev().nth(1).filter(|_| !reopen);
        under.map(|stands| stands.amount)
    }

    /// All that time may cause here.
    pub(crate) fn causes(&self, place: usize, sale_end: Option<u64>) -> Vec<(u64, Cause)> {
        let bare = self.standing.is_empty();
        let sale_end = if bare { self.bare_end.or(sale_end) } else { None };
        let close = |at| (at, Cause::Close(place));
        match self.state {
            State::Closed(_) => vec![],
            State::Open => self.end.into_iter().chain(sale_end).map(close).collect(),
            State::Paused => {
                let resume = self.resumes.filter(|_| !bare).map(|at| (at, Cause::Resume(place)));
                sale_end.map(close).into_iter().chain(resume).collect()
            }
            State::Pending => {
                let open = self.opening.map(|at| (at, Cause::Open(place)));
                sale_end.map(close).into_iter().chain(open).collect()
            }
        }
    }

    /// The code that an act on it is refused with, once role, reason and lot are right.
    pub(crate) fn judge(&self, at: u64, act: Act, reopen: bool) -> Option<Code> {
        let pending = self.state == State::Pending;
        let paused = self.state == State::Paused;
        let closed = matches!(self.state, State::Closed(_));
        let too_early_or_late = [(pending, "not-open"), (paused, "paused"), (closed, "closed")];
        let seen_is_wrong = |seen: Option<u64>| seen != self.standing_seq();
        match act {
            Act::Open { .. } => (!pending).then_some("not-pending"),
            Act::Resume { .. } => (!paused).then_some("not-paused"),
            Act::Pause { .. } => first_true(&too_early_or_late),
            Act::Hammer { seen, .. } => {
                first_true(&too_early_or_late).or(seen_is_wrong(seen).then_some("bid-in"))
            }
            Act::Void { seen, .. } => first_true(&[
                (pending, "not-open"),
                (closed, "closed"),
                (self.standing.is_empty(), "no-bid"),
                (seen_is_wrong(seen), "bid-in"),
                (!reopen && self.forgotten && self.standing.len() == 1, "no-bid"),
            ]),
            Act::Extend { ends, .. } => first_true(&[
                (pending, "not-open"),
                (closed, "closed"),
                (ends <= self.end_if_resumed(at).unwrap_or(at), "not-later"),
            ]),
            Act::Withdraw { .. } => first_true(&[
                (closed, "closed"),
                (self.plan.without_reserve && !self.standing.is_empty(), "without-reserve"),
            ]),
            Act::Lower { reserve, .. } => first_true(&[
                (closed, "closed"),
                (self.reserves.last().is_none_or(|now| reserve >= *now), "reserve-not-lowered"),
                (self.reserves.len() == RESERVES, "reserve-not-lowered"),
            ]),
            Act::Closing | Act::Reissue { .. } | Act::Say { .. } => None,
        }
    }

    // ---- What happens to it ----

    pub(crate) fn open(&mut self, at: u64) {
        self.state = State::Open;
        self.end = self.scheduled_end.map(|end| end.max(at));
    }

    pub(crate) fn close(&mut self) {
        self.state = State::Closed(match self.standing.last() {
            None => Err("unsold/no-bids"),
            Some(_) if self.is_under_reserve() => Err("unsold/reserve-not-met"),
            Some(high) => Ok((high.who, high.amount)),
        });
    }

    /// A bid stands: the first one may start the timer, a late one extends (RULES 6).
    pub(crate) fn stand(&mut self, at: u64, stands: Stands) {
        if let (None, PlannedTimer::FirstBid(duration)) = (self.end, self.plan.timer) {
            self.end = Some(at + duration);
        }
        if self.end.is_some_and(|end| end - at <= self.plan.window) {
            self.end = self.end.map(|end| self.soft_close(at, end, self.hard));
        }
        self.accepted.push(stands.seq);
        self.standing.push(stands);
        self.bare_end = None;
        if self.standing.len() > KEPT {
            self.standing.remove(0);
            self.forgotten = true;
        }
    }

    fn soft_close(&self, at: u64, end: u64, hard: Option<u64>) -> u64 {
        let wished = at + self.plan.extend;
        end.max(hard.map_or(wished, |hard| wished.min(hard)))
    }

    pub(crate) fn pause(&mut self, at: u64) {
        self.left = self.end.map(|end| end - at);
        (self.state, self.end, self.paused_at) = (State::Paused, None, at);
    }

    pub(crate) fn resume(&mut self, at: u64) {
        self.hard = self.hard.map(|hard| hard + (at - self.paused_at));
        self.end = self.left.map(|left| at + left);
        (self.state, self.left, self.resumes) = (State::Open, None, None);
    }

    pub(crate) fn set_end(&mut self, at: u64, end: Option<u64>) {
        if self.state == State::Paused {
            self.left = end.map(|end| end - at);
        } else {
            self.end = end;
        }
    }

    pub(crate) fn void(&mut self, at: u64, reopen: bool, sale_end: Option<u64>) {
        let paused = if self.state == State::Paused { at - self.paused_at } else { 0 };
        let hard = self.hard.map(|hard| hard + paused);
        let end = self.end_if_resumed(at).map(|end| self.soft_close(at, end, hard));
        self.set_end(at, end);
        self.standing.pop();
        if reopen {
            self.standing.clear();
            self.forgotten = false;
        }
        if self.standing.is_empty() && sale_end.is_some_and(|end| end <= at) {
            self.bare_end = Some(at);
        }
    }
}
