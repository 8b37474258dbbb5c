//! One bidder of a load test.

use std::time::Duration;

use super::offer::Offer;
use super::tally::{Placed, Tally};
use crate::auction::money::Amount;
use crate::client::{Caller, Following, Memory, Options, Session, SessionError};
use crate::clock::Stopwatch;
use crate::pki::Address;
use crate::time::Span;

/// How often each bids in the seed's style.
const SEED_BIDS: u32 = 3;

/// A bidder who is connected and enrolled.
pub(super) struct Bidder {
    place: usize,
    pub(super) session: Option<Session>,
    pub(super) tally: Tally,
}

impl Bidder {
    /// Connects and enrols.
    pub(super) async fn join(
        place: usize,
        caller: Caller,
        address: Address,
    ) -> Result<Self, SessionError> {
        // A lost connection is an error of the load test, so it is not mended.
        let options = Options { following: Following::Nothing, sale: None, reconnect: false };
        let mut session = Session::open(caller, address, Memory::Volatile, options).await?;
        session.enrol().await?;
        Ok(Self { place, session: Some(session), tally: Tally::default() })
    }

    /// What is left of a bidder whose task panicked.
    pub(super) fn broken_down() -> Self {
        let mut tally = Tally::default();
        tally.broke_down();
        Self { place: 0, session: None, tally }
    }

    /// Bids again and again, around the ring, until `span` after `start`.
    pub(super) async fn flat_out(mut self, offer: &Offer, start: Stopwatch, span: Span) -> Self {
        let mut lot = offer.begin(self.place);
        while start.elapsed_us() < span.ms() * 1000 {
            if !self.bid(offer, lot, offer.amount(start)).await {
                break;
            }
            lot = offer.after(lot);
        }
        self
    }

    /// Three random bids, half a second to two seconds apart.
    pub(super) async fn in_seed_style(mut self, offer: &Offer) -> Self {
        for _ in 0..SEED_BIDS {
            let (lot, amount, pause) = offer.random();
            tokio::time::sleep(Duration::from(pause)).await;
            if !self.bid(offer, lot, amount).await {
                break;
            }
        }
        self
    }

    /// Bids, measures and notes; whether the session goes on.
    async fn bid(&mut self, offer: &Offer, lot: usize, amount: Amount) -> bool {
        let Some(session) = &mut self.session else { return false };
        let placed = place(session, offer, lot, amount).await;
        let goes_on = placed.answer.is_ok();
        self.tally.note(placed);
        if !goes_on {
            self.session = None;
        }
        goes_on
    }
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
    Placed { lot, amount, answer, us: wait.elapsed_us() }
}
