//! The client's side: connect, enrol, sign, verify what arrives, remember.
//!
//! A [`Session`] is one credential's standing with one sale. It believes nothing
//! that it cannot check: the server's certificate, line 0, every line and seal
//! that it follows, every receipt, and that all of it continues what it was shown
//! before ([`Memory`]). The interactive screen, one-shot commands, the load
//! generator and the demo's bidders all stand on it. It prints nothing.

mod acting;
mod alarm;
mod answers;
mod asking;
mod bidding;
mod channel;
mod connect;
mod conviction;
mod cosigned;
mod early;
mod fault;
mod follow;
mod greeting;
mod hearing;
mod link;
mod maximum;
mod memory;
mod place;
mod placing;
mod session;
mod standing;
mod welcome;

pub use alarm::{Alarm, OddBid};
pub use bidding::{BidAnswer, ReceiptFault};
pub(crate) use bidding::{Pen, Stem, bid_request};
pub use connect::{Caller, ConnectError, Refusal};
pub use cosigned::Cosigned;
pub use fault::SessionError;
pub use follow::{Entry, FollowFault, Follower, Held};
pub use greeting::{GreetingFault, KnownSale, OwnEnrolment};
pub use maximum::{End, Maximum, Next, Wait, bars_everywhere};
pub use memory::{Memory, MemoryFault};
pub use placing::is_startling;
pub use session::{Following, Happened, Options, PlacedAct, PlacedBid, Session};
pub use standing::{BidOn, Standing};
