//! What the entries of a ledger say, each in the words of its layer.

use super::enrolment::Enrolment;
use super::opening::Opening;
use super::statement::{AttestedBid, BidKey, SignedBid};
use crate::auction::catalogue::LotTerms;
use crate::auction::event::{Bid, Event, Happening};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Role};
use crate::auction::refusal::Code;
use crate::ledger::Hash;
use crate::pki::{RevocationReason, Serial};
use crate::time::Timestamp;

/// What one line of a ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Line 0.
    Open(Box<Opening>),
    /// A lot of the catalogue.
    Lot(Box<LotTerms>),
    /// Somebody entered the sale.
    Enrol(Box<Enrolment>),
    /// A bid was accepted.
    Bid(Box<AcceptedBid>),
    /// A bid was refused and is recorded whole.
    Refused(Box<RefusedBid>),
    /// Bids were refused and are only counted.
    Counted(Counts),
    /// A certificate was revoked.
    Revoke(Revocation),
    /// The rules' own events, but for accepted bids.
    Event(Event),
    /// A seal.
    Seal {
        /// The signed checkpoint.
        note: String,
    },
}

/// An accepted bid, with what stands beside its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedBid {
    /// What the bid rests on.
    pub evidence: BidEvidence,
    /// The lot's end after this bid, if it has one.
    pub ends_at: Option<Timestamp>,
    /// From reading the line to giving it its number, in microseconds.
    pub lag_us: u64,
}

/// What a bid rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BidEvidence {
    /// The bidder's signature.
    Signed(SignedBid),
    /// The house's word that it saw the bid on the bidder's TLS session.
    Attested {
        /// Who bids.
        bidder: Name,
        /// On which lot.
        lot: LotId,
        /// How much.
        amount: Amount,
    },
}

impl BidEvidence {
    /// Who bids.
    pub const fn bidder(&self) -> &Name {
        match self {
            Self::Signed(bid) => &bid.statement.bidder,
            Self::Attested { bidder, .. } => bidder,
        }
    }

    /// On which lot.
    pub const fn lot(&self) -> &LotId {
        match self {
            Self::Signed(bid) => &bid.statement.lot,
            Self::Attested { lot, .. } => lot,
        }
    }

    /// How much.
    pub const fn amount(&self) -> Amount {
        match self {
            Self::Signed(bid) => bid.statement.amount,
            Self::Attested { amount, .. } => *amount,
        }
    }

    /// The bid as the rules see it, under the role of the bidder's enrolment.
    pub fn bid(&self, role: Role) -> Bid {
        Bid { bidder: self.bidder().clone(), role, lot: self.lot().clone(), amount: self.amount() }
    }
}

impl From<&AttestedBid> for BidEvidence {
    fn from(bid: &AttestedBid) -> Self {
        Self::Attested { bidder: bid.bidder.clone(), lot: bid.lot.clone(), amount: bid.amount }
    }
}

impl AcceptedBid {
    /// The rules' event: the recorded bid, the role of the bidder's enrolment and the line's time.
    pub fn event(&self, role: Role, at: Timestamp) -> Event {
        let bid = self.evidence.bid(role);
        Event { at, what: Happening::BidAccepted { bid, ends_at: self.ends_at } }
    }
}

/// A refused bid whose signature verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBid {
    /// The bid.
    pub bid: SignedBid,
    /// Why it was refused.
    pub code: Code,
}

/// Refused bids that are only counted: on the house's word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many for each code; rising codes, no zero. Empty where only keys go on.
    pub counts: Vec<(Code, u64)>,
    /// Each such bid's key with its highest `n`; rising keys.
    pub keys: Vec<(BidKey, u64)>,
}

/// A certificate was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The certificate's serial number.
    pub serial: Serial,
    /// Why (RFC 5280, section 5.3.1).
    pub reason: RevocationReason,
    /// The number of the CRL that says so.
    pub crl_number: u64,
    /// SHA-256 of that CRL's DER.
    pub crl_hash: Hash,
}
