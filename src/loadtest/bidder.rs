//! One bidder of a load test.

use std::pin::pin;

use tokio::sync::watch;

use super::Style;
use super::offer::Offer;
use super::tally::{Placed, Tally};
use crate::auction::money::Amount;
use crate::client::{Caller, Following, Memory, Options, Session, SessionError};
use crate::clock::Stopwatch;
use crate::pki::Address;
use crate::time::Span;

/// How often each bids in the seed's style.
const SEED_BIDS: u32 = 3;

/// A bidder; without a session if that failed.
pub(super) struct Bidder {
    place: usize,
    pub(super) session: Option<Session>,
    pub(super) tally: Tally,
}

impl Bidder {
    /// Connects and enrols.
    pub(super) async fn join(place: usize, caller: Caller, address: Address) -> Self {
        let mut tally = Tally::default();
        let session = match connect(caller, address).await {
            Ok(session) => Some(session),
            Err(error) => {
                tally.failed(&error);
                None
            }
        };
        Self { place, session, tally }
    }

    /// Bids in that style once the load begins.
    pub(super) async fn bid_from_the_start(
        &mut self,
        go: &mut watch::Receiver<Option<Stopwatch>>,
        offer: &Offer,
        style: Style,
    ) {
        let start = async { go.wait_for(Option::is_some).await.ok().and_then(|start| *start) };
        let Some(Some(start)) = self.listen_until(start).await else { return };
        match style {
            Style::FlatOut { span } => self.flat_out(offer, start, span).await,
            Style::Paced { span, pause } => self.paced(offer, start, span, pause).await,
            Style::Seed => self.in_seed_style(offer, start).await,
            // Its bidders are others.
            Style::Light { .. } => {}
        }
    }

    /// Bids again and again, around the ring, until `span` after `start`.
    async fn flat_out(&mut self, offer: &Offer, start: Stopwatch, span: Span) {
        let mut lot = offer.begin(self.place);
        while self.session.is_some() && start.elapsed_us() < span.ms() * 1000 {
            self.bid(offer, start, lot, offer.amount(start)).await;
            lot = offer.after(lot);
        }
    }

    /// Bids, waits for the receipt, and thinks, again and again, until `span` after `start`.
    async fn paced(&mut self, offer: &Offer, start: Stopwatch, span: Span, pause: Span) {
        let mut lot = offer.begin(self.place);
        // They do not begin together, nor fall into step.
        let mut wait = offer.random_up_to(pause);
        loop {
            self.listen_until(tokio::time::sleep(wait.into())).await;
            if self.session.is_none() || start.elapsed_us() >= span.ms() * 1000 {
                return;
            }
            self.bid(offer, start, lot, offer.amount(start)).await;
            lot = offer.after(lot);
            wait = Span::from_ms(pause.ms() / 2 + offer.random_up_to(pause).ms());
        }
    }

    /// Three random bids, half a second to two seconds apart.
    async fn in_seed_style(&mut self, offer: &Offer, start: Stopwatch) {
        for _ in 0..SEED_BIDS {
            let (lot, amount, pause) = offer.random();
            self.listen_until(tokio::time::sleep(pause.into())).await;
            self.bid(offer, start, lot, amount).await;
        }
    }

    /// Reads what the server sends until `until` is done; `None` if the session fails before.
    async fn listen_until<T>(&mut self, until: impl Future<Output = T>) -> Option<T> {
        let mut until = pin!(until);
        let session = self.session.as_mut()?;
        let error = loop {
            tokio::select! {
                done = &mut until => return Some(done),
                happened = session.next() => if let Err(error) = happened {
                    break error;
                },
            }
        };
        self.tally.failed(&error);
        self.session = None;
        None
    }

    /// Bids, measures and notes.
    async fn bid(&mut self, offer: &Offer, start: Stopwatch, lot: usize, amount: Amount) {
        let Some(session) = &mut self.session else { return };
        let from_us = start.elapsed_us();
        let placed = Placed { from_us, ..place(session, offer, lot, amount).await };
        let goes_on = placed.answer.is_ok();
        self.tally.note(placed);
        if !goes_on {
            self.session = None;
        }
    }
}

pub(super) async fn connect(caller: Caller, address: Address) -> Result<Session, SessionError> {
    let mut session = greet(caller, address).await?;
    session.enrol().await?;
    Ok(session)
}

/// Connects, and is welcomed.
pub(super) async fn greet(caller: Caller, address: Address) -> Result<Session, SessionError> {
    // A lost connection is an error of the load test, so it is not mended.
    let options = Options { following: Following::Nothing, sale: None, reconnect: false };
    Session::open(caller, address, Memory::Volatile, options).await
}

/// Places a bid and waits for its outcome, which the session has checked then.
pub(super) async fn place(
    session: &mut Session,
    offer: &Offer,
    lot: usize,
    amount: Amount,
) -> Placed {
    let wait = Stopwatch::start();
    let answer = session.bid(offer.lot(lot), amount).await;
    Placed { lot, amount, answer, from_us: 0, us: wait.elapsed_us() }
}
