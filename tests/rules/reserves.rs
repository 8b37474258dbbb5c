//! What the house of a script knows and the rules do not: the hidden reserves.

use std::collections::HashMap;

use gavel::auction::{Amount, Commitment, Deed, LotId, ReserveOpening, Sale, Word};

use super::reading::{Saying, amount};

/// The openings of each lot's commitments, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Reserves(HashMap<LotId, Vec<ReserveOpening>>);

impl Reserves {
    /// Commits to a lot's first reserve.
    pub(crate) fn commit(&mut self, lot: &LotId, reserve: &str) -> Result<Commitment, String> {
        self.lower(lot, opening(amount(reserve)?));
        Ok(commitment(amount(reserve)?))
    }

    /// Takes a lower reserve in.
    pub(crate) fn lower(&mut self, lot: &LotId, opening: ReserveOpening) {
        self.0.entry(lot.clone()).or_default().push(opening);
    }

    /// What opens a lot's commitments, or what the script says instead.
    pub(crate) fn openings(&self, lot: &LotId, saying: Option<&Saying>) -> Vec<ReserveOpening> {
        match saying {
            Some(Saying::Openings(reserves)) => reserves.iter().copied().map(opening).collect(),
            Some(Saying::Met(_) | Saying::Nothing | Saying::NotLowered) => Vec::new(),
            None => self.0.get(lot).cloned().unwrap_or_default(),
        }
    }

    /// Whether a price meets the reserve in force, or what the script says instead.
    pub(crate) fn met(
        &self,
        lot: &LotId,
        price: Option<Amount>,
        saying: Option<&Saying>,
    ) -> Option<bool> {
        match saying {
            Some(Saying::Met(met)) => Some(*met),
            Some(Saying::Nothing | Saying::NotLowered | Saying::Openings(_)) => None,
            None => {
                let in_force = self.0.get(lot)?.last()?;
                Some(price? >= in_force.reserve)
            }
        }
    }

    /// What the house says with an act; `lower` is what the act lowers a reserve to.
    pub(crate) fn word(&self, sale: &Sale, deed: &Deed, lower: Option<Amount>) -> Word {
        match deed {
            Deed::Hammer { lot, .. } | Deed::Withdraw { lot } => {
                Word::Openings(self.openings(lot, None))
            }
            Deed::Void { lot, .. } => {
                let policy = sale.catalogue().terms().void_policy;
                let under = sale.lot(lot).and_then(|lot| lot.standing_after_void(policy).ok()?);
                Word::Met(self.met(lot, under.map(|high| high.price), None))
            }
            Deed::Reserve { lot, .. } => {
                let in_force = self.0.get(lot).and_then(|openings| openings.last());
                let is_lower = |lower: &Amount| in_force.is_some_and(|now| *lower < now.reserve);
                match lower.filter(is_lower) {
                    Some(lower) => {
                        let standing = sale.lot(lot).and_then(|lot| lot.standing());
                        Word::Met(standing.map(|high| high.price >= lower))
                    }
                    None => Word::NotLowered,
                }
            }
            Deed::Closing
            | Deed::Extend { .. }
            | Deed::Open { .. }
            | Deed::Pause { .. }
            | Deed::Reissue { .. }
            | Deed::Resume { .. }
            | Deed::Say { .. } => Word::Nothing,
        }
    }
}

impl Saying {
    /// The same as the word with an act.
    pub(crate) fn word(&self) -> Word {
        match self {
            Self::Met(met) => Word::Met(Some(*met)),
            Self::Nothing => Word::Nothing,
            Self::NotLowered => Word::NotLowered,
            Self::Openings(reserves) => {
                Word::Openings(reserves.iter().copied().map(opening).collect())
            }
        }
    }
}

/// What opens the commitment to `reserve`.
pub(crate) const fn opening(reserve: Amount) -> ReserveOpening {
    ReserveOpening { reserve, nonce: [7; 32] }
}

/// Stands for the hash that commits to `reserve`: the rules only carry it.
pub(crate) fn commitment(reserve: Amount) -> Commitment {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&reserve.minor_units().to_be_bytes());
    Commitment::from_bytes(bytes)
}
