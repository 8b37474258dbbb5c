//! The hidden reserves, which the house alone knows until their lots have ended.
//!
//! The owner keeps them in a private file, written and synced before the line that
//! commits to them, and hands them over at the birth and at every start (RULES 5).

use std::collections::HashMap;

use crate::auction::act::{Deed, Word};
use crate::auction::lot::{Lot, LotState};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, SaleId};
use crate::auction::reserve::{Commitment, Promise, ReserveOpening};
use crate::auction::sale::Sale;
use crate::record::{self, KeptReserve};

/// A lot whose commitment nothing opens: the private file is lost or another sale's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing opens the commitment to the reserve of lot {lot}")]
pub struct MissingReserve {
    /// Which lot.
    pub lot: LotId,
}

/// What opens the commitments of each lot, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Reserves {
    sale: Option<SaleId>,
    openings: HashMap<LotId, Vec<ReserveOpening>>,
}

impl Reserves {
    /// Finds what opens the commitments of all lots that have not ended among `kept`,
    /// which may also hold openings of reserves that were never lowered to.
    pub(super) fn of(
        id: &SaleId,
        sale: &Sale,
        kept: &[KeptReserve],
    ) -> Result<Self, MissingReserve> {
        let mut by_commitment: HashMap<[u8; 32], ReserveOpening> = HashMap::new();
        for KeptReserve { lot, opening } in kept {
            by_commitment.insert(*record::commit(id, lot, opening).bytes(), *opening);
        }
        let mut openings = HashMap::new();
        for lot in sale.lots().filter(|lot| !matches!(lot.state(), LotState::Closed { .. })) {
            let name = &lot.terms().id;
            let find = |promise: &Promise| by_commitment.get(promise.commitment().bytes()).copied();
            let found: Option<Vec<ReserveOpening>> = lot.promises().iter().map(find).collect();
            let found = found.ok_or_else(|| MissingReserve { lot: name.clone() })?;
            if !found.is_empty() {
                openings.insert(name.clone(), found);
            }
        }
        Ok(Self { sale: Some(id.clone()), openings })
    }

    /// What opens a lot's commitments; nothing for a lot without.
    pub(super) fn openings(&self, lot: &LotId) -> Vec<ReserveOpening> {
        self.openings.get(lot).cloned().unwrap_or_default()
    }

    /// Whether a price that stands meets the reserve in force, where there is one.
    pub(super) fn met(&self, lot: &LotId, price: Option<Amount>) -> Option<bool> {
        let in_force = self.openings.get(lot)?.last()?;
        Some(price? >= in_force.reserve)
    }

    /// What the house says with an act. `opening` is what came with an act that lowers a
    /// reserve: without it, or with another one, the house cannot say that it is lower.
    pub(super) fn word(&self, sale: &Sale, deed: &Deed, opening: Option<&ReserveOpening>) -> Word {
        match deed {
            Deed::Hammer { lot, .. } | Deed::Withdraw { lot } => Word::Openings(self.openings(lot)),
            Deed::Void { lot, .. } => {
                let policy = sale.catalogue().terms().void_policy;
                let under = sale.lot(lot).and_then(|lot| lot.standing_after_void(policy).ok()?);
                Word::Met(self.met(lot, under.map(|high| high.price)))
            }
            Deed::Reserve { lot, commitment } => {
                match opening.filter(|opening| self.is_lower(lot, commitment, opening)) {
                    Some(opening) => {
                        let price = sale.lot(lot).and_then(Lot::standing).map(|high| high.price);
                        Word::Met(price.map(|price| price >= opening.reserve))
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

    fn is_lower(&self, lot: &LotId, commitment: &Commitment, opening: &ReserveOpening) -> bool {
        let Some(sale) = &self.sale else { return false };
        let in_force = self.openings.get(lot).and_then(|openings| openings.last());
        in_force.is_some_and(|in_force| opening.reserve < in_force.reserve)
            && record::commit(sale, lot, opening) == *commitment
    }

    /// Takes a lower reserve in.
    pub(super) fn lower(&mut self, lot: &LotId, opening: ReserveOpening) {
        self.openings.entry(lot.clone()).or_default().push(opening);
    }
}
