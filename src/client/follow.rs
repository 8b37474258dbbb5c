//! Checks every line that arrives before anybody believes it: chain, tree,
//! seals, and, from line 0 on, the rules of the auction.
//!
//! Pure: lines in, entries out. It shares the rules with the house, as the
//! auditor does, and keeps no roster: whether somebody may bid is the auditor's
//! question, what stands and when it ends is everybody's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::greeting::{KnownSale, head_of};
use crate::auction::catalogue::LotTerms;
use crate::auction::event::{Event, Input};
use crate::auction::name::Role;
use crate::auction::refusal::Unfit;
use crate::auction::sale::Sale;
use crate::ledger::merkle::leaf_hash;
use crate::ledger::{
    ChainError, CheckpointError, Frontier, Hash, Kind, Line, LineError, SignedCheckpoint,
};
use crate::limits::{PROMISED_HEADS_MAX, RECENT_HEADS_MAX};
use crate::record::{BidEvidence, CatalogueFault, Head, Record, RecordError, catalogue};
use crate::time::Timestamp;

/// A line of the ledger that was checked, with what it says.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its time; a seal has none.
    pub at: Option<Timestamp>,
    /// The line itself, without LF.
    pub line: String,
    /// What it says.
    pub record: Record,
    /// What it means to the rules, if it is their affair.
    pub event: Option<Event>,
}

/// Why a line is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowFault {
    /// It is none.
    #[error("line {seq} is not a line of a ledger: {reason}")]
    Line {
        /// Its place.
        seq: u64,
        /// What is wrong.
        #[source]
        reason: LineError,
    },
    /// It does not follow the line before it.
    #[error("line {seq} does not follow the line before it: {reason}")]
    Chain {
        /// Its place.
        seq: u64,
        /// What is wrong.
        #[source]
        reason: ChainError,
    },
    /// Its body cannot be read.
    #[error("the body of line {seq} cannot be read: {reason}")]
    Record {
        /// Its place.
        seq: u64,
        /// What is wrong.
        #[source]
        reason: RecordError,
    },
    /// A seal that is not signed by the sale's key.
    #[error("the seal on line {seq} does not stand: {reason}")]
    Seal {
        /// Its place.
        seq: u64,
        /// What is wrong.
        #[source]
        reason: CheckpointError,
    },
    /// The tree over the lines that we saw is not the one that the house signed.
    #[error(
        "FORK: the first {size} lines that the server shows us are not the ones that the house signed"
    )]
    Root {
        /// How many lines.
        size: u64,
    },
    /// The lots are not those that line 0 announces.
    #[error("the catalogue is not the one that line 0 announces: {0}")]
    Catalogue(#[from] CatalogueFault),
    /// The rules would not have led to this entry.
    #[error("the house breaks the rules of the auction on line {seq}: {reason}")]
    Rules {
        /// The entry.
        seq: u64,
        /// What the rules say.
        reason: String,
    },
}

/// How a checkpoint that does not contradict the lines stands to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is over the lines that we saw.
    Matches,
    /// It is over lines that we have not all seen yet, and is held against them then.
    Awaited,
    /// It is over so few lines that nobody here knows their root any more.
    TooOld,
}

/// Follows a ledger line by line.
#[derive(Debug)]
pub struct Follower {
    sale: Arc<KnownSale>,
    frontier: Frontier,
    /// The hash of the last line; unknown when the client came in the middle.
    prev: Option<Hash>,
    last_at: Option<Timestamp>,
    /// The newest heads, sizes rising.
    heads: VecDeque<Head>,
    /// The newest seal that was seen.
    sealed: Option<SignedCheckpoint>,
    /// What the house signed for sizes which we have not reached yet.
    promised: BTreeMap<u64, SignedCheckpoint>,
    replay: Replay,
}

/// How far the rules are replayed.
#[derive(Debug)]
enum Replay {
    /// They are not: the client came in the middle.
    No,
    /// The catalogue's lots gather.
    Catalogue(Vec<LotTerms>),
    /// The sale runs.
    Running(Box<Sale>),
}

impl Follower {
    /// Follows from line 0 and replays the rules.
    pub fn from_the_start(sale: Arc<KnownSale>) -> Self {
        Self::new(sale, Frontier::new(), Some(Hash::ZERO), Replay::Catalogue(Vec::new()))
    }

    /// Follows from a tree whose root was checked; what stands in it stays unknown.
    pub(super) fn from_tree(sale: Arc<KnownSale>, tree: Frontier) -> Self {
        let head = Head { root: tree.root(), size: tree.size() };
        let mut follower = Self::new(sale, tree, None, Replay::No);
        follower.note_head(head);
        follower
    }

    fn new(sale: Arc<KnownSale>, frontier: Frontier, prev: Option<Hash>, replay: Replay) -> Self {
        Self {
            sale,
            frontier,
            prev,
            last_at: None,
            heads: VecDeque::new(),
            sealed: None,
            promised: BTreeMap::new(),
            replay,
        }
    }

    /// The number of the next line.
    pub const fn next(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over the lines so far.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Whether the last line is a seal.
    pub fn is_sealed(&self) -> bool {
        self.sealed.as_ref().is_some_and(|sealed| sealed.checkpoint().size + 1 == self.next())
    }

    /// The newest seal that was seen.
    pub const fn sealed(&self) -> Option<&SignedCheckpoint> {
        self.sealed.as_ref()
    }

    /// The sale as it stands, if it was followed from line 0.
    pub fn standing(&self) -> Option<&Sale> {
        match &self.replay {
            Replay::Running(sale) => Some(sale),
            Replay::No | Replay::Catalogue(_) => None,
        }
    }

    /// Whether every line was seen from the first on.
    pub const fn saw_everything(&self) -> bool {
        !matches!(self.replay, Replay::No)
    }

    /// Holds a checkpoint that the house signed against what we saw, or will see.
    pub fn hold_to(&mut self, signed: &SignedCheckpoint) -> Result<Held, FollowFault> {
        let head = head_of(signed);
        let is_known = self.promised.contains_key(&head.size);
        let (known, held) = if head.size > self.next() {
            // A house could promise larger and larger trees until the memory ends.
            if !is_known && self.promised.len() >= PROMISED_HEADS_MAX {
                return Ok(Held::Awaited);
            }
            let promise = self.promised.entry(head.size).or_insert_with(|| signed.clone());
            (Some(head_of(promise).root), Held::Awaited)
        } else if head.size == self.next() {
            (Some(self.root()), Held::Matches)
        } else {
            let at = self.heads.binary_search_by_key(&head.size, |known| known.size);
            match at {
                Ok(at) => (Some(self.heads[at].root), Held::Matches),
                Err(_) => (None, Held::TooOld),
            }
        };
        match known {
            Some(root) if root != head.root => Err(FollowFault::Root { size: head.size }),
            Some(_) | None => Ok(held),
        }
    }

    /// What the house had signed for a size before the lines, or another checkpoint,
    /// contradicted it.
    pub(super) fn promised(&self, size: u64) -> Option<&SignedCheckpoint> {
        self.promised.get(&size)
    }

    /// Checks the next line and says what it means.
    pub fn take(&mut self, line: &str) -> Result<Entry, FollowFault> {
        let seq = self.next();
        let parsed =
            Line::parse(line.as_bytes()).map_err(|reason| FollowFault::Line { seq, reason })?;
        self.check_links(&parsed)?;
        let record = Record::read(&parsed).map_err(|reason| FollowFault::Record { seq, reason })?;
        if let Record::Seal { note } = &record {
            self.take_seal(seq, note)?;
        }
        let (kind, at) = (parsed.kind, parsed.at);
        let event = self.replay(seq, kind, at, &record)?;
        self.frontier.append(leaf_hash(line.as_bytes()));
        self.prev = Some(Hash::of(line.as_bytes()));
        self.last_at = self.last_at.max(at);
        self.keep_promise()?;
        Ok(Entry { seq, at, line: line.to_owned(), record, event })
    }

    fn check_links(&self, line: &Line<'_>) -> Result<(), FollowFault> {
        let seq = self.next();
        let reason = match (self.prev, self.last_at, line.at) {
            _ if line.seq != seq => ChainError::Seq { expected: seq, found: line.seq },
            (Some(expected), _, _) if line.prev != expected => {
                ChainError::Prev { expected, found: line.prev }
            }
            (_, Some(last), Some(found)) if found < last => ChainError::Time { last, found },
            _ => return Ok(()),
        };
        Err(FollowFault::Chain { seq, reason })
    }

    fn take_seal(&mut self, seq: u64, note: &str) -> Result<(), FollowFault> {
        let sealed =
            self.sale.checkpoint(note).map_err(|reason| FollowFault::Seal { seq, reason })?;
        let head = head_of(&sealed);
        if head.size != seq || head.root != self.root() {
            return Err(FollowFault::Root { size: head.size });
        }
        self.note_head(head);
        self.sealed = Some(sealed);
        Ok(())
    }

    fn note_head(&mut self, head: Head) {
        if self.heads.len() == RECENT_HEADS_MAX {
            self.heads.pop_front();
        }
        self.heads.push_back(head);
    }

    fn keep_promise(&mut self) -> Result<(), FollowFault> {
        let size = self.next();
        match self.promised.get(&size).map(|promise| head_of(promise).root) {
            // It stays for the evidence.
            Some(root) if root != self.root() => Err(FollowFault::Root { size }),
            Some(_) => {
                self.promised.remove(&size);
                Ok(())
            }
            None => Ok(()),
        }
    }

    // ---- The rules ----

    fn replay(
        &mut self,
        seq: u64,
        kind: Kind,
        at: Option<Timestamp>,
        record: &Record,
    ) -> Result<Option<Event>, FollowFault> {
        match (&mut self.replay, record) {
            (Replay::Catalogue(_), Record::Open(_)) if seq == 0 => Ok(None),
            (Replay::Catalogue(lots), Record::Lot(terms)) => {
                lots.push((**terms).clone());
                self.open_when_complete()?;
                Ok(None)
            }
            (Replay::Running(sale), _) => {
                judge(sale, seq, at, record).map_err(|reason| FollowFault::Rules { seq, reason })
            }
            (Replay::Catalogue(_), _) => {
                let reason =
                    format!("an entry of type {kind} where a lot of the catalogue belongs");
                Err(FollowFault::Rules { seq, reason })
            }
            (Replay::No, _) => Ok(None),
        }
    }

    fn open_when_complete(&mut self) -> Result<(), FollowFault> {
        let Replay::Catalogue(lots) = &mut self.replay else { return Ok(()) };
        let opening = self.sale.opening();
        if u64::try_from(lots.len()).is_ok_and(|count| count < opening.lot_count) {
            return Ok(());
        }
        let catalogue = Arc::new(catalogue(opening, std::mem::take(lots))?);
        let sale = Sale::open(catalogue, self.sale.opened_at());
        self.replay = Replay::Running(Box::new(sale));
        Ok(())
    }
}

/// Asks the rules again, and compares.
fn judge(
    sale: &mut Sale,
    seq: u64,
    at: Option<Timestamp>,
    record: &Record,
) -> Result<Option<Event>, String> {
    let event = match (record, at) {
        (Record::Seal { .. }, _) => return Ok(None),
        (Record::Event(event), _) => event.clone(),
        // That it is a bidder's or a clerk's is the roster's affair.
        (Record::Bid(bid), Some(at)) => bid.event(role_of(&bid.evidence), seq, at),
        (Record::Act(recorded), Some(at)) => {
            recorded.event(Role::Auctioneer, at).ok_or("an act that enters a bid")?
        }
        (
            Record::Enrol(_) | Record::Refused(_) | Record::Counted(_) | Record::Revoke(_),
            Some(at),
        ) => {
            sale.check_time(at).map_err(|unfit| unfit.to_string())?;
            sale.elapse(at);
            return Ok(None);
        }
        (Record::Open(_) | Record::Lot(_), _) => {
            return Err("an opening or a lot after the catalogue".to_owned());
        }
        (_, None) => return Err("an entry without a time".to_owned()),
    };
    match decide(sale, &event) {
        Ok(decided) if decided == event => {
            sale.apply(&event);
            Ok(Some(event))
        }
        Ok(_) => Err("they lead to something else".to_owned()),
        Err(unfit) => Err(unfit.to_string()),
    }
}

/// The least role that makes such a bid.
const fn role_of(evidence: &BidEvidence) -> Role {
    match evidence {
        BidEvidence::Signed(_) | BidEvidence::Attested { .. } => Role::Bidder,
        BidEvidence::Clerk(_) => Role::Clerk,
    }
}

fn decide(sale: &Sale, event: &Event) -> Result<Event, Unfit> {
    let input: Input = event.input();
    sale.decide(event.at, input)
}
