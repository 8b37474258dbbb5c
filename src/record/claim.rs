//! What bids and acts have in common: who signs, with which key and number, in
//! which sale, and which ledger the signer had seen (LEDGER 3).

use super::act::{ACT_DOMAIN, Order, SignedAct};
use super::authenticated::Authenticated;
use super::ready_keys::{ReadyKey, ReadyKeys};
use super::statement::{BID_DOMAIN, BadSignature, BidKey, Head, SignedBid};
use crate::auction::event::Bid;
use crate::auction::name::{LotId, Name, Party, Role};
use crate::ledger::Hash;
use crate::limits::INTEGER_MAX;

/// What a signed statement says of its signer.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The key that signs.
    pub bid_key: &'a BidKey,
    /// Under which name.
    pub bidder: &'a Name,
    /// The newest checkpoint that the signer has verified.
    pub head: &'a Head,
    /// The key's number for this statement; it rises from one to the next.
    pub n: u64,
    /// In which sale: SHA-256 of its ledger's line 0.
    pub sale_hash: &'a Hash,
}

/// A bid or an act with a signature that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// An act of staff.
    Act(SignedAct),
    /// A bid.
    Bid(SignedBid),
}

/// A bid or act whose signature is not the key's that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not signed by the key that it names: {why}")]
pub struct Forged {
    /// The bid or act, for counting its refusal.
    pub signed: Box<Signed>,
    /// What is wrong with the signature.
    pub why: BadSignature,
}

impl Signed {
    /// What it says of its signer.
    pub const fn claim(&self) -> Claim<'_> {
        match self {
            Self::Act(act) => act.statement.claim(),
            Self::Bid(bid) => bid.statement.claim(),
        }
    }

    /// The lot that it is about, if it is about one.
    pub const fn lot(&self) -> Option<&LotId> {
        match self {
            Self::Act(act) => act.statement.lot(),
            Self::Bid(bid) => Some(&bid.statement.lot),
        }
    }

    /// The bid that it makes, if it makes one, under the least role that may make it.
    pub fn bid(&self) -> Option<Bid> {
        match self {
            Self::Act(act) => act.statement.entered(Role::Clerk),
            Self::Bid(bid) => Some(bid.statement.bid(Role::Bidder)),
        }
    }

    /// What it tells the house to do, if it is an act.
    pub const fn order(&self) -> Option<&Order> {
        match self {
            Self::Act(act) => Some(&act.statement.order),
            Self::Bid(_) => None,
        }
    }

    /// For whom it enters a bid, if it enters one for the room.
    pub const fn room(&self) -> Option<&Party> {
        match self.order() {
            Some(Order::Enter { party, .. }) => Some(party),
            Some(Order::Deed(_)) | None => None,
        }
    }

    /// The signature, as it came.
    pub const fn signature(&self) -> &[u8; 64] {
        match self {
            Self::Act(act) => &act.signature,
            Self::Bid(bid) => &bid.signature,
        }
    }

    /// By what the same bytes are known again: the statement and its signature.
    pub fn digest(&self) -> Hash {
        self.digest_of(self.message())
    }

    /// Takes a message for room to write in.
    fn digest_of(&self, mut message: Vec<u8>) -> Hash {
        message.extend_from_slice(self.signature());
        Hash::of(&message[self.domain().len()..])
    }

    /// The bytes that are signed.
    fn message(&self) -> Vec<u8> {
        match self {
            Self::Act(act) => act.statement.message(),
            Self::Bid(bid) => bid.statement.message(),
        }
    }

    /// What stands before the statement in these.
    const fn domain(&self) -> &'static [u8] {
        match self {
            Self::Act(_) => ACT_DOMAIN,
            Self::Bid(_) => BID_DOMAIN,
        }
    }

    /// Checks the signature under the key that the statement names. Whether that key
    /// is enrolled, and under that name, is the roster's affair.
    ///
    /// # Errors
    /// [`BadSignature`] if it is not that key's over these bytes.
    pub fn check(&self) -> Result<(), BadSignature> {
        ReadyKeys::default().check(self)
    }

    /// The message, once its signature was checked.
    fn checked_message(
        &self,
        key: &Result<ReadyKey, BadSignature>,
    ) -> Result<Vec<u8>, BadSignature> {
        let claim = self.claim();
        is_signable(&claim)?;
        let key = key.as_ref().map_err(|why| *why)?;
        if key.key() != claim.bid_key {
            return Err(BadSignature::Mismatch);
        }
        let message = self.message();
        key.verify(&message, self.signature())?;
        Ok(message)
    }

    /// Checks the signature like [`Signed::check`], and vouches for it.
    ///
    /// # Errors
    /// [`Forged`] holds the statement, for counting its refusal.
    pub fn authenticate(self) -> Result<Authenticated<Self>, Forged> {
        let key = ReadyKey::of(self.claim().bid_key);
        self.authenticate_under(&key)
    }

    /// As [`Signed::authenticate`], where the key was looked at before: it must be the
    /// statement's.
    ///
    /// # Errors
    /// As for [`Signed::authenticate`].
    pub fn authenticate_under(
        self,
        key: &Result<ReadyKey, BadSignature>,
    ) -> Result<Authenticated<Self>, Forged> {
        match self.checked_message(key) {
            Ok(message) => {
                let digest = self.digest_of(message);
                Ok(Authenticated::vouch_hashed(self, digest))
            }
            Err(why) => Err(Forged { signed: Box::new(self), why }),
        }
    }
}

/// Beyond these numbers no canonical form exists that anybody could have signed.
pub(super) fn is_signable(claim: &Claim<'_>) -> Result<(), BadSignature> {
    if claim.n > INTEGER_MAX || claim.head.size > INTEGER_MAX {
        return Err(BadSignature::Mismatch);
    }
    Ok(())
}

impl From<SignedBid> for Signed {
    fn from(bid: SignedBid) -> Self {
        Self::Bid(bid)
    }
}

impl From<SignedAct> for Signed {
    fn from(act: SignedAct) -> Self {
        Self::Act(act)
    }
}
