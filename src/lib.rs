//! gavel: a mutually authenticated TLS auction with a signed bid ledger that
//! anybody can audit offline. `ARCHITECTURE.md` is the long form of this map.

// A simulation shares its judge with the tests outside, which name the crate.
#[cfg(test)]
extern crate self as gavel;

pub mod auction;
pub mod audit;
pub mod cli;
pub mod client;
pub mod clock;
pub mod house;
pub mod ledger;
pub mod limits;
pub mod loadtest;
pub mod pki;
#[cfg(feature = "planted-faults")]
pub mod planted;
pub mod record;
pub mod rehearse;
pub mod roster;
pub mod server;
pub mod sheet;
pub mod time;
pub mod web;
pub mod wire;
pub mod witness;
