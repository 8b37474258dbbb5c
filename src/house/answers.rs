//! What may be told, and only after the disk: answers, receipts, welcomes.

use std::sync::Arc;

use super::{House, Known};
use crate::auction::event::Event;
use crate::auction::money::Amount;
use crate::auction::name::Name;
use crate::auction::refusal::Code;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::hash::Hash;
use crate::ledger::receipt::{Receipt, ReceiptParts, SealerEnd};
use crate::ledger::store::Committed;
use crate::pki::Fingerprint;
use crate::record::{BidKey, Opening};

/// What was decided for an input. It says nothing until its frame is on the disk:
/// [`House::answer`] turns it into an [`Answer`] then.
#[derive(Debug)]
pub struct Pending(Decided);

#[derive(Debug)]
enum Decided {
    Entered { seq: u64 },
    Refused { code: Code, least: Option<Amount> },
}

impl Pending {
    pub(super) const fn of(known: Known) -> Self {
        match known {
            Known::Accepted { seq } => Self(Decided::Entered { seq }),
            Known::Refused { code, least } => Self(Decided::Refused { code, least }),
        }
    }

    pub(super) const fn refused(code: Code) -> Self {
        Self(Decided::Refused { code, least: None })
    }
}

/// A frame that is on the disk and may be told to everybody.
#[derive(Debug)]
pub struct Released {
    /// Its lines, the seal line included where it has one.
    pub lines: Vec<Committed>,
    /// What happened in it, in order.
    pub events: Vec<Event>,
    /// The newest checkpoint, which covers all lines but a seal line by itself.
    pub checkpoint: SignedCheckpoint,
}

impl Released {
    /// The text of the line `seq`, if it is one of this frame's.
    fn line(&self, seq: u64) -> Option<String> {
        let at = self.lines.binary_search_by_key(&seq, |line| line.seq()).ok()?;
        Some(String::from_utf8_lossy(self.lines[at].bytes()).into_owned())
    }
}

/// What the asker is told.
#[derive(Debug)]
pub enum Answer {
    /// It stands in the ledger, and this proves it.
    Entered(Box<Receipt>),
    /// It stands in the ledger since an earlier frame: the same bytes came again.
    /// The owner reads the line from the ledger to complete the receipt.
    Earlier(Box<Proof>),
    /// It was refused.
    Refused {
        /// Why.
        code: Code,
        /// The least bid that would stand, where that is the reason.
        least: Option<Amount>,
    },
}

/// A receipt that still lacks the line it is for.
#[derive(Debug)]
pub struct Proof {
    /// The index of the entry.
    pub seq: u64,
    hashes: Vec<Hash>,
    note: Arc<str>,
    sealer: Arc<SealerEnd>,
}

impl Proof {
    /// Completes the receipt with the entry's line, without LF.
    pub fn receipt(self, line: String) -> Receipt {
        Receipt {
            index: self.seq,
            proof: self.hashes,
            note: self.note.to_string(),
            entry: line,
            sealer: self.sealer.der().to_vec(),
        }
    }

    /// The parts of the receipt, with the entry's line as a JSON string.
    pub fn parts<'a>(&'a self, entry: &'a [u8]) -> ReceiptParts<'a> {
        let Self { seq, hashes, note, sealer } = self;
        ReceiptParts { index: *seq, proof: hashes, note, entry, sealer }
    }
}

/// What was decided and may be told, before the lines that it speaks of are looked up.
#[derive(Debug)]
pub enum Proven {
    /// It stands in the ledger.
    Entered(Box<Proof>),
    /// It was refused.
    Refused {
        /// Why.
        code: Code,
        /// The least bid that would stand, where that is the reason.
        least: Option<Amount>,
    },
}

/// An enrolment under a name, for the holder of that name to compare.
#[derive(Debug)]
pub struct Own {
    /// Its index in the ledger.
    pub seq: u64,
    /// The line itself, without LF.
    pub line: Arc<[u8]>,
    /// SHA-256 of the certificate enrolled.
    pub cert: Fingerprint,
    /// The bid key; `None` for an attested enrolment.
    pub bid_key: Option<BidKey>,
}

/// What a client needs to begin: LEDGER 4, `welcome`.
#[derive(Debug)]
pub struct Welcome {
    /// Line 0, without LF.
    pub open: Arc<[u8]>,
    /// The newest checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The full subtrees at the right edge of its tree, largest first.
    pub frontier: Vec<Hash>,
    /// The consistency proof from the client's tree; empty without one.
    pub proof: Vec<Hash>,
    /// The enrolments under the client's own name, each with its inclusion proof.
    pub own: Vec<(u64, Arc<[u8]>, Vec<Hash>)>,
}

/// Why a client's checkpoint cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WelcomeRefusal {
    /// It is not signed by this sale's sealing key.
    #[error("the checkpoint is not one of this sale's")]
    NotOurs,
    /// It is signed by this sale's key and does not fit this ledger: this house has
    /// lost or forked its ledger and must sign nothing more (LEDGER 4, `hello`).
    #[error(
        "a client holds a checkpoint of size {size} signed by this sale's key that this ledger \
         does not contain"
    )]
    NotInOurTree {
        /// The size of the client's tree.
        size: u64,
    },
}

/// The sealer's certificate as receipts have it; line 0 names one.
pub(super) fn sealer_end(opening: &Opening) -> Arc<SealerEnd> {
    Arc::new(SealerEnd::new(opening.sealers.first().cloned().unwrap_or_default()))
}

impl House {
    /// What may be told about `pending`, now that its frame was released.
    pub fn answer(&self, released: &Released, pending: Pending) -> Answer {
        match self.prove(released, pending) {
            Proven::Refused { code, least } => Answer::Refused { code, least },
            Proven::Entered(proof) => match released.line(proof.seq) {
                Some(line) => Answer::Entered(Box::new(proof.receipt(line))),
                None => Answer::Earlier(proof),
            },
        }
    }

    /// The same for an owner who has the lines at hand in another form.
    pub fn prove(&self, _released: &Released, pending: Pending) -> Proven {
        match pending.0 {
            Decided::Refused { code, least } => Proven::Refused { code, least },
            Decided::Entered { seq } => {
                let proof = self.proof(seq).expect("a released entry has a checkpoint over it");
                Proven::Entered(Box::new(proof))
            }
        }
    }

    /// The proof of the entry `seq` under the first checkpoint after it.
    fn proof(&self, seq: u64) -> Option<Proof> {
        let (size, note) = self.notes.range(seq + 1..).next()?;
        Some(Proof {
            seq,
            hashes: self.chain.tree().inclusion(seq, *size)?,
            note: Arc::clone(note),
            sealer: Arc::clone(&self.sealer_end),
        })
    }

    /// Greets a client that speaks as `name` and holds the checkpoint `note`.
    ///
    /// # Errors
    /// [`WelcomeRefusal::NotInOurTree`] must stop the house before it signs again.
    pub fn welcome(&self, name: &Name, note: Option<&str>) -> Result<Welcome, WelcomeRefusal> {
        match note {
            Some(note) => Ok(self.welcome_from(name, self.size_of(note)?)),
            None => Ok(self.welcome_from(name, 0)),
        }
    }

    /// Greets a client that holds `held_size` lines, whatever lines these are. To one whose checkpoint
    /// stops the house ([`WelcomeRefusal::NotInOurTree`]) this is the last word: it signs nothing
    /// new, and lets the client see for itself what became of its ledger.
    pub fn welcome_from(&self, name: &Name, held_size: u64) -> Welcome {
        let size = self.newest.checkpoint().size;
        let tree = self.chain.tree();
        let proof = tree.consistency(held_size, size).unwrap_or_default();
        let own = self.own.get(name).map(Vec::as_slice).unwrap_or_default();
        let own = own
            .iter()
            .filter_map(|own| {
                Some((own.seq, Arc::clone(&own.line), tree.inclusion(own.seq, size)?))
            })
            .collect();
        Welcome {
            open: Arc::clone(&self.open_line),
            checkpoint: self.newest.clone(),
            frontier: tree.frontier_at(size).unwrap_or_default(),
            proof,
            own,
        }
    }

    /// The proof that the tree of the first `to` lines extends that of the first `from` (RFC
    /// 6962, section 2.1.2); none where the ledger has no such trees.
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        self.chain.tree().consistency(from, to)
    }

    /// The size of the tree in a note that somebody holds, once it is known to be one of ours.
    ///
    /// # Errors
    /// As for [`House::welcome`].
    pub fn size_of(&self, note: &str) -> Result<u64, WelcomeRefusal> {
        let origin = &self.newest.checkpoint().origin;
        let held = SignedCheckpoint::verify_cosigned(note, origin, &self.sealer)
            .map_err(|_| WelcomeRefusal::NotOurs)?;
        let held = held.checkpoint();
        let newest = self.newest.checkpoint();
        if held.size > newest.size || self.chain.tree().root_at(held.size) != Some(held.root) {
            return Err(WelcomeRefusal::NotInOurTree { size: held.size });
        }
        Ok(held.size)
    }
}
