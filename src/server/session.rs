//! One connection whose peer is known: a listener that takes lines and hands
//! them on, and a speaker that writes answers, live lines and streams.
//!
//! The listener stops reading while too many answers are owed; the speaker
//! writes whole messages only. Neither ever makes the floor wait: a reader that
//! falls behind loses frames, gets a snapshot, and at the second time is dropped.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::fanout::Told;
use super::pace::Pace;
use super::premises::{Phase, Premises};
use super::speaker::Speaker;
use super::ticket::{Asked, Outgoing, Query, Say, Ticket};
use super::{gavel, text};
use crate::auction::name::LotId;
use crate::auction::refusal::Code;
use crate::limits::{
    BAD_LINES_MAX, CUT_GRACE, IDLE_TIMEOUT, LINGER, REQUEST_LINE_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX,
    TEXT_LINE_BYTES_MAX, WRITE_TIMEOUT,
};
use crate::pki::Identity;
use crate::record::ReadyKey;
use crate::time::Timestamp;
use crate::wire::frame::{Framer, LineFault};

/// How a peer speaks; ALPN has decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Gavel,
    Text,
}

impl Speech {
    /// What a frame says in it.
    pub(super) const fn words(self, told: &Told) -> &[u8] {
        match self {
            Self::Gavel => &told.lines,
            Self::Text => &told.notices,
        }
    }
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ending {
    #[error("too many bad lines")]
    BadLines,
    #[error("the certificate has expired")]
    Expired,
    #[error("silent for too long")]
    Idle,
    #[error("the peer has left")]
    Left,
    #[error("the peer said goodbye")]
    Quit,
    #[error("the certificate was revoked")]
    Revoked,
    #[error("the server is stopping")]
    Stopping,
    #[error("the peer reads too slowly")]
    TooSlow,
}

impl Ending {
    /// The last word to the peer, with its code; some endings need none.
    pub(super) const fn farewell(self) -> Option<(Code, &'static str)> {
        match self {
            Self::BadLines => Some((Code::BadCommand, "Too many lines that are no requests.")),
            Self::Expired => Some((Code::Expired, "Your certificate has expired.")),
            Self::Idle => Some((Code::Busy, "You have been silent for too long. Connect again.")),
            Self::Left | Self::Quit => None,
            Self::Revoked => Some((Code::Revoked, "Your certificate has been revoked.")),
            Self::Stopping => {
                Some((Code::Busy, "The server is stopping. Send again what was not answered."))
            }
            Self::TooSlow => Some((Code::SlowDown, "You read too slowly. Connect again to go on.")),
        }
    }

    /// How long what is owed may still be written.
    fn grace(self) -> Duration {
        match self {
            Self::Expired | Self::Revoked => CUT_GRACE.into(),
            _ => WRITE_TIMEOUT.into(),
        }
    }
}

/// The listening half of a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) premises: Arc<Premises>,
    pub(super) identity: Arc<Identity>,
    speech: Speech,
    out: mpsc::Sender<Box<Outgoing>>,
    places: Arc<Semaphore>,
    pace: Pace,
    bad_lines: u32,
    /// Set by the speaker once a `hello` was welcomed.
    welcomed: Arc<AtomicBool>,
    /// The bid key that has signed here: nearly always it is the next one's too.
    pub(super) signer: Arc<OnceLock<ReadyKey>>,
}

/// Whether to read on.
pub(super) enum Flow {
    On,
    /// The line was no request.
    Bad,
    /// Once every answer that is owed has been written.
    Settle,
    /// No more; these are the last words, behind every answer that is owed.
    Quit(Vec<u8>),
    End(Ending),
}

/// Serves one connection to its end. The stream is on the heap before the future begins, which
/// would else have room for it where it came and where it went.
pub(super) fn serve<S: AsyncRead + AsyncWrite + Send + Sync + 'static>(
    stream: S,
    premises: Arc<Premises>,
    identity: Arc<Identity>,
    speech: Speech,
) -> impl Future<Output = Ending> + Send {
    let (read, write) = tokio::io::split(stream);
    let places = match speech {
        Speech::Gavel => REQUESTS_IN_FLIGHT_MAX,
        // One by one, so that answers come in the order of the commands.
        Speech::Text => 1,
    };
    // Room for every place, a greeting, a farewell and a snapshot.
    let (out, outgoing) = mpsc::channel(places + 4);
    let welcomed = Arc::new(AtomicBool::new(false));
    let speaker = Speaker::new(
        write,
        Arc::clone(&premises),
        speech,
        outgoing,
        out.downgrade(),
        Arc::clone(&welcomed),
    );
    let session = Session {
        premises,
        identity,
        speech,
        out,
        places: Arc::new(Semaphore::new(places)),
        pace: Pace::new(),
        bad_lines: 0,
        welcomed,
        signer: Arc::default(),
    };
    converse(session, speaker, read)
}

async fn converse(
    session: Session,
    speaker: Speaker<impl AsyncWrite + Unpin>,
    mut read: impl AsyncRead + Unpin,
) -> Ending {
    let mut speak = pin!(speaker.run());
    let ending = tokio::select! {
        ending = session.listen(&mut read) => ending,
        ending = &mut speak => return ending,
    };
    // The listener has let go: the speaker ends once everything owed is written.
    let _ = timeout(ending.grace(), speak).await;
    if ending == Ending::BadLines {
        Box::pin(linger(read)).await;
    }
    ending
}

/// Reads on for a moment without listening: closing over unread bytes resets the connection
/// (RFC 9293 section 3.6.1), and the peer might lose what it was told last.
async fn linger(mut read: impl AsyncRead + Unpin) {
    let rest = async { while take_in(&mut read, |_| ()).await.is_ok_and(|count| count > 0) {} };
    let _ = timeout(LINGER.into(), rest).await;
}

impl Session {
    async fn listen(mut self, read: impl AsyncRead + Unpin) -> Ending {
        if self.speech == Speech::Text {
            self.say(text::greeting(&self));
        }
        let ending = tokio::select! {
            ending = self.cut() => ending,
            ending = self.hear(read) => ending,
        };
        self.put(Say::Farewell(ending), None);
        ending
    }

    /// Ends when the server stops or the certificate does.
    fn cut(&self) -> impl Future<Output = Ending> + use<> {
        let premises = Arc::clone(&self.premises);
        let identity = Arc::clone(&self.identity);
        async move {
            let mut phase = premises.phase.subscribe();
            let mut revoked = premises.revoked.subscribe();
            let left = identity.not_after.since(premises.clock.now());
            let expiry = tokio::time::sleep(left.into());
            tokio::pin!(expiry);
            loop {
                if premises.revocations.is_revoked(&identity.serial) {
                    return Ending::Revoked;
                }
                if *phase.borrow_and_update() != Phase::Running {
                    return Ending::Stopping;
                }
                tokio::select! {
                    _ = phase.changed() => {}
                    _ = revoked.changed() => {}
                    () = &mut expiry => return Ending::Expired,
                }
            }
        }
    }

    async fn hear(&mut self, mut read: impl AsyncRead + Unpin) -> Ending {
        let mut framer = Framer::new(match self.speech {
            Speech::Gavel => REQUEST_LINE_BYTES_MAX,
            Speech::Text => TEXT_LINE_BYTES_MAX,
        });
        loop {
            while let Some(line) = framer.next_line() {
                match self.take(line).await {
                    Flow::On => self.bad_lines = 0,
                    Flow::Bad if self.bad_lines + 1 >= BAD_LINES_MAX => return Ending::BadLines,
                    Flow::Bad => self.bad_lines += 1,
                    Flow::Settle => {
                        self.bad_lines = 0;
                        self.settle().await;
                    }
                    Flow::Quit(last) => {
                        self.settle().await;
                        self.say(last);
                        return Ending::Quit;
                    }
                    Flow::End(ending) => return ending,
                }
            }
            let more = take_in(&mut read, |bytes| framer.push(bytes));
            match timeout(IDLE_TIMEOUT.into(), more).await {
                Ok(Ok(count)) if count > 0 => {}
                Ok(_) => return Ending::Left,
                Err(_) => return Ending::Idle,
            }
        }
    }

    async fn take(&mut self, line: Result<&str, LineFault>) -> Flow {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Flow::End(Ending::Left);
        };
        if self.premises.revocations.is_revoked(&self.identity.serial) {
            return Flow::End(Ending::Revoked);
        }
        let may = self.pace.may();
        match self.speech {
            Speech::Gavel => gavel::take(self, place, line, may),
            Speech::Text => text::take(self, place, line, may),
        }
    }

    /// Says something that nobody asked for.
    fn say(&self, bytes: Vec<u8>) {
        self.put(Say::Bytes(bytes), None);
    }

    /// Answers a request at once.
    pub(super) fn reply(&self, place: OwnedSemaphorePermit, bytes: Vec<u8>) {
        self.put(Say::Bytes(bytes), Some(place));
    }

    /// Hands it to the speaker; one that has gone says nothing more.
    fn put(&self, say: Say, place: Option<OwnedSemaphorePermit>) {
        let _ = self.out.try_send(Box::new(Outgoing { say, place }));
    }

    /// A ticket for an answer by the floor.
    pub(super) fn ticket(&self, asked: Asked, place: OwnedSemaphorePermit) -> Ticket {
        Ticket { asked, out: self.out.clone(), place: Some(place) }
    }

    /// Asks the floor how things stand.
    pub(super) fn ask(&self, query: Query) {
        if let Err(query) = self.premises.gate.ask(query) {
            query.refuse(Code::Busy);
        }
    }

    /// Hands an input to the gate; `check` runs on the pool.
    pub(super) fn enter(
        &self,
        ticket: Ticket,
        lot: Option<LotId>,
        check: impl FnOnce(Timestamp) -> super::gate::Checked + Send + 'static,
    ) {
        if let Err(full) = self.premises.gate.enter(&self.identity.name, ticket, lot, check) {
            full.0.refuse(Code::Busy);
        }
    }

    /// Waits until every answer that is owed has been written.
    ///
    /// In a box: a connection that asks nothing has no room for it.
    async fn settle(&self) {
        let all = u32::try_from(REQUESTS_IN_FLIGHT_MAX).unwrap_or(u32::MAX);
        let _ = Box::pin(self.places.acquire_many(all)).await;
    }

    pub(super) fn is_welcomed(&self) -> bool {
        self.welcomed.load(Ordering::Acquire)
    }
}

/// Hands over what can be read, and gives how much that was: 0 at the end. While there is
/// nothing to read it holds no buffer, and most connections are silent most of the time.
async fn take_in(
    read: &mut (impl AsyncRead + Unpin),
    mut take: impl FnMut(&[u8]),
) -> io::Result<usize> {
    std::future::poll_fn(|context| {
        let mut chunk = [0; READ_BYTES];
        let mut chunk = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut *read).poll_read(context, &mut chunk))?;
        take(chunk.filled());
        Poll::Ready(Ok(chunk.filled().len()))
    })
    .await
}

/// Room for some requests; a longer line takes several reads.
const READ_BYTES: usize = 4 * 1024;
