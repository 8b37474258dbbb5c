//! The client against a real server on loopback, and against a network and a
//! house that misbehave.

#[path = "client/cosigned.rs"]
mod cosigned;
#[path = "client/follow.rs"]
mod follow;
#[path = "client/forked.rs"]
mod forked;
#[path = "client/house.rs"]
mod house;
#[path = "client/liar.rs"]
mod liar;
#[path = "client/refusals.rs"]
mod refusals;
#[path = "client/sale.rs"]
mod sale;
#[expect(dead_code, reason = "shared with tests/server.rs, which uses all of it")]
#[path = "server/stub.rs"]
mod stub;
#[path = "client/trouble.rs"]
mod trouble;
#[path = "client/twisted.rs"]
mod twisted;
