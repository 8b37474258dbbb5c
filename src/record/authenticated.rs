//! The wall between what somebody claims and what was checked.

use std::ops::Deref;

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
pub struct Authenticated<T>(T);

impl<T> Authenticated<T> {
    /// Vouches for `checked`; for the checks in this folder only.
    pub(super) fn vouch(checked: T) -> Self {
        Self(checked)
    }

    /// Gives back what was checked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Authenticated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
