//! The bodies of the staff's acts: each holds the signed act and what followed.

use serde::{Deserialize, Serialize};

use super::Head;

/// An act's statement, as it is signed: every act has the fields of its kind only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Which act.
    pub act: String,
    /// How much, in minor units; of `enter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// The key that signs.
    pub bid_key: String,
    /// Who acts.
    pub bidder: String,
    /// The new end; of `extend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<u64>,
    /// The newest checkpoint that the signer has verified.
    pub head: Head,
    /// On which lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// The key's number.
    pub n: u64,
    /// Whose name; of `reissue`, or for whom; of `enter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The certificate key that gets the name; of `reissue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_key: Option<String>,
    /// The certificate key that had it; of `reissue`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_key: Option<String>,
    /// For which paddle; of `enter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paddle: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What commits to the lower reserve; of `reserve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve_commit: Option<String>,
    /// In which sale.
    pub sale_hash: String,
    /// The standing bid's entry, as it was seen; of `hammer` and `void`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// What is said; of `say`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What opens a commitment to a reserve.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Opening {
    pub(in crate::record) nonce: String,
    pub(in crate::record) reserve: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Pause {
    pub(in crate::record) act: Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) left_ms: Option<u64>,
    pub(in crate::record) sig: String,
}

/// By staff with an act, or without one because the sale was closed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Resume {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) act: Option<Act>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) ends_at: Option<u64>,
    pub(in crate::record) lot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) sig: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Extend {
    pub(in crate::record) act: Act,
    pub(in crate::record) ends_at: u64,
    pub(in crate::record) sig: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Void {
    pub(in crate::record) act: Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) ends_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) reserve_met: Option<bool>,
    pub(in crate::record) sig: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) standing: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Withdraw {
    pub(in crate::record) act: Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) reserves: Option<Vec<Opening>>,
    pub(in crate::record) sig: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Reserve {
    pub(in crate::record) act: Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::record) reserve_met: Option<bool>,
    pub(in crate::record) sig: String,
}

/// The body of `reissue`, `say` and `closing`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Plain {
    pub(in crate::record) act: Act,
    pub(in crate::record) sig: String,
}
