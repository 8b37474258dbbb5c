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
mod birth;
mod recovery;

pub use answers::{Answer, Own, Pending, Proof, Released, Welcome, WelcomeRefusal};
pub use birth::Newborn;
pub use recovery::{Recovered, Recovery, RecoveryRefusal};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::auction::event::{Bid, Event, Input};
use crate::auction::money::Amount;
use crate::auction::name::Name;
use crate::auction::refusal::{Code, Refusal, Unfit};
use crate::auction::sale::Sale;
use crate::ledger::chain::{Chain, Chained};
use crate::ledger::checkpoint::{SealingKey, SignedCheckpoint};
use crate::ledger::entry::{Draft, Kind};
use crate::ledger::hash::Hash;
use crate::ledger::store::Committed;
use crate::limits::COUNTED_KEYS_PER_LINE_MAX;
use crate::record::{
    self, AcceptedBid, AttestedBid, Authenticated, BidEvidence, BidKey, Counts, Enrolled,
    Enrolment, EnrolmentEvidence, Forged, Head, Opening, RefusedBid, Revocation, SignedBid,
};
use crate::roster::{Roster, Signature};
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
            let event = self.sale.decide(at, input).expect("what is due is taken when it is due");
            self.enter_event(event);
        }
    }

    /// Does what is due before an input that was read at `at`, and gives the input its
    /// time: never below the last entry's (RULES 1.1).
    fn arrive(&mut self, at: Timestamp) -> Timestamp {
        let at = at.max(self.sale.last());
        self.advance(at);
        at
    }

    /// Takes a signed bid that was read at `at` and waited `lag_us` microseconds.
    ///
    /// The same bytes again get the same answer and enter nothing.
    pub fn submit(&mut self, at: Timestamp, lag_us: u64, bid: Authenticated<SignedBid>) -> Pending {
        let at = self.arrive(at);
        if let Some(known) = self.known(&bid) {
            return Pending::of(known);
        }
        if self.sale.is_closed() {
            // Nothing can be entered any more; the refusals keep their order.
            let refused = self.decide_bid(at, &bid).err();
            return refused.map_or(Pending::refused(Code::Closed), |refused| refused.pending());
        }
        self.open_frame();
        match self.decide_bid(at, &bid) {
            Ok(event) => self.accept(event, BidEvidence::Signed(bid.into_inner()), lag_us),
            Err(refused) => self.refuse(at, bid.into_inner(), refused),
        }
    }

    /// What the same bytes were answered before.
    fn known(&self, bid: &SignedBid) -> Option<Known> {
        let digest = digest(bid);
        let counted = || {
            let (last, known) = self.counted_answers.get(&bid.statement.bid_key)?;
            (*last == digest).then_some(*known)
        };
        self.answers.get(&digest).copied().or_else(counted)
    }

    fn decide_bid(&self, at: Timestamp, bid: &SignedBid) -> Result<Event, Refused> {
        let role = self.roster.judge_bid(at, bid, Signature::Good)?;
        let statement = &bid.statement;
        let input = Bid {
            bidder: statement.bidder.clone(),
            role,
            lot: statement.lot.clone(),
            amount: statement.amount,
        };
        Ok(self.decide_by_rules(at, input)?)
    }

    fn decide_by_rules(&self, at: Timestamp, bid: Bid) -> Result<Event, Refusal> {
        match self.sale.decide(at, Input::Bid(bid)) {
            Ok(event) => Ok(event),
            Err(Unfit::Refused(refusal)) => Err(refusal),
            Err(fault) => panic!("the floor has advanced the sale to {at}: {fault}"),
        }
    }

    fn accept(&mut self, event: Event, evidence: BidEvidence, lag_us: u64) -> Pending {
        let accepted = AcceptedBid { evidence, ends_at: event.ends_at(), lag_us };
        let seq = self.append(record::draft_bid(&accepted, event.at));
        self.sale.apply(&event);
        self.frame.events.push(event);
        if let BidEvidence::Signed(bid) = &accepted.evidence {
            self.roster.spend(bid);
            self.answers.insert(digest(bid), Known::Accepted { seq });
        }
        Pending::of(Known::Accepted { seq })
    }

    /// Records a refusal of a bid whose signature verified: whole within the cap, else counted.
    fn refuse(&mut self, at: Timestamp, bid: SignedBid, refused: Refused) -> Pending {
        if self.roster.knows(&bid) {
            self.record_refusal(at, bid, refused.code(), refused.known());
        } else {
            self.count(refused.code());
        }
        refused.pending()
    }

    fn record_refusal(&mut self, at: Timestamp, bid: SignedBid, code: Code, known: Known) {
        let digest = digest(&bid);
        let refused = RefusedBid { bid, code };
        let draft = record::draft_refused(&refused, at);
        if self.roster.may_record(at, &refused.bid.statement.bidder, draft.body.len()) {
            self.answers.insert(digest, known);
            // What it rests on stands before it: a reader knows a counted number by its summary.
            if self.frame.counted_keys.contains_key(&refused.bid.statement.bid_key) {
                self.flush_counts();
            }
            self.roster.apply_refusal(at, &refused.bid, draft.body.len());
            self.append_outside_the_rules(draft);
        } else {
            let statement = &refused.bid.statement;
            self.counted_answers.insert(statement.bid_key, (digest, known));
            let n = self.frame.counted_keys.entry(statement.bid_key).or_insert(0);
            *n = (*n).max(statement.n);
            self.roster.spend(&refused.bid);
            self.count(code);
        }
    }

    /// Takes a bid whose signature does not verify: refused, and counted only.
    pub fn submit_forged(&mut self, at: Timestamp, forged: &Forged) -> Pending {
        let at = self.arrive(at);
        let code = match self.roster.judge_bid(at, &forged.bid, Signature::Bad) {
            Ok(_) => Code::BadSignature,
            Err(code) => code,
        };
        if !self.sale.is_closed() {
            self.open_frame();
            self.count(code);
        }
        Pending::refused(code)
    }

    /// Takes a hand-typed bid that the house saw on a session (LEDGER 3, `attested`).
    pub fn submit_attested(
        &mut self,
        at: Timestamp,
        lag_us: u64,
        session: &Authenticated<Enrolled>,
        bid: Authenticated<AttestedBid>,
    ) -> Pending {
        let at = self.arrive(at);
        if self.sale.is_closed() {
            return Pending::refused(Code::Closed);
        }
        self.open_frame();
        match self.decide_attested(at, session, &bid) {
            Ok(event) => self.accept(event, BidEvidence::from(&*bid), lag_us),
            Err(refused) => {
                self.count(refused.code());
                refused.pending()
            }
        }
    }

    fn decide_attested(
        &mut self,
        at: Timestamp,
        session: &Authenticated<Enrolled>,
        bid: &AttestedBid,
    ) -> Result<Event, Refused> {
        if !self.roster.is_attested(&session.identity) {
            self.roster.judge_enrolment(at, session)?;
            self.enter_enrolment(at, session);
        }
        let role = self.roster.judge_attested(at, &bid.bidder)?;
        let input =
            Bid { bidder: bid.bidder.clone(), role, lot: bid.lot.clone(), amount: bid.amount };
        Ok(self.decide_by_rules(at, input)?)
    }

    /// Takes an enrolment whose chain and signatures have been checked.
    ///
    /// The same enrolment again gets the same answer and enters nothing.
    pub fn enrol(&mut self, at: Timestamp, enrolled: &Authenticated<Enrolled>) -> Pending {
        let at = self.arrive(at);
        if let Some(seq) = self.enrolled_seq(enrolled) {
            return Pending::of(Known::Accepted { seq });
        }
        if self.sale.is_closed() {
            return Pending::refused(Code::Closed);
        }
        match self.roster.judge_enrolment(at, enrolled) {
            Ok(()) => {
                self.open_frame();
                let seq = self.enter_enrolment(at, enrolled);
                Pending::of(Known::Accepted { seq })
            }
            Err(code) => Pending::refused(code),
        }
    }

    fn enrolled_seq(&self, enrolled: &Enrolled) -> Option<u64> {
        let EnrolmentEvidence::Signed { bid_key, .. } = &enrolled.enrolment.evidence else {
            return None;
        };
        let own = self.own.get(&enrolled.identity.name)?;
        let same = |own: &&Own| own.bid_key == Some(*bid_key) && own.cert == enrolled.identity.cert;
        own.iter().find(same).map(|own| own.seq)
    }

    fn enter_enrolment(&mut self, at: Timestamp, enrolled: &Authenticated<Enrolled>) -> u64 {
        let draft = record::draft_enrol(&enrolled.enrolment, at);
        let seq = self.append_outside_the_rules(draft);
        let line: Arc<[u8]> = self.frame.lines.last().expect("just appended").bytes().into();
        self.note_enrolment(seq, line, enrolled);
        seq
    }

    fn note_enrolment(&mut self, seq: u64, line: Arc<[u8]>, enrolled: &Enrolled) {
        self.roster.apply_enrolment(enrolled);
        let own = Own {
            seq,
            line,
            cert: enrolled.identity.cert,
            bid_key: bid_key_of(&enrolled.enrolment),
        };
        self.own.entry(enrolled.identity.name.clone()).or_default().push(own);
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

    fn enter_event(&mut self, event: Event) {
        self.open_frame();
        let draft = record::draft_event(&event).expect("bids are entered by `accept`");
        self.append(draft);
        self.sale.apply(&event);
        self.frame.events.push(event);
    }

    fn append_outside_the_rules(&mut self, draft: Draft) -> u64 {
        self.open_frame();
        self.sale.elapse(draft.at);
        self.append(draft)
    }

    fn append(&mut self, draft: Draft) -> u64 {
        let chained = self.chain.append(draft).expect("checked parts fit a line, in time");
        let seq = chained.seq();
        self.frame.lines.push(chained);
        seq
    }

    /// Begins a frame with the seal line that the last one left owing.
    fn open_frame(&mut self) {
        if self.frame.lines.is_empty() && self.seal_owed {
            self.append_owed_seal();
        }
    }

    fn append_owed_seal(&mut self) {
        let chained = self.chain.append_seal(&self.newest).expect("a seal fits a line");
        let checkpoint = self.newest.checkpoint();
        self.roster.apply_seal(Head { root: checkpoint.root, size: checkpoint.size });
        self.frame.lines.push(chained);
        self.seal_owed = false;
    }

    fn count(&mut self, code: Code) {
        *self.frame.counted.entry(code).or_insert(0) += 1;
    }

    /// Enters the summary of the refusals that were only counted, before the
    /// answers that it belongs to go out (LEDGER 1, `refusal`).
    fn flush_counts(&mut self) {
        let at = self.sale.last();
        let mut counts: Vec<(Code, u64)> =
            std::mem::take(&mut self.frame.counted).into_iter().collect();
        let keys: Vec<(BidKey, u64)> =
            std::mem::take(&mut self.frame.counted_keys).into_iter().collect();
        let mut keys = keys.chunks(COUNTED_KEYS_PER_LINE_MAX);
        while !counts.is_empty() {
            let summary = Counts {
                counts: std::mem::take(&mut counts),
                keys: keys.next().unwrap_or_default().to_vec(),
            };
            self.append_outside_the_rules(record::draft_counts(&summary, at));
        }
        for rest in keys {
            let summary = Counts { counts: Vec::new(), keys: rest.to_vec() };
            self.append_outside_the_rules(record::draft_counts(&summary, at));
        }
    }

    /// The open frame's lines, for one write and one sync. With nothing entered it is
    /// the seal line that is still owed, by itself, or nothing at all.
    pub fn take_frame(&mut self) -> Vec<Chained> {
        self.flush_counts();
        self.open_frame();
        std::mem::take(&mut self.frame.lines)
    }

    /// Whether a seal line is owed, to be written by itself when nothing else waits.
    pub const fn owes_seal(&self) -> bool {
        self.seal_owed
    }

    /// Takes back a frame that is durable, and signs the checkpoint of the tree
    /// that it completes, unless the frame was a seal line by itself.
    pub fn committed(&mut self, lines: Vec<Committed>) -> After {
        let news = lines.iter().any(|line| line.kind() != Kind::Seal);
        if news {
            self.seal_durable_tree();
        }
        let events = std::mem::take(&mut self.frame.events);
        let released = Released { lines, events, checkpoint: self.newest.clone() };
        if !self.sale.is_closed() || self.key.is_none() {
            return After::Released(released);
        }
        self.seal_the_close(released, news)
    }

    fn seal_the_close(&mut self, released: Released, news: bool) -> After {
        if news {
            self.frame.events = released.events;
            self.held = released.lines;
            self.append_owed_seal();
            return After::SealFirst(std::mem::take(&mut self.frame.lines));
        }
        self.key = None;
        let mut lines = std::mem::take(&mut self.held);
        lines.extend(released.lines);
        After::Released(Released { lines, ..released })
    }

    fn seal_durable_tree(&mut self) {
        let key = self.key.as_ref().expect("nothing is entered once the sale is finished");
        self.newest = key.sign(self.chain.size(), self.chain.root());
        self.notes.insert(self.chain.size(), self.newest.note().into());
        self.seal_owed = true;
    }
}

/// By what the same bytes are known again: the statement and its signature.
fn digest(bid: &SignedBid) -> Hash {
    let mut bytes = bid.statement.to_canonical();
    bytes.extend_from_slice(&bid.signature);
    Hash::of(&bytes)
}

fn bid_key_of(enrolment: &Enrolment) -> Option<BidKey> {
    match &enrolment.evidence {
        EnrolmentEvidence::Signed { bid_key, .. } => Some(*bid_key),
        EnrolmentEvidence::Attested => None,
    }
}

/// A refusal by the roster or by the rules.
enum Refused {
    ByRoster(Code),
    ByRules(Refusal),
}

impl Refused {
    const fn code(&self) -> Code {
        match self {
            Self::ByRoster(code) => *code,
            Self::ByRules(refusal) => refusal.code(),
        }
    }

    const fn known(&self) -> Known {
        let least = match self {
            Self::ByRules(Refusal::TooLow { least }) => Some(*least),
            Self::ByRoster(_) | Self::ByRules(_) => None,
        };
        Known::Refused { code: self.code(), least }
    }

    const fn pending(&self) -> Pending {
        Pending::of(self.known())
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self::ByRoster(code)
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::ByRules(refusal)
    }
}
