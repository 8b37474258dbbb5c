//! Records written as the house writes them.

use gavel::ledger::Line;
use gavel::record::{
    Record, draft_act, draft_bid, draft_counts, draft_enrol, draft_event, draft_lot, draft_open,
    draft_refused, draft_revoke,
};
use gavel::time::Timestamp;

/// The body that the house writes for what was read from `line`.
pub fn body_of(record: &Record, line: &Line<'_>) -> Vec<u8> {
    let at = line.at.unwrap_or(Timestamp::ZERO);
    let draft = match record {
        Record::Open(opening) => draft_open(opening, at),
        Record::Lot(lot) => draft_lot(lot, at),
        Record::Enrol(enrolment) => draft_enrol(enrolment, at),
        Record::Act(act) => draft_act(act, at).expect("an act of an entry is a deed"),
        Record::Bid(bid) => draft_bid(bid, at),
        Record::Refused(refused) => draft_refused(refused, at),
        Record::Counted(counts) => draft_counts(counts, at),
        Record::Revoke(revocation) => draft_revoke(revocation, at),
        Record::Event(event) => draft_event(event).expect("an event of time"),
        Record::Seal { note } => {
            return serde_json::to_vec(&serde_json::json!({ "note": note })).expect("writes");
        }
    };
    assert_eq!(draft.kind, line.kind, "{record:?}");
    draft.body
}
