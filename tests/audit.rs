//! The auditor against ledgers that were tampered with: every bit, every cut, and
//! forgeries chained and sealed again with the house's own key.

#[path = "tampered/bytes.rs"]
mod bytes;
#[path = "tampered/forge.rs"]
mod forge;
#[path = "tampered/held.rs"]
mod held;
#[path = "tampered/honest.rs"]
mod honest;
#[path = "tampered/log.rs"]
mod log;
#[path = "tampered/people.rs"]
mod people;
#[path = "tampered/rules.rs"]
mod rules;
#[path = "tampered/shuffled.rs"]
mod shuffled;
#[path = "tampered/world.rs"]
mod world;
