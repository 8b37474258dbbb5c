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

use std::io::Write as _;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::canonical::{CanonicalError, from_canonical_sized, push_string};
use super::checkpoint::{CheckpointError, SignedCheckpoint, decimal};
use super::encoding::{append_base64, decode_base64, encode_base64, push_base64};
use super::entry::{Line, LineError};
use super::hash::Hash;
use super::merkle::{ProofError, leaf_hash, verify_inclusion};
use super::note::Note;
use crate::limits::{PROOF_HASHES_MAX, RECEIPT_EXTRA_BYTES_MAX};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A hash in base64, and its line end.
const PROOF_LINE_BYTES: usize = 45;
/// Room for what stands around the parts of a receipt, or of its extra.
const FRAME_BYTES: usize = 96;

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

/// The parts of a receipt, for writing it into a message without writing it out first: the server
/// writes one for each bid.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptParts<'a> {
    /// The line's number.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub proof: &'a [Hash],
    /// The signed checkpoint that the proof leads to.
    pub note: &'a str,
    /// The exact line as a JSON string, with its quotes.
    pub entry: &'a [u8],
    /// The sealer's certificate.
    pub sealer: &'a SealerEnd,
}

/// How the `extra` of every receipt of a sale ends: the sealer's certificate, already in the
/// base64 of all of it. Three bytes make four digits, so that it has three forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealerEnd {
    der: Vec<u8>,
    /// Behind the line: the certificate's member, and the object's end.
    plain: Vec<u8>,
    /// `plain` in base64 without its first 0, 1 and 2 bytes.
    spelt: [String; 3],
}

impl SealerEnd {
    /// That of a certificate in DER.
    pub fn new(der: Vec<u8>) -> Self {
        let plain = format!(r#","sealer":"{}"}}"#, encode_base64(&der)).into_bytes();
        let spelt = [0, 1, 2].map(|skipped| encode_base64(&plain[skipped..]));
        Self { der, plain, spelt }
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Adds the base64 of an `extra` that begins with `begin` and ends with this.
    fn push_behind(&self, mut begin: Vec<u8>, written: &mut Vec<u8>) {
        let missing = (3 - begin.len() % 3) % 3;
        begin.extend_from_slice(&self.plain[..missing]);
        push_base64(&begin, written);
        written.extend_from_slice(self.spelt[missing].as_bytes());
    }
}

impl ReceiptParts<'_> {
    /// Adds the receipt's text as a JSON string: what [`Receipt::to_text`] writes, with its quotes.
    pub fn push_json(&self, written: &mut Vec<u8>) {
        let mut extra = Vec::with_capacity(self.entry.len() + FRAME_BYTES);
        extra.extend_from_slice(br#"{"entry":"#);
        extra.extend_from_slice(self.entry);
        let hashes_bytes = self.proof.len() * (PROOF_LINE_BYTES + 1);
        let extra_bytes = (extra.len() + self.sealer.plain.len()) / 3 * 4;
        written.reserve(extra_bytes + hashes_bytes + self.note.len() + FRAME_BYTES);
        written.push(b'"');
        written.extend_from_slice(HEADER.as_bytes());
        written.extend_from_slice(br"\nextra ");
        self.sealer.push_behind(extra, written);
        write!(written, r"\nindex {}\n", self.index).expect("a vector takes it");
        for hash in self.proof {
            push_base64(hash.as_ref(), written);
            written.extend_from_slice(br"\n");
        }
        written.extend_from_slice(br"\n");
        let opened = written.len();
        push_string(written, self.note.as_bytes());
        // The note goes on in the string that is open already.
        written.remove(opened);
    }
}

impl Receipt {
    /// Writes the receipt (tlog-proof, "Format").
    pub fn to_text(&self) -> String {
        let extra = self.extra();
        let hashes_bytes = self.proof.len() * PROOF_LINE_BYTES;
        let room = extra.len() / 3 * 4 + hashes_bytes + self.note.len() + FRAME_BYTES;
        let mut text = String::with_capacity(room);
        text.push_str(HEADER);
        text.push_str("\nextra ");
        append_base64(&extra, &mut text);
        text.push_str("\nindex ");
        text.push_str(&self.index.to_string());
        text.push('\n');
        for hash in &self.proof {
            append_base64(hash.as_ref(), &mut text);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// The canonical form of [`Extra`], without a copy of the line.
    fn extra(&self) -> Vec<u8> {
        let room = self.entry.len() * 5 / 4 + self.sealer.len() * 4 / 3 + FRAME_BYTES;
        let mut extra = Vec::with_capacity(room);
        extra.extend_from_slice(br#"{"entry":"#);
        push_string(&mut extra, self.entry.as_bytes());
        extra.extend_from_slice(br#","sealer":"#);
        push_string(&mut extra, encode_base64(&self.sealer).as_bytes());
        extra.push(b'}');
        extra
    }

    /// Reads a receipt. Its parts are well formed then, and nothing is proven.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n'));
        let (extra, rest) =
            rest.ok_or(ReceiptError::Header)?.split_once('\n').ok_or(ReceiptError::Extra)?;
        let extra = extra.strip_prefix("extra ").ok_or(ReceiptError::Extra)?;
        let Extra { entry, sealer } = read_extra(extra)?;
        let sealer = decode_base64(&sealer).map_err(|_| ReceiptError::Sealer)?;
        let (index, rest) = rest.split_once('\n').ok_or(ReceiptError::IndexForm)?;
        let index = index.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or(ReceiptError::IndexForm)?;
        let (proof, note) = read_proof(rest)?;
        Note::parse(note).map_err(CheckpointError::Note)?;
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

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::super::chain::Chain;
    use super::super::checkpoint::SealingKey;
    use super::super::entry::{Draft, Kind};
    use super::*;
    use crate::time::Timestamp;

    const ORIGIN: &str = "house/sale";

    fn key() -> SealingKey {
        SealingKey::new(ORIGIN.to_owned(), SigningKey::from_bytes(&[7; 32])).expect("a name")
    }

    fn receipt(index: u64, size: u64) -> Receipt {
        let mut chain = Chain::new();
        let mut entry = String::new();
        for seq in 0..size {
            let body = format!(r#"{{"lot":"{seq}"}}"#).into_bytes();
            let line = chain.append(Draft { kind: Kind::Tick, at: Timestamp::ZERO, body });
            let line = line.expect("fits");
            if seq == index {
                entry = String::from_utf8(line.bytes().to_vec()).expect("UTF-8");
            }
        }
        let note = key().sign(size, chain.root()).note().to_owned();
        let proof = chain.tree().inclusion(index, size).expect("within");
        Receipt { index, proof, note, entry, sealer: vec![0x30, 0x82, 0xff] }
    }

    fn check(receipt: &Receipt) -> Result<u64, ReceiptError> {
        let sealed = receipt.check(ORIGIN, &key().verifying_key())?;
        Ok(sealed.checkpoint().size)
    }

    #[test]
    fn a_receipt_is_a_tlog_proof() {
        let receipt = receipt(2, 7);
        let text = receipt.to_text();
        let (mut entry, mut written) = (Vec::new(), Vec::new());
        push_string(&mut entry, receipt.entry.as_bytes());
        let sealer = SealerEnd::new(receipt.sealer.clone());
        let parts = ReceiptParts {
            index: receipt.index,
            proof: &receipt.proof,
            note: &receipt.note,
            entry: &entry,
            sealer: &sealer,
        };
        parts.push_json(&mut written);
        assert_eq!(serde_json::from_slice::<String>(&written).ok().as_ref(), Some(&text));
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
        assert!(lines.next().is_some_and(|line| line.starts_with("extra eyJlbnRyeSI6")));
        assert_eq!(lines.next(), Some("index 2"));
        assert_eq!(lines.nth(3), Some(""));
        assert_eq!(lines.next(), Some(ORIGIN));
        assert!(text.ends_with(&receipt.note));
        assert_eq!(Receipt::parse(&text), Ok(receipt.clone()));
        assert_eq!(check(&receipt), Ok(7));
    }

    #[test]
    fn receipts_of_every_place_stand() {
        for size in 1..20 {
            for index in 0..size {
                let receipt = receipt(index, size);
                assert_eq!(
                    Receipt::parse(&receipt.to_text()).map(|read| check(&read)),
                    Ok(Ok(size))
                );
            }
        }
    }

    #[test]
    fn what_a_receipt_lacks_is_named() {
        let good = receipt(2, 7);
        let text = good.to_text();
        let parse = |from: &str, to: &str| Receipt::parse(&text.replacen(from, to, 1)).err();
        assert_eq!(parse("@v1", "@v2"), Some(ReceiptError::Header));
        assert_eq!(parse("@v1", "@v1 "), Some(ReceiptError::Header));
        assert_eq!(parse("extra ", "extra  "), Some(ReceiptError::Extra));
        assert_eq!(parse("extra ", "index "), Some(ReceiptError::Extra));
        assert_eq!(parse("index 2", "index 02"), Some(ReceiptError::IndexForm));
        assert_eq!(parse("index 2\n", "index 2\nAA==\n"), Some(ReceiptError::ProofForm));
        assert_eq!(parse("\n\nhouse", "\nhouse"), Some(ReceiptError::ProofForm));
        assert!(matches!(parse("— ", "- "), Some(ReceiptError::Checkpoint(_))));
        assert!(matches!(parse("extra eyJ", "extra IHs"), Some(ReceiptError::Content(_))));

        let index = Receipt { index: 3, ..good.clone() };
        assert_eq!(check(&index), Err(ReceiptError::Index { index: 3, seq: 2 }));
        let entry = Receipt { entry: good.entry.replace(r#""2""#, r#""5""#), ..good.clone() };
        assert_eq!(check(&entry), Err(ReceiptError::Proof(ProofError::Root)));
        let proof = Receipt { proof: good.proof[1..].to_vec(), ..good.clone() };
        assert_eq!(check(&proof), Err(ReceiptError::Proof(ProofError::Length)));
        let note = Receipt { note: good.note.replace("\n7\n", "\n8\n"), ..good.clone() };
        let signature = ReceiptError::Checkpoint(CheckpointError::Signature);
        assert_eq!(check(&note), Err(signature));
    }

    #[test]
    fn the_longest_line_fits_a_receipt() {
        let entry = "\\".repeat(crate::limits::LINE_BYTES_MAX);
        let sealer = vec![0; crate::limits::CERT_BASE64_BYTES_MAX / 4 * 3];
        let long = Receipt { entry, sealer, ..receipt(0, 1) };
        assert_eq!(Receipt::parse(&long.to_text()), Ok(long));
    }

    proptest! {
        #[test]
        fn what_parses_is_written_again(
            at in any::<prop::sample::Index>(), with in "[ -~\n]{0,2}", cut in 0..3_usize,
        ) {
            let good = receipt(2, 7);
            let mut chars: Vec<char> = good.to_text().chars().collect();
            let at = at.index(chars.len());
            let end = chars.len().min(at + cut);
            chars.splice(at..end, with.chars());
            let text: String = chars.into_iter().collect();
            if let Ok(read) = Receipt::parse(&text) {
                prop_assert_eq!(read.to_text(), text);
                prop_assert!(check(&read).is_err() || read == good || read.sealer != good.sealer);
            }
        }
    }
}
