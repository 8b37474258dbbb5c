//! What is said at the server's door: text commands and the JSON Lines of
//! `gavel/1`, to and fro. `docs/protocol.md` is the normative form.
//!
//! Pure: bytes and values, no socket, no clock, no keys. It knows how things
//! are said and refuses to know whether they are so: it checks no signature and
//! judges no bid. No request names a bidder: who speaks is known from the
//! certificate of the connection, and from nowhere else.

pub mod encoding;
pub mod frame;
pub mod json;
pub mod lot;
pub mod message;
pub mod notice;
pub mod text;
