//! A session: one client's standing with one sale, over as many connections as
//! it takes. Whoever holds it asks, bids, and hears what happens.
//!
//! Every wait can be dropped and taken up again, so that one task may wait for
//! the server and for its user at once. What was lost with a connection is not
//! lost: bids whose answer is missing are sent again, byte for byte, and their
//! answer then says whether they landed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::alarm::Alarm;
use super::bidding::BidAnswer;
use super::connect::Caller;
use super::cosigned::Cosigned;
use super::fault::SessionError;
use super::follow::{Entry, Follower};
use super::greeting::KnownSale;
use super::link::Link;
use super::memory::Memory;
use super::place::Place;
use crate::auction::money::Amount;
use crate::auction::name::{LotId, SaleId};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::ledger::SignedCheckpoint;
use crate::pki::{Address, Credential, Identity};
use crate::record::{Order, Signed, SignedBid};
use crate::time::{Span, Timestamp};
use crate::wire::json::{Answer, Request, RequestId};
use crate::wire::lot::LotView;

/// How much of the ledger a session follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// All of it, from line 0, with the rules: what stands is known for sure.
    Everything,
    /// From the newest checkpoint on: chain, tree and seals.
    Onward,
    /// None of it; only receipts are checked. For load tests.
    Nothing,
}

/// What a session is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much of the ledger it follows.
    pub following: Following,
    /// The only sale that it takes.
    pub sale: Option<SaleId>,
    /// Whether it connects again when a connection is lost.
    pub reconnect: bool,
}

/// A bid as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedBid {
    /// On which lot.
    pub lot: LotId,
    /// How much.
    pub amount: Amount,
    /// Its number.
    pub n: u64,
}

/// An act of staff as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedAct {
    /// What was ordered.
    pub order: Order,
    /// Its number.
    pub n: u64,
}

/// What a session hears.
#[derive(Debug)]
pub enum Happened {
    /// A connection stands, and the server has proven itself.
    Connected,
    /// The connection is lost; the next attempt follows after `wait`.
    Lost {
        /// Why.
        why: SessionError,
        /// How long until then.
        wait: Span,
    },
    /// A line of the ledger, checked.
    Entry(Box<Entry>),
    /// Something under our name that we did not do.
    Alarm(Alarm),
    /// A newer checkpoint with cosignatures, held against the lines; its witnesses are not checked.
    Cosigned(Box<Cosigned>),
    /// Every line up to this size has been checked.
    CaughtUp {
        /// How many lines there are.
        size: u64,
    },
    /// The outcome of a bid.
    Bid {
        /// Which.
        bid: PlacedBid,
        /// What became of it.
        answer: BidAnswer,
    },
    /// The outcome of an act of staff.
    Act {
        /// Which.
        act: PlacedAct,
        /// What became of it.
        answer: BidAnswer,
    },
    /// Our bid key stands in the ledger.
    Enrolled,
    /// Lots, for display: the server's word, proven by nothing.
    Lots {
        /// The request.
        id: RequestId,
        /// The lots.
        lots: Vec<LotView>,
        /// Whether more follow.
        more: bool,
    },
    /// A request other than a bid was refused.
    Refused {
        /// The request; none when the server speaks of its own accord.
        id: Option<RequestId>,
        /// Why.
        code: Code,
        /// What the server says, fit to be shown.
        message: String,
    },
    /// A question whose answer was lost with the connection.
    Unanswered {
        /// The request.
        id: RequestId,
    },
}

/// One client's standing with one sale.
pub struct Session {
    pub(super) caller: Caller,
    pub(super) address: Address,
    pub(super) root: Memory,
    pub(super) options: Options,
    pub(super) link: Link,
    /// What was remembered of the sale that we expect, before the first welcome.
    pub(super) remembered: Option<Remembered>,
    pub(super) place: Option<Place>,
    pub(super) ready: VecDeque<Happened>,
    pub(super) asked: BTreeMap<RequestId, Asked>,
    /// Bids and acts whose answer is missing and that nothing is on its way for.
    pub(super) unsettled: BTreeMap<u64, Sent>,
    pub(super) next_id: u64,
    pub(super) wait: Span,
    pub(super) caught_up: bool,
    /// The enrolment was answered `busy`.
    pub(super) enrol_again: bool,
}

/// A sale that we know from earlier.
pub(super) struct Remembered {
    pub(super) sale: Arc<KnownSale>,
    pub(super) held: Option<SignedCheckpoint>,
    /// We only think that this sale runs there, as the one visited last.
    pub(super) guessed: bool,
}

/// What was asked, so that the answer can be understood.
pub(super) enum Asked {
    Enrol,
    Hello,
    Lots,
    Sent(Box<Sent>),
    Since,
}

/// A bid or act on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) signed: Signed,
    /// What opens the reserve that an act commits to: for the house alone.
    pub(super) opening: Option<ReserveOpening>,
    /// How often it was answered `busy`.
    pub(super) busy: u32,
}

/// What a session is told of a bid or act that it sent.
pub(super) enum Placed {
    Act(PlacedAct),
    Bid(PlacedBid),
}

impl Sent {
    pub(super) fn new(signed: impl Into<Signed>) -> Self {
        Self { signed: signed.into(), opening: None, busy: 0 }
    }

    /// The number that was used for it.
    pub(super) const fn n(&self) -> u64 {
        self.signed.claim().n
    }

    pub(super) fn placed(&self) -> Placed {
        match &self.signed {
            Signed::Act(act) => {
                let statement = &act.statement;
                Placed::Act(PlacedAct { order: statement.order.clone(), n: statement.n })
            }
            Signed::Bid(bid) => Placed::Bid(placed(bid)),
        }
    }
}

impl Placed {
    /// What is heard when its outcome is known, or stays open.
    pub(super) fn answered(self, answer: BidAnswer) -> Happened {
        match self {
            Self::Act(act) => Happened::Act { act, answer },
            Self::Bid(bid) => Happened::Bid { bid, answer },
        }
    }
}

fn placed(bid: &SignedBid) -> PlacedBid {
    let statement = &bid.statement;
    PlacedBid { lot: statement.lot.clone(), amount: statement.amount, n: statement.n }
}

impl Session {
    /// Connects, and returns once the server has proven itself.
    pub async fn open(
        caller: Caller,
        address: Address,
        memory: Memory,
        options: Options,
    ) -> Result<Self, SessionError> {
        let remembered = Remembered::find(&caller, &memory, options.sale.as_ref())?;
        let link = Link::dial(&caller, &address);
        let mut session = Self {
            caller,
            address,
            root: memory,
            options,
            link,
            remembered,
            place: None,
            ready: VecDeque::new(),
            asked: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            next_id: 1,
            wait: crate::limits::RECONNECT_WAIT_MIN,
            caught_up: false,
            enrol_again: false,
        };
        while session.place.is_none() {
            session.step().await?;
        }
        Ok(session)
    }

    /// Waits for the next thing that happens. Can be dropped and called again.
    pub async fn next(&mut self) -> Result<Happened, SessionError> {
        loop {
            if let Some(happened) = self.ready.pop_front() {
                return Ok(happened);
            }
            self.step().await?;
        }
    }

    /// The sale.
    pub fn sale(&self) -> &KnownSale {
        &self.place().sale
    }

    /// The lines that were followed so far; none for [`Following::Nothing`].
    pub fn follower(&self) -> Option<&Follower> {
        self.place().follower()
    }

    /// The newest checkpoint that was verified.
    pub fn newest(&self) -> &SignedCheckpoint {
        self.place().newest()
    }

    /// The newest cosigned checkpoint, held against the ledger.
    pub fn cosigned(&self) -> Option<&Cosigned> {
        self.place().cosigned()
    }

    /// The sale's official time, as far as one can know it here.
    pub fn official_now(&self) -> Timestamp {
        self.place().official_now()
    }

    /// The credential that the session speaks with.
    pub fn credential(&self) -> &Credential {
        self.caller.credential()
    }

    /// Who that is.
    pub fn identity(&self) -> &Identity {
        &self.caller.credential().identity
    }

    /// Whether every line up to the present was checked once.
    pub const fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// The alarms that wait to be heard.
    pub fn take_alarms(&mut self) -> Vec<Alarm> {
        let (alarms, others): (Vec<Happened>, Vec<Happened>) = std::mem::take(&mut self.ready)
            .into_iter()
            .partition(|happened| matches!(happened, Happened::Alarm(_)));
        self.ready = others.into();
        let alarm = |happened| match happened {
            Happened::Alarm(alarm) => Some(alarm),
            _ => None,
        };
        alarms.into_iter().filter_map(alarm).collect()
    }

    /// Whether a connection stands now.
    pub const fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Whether every line is followed that the server has shown to be signed: after a
    /// connection was lost, what stands here may be long past until then.
    pub fn is_abreast(&self) -> bool {
        let signed = self.newest().checkpoint().size;
        self.is_connected() && self.follower().is_some_and(|follower| follower.next() >= signed)
    }

    /// Whether the ledger's enrolments under our name have all been seen.
    pub fn is_roster_checked(&self) -> bool {
        self.caught_up && self.follower().is_some_and(Follower::saw_everything)
    }

    /// The folder in which receipts are kept, if they are.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.place().memory.folder()
    }

    /// The receipt that is kept for a line of the ledger, if there is one.
    pub fn receipt(&self, seq: u64) -> Result<Option<String>, SessionError> {
        Ok(self.place().memory.receipt(seq)?)
    }

    pub(super) fn place(&self) -> &Place {
        self.place.as_ref().expect("a session is given out after its first welcome")
    }

    pub(super) fn place_mut(&mut self) -> &mut Place {
        self.place.as_mut().expect("a session is given out after its first welcome")
    }

    /// Says goodbye and remembers the newest head.
    pub async fn close(mut self) -> Result<(), SessionError> {
        if let Some(place) = &mut self.place {
            place.head()?;
        }
        let id = self.take_id();
        self.link.close(&Request::Quit { id }).await;
        Ok(())
    }

    // ---- Sending ----

    pub(super) fn take_id(&mut self) -> RequestId {
        let id = RequestId::new(self.next_id).expect("nobody sends 2^53 requests");
        self.next_id += 1;
        id
    }

    /// Puts a request on its way; [`Session::step`] or a flush sends it.
    pub(super) fn send(&mut self, request: &Request, asked: Asked) -> Result<(), SessionError> {
        if !self.link.queue(request) {
            return Err(SessionError::Offline);
        }
        self.asked.insert(request.id(), asked);
        Ok(())
    }
}

/// What the server says about a "no", fit to be shown.
pub(super) fn shown_message(answer: &Answer) -> String {
    match answer {
        Answer::Refused { message, .. } => message
            .chars()
            .filter(|c| crate::auction::name::is_showable(*c))
            .take(crate::limits::SERVER_MESSAGE_CHARS_MAX)
            .collect(),
        _ => String::new(),
    }
}
