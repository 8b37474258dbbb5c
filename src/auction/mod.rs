//! The rules of the auction, and nothing else.
//!
//! Pure: no I/O, no clock, no keys, no JSON. The live house and the auditor run
//! the same two methods over the same state: [`Sale::decide`] says what an input
//! leads to, [`Sale::apply`] takes it in. Any rule is in one of these files, once:
//!
//! - `money`: what an amount is, and how it is written;
//! - `increments`: the step above a price;
//! - `fees`: what is paid beside the hammer price;
//! - `reserve`: what is known of a hidden reserve;
//! - `catalogue`: the terms of the sale and its lots;
//! - `lot`: one lot: the ask, who may bid, its ends;
//! - `act`, `staff`: what staff may do, and what a lot makes of it;
//! - `sale`: the whole sale: order, what falls due, outages, the close.

pub mod act;
pub mod catalogue;
pub mod event;
pub mod fees;
pub mod increments;
pub mod lot;
pub mod money;
pub mod name;
pub mod refusal;
pub mod reserve;
pub mod sale;
mod staff;

pub use act::{Act, Deed, Effect, KeyHash, Word};
pub use catalogue::{Catalogue, CatalogueError, LotTerms, SaleTerms, Seller, Timer, VoidPolicy};
pub use event::{Bid, By, Event, Happening, Input, Outcome, Totals, UnsoldReason};
pub use fees::{BuyerLine, Fees, FeesError, Rate, TaxOn};
pub use increments::{Increments, IncrementsError};
pub use lot::{High, Lot, LotState};
pub use money::{Amount, AmountError, Currency, MoneyError};
pub use name::{HouseName, LotId, Name, NameError, Party, Role, SaleId, Title};
pub use refusal::{Code, Refusal, ReserveFault, Unfit};
pub use reserve::{Commitment, Promise, ReserveOpening};
pub use sale::Sale;
