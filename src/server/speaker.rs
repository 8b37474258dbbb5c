//! The writing half of a session: answers first, then live frames, then the
//! chunks of a `since` or `fetch`.
//!
//! It writes whole messages, each piece within a time; it alone keeps the place
//! in the stream of frames.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::timeout;

use super::cosigned::{Cosigned, Reader};
use super::fanout::{Cursor, News, Told};
use super::premises::{Phase, Premises};
use super::session::{Ending, Speech};
use super::ticket::{Answer, Asked, EntryJson, Outgoing, Query, Say, Ticket};
use super::{gavel, text};
use crate::clock::Stopwatch;
use crate::limits::{SNAPSHOT_APART, WRITE_TIMEOUT};
use crate::wire::json::{RequestId, push_entered};

/// Writes to one peer.
#[derive(Debug)]
pub(super) struct Speaker<W> {
    write: W,
    premises: Arc<Premises>,
    speech: Speech,
    outgoing: mpsc::Receiver<Box<Outgoing>>,
    /// For snapshots: it must not keep the channel open by itself.
    own: mpsc::WeakSender<Box<Outgoing>>,
    welcomed: Arc<AtomicBool>,
    /// That there are new frames, for those who hear them: from the welcome on.
    newest: Option<watch::Receiver<u64>>,
    /// Where live frames go on; `None` before the welcome and while a snapshot is made.
    cursor: Option<Cursor>,
    /// The newest cosigned checkpoints, for a client that asked for them.
    cosigned: Option<Reader>,
    streams: VecDeque<Stream>,
    snapshot: Option<Stopwatch>,
    farewell: Option<Ending>,
}

/// A `since` or `fetch` that is being answered.
#[derive(Debug)]
struct Stream {
    id: RequestId,
    from: u64,
    next: u64,
    bytes: Range<u64>,
    note: Arc<str>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Why the speaker gives up.
enum Mute {
    Gone,
    /// It takes nothing, and so no last word either.
    Stuck,
    TooSlow,
}

impl From<io::Error> for Mute {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl<W: AsyncWrite + Unpin> Speaker<W> {
    pub(super) fn new(
        write: W,
        premises: Arc<Premises>,
        speech: Speech,
        outgoing: mpsc::Receiver<Box<Outgoing>>,
        own: mpsc::WeakSender<Box<Outgoing>>,
        welcomed: Arc<AtomicBool>,
    ) -> Self {
        let (newest, cursor) = match speech {
            Speech::Gavel => (None, None),
            Speech::Text => (Some(premises.fanout.subscribe()), Some(premises.fanout.end())),
        };
        Self {
            newest,
            write,
            premises,
            speech,
            outgoing,
            own,
            welcomed,
            cursor,
            cosigned: None,
            streams: VecDeque::new(),
            snapshot: None,
            farewell: None,
        }
    }

    /// Speaks until nothing more will be said, then ends the connection.
    pub(super) async fn run(mut self) -> Ending {
        let ending = match self.speak().await {
            Ok(()) => self.farewell.unwrap_or(Ending::Left),
            Err(Mute::Gone) => Ending::Left,
            Err(Mute::Stuck) => return Ending::TooSlow,
            Err(Mute::TooSlow) => Ending::TooSlow,
        };
        if let Some((code, message)) = ending.farewell() {
            let last = match self.speech {
                Speech::Gavel => gavel::farewell(code, message),
                Speech::Text => text::farewell(code, message),
            };
            let _ = self.put(&last).await;
        }
        let _ = timeout(WRITE_TIMEOUT.into(), self.write.shutdown()).await;
        ending
    }

    async fn speak(&mut self) -> Result<(), Mute> {
        loop {
            tokio::select! {
                biased;
                outgoing = self.outgoing.recv() => match outgoing {
                    Some(outgoing) => self.say_all(outgoing).await?,
                    None => return self.finish().await,
                },
                news = news(&self.premises, &mut self.newest, &mut self.cursor) => {
                    self.tell(news).await?;
                }
                cosigned = newer(&mut self.cosigned) => self.put(&cosigned.message).await?,
                () = std::future::ready(()), if !self.streams.is_empty() => {
                    self.stream_on().await?;
                }
            }
        }
    }

    /// Everybody hears the frames up to the end, also of a server that stops: the
    /// floor still works off what waited, so its last frame is waited for.
    async fn finish(&mut self) -> Result<(), Mute> {
        if self.farewell != Some(Ending::Stopping) {
            return Ok(());
        }
        let mut phase = self.premises.phase.subscribe();
        let _ = phase.wait_for(|phase| *phase == Phase::Stopped).await;
        if let Some(cursor) = &mut self.cursor
            && let News::Frames(frames) = self.premises.fanout.take(cursor, usize::MAX)
        {
            self.put_frames(&frames).await?;
        }
        let news = self.cosigned.as_mut().filter(|reader| reader.has_changed().unwrap_or(false));
        match news.and_then(|reader| reader.borrow_and_update().clone()) {
            Some(cosigned) => self.put(&cosigned.message).await,
            None => Ok(()),
        }
    }

    /// Says this and whatever else is ready, in one go.
    async fn say_all(&mut self, first: Box<Outgoing>) -> Result<(), Mute> {
        let mut bytes = Vec::with_capacity((1 + self.outgoing.len()).min(SAYS_MAX) * SAY_BYTES);
        let mut places = Vec::new();
        let mut next = Some(first);
        while let Some(outgoing) = next {
            let Outgoing { say, place } = *outgoing;
            let place = match say {
                // Nearly everything that a busy server says, and nothing in it waits.
                Say::Answer { asked, answer: entered @ Answer::Entered { .. } } => {
                    self.answer(&asked, entered, &mut bytes);
                    place
                }
                // In a box: most connections say nothing.
                say => Box::pin(self.say(say, place, &mut bytes)).await,
            };
            places.extend(place);
            next = if bytes.len() < WRITE_BYTES { self.outgoing.try_recv().ok() } else { None };
        }
        self.put(&bytes).await?;
        Ok(())
    }

    /// Adds what is to be said to `bytes`; gives the place back unless it is still needed.
    async fn say(
        &mut self,
        say: Say,
        place: Option<OwnedSemaphorePermit>,
        bytes: &mut Vec<u8>,
    ) -> Option<OwnedSemaphorePermit> {
        let (asked, answer) = match say {
            Say::Answer { asked, answer } => (asked, answer),
            Say::Bytes(said) => {
                bytes.extend_from_slice(&said);
                return place;
            }
            Say::Farewell(ending) => {
                self.farewell = Some(ending);
                return place;
            }
        };
        match answer {
            Answer::Lines { from, next, bytes, note } => {
                if let Asked::Gavel { id } = asked {
                    let stream = Stream { id, from, next, bytes, note, _place: place };
                    self.streams.push_back(stream);
                }
                return None;
            }
            Answer::Welcome { welcome, cosigned, tail, now, cursor } => {
                let from = welcome.checkpoint.checkpoint().size;
                bytes.extend_from_slice(&gavel::welcome(&asked, &welcome, cosigned.as_ref(), now));
                if let Asked::Hello { cosigned: true, .. } = asked {
                    let shown = cosigned.as_ref().map(|shown| &shown.cosigned);
                    self.cosigned = Some(self.premises.cosigned.reader_behind(shown));
                }
                if !matches!(asked, Asked::Hello { quiet: true, .. }) {
                    if let Some(tail) = self.read(tail).await.filter(|tail| !tail.is_empty()) {
                        bytes.extend_from_slice(&gavel::lines(None, from, &tail));
                    }
                    self.newest = Some(self.premises.fanout.subscribe());
                    self.cursor = Some(cursor);
                }
                self.welcomed.store(true, Ordering::Release);
            }
            Answer::Snapshot { next, lots, now, cursor } => {
                bytes.extend_from_slice(&match self.speech {
                    Speech::Gavel => gavel::snapshot(next, &lots, now),
                    Speech::Text => text::snapshot(&self.premises.about, &lots),
                });
                self.cursor = Some(cursor);
                self.snapshot = Some(Stopwatch::start());
            }
            Answer::Earlier { proof, line } => {
                let line = self.read(line).await.unwrap_or_default();
                let entry = EntryJson::of_line(&line);
                self.answer(&asked, Answer::Entered { proof, entry, lot: None }, bytes);
            }
            answer => self.answer(&asked, answer, bytes),
        }
        place
    }

    fn answer(&self, asked: &Asked, answer: Answer, bytes: &mut Vec<u8>) {
        let about = &self.premises.about;
        if let (Speech::Gavel, Asked::Gavel { id }, Answer::Entered { proof, entry, .. }) =
            (self.speech, asked, &answer)
        {
            return push_entered(bytes, *id, &proof.parts(entry.bytes()));
        }
        bytes.extend_from_slice(&match self.speech {
            Speech::Gavel => gavel::answer(about, asked, answer),
            Speech::Text => text::answer(about, asked, answer),
        });
    }

    async fn tell(&mut self, news: News) -> Result<(), Mute> {
        match news {
            News::Frames(frames) => self.put_frames(&frames).await,
            News::Lost => self.ask_for_snapshot(),
        }
    }

    /// Small frames go out together.
    async fn put_frames(&mut self, frames: &[Arc<Told>]) -> Result<(), Mute> {
        if let [told] = frames {
            return self.put(self.speech.words(told)).await;
        }
        let mut together = Vec::new();
        for told in frames {
            let bytes = self.speech.words(told);
            if together.len() + bytes.len() > WRITE_BYTES {
                self.put_piecewise(&together).await?;
                together.clear();
            }
            if bytes.len() > WRITE_BYTES {
                self.put_piecewise(bytes).await?;
            } else {
                together.extend_from_slice(bytes);
            }
        }
        self.put(&together).await
    }

    fn ask_for_snapshot(&mut self) -> Result<(), Mute> {
        self.cursor = None;
        let soon = self
            .snapshot
            .is_some_and(|since| since.elapsed_us() < SNAPSHOT_APART.ms().saturating_mul(1000));
        if soon {
            return Err(Mute::TooSlow);
        }
        // Without a sender the listener has ended, and nobody waits for a snapshot.
        if let Some(out) = self.own.upgrade() {
            let ticket = Ticket { asked: Asked::Snapshot, out, place: None };
            self.premises.gate.ask(Query::Snapshot { ticket }).map_err(|_| Mute::TooSlow)?;
        }
        Ok(())
    }

    /// Sends the next chunk of the oldest stream, or its reply.
    async fn stream_on(&mut self) -> Result<(), Mute> {
        let Some(mut stream) = self.streams.pop_front() else { return Ok(()) };
        if stream.bytes.is_empty() {
            return self.put(&gavel::sent(stream.id, stream.next, &stream.note)).await;
        }
        let end = stream.bytes.end.min(stream.bytes.start + STREAM_BYTES);
        let Some(mut chunk) = self.read(stream.bytes.start..end).await else {
            return Err(Mute::Gone);
        };
        let whole = chunk.iter().rposition(|b| *b == b'\n').map_or(chunk.len(), |at| at + 1);
        chunk.truncate(whole);
        let lines = chunk.iter().filter(|b| **b == b'\n').count();
        let message = gavel::lines(Some(stream.id), stream.from, &chunk);
        stream.bytes.start += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        stream.from += u64::try_from(lines).unwrap_or(u64::MAX);
        self.streams.push_front(stream);
        self.put(&message).await
    }

    /// Reads the ledger off the runtime's threads; `None` if the disk fails.
    async fn read(&self, range: Range<u64>) -> Option<Vec<u8>> {
        let ledger = Arc::clone(&self.premises.ledger);
        let read = tokio::task::spawn_blocking(move || ledger.read(range)).await.ok()?;
        read.inspect_err(|error| tracing::error!(%error, "the ledger cannot be read")).ok()
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), Mute> {
        self.put_piecewise(bytes).await?;
        self.flush().await
    }

    /// Each piece has its time, so that a long message on a slow line may pass.
    async fn put_piecewise(&mut self, bytes: &[u8]) -> Result<(), Mute> {
        for piece in bytes.chunks(WRITE_BYTES) {
            match timeout(WRITE_TIMEOUT.into(), self.write.write_all(piece)).await {
                Ok(written) => written?,
                Err(_) => return Err(Mute::Stuck),
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Mute> {
        match timeout(WRITE_TIMEOUT.into(), self.write.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(Mute::Stuck),
        }
    }
}

/// The next cosigned checkpoint, for whoever wants them.
async fn newer(reader: &mut Option<Reader>) -> Arc<Cosigned> {
    let Some(reader) = reader else { return std::future::pending().await };
    while reader.changed().await.is_ok() {
        if let Some(cosigned) = reader.borrow_and_update().clone() {
            return cosigned;
        }
    }
    std::future::pending().await
}

/// The next frames from the cursor on, as soon as there are any.
async fn news(
    premises: &Premises,
    newest: &mut Option<watch::Receiver<u64>>,
    cursor: &mut Option<Cursor>,
) -> News {
    let (Some(newest), Some(cursor)) = (newest, cursor) else {
        return std::future::pending().await;
    };
    loop {
        match premises.fanout.take(cursor, FRAMES_AT_ONCE) {
            News::Frames(frames) if frames.is_empty() => {
                if newest.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
            news => return news,
        }
    }
}

/// Room for what is said at once: so many receipts of this length.
const SAYS_MAX: usize = 32;
const SAY_BYTES: usize = 3 * 1024;
/// How many frames are taken under one look at the ring.
const FRAMES_AT_ONCE: usize = 16;
/// How much is handed to TLS at once.
const WRITE_BYTES: usize = 64 * 1024;
/// How much of the ledger one `lines` message of a stream carries: several whole lines.
const STREAM_BYTES: u64 = 256 * 1024;
