//! Our own bids and acts and what became of each, so that no page ever wonders.
//!
//! A page's id, a number and a line of the ledger may each come to be known first; here they are
//! brought together. Pure.

use std::collections::VecDeque;

use serde::Serialize;

use super::says::{Id, Verb};
use crate::limits::WEB_OWN_MAX;

/// What became of a bid or act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It stands in the ledger.
    Accepted,
    /// It is far over the ask, and waits for a yes. Nothing was signed.
    Held,
    /// Nothing was signed, and nothing will be.
    NotSent,
    /// The house refused it, for good.
    Refused,
    /// It is signed and on its way.
    Sending,
    /// It was sent and nobody can say yet; it is asked for again by its own bytes.
    Unknown,
    /// It stands in the ledger, and staff took it back.
    Voided,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum What {
    /// A bid.
    Bid {
        /// On which lot.
        lot: String,
        /// How many minor units.
        amount: u64,
    },
    /// An act of staff.
    Act {
        /// What; none for one that another command began.
        verb: Option<Verb>,
        /// On which lot.
        lot: Option<String>,
    },
}

/// A bid or act of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Own {
    /// Counts what is listed here, so that a page can replace what it has.
    pub(super) key: u64,
    /// The page's id; none for what an earlier run or another device sent.
    pub(super) id: Option<Id>,
    /// What it is.
    #[serde(flatten)]
    pub(super) what: What,
    /// What became of it.
    pub(super) state: State,
    /// The code of a refusal.
    pub(super) code: Option<&'static str>,
    /// The same in words.
    pub(super) text: Option<String>,
    /// The line, once it stands.
    pub(super) seq: Option<u64>,
    /// The number that was signed.
    #[serde(skip)]
    pub(super) n: Option<u64>,
    /// When, by the official time.
    pub(super) at: Option<u64>,
}

/// The newest of them.
#[derive(Debug, Default)]
pub(super) struct OwnList {
    list: VecDeque<Own>,
    next_key: u64,
}

impl OwnList {
    /// All that are kept, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Own> {
        self.list.iter()
    }

    /// The one with the page's id.
    pub(super) fn of_page(&self, id: &Id) -> Option<&Own> {
        self.list.iter().rev().find(|own| own.id.as_ref() == Some(id))
    }

    /// Lists one more, and gives it back with its key.
    pub(super) fn add(&mut self, id: Option<Id>, what: What, state: State) -> &mut Own {
        if self.list.len() >= WEB_OWN_MAX {
            // What is settled goes first; of what is open nothing is forgotten while it can be.
            let settled = |own: &Own| !matches!(own.state, State::Sending | State::Unknown);
            let at = self.list.iter().position(settled).unwrap_or(0);
            self.list.remove(at);
        }
        let own = Own {
            key: self.next_key,
            id,
            what,
            state,
            code: None,
            text: None,
            seq: None,
            n: None,
            at: None,
        };
        self.next_key += 1;
        self.list.push_back(own);
        self.list.back_mut().expect("one was just added")
    }

    /// Changes the one with this key, and gives it.
    pub(super) fn change(&mut self, key: u64, change: impl FnOnce(&mut Own)) -> Option<&Own> {
        let own = self.list.iter_mut().find(|own| own.key == key)?;
        change(own);
        Some(own)
    }

    /// The key of the one that was signed under `n`.
    pub(super) fn numbered(&self, n: u64) -> Option<u64> {
        self.list.iter().rev().find(|own| own.n == Some(n)).map(|own| own.key)
    }

    /// Takes a bid of ours that stands on line `seq`, unless it is known: the answer that names
    /// the line may have come before it, or comes after it.
    pub(super) fn entered(&mut self, seq: u64, at: u64, what: What) -> Option<&Own> {
        if let Some(known) = self.list.iter_mut().find(|own| own.seq == Some(seq)) {
            known.at = Some(at);
            return None;
        }
        let own = self.add(None, what, State::Accepted);
        (own.seq, own.at) = (Some(seq), Some(at));
        Some(own)
    }

    /// Takes the answer that the one with this key stands on line `seq`. What the ledger's line
    /// had been listed as, without knowing whose it is, gives way; its key is told.
    pub(super) fn landed(&mut self, key: u64, seq: u64) -> Option<u64> {
        let double = self.list.iter().position(|own| own.seq == Some(seq) && own.key != key);
        let double = double.and_then(|at| self.list.remove(at));
        let at = double.as_ref().and_then(|own| own.at);
        let state = double.as_ref().map_or(State::Accepted, |own| own.state);
        self.change(key, |own| {
            (own.state, own.seq) = (state, Some(seq));
            (own.code, own.text) = (None, None);
            own.at = at.or(own.at);
        });
        double.map(|own| own.key)
    }

    /// Takes in that the bid on line `seq` was voided; gives it if it is ours.
    pub(super) fn voided(&mut self, seq: u64) -> Option<&Own> {
        let own = self.list.iter_mut().find(|own| own.seq == Some(seq))?;
        own.state = State::Voided;
        Some(own)
    }

    /// Says of all that are on their way that nobody knows; gives them.
    pub(super) fn lose_sight(&mut self) -> Vec<Own> {
        let sending = self.list.iter_mut().filter(|own| own.state == State::Sending);
        sending
            .map(|own| {
                own.state = State::Unknown;
                own.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bid() -> What {
        What::Bid { lot: "1".into(), amount: 100 }
    }

    fn id(text: &str) -> Id {
        Id::try_from(text.to_owned()).expect("an id")
    }

    #[test]
    fn a_bid_is_listed_once_whether_its_line_or_its_receipt_comes_first() {
        let mut list = OwnList::default();
        let own = list.add(Some(id("a")), bid(), State::Sending);
        own.n = Some(7);
        let key = own.key;
        let of_line = list.entered(12, 1_000, bid()).map(|own| own.key);
        assert_eq!(list.landed(key, 12), of_line);
        assert_eq!(list.iter().count(), 1);
        let own = list.of_page(&id("a")).expect("listed");
        assert_eq!((own.state, own.seq, own.at), (State::Accepted, Some(12), Some(1_000)));

        assert_eq!(list.voided(12).map(|own| own.state), Some(State::Voided));
        let key = list.add(Some(id("b")), bid(), State::Sending).key;
        assert_eq!(list.landed(key, 15), None);
        assert!(list.entered(15, 2_000, bid()).is_none());
        assert_eq!(list.of_page(&id("b")).map(|own| own.at), Some(Some(2_000)));
        assert_eq!(list.iter().count(), 2);
    }

    #[test]
    fn what_is_on_its_way_when_the_line_breaks_is_unknown_and_nothing_else() {
        let mut list = OwnList::default();
        list.add(Some(id("a")), bid(), State::Sending);
        list.add(Some(id("b")), bid(), State::Refused);
        list.add(Some(id("c")), bid(), State::NotSent);
        let lost = list.lose_sight();
        assert_eq!(lost.iter().map(|own| own.id.clone()).collect::<Vec<_>>(), [Some(id("a"))]);
        assert_eq!(list.of_page(&id("b")).map(|own| own.state), Some(State::Refused));
    }

    #[test]
    fn the_list_is_bounded_and_keeps_what_is_open() {
        let mut list = OwnList::default();
        list.add(Some(id("open")), bid(), State::Unknown);
        for _ in 0..WEB_OWN_MAX + 5 {
            list.add(None, bid(), State::Accepted);
        }
        assert_eq!(list.iter().count(), WEB_OWN_MAX);
        assert!(list.of_page(&id("open")).is_some());
    }
}
