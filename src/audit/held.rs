//! What the auditor brought along, held against the ledger: receipts, remembered
//! checkpoints, the revocation list.
//!
//! A ledger alone proves that it is consistent. Only something from outside
//! tells it from another one that is consistent too (LEDGER, "What it proves").

use std::collections::HashSet;

use super::anchors::{HeldCheckpoint, HeldReceipt};
use super::finding::{Finding, FindingKind};
use super::judge::Seen;
use super::receipt;
use super::signatures::Keys;
use crate::ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::ledger::merkle::leaf_hash;
use crate::pki::Crl;
use crate::record::Revocation;

/// The ledger as far as it was judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) keys: &'a Keys,
    pub(super) seen: &'a Seen,
    /// How many lines it has.
    pub(super) size: u64,
    /// Whether it ends in the seal over its close, so that nothing can be missing.
    pub(super) is_finished: bool,
    /// Whether it was read to its end, so that what is not there is missing.
    pub(super) is_whole: bool,
}

impl Shown<'_> {
    /// Holds a receipt against the ledger; the size of the tree that both speak of if they
    /// agree, none if the reading broke off before it.
    pub(super) fn compare_receipt(&self, held: &HeldReceipt) -> Result<Option<u64>, Finding> {
        let index = held.receipt.index;
        let useless = |why: &dyn std::fmt::Display| {
            Finding::whole(FindingKind::Receipt, format!("{}: {why}", held.label))
        };
        if held.claim.origin != self.keys.origin {
            return Err(useless(&"it is for another sale"));
        }
        let proven =
            receipt::prove(&held.receipt, &self.keys.anchor).map_err(|fault| useless(&fault))?;
        let fork =
            |why: &str| Finding::at(index, FindingKind::Fork, format!("{}: {why}", held.label));
        if proven.key != self.keys.sealing_key {
            return Err(fork("it is sealed by another certified key of this very sale"));
        }
        let leaf = leaf_hash(held.receipt.entry.as_bytes());
        if self.seen.leaves.get(&index).is_some_and(|ours| *ours != leaf) {
            return Err(fork("the line is another one in this ledger"));
        }
        self.reaches(proven.sealed.checkpoint(), &held.label, Some(index))
    }

    /// Holds a remembered checkpoint against the ledger, with the same answer.
    pub(super) fn compare_checkpoint(&self, held: &HeldCheckpoint) -> Result<Option<u64>, Finding> {
        let found = |kind, why: &dyn std::fmt::Display| {
            Finding::whole(kind, format!("{}: {why}", held.label))
        };
        let Keys { origin, sealing_key, .. } = self.keys;
        let sealed = SignedCheckpoint::verify_cosigned(&held.note, origin, sealing_key);
        let sealed = sealed.map_err(|error| match error {
            // The auditor remembers it as this sale's: this ledger has another key.
            CheckpointError::UnknownKey => {
                found(FindingKind::Fork, &"it is for this very sale, and signed by another key")
            }
            error => found(FindingKind::Checkpoint, &error),
        })?;
        self.reaches(sealed.checkpoint(), &held.label, None)
    }

    /// Whether the ledger contains the tree that a valid checkpoint is over.
    fn reaches(
        &self,
        checkpoint: &Checkpoint,
        label: &str,
        line: Option<u64>,
    ) -> Result<Option<u64>, Finding> {
        let found = |kind, detail: String| Err(Finding { line, ..Finding::whole(kind, detail) });
        let size = checkpoint.size;
        match self.seen.roots.get(&size) {
            Some(root) if *root == checkpoint.root => Ok(Some(size)),
            Some(_) => found(
                FindingKind::Fork,
                format!("{label}: the first {size} lines of this ledger are not those sealed then"),
            ),
            // The reading broke off before that line: there is nothing to compare.
            None if !self.is_whole => Ok(None),
            None if self.is_finished => found(
                FindingKind::Fork,
                format!(
                    "{label}: {size} lines were sealed then, and this ledger closes after {}",
                    self.size
                ),
            ),
            None => found(
                FindingKind::Truncated,
                format!("{label}: {size} lines were sealed then, this ledger has {}", self.size),
            ),
        }
    }

    /// Holds the CA's revocation list against the recorded revocations.
    pub(super) fn compare_crl(
        &self,
        bytes: &[u8],
        revocations: &[Revocation],
    ) -> Result<Crl, Finding> {
        let wrong = |detail: String| Err(Finding::whole(FindingKind::Crl, detail));
        let crl = Crl::read(bytes, &self.keys.anchor)
            .map_err(|fault| Finding::whole(FindingKind::Crl, fault))?;
        let listed: HashSet<_> = crl.entries.iter().map(|entry| &entry.serial).collect();
        for recorded in revocations {
            let (serial, number) = (&recorded.serial, recorded.crl_number);
            if number > crl.number {
                return wrong(format!(
                    "the ledger records list number {number}, the one given is number {}",
                    crl.number
                ));
            }
            if number == crl.number && recorded.crl_hash.bytes() != crl.hash.bytes() {
                return wrong(format!("the ledger records another list of number {number}"));
            }
            if !listed.contains(serial) {
                return wrong(format!("the recorded revocation of {serial} is not in the list"));
            }
        }
        Ok(crl)
    }
}
