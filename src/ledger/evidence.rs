//! Evidence: two trees that one house signed for one sale and that cannot both be
//! its ledger, in one file that stands beside the CA certificate alone (LEDGER 3).
//!
//! One object of canonical JSON and an LF. Here are its form and its proofs;
//! whose keys they are is judged above this module.
//!
//! ```text
//! {"contradiction":"roots","first":{"note":"house/sale\n7\n...","sealer":"MIIB..."},
//!  "format":"gavel/evidence/v1","gives":"5b1c...","proof":["9f02..."],
//!  "second":{"note":"house/sale\n9\n...","sealer":"MIIB..."}}
//! ```
//! (in one line). What contradicts is one of four things:
//!
//! | `contradiction` | what it shows |
//! |---|---|
//! | `roots` | the tree of `second` extends, by `proof`, one of `first`'s size whose root is `gives`, and `first` signs another |
//! | `lines` | at `index` stands `first.entry` in one tree and `second.entry` in the other |
//! | `closed` | `second.entry` at `index` is the close of the sale, and `first` signs lines after its seal, or others up to it |
//! | `sealers` | `second.entry` is line 0 and names other sealing keys than the one that signed `first` |

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::canonical::{CanonicalError, from_canonical_sized, to_canonical_sized};
use super::checkpoint::Checkpoint;
use super::encoding::{EncodingError, decode_base64, encode_base64};
use super::entry::{Kind, Line};
use super::hash::Hash;
use super::merkle::{Frontier, ProofError, leaf_hash, verify_consistency, verify_inclusion};
use super::note::Note;
use crate::limits::{EVIDENCE_FILE_BYTES_MAX, PROOF_HASHES_MAX};

const FORMAT: &str = "gavel/evidence/v1";

/// Why a text is not evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// No LF at its end, or not the one form of such an object.
    #[error("not one line of canonical JSON: {0}")]
    Form(#[from] CanonicalError),
    /// The last byte is no LF.
    #[error("it does not end in a line end")]
    NoLineEnd,
    /// Another format, or a later version of it.
    #[error("it is not of the format {FORMAT}")]
    Format,
    /// A kind that is not known, or members that it does not have, or lacks.
    #[error("its members are not those of one of the four contradictions")]
    Members,
    /// Bytes that are spelled wrong.
    #[error("a hash or certificate: {0}")]
    Encoding(#[from] EncodingError),
    /// A proof of more hashes than a tree is deep.
    #[error("a proof of more than {PROOF_HASHES_MAX} hashes")]
    LongProof,
}

/// Why what is well formed contradicts nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoContradiction {
    /// A proof does not lead to a signed root.
    #[error("a proof does not stand: {0}")]
    Proof(#[from] ProofError),
    /// Both sides say the same.
    #[error("both sides say the same")]
    Same,
    /// The line is not the one that it must be.
    #[error("the entry is not the {0} of a sale")]
    Entry(Kind),
    /// Nothing was signed after the close and its seal.
    #[error("the first tree does not reach beyond the close")]
    NotAfterTheClose,
}

/// A signed tree, and the certificate of the key that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedTree {
    /// The checkpoint, a C2SP signed note.
    pub note: String,
    /// The sealing certificate in DER.
    pub sealer: Vec<u8>,
}

/// A line of the ledger, without LF, and its way up to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEntry {
    /// The exact line.
    pub entry: String,
    /// The inclusion proof (RFC 6962, section 2.1.1).
    pub proof: Vec<Hash>,
}

/// What cannot be true of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The second tree extends another one of the first one's size.
    Roots {
        /// The root that the second tree gives for the first one's size.
        gives: Hash,
        /// The consistency proof (RFC 6962, section 2.1.2) from `gives` to the second root.
        proof: Vec<Hash>,
    },
    /// Two lines at one place.
    Lines {
        /// Their number.
        index: u64,
        /// The line in the first tree.
        first: ProvenEntry,
        /// The line in the second.
        second: ProvenEntry,
    },
    /// The second tree holds the close of the sale, and the first one goes on after its seal.
    Closed {
        /// The number of the close.
        index: u64,
        /// The close, in the second tree.
        close: ProvenEntry,
    },
    /// Line 0 of the second tree does not name the key that signed the first.
    Sealers {
        /// Line 0, in the second tree.
        opening: ProvenEntry,
    },
}

/// Two signed trees of one sale that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What somebody holds: the tree of a receipt, or one that was remembered.
    pub first: SealedTree,
    /// What the house shows.
    pub second: SealedTree,
    /// Why they cannot both be true.
    pub contradiction: Contradiction,
}

impl Evidence {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut bytes = to_canonical_sized(&Wire::of(self));
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    /// Reads a file. It is well formed then, and nothing is proven.
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        let line = text.strip_suffix('\n').ok_or(EvidenceError::NoLineEnd)?;
        let bytes_max = usize::try_from(EVIDENCE_FILE_BYTES_MAX).unwrap_or(usize::MAX);
        from_canonical_sized::<Wire>(line.as_bytes(), bytes_max)?.read()
    }

    /// Checks what is shown of the two trees, whose signatures were checked before. That the
    /// sealing keys of line 0 are others is for the caller, who can read it.
    pub fn check(&self, first: &Checkpoint, second: &Checkpoint) -> Result<(), NoContradiction> {
        let stands = |tree: &Checkpoint, index, proven: &ProvenEntry| {
            let leaf = leaf_hash(proven.entry.as_bytes());
            verify_inclusion(index, tree.size, leaf, &proven.proof, tree.root)
        };
        match &self.contradiction {
            Contradiction::Roots { gives, proof } => {
                verify_consistency(first.size, second.size, proof, *gives, second.root)?;
                differ(*gives != first.root)
            }
            Contradiction::Lines { index, first: one, second: other } => {
                stands(first, *index, one)?;
                stands(second, *index, other)?;
                differ(one.entry != other.entry)
            }
            Contradiction::Closed { index, close } => {
                stands(second, *index, close)?;
                is_a(Kind::Close, close)?;
                // The line after it is the seal over it, and the last of the ledger (LEDGER 2).
                let whole = index.saturating_add(2);
                match first.size.cmp(&whole) {
                    Ordering::Greater => Ok(()),
                    Ordering::Equal if second.size + 1 == whole => {
                        let sealed = root_with_its_seal(*index, close, &self.second.note);
                        differ(sealed.ok_or(NoContradiction::NotAfterTheClose)? != first.root)
                    }
                    Ordering::Equal | Ordering::Less => Err(NoContradiction::NotAfterTheClose),
                }
            }
            Contradiction::Sealers { opening } => {
                stands(second, 0, opening)?;
                is_a(Kind::Open, opening)
            }
        }
    }
}

/// The root of a whole ledger: of the tree that ends in its close, and the seal over that. The
/// way up from the last leaf is the right edge of the tree before it.
fn root_with_its_seal(index: u64, close: &ProvenEntry, note: &str) -> Option<Hash> {
    let Note { signatures, .. } = Note::parse(note).ok()?;
    // Cosignatures are no part of a seal.
    let [_] = signatures.as_slice() else { return None };
    let edge = close.proof.iter().rev().copied().collect();
    let mut tree = Frontier::from_parts(index, edge).ok()?;
    tree.append(leaf_hash(close.entry.as_bytes()));
    let body = String::from_utf8(to_canonical_sized(&SealBody { note })).ok()?;
    let (seq, prev) = (index + 1, Hash::of(close.entry.as_bytes()));
    let seal = Line { kind: Kind::Seal, seq, prev, at: None, body: &body };
    tree.append(leaf_hash(&seal.to_bytes()));
    Some(tree.root())
}

#[derive(Serialize)]
struct SealBody<'a> {
    note: &'a str,
}

fn differ(differ: bool) -> Result<(), NoContradiction> {
    if differ { Ok(()) } else { Err(NoContradiction::Same) }
}

fn is_a(kind: Kind, proven: &ProvenEntry) -> Result<(), NoContradiction> {
    match Line::parse(proven.entry.as_bytes()) {
        Ok(line) if line.kind == kind => Ok(()),
        Ok(_) | Err(_) => Err(NoContradiction::Entry(kind)),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    contradiction: String,
    first: WireTree,
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gives: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Vec<String>>,
    second: WireTree,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTree {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Vec<String>>,
    sealer: String,
}

impl Wire {
    fn of(evidence: &Evidence) -> Self {
        let (first, second) = (&evidence.first, &evidence.second);
        let (name, index, one, other) = match &evidence.contradiction {
            Contradiction::Roots { .. } => ("roots", None, None, None),
            Contradiction::Lines { index, first, second } => {
                ("lines", Some(*index), Some(first), Some(second))
            }
            Contradiction::Closed { index, close } => ("closed", Some(*index), None, Some(close)),
            Contradiction::Sealers { opening } => ("sealers", None, None, Some(opening)),
        };
        let (gives, proof) = match &evidence.contradiction {
            Contradiction::Roots { gives, proof } => (Some(gives.to_string()), Some(texts(proof))),
            Contradiction::Lines { .. }
            | Contradiction::Closed { .. }
            | Contradiction::Sealers { .. } => (None, None),
        };
        Self {
            contradiction: name.to_owned(),
            first: WireTree::of(first, one),
            format: FORMAT.to_owned(),
            gives,
            index,
            proof,
            second: WireTree::of(second, other),
        }
    }

    fn read(self) -> Result<Evidence, EvidenceError> {
        if self.format != FORMAT {
            return Err(EvidenceError::Format);
        }
        let (first, one) = self.first.read()?;
        let (second, other) = self.second.read()?;
        let proof = self.proof.map(|proof| hashes(&proof)).transpose()?;
        let gives = self.gives.map(|gives| Hash::parse(&gives)).transpose()?;
        let kind = self.contradiction.as_str();
        let contradiction = match (kind, gives, proof, self.index, one, other) {
            ("roots", Some(gives), Some(proof), None, None, None) => {
                Contradiction::Roots { gives, proof }
            }
            ("lines", None, None, Some(index), Some(first), Some(second)) => {
                Contradiction::Lines { index, first, second }
            }
            ("closed", None, None, Some(index), None, Some(close)) => {
                Contradiction::Closed { index, close }
            }
            ("sealers", None, None, None, None, Some(opening)) => {
                Contradiction::Sealers { opening }
            }
            _ => return Err(EvidenceError::Members),
        };
        Ok(Evidence { first, second, contradiction })
    }
}

impl WireTree {
    fn of(tree: &SealedTree, proven: Option<&ProvenEntry>) -> Self {
        Self {
            entry: proven.map(|proven| proven.entry.clone()),
            note: tree.note.clone(),
            proof: proven.map(|proven| texts(&proven.proof)),
            sealer: encode_base64(&tree.sealer),
        }
    }

    fn read(self) -> Result<(SealedTree, Option<ProvenEntry>), EvidenceError> {
        let proven = match (self.entry, self.proof) {
            (Some(entry), Some(proof)) => Some(ProvenEntry { entry, proof: hashes(&proof)? }),
            (None, None) => None,
            _ => return Err(EvidenceError::Members),
        };
        let tree = SealedTree { note: self.note, sealer: decode_base64(&self.sealer)? };
        Ok((tree, proven))
    }
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}

fn hashes(texts: &[String]) -> Result<Vec<Hash>, EvidenceError> {
    if texts.len() > PROOF_HASHES_MAX {
        return Err(EvidenceError::LongProof);
    }
    Ok(texts.iter().map(|text| Hash::parse(text)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
