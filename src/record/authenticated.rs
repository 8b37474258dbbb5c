//! The wall between what somebody claims and what was checked.

use std::ops::Deref;

use super::claim::Signed;
use crate::ledger::Hash;

/// A thing whose origin was checked: a signature verified, or a TLS session named its speaker.
///
/// It is made by [`SignedBid::authenticate`](super::SignedBid::authenticate),
/// [`Enrolment::authenticate`](super::Enrolment::authenticate) and
/// [`Authenticated::from_session`], and nowhere else:
///
/// ```compile_fail
/// let checked = gavel::record::Authenticated("alice bids 100");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated<T> {
    checked: T,
    /// What the check hashed on its way, where it did.
    digest: Option<Hash>,
}

impl<T> Authenticated<T> {
    /// Vouches for `checked`; for the checks in this folder only.
    pub(super) const fn vouch(checked: T) -> Self {
        Self { checked, digest: None }
    }

    /// Gives back what was checked.
    pub fn into_inner(self) -> T {
        self.checked
    }
}

impl Authenticated<Signed> {
    /// Vouches for what has that digest.
    pub(super) const fn vouch_hashed(checked: Signed, digest: Hash) -> Self {
        Self { checked, digest: Some(digest) }
    }

    /// As [`Signed::digest`], from the check where that has it: whoever owns the sale hashes
    /// nothing that was hashed before.
    pub fn digest(&self) -> Hash {
        self.digest.unwrap_or_else(|| self.checked.digest())
    }
}

impl<T> Deref for Authenticated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.checked
    }
}
