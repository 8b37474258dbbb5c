//! The joint of the live sale: roster, rules, chain and sealing key in one place.
//!
//! Pure: no socket, no disk, no clock. One owner (the server's floor, a rehearsal)
//! drives it, and so drives the sale:
//!
//! ```text
//!   submit / enrol / revoke / advance      decide, apply, append to the open frame -> Pending
//!   take_frame()                           the frame's lines, for the disk
//!   [the owner writes and syncs them]
//!   committed(lines)                       signs the checkpoint of the now durable tree -> After
//!   answer(&released, pending)             what the asker may now be told, with its receipt
//! ```
//!
//! Exactly one frame is outstanding at a time. A [`Pending`] says nothing by
//! itself: an answer needs a [`Released`], and that exists only after the disk.
//! The seal line of a checkpoint is the first line of the next frame (LEDGER 2).

mod answers;
mod bids;
mod birth;
mod frame;
mod recovery;
mod replay;
mod reserves;

pub use answers::{Answer, Own, Pending, Proof, Proven, Released, Welcome, WelcomeRefusal};
pub use birth::{BirthFault, Newborn};
pub use recovery::{Prepared, Recovered, Recovery, RecoveryRefusal};
pub use reserves::MissingReserve;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use reserves::Reserves;

use crate::auction::event::{Event, Input};
use crate::auction::money::Amount;
use crate::auction::name::Name;
use crate::auction::refusal::Code;
use crate::auction::sale::Sale;
use crate::ledger::chain::{Chain, Chained};
use crate::ledger::checkpoint::{SealingKey, SignedCheckpoint};
use crate::ledger::hash::Hash;
use crate::ledger::receipt::SealerEnd;
use crate::ledger::store::Committed;
use crate::record::{self, BidKey, Enrolment, EnrolmentEvidence, Opening, Revocation};
use crate::roster::Roster;
use crate::time::Timestamp;

/// A sale in progress, or one that has finished and only answers.
#[derive(Debug)]
pub struct House {
    opening: Arc<Opening>,
    open_line: Arc<[u8]>,
    sale_hash: Hash,
    roster: Roster,
    sale: Sale,
    chain: Chain,
    /// Gone once the seal over `close` is on the disk.
    key: Option<SealingKey>,
    sealer: VerifyingKey,
    /// The sealer's certificate, as every receipt has it.
    sealer_end: Arc<SealerEnd>,
    /// The newest checkpoint; its seal line may not have been written yet.
    newest: SignedCheckpoint,
    seal_owed: bool,
    frame: OpenFrame,
    /// The lines of the closing frame, held back until the seal over `close` is durable.
    held: Vec<Committed>,
    answers: HashMap<Hash, Known>,
    /// Of refusals that were only counted, the last of each key: a client that lost its
    /// answer gets it again, and nobody fills the memory with what no cap records.
    counted_answers: HashMap<BidKey, (Hash, Known)>,
    own: HashMap<Name, Vec<Own>>,
    reserves: Reserves,
    /// The notes of all checkpoints that were released, by the size of their tree.
    notes: BTreeMap<u64, Arc<str>>,
}

/// The lines that gather for the next write.
#[derive(Debug, Default)]
struct OpenFrame {
    lines: Vec<Chained>,
    events: Vec<Event>,
    counted: BTreeMap<Code, u64>,
    counted_keys: BTreeMap<BidKey, u64>,
}

/// What became of a signed bid, so that the same bytes get the same answer.
#[derive(Clone, Copy, Debug)]
enum Known {
    Accepted { seq: u64 },
    Refused { code: Code, least: Option<Amount> },
}

/// What follows once a frame is on the disk.
#[derive(Debug)]
pub enum After {
    /// The answers may go out.
    Released(Released),
    /// The sale has closed: this seal line is written and synced before anyone is told.
    SealFirst(Vec<Chained>),
}

impl House {
    /// The sale's line 0, as read.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// SHA-256 of line 0, by which every statement names the sale.
    pub const fn sale_hash(&self) -> Hash {
        self.sale_hash
    }

    /// The state of the lots.
    pub const fn sale(&self) -> &Sale {
        &self.sale
    }

    /// The newest checkpoint that may be shown.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.newest
    }

    /// Whether the sale has closed and its last seal is on the disk.
    pub const fn is_finished(&self) -> bool {
        self.key.is_none()
    }

    /// When time alone next causes an entry; `None` once the sale has closed.
    pub fn due(&self) -> Option<Timestamp> {
        self.sale.due().map(|(at, _)| at)
    }

    /// How many lines wait in the open frame.
    pub fn frame_lines(&self) -> usize {
        self.frame.lines.len()
    }

    /// Does everything that fell due at or before `now` (RULES 1.2).
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, input)) = self.sale.due().filter(|(at, _)| *at <= now) {
            // Nothing is due at the last entry's time yet: counts may still stand there.
            self.flush_counts();
            let input = self.complete(input);
            let event = self.sale.decide(at, input).expect("what is due is taken when it is due");
            self.enter_event(event);
        }
    }

    /// Adds what only the house can say: what opens the reserve of a lot that closes.
    fn complete(&self, input: Input) -> Input {
        match input {
            Input::LotClose { lot, .. } => {
                let reserves = self.reserves.openings(&lot);
                Input::LotClose { lot, reserves }
            }
            other => other,
        }
    }

    /// Does what is due before an input that was read at `at`, and gives the input its
    /// time: never below the last entry's (RULES 1.1).
    fn arrive(&mut self, at: Timestamp) -> Timestamp {
        let at = at.max(self.sale.last());
        self.advance(at);
        at
    }

    /// Takes in a revocation; `false` if it stands already or the sale has closed.
    pub fn revoke(&mut self, at: Timestamp, revocation: &Revocation) -> bool {
        let at = self.arrive(at);
        if self.sale.is_closed() || self.roster.is_revoked(&revocation.serial) {
            return false;
        }
        self.append_outside_the_rules(record::draft_revoke(revocation, at));
        self.roster.apply_revocation(revocation.serial.clone());
        true
    }

    /// Enters that the host was suspended until `at`: an outage like any other (RULES 8).
    ///
    /// It stands right behind a seal, so it waits while a frame has begun; `false` then, and
    /// once the sale has closed.
    pub fn note_suspension(&mut self, at: Timestamp) -> bool {
        if self.sale.is_closed() || !self.frame.lines.is_empty() {
            return false;
        }
        let from = self.sale.last();
        let to = at.max(from);
        match self.sale.decide(to, Input::Outage { from }) {
            Ok(outage) => {
                self.enter_event(outage);
                true
            }
            Err(_) => false,
        }
    }

    /// Notes that wall clock and official time are newly apart (RULES 1.4); `false` if they
    /// are not. `accepted`: the operator took it on at a start, by `--accept-clock`.
    pub fn note_clock(&mut self, at: Timestamp, wall: Timestamp, accepted: bool) -> bool {
        let at = self.arrive(at);
        match self.sale.decide(at, Input::Clock { wall, accepted }) {
            Ok(event) => {
                self.enter_event(event);
                true
            }
            Err(_) => false,
        }
    }
}

fn bid_key_of(enrolment: &Enrolment) -> Option<BidKey> {
    match &enrolment.evidence {
        EnrolmentEvidence::Signed { bid_key, .. } => Some(*bid_key),
        EnrolmentEvidence::Attested => None,
    }
}
