//! What a client checks before it believes that a server shows it a sale: whose
//! sale it is, who seals it, and that it continues what the client remembers.
//!
//! Pure over a `welcome` message. A server that fails here is not argued with:
//! the client keeps both notes and leaves (LEDGER 4).

use ed25519_dalek::VerifyingKey;

use super::cosigned::Cosigned;
use crate::auction::name::{HouseName, Name, SaleId};
use crate::ledger::merkle::{leaf_hash, verify_consistency, verify_inclusion};
use crate::ledger::note::TYPE_ED25519;
use crate::ledger::vkey::VkeyError;
use crate::ledger::{
    CheckpointError, Frontier, Hash, Kind, Line, Receipt, ReceiptError, SignedCheckpoint,
    VerifierKey, origin,
};
use crate::limits::NOTE_BYTES_MAX;
use crate::pki::{Anchor, CertificateFault, Fingerprint, verify_person, verify_sealer};
use crate::record::{BidKey, Enrolment, EnrolmentFault, Head, Opening, Record};
use crate::time::Timestamp;
use crate::wire::encoding::ProofHash;
use crate::wire::json::{ProvenCosigned, ProvenLine, Welcome};

/// A sale as its line 0 describes it, checked to be one of our house.
#[derive(Debug)]
pub struct KnownSale {
    opening: Opening,
    open_line: String,
    opened_at: Timestamp,
    sale_hash: Hash,
    origin: String,
    sealer: VerifyingKey,
}

/// Why a server's welcome is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GreetingFault {
    /// Line 0 is none.
    #[error("the server's line 0 is not the opening of a sale: {reason}")]
    NotAnOpening {
        /// What is wrong with it.
        reason: String,
    },
    /// A sale of another house.
    #[error("the server runs a sale of another house, {house}")]
    OtherHouse {
        /// Which.
        house: HouseName,
    },
    /// A sale under another CA.
    #[error("the sale's line 0 names another CA than our credential")]
    OtherCa,
    /// A sealing key that the CA did not certify for this sale.
    #[error("the key that seals this sale is not certified for it: {0}")]
    Sealer(#[from] CertificateFault),
    /// The newest checkpoint does not stand.
    #[error("the server's newest checkpoint does not stand: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The hashes of the tree do not give the checkpoint's root.
    #[error("the tree that the server shows is not the one that it signed")]
    Frontier,
    /// An enrolment under our name that is not in the tree, or not under our name.
    #[error("line {index}, shown as an enrolment under our name, is not proven to be one")]
    OwnLine {
        /// The line's number.
        index: u64,
    },
    /// Another line 0 under a sale id that we know.
    #[error("FORK: the server shows another line 0 for sale {sale} than it showed before")]
    OtherLine0 {
        /// The sale.
        sale: SaleId,
    },
    /// A smaller tree than the one that we remember.
    #[error("ROLLBACK: the server shows {shown} lines, and had signed {held} before")]
    Rollback {
        /// How many lines our checkpoint covers.
        held: u64,
        /// How many the server's newest one covers.
        shown: u64,
    },
    /// A tree that does not contain the one that we remember.
    #[error(
        "FORK: the {shown} lines that the server shows do not continue the {held} that it had signed before"
    )]
    Fork {
        /// How many lines our checkpoint covers.
        held: u64,
        /// How many the server's newest one covers.
        shown: u64,
    },
    /// A cosigned checkpoint that the newest one does not continue.
    #[error(
        "FORK: the {shown} lines that the server shows do not continue the {cosigned} that it had cosigned"
    )]
    CosignedFork {
        /// How many lines the cosigned checkpoint covers.
        cosigned: u64,
        /// How many the server's newest one covers.
        shown: u64,
    },
    /// The server refuses the checkpoint that we hold, and shows the sale that it is of.
    #[error("FORK: the server does not own the {held} lines that it had signed before")]
    Disowned {
        /// How many lines our checkpoint covers.
        held: u64,
    },
}

impl GreetingFault {
    /// Whether the server contradicts what it had signed before: then both notes are evidence.
    pub const fn is_contradiction(&self) -> bool {
        match self {
            Self::OtherLine0 { .. }
            | Self::Rollback { .. }
            | Self::Fork { .. }
            | Self::CosignedFork { .. }
            | Self::Disowned { .. } => true,
            Self::NotAnOpening { .. }
            | Self::OtherHouse { .. }
            | Self::OtherCa
            | Self::Sealer(_)
            | Self::Checkpoint(_)
            | Self::Frontier
            | Self::OwnLine { .. } => false,
        }
    }
}

/// What a welcome proves.
#[derive(Debug)]
pub(super) struct Greeted {
    pub(super) newest: SignedCheckpoint,
    pub(super) frontier: Frontier,
    pub(super) own: Vec<OwnEnrolment>,
    pub(super) cosigned: Option<Cosigned>,
}

/// An enrolment that the ledger holds under our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEnrolment {
    /// Its line.
    pub seq: u64,
    /// The bid key; none if the house attested a session.
    pub bid_key: Option<BidKey>,
    /// The certificate that was enrolled.
    pub cert: Fingerprint,
    /// The certificate's key, if the certificate can be read.
    pub key: Option<Fingerprint>,
}

impl KnownSale {
    /// Reads line 0 and checks that it is of `house`, under `anchor`, with a certified sealing key.
    pub fn read(
        open_line: &str,
        anchor: &Anchor,
        house: &HouseName,
    ) -> Result<Self, GreetingFault> {
        let (opening, opened_at) = read_opening(open_line)?;
        if opening.house != *house {
            return Err(GreetingFault::OtherHouse { house: opening.house });
        }
        if opening.ca != anchor.der() {
            return Err(GreetingFault::OtherCa);
        }
        let der = opening.sealers.first().ok_or_else(|| not_an_opening("no sealing key"))?;
        // As the auditor does: at the time of line 0, since a finished sale is shown for years.
        let sealer = verify_sealer(der, anchor, house, &opening.sale, opened_at)?;
        let sealer = VerifyingKey::from_bytes(&sealer.key)
            .map_err(|_| GreetingFault::Sealer(CertificateFault::WrongKey))?;
        Ok(Self {
            origin: origin(house.as_str(), opening.sale.as_str()),
            sale_hash: Hash::of(open_line.as_bytes()),
            open_line: open_line.to_owned(),
            opening,
            opened_at,
            sealer,
        })
    }

    /// What line 0 says.
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Line 0 itself, without LF.
    pub fn open_line(&self) -> &str {
        &self.open_line
    }

    /// The time of line 0.
    pub const fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// The key that seals the ledger, as other programs take it (signed-note, "Verifier keys").
    ///
    /// # Errors
    /// A house may have certified a key that nobody should take.
    pub fn vkey(&self) -> Result<VerifierKey, VkeyError> {
        VerifierKey::new(&self.origin, TYPE_ED25519, &self.sealer)
    }

    /// SHA-256 of line 0, by which statements name the sale.
    pub const fn sale_hash(&self) -> Hash {
        self.sale_hash
    }

    /// Checks a checkpoint of this sale.
    pub fn checkpoint(&self, note: &str) -> Result<SignedCheckpoint, CheckpointError> {
        SignedCheckpoint::verify(note, &self.origin, &self.sealer)
    }

    /// Checks a checkpoint of this sale that witnesses may have cosigned; their lines are not
    /// checked. None if it is too long to be kept.
    pub fn cosigned(&self, note: &str) -> Result<Option<Cosigned>, CheckpointError> {
        if note.len() > NOTE_BYTES_MAX {
            return Ok(None);
        }
        let checked = SignedCheckpoint::verify_cosigned(note, &self.origin, &self.sealer)?;
        Ok(Cosigned::of(checked))
    }

    /// Checks a receipt of this sale.
    pub fn receipt(&self, receipt: &Receipt) -> Result<SignedCheckpoint, ReceiptError> {
        receipt.check(&self.origin, &self.sealer)
    }

    /// Checks a welcome: the newest checkpoint, the tree's right edge, and that
    /// it continues `held`, the newest checkpoint that we remember.
    pub(super) fn greet(
        &self,
        welcome: &Welcome,
        name: &Name,
        held: Option<&SignedCheckpoint>,
    ) -> Result<Greeted, GreetingFault> {
        if welcome.open != self.open_line {
            return Err(GreetingFault::OtherLine0 { sale: self.opening.sale.clone() });
        }
        let newest = self.checkpoint(&welcome.note)?;
        let shown = head_of(&newest);
        if let Some(held) = held {
            let proof = welcome.proof.as_deref().unwrap_or_default();
            check_continuity(head_of(held), shown, &hashes(proof))?;
        }
        let frontier = Frontier::from_parts(shown.size, hashes(&welcome.frontier))
            .map_err(|_| GreetingFault::Frontier)?;
        if frontier.root() != shown.root {
            return Err(GreetingFault::Frontier);
        }
        let own = welcome.lines.iter().map(|line| {
            own_enrolment(line, name, shown)
                .ok_or(GreetingFault::OwnLine { index: line.index })
                .map(|(at, enrolment)| self.own(line.index, at, &enrolment))
        });
        let own = own.collect::<Result<_, _>>()?;
        let cosigned = match &welcome.cosigned {
            Some(proven) => self.proven_cosigned(proven, shown)?,
            None => None,
        };
        Ok(Greeted { own, newest, frontier, cosigned })
    }

    /// A cosigned checkpoint whose tree the newest one continues.
    fn proven_cosigned(
        &self,
        proven: &ProvenCosigned,
        shown: Head,
    ) -> Result<Option<Cosigned>, GreetingFault> {
        let Some(cosigned) = self.cosigned(&proven.note)? else { return Ok(None) };
        let head = head_of(cosigned.checkpoint());
        let fork = GreetingFault::CosignedFork { cosigned: head.size, shown: shown.size };
        check_continuity(head, shown, &hashes(&proven.proof)).map_err(|_| fork)?;
        Ok(Some(cosigned))
    }

    /// Checks an enrolment in this sale, made `at`: its chain and both signatures.
    pub(super) fn check_enrolment(
        &self,
        enrolment: &Enrolment,
        at: Timestamp,
    ) -> Result<(), EnrolmentFault> {
        let anchor = Anchor::from_der(&self.opening.ca)?;
        enrolment
            .clone()
            .authenticate(&self.sale_hash, &anchor, &self.opening.house, at)
            .map(|_| ())
    }

    /// What an enrolment under our name says about the certificate it was made with.
    pub(super) fn own(&self, seq: u64, at: Timestamp, enrolment: &Enrolment) -> OwnEnrolment {
        let cert = enrolment.chain.first().map(|der| Fingerprint::of(der));
        // Line 0's CA is our credential's, byte for byte.
        let anchor = Anchor::from_der(&self.opening.ca).ok();
        let identity = anchor.and_then(|anchor| {
            verify_person(&enrolment.chain, &anchor, &self.opening.house, at).ok()
        });
        OwnEnrolment {
            seq,
            bid_key: enrolment.bid_key().copied(),
            cert: cert.unwrap_or_else(|| Fingerprint::of(&[])),
            key: identity.map(|identity| identity.key),
        }
    }
}

/// The size and root that a checkpoint signs.
pub(super) fn head_of(checkpoint: &SignedCheckpoint) -> Head {
    let checkpoint = checkpoint.checkpoint();
    Head { root: checkpoint.root, size: checkpoint.size }
}

fn check_continuity(held: Head, shown: Head, proof: &[Hash]) -> Result<(), GreetingFault> {
    let fork = GreetingFault::Fork { held: held.size, shown: shown.size };
    if shown.size < held.size {
        return Err(GreetingFault::Rollback { held: held.size, shown: shown.size });
    }
    if shown.size == held.size {
        return if shown.root == held.root { Ok(()) } else { Err(fork) };
    }
    verify_consistency(held.size, shown.size, proof, held.root, shown.root).map_err(|_| fork)
}

fn read_opening(open_line: &str) -> Result<(Opening, Timestamp), GreetingFault> {
    let line = Line::parse(open_line.as_bytes()).map_err(not_an_opening)?;
    if line.kind != Kind::Open || line.seq != 0 || line.prev != Hash::ZERO {
        return Err(not_an_opening("another kind of line"));
    }
    match (Record::read(&line).map_err(not_an_opening)?, line.at) {
        (Record::Open(opening), Some(at)) => Ok((*opening, at)),
        _ => Err(not_an_opening("another kind of line")),
    }
}

fn not_an_opening(reason: impl std::fmt::Display) -> GreetingFault {
    GreetingFault::NotAnOpening { reason: reason.to_string() }
}

fn own_enrolment(proven: &ProvenLine, name: &Name, tree: Head) -> Option<(Timestamp, Enrolment)> {
    let leaf = leaf_hash(proven.line.as_bytes());
    verify_inclusion(proven.index, tree.size, leaf, &hashes(&proven.proof), tree.root).ok()?;
    let line = Line::parse(proven.line.as_bytes()).ok()?;
    match Record::read(&line).ok()? {
        Record::Enrol(enrolment) if line.seq == proven.index && enrolment.bidder == *name => {
            Some((line.at?, *enrolment))
        }
        _ => None,
    }
}

fn hashes(proof: &[ProofHash]) -> Vec<Hash> {
    proof.iter().map(|hash| hash.0).collect()
}
