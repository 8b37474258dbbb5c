//! One light client's connection: it comes in, says what it is told to say, and hears.

use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use ed25519_dalek::SigningKey;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::ear::{Ear, Heard};
use super::script::Signer;
use crate::auction::refusal::Code;
use crate::client::{Caller, ConnectError, Pen};
use crate::ledger::Hash;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::Note;
use crate::pki::{Address, SigningFault};
use crate::record::Head;
use crate::wire::json::{Request, RequestId, ServerMessage, Welcome};

/// One TLS record's worth.
const READ_BYTES: usize = 16 * 1024;

/// Why a light client is there no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    #[error("no key for a bidder")]
    Key,
    #[error(transparent)]
    Signing(#[from] SigningFault),
    #[error("not enrolled: {code}")]
    NotEnrolled { code: String },
    #[error("the server said something odd: {0}")]
    Speech(String),
}

/// What is repeated of something odd.
const ODD_BYTES: usize = 80;

impl Fault {
    /// Something that no light client expects, as far as it is repeated.
    pub(super) fn odd(heard: Heard<'_>) -> Self {
        let text = match heard {
            Heard::Other(message) => &message[..message.len().min(ODD_BYTES)],
            Heard::Entered { .. } | Heard::Refused { .. } | Heard::Lines { .. } => b"an answer",
        };
        Self::Speech(String::from_utf8_lossy(text).into_owned())
    }
}

/// A connection that was welcomed.
#[derive(Debug)]
pub(super) struct Seat {
    stream: TlsStream<TcpStream>,
    ear: Ear,
}

impl Seat {
    /// Connects and is welcomed.
    pub(super) async fn take(
        caller: &Caller,
        address: &Address,
        quiet: bool,
    ) -> Result<(Self, Welcome), Fault> {
        let stream = caller.connect(address).await?;
        let mut seat = Self { stream, ear: Ear::default() };
        let id = number(0);
        let hello = Request::Hello { id, sale: None, note: None, cosigned: false, quiet };
        seat.say(&hello.to_line()).await?;
        let welcome = seat.await_one(|heard| match heard {
            Heard::Other(message) => Some(welcome(message)),
            _ => None,
        });
        let welcome = welcome.await??;
        Ok((seat, welcome))
    }

    /// Enrols a new key, and gives it with what all of its bids will name.
    pub(super) async fn enrol(
        &mut self,
        place: usize,
        caller: &Caller,
        welcome: &Welcome,
    ) -> Result<(Pen, Signer), Fault> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| Fault::Key)?;
        let pen = Pen::new(SigningKey::from_bytes(&seed));
        let sale_hash = Hash::of(welcome.open.as_bytes());
        let request = pen.enrol(number(0), caller.credential(), sale_hash)?;
        self.say(&request.to_line()).await?;
        let answer = self.await_one(|heard| match heard {
            Heard::Entered { .. } => Some(Ok(())),
            Heard::Refused { code, .. } => Some(Err(Fault::NotEnrolled { code: code.to_owned() })),
            _ => None,
        });
        answer.await??;
        let name = caller.credential().identity.name.clone();
        let head = head(&welcome.note).ok_or_else(|| Fault::Speech(welcome.note.clone()))?;
        Ok((pen, Signer { place, name, head, sale_hash }))
    }

    /// Sends whole lines.
    pub(super) async fn say(&mut self, lines: &[u8]) -> Result<(), Fault> {
        self.stream.write_all(lines).await?;
        Ok(self.stream.flush().await?)
    }

    /// Hears what can be read now, waiting for some; can be dropped and called again.
    pub(super) async fn hear(&mut self, mut take: impl FnMut(Heard<'_>)) -> Result<(), Fault> {
        let Self { stream, ear } = self;
        std::future::poll_fn(|context| {
            let mut chunk = [0; READ_BYTES];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Err(Fault::Lost(io::ErrorKind::UnexpectedEof.into())));
            }
            let heard = ear.hear(chunk.filled(), &mut take);
            Poll::Ready(heard.map_err(|_| Fault::Speech("a message without end".to_owned())))
        })
        .await
    }

    async fn await_one<T>(&mut self, take: impl Fn(Heard<'_>) -> Option<T>) -> Result<T, Fault> {
        loop {
            let mut found = None;
            self.hear(|heard| found = found.take().or_else(|| take(heard))).await?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
}

fn number(id: u64) -> RequestId {
    RequestId::new(id).expect("a small number")
}

fn welcome(message: &[u8]) -> Result<Welcome, Fault> {
    let text = String::from_utf8_lossy(message);
    match ServerMessage::parse(&text) {
        Ok(ServerMessage::Welcome(welcome)) => Ok(welcome),
        _ => Err(Fault::odd(Heard::Other(message))),
    }
}

/// The tree of a checkpoint; whose signature it bears is no matter here.
fn head(note: &str) -> Option<Head> {
    let checkpoint = Checkpoint::parse(&Note::parse(note).ok()?.text).ok()?;
    Some(Head { root: checkpoint.root, size: checkpoint.size })
}

/// The refusal's code, if it is one that there is.
pub(super) fn code(text: &str) -> Result<Code, Fault> {
    Code::parse(text).ok_or_else(|| Fault::Speech(text.to_owned()))
}
