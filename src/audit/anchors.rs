//! What the auditor trusts and holds, from the auditor's own files.
//!
//! Nothing here can be made from a ledger: a key that only the ledger names is
//! worth nothing (STYLE, "We refuse").

use std::collections::BTreeSet;

use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::note::Note;
use crate::ledger::policy::Policy;
use crate::ledger::receipt::{Receipt, ReceiptError};
use crate::pki::{Anchor, CertificateFault, Fingerprint};
use crate::record::SaleFile;

/// The CA that the auditor trusts: its certificate, or the fingerprint that the
/// house published, by which the certificate in line 0 is taken or not.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The CA certificate itself.
    Certificate(Box<Anchor>),
    /// SHA-256 of the CA certificate's DER.
    Fingerprint(Fingerprint),
}

/// Why the CA certificate that a ledger names is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Distrust {
    #[error("the ledger names the CA sha256:{found}, you trust sha256:{trusted}")]
    Other { found: Fingerprint, trusted: Fingerprint },
    #[error("the CA certificate is not one that can issue a house's certificates: {0}")]
    Unfit(#[source] CertificateFault),
}

impl Trust {
    /// SHA-256 of the trusted certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Certificate(anchor) => anchor.fingerprint(),
            Self::Fingerprint(fingerprint) => *fingerprint,
        }
    }

    /// The trusted CA, if `named` is its certificate.
    pub(super) fn resolve(&self, named: &[u8]) -> Result<Anchor, Distrust> {
        let (found, trusted) = (Fingerprint::of(named), self.fingerprint());
        if found != trusted {
            return Err(Distrust::Other { found, trusted });
        }
        match self {
            Self::Certificate(anchor) => Ok(anchor.as_ref().clone()),
            Self::Fingerprint(_) => Anchor::from_der(named).map_err(Distrust::Unfit),
        }
    }
}

/// A receipt, with what its checkpoint says before anybody checked it.
#[derive(Clone, Debug)]
pub(super) struct HeldReceipt {
    pub(super) label: String,
    pub(super) receipt: Receipt,
    pub(super) claim: Checkpoint,
}

/// A checkpoint, with what it says before anybody checked it.
#[derive(Clone, Debug)]
pub(super) struct HeldCheckpoint {
    pub(super) label: String,
    pub(super) note: String,
    pub(super) claim: Checkpoint,
}

/// Why a text is not a receipt that can be held against a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// It is not a receipt.
    #[error("the receipt cannot be read: {0}")]
    Receipt(#[from] ReceiptError),
    /// It is not, or does not hold, a checkpoint.
    #[error("the checkpoint cannot be read: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Everything that an audit starts from besides the ledger.
#[derive(Clone, Debug)]
pub struct Anchors {
    pub(super) trust: Trust,
    pub(super) receipts: Vec<HeldReceipt>,
    pub(super) checkpoints: Vec<HeldCheckpoint>,
    pub(super) items: Option<SaleFile>,
    pub(super) crl: Option<Vec<u8>>,
    pub(super) policy: Option<Policy>,
    pub(super) keeps_annexes: bool,
}

impl Anchors {
    /// Nothing but the trusted CA.
    pub const fn new(trust: Trust) -> Self {
        Self {
            trust,
            receipts: Vec::new(),
            checkpoints: Vec::new(),
            items: None,
            crl: None,
            policy: None,
            keeps_annexes: false,
        }
    }

    /// Adds a receipt, by the name of its file.
    pub fn add_receipt(&mut self, label: &str, text: &str) -> Result<(), AnchorError> {
        let receipt = Receipt::parse(text)?;
        let claim = claim(&receipt.note)?;
        self.receipts.push(HeldReceipt { label: label.to_owned(), receipt, claim });
        Ok(())
    }

    /// Adds a remembered checkpoint, by the name of its file.
    pub fn add_checkpoint(&mut self, label: &str, note: &str) -> Result<(), AnchorError> {
        let claim = claim(note)?;
        self.checkpoints.push(HeldCheckpoint {
            label: label.to_owned(),
            note: note.to_owned(),
            claim,
        });
        Ok(())
    }

    /// Keeps every bid for the annexes of a sheet, up to a limit. Without it an audit's
    /// memory does not grow with the lines.
    #[must_use]
    pub fn keeping_annexes(self) -> Self {
        Self { keeps_annexes: true, ..self }
    }

    /// Sets the sale file that the bidders were shown.
    #[must_use]
    pub fn with_items(self, items: SaleFile) -> Self {
        Self { items: Some(items), ..self }
    }

    /// Sets the revocation list, PEM or DER; its signature is checked under the trusted CA.
    #[must_use]
    pub fn with_crl(self, crl: Vec<u8>) -> Self {
        Self { crl: Some(crl), ..self }
    }

    /// Sets whose cosignatures the ledger needs.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// The trusted CA.
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The sizes of tree at which a root is needed.
    pub(super) fn sizes(&self) -> BTreeSet<u64> {
        let receipts = self.receipts.iter().map(|held| held.claim.size);
        receipts.chain(self.checkpoints.iter().map(|held| held.claim.size)).collect()
    }

    /// The lines for which somebody holds a receipt.
    pub(super) fn lines(&self) -> BTreeSet<u64> {
        self.receipts.iter().map(|held| held.receipt.index).collect()
    }
}

fn claim(note: &str) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::parse(&Note::parse(note)?.text)
}
