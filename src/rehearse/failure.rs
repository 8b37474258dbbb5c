//! Why a play breaks off: the machine's affair, never the scenario's.

use crate::house::{BirthFault, RecoveryRefusal};
use crate::ledger::store::StoreFailure;
use crate::pki::{CaFault, SigningFault};
use crate::record::{EnrolmentFault, RecordError};

/// Why a play breaks off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayFailure {
    /// The sale cannot be born.
    #[error(transparent)]
    Birth(#[from] BirthFault),
    /// The throw-away CA does not certify.
    #[error(transparent)]
    Ca(#[from] CaFault),
    /// An enrolment of a throw-away person is not good.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentFault),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] SigningFault),
    /// The house does not go on from its own ledger.
    #[error("the house does not go on from its own ledger: {0}")]
    Recovery(#[from] RecoveryRefusal),
    /// The private file of reserves does not read back.
    #[error("the reserves cannot be read back: {0}")]
    Reserves(#[from] RecordError),
    /// The disk fails.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}
