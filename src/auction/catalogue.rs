//! What was offered and by which terms: fixed at the opening, never changed.
//!
//! Only what the rules need to know. Prose, fees and keys of the sale stand in
//! the ledger's first lines and are no business of this module.

use std::collections::HashMap;
use std::sync::Arc;

use super::increments::Increments;
use super::money::{Amount, Currency};
use super::name::{LotId, Name, Title};
use super::reserve::Commitment;
use crate::limits::{LOT_DURATION_MAX, LOTS_MAX};
use crate::time::{Span, Timestamp};

/// What brings a lot to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The first accepted bid starts a clock, as in the seed.
    FirstBid {
        /// How long it runs.
        duration: Span,
    },
    /// Staff open and end it; no time does.
    Manual,
    /// The hours are fixed beforehand.
    Schedule {
        /// When it opens; with the sale where this is absent.
        opens_at: Option<Timestamp>,
        /// When it ends, unless a soft close or an outage moves that.
        ends_at: Timestamp,
    },
}

/// Who sells a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seller {
    /// A person by the name in the certificate, who may not bid on the lot.
    Person(Name),
    /// A free text. It bars nobody.
    Text(Title),
}

/// One lot as it was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotTerms {
    /// Its id.
    pub id: LotId,
    /// Its title.
    pub name: Title,
    /// The least first bid.
    pub start: Amount,
    /// The steps above a price.
    pub increments: Increments,
    /// What brings it to its end.
    pub timer: Timer,
    /// How near its end a bid extends it; zero is never.
    pub soft_window: Span,
    /// How much time such a bid leaves at least.
    pub soft_extend: Span,
    /// Beyond which no soft close extends it.
    pub hard_end: Option<Timestamp>,
    /// Who sells it.
    pub seller: Option<Seller>,
    /// What it is thought to bring, from and to.
    pub estimate: Option<(Amount, Amount)>,
    /// Whether it is offered without reserve.
    pub without_reserve: bool,
    /// What its hidden reserve is committed to by, if it has one.
    pub reserve_commit: Option<Commitment>,
}

/// What comes back when a standing bid is voided (RULES 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoidPolicy {
    /// The bid before it.
    Reinstate,
    /// None: the ask is the start again.
    Reopen,
}

/// The terms of the whole sale, as far as the rules read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleTerms {
    /// The currency of every amount.
    pub currency: Currency,
    /// Whether bids without a signature are taken, on the house's word.
    pub attested: bool,
    /// When lots may open; at the `open` entry where this is absent.
    pub opens_at: Option<Timestamp>,
    /// When lots without any bid close unsold.
    pub sale_ends_at: Option<Timestamp>,
    /// The least time that an open lot keeps after an outage.
    pub restart_grace: Span,
    /// Whether clerks may enter bids for people in the room.
    pub room_bids: bool,
    /// What comes back when a standing bid is voided.
    pub void_policy: VoidPolicy,
}

/// Why a sale cannot be held on these terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Two lots have one id.
    #[error("lot {lot}: the id is there twice")]
    DuplicateLot {
        /// The id.
        lot: LotId,
    },
    /// The timer runs for no time, or for more than a year.
    #[error("lot {lot}: duration: {duration} is not between 0.001 s and {LOT_DURATION_MAX}")]
    Duration {
        /// Which lot.
        lot: LotId,
        /// How long it would run.
        duration: Span,
    },
    /// The lot ends at or before its opening.
    #[error("lot {lot}: ends_at: {ends_at} is not after the opening at {opens_at}")]
    EndsBeforeOpening {
        /// Which lot.
        lot: LotId,
        /// Its opening.
        opens_at: Timestamp,
        /// Its end.
        ends_at: Timestamp,
    },
    /// The estimate's upper end is below its lower end.
    #[error("lot {lot}: estimate: {high} is below {low}")]
    Estimate {
        /// Which lot.
        lot: LotId,
        /// The lower end.
        low: Amount,
        /// The upper end.
        high: Amount,
    },
    /// The hard end comes before the scheduled one.
    #[error("lot {lot}: hard_end: {hard_end} is before the end at {ends_at}")]
    HardEnd {
        /// Which lot.
        lot: LotId,
        /// The scheduled end.
        ends_at: Timestamp,
        /// The hard end.
        hard_end: Timestamp,
    },
    /// There is nothing to sell.
    #[error("the sale has no lot")]
    NoLots,
    /// The lot is offered without reserve, and has one.
    #[error("lot {lot}: reserve: a lot offered without reserve has none")]
    Reserve {
        /// Which lot.
        lot: LotId,
    },
    /// The sale ends at or before its opening.
    #[error("sale_ends_at: {ends_at} is not after the opening at {opens_at}")]
    SaleEndsBeforeOpening {
        /// Its opening.
        opens_at: Timestamp,
        /// Its end.
        ends_at: Timestamp,
    },
    /// A soft close of more than a year.
    #[error("lot {lot}: soft close: {span} is more than {LOT_DURATION_MAX}")]
    SoftClose {
        /// Which lot.
        lot: LotId,
        /// The window or the extension.
        span: Span,
    },
    /// More lots than an auditor's memory is promised for.
    #[error("the sale has {lots} lots, more than {LOTS_MAX}")]
    TooManyLots {
        /// How many.
        lots: usize,
    },
}

/// The lots of a sale in their order, and its terms.
#[derive(Clone, Debug)]
pub struct Catalogue {
    terms: SaleTerms,
    lots: Vec<Arc<LotTerms>>,
    places: HashMap<LotId, usize>,
}

impl Catalogue {
    /// Takes terms and lots if a sale can be held on them.
    pub fn new(terms: SaleTerms, lots: Vec<LotTerms>) -> Result<Self, CatalogueError> {
        if lots.is_empty() {
            return Err(CatalogueError::NoLots);
        }
        if lots.len() > LOTS_MAX {
            return Err(CatalogueError::TooManyLots { lots: lots.len() });
        }
        if let (Some(opens_at), Some(ends_at)) = (terms.opens_at, terms.sale_ends_at)
            && ends_at <= opens_at
        {
            return Err(CatalogueError::SaleEndsBeforeOpening { opens_at, ends_at });
        }
        let mut places = HashMap::with_capacity(lots.len());
        for (place, lot) in lots.iter().enumerate() {
            check_lot(&terms, lot)?;
            if places.insert(lot.id.clone(), place).is_some() {
                return Err(CatalogueError::DuplicateLot { lot: lot.id.clone() });
            }
        }
        Ok(Self { terms, lots: lots.into_iter().map(Arc::new).collect(), places })
    }

    /// The terms of the sale.
    pub const fn terms(&self) -> &SaleTerms {
        &self.terms
    }

    /// The lots in catalogue order.
    pub fn lots(&self) -> &[Arc<LotTerms>] {
        &self.lots
    }

    /// The lot with that id, and its place in the order from 0.
    pub fn lot(&self, id: &LotId) -> Option<(usize, &LotTerms)> {
        let place = self.place(id)?;
        Some((place, &self.lots[place]))
    }

    /// The lot's place in the order, from 0.
    pub(super) fn place(&self, id: &LotId) -> Option<usize> {
        self.places.get(id).copied()
    }
}

fn check_lot(sale: &SaleTerms, terms: &LotTerms) -> Result<(), CatalogueError> {
    let lot = || terms.id.clone();
    match terms.timer {
        Timer::FirstBid { duration } => {
            if duration == Span::ZERO || duration > LOT_DURATION_MAX {
                return Err(CatalogueError::Duration { lot: lot(), duration });
            }
        }
        Timer::Manual => {}
        Timer::Schedule { opens_at, ends_at } => {
            if let Some(opens_at) = opens_at.max(sale.opens_at)
                && ends_at <= opens_at
            {
                return Err(CatalogueError::EndsBeforeOpening { lot: lot(), opens_at, ends_at });
            }
            if let Some(hard_end) = terms.hard_end
                && hard_end < ends_at
            {
                return Err(CatalogueError::HardEnd { lot: lot(), ends_at, hard_end });
            }
        }
    }
    if terms.without_reserve && terms.reserve_commit.is_some() {
        return Err(CatalogueError::Reserve { lot: lot() });
    }
    let span = terms.soft_window.max(terms.soft_extend);
    if span > LOT_DURATION_MAX {
        return Err(CatalogueError::SoftClose { lot: lot(), span });
    }
    match terms.estimate {
        Some((low, high)) if high < low => Err(CatalogueError::Estimate { lot: lot(), low, high }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_s(s: u64) -> Timestamp {
        Timestamp::ZERO.plus(Span::from_s(s))
    }

    fn sale() -> SaleTerms {
        SaleTerms {
            currency: Currency::seed(),
            attested: false,
            opens_at: Some(at_s(100)),
            sale_ends_at: Some(at_s(900)),
            restart_grace: Span::from_s(60),
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        }
    }

    fn lot(id: &str) -> LotTerms {
        LotTerms {
            id: LotId::parse(id).expect("an id"),
            name: Title::parse("A thing").expect("a title"),
            start: Amount::new(1).expect("in range"),
            increments: Increments::constant(1).expect("a table"),
            timer: Timer::Schedule { opens_at: None, ends_at: at_s(500) },
            soft_window: Span::ZERO,
            soft_extend: Span::ZERO,
            hard_end: None,
            seller: None,
            estimate: None,
            without_reserve: false,
            reserve_commit: None,
        }
    }

    fn check(lot: LotTerms, expected: &str) {
        let refused = Catalogue::new(sale(), vec![lot]).expect_err("no catalogue");
        assert_eq!(refused.to_string(), expected);
    }

    #[test]
    fn lots_are_found_by_id_in_the_order_given() {
        let catalogue = Catalogue::new(sale(), vec![lot("b"), lot("a")]).expect("a catalogue");
        let a = LotId::parse("a").expect("an id");
        assert_eq!(catalogue.lot(&a).map(|(place, lot)| (place, lot.id.as_str())), Some((1, "a")));
        assert!(catalogue.lot(&LotId::parse("c").expect("an id")).is_none());
    }

    #[test]
    fn a_sale_needs_lots_and_hours() {
        let refused = |terms, lots| Catalogue::new(terms, lots).expect_err("no catalogue");
        assert_eq!(refused(sale(), vec![]), CatalogueError::NoLots);
        let twice = refused(sale(), vec![lot("1"), lot("1")]);
        assert_eq!(twice.to_string(), "lot 1: the id is there twice");
        let hours = SaleTerms { sale_ends_at: Some(at_s(100)), ..sale() };
        assert!(matches!(
            refused(hours, vec![lot("1")]),
            CatalogueError::SaleEndsBeforeOpening { .. }
        ));
        let lots = vec![lot("1"); LOTS_MAX + 1];
        assert_eq!(refused(sale(), lots), CatalogueError::TooManyLots { lots: LOTS_MAX + 1 });
    }

    #[test]
    fn what_just_makes_sense_is_taken() {
        let taken = |lot| Catalogue::new(sale(), vec![lot]).is_ok();
        assert!(taken(LotTerms {
            timer: Timer::FirstBid { duration: LOT_DURATION_MAX },
            ..lot("1")
        }));
        assert!(taken(LotTerms { soft_window: LOT_DURATION_MAX, ..lot("1") }));
        assert!(taken(LotTerms { hard_end: Some(at_s(500)), ..lot("1") }));
        assert!(taken(LotTerms { estimate: Amount::new(4).zip(Amount::new(4)), ..lot("1") }));
        assert!(taken(LotTerms { estimate: Amount::new(4).zip(Amount::new(5)), ..lot("1") }));
    }

    #[test]
    fn a_lot_that_makes_no_sense_is_named() {
        let too_long = LOT_DURATION_MAX.ms() + 1;
        check(
            LotTerms { timer: Timer::FirstBid { duration: Span::from_ms(too_long) }, ..lot("1") },
            "lot 1: duration: 31622400.001 s is not between 0.001 s and 31622400 s",
        );
        check(
            LotTerms { timer: Timer::FirstBid { duration: Span::ZERO }, ..lot("1") },
            "lot 1: duration: 0 s is not between 0.001 s and 31622400 s",
        );
        check(
            LotTerms {
                timer: Timer::Schedule { opens_at: Some(at_s(90)), ends_at: at_s(100) },
                ..lot("1")
            },
            "lot 1: ends_at: 1970-01-01T00:01:40.000Z is not after the opening at \
             1970-01-01T00:01:40.000Z",
        );
        check(
            LotTerms { hard_end: Some(at_s(499)), ..lot("1") },
            "lot 1: hard_end: 1970-01-01T00:08:19.000Z is before the end at \
             1970-01-01T00:08:20.000Z",
        );
        check(
            LotTerms { soft_extend: Span::from_s(1 << 30), ..lot("1") },
            "lot 1: soft close: 1073741824 s is more than 31622400 s",
        );
        check(
            LotTerms {
                without_reserve: true,
                reserve_commit: Some(Commitment::from_bytes([0; 32])),
                ..lot("1")
            },
            "lot 1: reserve: a lot offered without reserve has none",
        );
        check(
            LotTerms { estimate: Amount::new(5).zip(Amount::new(4)), ..lot("1") },
            "lot 1: estimate: 4 is below 5",
        );
    }
}
