//! Receipts (C2SP tlog-proof): the proof that one line is in the ledger.
//!
//! A receipt stands alone beside the CA certificate: its `extra` holds the exact
//! line and the sealer's certificate. `extra` is not authenticated by itself; the
//! line becomes so through its proof, the certificate through its chain, which
//! is judged above this module.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra eyJlbnRyeSI6...
//! index 7
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//!
//! meridian/estate-2026
//! 8
//! sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//!
//! — meridian/estate-2026 hI2DJw...
//! ```

use std::fmt::Write as _;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::canonical::{CanonicalError, from_canonical_sized, to_canonical_sized};
use super::checkpoint::{CheckpointError, SignedCheckpoint, decimal};
use super::encoding::{decode_base64, encode_base64};
use super::entry::{Line, LineError};
use super::hash::Hash;
use super::merkle::{ProofError, leaf_hash, verify_inclusion};
use crate::limits::{PROOF_HASHES_MAX, RECEIPT_EXTRA_BYTES_MAX};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The first line is not that of a proof.
    #[error("not a receipt: the first line is not {HEADER}")]
    Header,
    /// No readable `extra` line.
    #[error("the extra line is missing or malformed")]
    Extra,
    /// The `extra` is not the canonical object of line and certificate.
    #[error("the extra line holds no entry and sealer")]
    Content(#[from] CanonicalError),
    /// The sealer's certificate is not base64.
    #[error("the sealer is not base64")]
    Sealer,
    /// No readable `index` line.
    #[error("the index line is missing or malformed")]
    IndexForm,
    /// A proof line that is no hash, too many of them, or no blank line after them.
    #[error("the proof lines are malformed")]
    ProofForm,
    /// The entry is not a line of a ledger.
    #[error("the entry is not a line of a ledger")]
    Entry(#[from] LineError),
    /// The entry gives itself another number.
    #[error("the receipt is for line {index}, its entry is line {seq}")]
    Index {
        /// The number that the receipt names.
        index: u64,
        /// The number that the entry names.
        seq: u64,
    },
    /// The checkpoint does not stand.
    #[error("the receipt's checkpoint does not stand")]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not lead to the checkpoint's root.
    #[error("the receipt's proof does not stand")]
    Proof(#[from] ProofError),
}

/// The proof that `entry` is line `index` of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The line's number.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The signed checkpoint that the proof leads to.
    pub note: String,
    /// The exact line, without LF.
    pub entry: String,
    /// The sealer's certificate in DER.
    pub sealer: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    entry: String,
    sealer: String,
}

impl Receipt {
    /// Writes the receipt (tlog-proof, "Format").
    pub fn to_text(&self) -> String {
        let sealer = encode_base64(&self.sealer);
        let extra = to_canonical_sized(&Extra { entry: self.entry.clone(), sealer });
        let mut text = format!("{HEADER}\nextra {}\nindex {}\n", encode_base64(&extra), self.index);
        for hash in &self.proof {
            let _ = writeln!(text, "{}", encode_base64(hash.as_ref()));
        }
        text + "\n" + &self.note
    }

    /// Reads a receipt. Its parts are well formed then, and nothing is proven.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix("\nextra "));
        let rest = rest.ok_or_else(|| match text.starts_with(HEADER) {
            true => ReceiptError::Extra,
            false => ReceiptError::Header,
        })?;
        let (extra, rest) = rest.split_once('\n').ok_or(ReceiptError::Extra)?;
        let Extra { entry, sealer } = read_extra(extra)?;
        let sealer = decode_base64(&sealer).map_err(|_| ReceiptError::Sealer)?;
        let (index, rest) = rest.split_once('\n').ok_or(ReceiptError::IndexForm)?;
        let index = index.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or(ReceiptError::IndexForm)?;
        let (proof, note) = read_proof(rest)?;
        Ok(Self { index, proof, note: note.to_owned(), entry, sealer })
    }

    /// Checks the receipt against the ledger's origin and a sealing key that
    /// the caller has reason to trust; lines of cosigners are passed over.
    pub fn check(
        &self,
        origin: &str,
        key: &VerifyingKey,
    ) -> Result<SignedCheckpoint, ReceiptError> {
        let seq = self.line()?.seq;
        if seq != self.index {
            return Err(ReceiptError::Index { index: self.index, seq });
        }
        let sealed = SignedCheckpoint::verify_cosigned(&self.note, origin, key)?;
        let checkpoint = sealed.checkpoint();
        let leaf = leaf_hash(self.entry.as_bytes());
        verify_inclusion(self.index, checkpoint.size, leaf, &self.proof, checkpoint.root)?;
        Ok(sealed)
    }

    /// The line that the receipt is for, read.
    pub fn line(&self) -> Result<Line<'_>, LineError> {
        Line::parse(self.entry.as_bytes())
    }
}

fn read_extra(encoded: &str) -> Result<Extra, ReceiptError> {
    let bytes = decode_base64(encoded).map_err(|_| ReceiptError::Extra)?;
    Ok(from_canonical_sized(&bytes, RECEIPT_EXTRA_BYTES_MAX)?)
}

fn read_proof(mut rest: &str) -> Result<(Vec<Hash>, &str), ReceiptError> {
    let mut proof = Vec::new();
    loop {
        let (line, after) = rest.split_once('\n').ok_or(ReceiptError::ProofForm)?;
        rest = after;
        if line.is_empty() {
            return Ok((proof, rest));
        }
        let bytes = decode_base64(line).ok().and_then(|bytes| bytes.try_into().ok());
        proof.push(bytes.map(Hash::from_bytes).ok_or(ReceiptError::ProofForm)?);
        if proof.len() > PROOF_HASHES_MAX {
            return Err(ReceiptError::ProofForm);
        }
    }
}
