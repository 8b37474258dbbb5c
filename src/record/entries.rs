//! What the entries of a ledger say, each in the words of its layer.

use super::act::{Order, RecordedAct, SignedAct};
use super::claim::Signed;
use super::enrolment::Enrolment;
use super::opening::Opening;
use super::statement::{AttestedBid, BidKey, SignedBid};
use crate::auction::act::Word;
use crate::auction::catalogue::LotTerms;
use crate::auction::event::{Bid, Event, Happening, Input};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party, Role};
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
    /// Staff did something.
    Act(Box<RecordedAct>),
    /// A bid was accepted.
    Bid(Box<AcceptedBid>),
    /// A bid or act was refused and is recorded whole.
    Refused(Box<Refused>),
    /// Bids were refused and are only counted.
    Counted(Counts),
    /// A certificate was revoked.
    Revoke(Revocation),
    /// The rules' own events, but for accepted bids and acts.
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
    /// Whether it meets the reserve, where the lot has a hidden one.
    pub reserve_met: Option<bool>,
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
    /// The signature of staff who entered it for somebody in the room.
    Clerk(RoomBid),
}

/// A signed act that enters a bid for the room, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomBid {
    act: SignedAct,
    party: Party,
    lot: LotId,
    amount: Amount,
}

impl RoomBid {
    /// Takes an act if it enters a bid; gives it back otherwise.
    pub fn new(act: SignedAct) -> Result<Self, Box<SignedAct>> {
        match act.statement.order.clone() {
            Order::Enter { party, lot, amount } => Ok(Self { act, party, lot, amount }),
            Order::Deed(_) => Err(Box::new(act)),
        }
    }

    /// The act as it was signed.
    pub const fn act(&self) -> &SignedAct {
        &self.act
    }
}

impl BidEvidence {
    /// Who bids.
    pub fn party(&self) -> Party {
        match self {
            Self::Signed(bid) => Party::Named(bid.statement.bidder.clone()),
            Self::Attested { bidder, .. } => Party::Named(bidder.clone()),
            Self::Clerk(room) => room.party.clone(),
        }
    }

    /// Who signed it, or on whose session it was seen.
    pub const fn signer(&self) -> &Name {
        match self {
            Self::Signed(bid) => &bid.statement.bidder,
            Self::Attested { bidder, .. } => bidder,
            Self::Clerk(room) => &room.act.statement.bidder,
        }
    }

    /// On which lot.
    pub const fn lot(&self) -> &LotId {
        match self {
            Self::Signed(bid) => &bid.statement.lot,
            Self::Attested { lot, .. } => lot,
            Self::Clerk(room) => &room.lot,
        }
    }

    /// How much.
    pub const fn amount(&self) -> Amount {
        match self {
            Self::Signed(bid) => bid.statement.amount,
            Self::Attested { amount, .. } => *amount,
            Self::Clerk(room) => room.amount,
        }
    }

    /// The bid as the rules see it, under the role of the signer's enrolment.
    pub fn bid(&self, role: Role) -> Bid {
        let (lot, amount) = (self.lot().clone(), self.amount());
        match self {
            Self::Signed(_) | Self::Attested { .. } => {
                Bid::own(self.signer().clone(), role, lot, amount)
            }
            Self::Clerk(room) => Bid::room(room.party.clone(), role, lot, amount),
        }
    }

    /// What was signed, if anything was.
    pub fn signed(&self) -> Option<Signed> {
        match self {
            Self::Signed(bid) => Some(Signed::Bid(bid.clone())),
            Self::Attested { .. } => None,
            Self::Clerk(room) => Some(Signed::Act(room.act.clone())),
        }
    }
}

impl From<&AttestedBid> for BidEvidence {
    fn from(bid: &AttestedBid) -> Self {
        Self::Attested { bidder: bid.bidder.clone(), lot: bid.lot.clone(), amount: bid.amount }
    }
}

impl AcceptedBid {
    /// The rules' event: the recorded bid, the role of the signer's enrolment, the line's
    /// number and time.
    pub fn event(&self, role: Role, seq: u64, at: Timestamp) -> Event {
        let (bid, ends_at) = (self.evidence.bid(role), self.ends_at);
        let what = Happening::BidAccepted { bid, seq, ends_at, reserve_met: self.reserve_met };
        Event { at, what }
    }
}

/// A refused bid or act whose signature verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was signed.
    pub signed: Signed,
    /// Why it was refused.
    pub code: Code,
}

impl Refused {
    /// What the rules are asked, to see whether the refusal is theirs. What the house alone
    /// knows of a reserve is left open: no refusal rests on it, but that a reserve was not lowered.
    pub fn input(&self, role: Role) -> Input {
        let bid = |bid| Input::Bid { bid, seq: 0, reserve_met: None };
        match &self.signed {
            Signed::Bid(signed) => bid(signed.statement.bid(role)),
            Signed::Act(act) => match (act.statement.act(role), act.statement.entered(role)) {
                (Some(act), _) => {
                    let not_lowered = self.code == Code::ReserveNotLowered;
                    let word = if not_lowered { Word::NotLowered } else { Word::Nothing };
                    Input::Act { act, word }
                }
                (None, Some(entered)) => bid(entered),
                (None, None) => unreachable!("an act is a deed or enters a bid"),
            },
        }
    }
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
