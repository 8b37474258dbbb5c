//! Acts of staff: sign, put on the disk, send, and learn the outcome, as for bids.

use super::bidding::{BidAnswer, Pen};
use super::fault::SessionError;
use super::session::{PlacedAct, Sent, Session};
use crate::auction::name::Title;
use crate::auction::reserve::ReserveOpening;
use crate::record::Order;

impl Session {
    /// Signs an act, puts it on the disk and sends it; the answer comes as [`Happened::Act`](super::session::Happened::Act).
    ///
    /// `opening` goes to the house alone, with an act that lowers a reserve. Enrols first
    /// where that is needed, and waits for that.
    pub async fn send_act(
        &mut self,
        order: Order,
        reason: Option<Title>,
        opening: Option<ReserveOpening>,
    ) -> Result<PlacedAct, SessionError> {
        let signed = order.clone();
        let sign = |pen: &Pen, stem| Sent { opening, ..Sent::new(pen.act(stem, signed, reason)) };
        let n = self.sign_and_send(sign).await?;
        Ok(PlacedAct { order, n })
    }

    /// Does an act and waits for its outcome; what else happens waits for [`Session::next`].
    pub async fn act(
        &mut self,
        order: Order,
        reason: Option<Title>,
        opening: Option<ReserveOpening>,
    ) -> Result<BidAnswer, SessionError> {
        let n = self.send_act(order, reason, opening).await?.n;
        self.outcome_of(n).await
    }
}
