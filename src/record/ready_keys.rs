//! Bid keys that are ready for the next signature: to find the point that a key stands for costs
//! a tenth of a check, and a key signs many bids.

use std::collections::HashMap;

use ed25519_dalek::{Signature, VerifyingKey};

use super::act::SignedAct;
use super::claim::Signed;
use super::entries::BidEvidence;
use super::statement::{BadSignature, BidKey};
use crate::limits::READY_KEYS_MAX;

/// A bid key whose point on the curve is known and fit for strict checks.
#[derive(Clone, Debug)]
pub struct ReadyKey {
    key: BidKey,
    point: VerifyingKey,
}

impl ReadyKey {
    /// Finds the key's point; a small-order key and a second spelling of a key are refused.
    ///
    /// # Errors
    /// [`BadSignature::Malformed`] for these: no signature of such a key can be right.
    pub fn of(key: &BidKey) -> Result<Self, BadSignature> {
        let point = VerifyingKey::from_bytes(key.bytes()).map_err(|_| BadSignature::Malformed)?;
        if point.is_weak() || !key.is_canonical() {
            return Err(BadSignature::Malformed);
        }
        Ok(Self { key: *key, point })
    }

    /// The key.
    pub const fn key(&self) -> &BidKey {
        &self.key
    }

    /// Checks an Ed25519 signature strictly: no small-order key, no second form (LEDGER 1).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        if *signature == [0; 64] {
            return Err(BadSignature::Malformed);
        }
        self.point
            .verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| BadSignature::Mismatch)
    }
}

/// Some bid keys, ready. A key that is not among them is read where it is needed: what a check
/// comes to does not depend on them.
#[derive(Clone, Debug, Default)]
pub struct ReadyKeys(HashMap<BidKey, ReadyKey>);

impl ReadyKeys {
    /// Makes a key ready, if there is room for it and it is one.
    pub fn add(&mut self, key: &BidKey) {
        if self.0.len() < READY_KEYS_MAX
            && let Ok(ready) = ReadyKey::of(key)
        {
            self.0.insert(*key, ready);
        }
    }

    /// Checks what was signed under the key that it names, like [`Signed::check`].
    ///
    /// # Errors
    /// [`BadSignature`] if it is not that key's over these bytes.
    pub fn check(&self, signed: &Signed) -> Result<(), BadSignature> {
        match signed {
            Signed::Act(act) => act.check(self),
            Signed::Bid(bid) => bid.check(self),
        }
    }

    /// Checks an act like [`ReadyKeys::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check_act(&self, act: &SignedAct) -> Result<(), BadSignature> {
        act.check(self)
    }

    /// Checks the signature that a bid rests on, if it rests on one.
    ///
    /// # Errors
    /// As of [`ReadyKeys::check`].
    pub fn check_evidence(&self, evidence: &BidEvidence) -> Result<(), BadSignature> {
        match evidence {
            BidEvidence::Signed(bid) => bid.check(self),
            BidEvidence::Clerk(room) => room.act().check(self),
            BidEvidence::Attested { .. } => Ok(()),
        }
    }

    pub(super) fn verify(
        &self,
        key: &BidKey,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), BadSignature> {
        match self.0.get(key) {
            Some(ready) => ready.verify(message, signature),
            None => key.verify(message, signature),
        }
    }
}
