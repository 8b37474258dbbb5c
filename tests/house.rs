//! The house on a real disk: a sale from birth to close, and every way to take it up again.

#[path = "house/recovery.rs"]
mod recovery;
#[path = "house/sale.rs"]
mod sale;
#[path = "house/world.rs"]
mod world;
