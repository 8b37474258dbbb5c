//! All light clients of a load test, on one thread with a runtime of its own: they come in, their
//! bids are signed, and then they play.

use std::sync::{Arc, PoisonError};

use rayon::prelude::*;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ear::Heard;
use super::frames::Frames;
use super::player::{Hall, Played, Player};
use super::script::{Hand, Script, Signer};
use super::seat::{Fault, Seat};
use crate::auction::name::LotId;
use crate::client::{Caller, Pen};
use crate::clock::{ProcessTime, Stopwatch};
use crate::limits::{LOAD_CLOSE_TIMEOUT, LOAD_HANDSHAKES_MAX};
use crate::loadtest::process::Meter;
use crate::loadtest::tally::{Tally, count};
use crate::pki::Address;
use crate::time::Span;

/// How often it is looked whether everybody has heard the last bid.
const LOOK_EVERY: Span = Span::from_ms(5);

/// Who comes, and what they shall do.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) bidders: Vec<Caller>,
    /// Credentials of those who only listen; each is used as often as a name may be.
    pub(super) watchers: Vec<Caller>,
    pub(super) watcher_count: usize,
    pub(super) address: Address,
    pub(super) lots: Vec<LotId>,
    pub(super) turns: usize,
    pub(super) hall: Hall,
    /// Whether the bidders do without live lines.
    pub(super) quiet: bool,
    /// Whether bids are signed when they are sent.
    pub(super) live: bool,
    pub(super) server: Meter,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) played: Vec<Played>,
    pub(super) tally: Tally,
    pub(super) bidding_us: u64,
    pub(super) server_cpu_us: Option<u64>,
    pub(super) generator_cpu_us: u64,
    /// How many heard the live lines.
    pub(super) listeners: usize,
    pub(super) frames: Frames,
}

impl Crew {
    /// Does the whole of it.
    pub(super) async fn perform(self) -> Outcome {
        let mut outcome = Outcome::default();
        let seated = self.seat_bidders(&mut outcome.tally).await;
        let scripts = self.write_scripts(seated).await;
        let watchers = self.seat_watchers(&mut outcome.tally).await;
        let listening = if self.quiet { 0 } else { scripts.len() };
        outcome.listeners = watchers.len() + listening;

        let (leave, left) = watch::channel(false);
        let (done, mut played) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let (cpu, server) = (ProcessTime::start(), self.server.cpu_us());
        let start = Stopwatch::start();
        for seat in watchers {
            tasks.spawn(listen(seat, self.hall.clone(), start, left.clone()));
        }
        for (place, (seat, script, live)) in scripts.into_iter().enumerate() {
            let hall = self.hall.clone();
            let player = Player { place, seat, script, live, hall };
            tasks.spawn(play(player, start, done.clone(), left.clone()));
        }
        drop(done);
        while let Some(one) = played.recv().await {
            outcome.played.push(one);
        }
        outcome.bidding_us = start.elapsed_us();
        self.await_everybody(&outcome).await;
        outcome.generator_cpu_us = cpu.elapsed_ns() / 1000;
        outcome.server_cpu_us =
            server.zip(self.server.cpu_us()).map(|(before, after)| after - before);
        leave.send_replace(true);
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => outcome.tally.light_failed(&fault.to_string()),
                Err(_) => outcome.tally.broke_down(),
            }
        }
        let mut frames = self.hall.frames.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.frames = std::mem::take(&mut *frames);
        outcome
    }

    async fn seat_bidders(&self, tally: &mut Tally) -> Vec<(Seat, Pen, Signer)> {
        let entering = self.bidders.iter().cloned().enumerate().map(|(place, caller)| {
            let (address, quiet) = (self.address.clone(), self.quiet);
            async move {
                let (mut seat, welcome) = Seat::take(&caller, &address, quiet).await?;
                let (pen, signer) = seat.enrol(place, &caller, &welcome).await?;
                Ok((seat, pen, signer))
            }
        });
        let mut seated = all(entering, tally).await;
        seated.sort_by_key(|(_, _, signer)| signer.place);
        seated
    }

    async fn seat_watchers(&self, tally: &mut Tally) -> Vec<Seat> {
        let callers = self.watchers.iter().cycle().take(self.watcher_count).cloned();
        let entering = callers.map(|caller| {
            let address = self.address.clone();
            async move { Ok(Seat::take(&caller, &address, false).await?.0) }
        });
        all(entering, tally).await
    }

    /// Signs on every core: nobody waits for answers yet.
    async fn write_scripts(
        &self,
        seated: Vec<(Seat, Pen, Signer)>,
    ) -> Vec<(Seat, Script, Option<Hand>)> {
        let (course, turns, live) = (self.hall.course.clone(), self.turns, self.live);
        let lots: Arc<[LotId]> = self.lots.clone().into();
        let write = move |(seat, pen, signer): (Seat, Pen, Signer)| {
            let hand = Hand { signer, pen, lots: Arc::clone(&lots) };
            if live {
                (seat, Script::default(), Some(hand))
            } else {
                (seat, Script::write(&hand, &course, turns), None)
            }
        };
        let written = move || seated.into_par_iter().map(write).collect();
        tokio::task::spawn_blocking(written).await.unwrap_or_default()
    }

    /// Waits until everybody has heard the last bid, but not for ever.
    async fn await_everybody(&self, outcome: &Outcome) {
        let accepted = outcome.played.iter().flat_map(|played| &played.accepted);
        let Some(last) = accepted.map(|bid| bid.seq).max() else { return };
        let told = || {
            let frames = self.hall.frames.lock().unwrap_or_else(PoisonError::into_inner);
            frames.told_everybody_us(last, outcome.listeners).is_some()
        };
        let patience = Stopwatch::start();
        while outcome.listeners > 0
            && !told()
            && patience.elapsed_us() < LOAD_CLOSE_TIMEOUT.ms() * 1000
        {
            tokio::time::sleep(LOOK_EVERY.into()).await;
        }
    }
}

/// Lets everybody in, a few at a time: the server allows so many handshakes from one address.
async fn all<T: Send + 'static>(
    entering: impl Iterator<Item = impl Future<Output = Result<T, Fault>> + Send + 'static>,
    tally: &mut Tally,
) -> Vec<T> {
    let handshakes = Arc::new(Semaphore::new(LOAD_HANDSHAKES_MAX));
    let mut tasks = JoinSet::new();
    for one in entering {
        let handshakes = Arc::clone(&handshakes);
        tasks.spawn(async move {
            let _turn = handshakes.acquire_owned().await;
            one.await
        });
    }
    let mut seated = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(one)) => seated.push(one),
            Ok(Err(fault)) => tally.light_failed(&fault.to_string()),
            Err(_) => tally.broke_down(),
        }
    }
    seated
}

/// Plays, tells what came of it, and listens on.
async fn play(
    mut player: Player,
    start: Stopwatch,
    done: mpsc::UnboundedSender<Played>,
    left: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let patience = player.hall.span.ms().saturating_add(LOAD_CLOSE_TIMEOUT.ms());
    let playing = timeout(Span::from_ms(patience).into(), player.play(start)).await;
    let played = playing.map_err(|_| Fault::Speech("no answer in time".to_owned()))??;
    let played = Played { request_bytes: player.script.request_bytes(), ..played };
    // Whoever counts has not gone before everybody was done.
    let _ = done.send(played);
    drop(done);
    listen(player.seat, player.hall, start, left).await
}

async fn listen(
    mut seat: Seat,
    hall: Hall,
    start: Stopwatch,
    mut left: watch::Receiver<bool>,
) -> Result<(), Fault> {
    loop {
        let mut odd = None;
        let hear = seat.hear(|heard| match heard {
            Heard::Lines { from, bytes } => hall.heard(from, bytes, start.elapsed_us()),
            other => odd = Some(Fault::odd(other)),
        });
        tokio::select! {
            heard = hear => heard?,
            _ = left.wait_for(|left| *left) => return Ok(()),
        }
        if let Some(odd) = odd {
            return Err(odd);
        }
    }
}

/// How many bids each bidder's script needs, for so many a second in all.
pub(super) fn turns(bids_per_s: u64, span: Span, bidders: usize) -> usize {
    let bids = bids_per_s.saturating_mul(span.ms()).div_ceil(1000);
    usize::try_from(bids.div_ceil(count(bidders).max(1))).unwrap_or(usize::MAX)
}
