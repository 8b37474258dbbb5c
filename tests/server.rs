//! The server over real sockets and real certificates, on loopback.

#[path = "server/crowd.rs"]
mod crowd;
#[path = "server/lines.rs"]
mod lines;
#[path = "server/people.rs"]
mod people;
#[path = "server/restart.rs"]
mod restart;
#[path = "server/sale.rs"]
mod sale;
#[path = "server/slow.rs"]
mod slow;
#[expect(dead_code, reason = "shared with tests/cosigned_sale.rs, which has one over TLS")]
#[path = "server/stub.rs"]
mod stub;
#[path = "server/text.rs"]
mod text;
#[path = "server/witnesses.rs"]
mod witnesses;
#[path = "server/world.rs"]
mod world;
