//! A random sale before its opening, in plain numbers: what the oracle reads, and what the
//! rules get. Times are milliseconds after the opening.

use gavel::auction::{
    Amount, Catalogue, Commitment, Currency, Increments, LotId, LotTerms, Name, Role, SaleTerms,
    Seller, Timer, Title, VoidPolicy,
};
use gavel::time::{Span, Timestamp};

use super::dice::Dice;

/// When every sale opens.
pub(crate) const OPENED_MS: u64 = 1_800_000_000_000;

/// Everybody, by place.
pub(crate) const PEOPLE: [(&str, Role); 8] = [
    ("ada", Role::Bidder),
    ("bob", Role::Bidder),
    ("cyd", Role::Bidder),
    ("dan", Role::Bidder),
    ("cleo", Role::Clerk),
    ("anna", Role::Auctioneer),
    ("olga", Role::Observer),
    ("adam", Role::Auditor),
];
/// The first of them bid.
pub(crate) const BIDDERS: usize = 4;
pub(crate) const CLERK: usize = 4;
pub(crate) const AUCTIONEER: usize = 5;

/// A sale.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) opens: Option<u64>,
    pub(crate) ends: Option<u64>,
    pub(crate) grace: u64,
    pub(crate) room: bool,
    pub(crate) reopen: bool,
    pub(crate) lots: Vec<PlannedLot>,
}

/// A lot.
#[derive(Clone, Debug)]
pub(crate) struct PlannedLot {
    pub(crate) timer: PlannedTimer,
    pub(crate) start: u64,
    pub(crate) steps: Vec<(u64, u64)>,
    pub(crate) window: u64,
    pub(crate) extend: u64,
    pub(crate) hard: Option<u64>,
    /// Which of the people sells it.
    pub(crate) seller: Option<usize>,
    pub(crate) without_reserve: bool,
    pub(crate) reserve: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum PlannedTimer {
    FirstBid(u64),
    Manual,
    Schedule { opens: Option<u64>, ends: u64 },
}

impl Plan {
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        let opens = dice.percent(20).then(|| dice.below(3_000));
        let ends = dice.percent(70).then(|| opens.unwrap_or(0) + 1 + span(dice));
        let count = 1 + dice.below(5);
        let staggered = dice.percent(25).then(|| (span(dice), dice.below(5_000)));
        let timer = |place: u64, dice: &mut Dice| match staggered {
            Some((first, stagger)) => {
                let ends = opens.unwrap_or(0) + 1 + first + place * stagger;
                PlannedTimer::Schedule { opens: None, ends }
            }
            None => PlannedTimer::roll(opens, dice),
        };
        let lots = (0..count).map(|place| PlannedLot::roll(timer(place, dice), dice)).collect();
        Self {
            opens,
            ends,
            grace: dice.below(3_000),
            room: dice.percent(60),
            reopen: dice.percent(30),
            lots,
        }
    }

    pub(crate) fn terms(&self) -> SaleTerms {
        SaleTerms {
            currency: Currency::seed(),
            attested: false,
            opens_at: self.opens.map(at),
            sale_ends_at: self.ends.map(at),
            restart_grace: Span::from_ms(self.grace),
            room_bids: self.room,
            void_policy: if self.reopen { VoidPolicy::Reopen } else { VoidPolicy::Reinstate },
        }
    }

    /// The lots, each with what `commit` commits to its reserve by.
    pub(crate) fn lot_terms(&self, commit: impl Fn(usize, u64) -> Commitment) -> Vec<LotTerms> {
        let lots = self.lots.iter().enumerate();
        lots.map(|(place, lot)| lot.terms(place, lot.reserve.map(|r| commit(place, r)))).collect()
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        let lots = self.lot_terms(commitment);
        Catalogue::new(self.terms(), lots).expect("terms on which a sale can be held")
    }
}

impl PlannedTimer {
    fn roll(sale_opens: Option<u64>, dice: &mut Dice) -> Self {
        match dice.below(9) {
            0..4 => Self::FirstBid(1 + span(dice)),
            4..7 => {
                let opens = dice.percent(50).then(|| span(dice));
                Self::Schedule { opens, ends: opens.max(sale_opens).unwrap_or(0) + 1 + span(dice) }
            }
            _ => Self::Manual,
        }
    }
}

impl PlannedLot {
    fn roll(timer: PlannedTimer, dice: &mut Dice) -> Self {
        let start = 1 + dice.below(50);
        let hard = dice.percent(30).then(|| match timer {
            PlannedTimer::Schedule { ends, .. } => ends + dice.below(9_000),
            PlannedTimer::FirstBid(_) | PlannedTimer::Manual => span(dice),
        });
        let reserve = dice.percent(40).then(|| start + dice.below(60));
        let soft_max = *dice.pick(&[1, 3_000, 20_000]);
        Self {
            timer,
            start,
            steps: vec![(0, 1 + dice.below(4)), (60, 3), (70, 1)],
            window: dice.below(soft_max),
            extend: dice.below(soft_max),
            hard,
            seller: dice.percent(20).then(|| dice.place(BIDDERS)),
            without_reserve: reserve.is_none() && dice.percent(30),
            reserve,
        }
    }

    fn terms(&self, place: usize, reserve_commit: Option<Commitment>) -> LotTerms {
        LotTerms {
            id: lot_id(place),
            name: Title::parse("A thing").expect("a title"),
            start: amount(self.start),
            increments: Increments::new(self.steps.clone()).expect("a table"),
            timer: match self.timer {
                PlannedTimer::FirstBid(ms) => Timer::FirstBid { duration: Span::from_ms(ms) },
                PlannedTimer::Manual => Timer::Manual,
                PlannedTimer::Schedule { opens, ends } => {
                    Timer::Schedule { opens_at: opens.map(at), ends_at: at(ends) }
                }
            },
            soft_window: Span::from_ms(self.window),
            soft_extend: Span::from_ms(self.extend),
            hard_end: self.hard.map(at),
            seller: self.seller.map(|who| Seller::Person(name(PEOPLE[who].0))),
            estimate: None,
            without_reserve: self.without_reserve,
            reserve_commit,
        }
    }
}

/// From no time to four minutes; short ones as often as long ones.
fn span(dice: &mut Dice) -> u64 {
    let longest = *dice.pick(&[3_000, 30_000, 240_000]);
    dice.below(longest)
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED_MS + ms).expect("in range")
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("in range")
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub(crate) fn lot_id(place: usize) -> LotId {
    LotId::parse(&place.to_string()).expect("digits")
}

/// Stands for the hash that commits to a reserve: the rules only carry it.
pub(crate) fn commitment(place: usize, reserve: u64) -> Commitment {
    let mut bytes = [u8::try_from(place).expect("few"); 32];
    bytes[..8].copy_from_slice(&reserve.to_be_bytes());
    Commitment::from_bytes(bytes)
}
