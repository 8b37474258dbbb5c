//! `gavel bid --max LOT AMOUNT`: bids for its holder, one ask at a time, up to
//! maxima that never leave this process.
//!
//! What to bid is decided in [`Maximum`]; here are the sale, the signals and the
//! words. The maxima are arguments: they are written to no file, and nothing that
//! is sent holds them.

mod wish;
mod words;

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

pub(super) use wish::read;
use wish::{Wish, no_such_lot};

use super::once::confirm;
use super::screen::{self, Screen, view};
use super::{is_startling, leaves_open, open_outcome, question};
use crate::auction::act::Deed;
use crate::auction::event::{Event, Happening};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Role};
use crate::auction::refusal::Code;
use crate::cli::caller::Whom;
use crate::cli::fault::whole;
use crate::cli::{Exit, Failure, print};
use crate::client::{
    Alarm, BidAnswer, ConnectError, End, Following, Happened, Maximum, Next, OddBid, PlacedBid,
    Session, SessionError, Wait, bars_everywhere,
};
use crate::limits::{CONNECT_TIMEOUT, OUTCOME_PATIENCE};
use crate::server::stop_signal;
use crate::wire::lot::LotView;
use crate::wire::message::advice;

/// Somebody who bids for the holder of a credential.
struct Agent {
    session: Session,
    screen: Screen,
    currency: Currency,
    items: Vec<Item>,
    /// Bids of earlier runs have been asked about.
    is_settled: bool,
    /// Whether anybody still reads what is said.
    is_read: bool,
}

/// A lot with a maximum, and what was last found to do there.
struct Item {
    maximum: Maximum,
    found: Option<Next>,
}

/// Ends at the next Ctrl-C, or when the system asks.
fn signal() -> Result<impl Future<Output = ()>, Failure> {
    stop_signal().map_err(|error| Failure::operator("no-thread", whole(&error)))
}

pub(super) async fn run(whom: &Whom, wishes: &[Wish], yes: bool) -> Result<Exit, Failure> {
    let session = whom.open(Following::Everything).await?;
    let mut agent = Agent::new(session, wishes)?;
    agent.catch_up().await?;
    agent.check(yes)?;
    agent.bid_to_the_end().await
}

impl Agent {
    fn new(session: Session, wishes: &[Wish]) -> Result<Self, Failure> {
        let identity = session.identity();
        if identity.role != Role::Bidder {
            return Err(Failure::new(Exit::Refused, Code::Role.as_str(), advice(Code::Role)));
        }
        let currency = session.sale().opening().terms.sale.currency.clone();
        let item = |wish: &Wish| {
            let maximum = wish.maximum(&identity.name, &currency)?;
            Ok(Item { maximum, found: None })
        };
        let items = wishes.iter().map(item).collect::<Result<_, Failure>>()?;
        let screen = Screen::new(&session);
        Ok(Self { screen, currency, items, is_settled: false, is_read: true, session })
    }

    fn say(&mut self, text: &str) {
        self.is_read &= print::is_read(text);
    }

    /// The number of lines that were followed.
    fn size(&self) -> u64 {
        self.session.follower().map_or(0, |follower| follower.next())
    }

    // ---- Before the first bid ----

    async fn catch_up(&mut self) -> Result<(), Failure> {
        loop {
            let happened = self.session.next().await?;
            let text = self.screen.tell(&self.session, &happened);
            self.say(&text);
            if let Happened::CaughtUp { .. } = happened {
                return Ok(());
            }
        }
    }

    /// Shows where things stand. A maximum far above the ask is more likely a slip.
    fn check(&mut self, yes: bool) -> Result<(), Failure> {
        let mut text = String::new();
        for item in &self.items {
            let lot = item.maximum.lot();
            let lot = view(&self.session, lot).ok_or_else(|| no_such_lot(lot.as_str()))?;
            let amount = item.maximum.amount();
            if is_startling(amount, lot.ask) && !yes && !words::is_closed(&lot) {
                let question = question(amount, &lot, &self.currency);
                confirm(&format!("The maximum of {question}"), "Bid up to it?")?;
            }
            text.push_str(&words::beginning(&lot, amount, &self.currency));
        }
        self.say(&text);
        self.look();
        Ok(())
    }

    /// Asks what became of bids of earlier runs, and enrols.
    async fn get_ready(&mut self) -> Result<(), SessionError> {
        if !self.is_settled && self.session.is_connected() {
            for bid in self.session.unsettled()? {
                let amount = self.currency.display(bid.amount);
                let lot = &bid.lot;
                self.say(&format!("Asking what became of your bid of {amount} on item {lot}.\n"));
                if let Some(item) = self.item(&bid.lot) {
                    item.maximum.sent(bid.n, None);
                }
            }
            self.session.settle().await?;
            self.is_settled = true;
        }
        self.session.enrol().await
    }

    // ---- Bidding ----

    async fn bid_to_the_end(mut self) -> Result<Exit, Failure> {
        let mut stop = pin!(signal()?);
        while !self.is_over() {
            let ready = tokio::select! {
                () = &mut stop => return self.stop().await,
                ready = self.get_ready() => ready,
            };
            match ready {
                // The next connection does.
                Ok(()) | Err(SessionError::Offline) => {}
                Err(error) => return Err(self.fail(error)),
            }
            self.bid().await?;
            if !self.is_read {
                print::talk("Nobody reads any more.\n");
                return self.stop().await;
            }
            let happened = tokio::select! {
                () = &mut stop => return self.stop().await,
                happened = self.session.next() => happened,
            };
            let happened = happened.map_err(|error| self.fail(error))?;
            self.hear(happened).await?;
        }
        self.leave().await
    }

    fn item(&mut self, lot: &LotId) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.maximum.lot() == lot)
    }

    fn is_over(&self) -> bool {
        self.items.iter().all(|item| matches!(item.found, Some(Next::Over(_))))
    }

    /// Finds out what to do on each lot, and says what is new; gives the bids to make.
    fn look(&mut self) -> Vec<(Amount, LotView)> {
        let (size, mut text, mut due) = (self.size(), String::new(), Vec::new());
        for item in &mut self.items {
            let Some(lot) = view(&self.session, item.maximum.lot()) else { continue };
            let next = item.maximum.next(&lot, size);
            if item.found.as_ref() != Some(&next) {
                text.push_str(&words::news(&next, &lot, item.maximum.amount(), &self.currency));
            }
            if let Next::Bid(ask) = next {
                due.push((ask, lot));
            }
            item.found = Some(next);
        }
        self.say(&text);
        due
    }

    async fn bid(&mut self) -> Result<(), Failure> {
        for (ask, lot) in self.look() {
            // Behind a connection that was lost the ask may be another by now.
            if !self.session.is_abreast() {
                return Ok(());
            }
            match self.session.send_bid(lot.lot.clone(), ask).await {
                Ok(placed) => {
                    if let Some(item) = self.item(&placed.lot) {
                        item.maximum.sent(placed.n, Some(lot));
                    }
                }
                Err(SessionError::Offline) => return Ok(()),
                Err(error) => return Err(self.fail(error)),
            }
        }
        Ok(())
    }

    // ---- What happens ----

    async fn hear(&mut self, happened: Happened) -> Result<(), Failure> {
        self.note_voids(&happened);
        match &happened {
            Happened::Bid { bid, answer } => self.hear_answer(bid, answer).await?,
            Happened::Entry(entry) if !self.is_ours(entry.event.as_ref()) => {}
            Happened::Cosigned(_) => print::talk(&self.screen.tell(&self.session, &happened)),
            _ => {
                let text = self.screen.tell(&self.session, &happened);
                self.say(&text);
            }
        }
        self.look();
        match happened {
            Happened::Alarm(Alarm::Bid { why: OddBid::Forged, .. }) => {
                let message = "the ledger holds a bid of yours that your bid key did not sign";
                self.say_what_stands();
                Err(Failure::new(Exit::Wrong, "not-proven", message).hint(
                    "bid no more; have the house's ledger audited: gavel fetch, gavel verify",
                ))
            }
            Happened::Refused { id: None, code, message } if bars_everywhere(code) => {
                Err(self.fail(SessionError::NotWelcome { code, message }))
            }
            _ => Ok(()),
        }
    }

    fn note_voids(&mut self, happened: &Happened) {
        let Happened::Entry(entry) = happened else { return };
        if let Some(Happening::Acted { act, .. }) = entry.event.as_ref().map(|event| &event.what)
            && let Deed::Void { lot, seen: Some(seq) } = &act.deed
            && let Some(item) = self.item(lot)
        {
            item.maximum.voided(*seq);
        }
    }

    /// Whether it is worth a line: our lots, and what befalls the whole sale. How a lot
    /// of ours ended is said in a line of its own.
    fn is_ours(&self, event: Option<&Event>) -> bool {
        let has = |lot: &LotId| self.items.iter().any(|item| item.maximum.lot() == lot);
        match event.map(|event| &event.what) {
            Some(Happening::BidAccepted { bid, .. }) => has(&bid.lot),
            Some(Happening::LotOpened { lot, .. }) => has(lot),
            Some(Happening::LotResumed { lot, .. }) => has(lot),
            Some(Happening::Acted { act, .. }) => act.deed.lot().is_none_or(has),
            Some(Happening::OutageEnded { .. } | Happening::SaleClosed(_)) => true,
            Some(
                Happening::ClockNoted { .. } | Happening::LotClosed { .. } | Happening::Ticked,
            )
            | None => false,
        }
    }

    async fn hear_answer(&mut self, bid: &PlacedBid, answer: &BidAnswer) -> Result<(), Failure> {
        let size = self.size();
        let barred = self.item(&bid.lot).and_then(|item| {
            item.maximum.answered(bid.n, answer, size);
            item.maximum.barred()
        });
        let text = match (answer, view(&self.session, &bid.lot)) {
            (BidAnswer::Refused { code: Code::TooLow, .. }, _) => {
                words::too_late(bid, &self.currency)
            }
            (BidAnswer::Landed { .. }, Some(_)) => self.screen.answer(&self.session, bid, answer),
            _ => screen::earlier(bid, answer, &self.currency),
        };
        self.say(&text);
        if let BidAnswer::Unknown = answer {
            self.session.ask_again().await?;
        }
        match barred {
            Some(code) if bars_everywhere(code) => {
                let message = advice(code).to_owned();
                Err(self.fail(SessionError::NotWelcome { code, message }))
            }
            Some(_) | None => Ok(()),
        }
    }

    // ---- The end ----

    fn is_awaiting(&self) -> bool {
        self.items.iter().any(|item| item.maximum.awaited().next().is_some())
    }

    fn say_what_stands(&mut self) {
        let us = self.session.identity().name.clone();
        let mut text = match self.session.is_connected() {
            true => String::new(),
            false => {
                "There is no connection. This is how it stood when there was one:\n".to_owned()
            }
        };
        for item in &self.items {
            match view(&self.session, item.maximum.lot()) {
                Some(lot) if !words::is_closed(&lot) => {
                    text.push_str(&words::standing(&lot, &us, &self.currency));
                }
                Some(_) | None => {}
            }
        }
        self.say(&text);
    }

    /// Why nothing more can be bid. Whoever is turned away in the middle of a sale is
    /// refused by the auction; that there is no connection is another matter.
    fn fail(&mut self, error: SessionError) -> Failure {
        self.say_what_stands();
        if leaves_open(&error) && self.is_awaiting() {
            print::talk(&format!("{}\n", whole(&error)));
            return open_outcome();
        }
        match error {
            SessionError::Connect(ConnectError::OurCertificate { .. }) => {
                Failure::from(error).with_exit(Exit::Refused)
            }
            _ => error.into(),
        }
    }

    /// The holder wants no more: hears what became of bids that are on their way.
    async fn stop(mut self) -> Result<Exit, Failure> {
        self.say("Stopped: nothing more is bid.\n");
        if self.is_awaiting() {
            self.say("Waiting for the answer to the last bid; once more Ctrl-C does not wait.\n");
        }
        let again = signal()?;
        tokio::select! {
            () = again => {}
            heard = timeout(Duration::from(OUTCOME_PATIENCE), self.hear_the_rest()) => {
                heard.unwrap_or(Ok(()))?;
            }
        }
        self.say_what_stands();
        if self.is_awaiting() {
            return Err(open_outcome());
        }
        let exit = if self.is_over() { self.exit() } else { Exit::Inconclusive };
        self.session.close().await?;
        Ok(exit)
    }

    async fn hear_the_rest(&mut self) -> Result<(), Failure> {
        while self.items.iter().any(|item| item.maximum.is_open(self.size())) {
            let happened = self.session.next().await.map_err(|error| self.fail(error))?;
            self.hear(happened).await?;
        }
        Ok(())
    }

    /// All lots have closed. The last receipt and the seal over the last closing are
    /// proof worth a moment's wait; without them the result is the same.
    async fn leave(mut self) -> Result<Exit, Failure> {
        tokio::select! {
            () = signal()? => {}
            proven = timeout(Duration::from(CONNECT_TIMEOUT), self.wait_for_proof()) => {
                proven.unwrap_or(Ok(()))?;
            }
        }
        let exit = self.exit();
        self.session.close().await?;
        Ok(exit)
    }

    async fn wait_for_proof(&mut self) -> Result<(), Failure> {
        let size = self.size();
        let sealed = |session: &Session| {
            let sealed = session.follower().and_then(|follower| follower.sealed());
            // A seal of one line less is itself the last of those lines.
            sealed.is_some_and(|sealed| sealed.checkpoint().size + 1 >= size)
        };
        while self.is_awaiting() || !sealed(&self.session) {
            match self.session.next().await {
                // The result was the last word.
                Ok(Happened::Entry(_)) => {}
                Ok(Happened::Lost { .. }) => return Ok(()),
                Ok(happened) => self.hear(happened).await?,
                Err(error) if leaves_open(&error) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let won = |item: &Item| matches!(item.found, Some(Next::Over(End::Won(_))));
        if self.items.iter().all(won) { Exit::Success } else { Exit::Refused }
    }
}
