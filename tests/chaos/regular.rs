//! Those who take part with the real client: some bidders, and the auctioneer.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use gavel::auction::act::Deed;
use gavel::auction::lot::{Lot, LotState};
use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Title};
use gavel::client::{BidAnswer, Caller, SessionError};
use gavel::record::Order;
use tokio::time::{Instant, sleep, sleep_until};

use super::desk::{Desk, Ledger};
use super::dice::Dice;
use super::scene::{Phase, Scene};

/// So many times in a thousand a bidder's program is ended in the middle of what it does.
const DROPPED_PER_MILLE: u64 = 15;

/// Somebody with the real client.
pub(crate) struct Regular {
    caller: Caller,
    credential: PathBuf,
    scene: Arc<Scene>,
    dice: Dice,
    ledger: Option<Ledger>,
}

impl Regular {
    pub(crate) fn new(caller: Caller, credential: PathBuf, scene: Arc<Scene>, seed: u64) -> Self {
        let (dice, ledger) = (Dice::new(seed), Some(Ledger::default()));
        Self { caller, credential, scene, dice, ledger }
    }

    /// Bids until the sale is over.
    pub(crate) async fn bid_to_the_end(mut self) {
        while let Some(mut desk) = self.desk().await {
            let end = self.bid_at(&mut desk).await;
            if end.is_ok() && self.scene.is(Phase::Ended) {
                self.say_who_has_won(&mut desk).await;
                desk.leave();
                return;
            }
            self.end(desk, end);
        }
    }

    /// Opens the lots, does what auctioneers do, and closes the sale in the end.
    pub(crate) async fn hold_the_sale(mut self, manual: Vec<LotId>) {
        let mut pending = manual;
        while let Some(mut desk) = self.desk().await {
            let end = self.hold_at(&mut desk, &mut pending).await;
            if end.is_ok() && is_closed(&desk) {
                self.say_who_has_won(&mut desk).await;
                desk.leave();
                self.scene.enter(Phase::Ended);
                return;
            }
            self.end(desk, end);
        }
    }

    /// A session, over as many attempts as it takes; none after what must never happen.
    async fn desk(&mut self) -> Option<Desk> {
        loop {
            let ledger = self.ledger.take()?;
            match Desk::open(&self.caller, &self.credential, &self.scene, ledger).await {
                Ok(desk) => return Some(desk),
                Err((error, ledger)) if error.is_passing() => self.ledger = Some(ledger),
                Err((error, _)) => {
                    self.fail(&error);
                    return None;
                }
            }
            sleep(Duration::from_millis(50 + self.dice.below(200))).await;
        }
    }

    fn end(&mut self, desk: Desk, end: Result<(), SessionError>) {
        self.ledger = Some(desk.leave());
        if let Err(error) = end
            && !error.is_passing()
        {
            self.fail(&error);
            self.ledger = None;
        }
    }

    fn fail(&self, error: &SessionError) {
        let name = &self.caller.credential().identity.name;
        self.scene.fail(name.as_str(), &format!("{error}: {error:?}"));
    }

    async fn bid_at(&mut self, desk: &mut Desk) -> Result<(), SessionError> {
        let scene = Arc::clone(&self.scene);
        let mut ended = pin!(scene.ended());
        let mut next_bid = self.next_bid();
        loop {
            tokio::select! {
                heard = desk.hear() => drop(heard?),
                () = &mut ended => return Ok(()),
                () = sleep_until(next_bid) => {
                    next_bid = self.next_bid();
                    if self.scene.is(Phase::Bidding) {
                        self.bid_once(desk).await?;
                        if self.dice.below(1_000) < DROPPED_PER_MILLE {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    fn next_bid(&mut self) -> Instant {
        let mean_ms = u64::try_from(self.scene.plan.pause().as_millis()).expect("short").max(1);
        Instant::now() + Duration::from_millis(self.dice.below(2 * mean_ms))
    }

    /// Bids what the lot asks as far as the session knows, or a little over or under it.
    async fn bid_once(&mut self, desk: &mut Desk) -> Result<(), SessionError> {
        let lots = self.scene.lots();
        let lot = self.dice.pick(&lots).clone();
        let ask = standing(desk, &lot).map_or(1, |lot| lot.ask().minor_units());
        let amount = (ask + self.dice.below(12)).saturating_sub(3).max(1);
        match desk.bid(lot, Amount::new(amount).expect("small")).await {
            Ok(_) | Err(SessionError::Offline) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn hold_at(
        &mut self,
        desk: &mut Desk,
        pending: &mut Vec<LotId>,
    ) -> Result<(), SessionError> {
        while let Some(lot) = pending.last() {
            let opened = self.order(desk, Deed::Open { lot: lot.clone() }).await?;
            // If a lost answer is repeated, it has been opened by then.
            if !matches!(opened, Some(BidAnswer::Unknown) | None) {
                pending.pop();
            }
        }
        loop {
            let span = Duration::from_millis(300 + self.dice.below(900));
            self.listen_for(desk, span).await?;
            if is_closed(desk) {
                return Ok(());
            }
            if self.scene.is(Phase::Bidding) {
                if let Some(deed) = self.whim(desk) {
                    self.order(desk, deed).await?;
                }
            } else if desk.session.is_abreast() {
                self.end_the_sale(desk).await?;
            }
        }
    }

    async fn listen_for(&self, desk: &mut Desk, span: Duration) -> Result<(), SessionError> {
        let until = Instant::now() + span;
        loop {
            tokio::select! {
                heard = desk.hear() => drop(heard?),
                () = sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Orders, and waits for the answer; none where there was no connection to say it.
    async fn order(&self, desk: &mut Desk, deed: Deed) -> Result<Option<BidAnswer>, SessionError> {
        let n = match desk.act(Order::Deed(deed), "so it was ordered").await {
            Ok(n) => n,
            Err(SessionError::Offline) => return desk.hear().await.map(|_| None),
            Err(error) => return Err(error),
        };
        loop {
            match desk.hear().await? {
                Some((answered, answer)) if answered == n => return Ok(Some(answer)),
                _ => {}
            }
        }
    }

    /// Something that an auctioneer does in the middle of a sale.
    fn whim(&mut self, desk: &Desk) -> Option<Deed> {
        let sale = desk.session.follower()?.standing()?;
        let lots: Vec<&Lot> = sale.lots().collect();
        let lot = self.dice.pick(&lots);
        let id = lot.terms().id.clone();
        let seen = lot.standing().map(|high| high.seq);
        let text = || Title::parse("Fair warning").expect("a text");
        Some(match (lot.state(), self.dice.below(4)) {
            (LotState::Open { .. }, 0) => Deed::Pause { lot: id },
            (LotState::Open { .. }, 1) if seen.is_some() => Deed::Void { lot: id, seen },
            (LotState::Paused { .. }, _) => Deed::Resume { lot: id },
            _ => Deed::Say { lot: Some(id), text: text() },
        })
    }

    /// Hammers what staff have to end, and closes the sale.
    async fn end_the_sale(&self, desk: &mut Desk) -> Result<(), SessionError> {
        let lots = desk.session.follower().and_then(|follower| follower.standing());
        let deeds = lots.into_iter().flat_map(|sale| sale.lots()).filter_map(|lot| {
            let id = lot.terms().id.clone();
            match lot.state() {
                LotState::Paused { .. } => Some(Deed::Resume { lot: id }),
                LotState::Open { high: Some(high), ends_at: None } => {
                    Some(Deed::Hammer { lot: id, seen: Some(high.seq) })
                }
                LotState::Open { .. } | LotState::Closed { .. } | LotState::Pending => None,
            }
        });
        let mut deeds: Vec<Deed> = deeds.collect();
        if deeds.is_empty() {
            deeds.push(Deed::Closing);
        }
        for deed in deeds {
            self.order(desk, deed).await?;
        }
        Ok(())
    }

    /// Reads to the end, and says what it has seen of each lot.
    async fn say_who_has_won(&self, desk: &mut Desk) {
        while !is_closed(desk) {
            if let Err(error) = desk.hear().await {
                return self.fail(&error);
            }
        }
        let source = self.caller.credential().identity.name.to_string();
        let sale = desk.session.follower().and_then(|follower| follower.standing());
        for lot in sale.into_iter().flat_map(|sale| sale.lots()) {
            if let LotState::Closed { outcome, .. } = lot.state() {
                self.scene.recorder.winner(&source, lot.terms().id.as_str(), outcome);
            }
        }
    }
}

fn standing<'a>(desk: &'a Desk, lot: &LotId) -> Option<&'a Lot> {
    desk.session.follower()?.standing()?.lot(lot)
}

/// Whether all of it was read, and the sale has closed.
fn is_closed(desk: &Desk) -> bool {
    let sale = desk.session.follower().and_then(|follower| follower.standing());
    sale.is_some_and(|sale| sale.is_closed())
}
