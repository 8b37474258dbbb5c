//! Why a scenario is not played: what is wrong in it, and where.

use crate::record::SaleFileError;

/// Why a scenario is refused, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is not an object of the keys that a scenario has.
    #[error("{reason}")]
    Form {
        /// What is wrong.
        reason: String,
    },
    /// A key outside the script holds what cannot stand there.
    #[error("key \"{key}\": {reason}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// The sale or a lot is not one that could be sold by.
    #[error(transparent)]
    Sale(#[from] SaleFileError),
    /// A step wants what the design has and this version has not.
    #[error("step {step}: {deed} is not built yet, so nothing of the scenario is played")]
    NotBuilt {
        /// The step, counted from 1.
        step: usize,
        /// What it would do.
        deed: String,
    },
    /// A step wants what nobody knows.
    #[error("step {step}: there is no {deed}")]
    UnknownDeed {
        /// The step, counted from 1.
        step: usize,
        /// What it would do.
        deed: String,
    },
    /// A step holds what cannot stand there.
    #[error("step {step}: {reason}")]
    Step {
        /// The step, counted from 1.
        step: usize,
        /// What is wrong.
        reason: String,
    },
}

impl ScenarioError {
    pub(super) fn form(reason: impl Into<String>) -> Self {
        Self::Form { reason: reason.into() }
    }

    pub(super) fn key(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Key { key: key.into(), reason: reason.into() }
    }
}
