//! Asking how lots stand: the server's word, for display.

use super::fault::SessionError;
use super::session::{Asked, Happened, Session};
use crate::auction::name::LotId;
use crate::auction::refusal::Code;
use crate::wire::json::{Request, RequestId};
use crate::wire::lot::LotView;

impl Session {
    /// Asks how lots stand, from the first or after one; the answer comes as [`Happened::Lots`].
    pub async fn send_list(&mut self, after: Option<LotId>) -> Result<RequestId, SessionError> {
        let id = self.take_id();
        self.ask(id, &Request::List { id, after }).await
    }

    /// Asks how a lot stands; the answer comes as [`Happened::Lots`].
    pub async fn send_status(&mut self, lot: LotId) -> Result<RequestId, SessionError> {
        let id = self.take_id();
        self.ask(id, &Request::Status { id, lot }).await
    }

    async fn ask(&mut self, id: RequestId, request: &Request) -> Result<RequestId, SessionError> {
        self.send(request, Asked::Lots)?;
        self.link.flush().await;
        Ok(id)
    }

    /// How all lots stand, by the server's word.
    pub async fn list(&mut self) -> Result<Vec<LotView>, SessionError> {
        let mut all: Vec<LotView> = Vec::new();
        loop {
            let id = self.send_list(all.last().map(|lot| lot.lot.clone())).await?;
            let (lots, more) = self.lots_of(id).await?;
            let ended = lots.is_empty() || !more;
            all.extend(lots);
            if ended {
                return Ok(all);
            }
        }
    }

    /// How one lot stands, by the server's word; `None` if there is none of that id.
    pub async fn status(&mut self, lot: LotId) -> Result<Option<LotView>, SessionError> {
        let id = self.send_status(lot).await?;
        match self.lots_of(id).await {
            Ok((lots, _)) => Ok(lots.into_iter().next()),
            Err(SessionError::NotWelcome { code: Code::NoSuchLot, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn lots_of(&mut self, asked: RequestId) -> Result<(Vec<LotView>, bool), SessionError> {
        let is_it = |happened: &Happened| match happened {
            Happened::Lots { id, .. } | Happened::Unanswered { id } => *id == asked,
            Happened::Refused { id, .. } => *id == Some(asked),
            _ => false,
        };
        loop {
            if let Some(at) = self.ready.iter().position(is_it) {
                return match self.ready.remove(at) {
                    Some(Happened::Lots { lots, more, .. }) => Ok((lots, more)),
                    Some(Happened::Refused { code, message, .. }) => {
                        Err(SessionError::NotWelcome { code, message })
                    }
                    _ => Err(SessionError::Offline),
                };
            }
            self.step().await?;
        }
    }
}
