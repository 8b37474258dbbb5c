//! The whole sale: in which order things are judged, what falls due when, what
//! an outage gives back, and the close (RULES 1, 4, 8).
//!
//! [`Sale::decide`] and [`Sale::apply`] are all that the house and the auditor
//! share, and all that they need.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::event::{Bid, By, Event, Happening, Input, Outcome, Totals};
use super::lot::{High, Lot, LotState, Turn};
use super::money::Amount;
use super::name::LotId;
use super::refusal::{Refusal, Unfit};
use super::reserve::ReserveOpening;
use crate::limits::{CLOCK_DRIFT_MAX, TICK_AFTER};
use crate::time::Timestamp;

/// A sale in its course.
///
/// Whoever drives it does what [`Sale::due`] says, until that lies after `t`,
/// before anything is judged at `t`; `decide` refuses what was not done so.
#[derive(Clone, Debug)]
pub struct Sale {
    catalogue: Arc<Catalogue>,
    lots: Vec<Lot>,
    /// What time does to each lot next, by (time, openings first, catalogue order).
    agenda: BTreeSet<(Timestamp, Turn, usize)>,
    /// When lots without a bid close; an outage may move that.
    sale_end: Option<Timestamp>,
    last: Timestamp,
    /// The clocks as last noted: (official, wall).
    clocks: (Timestamp, Timestamp),
    open_lots: usize,
    closed_lots: usize,
    totals: Totals,
    closed: bool,
}

/// What time alone causes next.
enum Due {
    Lot(Turn, usize),
    Close,
    Tick,
}

impl Sale {
    /// The sale right after its `open` entry: every lot is pending.
    pub fn open(catalogue: Arc<Catalogue>, at: Timestamp) -> Self {
        let terms = catalogue.terms();
        let opening = terms.opens_at.map_or(at, |opens_at| opens_at.max(at));
        let sale_end = terms.sale_ends_at.map(|end| end.max(at));
        let lots = catalogue.lots().iter().map(|lot| Lot::new(Arc::clone(lot), opening)).collect();
        let mut sale = Self {
            lots,
            agenda: BTreeSet::new(),
            sale_end,
            last: at,
            clocks: (at, at),
            open_lots: 0,
            closed_lots: 0,
            totals: Totals::default(),
            closed: false,
            catalogue,
        };
        sale.rewrite_agenda();
        sale
    }

    /// The terms and the lots as they were offered.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The lots in catalogue order.
    pub fn lots(&self) -> impl ExactSizeIterator<Item = &Lot> {
        self.lots.iter()
    }

    /// The lot with that id.
    pub fn lot(&self, id: &LotId) -> Option<&Lot> {
        Some(&self.lots[self.catalogue.place(id)?])
    }

    /// The time of the last entry.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// Whether the sale has closed; then nothing follows.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the lots that have closed come to.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// The earliest thing that time causes: at one time openings, then closings,
    /// then the close of the sale, then a tick; lots in catalogue order. A closing comes
    /// without the openings of hidden reserves, which only the house can add.
    pub fn due(&self) -> Option<(Timestamp, Input)> {
        let (at, due) = self.next()?;
        let id = |place: usize| self.lots[place].terms().id.clone();
        let input = match due {
            Due::Lot(Turn::Open, place) => Input::LotOpen { lot: id(place) },
            Due::Lot(Turn::Resume, place) => Input::LotResume { lot: id(place) },
            Due::Lot(Turn::Close, place) => {
                Input::LotClose { lot: id(place), reserves: Vec::new() }
            }
            Due::Close => Input::Close,
            Due::Tick => Input::Tick,
        };
        Some((at, input))
    }

    /// Says what `input` leads to at `at`, and changes nothing.
    pub fn decide(&self, at: Timestamp, input: Input) -> Result<Event, Unfit> {
        self.check_order(at)?;
        let what = match input {
            Input::Act { act, word } => {
                self.check_nothing_due(at)?;
                self.decide_act(at, act, word)?
            }
            Input::Bid { bid, seq, reserve_met } => {
                self.check_nothing_due(at)?;
                self.decide_bid(at, bid, seq, reserve_met)?
            }
            Input::Clock { wall, accepted } => {
                self.check_time(at)?;
                self.decide_clock(at, wall, accepted)?
            }
            Input::Outage { from } => {
                self.check_not_closed()?;
                self.decide_outage(at, from)?
            }
            Input::LotOpen { .. }
            | Input::LotResume { .. }
            | Input::LotClose { .. }
            | Input::Close
            | Input::Tick => {
                self.check_not_closed()?;
                self.decide_due(at, &input)?
            }
        };
        Ok(Event { at, what })
    }

    /// Takes `event` in. Cannot fail: only [`Sale::decide`] and a checked replay make events.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        self.last = at;
        match &event.what {
            Happening::Acted { act, effect } => self.apply_act(at, act, effect),
            Happening::BidAccepted { bid, seq, ends_at, reserve_met } => {
                let high = High { bidder: bid.party(), price: bid.amount, seq: *seq };
                self.change(&bid.lot, |lot| lot.stand(at, high, *ends_at, *reserve_met));
            }
            Happening::LotOpened { lot, ends_at } => {
                self.change(lot, |lot| lot.open(at, *ends_at));
            }
            Happening::LotResumed { lot, ends_at } => {
                self.change(lot, |lot| lot.resume(at, *ends_at));
            }
            Happening::LotClosed { lot, outcome, reserves } => {
                self.change(lot, |lot| lot.close(at, outcome.clone(), reserves));
            }
            Happening::Ticked => {}
            Happening::ClockNoted { wall, .. } => self.clocks = (at, *wall),
            Happening::OutageEnded { from } => self.apply_outage(at, *from),
            Happening::SaleClosed(_) => self.closed = true,
        }
    }

    /// Whether an entry that is none of the rules' affair (an enrolment, a refusal,
    /// a revocation) may stand at `at`.
    pub fn check_time(&self, at: Timestamp) -> Result<(), Unfit> {
        self.check_order(at)?;
        self.check_not_closed()?;
        self.check_nothing_due(at)
    }

    /// Notes that such an entry was made: the idle time before a tick starts anew.
    pub fn elapse(&mut self, at: Timestamp) {
        self.last = at;
    }

    // ---- What is asked ----

    fn check_order(&self, at: Timestamp) -> Result<(), Unfit> {
        if at < self.last { Err(Unfit::TimeReversed { last: self.last }) } else { Ok(()) }
    }

    fn check_not_closed(&self) -> Result<(), Unfit> {
        if self.closed { Err(Unfit::SaleClosed) } else { Ok(()) }
    }

    fn check_nothing_due(&self, at: Timestamp) -> Result<(), Unfit> {
        match self.next() {
            Some((due, _)) if due <= at => Err(Unfit::Overdue { due }),
            Some(_) | None => Ok(()),
        }
    }

    /// Bids have their own refusals, also once the sale has closed with all its lots.
    fn decide_bid(
        &self,
        at: Timestamp,
        bid: Bid,
        seq: u64,
        reserve_met: Option<bool>,
    ) -> Result<Happening, Unfit> {
        if !bid.is_for(bid.role) {
            return Err(Refusal::Role.into());
        }
        if matches!(bid.by, By::Room(_)) && !self.catalogue.terms().room_bids {
            return Err(Refusal::NoRoomBids.into());
        }
        let lot = self.lot(&bid.lot).ok_or(Refusal::NoSuchLot)?;
        let ends_at = lot.judge(at, &bid)?;
        lot.check_flag(Some(bid.amount), reserve_met)?;
        Ok(Happening::BidAccepted { bid, seq, ends_at, reserve_met })
    }

    /// The clocks must have parted anew; a clock accepted at a start must be one
    /// that needed accepting, behind the ledger (RULES 1.4).
    fn decide_clock(
        &self,
        at: Timestamp,
        wall: Timestamp,
        accepted: bool,
    ) -> Result<Happening, Unfit> {
        let noted = if accepted {
            wall < at
        } else {
            self.drift_ms(at, wall) > u128::from(CLOCK_DRIFT_MAX.ms())
        };
        if noted { Ok(Happening::ClockNoted { wall, accepted }) } else { Err(Unfit::NoDrift) }
    }

    /// An outage comes before whatever fell due in it; but what was due while the
    /// house says that it was there should have been done (RULES 8).
    fn decide_outage(&self, to: Timestamp, from: Timestamp) -> Result<Happening, Unfit> {
        if from < self.last {
            return Err(Unfit::TimeReversed { last: self.last });
        }
        if to < from {
            return Err(Unfit::TimeReversed { last: from });
        }
        if from > self.last {
            self.check_nothing_due(from)?;
        }
        Ok(Happening::OutageEnded { from })
    }

    /// What time alone causes comes exactly at its time, in its turn.
    fn decide_due(&self, at: Timestamp, input: &Input) -> Result<Happening, Unfit> {
        let (due, turn) = self.next().ok_or(Unfit::NotDue)?;
        if due < at {
            return Err(Unfit::Overdue { due });
        }
        let otherwise = if due == at { Unfit::Overdue { due } } else { Unfit::NotDue };
        let happening = match (turn, input) {
            (Due::Lot(Turn::Open, place), Input::LotOpen { lot }) if self.is_at(place, lot) => {
                let ends_at = self.lots[place].end_at_opening(at);
                Happening::LotOpened { lot: lot.clone(), ends_at }
            }
            (Due::Lot(Turn::Resume, place), Input::LotResume { lot }) if self.is_at(place, lot) => {
                let ends_at = self.lots[place].end_if_resumed(at);
                Happening::LotResumed { lot: lot.clone(), ends_at }
            }
            (Due::Lot(Turn::Close, place), Input::LotClose { lot, reserves })
                if self.is_at(place, lot) =>
            {
                closing(&self.lots[place], reserves)?
            }
            (Due::Close, Input::Close) => Happening::SaleClosed(self.totals),
            (Due::Tick, Input::Tick) => Happening::Ticked,
            _ => return Err(otherwise),
        };
        if due == at { Ok(happening) } else { Err(otherwise) }
    }

    fn is_at(&self, place: usize, id: &LotId) -> bool {
        self.lots[place].terms().id == *id
    }

    /// How far the wall clock has moved against the official one since last noted.
    fn drift_ms(&self, at: Timestamp, wall: Timestamp) -> u128 {
        let offset = |(official, wall): (Timestamp, Timestamp)| {
            i128::from(wall.unix_ms()) - i128::from(official.unix_ms())
        };
        offset((at, wall)).abs_diff(offset(self.clocks))
    }

    fn next(&self) -> Option<(Timestamp, Due)> {
        if self.closed {
            return None;
        }
        if self.closed_lots == self.lots.len() {
            return Some((self.last, Due::Close));
        }
        let tick = (self.open_lots > 0).then(|| self.last.plus(TICK_AFTER));
        match (self.agenda.first(), tick) {
            (Some((at, ..)), Some(tick)) if tick < *at => Some((tick, Due::Tick)),
            (Some((at, turn, place)), _) => Some((*at, Due::Lot(*turn, *place))),
            (None, Some(tick)) => Some((tick, Due::Tick)),
            (None, None) => None,
        }
    }

    // ---- What happened ----

    /// Changes one lot, what time does to it next, and the counts of open and ended lots.
    fn change(&mut self, id: &LotId, change: impl FnOnce(&mut Lot)) {
        let place = self.catalogue.place(id).expect("`decide` knew the lot");
        let lot = &mut self.lots[place];
        let (before, was_open) = (lot.next(self.sale_end), is_open(lot));
        change(lot);
        let (after, is_open_now) = (lot.next(self.sale_end), is_open(lot));
        if let LotState::Closed { outcome, .. } = lot.state() {
            self.closed_lots += 1;
            self.totals.add(outcome);
        }
        self.open_lots = self.open_lots - usize::from(was_open) + usize::from(is_open_now);
        if before != after {
            if let Some((at, turn)) = before {
                self.agenda.remove(&(at, turn, place));
            }
            self.agenda.extend(after.map(|(at, turn)| (at, turn, place)));
        }
    }

    fn apply_outage(&mut self, to: Timestamp, from: Timestamp) {
        let away = to.since(from);
        let least_end = to.plus(self.catalogue.terms().restart_grace);
        for lot in &mut self.lots {
            lot.keep_time(from, to, least_end);
        }
        self.sale_end =
            self.sale_end.map(|end| if end < from { end } else { end.plus(away).max(least_end) });
        self.rewrite_agenda();
    }

    fn rewrite_agenda(&mut self) {
        let sale_end = self.sale_end;
        let next =
            |(place, lot): (usize, &Lot)| lot.next(sale_end).map(|(at, turn)| (at, turn, place));
        self.agenda = self.lots.iter().enumerate().filter_map(next).collect();
    }
}

impl Totals {
    /// Counts a lot's outcome.
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Sold { hammer_price, .. } => {
                self.sold += 1;
                self.hammer_total = self.hammer_total.and_then(|total| {
                    let total = total.checked_add(hammer_price.minor_units())?;
                    Amount::new(total).map(Amount::minor_units)
                });
            }
            Outcome::Unsold(_) => self.unsold += 1,
            Outcome::Withdrawn => self.withdrawn += 1,
        }
    }
}

const fn is_open(lot: &Lot) -> bool {
    matches!(lot.state(), LotState::Open { .. })
}

fn closing(lot: &Lot, reserves: &[ReserveOpening]) -> Result<Happening, Unfit> {
    lot.check_openings(reserves)?;
    Ok(Happening::LotClosed {
        lot: lot.terms().id.clone(),
        outcome: lot.outcome(),
        reserves: reserves.to_vec(),
    })
}

mod acts;
#[cfg(test)]
mod properties;
