//! A session: one client's standing with one sale, over as many connections as
//! it takes. Whoever holds it asks, bids, and hears what happens.
//!
//! Every wait can be dropped and taken up again, so that one task may wait for
//! the server and for its user at once. What was lost with a connection is not
//! lost: bids whose answer is missing are sent again, byte for byte, and their
//! answer then says whether they landed.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::alarm::Alarm;
use super::bidding::{BidAnswer, Pen, ReceiptFault, bid_of, request_of};
use super::channel::ChannelFault;
use super::connect::{Caller, ConnectError};
use super::follow::{Entry, FollowFault, Follower};
use super::greeting::{GreetingFault, KnownSale};
use super::link::Link;
use super::memory::{Memory, MemoryFault};
use super::place::{Place, PlaceFault};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, SaleId};
use crate::auction::refusal::Code;
use crate::ledger::{CheckpointError, SignedCheckpoint};
use crate::pki::{Address, SigningFault};
use crate::record::{Head, SignedBid};
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

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was lost.
    #[error("{why}")]
    Lost {
        /// How.
        why: String,
    },
    /// The server says nothing any more.
    #[error("the server has fallen silent")]
    Silent,
    /// There is no connection now; the session is trying to get one.
    #[error("there is no connection to the server now")]
    Offline,
    /// The server runs another sale.
    #[error("the server does not run the sale {sale}")]
    OtherSale {
        /// The sale that we want.
        sale: SaleId,
    },
    /// The server refuses to begin.
    #[error("the server refuses: {message}")]
    NotWelcome {
        /// Why.
        code: Code,
        /// What it says, fit to be shown.
        message: String,
    },
    /// The server's welcome is not believed.
    #[error("{fault}")]
    Greeting {
        /// What is wrong.
        fault: GreetingFault,
        /// Where the evidence is kept, if it is.
        evidence: Option<PathBuf>,
    },
    /// A line of the ledger is not believed.
    #[error("{fault}")]
    Follow {
        /// What is wrong.
        fault: FollowFault,
        /// Where the evidence is kept, if it is.
        evidence: Option<PathBuf>,
    },
    /// A receipt is not believed.
    #[error("the server's receipt does not stand: {0}")]
    Receipt(#[from] ReceiptFault),
    /// A checkpoint is not believed.
    #[error("the server's checkpoint does not stand: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The server breaks the protocol.
    #[error("the server breaks the protocol: {reason}")]
    Protocol {
        /// How.
        reason: String,
    },
    /// The bid key was not taken.
    #[error("the bid key was not enrolled: {message}")]
    NotEnrolled {
        /// Why.
        code: Code,
        /// What the server says, fit to be shown.
        message: String,
    },
    /// The memory fails.
    #[error(transparent)]
    Memory(#[from] MemoryFault),
    /// The certificate's key cannot sign.
    #[error(transparent)]
    Signing(#[from] SigningFault),
}

impl SessionError {
    /// Whether the next connection may do better.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_passing(),
            Self::Lost { .. } | Self::Silent | Self::Offline => true,
            Self::NotWelcome { code, .. } => matches!(code, Code::Busy | Code::SlowDown),
            Self::OtherSale { .. }
            | Self::Greeting { .. }
            | Self::Follow { .. }
            | Self::Receipt(_)
            | Self::Checkpoint(_)
            | Self::Protocol { .. }
            | Self::NotEnrolled { .. }
            | Self::Memory(_)
            | Self::Signing(_) => false,
        }
    }
}

impl From<ChannelFault> for SessionError {
    fn from(fault: ChannelFault) -> Self {
        match fault {
            ChannelFault::Broken(_) | ChannelFault::Ended => Self::Lost { why: fault.to_string() },
            ChannelFault::Line(_) | ChannelFault::Message(_) => {
                Self::Protocol { reason: fault.to_string() }
            }
        }
    }
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
    /// Bids whose answer is missing and that nothing is on its way for.
    pub(super) unsettled: BTreeMap<u64, SentBid>,
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
    Bid(Box<SentBid>),
    Enrol,
    Hello,
    Lots,
    Since,
}

/// A bid on its way.
#[derive(Debug)]
pub(super) struct SentBid {
    pub(super) bid: SignedBid,
    /// How often it was answered `busy`.
    pub(super) busy: u32,
}

impl SentBid {
    pub(super) const fn new(bid: SignedBid) -> Self {
        Self { bid, busy: 0 }
    }

    pub(super) fn placed(&self) -> PlacedBid {
        placed(&self.bid)
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

    /// The sale's official time, as far as one can know it here.
    pub fn official_now(&self) -> Timestamp {
        self.place().official_now()
    }

    /// Whether a connection stands now.
    pub const fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Whether the ledger's enrolments under our name have all been seen.
    pub fn is_roster_checked(&self) -> bool {
        self.caught_up && self.follower().is_some_and(Follower::saw_everything)
    }

    /// The folder in which receipts are kept, if they are.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.place().memory.folder()
    }

    fn place(&self) -> &Place {
        self.place.as_ref().expect("a session is given out after its first welcome")
    }

    pub(super) fn place_mut(&mut self) -> &mut Place {
        self.place.as_mut().expect("a session is given out after its first welcome")
    }

    // ---- Bidding ----

    /// Enrols a bid key for this sale, if none of ours is; waits for the receipt.
    pub async fn enrol(&mut self) -> Result<(), SessionError> {
        self.take_pen()?;
        while !self.is_enrolled() {
            if self.link.is_up() && !self.has_asked(|asked| matches!(asked, Asked::Enrol)) {
                self.send_enrolment()?;
            }
            self.step().await?;
        }
        Ok(())
    }

    fn is_enrolled(&self) -> bool {
        self.place().pen.as_ref().is_some_and(|pen| pen.enrolled)
    }

    fn has_asked(&self, which: impl Fn(&Asked) -> bool) -> bool {
        self.asked.values().any(which)
    }

    /// Takes up the bid key of this sale and certificate; makes it if there is none.
    fn take_pen(&mut self) -> Result<(), SessionError> {
        let cert = self.caller.credential().identity.cert;
        let place = self.place_mut();
        if place.pen.is_none() {
            place.pen = Some(Pen::new(place.memory.make_bid_key(&cert)?));
        }
        Ok(())
    }

    pub(super) fn send_enrolment(&mut self) -> Result<(), SessionError> {
        let id = self.take_id();
        let place = self.place();
        let Some(pen) = &place.pen else { return Ok(()) };
        let request = pen.enrol(id, self.caller.credential(), place.sale.sale_hash())?;
        self.send(&request, Asked::Enrol)
    }

    /// Signs a bid, puts it on the disk and sends it; the answer comes as [`Happened::Bid`].
    ///
    /// Enrols first where that is needed, and waits for that.
    pub async fn send_bid(
        &mut self,
        lot: LotId,
        amount: Amount,
    ) -> Result<PlacedBid, SessionError> {
        if !self.link.is_up() {
            return Err(SessionError::Offline);
        }
        self.enrol().await?;
        let name = self.caller.credential().identity.name.clone();
        let id = self.take_id();
        let place = self.place_mut();
        let head: Head = place.head()?;
        let n = place.memory.take_n()?;
        let pen = place.pen.as_ref().expect("whoever is enrolled has a bid key");
        let bid = pen.bid(place.sale.sale_hash(), head, n, &name, lot, amount);
        let request = request_of(id, &bid);
        place.memory.keep_unanswered(n, &request)?;
        let placed = placed(&bid);
        self.send(&request, Asked::Bid(Box::new(SentBid::new(bid))))?;
        // A broken connection shows at the next step; the bid is kept and sent again then.
        self.link.flush().await;
        Ok(placed)
    }

    /// Places a bid and waits for its outcome; what else happens waits for [`Session::next`].
    pub async fn bid(&mut self, lot: LotId, amount: Amount) -> Result<BidAnswer, SessionError> {
        let placed = self.send_bid(lot, amount).await?;
        self.outcome_of(placed.n).await
    }

    async fn outcome_of(&mut self, n: u64) -> Result<BidAnswer, SessionError> {
        loop {
            let is_it =
                |happened: &Happened| matches!(happened, Happened::Bid { bid, .. } if bid.n == n);
            if let Some(at) = self.ready.iter().position(is_it) {
                if let Some(Happened::Bid { answer, .. }) = self.ready.remove(at) {
                    return Ok(answer);
                }
            }
            self.step().await?;
        }
    }

    /// The bids of earlier sessions whose outcome is not known.
    pub fn unsettled(&self) -> Result<Vec<PlacedBid>, SessionError> {
        Ok(self.remembered_bids()?.iter().map(placed).collect())
    }

    /// Sends the bids of earlier sessions again, byte for byte, to learn their
    /// outcome; the answers come as [`Happened::Bid`].
    pub async fn settle(&mut self) -> Result<Vec<PlacedBid>, SessionError> {
        let bids = self.remembered_bids()?;
        let placed_bids = bids.iter().map(placed).collect();
        for bid in bids {
            self.send_again(SentBid::new(bid))?;
        }
        self.link.flush().await;
        Ok(placed_bids)
    }

    fn remembered_bids(&self) -> Result<Vec<SignedBid>, SessionError> {
        let name = &self.caller.credential().identity.name;
        let requests = self.place().memory.unanswered()?;
        let bids = requests.iter().filter_map(|request| bid_of(request, name));
        Ok(bids.filter(|bid| !self.is_on_its_way(bid.statement.n)).collect())
    }

    fn is_on_its_way(&self, n: u64) -> bool {
        let asked = |asked: &Asked| matches!(asked, Asked::Bid(sent) if sent.bid.statement.n == n);
        self.unsettled.contains_key(&n) || self.has_asked(asked)
    }

    /// Sends a bid's own bytes once more.
    pub(super) fn send_again(&mut self, sent: SentBid) -> Result<(), SessionError> {
        let id = self.take_id();
        let request = request_of(id, &sent.bid);
        self.send(&request, Asked::Bid(Box::new(sent)))
    }

    // ---- Asking ----

    /// Asks how lots stand, from the first or after one; the answer comes as [`Happened::Lots`].
    pub async fn send_list(&mut self, after: Option<LotId>) -> Result<RequestId, SessionError> {
        let id = self.take_id();
        self.ask(id, &Request::List { id, after }).await
    }

    /// Asks how a lot stands; the answer comes as [`Happened::Lots`].
    pub async fn send_status(&mut self, lot: LotId) -> Result<RequestId, SessionError> {
        let id = self.take_id();
        self.ask(id, &Request::Status { id, lot }).await
    }

    async fn ask(&mut self, id: RequestId, request: &Request) -> Result<RequestId, SessionError> {
        self.send(request, Asked::Lots)?;
        self.link.flush().await;
        Ok(id)
    }

    /// How all lots stand, by the server's word.
    pub async fn list(&mut self) -> Result<Vec<LotView>, SessionError> {
        let mut all: Vec<LotView> = Vec::new();
        loop {
            let id = self.send_list(all.last().map(|lot| lot.lot.clone())).await?;
            let (lots, more) = self.lots_of(id).await?;
            let ended = lots.is_empty() || !more;
            all.extend(lots);
            if ended {
                return Ok(all);
            }
        }
    }

    /// How one lot stands, by the server's word; `None` if there is none of that id.
    pub async fn status(&mut self, lot: LotId) -> Result<Option<LotView>, SessionError> {
        let id = self.send_status(lot).await?;
        match self.lots_of(id).await {
            Ok((lots, _)) => Ok(lots.into_iter().next()),
            Err(SessionError::NotWelcome { code: Code::NoSuchLot, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn lots_of(&mut self, asked: RequestId) -> Result<(Vec<LotView>, bool), SessionError> {
        let is_it = |happened: &Happened| match happened {
            Happened::Lots { id, .. } | Happened::Unanswered { id } => *id == asked,
            Happened::Refused { id, .. } => *id == Some(asked),
            _ => false,
        };
        loop {
            if let Some(at) = self.ready.iter().position(is_it) {
                return match self.ready.remove(at) {
                    Some(Happened::Lots { lots, more, .. }) => Ok((lots, more)),
                    Some(Happened::Refused { code, message, .. }) => {
                        Err(SessionError::NotWelcome { code, message })
                    }
                    _ => Err(SessionError::Offline),
                };
            }
            self.step().await?;
        }
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

impl From<PlaceFault> for SessionError {
    fn from(fault: PlaceFault) -> Self {
        match fault {
            PlaceFault::Memory(fault) => Self::Memory(fault),
            PlaceFault::Follow { fault, .. } => Self::Follow { fault, evidence: None },
        }
    }
}
