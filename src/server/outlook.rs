//! What a start would find, without starting: the same judgements as [`begin`](super::begin),
//! up to the first byte that it would write.

use ed25519_dalek::SigningKey;

use super::start::{Setup, StartFailure, conceive, judge_either, ready};
use crate::ledger::store::{self, Continuation};
use crate::record::Opening;
use crate::time::Timestamp;

/// How a sale would begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It would be new.
    New,
    /// It has finished; only its ledger and receipts would be served.
    Finished,
    /// It would go on where its ledger ends.
    GoesOn {
        /// How many lines there are.
        lines: u64,
        /// The time of the last entry.
        last: Timestamp,
        /// Whether half-written bytes would be put aside.
        is_broken: bool,
        /// What line 0 says.
        opening: Box<Opening>,
    },
}

/// Looks at a sale's files as a start would, and makes and changes nothing. `key` is the
/// sealing key, if it is there, and `key_used` whether it is marked used.
///
/// # Errors
/// What [`begin`](super::begin) would refuse.
pub fn look(
    setup: Setup,
    key: Option<SigningKey>,
    key_used: bool,
) -> Result<Outlook, StartFailure> {
    let anchor_folder = setup.checkpoint_folder.as_deref();
    let mut files = store::look(&setup.ledger_folder, setup.sale.as_str(), anchor_folder)?;
    if let Some(folder) = &setup.copy_folder {
        files = files.with_copy(folder).map_err(StartFailure::Copy)?;
    }
    if files.is_lost_copy()? {
        return Err(StartFailure::LostCopy);
    }
    if !files.exists()? {
        conceive(setup, key, key_used, &files)?;
        return Ok(Outlook::New);
    }
    let judged = judge_either(&setup, &mut files)?;
    match judged.continuation {
        Continuation::Finished => Ok(Outlook::Finished),
        Continuation::SealClose | Continuation::SealThenOutage { .. } => {
            ready(&setup, key, &judged)?;
            Ok(Outlook::GoesOn {
                lines: judged.recovered.size(),
                last: judged.recovered.last(),
                is_broken: judged.scan.broken().is_some(),
                opening: Box::new(judged.recovered.opening().clone()),
            })
        }
    }
}
