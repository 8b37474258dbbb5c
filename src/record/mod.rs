//! Where the rules meet the format: events and evidence to ledger bodies and
//! back, the sale file to a catalogue, and the signature checks that make an
//! [`Authenticated`].
//!
//! It keeps no state and judges nothing that needs any: who may bid is the
//! roster's affair, what stands is the rules'. `docs/ledger-format.md` is the
//! normative form of what is here.

mod act;
mod authenticated;
mod bid_form;
mod claim;
mod enrolment;
mod entries;
mod fault;
mod field;
mod kept;
mod opening;
mod read;
mod ready_keys;
mod reserve;
mod sale_file;
mod statement;
#[cfg(test)]
mod tests;
mod v1;
mod write;

pub use act::{ACT_DOMAIN, ActStatement, Order, RecordedAct, SignedAct};
pub use authenticated::Authenticated;
pub use claim::{Claim, Forged, Signed};
pub use enrolment::{
    ENROL_BID_KEY_DOMAIN, ENROL_DOMAIN, Enrolled, Enrolment, EnrolmentEvidence, EnrolmentFault,
    EnrolmentStatement,
};
pub use entries::{AcceptedBid, BidEvidence, Counts, Record, Refused, Revocation, RoomBid};
pub use fault::RecordError;
pub use kept::Difference;
pub use opening::{CatalogueFault, Opening, Terms, catalogue, catalogue_hash};
pub use ready_keys::{ReadyKey, ReadyKeys};
pub use reserve::{
    KeptReserve, WrongOpening, check_openings, commit, read_reserves, write_reserves,
};
pub use sale_file::{FileLot, SaleFile, SaleFileError, Times, read_sale_file, read_scenario_sale};
pub use statement::{
    AttestedBid, BID_DOMAIN, BadSignature, BidKey, BidKeyError, Head, SignedBid, Statement,
};
pub use v1::Act as ActFields;
pub use write::{
    draft_act, draft_bid, draft_counts, draft_enrol, draft_event, draft_lot, draft_open,
    draft_refused, draft_revoke,
};
