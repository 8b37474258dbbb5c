//! Placing bids: enrol, sign, put on the disk, send, and learn the outcome.

use super::bidding::{BidAnswer, Pen, Stem, request_of, sent_of};
use super::fault::SessionError;
use super::session::{Asked, Happened, Placed, PlacedBid, Sent, Session};
use crate::auction::money::Amount;
use crate::auction::name::LotId;
use crate::limits::{BUSY_RETRIES_MAX, CONFIRM_ABOVE_ASKS};

/// Whether so much more than the ask is more likely a slip of the finger.
pub fn is_startling(amount: Amount, ask: Amount) -> bool {
    amount.minor_units() / CONFIRM_ABOVE_ASKS > ask.minor_units()
        || amount.minor_units() > ask.minor_units().saturating_mul(CONFIRM_ABOVE_ASKS)
}

impl Session {
    /// Enrols a bid key for this sale, if none of ours is; waits for the receipt.
    pub async fn enrol(&mut self) -> Result<(), SessionError> {
        self.take_pen()?;
        while !self.is_enrolled() {
            let asked = self.enrol_again || self.has_asked(|asked| matches!(asked, Asked::Enrol));
            if self.link.is_up() && !asked {
                self.send_enrolment()?;
            }
            self.step().await?;
        }
        Ok(())
    }

    /// Puts an enrolment on its way where that is needed, and does not wait: its answer comes as
    /// [`Happened::Enrolled`]. It is lost with the connection, so ask again after the next one.
    pub async fn send_enrol(&mut self) -> Result<(), SessionError> {
        self.take_pen()?;
        let asked = self.enrol_again || self.has_asked(|asked| matches!(asked, Asked::Enrol));
        if self.link.is_up() && !asked && !self.is_enrolled() {
            self.send_enrolment()?;
            self.link.flush().await;
        }
        Ok(())
    }

    /// Whether the ledger holds the bid key of this sale and certificate.
    pub fn is_enrolled(&self) -> bool {
        self.place().pen.as_ref().is_some_and(|pen| pen.enrolled)
    }

    fn has_asked(&self, which: impl Fn(&Asked) -> bool) -> bool {
        self.asked.values().any(which)
    }

    /// Takes up the bid key of this sale and certificate; makes it if there is none.
    fn take_pen(&mut self) -> Result<(), SessionError> {
        let cert = self.caller.credential().identity.cert;
        let place = self.place_mut();
        if place.pen.is_none() {
            place.pen = Some(Pen::new(place.memory.make_bid_key(&cert)?));
        }
        Ok(())
    }

    pub(super) fn send_enrolment(&mut self) -> Result<(), SessionError> {
        let id = self.take_id();
        let place = self.place();
        let Some(pen) = &place.pen else { return Ok(()) };
        let request = pen.enrol(id, self.caller.credential(), place.sale.sale_hash())?;
        self.send(&request, Asked::Enrol)
    }

    /// Signs a bid, puts it on the disk and sends it; the answer comes as [`Happened::Bid`].
    ///
    /// Enrols first where that is needed, and waits for that.
    pub async fn send_bid(
        &mut self,
        lot: LotId,
        amount: Amount,
    ) -> Result<PlacedBid, SessionError> {
        let sign = |pen: &Pen, stem| Sent::new(pen.bid(stem, lot.clone(), amount));
        let n = self.sign_and_send(sign).await?;
        Ok(PlacedBid { lot, amount, n })
    }

    /// Signs a bid or an act under a new number, puts it on the disk and sends it.
    pub(super) async fn sign_and_send(
        &mut self,
        sign: impl FnOnce(&Pen, Stem) -> Sent,
    ) -> Result<u64, SessionError> {
        if !self.link.is_up() {
            return Err(SessionError::Offline);
        }
        self.enrol().await?;
        let bidder = self.caller.credential().identity.name.clone();
        let id = self.take_id();
        let place = self.place_mut();
        let head = place.head()?;
        let n = place.memory.take_n()?;
        let pen = place.pen.as_ref().expect("whoever is enrolled has a bid key");
        let sent = sign(pen, Stem { bidder, head, n, sale_hash: place.sale.sale_hash() });
        let request = request_of(id, &sent);
        place.memory.keep_unanswered(n, &request)?;
        self.send(&request, Asked::Sent(Box::new(sent)))?;
        // A broken connection shows at the next step; what is kept is sent again then.
        self.link.flush().await;
        Ok(n)
    }

    /// Places a bid and waits for its outcome; what else happens waits for [`Session::next`].
    pub async fn bid(&mut self, lot: LotId, amount: Amount) -> Result<BidAnswer, SessionError> {
        let placed = self.send_bid(lot, amount).await?;
        self.outcome_of(placed.n).await
    }

    /// Waits for the answer to the bid or act of this number.
    pub(super) async fn outcome_of(&mut self, n: u64) -> Result<BidAnswer, SessionError> {
        let is_it = |happened: &Happened| match happened {
            Happened::Act { act, .. } => act.n == n,
            Happened::Bid { bid, .. } => bid.n == n,
            _ => false,
        };
        loop {
            let at = self.ready.iter().position(is_it);
            match at.and_then(|at| self.ready.remove(at)) {
                Some(Happened::Act { answer, .. } | Happened::Bid { answer, .. }) => {
                    return Ok(answer);
                }
                _ => self.step().await?,
            }
        }
    }

    /// The bids of earlier sessions whose outcome is not known.
    pub fn unsettled(&self) -> Result<Vec<PlacedBid>, SessionError> {
        Ok(bids_of(&self.remembered()?))
    }

    /// Sends the bids and acts of earlier sessions again, byte for byte, to learn their
    /// outcome; the answers come as [`Happened::Bid`] and [`Happened::Act`]. Gives the bids.
    pub async fn settle(&mut self) -> Result<Vec<PlacedBid>, SessionError> {
        let remembered = self.remembered()?;
        let bids = bids_of(&remembered);
        for sent in remembered {
            self.send_again(sent)?;
        }
        self.link.flush().await;
        Ok(bids)
    }

    /// Asks once more for the bids that were answered `busy` until they were given up, by
    /// their own bytes; without a connection the next one asks.
    pub async fn ask_again(&mut self) -> Result<(), SessionError> {
        let given_up = |sent: &Sent| sent.busy > BUSY_RETRIES_MAX;
        let due: Vec<u64> =
            self.unsettled.iter().filter(|(_, sent)| given_up(sent)).map(|(n, _)| *n).collect();
        if !self.link.is_up() {
            return Ok(());
        }
        for n in &due {
            self.unsettled.entry(*n).and_modify(|sent| sent.busy = 0);
        }
        self.send_unsettled(due)?;
        self.link.flush().await;
        Ok(())
    }

    fn remembered(&self) -> Result<Vec<Sent>, SessionError> {
        let name = &self.caller.credential().identity.name;
        let requests = self.place().memory.unanswered()?;
        let sent = requests.iter().filter_map(|request| sent_of(request, name));
        Ok(sent.filter(|sent| !self.is_on_its_way(sent.n())).collect())
    }

    fn is_on_its_way(&self, n: u64) -> bool {
        let asked = |asked: &Asked| matches!(asked, Asked::Sent(sent) if sent.n() == n);
        self.unsettled.contains_key(&n) || self.has_asked(asked)
    }

    /// Sends the very bytes of a bid or act once more.
    pub(super) fn send_again(&mut self, sent: Sent) -> Result<(), SessionError> {
        let id = self.take_id();
        let request = request_of(id, &sent);
        self.send(&request, Asked::Sent(Box::new(sent)))
    }
}

fn bids_of(sent: &[Sent]) -> Vec<PlacedBid> {
    let bid = |sent: &Sent| match sent.placed() {
        Placed::Bid(bid) => Some(bid),
        Placed::Act(_) => None,
    };
    sent.iter().filter_map(bid).collect()
}
