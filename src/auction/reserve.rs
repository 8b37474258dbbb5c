//! Hidden reserves, as far as the rules follow them without knowing one (RULES 5, LEDGER 3).
//!
//! A commitment stands in the catalogue, and the amount behind it is told only when
//! the lot has ended. Until then the house says with each price whether it meets the
//! reserve; [`Promise`] remembers between which two prices the reserve must lie if
//! all that was true, so that the opening either fits or convicts.

use super::money::Amount;

/// SHA-256 of a reserve with its nonce; the rules only carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Takes the hash's 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash's 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What opens a commitment: the reserve, and the random bytes that hid it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReserveOpening {
    /// The least price at which the lot is sold.
    pub reserve: Amount,
    /// 32 random bytes.
    pub nonce: [u8; 32],
}

/// Without the amount: an opening is a secret until its lot has ended.
impl std::fmt::Debug for ReserveOpening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReserveOpening(..)")
    }
}

/// What the house has said of one commitment so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    commitment: Commitment,
    /// The greatest price that was said to be under the reserve.
    greatest_no: Option<Amount>,
    /// The least price that was said to meet it.
    least_yes: Option<Amount>,
}

impl Promise {
    /// A commitment of which nothing was said yet.
    pub(super) const fn new(commitment: Commitment) -> Self {
        Self { commitment, greatest_no: None, least_yes: None }
    }

    /// The commitment.
    pub const fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Whether a reserve can exist that makes this flag true beside all earlier ones.
    pub(super) fn can_say(&self, price: Amount, met: bool) -> bool {
        if met {
            self.greatest_no.is_none_or(|no| no < price)
        } else {
            self.least_yes.is_none_or(|yes| price < yes)
        }
    }

    /// Takes a flag in.
    pub(super) fn say(&mut self, price: Amount, met: bool) {
        if met {
            self.least_yes = Some(self.least_yes.map_or(price, |yes| yes.min(price)));
        } else {
            self.greatest_no = self.greatest_no.max(Some(price));
        }
    }

    /// Whether `reserve` makes everything true that was said.
    pub(super) fn is_kept_by(&self, reserve: Amount) -> bool {
        self.greatest_no.is_none_or(|no| no < reserve)
            && self.least_yes.is_none_or(|yes| reserve <= yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor_units: u64) -> Amount {
        Amount::new(minor_units).expect("in range")
    }

    #[test]
    fn flags_that_no_reserve_makes_true_are_seen() {
        let mut promise = Promise::new(Commitment::from_bytes([7; 32]));
        assert!(promise.can_say(amount(1), true) && promise.can_say(amount(1), false));
        promise.say(amount(100), false);
        assert!(!promise.can_say(amount(100), true), "it was said to be under the reserve");
        assert!(!promise.can_say(amount(99), true));
        assert!(promise.can_say(amount(101), true));
        promise.say(amount(150), true);
        promise.say(amount(120), true);
        promise.say(amount(90), false);
        assert!(!promise.can_say(amount(120), false), "it was said to meet the reserve");
        assert!(promise.can_say(amount(119), false));
    }

    #[test]
    fn only_a_reserve_between_the_flags_opens_a_commitment() {
        let mut promise = Promise::new(Commitment::from_bytes([7; 32]));
        assert!(promise.is_kept_by(amount(1)), "nothing was said");
        promise.say(amount(100), false);
        promise.say(amount(150), true);
        let kept = |reserve| promise.is_kept_by(amount(reserve));
        assert_eq!([kept(100), kept(101), kept(150), kept(151)], [false, true, true, false]);
    }

    #[test]
    fn an_opening_is_not_printed() {
        let opening = ReserveOpening { reserve: amount(4_711), nonce: [1; 32] };
        assert_eq!(format!("{opening:?}"), "ReserveOpening(..)");
    }
}
