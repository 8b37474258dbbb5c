//! The simulated network between one bidder and the server: in order each way, late, and broken
//! at any time. Its server end does what a session and its speaker do, without their sockets.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::bidder::Payload;
use crate::auction::refusal::Code;
use crate::house::Welcome;
use crate::ledger::receipt::Receipt;
use crate::limits::REQUESTS_IN_FLIGHT_MAX;
use crate::server::fanout::Cursor;
use crate::server::ticket::{Asked, Outgoing, Ticket};
use crate::wire::json::RequestId;

/// What a bidder sends.
#[derive(Clone, Debug)]
pub(super) enum Up {
    Hello { note: Option<String> },
    Since { seq: u64 },
    Submit { op: u64, payload: Payload },
}

/// What the server sends.
#[derive(Clone, Debug)]
pub(super) enum Down {
    Welcome { welcome: Arc<Welcome>, tail: Vec<Arc<str>> },
    Lines { asked: bool, from: u64, lines: Arc<[Arc<str>]> },
    Sent { next: u64, note: Arc<str> },
    Receipt { op: u64, receipt: Box<Receipt> },
    Refused { op: u64, code: Code },
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) who: usize,
    out: mpsc::Sender<Box<Outgoing>>,
    pub(super) outgoing: mpsc::Receiver<Box<Outgoing>>,
    /// Where live lines go on; none before the welcome.
    pub(super) cursor: Option<Cursor>,
    /// Nothing arrives before what was sent before it.
    pub(super) up_at_us: u64,
    pub(super) down_at_us: u64,
    /// Whether each end still has it.
    pub(super) has_server: bool,
    pub(super) has_client: bool,
    /// What arrives later than this is lost: the server has died.
    pub(super) down_until_us: u64,
    /// Its number in the history, once it was welcomed.
    pub(super) recorded: Option<u64>,
}

/// The number of every request that is no operation.
const OTHER_REQUEST: u64 = 0;

impl Connection {
    pub(super) fn new(who: usize) -> Self {
        let (out, outgoing) = mpsc::channel(REQUESTS_IN_FLIGHT_MAX + 4);
        Self {
            who,
            out,
            outgoing,
            cursor: None,
            up_at_us: 0,
            down_at_us: 0,
            has_server: true,
            has_client: true,
            down_until_us: u64::MAX,
            recorded: None,
        }
    }

    /// A ticket for the answer to an operation.
    pub(super) fn ticket(&self, op: u64) -> Ticket {
        self.ticket_for(Asked::Gavel { id: RequestId::new(op).expect("few") })
    }

    /// A ticket for the answer to a `since`.
    pub(super) fn lines_ticket(&self) -> Ticket {
        self.ticket(OTHER_REQUEST)
    }

    /// A ticket for a welcome.
    pub(super) fn hello_ticket(&self, noted: bool) -> Ticket {
        let id = RequestId::new(OTHER_REQUEST).expect("few");
        self.ticket_for(Asked::Hello { id, noted, cosigned: false, quiet: false })
    }

    fn ticket_for(&self, asked: Asked) -> Ticket {
        Ticket { asked, out: self.out.clone(), place: None }
    }
}

/// The operation that was answered; none if it was another request.
pub(super) fn operation(asked: &Asked) -> Option<u64> {
    let Asked::Gavel { id } = asked else { return None };
    Some(u64::from(*id)).filter(|op| *op != OTHER_REQUEST)
}
