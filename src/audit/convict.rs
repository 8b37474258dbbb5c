//! Evidence judged by somebody who has nothing but the CA's certificate.

use super::receipt::named;
use super::signatures::sealing_key;
use crate::auction::name::{HouseName, SaleId};
use crate::ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, origin};
use crate::ledger::entry::{Kind, Line};
use crate::ledger::evidence::{Contradiction, Evidence, NoContradiction, SealedTree};
use crate::pki::{Anchor, CertificateFault, Sealer, ed25519_key_in, verify_sealer_ever};
use crate::record::{BadSignature, Opening, Record};

/// What evidence proves: this house signed both trees for this sale.
#[derive(Clone, Debug)]
pub struct Conviction {
    /// The house.
    pub house: HouseName,
    /// The sale.
    pub sale: SaleId,
    /// The tree that somebody holds, and the certificate of its key.
    pub first: (Checkpoint, Sealer),
    /// The tree that the house showed, and the certificate of its key.
    pub second: (Checkpoint, Sealer),
}

/// Why evidence convicts nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvictFault {
    /// A checkpoint names no house and sale.
    #[error("a checkpoint does not name a house and a sale")]
    Origin,
    /// The two checkpoints are about two sales.
    #[error("the two checkpoints are about two sales")]
    TwoSales,
    /// A checkpoint is none, or its signature does not stand.
    #[error("a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A sealing certificate is not taken.
    #[error("a sealing certificate: {0}")]
    Sealer(#[from] CertificateFault),
    /// A sealing key is of a form that is never right.
    #[error("a sealing key: {0}")]
    Key(#[from] BadSignature),
    /// The two trees do not contradict each other.
    #[error("nothing is contradicted: {0}")]
    Nothing(#[from] NoContradiction),
    /// Line 0 names the key that signed the first tree, or is none of this sale.
    #[error(
        "nothing is contradicted: line 0 names the key of the first tree, or is of another sale"
    )]
    NamedKey,
}

/// Judges evidence with the trusted CA alone. The sealing certificates are judged at the first
/// moment of their validity, for a checkpoint has no time.
pub fn convict(evidence: &Evidence, anchor: &Anchor) -> Result<Conviction, ConvictFault> {
    let (house, sale) = named(&evidence.first.note)?.ok_or(ConvictFault::Origin)?;
    if named(&evidence.second.note)? != Some((house.clone(), sale.clone())) {
        return Err(ConvictFault::TwoSales);
    }
    let judge = |tree: &SealedTree| -> Result<_, ConvictFault> {
        let sealer = verify_sealer_ever(&tree.sealer, anchor, &house, &sale)?;
        let key = sealing_key(&sealer)?;
        let origin = origin(house.as_str(), sale.as_str());
        let sealed = SignedCheckpoint::verify_cosigned(&tree.note, &origin, &key)?;
        Ok((sealed.checkpoint().clone(), sealer))
    };
    let (first, second) = (judge(&evidence.first)?, judge(&evidence.second)?);
    evidence.check(&first.0, &second.0)?;
    if let Contradiction::Sealers { opening } = &evidence.contradiction {
        let opening = read_opening(&opening.entry).ok_or(ConvictFault::NamedKey)?;
        let is_of_it = opening.house == house && opening.sale == sale;
        if !is_of_it || names_key(&opening, &first.1) {
            return Err(ConvictFault::NamedKey);
        }
    }
    Ok(Conviction { house, sale, first, second })
}

fn read_opening(entry: &str) -> Option<Opening> {
    let line = Line::parse(entry.as_bytes()).ok().filter(|line| line.kind == Kind::Open)?;
    match Record::read(&line).ok()? {
        Record::Open(opening) => Some(*opening),
        _ => None,
    }
}

/// Whether line 0 names the key of `sealer`, in whatever certificate: one that is judged
/// otherwise today is the same key all the same.
fn names_key(opening: &Opening, sealer: &Sealer) -> bool {
    opening.sealers.iter().any(|der| ed25519_key_in(der) == Some(sealer.key))
}
