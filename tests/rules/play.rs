//! A sale that a script plays: what is asked of the rules, and what they answer.

use std::collections::HashMap;
use std::sync::Arc;

use gavel::auction::{
    Act, Amount, Bid, Catalogue, Deed, Effect, Event, Happening, Input, LotId, Party, Role, Sale,
};
use gavel::time::Timestamp;

use super::facts::{due_fact, event_facts, lot_facts, unfit};
use super::reading::{amount, lot_id, name, text, time, title};
use super::reserves::{Reserves, commitment, opening};
use super::script::Step;

/// A sale in its course, and what it was made of.
pub(crate) struct Play {
    sale: Sale,
    reserves: Reserves,
    opened: Timestamp,
    /// The number of the last accepted bid.
    bids: u64,
    /// What time has caused.
    caused: Vec<Event>,
    entries: Vec<Entry>,
}

/// What was entered, for the replay.
enum Entry {
    Event(Event),
    Other(Timestamp),
}

/// What is put to the rules.
struct Asked {
    input: Input,
    /// Of which lot the facts follow.
    lot: Option<LotId>,
    /// What an act lowers a reserve to.
    lower: Option<Amount>,
}

impl Play {
    pub(crate) fn open(catalogue: Catalogue, reserves: Reserves, at: Timestamp) -> Self {
        let sale = Sale::open(Arc::new(catalogue), at);
        let (caused, entries) = (Vec::new(), Vec::new());
        Self { sale, reserves, opened: at, bids: 0, caused, entries }
    }

    /// Everything that is true after the step, the answer first.
    pub(crate) fn facts(
        &mut self,
        step: &Step<'_>,
        roles: &HashMap<String, Role>,
    ) -> Result<Vec<String>, String> {
        if !step.forged {
            self.drain(step.done_until()?);
        }
        let role = |who: &str| roles.get(who).copied().unwrap_or(Role::Bidder);
        match step.words.as_slice() {
            ["lot", id] => {
                let lot = lot_id(id)?;
                return Ok(lot_facts(self.sale.lot(&lot).ok_or("no such lot")?));
            }
            ["enrolment"] => return Ok(self.enrolment(step.at)),
            ["nothing", "due"] => return Ok(vec![due_fact(&self.sale)]),
            [one, "and", other, "bid", times, "times", "on", lot] => {
                return self.duel(step, [one, other], times, lot);
            }
            [who, "voids", lot, times, "times"] => return self.voids(step, who, lot, times, roles),
            _ => {}
        }
        if let Some(input) = self.by_time(step)? {
            return Ok(if step.forged {
                self.ask(step.at, input)
            } else {
                self.came(step, &input)
            });
        }
        let asked = self.asked(step, role)?;
        let mut facts = self.ask_of_house(step.at, asked.input, asked.lower);
        let lot = asked.lot.and_then(|id| self.sale.lot(&id));
        facts.extend(lot.map(lot_facts).unwrap_or_default());
        Ok(facts)
    }

    /// The auditor's work: asks the rules again, over a sale of its own.
    pub(crate) fn replay(&self) -> Result<(), String> {
        let mut sale = Sale::open(Arc::clone(self.sale.catalogue()), self.opened);
        for entry in &self.entries {
            match entry {
                Entry::Event(event) => {
                    let decided = sale.decide(event.at, event.input());
                    if decided.as_ref() != Ok(event) {
                        return Err(format!("{event:?} replays to {decided:?}"));
                    }
                    sale.apply(event);
                }
                Entry::Other(at) => {
                    sale.check_time(*at).map_err(text)?;
                    sale.elapse(*at);
                }
            }
        }
        let (replayed, played) = (format!("{sale:?}"), format!("{:?}", self.sale));
        if replayed == played { Ok(()) } else { Err(format!("{played} replays to {replayed}")) }
    }

    // ---- What is asked ----

    /// Does everything due at or before `until`, as whoever drives a sale must.
    fn drain(&mut self, until: Timestamp) {
        while let Some((at, input)) = self.sale.due().filter(|(at, _)| *at <= until) {
            let input = match input {
                Input::LotClose { lot, .. } => {
                    let reserves = self.reserves.openings(&lot, None);
                    Input::LotClose { lot, reserves }
                }
                other => other,
            };
            let event = self.sale.decide(at, input).expect("what is due fits");
            self.caused.push(event.clone());
            self.enter(event);
        }
    }

    /// What time alone causes.
    fn by_time(&self, step: &Step<'_>) -> Result<Option<Input>, String> {
        Ok(Some(match step.words.as_slice() {
            ["lot", id, "opens"] => Input::LotOpen { lot: lot_id(id)? },
            ["lot", id, "resumes"] => Input::LotResume { lot: lot_id(id)? },
            ["lot", id, "closes"] => {
                let lot = lot_id(id)?;
                let reserves = self.reserves.openings(&lot, step.saying.as_ref());
                Input::LotClose { lot, reserves }
            }
            ["sale", "closes"] => Input::Close,
            ["tick"] => Input::Tick,
            _ => return Ok(None),
        }))
    }

    fn came(&self, step: &Step<'_>, input: &Input) -> Vec<String> {
        let is_it = |event: &&Event| event.at == step.at && event.input() == *input;
        let came = self.caused.iter().find(is_it);
        came.map_or_else(|| vec!["no".to_owned()], event_facts)
    }

    fn asked(&self, step: &Step<'_>, role: impl Fn(&str) -> Role) -> Result<Asked, String> {
        let bid = |bid: Bid| {
            let reserve_met = self.reserves.met(&bid.lot, Some(bid.amount), step.saying.as_ref());
            let lot = Some(bid.lot.clone());
            Ok(Asked {
                input: Input::Bid { bid, seq: self.bids + 1, reserve_met },
                lot,
                lower: None,
            })
        };
        let plain = |input| Ok(Asked { input, lot: None, lower: None });
        match step.words.as_slice() {
            ["wall", "clock", "says", wall] => {
                plain(Input::Clock { wall: time(wall)?, accepted: false })
            }
            ["wall", "clock", "accepted", wall] => {
                plain(Input::Clock { wall: time(wall)?, accepted: true })
            }
            ["back", "after", "outage", "since", from] => {
                plain(Input::Outage { from: time(from)? })
            }
            [who, "bids", "for", "paddle", paddle, "on", lot, typed] => {
                let party = Party::Paddle(name(paddle)?);
                bid(Bid::room(party, role(who), lot_id(lot)?, amount(typed)?))
            }
            [who, "bids", "for", person, "on", lot, typed] => {
                let party = Party::Named(name(person)?);
                bid(Bid::room(party, role(who), lot_id(lot)?, amount(typed)?))
            }
            [who, "bids", lot, typed] => {
                bid(Bid::own(name(who)?, role(who), lot_id(lot)?, amount(typed)?))
            }
            [who, words @ ..] => {
                let (deed, lower) = self.deed(words)?;
                let reason = step.reasoned.then(|| title("so it is")).transpose()?;
                let word = match &step.saying {
                    Some(saying) => saying.word(),
                    None => self.reserves.word(&self.sale, &deed, lower),
                };
                let lot = deed.lot().cloned();
                let act = Act { by: name(who)?, role: role(who), deed, reason };
                Ok(Asked { input: Input::Act { act, word }, lot, lower })
            }
            [] => Err("the step asks nothing".to_owned()),
        }
    }

    /// What staff do, and what they lower a reserve to.
    fn deed(&self, words: &[&str]) -> Result<(Deed, Option<Amount>), String> {
        let deed = match words {
            ["closes", "sale"] => Deed::Closing,
            ["extends", lot, "to", end] => Deed::Extend { lot: lot_id(lot)?, ends_at: time(end)? },
            ["hammers", lot, seen @ ..] => {
                Deed::Hammer { lot: lot_id(lot)?, seen: self.seen(lot, seen)? }
            }
            ["lowers", lot, "to", reserve] => {
                let reserve = amount(reserve)?;
                let deed = Deed::Reserve { lot: lot_id(lot)?, commitment: commitment(reserve) };
                return Ok((deed, Some(reserve)));
            }
            ["opens", lot] => Deed::Open { lot: lot_id(lot)? },
            ["pauses", lot] => Deed::Pause { lot: lot_id(lot)? },
            ["reissues", who] => {
                let (old_key, new_key) =
                    (gavel::auction::KeyHash([1; 32]), gavel::auction::KeyHash([2; 32]));
                Deed::Reissue { name: name(who)?, old_key, new_key }
            }
            ["resumes", lot] => Deed::Resume { lot: lot_id(lot)? },
            ["says", "about", lot, said @ ..] => {
                Deed::Say { lot: Some(lot_id(lot)?), text: title(&said.join(" "))? }
            }
            ["says", said @ ..] => Deed::Say { lot: None, text: title(&said.join(" "))? },
            ["voids", lot, seen @ ..] => {
                Deed::Void { lot: lot_id(lot)?, seen: self.seen(lot, seen)? }
            }
            ["withdraws", lot] => Deed::Withdraw { lot: lot_id(lot)? },
            _ => return Err(format!("no step reads `{}`", words.join(" "))),
        };
        Ok((deed, None))
    }

    /// The bid that an act saw: the one that stands, unless the script says which.
    fn seen(&self, lot: &str, words: &[&str]) -> Result<Option<u64>, String> {
        match words {
            [] => {
                let lot = self.sale.lot(&lot_id(lot)?);
                Ok(lot.and_then(|lot| lot.standing()).map(|high| high.seq))
            }
            ["seen", "nothing"] => Ok(None),
            ["seen", number] => number.parse().map(Some).map_err(text),
            _ => Err("an act saw `nothing` or a bid's number".to_owned()),
        }
    }

    /// The two bid the ask in turn.
    fn duel(
        &mut self,
        step: &Step<'_>,
        who: [&str; 2],
        times: &str,
        lot: &str,
    ) -> Result<Vec<String>, String> {
        let lot = lot_id(lot)?;
        for turn in 0..times.parse::<usize>().map_err(text)? {
            let ask = self.sale.lot(&lot).ok_or("no such lot")?.ask();
            let bid = Bid::own(name(who[turn % 2])?, Role::Bidder, lot.clone(), ask);
            let reserve_met = self.reserves.met(&lot, Some(ask), None);
            let input = Input::Bid { bid, seq: self.bids + 1, reserve_met };
            let facts = self.ask(step.at, input);
            if facts.first().is_none_or(|fact| fact != "stands") {
                return Ok(facts);
            }
        }
        let mut facts = vec!["all stand".to_owned()];
        facts.extend(self.sale.lot(&lot).map(lot_facts).unwrap_or_default());
        Ok(facts)
    }

    /// One voids so many bids, the newest first, or up to a refusal.
    fn voids(
        &mut self,
        step: &Step<'_>,
        who: &str,
        lot: &str,
        times: &str,
        roles: &HashMap<String, Role>,
    ) -> Result<Vec<String>, String> {
        let mut facts = Vec::new();
        for _ in 0..times.parse::<usize>().map_err(text)? {
            let one = Step { words: vec![who, "voids", lot], saying: None, ..*step };
            facts = self.facts(&one, roles)?;
            if facts.first().is_none_or(|fact| fact != "done") {
                break;
            }
        }
        Ok(facts)
    }

    // ---- What is answered ----

    fn enrolment(&mut self, at: Timestamp) -> Vec<String> {
        match self.sale.check_time(at) {
            Ok(()) => {
                self.sale.elapse(at);
                self.entries.push(Entry::Other(at));
                vec!["entered".to_owned()]
            }
            Err(why) => unfit(why),
        }
    }

    fn ask(&mut self, at: Timestamp, input: Input) -> Vec<String> {
        match self.sale.decide(at, input) {
            Ok(event) => {
                let facts = event_facts(&event);
                self.enter(event);
                facts
            }
            Err(why) => unfit(why),
        }
    }

    /// As [`Self::ask`]; the house keeps a reserve that was lowered.
    fn ask_of_house(&mut self, at: Timestamp, input: Input, lower: Option<Amount>) -> Vec<String> {
        let before = self.entries.len();
        let facts = self.ask(at, input);
        if let Some(Entry::Event(Event { what: Happening::Acted { act, effect }, .. })) =
            self.entries.get(before)
            && let (Effect::ReserveLowered { .. }, Some(lot), Some(lower)) =
                (effect, act.deed.lot(), lower)
        {
            self.reserves.lower(lot, opening(lower));
        }
        facts
    }

    fn enter(&mut self, event: Event) {
        if matches!(event.what, Happening::BidAccepted { .. }) {
            self.bids += 1;
        }
        self.sale.apply(&event);
        self.entries.push(Entry::Event(event));
    }
}
