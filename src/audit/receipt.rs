//! A receipt by itself: what it proves with nothing but the CA's certificate.

use ed25519_dalek::VerifyingKey;

use super::signatures::sealing_key;
use crate::auction::name::{HouseName, SaleId};
use crate::ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::ledger::entry::LineError;
use crate::ledger::note::Note;
use crate::ledger::receipt::{Receipt, ReceiptError};
use crate::pki::{Anchor, CertificateFault, Sealer, verify_sealer, verify_sealer_ever};
use crate::record::BadSignature;

/// What a receipt proves: a certified sealing key of this house and sale signed a
/// tree that holds the receipt's line.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The sealing key's certificate.
    pub sealer: Sealer,
    /// The tree that was signed.
    pub sealed: SignedCheckpoint,
    pub(super) key: VerifyingKey,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Its checkpoint names no house and sale.
    #[error("its checkpoint does not name a house and a sale")]
    Origin,
    /// Its checkpoint is none.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Its line is none.
    #[error("its line: {0}")]
    Line(#[from] LineError),
    /// Its sealing certificate is not taken.
    #[error("its sealing certificate: {0}")]
    Sealer(#[from] CertificateFault),
    /// Its sealing key is of a form that is never right.
    #[error("its sealing key: {0}")]
    Key(#[from] BadSignature),
    /// Its parts do not hold together.
    #[error("{0}")]
    Proof(#[from] ReceiptError),
}

/// The house and the sale that a receipt names, before anything is proven.
pub fn named_sale(receipt: &Receipt) -> Result<(HouseName, SaleId), ReceiptFault> {
    named(&receipt.note)?.ok_or(ReceiptFault::Origin)
}

/// The house and the sale that a checkpoint names; none if it names no such.
pub(super) fn named(note: &str) -> Result<Option<(HouseName, SaleId)>, CheckpointError> {
    let origin = Checkpoint::parse(&Note::parse(note)?.text)?.origin;
    Ok(origin
        .split_once('/')
        .and_then(|(house, sale)| Some((HouseName::parse(house).ok()?, SaleId::parse(sale).ok()?))))
}

/// Checks a receipt with the trusted CA alone: the sealer's chain at the line's time,
/// the checkpoint's signature, the inclusion proof.
pub fn prove(receipt: &Receipt, anchor: &Anchor) -> Result<Proven, ReceiptFault> {
    let (house, sale) = named_sale(receipt)?;
    let sealer = match receipt.line()?.at {
        Some(at) => verify_sealer(&receipt.sealer, anchor, &house, &sale, at)?,
        // A seal has no time.
        None => verify_sealer_ever(&receipt.sealer, anchor, &house, &sale)?,
    };
    let key = sealing_key(&sealer)?;
    let origin = crate::ledger::checkpoint::origin(house.as_str(), sale.as_str());
    let sealed = receipt.check(&origin, &key)?;
    Ok(Proven { sealer, sealed, key })
}
