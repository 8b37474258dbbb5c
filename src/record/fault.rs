//! Why a body is not one of this format, in the auditor's words for it.

use std::fmt::Display;

use crate::ledger::CanonicalError;

/// Why a line's body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not canonical, or a key is unknown, missing or of another type.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A text is not padded base64 with zero trailing bits.
    #[error("{key}: not padded base64 with zero trailing bits")]
    Base64 {
        /// The key it stands under.
        key: &'static str,
    },
    /// A value that may not stand under its key, or not beside the others.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What was expected there.
        reason: String,
    },
}

impl RecordError {
    /// The name of the auditor's finding (THREATS, "Bytes").
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Canonical(error) => error.kind(),
            Self::Base64 { .. } => "canonical",
            Self::Value { .. } => "schema",
        }
    }

    pub(super) fn value(key: &'static str, reason: impl Display) -> Self {
        Self::Value { key, reason: reason.to_string() }
    }
}
