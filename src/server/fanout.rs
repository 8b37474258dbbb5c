//! One buffer for each frame, shared by everybody who listens.
//!
//! The floor publishes and waits for nobody. Each session keeps a cursor; one
//! that falls further behind than the ring reaches has lost its place and takes
//! a snapshot (SEED, defect 5). Sessions are woken a few at a time: an answer must
//! not wait behind ten thousand who hear of somebody else's bid. And while they are woken, the next
//! frame gathers, a moment at the most.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::yield_now;

use crate::limits::{FRAME_BYTES_BEHIND_MAX, FRAMES_BEHIND_MAX};
use crate::time::Span;

/// What one frame says, on either wire.
#[derive(Debug)]
pub(super) struct Told {
    /// The `lines` message of `gavel/1`.
    pub(super) lines: Box<[u8]>,
    /// Where in that each of its lines stands, with its quotes.
    pub(super) places: Box<[Range<usize>]>,
    /// The number of the first of them.
    pub(super) from: u64,
    /// The notices of the text sessions; may be empty.
    pub(super) notices: Box<[u8]>,
}

/// A place in the stream of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor(u64);

/// What has come since a cursor.
#[derive(Debug)]
pub(super) enum News {
    /// These frames; the cursor has moved behind them.
    Frames(Vec<Arc<Told>>),
    /// Frames between were dropped.
    Lost,
}

/// The newest frames, for whoever has not read them yet.
#[derive(Debug)]
pub(super) struct FanOut {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    /// Sessions are spread over these, and each is woken in its turn.
    groups: Box<[watch::Sender<u64>]>,
    joined: AtomicUsize,
    /// Up to where everybody was woken.
    woken_to: Mutex<u64>,
    all_woken: Condvar,
}

/// How many groups there are: of a full house, each is about as many as are woken at once.
const GROUPS: usize = 256;
/// From how many on the next frame gathers while they are told of the last.
const MANY: usize = 64;
/// How many sessions are woken until others get a turn. While a worker of the runtime is busy, a
/// turn is 61 of its steps, so that these are through before the next are woken.
const WOKEN_AT_ONCE: usize = 32;

#[derive(Debug, Default)]
struct Ring {
    frames: VecDeque<Arc<Told>>,
    /// How many frames were dropped before the first that is kept.
    dropped: u64,
    bytes: usize,
}

impl Ring {
    fn end(&self) -> u64 {
        self.dropped + u64::try_from(self.frames.len()).unwrap_or(u64::MAX)
    }
}

impl FanOut {
    pub(super) fn new() -> Self {
        let groups = std::iter::repeat_with(|| watch::Sender::new(0)).take(GROUPS).collect();
        Self {
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
            groups,
            joined: AtomicUsize::new(0),
            woken_to: Mutex::default(),
            all_woken: Condvar::new(),
        }
    }

    /// Hands a frame to everybody; drops the oldest beyond the ring's bounds.
    pub(super) fn publish(&self, told: Arc<Told>) {
        let mut ring = self.lock();
        ring.bytes += told.size();
        ring.frames.push_back(told);
        while ring.frames.len() > FRAMES_BEHIND_MAX
            || (ring.bytes > FRAME_BYTES_BEHIND_MAX && ring.frames.len() > 1)
        {
            if let Some(oldest) = ring.frames.pop_front() {
                ring.bytes -= oldest.size();
                ring.dropped += 1;
            }
        }
        let end = ring.end();
        drop(ring);
        self.newest.send_replace(end);
    }

    /// The place behind everything published so far.
    pub(super) fn end(&self) -> Cursor {
        Cursor(self.lock().end())
    }

    /// Wakes its holder at new frames, as long as there is somebody to [tell](Self::tell).
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        let place = self.joined.fetch_add(1, Ordering::Relaxed);
        self.groups[place % GROUPS].subscribe()
    }

    /// Tells one group of sessions after the other that there are new frames, for ever. Frames
    /// that come meanwhile are told in the next round, together.
    pub(super) async fn tell(&self) {
        let mut newest = self.newest.subscribe();
        // The floor may have begun before.
        newest.mark_changed();
        while newest.changed().await.is_ok() {
            let end = *newest.borrow_and_update();
            let mut woken = 0;
            for group in self.groups.iter().filter(|group| group.receiver_count() > 0) {
                woken += group.receiver_count();
                group.send_replace(end);
                if woken >= WOKEN_AT_ONCE {
                    woken = 0;
                    yield_now().await;
                }
            }
            *self.woken_to() = end;
            self.all_woken.notify_all();
        }
    }

    /// Waits until everybody was woken for what was published, `at_most` so long, if they are many:
    /// what comes meanwhile makes one frame then, and to tell ten bids costs little more than one.
    pub(super) fn let_tell(&self, at_most: Span) {
        let listeners: usize = self.groups.iter().map(watch::Sender::receiver_count).sum();
        if listeners < MANY {
            return;
        }
        let end = self.lock().end();
        let woken_to = self.woken_to();
        // Whether they were or not, the sale goes on.
        drop(self.all_woken.wait_timeout_while(woken_to, at_most.into(), |woken| *woken < end));
    }

    /// Up to `frames_max` frames from the cursor on.
    pub(super) fn take(&self, cursor: &mut Cursor, frames_max: usize) -> News {
        let ring = self.lock();
        let Some(skip) = cursor.0.checked_sub(ring.dropped) else { return News::Lost };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let frames: Vec<_> = ring.frames.iter().skip(skip).take(frames_max).cloned().collect();
        cursor.0 += u64::try_from(frames.len()).unwrap_or(0);
        News::Frames(frames)
    }

    fn woken_to(&self) -> MutexGuard<'_, u64> {
        self.woken_to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// The place of line `seq`, if it is one of these.
    pub(super) fn place(&self, seq: u64) -> Option<Range<usize>> {
        let at = usize::try_from(seq.checked_sub(self.from)?).ok()?;
        self.places.get(at).cloned()
    }

    fn size(&self) -> usize {
        self.lines.len() + self.notices.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(n: usize) -> Arc<Told> {
        of_lines(n.to_string().into_bytes())
    }

    fn of_lines(lines: Vec<u8>) -> Arc<Told> {
        let (lines, places, notices) = (lines.into(), Box::default(), Box::default());
        Arc::new(Told { lines, places, from: 0, notices })
    }

    fn taken(news: News) -> Vec<String> {
        match news {
            News::Frames(frames) => {
                frames.iter().map(|f| String::from_utf8_lossy(&f.lines).into_owned()).collect()
            }
            News::Lost => vec!["lost".to_owned()],
        }
    }

    #[test]
    fn every_cursor_gets_every_frame_once() {
        let fanout = FanOut::new();
        let mut early = fanout.end();
        fanout.publish(told(1));
        let mut late = fanout.end();
        fanout.publish(told(2));
        assert_eq!(taken(fanout.take(&mut early, 9)), ["1", "2"]);
        assert_eq!(taken(fanout.take(&mut early, 9)), [""; 0]);
        assert_eq!(taken(fanout.take(&mut late, 9)), ["2"]);
    }

    #[test]
    fn who_falls_behind_the_ring_is_lost_and_holds_nobody() {
        let fanout = FanOut::new();
        let mut slow = fanout.end();
        for n in 0..=FRAMES_BEHIND_MAX {
            fanout.publish(told(n));
        }
        assert_eq!(taken(fanout.take(&mut slow, 9)), ["lost"]);
        assert_eq!(fanout.lock().frames.len(), FRAMES_BEHIND_MAX);
        let mut back = fanout.end();
        fanout.publish(told(7));
        assert_eq!(taken(fanout.take(&mut back, 9)), ["7"]);
    }

    #[tokio::test]
    async fn everybody_hears_of_every_frame_in_their_turn() {
        let fanout = Arc::new(FanOut::new());
        let mut sessions: Vec<_> =
            (0..3 * GROUPS + 7).map(|_| (fanout.subscribe(), fanout.end())).collect();
        let telling = Arc::clone(&fanout);
        let telling = tokio::spawn(async move { telling.tell().await });
        for n in 0..5 {
            fanout.publish(told(n));
            for (newest, cursor) in &mut sessions {
                newest.changed().await.expect("it is told for ever");
                assert_eq!(taken(fanout.take(cursor, 9)), [n.to_string()]);
            }
        }
        telling.abort();
    }

    /// It would wait for an hour where it should not.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_next_frame_waits_for_many_to_be_woken_and_for_few_not_at_all() {
        let fanout = Arc::new(FanOut::new());
        let mut sessions: Vec<_> = (1..MANY).map(|_| fanout.subscribe()).collect();
        fanout.publish(told(1));
        fanout.let_tell(Span::from_s(3_600));
        assert_eq!(*fanout.woken_to(), 0, "nobody was told to wake them");
        sessions.push(fanout.subscribe());
        let waiting = Arc::clone(&fanout);
        let waiting = tokio::task::spawn_blocking(move || {
            waiting.let_tell(Span::from_s(3_600));
            *waiting.woken_to()
        });
        let telling = Arc::clone(&fanout);
        let telling = tokio::spawn(async move { telling.tell().await });
        assert_eq!(waiting.await.ok(), Some(1), "until everybody was");
        telling.abort();
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_too() {
        let fanout = FanOut::new();
        for _ in 0..4 {
            fanout.publish(of_lines(vec![b'x'; FRAME_BYTES_BEHIND_MAX / 2]));
        }
        assert!(fanout.lock().bytes <= FRAME_BYTES_BEHIND_MAX);
    }
}
