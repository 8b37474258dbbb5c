//! A page for one person, served by that person's own binary on loopback.
//!
//! A page that the house serves could make whoever looks at it sign anything. Here the binary that
//! holds the key serves the page, does the mutual TLS, checks every line and seal, and signs; the
//! browser only shows and asks. [`Bridge`] joins two halves: the door, which speaks HTTP with
//! browsers and decides who may come in (`guard.rs`, pure), and the desk, which owns the
//! [`Session`](crate::client::Session). Between them go only the messages of `says.rs`: the page
//! never holds a key, and nothing that it says is signed but a lot with an amount, or an act of
//! staff.

mod board;
mod desk;
mod door;
mod guard;
mod news;
mod own;
mod pages;
mod says;
mod socket;
mod token;

pub use door::{Bridge, BridgeFailure};
