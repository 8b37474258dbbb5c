//! The server over real sockets and real certificates, on loopback.

#[path = "server/sale.rs"]
mod sale;
#[path = "server/world.rs"]
mod world;
