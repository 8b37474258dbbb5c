//! Acts of staff: sign, put on the disk, send, and learn the outcome, as for bids.

use super::bidding::{BidAnswer, request_of};
use super::fault::SessionError;
use super::session::{Asked, Happened, PlacedAct, Sent, Session};
use crate::auction::name::Title;
use crate::auction::reserve::ReserveOpening;
use crate::record::Order;

impl Session {
    /// Signs an act, puts it on the disk and sends it; the answer comes as [`Happened::Act`].
    ///
    /// `opening` goes to the house alone, with an act that lowers a reserve. Enrols first
    /// where that is needed, and waits for that.
    pub async fn send_act(
        &mut self,
        order: Order,
        reason: Option<Title>,
        opening: Option<ReserveOpening>,
    ) -> Result<PlacedAct, SessionError> {
        if !self.link.is_up() {
            return Err(SessionError::Offline);
        }
        self.enrol().await?;
        let name = self.caller.credential().identity.name.clone();
        let id = self.take_id();
        let place = self.place_mut();
        let head = place.head()?;
        let n = place.memory.take_n()?;
        let pen = place.pen.as_ref().expect("whoever is enrolled has a bid key");
        let act = pen.act(place.sale.sale_hash(), head, n, &name, order.clone(), reason);
        let sent = Sent { opening, ..Sent::new(act) };
        let request = request_of(id, &sent);
        place.memory.keep_unanswered(n, &request)?;
        self.send(&request, Asked::Sent(Box::new(sent)))?;
        self.link.flush().await;
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
        loop {
            let is_it =
                |happened: &Happened| matches!(happened, Happened::Act { act, .. } if act.n == n);
            let at = self.ready.iter().position(is_it);
            if let Some(Happened::Act { answer, .. }) = at.and_then(|at| self.ready.remove(at)) {
                return Ok(answer);
            }
            self.step().await?;
        }
    }
}
