//! How large a run is, and from which seed. `GAVEL_CHAOS=bidders,restarts,seconds[,seed]` asks for
//! another than the small one; `GAVEL_CHAOS_PROGRAM` names the program that serves.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// One in so many bidders is a real client session, at most [`SESSIONS_MAX`] of them.
const OTHERS_PER_SESSION: usize = 4;
/// Each checks every line of everybody: more than that leave two cores no time for the server.
const SESSIONS_MAX: usize = 20;
/// Each line is heard by all bidders: so many hearings a second leave two cores some air.
const HEARINGS_PER_SECOND: u64 = 40_000;
/// The most requests a second of all bidders together, unless a plan says less.
const REQUESTS_PER_SECOND_MAX: u64 = 120;

/// A run that is to be.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) bidders: usize,
    pub(crate) restarts: usize,
    pub(crate) span: Duration,
    /// How many bids are acknowledged before the server is first ended.
    pub(crate) calm_bids: u64,
    pub(crate) requests_per_second_max: u64,
    /// Whether the disk forgets at each kill what the anchor does not know: the sale goes wrong then.
    pub(crate) forgets: bool,
    pub(crate) seed: u64,
}

impl Plan {
    /// The one that the environment asks for, else a small one from a new seed.
    pub(crate) fn wanted() -> Self {
        let mut plan = Self::small(12, 3, 7);
        if let Ok(text) = env::var("GAVEL_CHAOS") {
            let numbers = text.split(',').map(|number| number.parse().expect("a number"));
            match *numbers.collect::<Vec<u64>>() {
                [bidders, restarts, seconds, ref seed @ ..] => {
                    plan = Self::small(fits(bidders), fits(restarts), seconds);
                    plan.seed = seed.first().copied().unwrap_or(plan.seed);
                }
                _ => panic!("GAVEL_CHAOS is bidders,restarts,seconds[,seed]"),
            }
        }
        plan
    }

    /// So large, from a new seed.
    pub(crate) fn small(bidders: usize, restarts: usize, seconds: u64) -> Self {
        let seed = getrandom::u64().expect("randomness") >> 16;
        let (span, calm_bids) = (Duration::from_secs(seconds), 0);
        let requests_per_second_max = REQUESTS_PER_SECOND_MAX;
        let forgets = false;
        Self { bidders, restarts, span, calm_bids, requests_per_second_max, forgets, seed }
    }

    /// How many of the bidders are real sessions.
    pub(crate) fn sessions(&self) -> usize {
        (self.bidders / OTHERS_PER_SESSION).clamp(1, SESSIONS_MAX)
    }

    /// How long a bidder waits between two requests, on average.
    pub(crate) fn pause(&self) -> Duration {
        let bidders = u64::try_from(self.bidders).expect("few");
        let rate = (HEARINGS_PER_SECOND / bidders).clamp(1, self.requests_per_second_max);
        Duration::from_millis(bidders * 1000 / rate)
    }

    /// Lots that staff open and end.
    pub(crate) fn manual_lots(&self) -> usize {
        (self.bidders / 3).clamp(2, 30)
    }

    /// Lots that open by themselves and end so many seconds after their first bid.
    pub(crate) fn timed_lots(&self) -> (usize, u64) {
        (2, (self.span.as_secs() / 3).clamp(1, 60))
    }
}

/// The program that serves.
pub(crate) fn program() -> PathBuf {
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_gavel"));
    env::var_os("GAVEL_CHAOS_PROGRAM").map_or_else(built, PathBuf::from)
}

fn fits(number: u64) -> usize {
    usize::try_from(number).expect("a small number")
}
