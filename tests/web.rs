//! The bridge of `gavel web` over real HTTP and WebSockets on loopback, before a real server.

#[path = "web/doors.rs"]
mod doors;
#[expect(dead_code, reason = "shared with tests/client.rs, which uses all of it")]
#[path = "client/house.rs"]
mod house;
#[path = "web/page.rs"]
mod page;
#[path = "web/sale.rs"]
mod sale;
