//! Clients that are there and do nothing: welcomed, and reading whatever is told.
//!
//! Each counts the live lines that it hears, so that a frame which somebody did not get is
//! found. They are spread over names, because one name may have only so many connections.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use super::aside::Aside;
use super::tally::{Tally, count};
use crate::client::{Caller, ConnectError, SessionError};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::Note;
use crate::limits::{
    CONNECTIONS_PER_NAME_MAX, LOAD_CLOSE_TIMEOUT, LOAD_HANDSHAKES_MAX, SERVER_LINE_BYTES_MAX,
};
use crate::pki::Address;
use crate::wire::frame::Framer;
use crate::wire::json::{Request, RequestId, ServerMessage};

/// A frame of a few lines.
const READ_BYTES: usize = 4 * 1024;

/// What the idle clients cost, and what they heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleReport {
    /// How many were to be there.
    pub clients: u64,
    /// Under how many names.
    pub names: u64,
    /// The server's resident memory without them, in KiB, if the system tells.
    pub resident_before_kib: Option<u64>,
    /// The same once they were all there, before anybody bid.
    pub resident_with_kib: Option<u64>,
    /// The same after the bids.
    pub resident_after_kib: Option<u64>,
    /// What each of them came to, the bids told to them included, in bytes.
    pub resident_each_bytes: Option<u64>,
    /// How many heard every line up to the last bid, without a gap.
    pub heard_everything: u64,
}

impl IdleReport {
    /// Whether everybody heard everything.
    pub(super) const fn is_good(&self) -> bool {
        self.clients == self.heard_everything
    }
}

/// How many names so many clients need.
pub(super) const fn names(clients: usize) -> usize {
    clients.div_ceil(CONNECTIONS_PER_NAME_MAX)
}

/// The idle clients, each a task that reads on, on a thread of their own.
pub(super) struct Idle {
    aside: Aside<(u64, Tally)>,
    /// Up to which line everybody shall hear before they go.
    last: watch::Sender<Option<u64>>,
}

/// Why one of them is there no more.
#[derive(Debug)]
enum Fault {
    Connect(ConnectError),
    Lost(io::Error),
    Speech,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Idle {
    /// Brings in `clients` of them; those who fail stay away, and show at the end.
    pub(super) async fn gather(
        callers: Vec<Caller>,
        clients: usize,
        address: Address,
    ) -> io::Result<Self> {
        let (last, heard) = watch::channel(None);
        let (there, mut arrived) = watch::channel(0_usize);
        let aside = Aside::begin("idle", move || async move {
            let mut tasks = JoinSet::new();
            let handshakes = Arc::new(Semaphore::new(LOAD_HANDSHAKES_MAX));
            for caller in callers.iter().cycle().take(clients) {
                let entering = IdleClient::enter(caller.clone(), address.clone());
                let (handshakes, there) = (Arc::clone(&handshakes), there.clone());
                tasks.spawn(stay(entering, handshakes, there, heard.clone()));
            }
            part(tasks, heard).await
        })?;
        let _ = arrived.wait_for(|arrived| *arrived == clients).await;
        Ok(Self { aside, last })
    }

    /// Waits until everybody has heard line `last`, and lets them go; gives how many did.
    pub(super) async fn part(self, last: u64, tally: &mut Tally) -> u64 {
        self.last.send_replace(Some(last));
        match self.aside.end().await {
            Some((heard, met_with)) => {
                tally.add(met_with);
                heard
            }
            None => {
                tally.broke_down();
                0
            }
        }
    }
}

/// One client's stay: it comes in its turn, and reads on.
async fn stay(
    entering: impl Future<Output = Result<IdleClient, Fault>>,
    handshakes: Arc<Semaphore>,
    there: watch::Sender<usize>,
    mut last: watch::Receiver<Option<u64>>,
) -> Result<bool, Fault> {
    let turn = handshakes.acquire_owned().await;
    let client = entering.await;
    drop(turn);
    there.send_modify(|there| *there += 1);
    client?.hear(&mut last).await
}

/// Waits for all of them, but not for ever once the last line is known.
async fn part(
    mut tasks: JoinSet<Result<bool, Fault>>,
    mut last: watch::Receiver<Option<u64>>,
) -> (u64, Tally) {
    let (mut heard, mut tally) = (0, Tally::default());
    let patience = async {
        let _ = last.wait_for(Option::is_some).await;
        tokio::time::sleep(LOAD_CLOSE_TIMEOUT.into()).await;
    };
    let mut patience = pin!(patience);
    loop {
        let done = tokio::select! {
            done = tasks.join_next() => done,
            () = &mut patience => {
                tally.idle_failed("lines were not told in time");
                break;
            }
        };
        match done {
            None => break,
            Some(Ok(Ok(everything))) => heard += u64::from(everything),
            Some(Ok(Err(Fault::Connect(error)))) => tally.failed(&SessionError::Connect(error)),
            Some(Ok(Err(Fault::Lost(error)))) => tally.idle_failed(&error.to_string()),
            Some(Ok(Err(Fault::Speech))) => tally.idle_failed("the server said something odd"),
            Some(Err(_)) => tally.broke_down(),
        }
    }
    (heard, tally)
}

/// One of them.
struct IdleClient {
    stream: TlsStream<TcpStream>,
    framer: Framer,
    /// The line that has to come next.
    next: u64,
    gapless: bool,
}

impl IdleClient {
    async fn enter(caller: Caller, address: Address) -> Result<Self, Fault> {
        let stream = caller.connect(&address).await.map_err(Fault::Connect)?;
        let framer = Framer::new(SERVER_LINE_BYTES_MAX);
        let mut client = Self { stream, framer, next: 0, gapless: true };
        let id = RequestId::new(1).expect("1 is a number for a request");
        let hello = Request::Hello { id, sale: None, note: None, cosigned: false, quiet: false };
        client.stream.write_all(&hello.to_line()).await?;
        client.stream.flush().await?;
        let Some(ServerMessage::Welcome(welcome)) = client.message().await? else {
            return Err(Fault::Speech);
        };
        client.next = size(&welcome.note).ok_or(Fault::Speech)?;
        Ok(client)
    }

    /// Reads on until there is a last line and it has been heard; whether nothing was missing.
    async fn hear(mut self, last: &mut watch::Receiver<Option<u64>>) -> Result<bool, Fault> {
        loop {
            let wanted = *last.borrow_and_update();
            if wanted.is_some_and(|wanted| self.next > wanted) {
                return Ok(self.gapless);
            }
            tokio::select! {
                message = self.message() => self.take(&message?.ok_or(Fault::Speech)?),
                changed = last.changed() => if changed.is_err() { return Ok(false) },
            }
        }
    }

    fn take(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Lines(lines) if lines.id.is_none() => {
                self.gapless &= lines.from == self.next;
                self.next = lines.from.saturating_add(count(lines.lines.len()));
            }
            // Nobody asked for anything: a snapshot says that lines were lost.
            _ => self.gapless = false,
        }
    }

    /// The next message; can be dropped and called again. `None` at a line that is none.
    async fn message(&mut self) -> Result<Option<ServerMessage>, Fault> {
        let mut chunk = [0; READ_BYTES];
        loop {
            if let Some(line) = self.framer.next_line() {
                return Ok(line.ok().and_then(|line| ServerMessage::parse(line).ok()));
            }
            match self.stream.read(&mut chunk).await? {
                0 => return Err(Fault::Lost(io::ErrorKind::UnexpectedEof.into())),
                read => self.framer.push(&chunk[..read]),
            }
        }
    }
}

/// The size of the tree in a checkpoint; whose signature it bears is no matter here.
fn size(note: &str) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    Some(Checkpoint::parse(&note.text).ok()?.size)
}

/// What each of `clients` came to, in bytes.
pub(super) fn each(clients: usize, before_kib: Option<u64>, with_kib: Option<u64>) -> Option<u64> {
    let more_kib = with_kib?.saturating_sub(before_kib?);
    more_kib.saturating_mul(1024).checked_div(count(clients))
}
