//! The bodies of version 1 as they stand in a line: fields in the order of
//! their keys, absent ones left out, unknown ones refused (LEDGER 1).
//!
//! Private to [`record`](super), so that the format can be read on one page and
//! cannot change by a change to the types that the rest works with. What a text
//! must look like is said in `field.rs`, and by `docs/ledger-format.md`.

mod acts;

use serde::{Deserialize, Serialize};

pub use acts::Act;
pub(super) use acts::{Extend, Opening, Pause, Plain, Reserve, Resume, Void, Withdraw};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    pub(super) ca: String,
    pub(super) catalogue: String,
    pub(super) currency: Currency,
    pub(super) house: String,
    pub(super) lot_count: u64,
    pub(super) nonce: String,
    pub(super) sale: String,
    pub(super) sealers: Vec<String>,
    pub(super) software: String,
    pub(super) terms: Terms,
    pub(super) title: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Currency {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    pub(super) minor_digits: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub(super) attested: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fees: Option<Fees>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opens_at: Option<u64>,
    pub(super) refusal_bytes_max: u64,
    pub(super) refusals_per_minute_max: u64,
    pub(super) restart_grace_ms: u64,
    pub(super) room_bids: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sale_ends_at: Option<u64>,
    pub(super) void_policy: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fees {
    pub(super) commission_bps: u64,
    pub(super) premium_bps: u64,
    pub(super) tax_bps: u64,
    pub(super) tax_on: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lot {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ends_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) estimate: Option<(u64, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hard_end: Option<u64>,
    pub(super) id: String,
    pub(super) increments: Vec<(u64, u64)>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opens_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reserve_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seller: Option<Seller>,
    pub(super) soft_extend_ms: u64,
    pub(super) soft_window_ms: u64,
    pub(super) start: u64,
    pub(super) timer: String,
    pub(super) without_reserve: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seller {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enrol {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid_sig: Option<String>,
    pub(super) bidder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cert_sig: Option<String>,
    pub(super) chain: Vec<String>,
    pub(super) evidence: String,
    pub(super) role: String,
}

/// What both keys of an enrolment sign, after their domains' prefixes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolmentStatement {
    pub(super) bid_key: String,
    pub(super) bidder: String,
    pub(super) cert: String,
    pub(super) role: String,
    pub(super) sale_hash: String,
}

/// What a bid key signs, after its domain's prefix.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) amount: u64,
    pub(super) bid_key: String,
    pub(super) bidder: String,
    pub(super) head: Head,
    pub(super) lot: String,
    pub(super) n: u64,
    pub(super) sale_hash: String,
}

/// A tree: its root and size.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The root, as 64 hexadecimal digits.
    pub root: String,
    /// How many lines it has.
    pub size: u64,
}

/// A bid as a `bid` line has it: a whole statement, or three of its fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignedOrAttested {
    pub(super) amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid_key: Option<String>,
    pub(super) bidder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<Head>,
    pub(super) lot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) n: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sale_hash: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bid {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid: Option<SignedOrAttested>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ends_at: Option<u64>,
    pub(super) evidence: String,
    pub(super) lag_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reserve_met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sig: Option<String>,
}

/// A refused bid or act, whole; or the counts and keys of a summary.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bid: Option<Statement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Vec<Count>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<CountedKey>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sig: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    pub(super) code: String,
    pub(super) count: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountedKey {
    pub(super) bid_key: String,
    pub(super) n: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LotOpen {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ends_at: Option<u64>,
    pub(super) lot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sig: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LotClose {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) act: Option<Act>,
    pub(super) lot: String,
    pub(super) outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paddle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reserves: Option<Vec<Opening>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sig: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) winner: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tick {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clock {
    pub(super) accepted: bool,
    pub(super) wall: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outage {
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    pub(super) crl_hash: String,
    pub(super) crl_number: u64,
    pub(super) reason: String,
    pub(super) serial: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hammer_total: Option<u64>,
    pub(super) sold: u64,
    pub(super) unsold: u64,
    pub(super) withdrawn: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seal {
    pub(super) note: String,
}
