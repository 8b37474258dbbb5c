//! What may be asked of a sale, in plain numbers, and a roll of the dice for it.

use super::dice::Dice;
use super::lot::State;
use super::oracle::Oracle;
use super::plan::{AUCTIONEER, BIDDERS, CLERK, PEOPLE};

/// Who bids or leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bidder {
    Person(usize),
    Paddle(u64),
}

/// What somebody asks; lots and people by place. A lot that is named need not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// One's own bid.
    Bid {
        who: usize,
        lot: usize,
        amount: u64,
    },
    /// A bid for somebody in the room.
    Enter {
        who: usize,
        party: Bidder,
        lot: usize,
        amount: u64,
    },
    Act {
        who: usize,
        act: Act,
        reasoned: bool,
    },
    Clock {
        wall_ahead_ms: i64,
        accepted: bool,
    },
    /// The server was away since so many milliseconds ago, or since the last entry if that is later.
    Outage {
        ago_ms: u64,
    },
    /// An entry that is none of the rules' affair.
    Other,
    Silence,
}

/// What staff do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Closing,
    Extend { lot: usize, ends: u64 },
    Hammer { lot: usize, seen: Option<u64> },
    Lower { lot: usize, reserve: u64 },
    Open { lot: usize },
    Pause { lot: usize },
    Reissue { whom: usize },
    Resume { lot: usize },
    Say { lot: Option<usize> },
    Void { lot: usize, seen: Option<u64> },
    Withdraw { lot: usize },
}

/// Rolls what comes next; now and then many of a kind.
#[derive(Default)]
pub(crate) struct Roller {
    many: Option<Many>,
}

/// A long duel, or as many voids: the bids that are kept for them have a bound.
#[derive(Clone, Copy)]
struct Many {
    bids: bool,
    lot: usize,
    left: u64,
}

impl Roller {
    /// Whether the same goes on for a while.
    pub(crate) const fn is_amid_many(&self) -> bool {
        self.many.is_some()
    }

    /// How much later than `now`, and what.
    pub(crate) fn roll(&mut self, dice: &mut Dice, oracle: &Oracle, now: u64) -> (u64, Ask) {
        if let Some(many) = self.many.take() {
            self.many = many.next(dice);
            return (0, many.ask(oracle));
        }
        if dice.below(500) == 0 {
            let (bids, lot) = (dice.percent(80), lot(dice, oracle).min(oracle.lots.len() - 1));
            self.many = Some(Many { bids, lot, left: 60 + dice.below(10) });
        }
        (later(dice, oracle, now), ask(dice, oracle, now))
    }
}

impl Many {
    fn next(self, dice: &mut Dice) -> Option<Self> {
        match self.left {
            0 if self.bids && dice.percent(60) => Some(Self { bids: false, left: 66, ..self }),
            0 => None,
            left => Some(Self { left: left - 1, ..self }),
        }
    }

    fn ask(self, oracle: &Oracle) -> Ask {
        let lot = self.lot;
        if self.bids {
            let amount = oracle.lots[lot].ask().unwrap_or(1);
            let who = usize::try_from(self.left % 2).expect("fits");
            Ask::Bid { who, lot, amount }
        } else {
            let act = Act::Void { lot, seen: oracle.lots[lot].standing_seq() };
            Ask::Act { who: AUCTIONEER, act, reasoned: true }
        }
    }
}

/// A little later, much later, or just about when something falls due.
fn later(dice: &mut Dice, oracle: &Oracle, now: u64) -> u64 {
    let due = oracle.next_of_a_lot().map_or(0, |due| due.saturating_sub(now));
    match dice.below(30) {
        0..10 => 0,
        10..13 => 1,
        13..19 => dice.below(100),
        19..25 => dice.below(2_000),
        25 => dice.below(20_000),
        26 => dice.below(1_000) * dice.below(60),
        27 => due.saturating_sub(1),
        28 => due,
        _ => due + 1,
    }
}

fn ask(dice: &mut Dice, oracle: &Oracle, now: u64) -> Ask {
    match dice.below(40) {
        0..20 => {
            let lot = lot(dice, oracle);
            let who = if dice.percent(95) { dice.place(BIDDERS) } else { dice.place(PEOPLE.len()) };
            Ask::Bid { who, lot, amount: amount(dice, oracle, lot) }
        }
        20..23 => {
            let lot = lot(dice, oracle);
            let who = staff(dice, CLERK);
            let party = if dice.percent(50) {
                Bidder::Paddle(dice.below(3))
            } else {
                Bidder::Person(dice.place(BIDDERS))
            };
            Ask::Enter { who, party, lot, amount: amount(dice, oracle, lot) }
        }
        23..35 => {
            let act = act(dice, oracle, now);
            Ask::Act { who: staff(dice, AUCTIONEER), act, reasoned: dice.percent(90) }
        }
        35 => {
            let ms = i64::try_from(dice.below(1_400)).expect("small");
            Ask::Clock { wall_ahead_ms: ms - 700, accepted: dice.percent(20) }
        }
        36 => Ask::Outage { ago_ms: *dice.pick(&[0, 300, 5_000, u64::MAX, u64::MAX]) },
        37 | 38 => Ask::Other,
        _ => Ask::Silence,
    }
}

/// Mostly the one whose work it is.
fn staff(dice: &mut Dice, whose_work: usize) -> usize {
    match dice.below(10) {
        0 => dice.place(PEOPLE.len()),
        1 => CLERK,
        _ => whose_work,
    }
}

/// A lot, mostly one that has not closed, now and then one that is not there.
fn lot(dice: &mut Dice, oracle: &Oracle) -> usize {
    let lots = oracle.lots.len();
    let is_live = |place: &usize| !matches!(oracle.lots[*place].state, State::Closed(_));
    let live: Vec<usize> = (0..lots).filter(is_live).collect();
    match dice.below(30) {
        0 => lots,
        1..5 => dice.place(lots),
        _ if live.is_empty() => dice.place(lots),
        _ => *dice.pick(&live),
    }
}

/// The ask and a little, less 1; or about the reserve; or far too much.
fn amount(dice: &mut Dice, oracle: &Oracle, lot: usize) -> u64 {
    const MOST: u64 = (1 << 53) - 1;
    let Some(lot) = oracle.lots.get(lot) else { return 7 };
    let about = match lot.reserves.last() {
        Some(reserve) if dice.percent(20) => *reserve,
        _ => lot.ask().unwrap_or(MOST),
    };
    if dice.below(500) == 0 {
        MOST
    } else {
        (about + dice.below(4)).saturating_sub(1).clamp(1, MOST)
    }
}

fn act(dice: &mut Dice, oracle: &Oracle, now: u64) -> Act {
    let lot = lot(dice, oracle);
    let state = oracle.lots.get(lot).map(|lot| &lot.state);
    // What fits the lot's state comes more often than by chance.
    match state {
        Some(State::Pending) if dice.percent(40) => return Act::Open { lot },
        Some(State::Paused) if dice.percent(40) => return Act::Resume { lot },
        _ => {}
    }
    match dice.below(40) {
        0..5 => Act::Pause { lot },
        5..9 => Act::Resume { lot },
        9 => Act::Open { lot },
        10..20 => Act::Void { lot, seen: seen(dice, oracle, lot) },
        20..22 => Act::Hammer { lot, seen: seen(dice, oracle, lot) },
        22 => Act::Withdraw { lot },
        23..29 => {
            let in_force = oracle.lots.get(lot).and_then(|lot| lot.reserves.last());
            let reserve = in_force.copied().unwrap_or(9) + dice.below(3);
            Act::Lower { lot, reserve: reserve.saturating_sub(dice.below(12)).max(1) }
        }
        29..35 => {
            let end = oracle.lots.get(lot).and_then(|lot| lot.end_if_resumed(now)).unwrap_or(now);
            let ends = end + dice.below(3_000);
            Act::Extend { lot, ends: ends.saturating_sub(dice.below(1_500)) }
        }
        35 | 36 => Act::Say { lot: dice.percent(50).then_some(lot) },
        37 | 38 => Act::Reissue { whom: dice.place(BIDDERS) },
        _ => Act::Closing,
    }
}

/// Mostly the bid that stands; or none, an older one, one that never was.
fn seen(dice: &mut Dice, oracle: &Oracle, lot: usize) -> Option<u64> {
    let lot = oracle.lots.get(lot)?;
    match dice.below(10) {
        0 => None,
        1 => lot.accepted.first().copied(),
        2 => lot.accepted.last().copied(),
        3 => Some(1_000_000),
        _ => lot.standing_seq(),
    }
}
