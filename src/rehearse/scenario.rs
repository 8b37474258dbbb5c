//! A scenario as it was read: a sale, people, and what happens when.
//!
//! ```json
//! {"id": "S00-one-bid", "title": "One bid", "currency": {"code": "EUR", "minor_digits": 2},
//!  "lots": {"1": {"name": "Vase", "start": 1000, "increments": [[0, 100]], "ends_at_ms": 60000}},
//!  "script": [{"t": 500, "do": "BID", "who": "alice", "lot": "1", "raw": "10",
//!              "expect": {"ok": true, "price": 1000, "leader": "alice", "ask": 1100}}],
//!  "result": {"1": {"outcome": "sold", "leader": "alice", "price": 1000, "closed_at": 60000}}}
//! ```

use std::collections::BTreeMap;

use super::error::ScenarioError;
use super::expect::{Expected, LotExpected, Place};
use super::hashes::HashCheck;
use super::read;
use crate::auction::act::Deed;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party, Role, SaleId, Title};
use crate::auction::refusal::Code;
use crate::record::SaleFile;
use crate::time::Span;

/// A scenario, read and found playable.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(super) id: String,
    pub(super) sale: SaleId,
    pub(super) title: Title,
    pub(super) file: SaleFile,
    /// Who is not a bidder.
    pub(super) roles: BTreeMap<Name, Role>,
    pub(super) hashes: Vec<HashCheck>,
    /// By their time; steps of one time as the script has them.
    pub(super) steps: Vec<Step>,
    pub(super) result: Vec<(LotId, LotExpected)>,
}

/// One step of the script.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Its number in the script, counted from 1.
    pub(super) number: usize,
    /// When it is judged, after the opening.
    pub(super) t: Span,
    /// When its line was read, after the opening.
    pub(super) read_at: Span,
    pub(super) what: What,
    /// The lot that `expect` speaks of.
    pub(super) lot: Option<LotId>,
    pub(super) expected: Expected,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The wall clock jumps: so many milliseconds after the opening.
    Clock { wall_ms: i64 },
    /// The server dies.
    Crash,
    /// The server comes back.
    Restart { accept_clock: bool },
    /// Somebody sends a bid or an act.
    Send { who: Name, wish: Wish, reason: Option<Title> },
}

/// An amount, or the code under which what was typed is refused before the house hears of it.
pub(super) type Typed = Result<Amount, Code>;

/// What is sent, before it is known what the sender has seen.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// A bidder's own bid.
    Bid { lot: LotId, amount: Typed },
    /// An act that needs nothing more.
    Do(Deed),
    /// A bid for somebody in the room.
    Enter { lot: LotId, party: Party, amount: Typed },
    /// The hammer, for a lot with so many standing bids; with those that stand, where
    /// nothing is said.
    Hammer { lot: LotId, bids: Option<usize> },
    /// A lower reserve.
    Lower { lot: LotId, reserve: Typed },
    /// The void of the bid that stands.
    Void { lot: LotId, bids: Option<usize> },
}

impl Scenario {
    /// Reads a scenario. What it wants of a sale that is not built yet refuses it as a whole.
    ///
    /// # Errors
    /// [`ScenarioError`] names the step, the key and the reason.
    pub fn read(bytes: &[u8]) -> Result<Self, ScenarioError> {
        read::scenario(bytes)
    }

    /// Its id, as it is written.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of its sale.
    pub const fn sale(&self) -> &SaleId {
        &self.sale
    }

    /// What it is called.
    pub const fn title(&self) -> &Title {
        &self.title
    }

    /// What its sale is sold by.
    pub const fn file(&self) -> &SaleFile {
        &self.file
    }

    /// How many steps it has.
    pub fn step_count(&self) -> usize {
        self.steps.len()
    }

    /// Everybody who sends anything, with their roles.
    pub(super) fn cast(&self) -> BTreeMap<Name, Role> {
        let senders = self.steps.iter().filter_map(|step| match &step.what {
            What::Send { who, .. } => Some(who),
            What::Clock { .. } | What::Crash | What::Restart { .. } => None,
        });
        let role = |who: &Name| self.roles.get(who).copied().unwrap_or(Role::Bidder);
        senders.map(|who| (who.clone(), role(who))).collect()
    }
}

impl Step {
    pub(super) fn place(&self) -> Place {
        let deed = match &self.what {
            What::Clock { .. } => "CLOCK".to_owned(),
            What::Crash => "CRASH".to_owned(),
            What::Restart { .. } => "RESTART".to_owned(),
            What::Send { who, wish, .. } => match wish.lot() {
                Some(lot) => format!("{} by {who} on lot {lot}", wish.name()),
                None => format!("{} by {who}", wish.name()),
            },
        };
        Place::Step { number: self.number, t: self.t.ms(), deed }
    }
}

impl Wish {
    const fn lot(&self) -> Option<&LotId> {
        match self {
            Self::Do(deed) => deed.lot(),
            Self::Bid { lot, .. }
            | Self::Enter { lot, .. }
            | Self::Hammer { lot, .. }
            | Self::Lower { lot, .. }
            | Self::Void { lot, .. } => Some(lot),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Bid { .. } => "BID".to_owned(),
            Self::Do(Deed::Closing) => "CLOSE".to_owned(),
            Self::Do(deed) => deed.as_str().to_ascii_uppercase(),
            Self::Enter { .. } => "ENTER".to_owned(),
            Self::Hammer { .. } => "HAMMER".to_owned(),
            Self::Lower { .. } => "RESERVE".to_owned(),
            Self::Void { .. } => "VOID".to_owned(),
        }
    }
}
