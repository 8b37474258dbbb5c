//! Clients that misbehave, each kind in its way, again and again until they are called off.
//!
//! They have a thread and a runtime of their own, so that what they keep from going on is the
//! server and not the bidders' tasks; the machine's cores they share with everybody. What ended
//! them is noted as they themselves read it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::aside::Aside;
use super::bidder;
use super::offer::Offer;
use crate::auction::money::Amount;
use crate::client::{BidAnswer, Caller, ConnectError, SessionError};
use crate::limits::{
    BAD_LINES_MAX, CONNECT_TIMEOUT, REQUESTS_IN_FLIGHT_MAX, SERVER_LINE_BYTES_MAX,
};
use crate::pki::Address;
use crate::wire::frame::Framer;
use crate::wire::json::{Answer, Reply, Request, RequestId, ServerMessage};

/// The beginning of a TLS record that never ends.
const HALF_A_HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
/// How many of them come from one address: a server takes so many strangers from one, and a few
/// more.
const STRANGERS_PER_ADDRESS: usize = 1_000;
/// What the system of a stopped reader takes for it.
const NARROW_BYTES: u32 = 4 * 1024;
/// How long it stays stopped, longer than a server waits for it, until it looks what came.
const STOPPED: Duration = Duration::from_secs(15);
/// How slowly the slow ones write.
const BYTE_EVERY: Duration = Duration::from_secs(1);
/// How long those that were turned away wait, so that they do not only measure themselves.
const COME_BACK_AFTER: Duration = Duration::from_millis(5);
const READ_BYTES: usize = 4 * 1024;

/// A way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Connects and aborts, in the middle of a handshake or before it.
    Aborts,
    /// Lines that are no requests, as many as it takes to be cut; then again.
    BadLines,
    /// Bids under the ask, each as soon as the one before is refused.
    LowBids,
    /// One byte a second: the handshake's, or a request's.
    OneByte,
    /// Sockets that say nothing at all.
    Silent,
    /// Readers that ask for much and read none of it.
    StoppedReader,
}

impl Hostile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Aborts,
        Self::BadLines,
        Self::LowBids,
        Self::OneByte,
        Self::Silent,
        Self::StoppedReader,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aborts => "aborts",
            Self::BadLines => "bad-lines",
            Self::LowBids => "low-bids",
            Self::OneByte => "one-byte",
            Self::Silent => "silent",
            Self::StoppedReader => "stopped-reader",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How many of them there are at once where nobody says.
    pub const fn usual(self) -> u16 {
        match self {
            Self::Aborts | Self::BadLines => 8,
            Self::LowBids => 16,
            Self::OneByte => 200,
            Self::Silent => 2_000,
            Self::StoppedReader => 1,
        }
    }
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aborts => "that connect and abort",
            Self::BadLines => "that send bad lines until they are cut, and come back",
            Self::LowBids => "that bid under the ask",
            Self::OneByte => "that send one byte a second",
            Self::Silent => "whose sockets are silent, and open again when they are cut",
            Self::StoppedReader => "that ask for much and read nothing",
        })
    }
}

/// How often they were ended in which way, as they themselves read it.
pub(super) type Ends = BTreeMap<String, u64>;

/// Whom they go against, and who they are.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) callers: Vec<Caller>,
    pub(super) offer: Arc<Offer>,
}

/// An attack that goes on until it is called off.
pub(super) struct Attack {
    over: watch::Sender<bool>,
    aside: Aside<Ends>,
}

impl Attack {
    /// Begins it, and waits until all of them have begun.
    pub(super) async fn begin(kind: Hostile, count: usize, target: &Target) -> io::Result<Self> {
        let (over, called_off) = watch::channel(false);
        let (begun, mut all_begun) = watch::channel(0_usize);
        let target = target.clone();
        let aside = Aside::begin("hostile", move || async move {
            attack(kind, count, target, &begun, &called_off).await
        })?;
        // One that does not get in shows among the ends.
        let _ = timeout(CONNECT_TIMEOUT.into(), all_begun.wait_for(|begun| *begun >= count)).await;
        Ok(Self { over, aside })
    }

    /// Calls it off; gives what became of them.
    pub(super) async fn end(self) -> Ends {
        self.over.send_replace(true);
        self.aside.end().await.unwrap_or_else(broken_down)
    }
}

async fn attack(
    kind: Hostile,
    count: usize,
    target: Target,
    begun: &watch::Sender<usize>,
    called_off: &watch::Receiver<bool>,
) -> Ends {
    let mut peers = JoinSet::new();
    for place in 0..count {
        let peer = Peer { place, target: target.clone(), begun: begun.clone(), has_begun: false };
        peers.spawn(peer.again_and_again(kind, called_off.clone()));
    }
    let mut ends = Ends::new();
    while let Some(done) = peers.join_next().await {
        for (end, times) in done.unwrap_or_else(|_| broken_down()) {
            *ends.entry(end).or_default() += times;
        }
    }
    ends
}

fn broken_down() -> Ends {
    Ends::from([("panic".to_owned(), 1)])
}

/// One of them.
struct Peer {
    place: usize,
    target: Target,
    begun: watch::Sender<usize>,
    has_begun: bool,
}

/// What ended one of them, for the note.
struct End(String);

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self(match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset".to_owned(),
            io::ErrorKind::UnexpectedEof => "closed".to_owned(),
            kind => kind.to_string(),
        })
    }
}

impl From<ConnectError> for End {
    fn from(error: ConnectError) -> Self {
        Self(match error {
            ConnectError::HungUp { .. } => "turned away".to_owned(),
            other => other.to_string(),
        })
    }
}

impl From<SessionError> for End {
    fn from(error: SessionError) -> Self {
        Self(error.to_string())
    }
}

impl Peer {
    async fn again_and_again(mut self, kind: Hostile, mut over: watch::Receiver<bool>) -> Ends {
        let mut ends = Ends::new();
        loop {
            let End(end) = tokio::select! {
                end = self.once(kind, &mut ends) => end.err().unwrap_or(End("left".to_owned())),
                _ = over.wait_for(|over| *over) => break,
            };
            self.has_begun();
            *ends.entry(end).or_default() += 1;
            tokio::time::sleep(COME_BACK_AFTER).await;
        }
        ends
    }

    async fn once(&mut self, kind: Hostile, ends: &mut Ends) -> Result<(), End> {
        match kind {
            Hostile::Aborts => self.abort().await,
            Hostile::BadLines => self.talk_nonsense().await,
            Hostile::LowBids => self.bid_low(ends).await,
            Hostile::OneByte if self.place.is_multiple_of(2) => self.shake_hands_slowly().await,
            Hostile::OneByte => self.ask_slowly().await,
            Hostile::Silent => self.say_nothing().await,
            Hostile::StoppedReader => self.read_nothing().await,
        }
    }

    /// Counts it among those that have begun, once.
    fn has_begun(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begun.send_modify(|begun| *begun += 1);
        }
    }

    async fn abort(&mut self) -> Result<(), End> {
        let mut stream = self.reach(None).await?;
        self.has_begun();
        if self.place.is_multiple_of(2) {
            stream.write_all(HALF_A_HELLO).await?;
        }
        // A reset instead of an end.
        stream.set_zero_linger()?;
        Ok(())
    }

    async fn talk_nonsense(&mut self) -> Result<(), End> {
        let mut stream = self.enter(None).await?;
        self.has_begun();
        let lines = "What am I bid?\n".repeat(usize::try_from(2 * BAD_LINES_MAX).unwrap_or(0));
        stream.write_all(lines.as_bytes()).await?;
        stream.flush().await?;
        Err(last_word(&mut stream).await)
    }

    /// Somebody else leads on the lot, so that the ask is over 1.
    async fn bid_low(&mut self, ends: &mut Ends) -> Result<(), End> {
        let mut session =
            bidder::connect(self.caller().clone(), self.target.address.clone()).await?;
        self.has_begun();
        let least = Amount::new(1).expect("1 is an amount");
        loop {
            let lot = self.target.offer.lot(0);
            let said = match session.bid(lot, least).await? {
                BidAnswer::Refused { code, .. } => format!("refused: {code}"),
                BidAnswer::Landed { .. } => "accepted".to_owned(),
                BidAnswer::Unknown => "unknown".to_owned(),
            };
            *ends.entry(said).or_default() += 1;
        }
    }

    async fn shake_hands_slowly(&mut self) -> Result<(), End> {
        let mut stream = self.reach(None).await?;
        self.has_begun();
        for byte in HALF_A_HELLO.chunks(1) {
            stream.write_all(byte).await?;
            let rest = timeout(BYTE_EVERY, stream.read(&mut [0; READ_BYTES])).await;
            if let Ok(read) = rest {
                return Err(if read? == 0 {
                    End("closed".to_owned())
                } else {
                    End("answered".to_owned())
                });
            }
        }
        Ok(())
    }

    async fn ask_slowly(&mut self) -> Result<(), End> {
        let mut stream = self.enter(None).await?;
        self.has_begun();
        for byte in hello().chunks(1) {
            stream.write_all(byte).await?;
            stream.flush().await?;
            tokio::time::sleep(BYTE_EVERY).await;
        }
        Ok(())
    }

    async fn say_nothing(&mut self) -> Result<(), End> {
        let mut stream = self.reach(None).await?;
        self.has_begun();
        match stream.read(&mut [0; 1]).await? {
            0 => Err(End("closed".to_owned())),
            _ => Err(End("answered".to_owned())),
        }
    }

    async fn read_nothing(&mut self) -> Result<(), End> {
        let mut stream = self.enter(Some(NARROW_BYTES)).await?;
        stream.write_all(&hello()).await?;
        for id in 2..=u64::try_from(REQUESTS_IN_FLIGHT_MAX).unwrap_or(0) {
            let id = RequestId::new(id).expect("a small number");
            stream.write_all(&Request::List { id, after: None }.to_line()).await?;
        }
        stream.flush().await?;
        self.has_begun();
        tokio::time::sleep(STOPPED).await;
        Err(last_word(&mut stream).await)
    }

    fn caller(&self) -> &Caller {
        &self.target.callers[self.place % self.target.callers.len()]
    }

    async fn enter(&self, buffer: Option<u32>) -> Result<TlsStream<TcpStream>, End> {
        let stream = self.reach(buffer).await?;
        Ok(self.caller().handshake(stream, &self.target.address).await?)
    }

    /// Connects from an address that is not the bidders': what the limit of strangers from one
    /// address does to bidders behind the same one is another question.
    async fn reach(&self, buffer: Option<u32>) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        let host = u8::try_from(2 + self.place / STRANGERS_PER_ADDRESS).unwrap_or(u8::MAX);
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.target.address.port()))).await
    }
}

fn hello() -> Vec<u8> {
    let id = RequestId::new(1).expect("a small number");
    Request::Hello { id, sale: None, note: None, cosigned: false, quiet: false }.to_line()
}

/// Reads to the end; gives the last thing that was said, and how it ended if nothing was.
async fn last_word(stream: &mut TlsStream<TcpStream>) -> End {
    let mut framer = Framer::new(SERVER_LINE_BYTES_MAX);
    let mut chunk = [0; READ_BYTES];
    let mut word = None;
    loop {
        while let Some(line) = framer.next_line() {
            word = line
                .ok()
                .and_then(|line| ServerMessage::parse(line).ok())
                .and_then(farewell)
                .or(word);
        }
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => framer.push(&chunk[..read]),
            Ok(_) => return End(word.unwrap_or_else(|| "closed".to_owned())),
            Err(error) => return word.map_or_else(|| End::from(error), End),
        }
    }
}

/// What a server says before it ends a connection: it answers no request.
fn farewell(message: ServerMessage) -> Option<String> {
    match message {
        ServerMessage::Reply(Reply { id: None, answer: Answer::Refused { code, message, .. } }) => {
            Some(format!("{message} [{code}]"))
        }
        _ => None,
    }
}
