//! What everybody who took part in a sale sent, was told and saw, and whether all of it can
//! be true at once (as Jepsen checks a database).
//!
//! A [`History`] is a list of [`Event`]s, made by a [`Recorder`] that many bidders share and
//! judged by [`check()`]. It knows no server and no socket: whoever drives a house, over TLS or in
//! a simulation, says what happened and when. Lines of the ledger are kept once, however many
//! people saw them: an event names a line by its number and by which of the different lines of
//! that number it is (its variant), so that nothing is lost and a thousand readers cost little.
//!
//! ```text
//! {"e":"line","seq":7,"variant":0,"line":"{\"body\":..}"}
//! {"e":"invoke","at_us":5012,"op":3,"process":"bidder-1","what":{"signed":"{\"bid\":..}\n","lot":"2","amount":120,"n":1}}
//! {"e":"ok","at_us":9120,"op":3,"receipt":"c2sp.org/tlog-proof@v1\n.."}
//! {"e":"saw","process":"bidder-1","connection":1,"asked":false,"run":{"from":5,"to":9,"variant":0}}
//! ```

mod check;
mod file;
mod recorder;
#[cfg(test)]
mod tests;
mod violation;

use serde::{Deserialize, Serialize};

pub(crate) use check::{Checked, check};
pub(crate) use file::{read_history, write_history};
pub(crate) use recorder::Recorder;
pub(crate) use violation::{Kind, Source, Violation};

use gavel::auction::event::Outcome;
use gavel::record::{EnrolmentStatement, Signed};

/// Something that happened, in the order in which it was recorded. Times are microseconds of
/// one monotonic clock since the run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "e", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// Whom everybody trusts: the CA's certificate, DER in base64.
    Trust { ca: String },
    /// A line that somebody saw or the disk held; `variant` counts the different ones of a number.
    Line { seq: u64, variant: usize, line: String },
    /// A bid, act or enrolment is about to be sent for the first time.
    Invoke { at_us: u64, op: u64, process: String, what: What },
    /// The same bytes are about to be sent once more.
    Again { at_us: u64, op: u64 },
    /// It was answered by this receipt.
    Ok { at_us: u64, op: u64, receipt: String },
    /// It was refused, for good.
    Refused { at_us: u64, op: u64, code: String },
    /// No answer will come any more to what was sent.
    Unknown { at_us: u64, op: u64 },
    /// A connection was welcomed at a tree of this size: live lines begin there.
    Welcomed { process: String, connection: u64, size: u64 },
    /// All lines from one on were asked for.
    Asked { process: String, connection: u64, from: u64 },
    /// Lines came: live ones, or those that were asked for.
    Saw { process: String, connection: u64, asked: bool, run: Run },
    /// The server said that it skips live lines, up to this one.
    Skipped { process: String, connection: u64, next: u64 },
    /// The server said that all lines before this one have come that were asked for.
    CaughtUp { process: String, connection: u64, next: u64 },
    /// Somebody was shown a signed checkpoint.
    Note { source: String, note: String },
    /// The ledger's file while no server ran; the last one is the final ledger.
    Snapshot { at_us: u64, runs: Vec<Run>, tail: String },
    /// What somebody says a lot came to.
    Winner { source: String, lot: String, outcome: String },
}

/// What was signed and sent. `signed` is all of it, and by it the ledger's entry is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct What {
    /// A bid or act as its signer keeps it, with the signature; an enrolment's statement.
    pub(crate) signed: String,
    pub(crate) lot: Option<String>,
    pub(crate) amount: Option<u64>,
    pub(crate) n: Option<u64>,
}

/// Lines `from..to`, all of one variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) variant: usize,
}

/// All that is known of a run of a sale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
}

impl What {
    /// A bid or an act.
    pub(crate) fn signed(signed: &Signed) -> Self {
        Self {
            signed: String::from_utf8(signed.to_kept()).expect("JSON"),
            lot: signed.lot().map(ToString::to_string),
            amount: signed.bid().map(|bid| bid.amount.minor_units()),
            n: Some(signed.claim().n),
        }
    }

    /// An enrolment: without its signatures, which may differ each time that it is sent.
    pub(crate) fn enrolment(statement: &EnrolmentStatement) -> Self {
        let signed = String::from_utf8(statement.to_canonical()).expect("JSON");
        Self { signed, lot: None, amount: None, n: None }
    }
}

/// An outcome in the one form in which winners are compared.
pub(crate) fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sold { to, hammer_price } => format!("sold to {to} at {hammer_price}"),
        Outcome::Unsold(_) | Outcome::Withdrawn => outcome.as_str().to_owned(),
    }
}
