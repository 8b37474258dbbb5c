//! A script that is played: its sale, step by step.

use std::collections::HashMap;
use std::sync::Arc;

use gavel::auction::{Catalogue, Event, Input, LotTerms, Role, Sale};
use gavel::time::Timestamp;

use super::facts::{due_fact, event_facts, lot_facts, unfit};
use super::reading::{bid, lot_id, lot_terms, pairs, sale_terms, text, time};

/// What a script has said so far.
#[derive(Default)]
pub(crate) struct Script {
    sale_words: HashMap<String, String>,
    lots: Vec<LotTerms>,
    roles: HashMap<String, Role>,
    pub(crate) sale: Option<Sale>,
    /// The number of the last bid's entry.
    entries: u64,
    /// What time has caused.
    caused: Vec<Event>,
}

impl Script {
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["sale", rest @ ..] if self.sale.is_none() => {
                self.sale_words.extend(pairs(rest)?);
                Ok(())
            }
            ["lot", id, rest @ ..] if self.sale.is_none() => {
                self.lots.push(lot_terms(id, &pairs(rest)?)?);
                Ok(())
            }
            ["role", who, role] if self.sale.is_none() => {
                self.roles.insert((*who).to_owned(), Role::parse(role).map_err(text)?);
                Ok(())
            }
            ["open", at] if self.sale.is_none() => {
                let terms = sale_terms(&self.sale_words)?;
                let lots = std::mem::take(&mut self.lots);
                let catalogue = Catalogue::new(terms, lots).map_err(text)?;
                self.sale = Some(Sale::open(Arc::new(catalogue), time(at)?));
                Ok(())
            }
            _ => self.step(line),
        }
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        let (asked, expected) = line.split_once("->").ok_or("no `->` in the step")?;
        let mut words: Vec<&str> = asked.split_whitespace().collect();
        let at = time(words.remove(0))?;
        let forged = words.first() == Some(&"forged");
        if forged {
            words.remove(0);
        }
        let facts = self.facts(at, forged, &words)?;
        let expected: Vec<&str> = expected.split(',').map(str::trim).collect();
        let holds = facts.first().map(String::as_str) == expected.first().copied()
            && expected.iter().all(|wanted| facts.iter().any(|fact| fact == wanted));
        if holds { Ok(()) } else { Err(format!("came: {}", facts.join(", "))) }
    }

    /// Everything that is true after the step, the answer first.
    fn facts(
        &mut self,
        at: Timestamp,
        forged: bool,
        words: &[&str],
    ) -> Result<Vec<String>, String> {
        let roles = &self.roles;
        let sale = self.sale.as_mut().ok_or("the sale has not opened")?;
        let until = match words {
            ["back", "after", "outage", "since", from] => time(from)?,
            _ => at,
        };
        if !forged {
            drain(sale, until, &mut self.caused);
        }
        let input = match words {
            ["lot", id] => return Ok(lot_facts(sale.lot(&lot_id(id)?).ok_or("no such lot")?)),
            ["enrolment"] => {
                let fits = sale.check_time(at);
                if fits.is_ok() {
                    sale.elapse(at);
                }
                return Ok(fits.map_or_else(unfit, |()| vec!["entered".to_owned()]));
            }
            ["nothing", "due"] => return Ok(vec![due_fact(sale)]),
            [who, "bids", lot, amount] => {
                self.entries += 1;
                let bid = bid(roles, who, lot, amount)?;
                Input::Bid { bid, seq: self.entries, reserve_met: None }
            }
            ["wall", "clock", "says", wall] => Input::Clock { wall: time(wall)?, accepted: false },
            ["wall", "clock", "accepted", wall] => {
                Input::Clock { wall: time(wall)?, accepted: true }
            }
            ["back", "after", "outage", "since", from] => Input::Outage { from: time(from)? },
            ["lot", id, "opens"] => Input::LotOpen { lot: lot_id(id)? },
            ["lot", id, "closes"] => Input::LotClose { lot: lot_id(id)?, reserves: Vec::new() },
            ["sale", "closes"] => Input::Close,
            ["tick"] => Input::Tick,
            _ => return Err(format!("no step reads `{}`", words.join(" "))),
        };
        let by_time = matches!(
            input,
            Input::LotOpen { .. } | Input::LotClose { .. } | Input::Close | Input::Tick
        );
        if by_time && !forged {
            let came = self.caused.iter().find(|event| event.at == at && event.input() == input);
            return Ok(came.map_or_else(|| vec!["no".to_owned()], event_facts));
        }
        let lot = match &input {
            Input::Bid { bid, .. } => Some(bid.lot.clone()),
            _ => None,
        };
        let mut facts = match sale.decide(at, input) {
            Ok(event) => {
                sale.apply(&event);
                event_facts(&event)
            }
            Err(why) => unfit(why),
        };
        facts.extend(lot.and_then(|id| sale.lot(&id).map(lot_facts)).unwrap_or_default());
        Ok(facts)
    }
}

/// Does everything due at or before `until`, as whoever drives a sale must.
fn drain(sale: &mut Sale, until: Timestamp, caused: &mut Vec<Event>) {
    while let Some((at, input)) = sale.due().filter(|(at, _)| *at <= until) {
        let event = sale.decide(at, input).expect("what is due fits");
        assert_eq!(sale.decide(event.at, event.input()).as_ref(), Ok(&event));
        sale.apply(&event);
        caused.push(event);
    }
}
