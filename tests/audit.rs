//! The auditor against ledgers that were tampered with: every bit, every cut, and
//! forgeries chained and sealed again with the house's own key.

#[path = "tampered/acting.rs"]
mod acting;
#[path = "tampered/bidding.rs"]
mod bidding;
#[path = "tampered/bytes.rs"]
mod bytes;
#[path = "random_sales/dice.rs"]
mod dice;
#[path = "tampered/ending.rs"]
mod ending;
#[path = "tampered/evidence.rs"]
mod evidence;
#[path = "tampered/forge.rs"]
mod forge;
#[path = "tampered/halls.rs"]
mod halls;
#[path = "tampered/held.rs"]
mod held;
#[path = "tampered/honest.rs"]
mod honest;
#[path = "tampered/log.rs"]
mod log;
#[path = "tampered/matrix/mod.rs"]
mod matrix;
#[path = "tampered/mutation.rs"]
mod mutation;
#[path = "tampered/naming.rs"]
mod naming;
#[path = "tampered/quorum.rs"]
mod quorum;
#[path = "tampered/receipts.rs"]
mod receipts;
#[path = "tampered/refusing.rs"]
mod refusing;
#[path = "tampered/reserving.rs"]
mod reserving;
#[path = "tampered/roster.rs"]
mod roster;
#[path = "tampered/running.rs"]
mod running;
#[path = "tampered/shuffled.rs"]
mod shuffled;
#[path = "tampered/signing.rs"]
mod signing;
#[path = "tampered/staff.rs"]
mod staff;
#[path = "tampered/world.rs"]
mod world;
