//! What staff sign (LEDGER 3, "Act").
//!
//! The message is [`ACT_DOMAIN`] followed by the statement's canonical JSON:
//!
//! ```text
//! gavel/act/v1\n{"act":"void","bid_key":"<hex>","bidder":"ada","head":{"root":"<hex>","size":12},"lot":"1","n":4,"reason":"a slip","sale_hash":"<hex>","seen":9}
//! ```

use ed25519_dalek::{Signer, SigningKey};

use super::authenticated::Authenticated;
use super::claim::{Claim, Forged, Signed, is_signable};
use super::ready_keys::ReadyKeys;
use super::statement::{BadSignature, BidKey, Head};
use super::v1;
use crate::auction::act::{Act, Deed, Effect};
use crate::auction::event::{Bid, Event, Happening};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Party, Role, Title};
use crate::ledger::{Hash, Kind, to_canonical};
use crate::time::Timestamp;

/// What stands before an act's statement in the signed message.
pub const ACT_DOMAIN: &[u8] = b"gavel/act/v1\n";

/// What staff order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// An act on a lot or on the sale.
    Deed(Deed),
    /// A bid for somebody in the room.
    Enter {
        /// For whom.
        party: Party,
        /// On which lot.
        lot: LotId,
        /// How much, in minor units.
        amount: Amount,
    },
}

/// An act as staff sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActStatement {
    /// The key that signs.
    pub bid_key: BidKey,
    /// Who acts.
    pub bidder: Name,
    /// The newest checkpoint that the signer has verified.
    pub head: Head,
    /// The bid key's number for this act; it rises with everything that the key signs.
    pub n: u64,
    /// What is ordered.
    pub order: Order,
    /// Why.
    pub reason: Option<Title>,
    /// In which sale: SHA-256 of its ledger's line 0.
    pub sale_hash: Hash,
}

/// An act with a signature that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAct {
    /// What was signed.
    pub statement: ActStatement,
    /// The Ed25519 signature, as it came.
    pub signature: [u8; 64],
}

/// An act that was taken, with what followed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAct {
    /// The act.
    pub act: SignedAct,
    /// What followed.
    pub effect: Effect,
}

impl ActStatement {
    /// The statement as canonical JSON, as it also stands in the ledger.
    pub fn to_canonical(&self) -> Vec<u8> {
        to_canonical(&v1::Act::from(self))
    }

    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        [ACT_DOMAIN, &self.to_canonical()].concat()
    }

    /// What it says of its signer.
    pub const fn claim(&self) -> Claim<'_> {
        let Self { bid_key, bidder, head, n, sale_hash, .. } = self;
        Claim { bid_key, bidder, head, n: *n, sale_hash }
    }

    /// The lot that it is about, if it is about one.
    pub const fn lot(&self) -> Option<&LotId> {
        match &self.order {
            Order::Deed(deed) => deed.lot(),
            Order::Enter { lot, .. } => Some(lot),
        }
    }

    /// The act as the rules see it, under the role of the key's enrolment; none for a bid.
    pub fn act(&self, role: Role) -> Option<Act> {
        match &self.order {
            Order::Deed(deed) => Some(Act {
                by: self.bidder.clone(),
                role,
                deed: deed.clone(),
                reason: self.reason.clone(),
            }),
            Order::Enter { .. } => None,
        }
    }

    /// The bid that it enters for the room, under the role of the key's enrolment.
    pub fn entered(&self, role: Role) -> Option<Bid> {
        match &self.order {
            Order::Enter { party, lot, amount } => {
                Some(Bid::room(party.clone(), role, lot.clone(), *amount))
            }
            Order::Deed(_) => None,
        }
    }
}

impl SignedAct {
    /// Signs a statement with the key that it must name.
    pub fn sign(mut statement: ActStatement, key: &SigningKey) -> Self {
        statement.bid_key = BidKey::from(key);
        let signature = key.sign(&statement.message()).to_bytes();
        Self { statement, signature }
    }

    /// Checks the signature, for [`ReadyKeys`].
    pub(super) fn check(&self, keys: &ReadyKeys) -> Result<(), BadSignature> {
        let claim = self.statement.claim();
        is_signable(&claim)?;
        keys.verify(claim.bid_key, &self.statement.message(), &self.signature)
    }

    /// Checks the signature under the bid key that the statement names.
    ///
    /// # Errors
    /// See [`Signed::authenticate`].
    pub fn authenticate(self) -> Result<Authenticated<Signed>, Forged> {
        Signed::Act(self).authenticate()
    }
}

impl RecordedAct {
    /// The rules' event; none for an act that enters a bid, which no such entry holds.
    pub fn event(&self, role: Role, at: Timestamp) -> Option<Event> {
        let act = self.act.statement.act(role)?;
        Some(Event { at, what: Happening::Acted { act, effect: self.effect.clone() } })
    }
}

/// The type of the entry that an act makes.
pub(super) const fn kind_of(deed: &Deed) -> Kind {
    match deed {
        Deed::Closing => Kind::Closing,
        Deed::Extend { .. } => Kind::Extend,
        Deed::Hammer { .. } => Kind::LotClose,
        Deed::Open { .. } => Kind::LotOpen,
        Deed::Pause { .. } => Kind::Pause,
        Deed::Reissue { .. } => Kind::Reissue,
        Deed::Reserve { .. } => Kind::Reserve,
        Deed::Resume { .. } => Kind::Resume,
        Deed::Say { .. } => Kind::Say,
        Deed::Void { .. } => Kind::Void,
        Deed::Withdraw { .. } => Kind::Withdraw,
    }
}
