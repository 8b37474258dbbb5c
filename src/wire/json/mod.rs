//! The messages of `gavel/1`: one JSON object for each line.
//!
//! Normative: `docs/protocol.md`. Bodies of `enrol`, `bid` and `act` have no bidder:
//! the server adds the certificate's name before it checks the signature.
//!
//! ```
//! use gavel::wire::json::{Request, RequestId};
//! let line = r#"{"m":"status","id":3,"lot":"1"}"#;
//! let lot = "1".parse()?;
//! assert_eq!(Request::parse(line)?, Request::Status { id: RequestId::new(3)?, lot });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod request;
mod says;

use serde::{Deserialize, Serialize};

pub use self::request::{
    ActBody, BidBody, EnrolBody, EnrolSignatures, HeadBody, OpeningBody, Request, RequestFault,
};
pub use self::says::{
    Answer, Cosigned, Lines, ProvenCosigned, ProvenLine, Reply, ServerFault, ServerMessage,
    Snapshot, Welcome, lines_message, lines_message_placed, push_entered,
};
use crate::auction::name::is_showable;
use crate::limits::INTEGER_MAX;

/// The number by which a client knows a request; the answer repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct RequestId(u64);

impl RequestId {
    /// Takes a number of at most 2^53-1.
    pub const fn new(id: u64) -> Result<Self, RequestIdTooBig> {
        if id <= INTEGER_MAX { Ok(Self(id)) } else { Err(RequestIdTooBig) }
    }
}

impl TryFrom<u64> for RequestId {
    type Error = RequestIdTooBig;

    fn try_from(id: u64) -> Result<Self, RequestIdTooBig> {
        Self::new(id)
    }
}

impl From<RequestId> for u64 {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

/// A request's number is beyond 2^53-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is beyond 2^53-1")]
pub struct RequestIdTooBig;

/// Reads one object; an array is never taken for one.
fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    if !line.trim_start_matches([' ', '\t']).starts_with('{') {
        return Err("a message is one JSON object on one line".to_owned());
    }
    serde_json::from_str(line).map_err(|e| {
        e.to_string().chars().filter(|c| is_showable(*c)).take(REASON_CHARS_MAX).collect()
    })
}

fn line_of<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(message).expect("messages have text keys and no failing parts");
    line.push(b'\n');
    line
}

/// The most characters of a parser's reason that are repeated to a client.
const REASON_CHARS_MAX: usize = 200;
