//! The newest cosigned checkpoint, for everybody who wants it: the floor for its
//! anchor, sessions for their clients.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ledger::SignedCheckpoint;
use crate::wire::json::{self, ServerMessage};

/// A checkpoint with its cosignatures, and how it is told.
#[derive(Debug)]
pub(super) struct Cosigned {
    pub(super) checkpoint: SignedCheckpoint,
    /// The `cosigned` message, shared by all connections.
    pub(super) message: Box<[u8]>,
}

/// Where the newest one stands.
#[derive(Clone, Debug)]
pub(super) struct Board(watch::Sender<Option<Arc<Cosigned>>>);

/// Who looks there.
pub(super) type Reader = watch::Receiver<Option<Arc<Cosigned>>>;

impl Board {
    /// Begins with what an earlier run has left, if it has.
    pub(super) fn new(earlier: Option<SignedCheckpoint>) -> Self {
        Self(watch::Sender::new(earlier.map(Cosigned::shared)))
    }

    /// Puts a newer one there.
    pub(super) fn put(&self, checkpoint: SignedCheckpoint) {
        self.0.send_replace(Some(Cosigned::shared(checkpoint)));
    }

    pub(super) fn newest(&self) -> Option<Arc<Cosigned>> {
        self.0.borrow().clone()
    }

    /// For somebody who has been shown one, or none: whatever else is there is news.
    pub(super) fn reader_behind(&self, shown: Option<&Arc<Cosigned>>) -> Reader {
        let mut reader = self.0.subscribe();
        let is_news = match (&*reader.borrow_and_update(), shown) {
            (Some(newest), Some(shown)) => !Arc::ptr_eq(newest, shown),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_news {
            reader.mark_changed();
        }
        reader
    }
}

impl Cosigned {
    fn shared(checkpoint: SignedCheckpoint) -> Arc<Self> {
        let message =
            ServerMessage::Cosigned(json::Cosigned { note: checkpoint.note().to_owned() });
        Arc::new(Self { message: message.to_line().into(), checkpoint })
    }
}
