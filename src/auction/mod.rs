//! The rules of the auction, and nothing else.
//!
//! Pure: no I/O, no clock, no keys, no JSON. The live house and the auditor run
//! the same two methods over the same state.

pub mod event;
pub mod money;
pub mod name;
pub mod refusal;
