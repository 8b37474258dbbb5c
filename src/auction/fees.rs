//! What buyers and sellers pay beside the hammer price (RULES 9).
//!
//! Rates are basis points, hundredths of a percent. They stand in line 0, so that
//! nobody can change them afterwards; the rules of bidding do not read them.

use super::money::Amount;

/// Why rates are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeesError {
    /// A rate above 100 %.
    #[error("{bps} basis points are more than {}, which is 100 %", Rate::MAX_BPS)]
    Rate {
        /// The rate.
        bps: u64,
    },
}

/// A rate in basis points, `0..=10_000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u16);

impl Rate {
    /// 100 %.
    pub const MAX_BPS: u64 = 10_000;

    /// Takes basis points.
    ///
    /// # Errors
    /// [`FeesError::Rate`] above 10,000.
    pub fn from_bps(bps: u64) -> Result<Self, FeesError> {
        match u16::try_from(bps) {
            Ok(rate) if bps <= Self::MAX_BPS => Ok(Self(rate)),
            Ok(_) | Err(_) => Err(FeesError::Rate { bps }),
        }
    }

    /// The rate in basis points.
    pub fn bps(self) -> u64 {
        u64::from(self.0)
    }

    /// This share of `minor_units`, rounded half-up to the minor unit.
    pub fn of(self, minor_units: u64) -> u64 {
        let product = u128::from(minor_units) * u128::from(self.0);
        let share = (product + 5_000) / 10_000;
        u64::try_from(share).expect("a share of at most 100 % is no more than the whole")
    }
}

/// On what tax is laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxOn {
    /// The buyer's premium alone.
    Premium,
    /// The hammer price and the premium.
    HammerAndPremium,
}

/// The rates of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// What the buyer pays on the hammer price.
    pub premium: Rate,
    /// The tax that the buyer pays.
    pub tax: Rate,
    /// On what.
    pub tax_on: TaxOn,
    /// What the seller pays on the hammer price.
    pub commission: Rate,
}

/// What one sold lot comes to for its buyer, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyerLine {
    /// The hammer price.
    pub hammer: u64,
    /// The premium on it.
    pub premium: u64,
    /// The tax.
    pub tax: u64,
}

impl Fees {
    /// No fee at all.
    pub const NONE: Self =
        Self { premium: Rate(0), tax: Rate(0), tax_on: TaxOn::Premium, commission: Rate(0) };

    /// What the buyer of a lot pays; each part is rounded half-up by itself.
    pub fn buyer_line(&self, hammer_price: Amount) -> BuyerLine {
        let hammer = hammer_price.minor_units();
        let premium = self.premium.of(hammer);
        let taxed = match self.tax_on {
            TaxOn::Premium => premium,
            TaxOn::HammerAndPremium => hammer + premium,
        };
        BuyerLine { hammer, premium, tax: self.tax.of(taxed) }
    }

    /// What the seller of a lot pays on it.
    pub fn commission_on(&self, hammer_price: Amount) -> u64 {
        self.commission.of(hammer_price.minor_units())
    }
}

impl BuyerLine {
    /// What the line comes to: at most four times 2^53, so it cannot overflow.
    pub const fn total(&self) -> u64 {
        self.hammer + self.premium + self.tax
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::INTEGER_MAX;

    fn rate(bps: u64) -> Rate {
        Rate::from_bps(bps).expect("a rate")
    }

    #[test]
    fn halves_are_rounded_up() {
        for (bps, of, share) in [
            (2_400, 41_000, 9_840),
            (1, 4_999, 0),
            (1, 5_000, 1),
            (50, 99, 0),
            (50, 100, 1),
            (10_000, INTEGER_MAX, INTEGER_MAX),
            (0, INTEGER_MAX, 0),
        ] {
            assert_eq!(rate(bps).of(of), share, "{bps} of {of}");
        }
    }

    #[test]
    fn a_rate_is_at_most_all_of_it() {
        assert_eq!(Rate::from_bps(2_550).map(Rate::bps), Ok(2_550));
        assert!(Rate::from_bps(10_000).is_ok());
        assert_eq!(Rate::from_bps(10_001), Err(FeesError::Rate { bps: 10_001 }));
        assert_eq!(Rate::from_bps(u64::MAX), Err(FeesError::Rate { bps: u64::MAX }));
    }

    #[test]
    fn tax_lies_on_the_premium_or_on_everything() {
        let fees = Fees {
            premium: rate(2_400),
            tax: rate(2_000),
            tax_on: TaxOn::Premium,
            commission: rate(1_500),
        };
        let hammer = Amount::new(41_003).expect("in range");
        // 24 % of 410.03 is 98.4072; 20 % of 98.41 is 19.682; 15 % of 410.03 is 61.5045.
        let line = fees.buyer_line(hammer);
        assert_eq!(line, BuyerLine { hammer: 41_003, premium: 9_841, tax: 1_968 });
        assert_eq!((line.total(), fees.commission_on(hammer)), (52_812, 6_150));
        let fees = Fees { tax_on: TaxOn::HammerAndPremium, ..fees };
        // 20 % of 508.44 is 101.688.
        assert_eq!(fees.buyer_line(hammer).tax, 10_169);
        assert_eq!(Fees::NONE.buyer_line(hammer).total(), 41_003);
    }
}
