//! A light bidder at work: it sends the bids of its script as its pace has it, and notes when
//! each was due, sent and answered.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::course::Course;
use super::ear::Heard;
use super::frames::Frames;
use super::script::{Hand, Script};
use super::seat::{Fault, Seat, code};
use crate::auction::refusal::Code;
use crate::clock::Stopwatch;
use crate::loadtest::tally::{Accepted, count};
use crate::time::Span;

/// How fast bids come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each bidder has so many bids on their way and sends the next at an answer.
    Closed,
    /// So many bids a second of all bidders, whatever the answers do: a wait counts from when a
    /// bid was due, not from when it could be sent.
    Open {
        /// Bids a second.
        per_s: u64,
        /// How many of them are due at once.
        burst: u64,
    },
}

/// What a bidder's bids came to.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) accepted: Vec<Accepted>,
    /// When each accepted bid was due, and how long it took to its receipt.
    pub(super) waits: Vec<(u64, u64)>,
    pub(super) refused: BTreeMap<Code, u64>,
    /// How long a request was on average.
    pub(super) request_bytes: usize,
    /// How long all receipts were.
    pub(super) answer_bytes: usize,
    /// Its script ended before its time did.
    pub(super) ran_out: bool,
}

/// What everybody who plays or listens shares.
#[derive(Clone, Debug)]
pub(super) struct Hall {
    pub(super) course: Course,
    pub(super) pace: Pace,
    pub(super) in_flight: usize,
    pub(super) bidders: usize,
    pub(super) span: Span,
    pub(super) frames: Arc<Mutex<Frames>>,
}

/// A bidder, its connection and its script.
pub(super) struct Player {
    pub(super) place: usize,
    pub(super) seat: Seat,
    pub(super) script: Script,
    /// Where bids are signed when they are sent.
    pub(super) live: Option<Hand>,
    pub(super) hall: Hall,
}

/// How far a script has been played.
#[derive(Debug, Default)]
struct Progress {
    next: usize,
    answered: usize,
    /// When each bid was due, since the start.
    due_us: Vec<u64>,
}

impl Player {
    /// Plays until the time is over and everything is answered.
    pub(super) async fn play(&mut self, start: Stopwatch) -> Result<Played, Fault> {
        let (mut progress, mut played) = (Progress::default(), Played::default());
        loop {
            let now_us = start.elapsed_us();
            let ready = self.ready(&mut progress, now_us);
            if !ready.is_empty() {
                self.seat.say(self.script.requests(ready)).await?;
            }
            if progress.answered == progress.next && self.is_over(&progress, start.elapsed_us()) {
                played.ran_out = start.elapsed_us() < self.hall.span.ms() * 1000
                    && self.hall.pace == Pace::Closed;
                return Ok(played);
            }
            let wait = self.wait(&progress, start.elapsed_us());
            let Self { seat, script, hall, .. } = self;
            let mut odd = None;
            let hear = seat.hear(|heard| {
                let us = start.elapsed_us();
                let noted = note(&mut progress, &mut played, hall, script, heard, us);
                odd = odd.take().or(noted.err());
            });
            tokio::select! {
                heard = hear => heard?,
                () = wait => {}
            }
            if let Some(odd) = odd {
                return Err(odd);
            }
        }
    }

    /// Which bids go out now; they are noted as sent.
    fn ready(&mut self, progress: &mut Progress, now_us: u64) -> Range<usize> {
        let first = progress.next;
        while !self.is_played(progress) && progress.next - progress.answered < self.hall.in_flight {
            let Some(due_us) = self.hall.counts_from(self.place, progress.next, now_us) else {
                break;
            };
            if let Some(hand) = &self.live {
                let (lot, amount) = self.hall.course.bid(self.place, progress.next);
                self.script.add(hand, lot, amount);
            }
            progress.due_us.push(due_us);
            progress.next += 1;
        }
        first..progress.next
    }

    /// Whether there is no bid left that was signed beforehand.
    fn is_played(&self, progress: &Progress) -> bool {
        self.live.is_none() && progress.next == self.script.turns()
    }

    fn is_over(&self, progress: &Progress, now_us: u64) -> bool {
        let due_us = self.hall.due_us(self.place, progress.next).unwrap_or(now_us);
        self.is_played(progress) || due_us >= self.hall.span.ms() * 1000
    }

    /// Until the next bid is due, if one waits for that alone.
    fn wait(&self, progress: &Progress, now_us: u64) -> impl Future<Output = ()> + use<> {
        let waits =
            progress.next - progress.answered < self.hall.in_flight && !self.is_played(progress);
        let due_us = self.hall.due_us(self.place, progress.next).filter(|_| waits);
        let wait = due_us.map(|due_us| Duration::from_micros(due_us.saturating_sub(now_us)));
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Hall {
    /// A hall in which nobody has bid yet.
    pub(super) fn new(
        course: Course,
        pace: Pace,
        in_flight: usize,
        bidders: usize,
        span: Span,
    ) -> Self {
        Self { course, pace, in_flight, bidders, span, frames: Arc::default() }
    }

    /// When a bidder's bid is due in an open loop, since the start.
    fn due_us(&self, place: usize, turn: usize) -> Option<u64> {
        let Pace::Open { per_s, burst } = self.pace else { return None };
        let number = count(turn * self.bidders + place);
        Some((number / burst * burst).saturating_mul(1_000_000) / per_s)
    }

    /// From when the wait for a bid's receipt counts, if the bid may go out now: from when it was
    /// due, however late it goes out.
    fn counts_from(&self, place: usize, turn: usize, now_us: u64) -> Option<u64> {
        let due_us = self.due_us(place, turn).unwrap_or(now_us);
        (due_us <= now_us && due_us < self.span.ms() * 1000).then_some(due_us)
    }

    /// Notes a frame that somebody has heard.
    pub(super) fn heard(&self, from: u64, bytes: usize, us: u64) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).note(from, bytes, us);
    }
}

fn note(
    progress: &mut Progress,
    played: &mut Played,
    hall: &Hall,
    script: &Script,
    heard: Heard<'_>,
    us: u64,
) -> Result<(), Fault> {
    let (Heard::Entered { id, .. } | Heard::Refused { id, .. }) = heard else {
        if let Heard::Lines { from, bytes } = heard {
            hall.heard(from, bytes, us);
            return Ok(());
        }
        return Err(Fault::odd(heard));
    };
    progress.answered += 1;
    match heard {
        Heard::Refused { code: text, .. } => *played.refused.entry(code(text)?).or_default() += 1,
        Heard::Entered { seq, bytes, .. } => {
            let turn = usize::try_from(id).ok().filter(|turn| *turn < progress.next);
            let turn = turn.ok_or_else(|| Fault::Speech(format!("an answer to request {id}")))?;
            let (lot, amount) = script.bid(turn);
            let due_us = progress.due_us[turn];
            played.answer_bytes += bytes;
            played.accepted.push(Accepted { seq, lot, amount });
            played.waits.push((due_us, us.saturating_sub(due_us)));
        }
        Heard::Lines { .. } | Heard::Other(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hall(pace: Pace) -> Hall {
        Hall::new(Course::new(2, false), pace, 4, 2, Span::from_s(1))
    }

    #[test]
    fn a_wait_counts_from_when_a_bid_was_due_however_late_it_goes_out() {
        let open = hall(Pace::Open { per_s: 100, burst: 1 });
        // Bidder 0 has the even bids, one every 20 ms.
        assert_eq!(open.counts_from(0, 3, 59_999), None, "not yet");
        assert_eq!(open.counts_from(0, 3, 60_000), Some(60_000));
        // The server was away meanwhile.
        assert_eq!(open.counts_from(0, 3, 900_000), Some(60_000));
        assert_eq!(open.counts_from(1, 3, 900_000), Some(70_000));
        assert_eq!(open.counts_from(0, 50, 2_000_000), None, "its time is over");
        let burst = hall(Pace::Open { per_s: 100, burst: 10 });
        assert_eq!(burst.counts_from(1, 4, 900_000), Some(0));
        assert_eq!(burst.counts_from(0, 5, 900_000), Some(100_000));
        // In a closed loop a bid is due when it goes out.
        assert_eq!(hall(Pace::Closed).counts_from(0, 3, 900_000), Some(900_000));
    }
}
