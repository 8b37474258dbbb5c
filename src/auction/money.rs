//! Money: whole minor units in checked arithmetic.

use std::fmt;

use crate::limits::INTEGER_MAX;

/// An amount of money in minor units, `1..=2^53-1` (RULES 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Takes minor units; `None` for zero and beyond 2^53-1.
    pub const fn new(minor_units: u64) -> Option<Self> {
        if minor_units == 0 || minor_units > INTEGER_MAX { None } else { Some(Self(minor_units)) }
    }

    /// The amount in minor units.
    pub const fn minor_units(self) -> u64 {
        self.0
    }
}

/// Minor units as plain digits.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
