//! What must hold in any sale whatsoever, tried on random ones.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::Sale;
use crate::auction::{
    Amount, Bid, Catalogue, Currency, Event, Happening, Increments, Input, LotId, LotTerms, Name,
    Outcome, Refusal, Role, SaleTerms, Seller, Timer, Title, Unfit, VoidPolicy,
};
use crate::time::{Span, Timestamp};

const OPENED_MS: u64 = 1_700_000_000_000;

/// What happens in a random sale, `after_ms` after what happened before.
#[derive(Clone, Debug)]
struct Step {
    after_ms: u64,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    /// A bid of the ask and a little, less 1.
    Bid {
        who: usize,
        lot: usize,
        above: u64,
    },
    Clock {
        wall_ahead_ms: u64,
    },
    /// The server is away for `after_ms`, or for the end of it.
    Outage {
        at_most_ms: u64,
    },
    /// An enrolment or the like.
    Other,
    Silence,
}

fn at_ms(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(OPENED_MS + ms).expect("in range")
}

fn lot_id(place: usize) -> LotId {
    LotId::parse(&place.to_string()).expect("digits")
}

fn bidder(who: usize) -> Name {
    Name::parse(["ada", "bob", "cyd", "dan"][who]).expect("a name")
}

fn timers() -> impl Strategy<Value = Timer> {
    let spans = || prop_oneof![1..300_u64, 1..60_000_u64];
    prop_oneof![
        4 => spans().prop_map(|ms| Timer::FirstBid { duration: Span::from_ms(ms) }),
        3 => (proptest::option::of(0..20_000_u64), spans()).prop_map(|(opens_ms, ms)| {
            let ends_at = at_ms(opens_ms.unwrap_or(0) + ms);
            Timer::Schedule { opens_at: opens_ms.map(at_ms), ends_at }
        }),
        1 => Just(Timer::Manual),
    ]
}

prop_compose! {
    fn terms_of_lots()(
        timer in timers(),
        start in 1..50_u64,
        step in 1..5_u64,
        soft_window_ms in 0..3_000_u64,
        soft_extend_ms in 0..3_000_u64,
        hard_after_ms in proptest::option::of(0..9_000_u64),
        seller in proptest::option::weighted(0.2, 0..4_usize),
    ) -> LotTerms {
        let hard_end = hard_after_ms.map(|ms| match timer {
            Timer::Schedule { ends_at, .. } => ends_at.plus(Span::from_ms(ms)),
            Timer::FirstBid { .. } | Timer::Manual => at_ms(ms),
        });
        LotTerms {
            id: lot_id(0),
            name: Title::parse("A thing").expect("a title"),
            start: Amount::new(start).expect("in range"),
            increments: Increments::new(vec![(0, step), (60, 3), (70, 1)]).expect("a table"),
            timer,
            soft_window: Span::from_ms(soft_window_ms),
            soft_extend: Span::from_ms(soft_extend_ms),
            hard_end,
            seller: seller.map(|who| Seller::Person(bidder(who))),
            estimate: None,
            without_reserve: false,
            reserve_commit: None,
        }
    }
}

prop_compose! {
    fn catalogues()(
        mut lots in vec(terms_of_lots(), 1..6),
        sale_ends_ms in proptest::option::weighted(0.7, 1..40_000_u64),
        grace_ms in 0..2_000_u64,
    ) -> Catalogue {
        for (place, lot) in lots.iter_mut().enumerate() {
            lot.id = lot_id(place);
        }
        let terms = SaleTerms {
            currency: Currency::seed(),
            attested: false,
            opens_at: None,
            sale_ends_at: sale_ends_ms.map(at_ms),
            restart_grace: Span::from_ms(grace_ms),
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        };
        Catalogue::new(terms, lots).expect("terms on which a sale can be held")
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bid = (0..4_usize, 0..6_usize, 0..4_u64).prop_map(|(who, lot, above)| Act::Bid {
        who,
        lot,
        above,
    });
    let act = prop_oneof![
        12 => bid,
        1 => (0..600_u64).prop_map(|wall_ahead_ms| Act::Clock { wall_ahead_ms }),
        1 => (0..5_000_u64).prop_map(|at_most_ms| Act::Outage { at_most_ms }),
        2 => Just(Act::Other),
        1 => Just(Act::Silence),
    ];
    let after_ms = prop_oneof![Just(0), Just(1), 0..100_u64, 0..3_000_u64, 0..30_000_u64];
    vec((after_ms, act).prop_map(|(after_ms, act)| Step { after_ms, act }), 0..60)
}

/// What stands between two entries, for the replay.
enum Entry {
    Event(Event),
    Other(Timestamp),
}

/// A sale under observation.
struct Watched {
    sale: Sale,
    now: Timestamp,
    entries: Vec<Entry>,
    prices: HashMap<LotId, Amount>,
}

impl Watched {
    fn new(catalogue: Catalogue) -> Self {
        let sale = Sale::open(Arc::new(catalogue), at_ms(0));
        Self { sale, now: at_ms(0), entries: Vec::new(), prices: HashMap::new() }
    }

    fn step(&mut self, step: &Step) {
        let before = self.now;
        self.now = before.plus(Span::from_ms(step.after_ms));
        let from = match &step.act {
            Act::Outage { at_most_ms } => {
                before.plus(Span::from_ms(step.after_ms.saturating_sub(*at_most_ms)))
            }
            Act::Bid { .. } | Act::Clock { .. } | Act::Other | Act::Silence => self.now,
        };
        self.drain(from);
        if self.sale.is_closed() {
            let asked = self.sale.decide(self.now, Input::Tick);
            return assert_eq!(asked, Err(Unfit::SaleClosed));
        }
        match &step.act {
            Act::Bid { who, lot, above } => self.bid(*who, *lot, *above),
            Act::Clock { wall_ahead_ms } => {
                let wall = self.now.plus(Span::from_ms(*wall_ahead_ms));
                match self.sale.decide(self.now, Input::Clock { wall, accepted: false }) {
                    Ok(event) => self.enter(event),
                    Err(no) => assert_eq!(no, Unfit::NoDrift),
                }
            }
            Act::Outage { .. } => {
                let event = self.sale.decide(self.now, Input::Outage { from });
                self.enter(event.expect("nothing was entered after `from`"));
            }
            Act::Other => {
                assert_eq!(self.sale.check_time(self.now), Ok(()));
                self.sale.elapse(self.now);
                self.entries.push(Entry::Other(self.now));
            }
            Act::Silence => {}
        }
    }

    /// Does everything due at or before `until`; nothing due lies in the past then.
    fn drain(&mut self, until: Timestamp) {
        while let Some((at, input)) = self.sale.due().filter(|(at, _)| *at <= until) {
            assert!(at >= self.sale.last(), "{input:?} was due before the last entry");
            let event = self.sale.decide(at, input.clone()).expect("what is due fits");
            let late = self.sale.decide(at.plus(Span::from_ms(1)), input);
            assert_eq!(late, Err(Unfit::Overdue { due: at }));
            self.enter(event);
        }
        assert!(self.sale.due().is_none_or(|(at, _)| at > until));
    }

    fn bid(&mut self, who: usize, lot: usize, above: u64) {
        let lot = lot_id(lot);
        let ask = self.sale.lot(&lot).map_or(7, |lot| lot.ask().minor_units());
        let Some(amount) = Amount::new(ask + above - 1) else { return };
        let bid = Bid::own(bidder(who), Role::Bidder, lot, amount);
        let seq = u64::try_from(self.entries.len()).expect("few entries");
        match self.sale.decide(self.now, Input::Bid { bid, seq, reserve_met: None }) {
            Ok(event) => {
                assert!(above > 0, "a bid below the ask stood");
                self.enter(event);
            }
            Err(Unfit::Refused(Refusal::TooLow { least })) => {
                assert_eq!((least.minor_units(), above), (ask, 0));
            }
            Err(Unfit::Refused(_)) => {}
            Err(other) => panic!("a drained sale answered a bid with {other:?}"),
        }
    }

    /// Takes an event in, and looks at what it did.
    fn enter(&mut self, event: Event) {
        assert_eq!(self.sale.decide(event.at, event.input()), Ok(event.clone()));
        match &event.what {
            Happening::BidAccepted { bid, ends_at, .. } => {
                let end = self.sale.lot(&bid.lot).and_then(|lot| lot.ends_at());
                assert!(end.is_none_or(|end| event.at < end && Some(end) <= *ends_at));
                let before = self.prices.insert(bid.lot.clone(), bid.amount);
                assert!(before < Some(bid.amount), "the price of {} fell", bid.lot);
            }
            Happening::LotClosed { lot, outcome, .. } => match outcome {
                Outcome::Sold { hammer_price, .. } => {
                    assert_eq!(self.prices.get(lot), Some(hammer_price));
                }
                Outcome::Unsold(_) | Outcome::Withdrawn => assert_eq!(self.prices.get(lot), None),
            },
            Happening::Acted { .. }
            | Happening::LotResumed { .. }
            | Happening::LotOpened { .. }
            | Happening::Ticked
            | Happening::ClockNoted { .. }
            | Happening::OutageEnded { .. }
            | Happening::SaleClosed(_) => {}
        }
        self.sale.apply(&event);
        let mut rewritten = self.sale.clone();
        rewritten.rewrite_agenda();
        assert_eq!(rewritten.agenda, self.sale.agenda, "after {event:?}");
        self.entries.push(Entry::Event(event));
    }

    /// What the auditor does: asks the rules again, over a sale of its own.
    fn replay(&self) -> Sale {
        let mut sale = Sale::open(Arc::clone(self.sale.catalogue()), at_ms(0));
        for entry in &self.entries {
            match entry {
                Entry::Event(event) => {
                    assert_eq!(sale.decide(event.at, event.input()).as_ref(), Ok(event));
                    sale.apply(event);
                }
                Entry::Other(at) => {
                    assert_eq!(sale.check_time(*at), Ok(()));
                    sale.elapse(*at);
                }
            }
        }
        sale
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_sale_keeps_the_rules_and_replays_to_itself(
        catalogue in catalogues(),
        steps in steps(),
    ) {
        let mut watched = Watched::new(catalogue);
        for step in &steps {
            watched.step(step);
        }
        if watched.sale.catalogue().terms().sale_ends_at.is_some() {
            // Timers, soft closes and outages of these sales end well within an hour.
            watched.drain(watched.now.plus(Span::from_s(3600)));
            prop_assert!(watched.sale.is_closed());
        }
        let replayed = watched.replay();
        prop_assert_eq!(replayed.totals(), watched.sale.totals());
        prop_assert_eq!(replayed.is_closed(), watched.sale.is_closed());
        for (one, other) in replayed.lots().zip(watched.sale.lots()) {
            prop_assert_eq!(one.state(), other.state());
        }
    }
}
