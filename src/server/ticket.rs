//! What a session asks of the floor, and what it is told.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::cosigned::Cosigned;
use super::fanout::{Cursor, Told};
use super::session::Ending;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name};
use crate::auction::refusal::Code;
use crate::house::{Proof, Welcome};
use crate::ledger::canonical::push_string;
use crate::ledger::hash::Hash;
use crate::time::Timestamp;
use crate::wire::json::RequestId;
use crate::wire::lot::LotView;

/// Where an answer goes. It holds one of the session's places for requests in
/// flight, until the answer has been written.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) asked: Asked,
    pub(super) out: mpsc::Sender<Box<Outgoing>>,
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// What the answer has to repeat.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// A request of `gavel/1`.
    Gavel { id: RequestId },
    /// A `hello`, with or without a checkpoint, by somebody who wants cosigned ones or not, and
    /// live lines or not.
    Hello { id: RequestId, noted: bool, cosigned: bool, quiet: bool },
    /// A `list` of `gavel/1`, from behind a lot.
    List { id: RequestId, after: Option<LotId> },
    /// A snapshot, which nobody asked for.
    Snapshot,
    /// A text command.
    Text,
    /// A text bid.
    TextBid { amount: Amount },
}

/// A question about the sale as it stands, answered between two frames.
#[derive(Debug)]
pub(super) enum Query {
    /// The lines from `seq` on.
    Lines { seq: u64, ticket: Ticket },
    /// One lot.
    Lot { lot: LotId, ticket: Ticket },
    /// All lots.
    Lots { ticket: Ticket },
    /// How everything stands and where live lines go on, for a reader that fell behind.
    Snapshot { ticket: Ticket },
    /// Where a client begins; with the newest cosigned checkpoint, if it wants that.
    Welcome { name: Name, note: Option<String>, cosigned: bool, ticket: Ticket },
    /// The proofs that the tree of the first `to` lines extends those of the sizes in `from`.
    Proofs { from: Vec<u64>, to: u64, answer: oneshot::Sender<Proofs> },
    /// A checkpoint that somebody other than a client shows.
    Shown { by: String, note: String },
}

/// A consistency proof for each size; none for one that the ledger does not have.
pub(super) type Proofs = Vec<Option<Vec<Hash>>>;

impl Query {
    /// Whether somebody who is connected asks.
    pub(super) const fn is_a_sessions(&self) -> bool {
        match self {
            Self::Lines { .. }
            | Self::Lot { .. }
            | Self::Lots { .. }
            | Self::Snapshot { .. }
            | Self::Welcome { .. } => true,
            Self::Proofs { .. } | Self::Shown { .. } => false,
        }
    }

    /// Answers with a code alone.
    pub(super) fn refuse(self, code: Code) {
        match self {
            Self::Lines { ticket, .. }
            | Self::Lot { ticket, .. }
            | Self::Lots { ticket }
            | Self::Snapshot { ticket }
            | Self::Welcome { ticket, .. } => ticket.refuse(code),
            // Who waits sees that no answer comes.
            Self::Proofs { .. } | Self::Shown { .. } => {}
        }
    }
}

/// What a session has to say, in the order in which it was handed over. It travels in a box: a
/// channel keeps room for 32 of them, for every connection, for as long as it stands.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) say: Say,
    /// Given back once it is written.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// What is to be said.
#[derive(Debug)]
pub(super) enum Say {
    /// The floor's answer.
    Answer { asked: Asked, answer: Answer },
    /// Bytes that the session has made itself.
    Bytes(Vec<u8>),
    /// The last word, once everything owed is written.
    Farewell(Ending),
}

/// What the floor answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// It stands in the ledger since an earlier frame; its line is at `line`.
    Earlier { proof: Box<Proof>, line: Range<u64> },
    /// It stands in the ledger. `lot` is there if it was wanted.
    Entered { proof: Box<Proof>, entry: EntryJson, lot: Option<LotView> },
    /// The ledger's lines `from..next` are the file's `bytes`.
    Lines { from: u64, next: u64, bytes: Range<u64>, note: Arc<str> },
    /// One lot, if it exists.
    Lot(Option<LotView>),
    /// All lots.
    Lots(Arc<[LotView]>),
    /// It was refused. `lot` is there if it was wanted and exists.
    Refused { code: Code, least: Option<Amount>, lot: Option<LotView> },
    /// How everything stands; live lines go on at `next`.
    Snapshot { next: u64, lots: Arc<[LotView]>, now: Timestamp, cursor: Cursor },
    /// Where to begin. The lines from the checkpoint's size on that are on the disk
    /// already are the file's `tail`.
    Welcome {
        welcome: Box<Welcome>,
        cosigned: Option<Shown>,
        tail: Range<u64>,
        now: Timestamp,
        cursor: Cursor,
    },
}

/// A line of the ledger as a JSON string, with its quotes. It is a copy where everybody is told of
/// its frame: an answer that waits for a slow reader must not keep the whole of that.
#[derive(Debug)]
pub(super) struct EntryJson(Box<[u8]>);

impl EntryJson {
    /// A line as it stands in the file, without its LF.
    pub(super) fn of_line(line: &[u8]) -> Self {
        let mut json = Vec::new();
        push_string(&mut json, line);
        Self(json.into())
    }

    /// The line `seq`, if it is one of what is told.
    pub(super) fn among(told: &Told, seq: u64) -> Option<Self> {
        told.place(seq).map(|place| Self(told.lines[place].into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A cosigned checkpoint with the proof from its tree to that of the welcome's checkpoint.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) cosigned: Arc<Cosigned>,
    pub(super) proof: Vec<Hash>,
}

impl Ticket {
    /// Hands the answer to the session. The places bound how many can be on
    /// their way, so there is always room; a session that has gone wants none.
    pub(super) fn answer(self, answer: Answer) {
        let Self { asked, out, place } = self;
        let say = Say::Answer { asked, answer };
        let _ = out.try_send(Box::new(Outgoing { say, place }));
    }

    /// Answers with a code alone.
    pub(super) fn refuse(self, code: Code) {
        self.answer(Answer::Refused { code, least: None, lot: None });
    }
}
