//! The rules of RULES 1 to 8 once more, as naively as possible and from the text alone:
//! plain numbers, whole lists, one look at everything. Of `gavel` it knows the roles' names.
//!
//! It knows the hidden reserves, as the house does, and so needs no flags: a lot is sold
//! if the price is at least the reserve in force.

use super::ask::{Act, Bidder};
use super::lot::{OracleLot, Stands, State};
use super::plan::{PEOPLE, Plan};
use gavel::auction::Role;

/// A refusal's code, or what an entry of another kind is refused for.
pub(crate) type Code = &'static str;

/// A sale in its course.
#[derive(Clone, Debug)]
pub(crate) struct Oracle {
    pub(crate) lots: Vec<OracleLot>,
    /// The time of the last entry.
    pub(crate) last: u64,
    pub(crate) closed: bool,
    room: bool,
    reopen: bool,
    grace: u64,
    sale_end: Option<u64>,
    /// By how much the wall clock was ahead when last noted.
    ahead: i64,
}

/// What time causes, in the order of one moment (RULES 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    Open(usize),
    Resume(usize),
    Close(usize),
    CloseSale,
    Tick,
}

/// The first of some conditions that is true names the refusal.
pub(crate) fn first_true(reasons: &[(bool, Code)]) -> Option<Code> {
    reasons.iter().find(|(holds, _)| *holds).map(|(_, code)| *code)
}

impl Oracle {
    pub(crate) fn new(plan: &Plan) -> Self {
        let lots = plan.lots.iter().map(|lot| OracleLot::new(lot.clone(), plan.opens)).collect();
        Self {
            lots,
            last: 0,
            closed: false,
            room: plan.room,
            reopen: plan.reopen,
            grace: plan.grace,
            sale_end: plan.ends,
            ahead: 0,
        }
    }

    // ---- What falls due (RULES 1, 6) ----

    /// What time causes next, and when.
    pub(crate) fn next(&self) -> Option<(u64, Cause)> {
        if self.closed {
            return None;
        }
        let lots = self.lots.iter().enumerate();
        let mut all: Vec<(u64, Cause)> =
            lots.flat_map(|(place, lot)| lot.causes(place, self.sale_end)).collect();
        if self.lots.iter().all(|lot| matches!(lot.state, State::Closed(_))) {
            all.push((self.last, Cause::CloseSale));
        }
        if self.lots.iter().any(|lot| lot.state == State::Open) {
            all.push((self.last + 10_000, Cause::Tick));
        }
        all.into_iter().min()
    }

    /// When the next thing but a tick falls due.
    pub(crate) fn next_of_a_lot(&self) -> Option<u64> {
        let lots = self.lots.iter().enumerate();
        lots.flat_map(|(place, lot)| lot.causes(place, self.sale_end)).map(|(at, _)| at).min()
    }

    /// Takes in what time has caused.
    pub(crate) fn happen(&mut self, at: u64, cause: Cause) {
        self.last = at;
        match cause {
            Cause::Open(place) => self.lots[place].open(at),
            Cause::Resume(place) => self.lots[place].resume(at),
            Cause::Close(place) => self.lots[place].close(),
            Cause::CloseSale => self.closed = true,
            Cause::Tick => {}
        }
    }

    /// An entry that is none of the rules' affair.
    pub(crate) const fn other(&mut self, at: u64) {
        self.last = at;
    }

    // ---- Bids (RULES 4, 7) ----

    /// The code that a bid is refused with; none if it stands.
    pub(crate) fn judge_bid(
        &self,
        who: usize,
        in_room: bool,
        party: Bidder,
        lot: usize,
        amount: u64,
    ) -> Option<Code> {
        let role = PEOPLE[who].1;
        let is_role = match role {
            Role::Bidder => !in_room,
            Role::Clerk | Role::Auctioneer => in_room,
            Role::Observer | Role::Auditor => false,
        };
        let before_the_lot = [
            (!is_role, "role"),
            (in_room && !self.room, "no-room-bids"),
            (lot >= self.lots.len(), "no-such-lot"),
        ];
        if let Some(code) = first_true(&before_the_lot) {
            return Some(code);
        }
        let lot = &self.lots[lot];
        let leads = lot.standing.last().is_some_and(|high| high.who == party);
        first_true(&[
            (lot.state == State::Pending, "not-open"),
            (lot.state == State::Paused, "paused"),
            (matches!(lot.state, State::Closed(_)), "closed"),
            (lot.plan.seller.map(Bidder::Person) == Some(party), "seller"),
            (leads && !lot.is_under_reserve(), "already-leading"),
            (lot.ask().is_none_or(|ask| amount < ask), "too-low"),
        ])
    }

    /// Takes in a bid that stands.
    pub(crate) fn bid(&mut self, at: u64, seq: u64, party: Bidder, lot: usize, amount: u64) {
        self.last = at;
        self.lots[lot].stand(at, Stands { who: party, amount, seq });
    }

    // ---- Acts (RULES 7) ----

    /// The code that an act is refused with; none if it is done.
    pub(crate) fn judge_act(&self, at: u64, who: usize, act: Act, reasoned: bool) -> Option<Code> {
        let for_clerks = matches!(
            act,
            Act::Open { .. } | Act::Pause { .. } | Act::Resume { .. } | Act::Say { .. }
        );
        let may = match PEOPLE[who].1 {
            Role::Auctioneer => true,
            Role::Clerk => for_clerks,
            Role::Bidder | Role::Observer | Role::Auditor => false,
        };
        let must_say_why = matches!(
            act,
            Act::Void { .. }
                | Act::Withdraw { .. }
                | Act::Lower { .. }
                | Act::Extend { .. }
                | Act::Reissue { .. }
        );
        let place = act.lot();
        first_true(&[
            (!may, "role"),
            (must_say_why && !reasoned, "no-reason"),
            (place.is_some_and(|place| place >= self.lots.len()), "no-such-lot"),
        ])
        .or_else(|| match act {
            Act::Closing | Act::Reissue { .. } | Act::Say { .. } if self.closed => Some("closed"),
            Act::Reissue { .. } | Act::Say { .. } => None,
            Act::Closing => {
                let waits = self.lots.iter().any(OracleLot::waits_for_the_hammer);
                waits.then_some("open-lots")
            }
            act => self.lots[place?].judge(at, act, self.reopen),
        })
    }

    /// Takes in an act that is done.
    pub(crate) fn act(&mut self, at: u64, act: Act) {
        self.last = at;
        match act {
            Act::Closing => {
                self.sale_end = Some(at);
                for lot in &mut self.lots {
                    lot.bare_end = None;
                    if lot.state == State::Paused && !lot.standing.is_empty() {
                        lot.resumes = Some(at);
                    }
                }
            }
            Act::Extend { lot, ends } => self.lots[lot].set_end(at, Some(ends)),
            Act::Hammer { lot, .. } => self.lots[lot].close(),
            Act::Lower { lot, reserve } => self.lots[lot].reserves.push(reserve),
            Act::Open { lot } => self.lots[lot].open(at),
            Act::Pause { lot } => self.lots[lot].pause(at),
            Act::Reissue { .. } | Act::Say { .. } => {}
            Act::Resume { lot } => self.lots[lot].resume(at),
            Act::Void { lot, .. } => self.lots[lot].void(at, self.reopen, self.sale_end),
            Act::Withdraw { lot } => self.lots[lot].state = State::Closed(Err("withdrawn")),
        }
    }

    // ---- Clocks and outages (RULES 1.4, 8) ----

    /// Whether the clocks are newly apart; or, accepted at a start, the wall clock behind.
    pub(crate) const fn is_apart(&self, ahead: i64, accepted: bool) -> bool {
        if accepted { ahead < 0 } else { (ahead - self.ahead).abs() > 250 }
    }

    pub(crate) const fn note_clock(&mut self, at: u64, ahead: i64) {
        self.last = at;
        self.ahead = ahead;
    }

    pub(crate) fn outage(&mut self, from: u64, to: u64) {
        self.last = to;
        let (d, least) = (to - from, to + self.grace);
        let moved = |end: u64| (end + d).max(least);
        let later = |time: Option<u64>| time.map(|time| time + d);
        // What was over before the outage stays over.
        self.sale_end = self.sale_end.map(|end| if end < from { end } else { moved(end) });
        for lot in &mut self.lots {
            lot.bare_end = lot.bare_end.map(moved);
            match lot.state {
                State::Open => {
                    lot.end = lot.end.map(moved);
                    lot.hard = later(lot.hard);
                }
                State::Paused => lot.resumes = later(lot.resumes),
                State::Pending if lot.opening.is_some_and(|opening| opening <= to) => {
                    lot.opening = later(lot.opening);
                    lot.scheduled_end = later(lot.scheduled_end);
                    lot.hard = later(lot.hard);
                }
                State::Pending | State::Closed(_) => {}
            }
        }
    }
}

impl Act {
    pub(crate) const fn lot(&self) -> Option<usize> {
        match self {
            Self::Extend { lot, .. }
            | Self::Hammer { lot, .. }
            | Self::Lower { lot, .. }
            | Self::Open { lot }
            | Self::Pause { lot }
            | Self::Resume { lot }
            | Self::Void { lot, .. }
            | Self::Withdraw { lot } => Some(*lot),
            Self::Say { lot } => *lot,
            Self::Closing | Self::Reissue { .. } => None,
        }
    }
}
