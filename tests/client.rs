//! The client against a real server on loopback, and against a network and a
//! house that misbehave.

#[path = "client/follow.rs"]
mod follow;
#[path = "client/house.rs"]
mod house;
#[path = "client/refusals.rs"]
mod refusals;
#[path = "client/sale.rs"]
mod sale;
#[path = "client/trouble.rs"]
mod trouble;
