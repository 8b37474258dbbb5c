//! The format of the ledger: bytes, chain, tree, checkpoints, receipts.
//!
//! A ledger is a file of canonical JSON lines. Each line names the hash of the
//! one before it, every line is a leaf of an RFC 6962 tree, and checkpoints
//! (C2SP tlog-checkpoint) sign the root of that tree; witnesses cosign them. A body is opaque here:
//! this module knows no auction, no certificate and no network, and refuses to
//! learn about them. Lines go from [`Draft`] to [`Chained`].

pub mod canonical;
pub mod chain;
pub mod checkpoint;
pub mod cosignature;
pub mod encoding;
pub mod entry;
pub mod evidence;
pub mod form;
pub mod hash;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod receipt;
mod scanner;
pub mod store;
pub mod vkey;
pub mod witnessing;

pub use canonical::{CanonicalError, from_canonical, to_canonical};
pub use chain::{Chain, ChainError, Chained, Hashed, Links};
pub use checkpoint::{Checkpoint, CheckpointError, SealingKey, SignedCheckpoint, origin};
pub use cosignature::{Cosignature, CosignerKey, WitnessKey};
pub use entry::{Draft, Kind, Line, LineError};
pub use evidence::{Contradiction, Evidence, EvidenceError};
pub use hash::Hash;
pub use merkle::{Frontier, Tree};
pub use policy::Policy;
pub use receipt::{Receipt, ReceiptError, ReceiptParts, SealerEnd};
pub use vkey::VerifierKey;
