//! A script: what it says before the opening, and each step held against its answer.

use std::collections::HashMap;

use gavel::auction::{Catalogue, LotTerms, Role};
use gavel::time::Timestamp;

use super::play::Play;
use super::reading::{Saying, lot_terms, pairs, sale_terms, text, time};
use super::reserves::Reserves;

/// What a script has said so far.
#[derive(Default)]
pub(crate) struct Script {
    sale_words: HashMap<String, String>,
    lots: Vec<LotTerms>,
    reserves: Reserves,
    roles: HashMap<String, Role>,
    pub(crate) play: Option<Play>,
}

/// What a step asks, and how.
pub(crate) struct Step<'a> {
    pub(crate) at: Timestamp,
    /// Put to the rules as they stand, like an entry of a forged ledger.
    pub(crate) forged: bool,
    /// What the house says of a reserve, where it does not say the truth.
    pub(crate) saying: Option<Saying>,
    /// Whether an act has a reason.
    pub(crate) reasoned: bool,
    pub(crate) words: Vec<&'a str>,
}

impl Script {
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            _ if self.play.is_some() => self.step(line),
            ["sale", rest @ ..] => {
                self.sale_words.extend(pairs(rest)?);
                Ok(())
            }
            ["lot", id, rest @ ..] => {
                let words = pairs(rest)?;
                let mut terms = lot_terms(id, &words)?;
                if let Some(reserve) = words.get("reserve") {
                    terms.reserve_commit = Some(self.reserves.commit(&terms.id, reserve)?);
                }
                self.lots.push(terms);
                Ok(())
            }
            ["role", who, role] => {
                self.roles.insert((*who).to_owned(), Role::parse(role).map_err(text)?);
                Ok(())
            }
            ["open", at] => {
                let terms = sale_terms(&self.sale_words)?;
                let lots = std::mem::take(&mut self.lots);
                let catalogue = Catalogue::new(terms, lots).map_err(text)?;
                let reserves = std::mem::take(&mut self.reserves);
                self.play = Some(Play::open(catalogue, reserves, time(at)?));
                Ok(())
            }
            _ => Err("the sale has not opened".to_owned()),
        }
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        let (asked, expected) = line.split_once("->").ok_or("no `->` in the step")?;
        let step = Step::read(asked)?;
        let play = self.play.as_mut().ok_or("the sale has not opened")?;
        let facts = play.facts(&step, &self.roles)?;
        let expected: Vec<&str> = expected.split(',').map(str::trim).collect();
        let holds = facts.first().map(String::as_str) == expected.first().copied()
            && expected.iter().all(|wanted| facts.iter().any(|fact| fact == wanted));
        if holds { Ok(()) } else { Err(format!("came: {}", facts.join(", "))) }
    }
}

impl<'a> Step<'a> {
    fn read(asked: &'a str) -> Result<Self, String> {
        let mut words: Vec<&str> = asked.split_whitespace().collect();
        let at = time(words.remove(0))?;
        let forged = words.first() == Some(&"forged");
        if forged {
            words.remove(0);
        }
        let mut saying = None;
        if let [rest @ .., "saying", said] = words.as_slice() {
            saying = Some(Saying::read(said)?);
            words.truncate(rest.len());
        }
        let mut reasoned = true;
        if let [rest @ .., "without", "reason"] = words.as_slice() {
            reasoned = false;
            words.truncate(rest.len());
        }
        Ok(Self { at, forged, saying, reasoned, words })
    }

    /// Up to when everything due is done before the step.
    pub(crate) fn done_until(&self) -> Result<Timestamp, String> {
        match self.words.as_slice() {
            ["back", "after", "outage", "since", from] => time(from),
            _ => Ok(self.at),
        }
    }
}
