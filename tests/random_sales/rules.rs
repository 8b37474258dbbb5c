//! A random sale on the rules alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gavel::auction::{
    self, Amount, Bid, Deed, Effect, Event, Happening, Input, KeyHash, Lot, LotState, Outcome,
    Party, Refusal, ReserveOpening, Sale, Title, Unfit, Word,
};
use gavel::time::{Span, Timestamp};

use super::ask::{Act, Ask, Bidder, Roller};
use super::dice::Dice;
use super::lot::{OracleLot, State};
use super::oracle::{Cause, Code, Oracle};
use super::plan::{OPENED_MS, PEOPLE, Plan, amount, at, commitment, lot_id, name};

/// How often something came, by its name.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// Plays one sale and its replay, and counts what came.
pub(crate) fn play(seed: u64, tally: &mut Tally) {
    let mut dice = Dice::new(seed);
    let plan = Plan::roll(&mut dice);
    let mut watched = Watched::new(&plan);
    let mut roller = Roller::default();
    let mut left = dice.below(80);
    while left > 0 {
        if watched.oracle.closed && dice.percent(30) {
            break;
        }
        let (after, ask) = roller.roll(&mut dice, &watched.oracle, watched.now);
        watched.step(after, ask);
        left -= u64::from(!roller.is_amid_many());
    }
    watched.replay();
    for (what, times) in watched.tally {
        *tally.entry(what).or_default() += times;
    }
}

/// A sale under observation.
struct Watched {
    sale: Sale,
    oracle: Oracle,
    now: u64,
    entries: Vec<Entry>,
    prices: HashMap<auction::LotId, Amount>,
    reopen: bool,
    tally: Tally,
}

/// What stands between two entries, for the replay.
enum Entry {
    Event(Event),
    Other(Timestamp),
}

impl Watched {
    fn new(plan: &Plan) -> Self {
        Self {
            sale: Sale::open(Arc::new(plan.catalogue()), at(0)),
            oracle: Oracle::new(plan),
            now: 0,
            entries: Vec::new(),
            prices: HashMap::new(),
            reopen: plan.reopen,
            tally: Tally::new(),
        }
    }

    fn step(&mut self, after: u64, ask: Ask) {
        self.now += after;
        let away_since = match ask {
            Ask::Outage { ago_ms } => self.now.saturating_sub(ago_ms).max(self.oracle.last),
            _ => self.now,
        };
        // A server that died at its last entry may have left undone what fell due with it.
        if !(matches!(ask, Ask::Outage { .. }) && away_since == self.oracle.last) {
            self.drain(away_since);
        }
        match ask {
            Ask::Bid { who, lot, amount } => {
                let by = auction::By::Own(name(PEOPLE[who].0));
                self.bid(who, by, Bidder::Person(who), lot, amount);
            }
            Ask::Enter { who, party, lot, amount } => {
                let by = auction::By::Room(party_of(party));
                self.bid(who, by, party, lot, amount);
            }
            Ask::Act { who, act, reasoned } => self.act(who, act, reasoned),
            Ask::Clock { wall_ahead_ms, accepted } => self.clock(wall_ahead_ms, accepted),
            Ask::Outage { .. } => self.outage(away_since),
            Ask::Other => self.other(),
            Ask::Silence => {}
        }
        self.compare();
    }

    /// Does everything due at or before `until`, each as the oracle says.
    fn drain(&mut self, until: u64) {
        while let Some((due, cause)) = self.oracle.next().filter(|(due, _)| *due <= until) {
            let (at_due, mut input) = self.sale.due().expect("the oracle sees something due");
            assert_eq!((at_due, cause_of(&input)), (at(due), cause));
            if let (Input::LotClose { reserves, .. }, Cause::Close(place)) = (&mut input, cause) {
                *reserves = openings(&self.oracle.lots[place]);
            }
            let late = self.sale.decide(at_due.plus(Span::from_ms(1)), input.clone());
            assert_eq!(late, Err(Unfit::Overdue { due: at_due }));
            let event = self.sale.decide(at_due, input).expect("what is due fits");
            self.enter(event);
            self.oracle.happen(due, cause);
            self.compare();
        }
        let due = self.sale.due().map(|(due, input)| (due, cause_of(&input)));
        assert_eq!(due, self.oracle.next().map(|(due, cause)| (at(due), cause)));
    }

    // ---- What is asked ----

    fn bid(&mut self, who: usize, by: auction::By, party: Bidder, lot: usize, typed: u64) {
        let in_room = matches!(by, auction::By::Room(_));
        let right = self.oracle.judge_bid(who, in_room, party, lot, typed);
        let met = self.oracle.lots.get(lot).and_then(|lot| lot.met(Some(typed)));
        let (role, amount) = (PEOPLE[who].1, amount(typed));
        let bid = Bid { by, role, lot: lot_id(lot), amount };
        let seq = u64::try_from(self.entries.len()).expect("few entries");
        let decided = self.sale.decide(at(self.now), Input::Bid { bid, seq, reserve_met: met });
        if let Err(Unfit::Refused(Refusal::TooLow { least })) = decided {
            let ask = self.oracle.lots[lot].ask();
            assert_eq!(least, ask.map_or(Amount::MAX, super::plan::amount));
        }
        if self.is_right(decided, right) {
            self.oracle.bid(self.now, seq, party, lot, typed);
        }
    }

    fn act(&mut self, who: usize, act: Act, reasoned: bool) {
        let right = self.oracle.judge_act(self.now, who, act, reasoned);
        let deed = deed_of(act);
        let reason = reasoned.then(|| Title::parse("so it is").expect("a title"));
        let act_of = auction::Act { by: name(PEOPLE[who].0), role: PEOPLE[who].1, deed, reason };
        let word = self.word(act);
        let standing = act.lot().and_then(|place| self.oracle.lots.get(place)?.standing_seq());
        if right == Some("no-bid") && standing.is_some() {
            *self.tally.entry("no-bid-kept").or_default() += 1;
        }
        let decided = self.sale.decide(at(self.now), Input::Act { act: act_of, word });
        if self.is_right(decided, right) {
            self.oracle.act(self.now, act);
        }
    }

    /// What an honest house says with an act.
    fn word(&self, act: Act) -> Word {
        let lot = act.lot().and_then(|place| self.oracle.lots.get(place));
        match (act, lot) {
            (Act::Hammer { .. } | Act::Withdraw { .. }, Some(lot)) => Word::Openings(openings(lot)),
            (Act::Void { .. }, Some(lot)) => Word::Met(lot.met(lot.price_after_void(self.reopen))),
            (Act::Lower { reserve, .. }, Some(lot)) => {
                let is_lower = lot.reserves.last().is_some_and(|now| reserve < *now);
                let price = lot.standing.last().map(|high| high.amount);
                let met = Word::Met(price.map(|price| price >= reserve));
                if is_lower { met } else { Word::NotLowered }
            }
            _ => Word::Nothing,
        }
    }

    fn clock(&mut self, ahead: i64, accepted: bool) {
        let wall = (OPENED_MS + self.now).checked_add_signed(ahead);
        let wall = wall.and_then(Timestamp::from_unix_ms).expect("in range");
        let right = if self.oracle.closed {
            Some("sale-closed")
        } else {
            (!self.oracle.is_apart(ahead, accepted)).then_some("no-drift")
        };
        let decided = self.sale.decide(at(self.now), Input::Clock { wall, accepted });
        if self.is_right(decided, right) {
            self.oracle.note_clock(self.now, ahead);
        }
    }

    fn outage(&mut self, from: u64) {
        let right = self.oracle.closed.then_some("sale-closed");
        let decided = self.sale.decide(at(self.now), Input::Outage { from: at(from) });
        if self.is_right(decided, right) {
            self.oracle.outage(from, self.now);
        }
    }

    fn other(&mut self) {
        let fits = self.sale.check_time(at(self.now));
        assert_eq!(fits.is_ok(), !self.oracle.closed);
        if fits.is_ok() {
            self.sale.elapse(at(self.now));
            self.entries.push(Entry::Other(at(self.now)));
            self.oracle.other(self.now);
        }
    }

    // ---- What is answered ----

    /// Takes an event in; true if there was one. A refusal must be the right one.
    fn is_right(&mut self, decided: Result<Event, Unfit>, right: Option<Code>) -> bool {
        let code = match &decided {
            Ok(_) => None,
            Err(Unfit::Refused(refusal)) => Some(refusal.code().as_str()),
            Err(Unfit::NoDrift) => Some("no-drift"),
            Err(Unfit::SaleClosed) => Some("sale-closed"),
            Err(other) => panic!("a drained sale answers {other:?}"),
        };
        *self.tally.entry(code.unwrap_or("done")).or_default() += 1;
        assert_eq!(code, right, "at {} of {:?}", self.now, self.oracle.lots);
        decided.map(|event| self.enter(event)).is_ok()
    }

    /// Takes an event in, and looks at what it does to prices and ends.
    fn enter(&mut self, event: Event) {
        assert_eq!(self.sale.decide(event.at, event.input()).as_ref(), Ok(&event));
        match &event.what {
            Happening::BidAccepted { bid, ends_at, .. } => {
                let lot = self.sale.lot(&bid.lot).expect("the rules knew it");
                let end = lot.ends_at();
                assert!(bid.amount >= lot.ask(), "below the ask");
                assert!(end.is_none_or(|end| event.at < end && Some(end) <= *ends_at));
                let before = self.prices.insert(bid.lot.clone(), bid.amount);
                assert!(before < Some(bid.amount), "the price of {} fell", bid.lot);
            }
            Happening::Acted { act, effect: Effect::Voided { standing, ends_at, .. } } => {
                let id = act.deed.lot().expect("a void is of a lot").clone();
                let lot = self.sale.lot(&id).expect("the rules knew it");
                assert!(
                    lot.ends_at() <= *ends_at || matches!(lot.state(), LotState::Paused { .. })
                );
                let place: usize = id.as_str().parse().expect("digits");
                let under = self.oracle.lots[place].price_after_void(self.reopen);
                assert_eq!(standing.is_some(), under.is_some());
                match under {
                    Some(price) => self.prices.insert(id, amount(price)),
                    None => self.prices.remove(&id),
                };
            }
            Happening::LotClosed { lot, outcome, .. } => match outcome {
                Outcome::Sold { hammer_price, .. } => {
                    assert_eq!(self.prices.get(lot), Some(hammer_price));
                }
                Outcome::Unsold(auction::UnsoldReason::NoBids) => {
                    assert_eq!(self.prices.get(lot), None);
                }
                Outcome::Unsold(auction::UnsoldReason::ReserveNotMet) | Outcome::Withdrawn => {}
            },
            _ => {}
        }
        *self.tally.entry(kind_of(&event.what)).or_default() += 1;
        self.sale.apply(&event);
        self.entries.push(Entry::Event(event));
    }

    /// Holds every lot against the oracle's.
    fn compare(&self) {
        for (lot, right) in self.sale.lots().zip(&self.oracle.lots) {
            compare(lot, right, at(self.now));
        }
        assert_eq!(self.sale.is_closed(), self.oracle.closed);
        assert_eq!(self.sale.last(), at(self.oracle.last));
    }

    /// What the auditor does: asks the rules again, over a sale of its own.
    fn replay(&self) {
        let mut sale = Sale::open(Arc::clone(self.sale.catalogue()), at(0));
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
        assert_eq!(format!("{sale:?}"), format!("{:?}", self.sale));
    }
}

/// Holds a lot against the oracle's.
pub(crate) fn compare(lot: &Lot, right: &OracleLot, now: Timestamp) {
    let high = right.standing.last();
    match (lot.state(), &right.state) {
        (LotState::Pending, State::Pending) | (LotState::Open { .. }, State::Open) => {}
        (LotState::Paused { left, .. }, State::Paused) => {
            assert_eq!(left.map(Span::ms), right.left);
        }
        (LotState::Closed { outcome, .. }, State::Closed(of)) => {
            match (outcome, of) {
                (Outcome::Sold { to, hammer_price }, Ok((who, price))) => {
                    assert_eq!((to, *hammer_price), (&party_of(*who), amount(*price)));
                }
                (outcome, of) => assert_eq!(Err(outcome.as_str()), *of),
            }
            let revealed = lot.revealed_reserves().last().copied().map(Amount::minor_units);
            assert_eq!(revealed, right.reserves.last().copied());
        }
        (state, right) => panic!("{state:?} at {now} should be {right:?}"),
    }
    if !matches!(right.state, State::Closed(_)) {
        assert_eq!(lot.ends_at(), right.end.map(at));
        assert_eq!(lot.price().map(Amount::minor_units), high.map(|high| high.amount));
        assert_eq!(lot.leader().cloned(), high.map(|high| party_of(high.who)));
        assert_eq!(lot.standing().map(|high| high.seq), high.map(|high| high.seq));
        assert_eq!(lot.ask(), right.ask().map_or(Amount::MAX, amount));
    }
    assert_eq!(lot.reserve_met(), right.met(high.map(|high| high.amount)));
    assert_eq!(usize::try_from(lot.bids_accepted()), Ok(right.accepted.len()));
}

// ---- From plain numbers to the rules' types ----

fn cause_of(input: &Input) -> Cause {
    let place = |lot: &auction::LotId| lot.as_str().parse().expect("digits");
    match input {
        Input::LotOpen { lot } => Cause::Open(place(lot)),
        Input::LotResume { lot } => Cause::Resume(place(lot)),
        Input::LotClose { lot, .. } => Cause::Close(place(lot)),
        Input::Close => Cause::CloseSale,
        Input::Tick => Cause::Tick,
        other => panic!("time does not cause {other:?}"),
    }
}

/// What happened, for the tally.
fn kind_of(what: &Happening) -> &'static str {
    match what {
        Happening::Acted { act, effect: Effect::Hammered { outcome, .. } } => {
            assert_eq!(act.deed.as_str(), "hammer");
            outcome.as_str()
        }
        Happening::Acted { act, .. } => act.deed.as_str(),
        Happening::BidAccepted { bid, .. } => match bid.by {
            auction::By::Own(_) => "bid",
            auction::By::Room(_) => "room-bid",
        },
        Happening::LotOpened { .. } => "lot-opened",
        Happening::LotClosed { outcome, .. } => outcome.as_str(),
        Happening::LotResumed { .. } => "lot-resumed",
        Happening::Ticked => "tick",
        Happening::ClockNoted { .. } => "clock",
        Happening::OutageEnded { .. } => "outage",
        Happening::SaleClosed(_) => "sale-closed",
    }
}

pub(crate) fn party_of(bidder: Bidder) -> Party {
    match bidder {
        Bidder::Person(who) => Party::Named(name(PEOPLE[who].0)),
        // The first paddle is called like a person.
        Bidder::Paddle(0) => Party::Paddle(name("ada")),
        Bidder::Paddle(number) => Party::Paddle(name(&number.to_string())),
    }
}

fn openings(lot: &OracleLot) -> Vec<ReserveOpening> {
    let opening = |reserve: &u64| ReserveOpening { reserve: amount(*reserve), nonce: [7; 32] };
    lot.reserves.iter().map(opening).collect()
}

pub(crate) fn deed_of(act: Act) -> Deed {
    match act {
        Act::Closing => Deed::Closing,
        Act::Extend { lot, ends } => Deed::Extend { lot: lot_id(lot), ends_at: at(ends) },
        Act::Hammer { lot, seen } => Deed::Hammer { lot: lot_id(lot), seen },
        Act::Lower { lot, reserve } => {
            Deed::Reserve { lot: lot_id(lot), commitment: commitment(lot, reserve) }
        }
        Act::Open { lot } => Deed::Open { lot: lot_id(lot) },
        Act::Pause { lot } => Deed::Pause { lot: lot_id(lot) },
        Act::Reissue { whom } => {
            let (old_key, new_key) = (KeyHash([1; 32]), KeyHash([2; 32]));
            Deed::Reissue { name: name(PEOPLE[whom].0), old_key, new_key }
        }
        Act::Resume { lot } => Deed::Resume { lot: lot_id(lot) },
        Act::Say { lot } => {
            Deed::Say { lot: lot.map(lot_id), text: Title::parse("hello").expect("a title") }
        }
        Act::Void { lot, seen } => Deed::Void { lot: lot_id(lot), seen },
        Act::Withdraw { lot } => Deed::Withdraw { lot: lot_id(lot) },
    }
}
