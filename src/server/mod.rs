//! The shell around the house: sockets, sessions, the floor, files, metrics.

mod start;

pub use start::{Begun, How, MarkUsed, Sealing, Setup, StartFailure, begin};
