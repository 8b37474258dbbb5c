//! The shell around the house: sockets, sessions, the floor, files, metrics.
//!
//! Sessions are tasks, one for each connection; the floor is one thread that
//! owns all state. Between them stands the gate, which gives every line that was
//! read its number and its time. Nothing here judges a bid.

mod fanout;
mod floor;
mod gate;
mod metrics;

pub use floor::FloorFailure;
