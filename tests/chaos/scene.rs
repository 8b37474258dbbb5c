//! What all who take part share: the recorder and its clock, how far the run has come, and what
//! lots cost by hearsay.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gavel::auction::name::LotId;
use gavel::clock::Stopwatch;
use tokio::sync::watch;

use super::history::Recorder;
use super::plan::Plan;

/// How far the run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everybody bids, and the server is killed.
    Bidding,
    /// Nobody signs anything new; what is unanswered is sent again, and staff close the sale.
    Settling,
    /// The sale has closed: everybody asks who has won, and leaves.
    Ended,
}

/// What all share.
pub(crate) struct Scene {
    pub(crate) recorder: Recorder,
    pub(crate) plan: Plan,
    since: Stopwatch,
    phase: watch::Sender<Phase>,
    bids: watch::Sender<u64>,
    prices: BTreeMap<LotId, AtomicU64>,
    failures: Mutex<Vec<String>>,
}

impl Scene {
    pub(crate) fn new(plan: &Plan, ca: &[u8], lots: Vec<LotId>) -> Self {
        Self {
            recorder: Recorder::new(ca),
            plan: plan.clone(),
            since: Stopwatch::start(),
            phase: watch::Sender::new(Phase::Bidding),
            bids: watch::Sender::new(0),
            prices: lots.into_iter().map(|lot| (lot, AtomicU64::new(0))).collect(),
            failures: Mutex::default(),
        }
    }

    /// Microseconds since the run began.
    pub(crate) fn now_us(&self) -> u64 {
        self.since.elapsed_us()
    }

    /// Waits until the sale is over.
    pub(crate) async fn ended(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as this.
        let _ = phase.wait_for(|now| *now == Phase::Ended).await;
    }

    pub(crate) fn is(&self, phase: Phase) -> bool {
        *self.phase.borrow() == phase
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits for a phase; gives up after `patience`.
    pub(crate) async fn wait_for(&self, wanted: Phase, patience: Duration) -> bool {
        let mut phase = self.phase.subscribe();
        let come = tokio::time::timeout(patience, phase.wait_for(|now| *now >= wanted));
        matches!(come.await, Ok(Ok(_)))
    }

    /// Counts an acknowledged bid.
    pub(crate) fn count_bid(&self) {
        self.bids.send_modify(|bids| *bids += 1);
    }

    /// Waits for so many acknowledged bids; gives up after `patience`.
    pub(crate) async fn bids_acknowledged(&self, wanted: u64, patience: Duration) {
        let mut bids = self.bids.subscribe();
        if tokio::time::timeout(patience, bids.wait_for(|bids| *bids >= wanted)).await.is_err() {
            self.fail("the sale", "has no bids before the first restart");
        }
    }

    pub(crate) fn lots(&self) -> Vec<LotId> {
        self.prices.keys().cloned().collect()
    }

    /// What a lot costs, as far as anybody has heard.
    pub(crate) fn price(&self, lot: &LotId) -> u64 {
        self.prices.get(lot).map_or(0, |price| price.load(Ordering::Relaxed))
    }

    pub(crate) fn hear_price(&self, lot: &LotId, amount: u64) {
        if let Some(price) = self.prices.get(lot) {
            price.store(amount, Ordering::Relaxed);
        }
    }

    /// Something that no client may ever meet, however often the server is killed.
    pub(crate) fn fail(&self, who: &str, why: &str) {
        self.failures.lock().expect("nobody panics here").push(format!("{who}: {why}"));
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("nobody panics here").clone()
    }
}
