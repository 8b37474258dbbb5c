//! Bidders who bid as fast as they are answered, over as many connections as that takes, and keep
//! every receipt: the load under which everything else fails.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gavel::auction::money::Amount;
use gavel::auction::name::LotId;
use gavel::client::{
    BidAnswer, Caller, Following, Happened, Memory, Options, Session, SessionError,
};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::hall::{Hall, LOOK_EVERY, LOTS, PATIENCE, Server};
use crate::judge::{Bid, Bids, Violation};

/// How long a bidder waits before it calls again where nobody answered.
const CALL_AGAIN_AFTER: Duration = Duration::from_millis(30);

/// What the bidders are told.
#[derive(Clone, Copy, Debug)]
enum Word {
    /// Bid, from the so-many-th start of the server on.
    Bid(u64),
    /// Learn the outcome of what is open, and end.
    Settle,
}

/// What all bidders know together.
#[derive(Default)]
struct Score {
    amount: AtomicU64,
    acknowledged: Mutex<Bids>,
    violations: Mutex<Vec<Violation>>,
}

impl Score {
    fn acknowledge(&self, seq: u64, bid: Bid) {
        let other = self.acknowledged.lock().expect("whole").insert(seq, bid.clone());
        if let Some(other) = other.filter(|other| *other != bid) {
            self.accuse(Violation::Doubled(format!("line {seq}: {other:?} and {bid:?}")));
        }
    }

    fn accuse(&self, violation: Violation) {
        self.violations.lock().expect("whole").push(violation);
    }
}

/// The bidders of a sale.
pub(crate) struct Crowd {
    runtime: Runtime,
    word: watch::Sender<Word>,
    bidders: Vec<JoinHandle<()>>,
    score: Arc<Score>,
}

impl Crowd {
    /// Brings so many bidders in, who bid until they are told to settle; they wait for the first
    /// start.
    pub(crate) fn gather(hall: &Hall, bidders: usize) -> Self {
        Self::gather_of(hall, bidders, usize::MAX, Duration::ZERO)
    }

    /// Brings in bidders who bid so often and then only listen.
    pub(crate) fn gather_for(hall: &Hall, bidders: usize, bids_each: usize) -> Self {
        Self::gather_of(hall, bidders, bids_each, Duration::ZERO)
    }

    /// Brings in bidders who think for a while after each bid, for a run in which time must pass.
    pub(crate) fn gather_slow(hall: &Hall, bidders: usize, think: Duration) -> Self {
        Self::gather_of(hall, bidders, usize::MAX, think)
    }

    fn gather_of(hall: &Hall, bidders: usize, bids_each: usize, think: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let score = Arc::new(Score::default());
        let word = watch::Sender::new(Word::Bid(0));
        let bidders = (0..bidders).map(|place| {
            let (caller, path) = hall.caller(&format!("bidder-{place}"));
            let bidder = Bidder {
                place,
                caller,
                path,
                turn: 0,
                bids: bids_each,
                think,
                word: word.subscribe(),
                score: Arc::clone(&score),
            };
            runtime.spawn(bidder.take_part())
        });
        let bidders = bidders.collect();
        Self { runtime, word, bidders, score }
    }

    /// Tells everybody that the server is there again.
    pub(crate) fn come(&self) {
        self.word.send_modify(|word| {
            if let Word::Bid(starts) = word {
                *starts += 1;
            }
        });
    }

    /// How many bids are acknowledged.
    pub(crate) fn count(&self) -> usize {
        self.score.acknowledged.lock().expect("whole").len()
    }

    /// What is acknowledged so far.
    pub(crate) fn acknowledged(&self) -> Bids {
        self.score.acknowledged.lock().expect("whole").clone()
    }

    /// Waits for so many more acknowledged bids, as long as the server lives; says whether they came.
    pub(crate) fn waits_for(&self, more: usize, server: &mut Server) -> Result<bool, Violation> {
        let enough = self.count() + more;
        let begun = Instant::now();
        while self.count() < enough {
            self.unharmed()?;
            if server.ended().is_some() {
                return Ok(false);
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} of {enough} bids: {}",
                self.count(),
                server.said()
            );
            thread::sleep(LOOK_EVERY);
        }
        Ok(true)
    }

    /// Whether no bidder has caught the house.
    pub(crate) fn unharmed(&self) -> Result<(), Violation> {
        self.score.violations.lock().expect("whole").first().cloned().map_or(Ok(()), Err)
    }

    /// Lets everybody learn what became of every bid, and gives what was acknowledged in all.
    pub(crate) fn settle(mut self) -> Result<Bids, Violation> {
        self.word.send_replace(Word::Settle);
        let bidders = std::mem::take(&mut self.bidders);
        let all = async {
            for bidder in bidders {
                bidder.await.expect("no panic");
            }
        };
        let settled = self.runtime.block_on(async { timeout(PATIENCE, all).await });
        self.unharmed()?;
        if settled.is_err() {
            return Err(Violation::Client("a bidder never learns what became of its bid".into()));
        }
        Ok(self.acknowledged())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.bidders.iter().for_each(JoinHandle::abort);
    }
}

struct Bidder {
    place: usize,
    caller: Caller,
    path: PathBuf,
    turn: usize,
    bids: usize,
    think: Duration,
    word: watch::Receiver<Word>,
    score: Arc<Score>,
}

impl Bidder {
    /// Calls whenever the server is there, until told to settle and everything is.
    async fn take_part(mut self) {
        let _ = self.word.wait_for(|word| !matches!(word, Word::Bid(0))).await;
        loop {
            match self.visit().await {
                Ok(()) => return,
                Err(error) if error.is_passing() => {
                    let _ = timeout(CALL_AGAIN_AFTER, self.word.changed()).await;
                }
                Err(error) => {
                    let name = &self.caller.credential().identity.name;
                    return self.score.accuse(Violation::Client(format!("{name}: {error}")));
                }
            }
        }
    }

    /// One connection: what is open first, then bid after bid.
    async fn visit(&mut self) -> Result<(), SessionError> {
        let options = Options { following: Following::Nothing, sale: None, reconnect: false };
        let address = self.caller.credential().address.clone();
        let memory = Memory::beside(&self.path);
        let mut session = Session::open(self.caller.clone(), address, memory, options).await?;
        for open in session.settle().await? {
            self.outcome(&mut session, open.n).await?;
        }
        while !matches!(*self.word.borrow_and_update(), Word::Settle) {
            if self.turn < self.bids {
                let (lot, amount) = self.next_bid();
                let placed = session.send_bid(lot, amount).await?;
                self.outcome(&mut session, placed.n).await?;
                sleep(self.think).await;
            } else {
                tokio::select! {
                    _ = self.word.changed() => {}
                    happened = session.next() => drop(happened?),
                }
            }
        }
        // What was answered `busy` too often is still open.
        if session.unsettled()?.is_empty() {
            session.close().await
        } else {
            Err(SessionError::Silent)
        }
    }

    /// Around the ring of lots, so that nobody meets only their own bids.
    fn next_bid(&mut self) -> (LotId, Amount) {
        let lot = 1 + (4 * self.place + self.turn) % LOTS;
        self.turn += 1;
        let amount = 1 + self.score.amount.fetch_add(1, Ordering::SeqCst);
        (
            LotId::parse(&lot.to_string()).expect("an id"),
            Amount::new(amount).expect("a small amount"),
        )
    }

    async fn outcome(&self, session: &mut Session, n: u64) -> Result<(), SessionError> {
        loop {
            let Happened::Bid { bid, answer } = session.next().await? else { continue };
            if let BidAnswer::Landed { seq } = answer {
                let name = self.caller.credential().identity.name.clone();
                self.score.acknowledge(seq, (name, bid.lot, bid.amount));
            }
            if bid.n == n {
                return Ok(());
            }
        }
    }
}
