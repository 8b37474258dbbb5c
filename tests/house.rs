//! The house on a real disk: a sale from birth to close, and every way to take it up again.

#[path = "house/acts.rs"]
mod acts;
#[path = "house/cut.rs"]
mod cut;
#[path = "house/recovery.rs"]
mod recovery;
#[path = "house/reserves.rs"]
mod reserves;
#[path = "house/sale.rs"]
mod sale;
#[path = "house/staff.rs"]
mod staff;
#[path = "house/world.rs"]
mod world;
