//! Line 0: which sale this is, under which terms, with which keys (LEDGER 1).

use super::v1;
use crate::auction::catalogue::{Catalogue, CatalogueError, LotTerms, SaleTerms};
use crate::auction::fees::Fees;
use crate::auction::name::{HouseName, SaleId, Title};
use crate::ledger::{Hash, to_canonical};

/// What line 0 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The sale's id.
    pub sale: SaleId,
    /// The house.
    pub house: HouseName,
    /// The sale's title.
    pub title: Title,
    /// 32 random bytes, so that no two sales have one `sale_hash`.
    pub nonce: [u8; 32],
    /// The sale's terms.
    pub terms: Terms,
    /// How many lots follow.
    pub lot_count: u64,
    /// What [`catalogue_hash`] gives for them.
    pub catalogue: Hash,
    /// The sealing certificates' DER; one for now.
    pub sealers: Vec<Vec<u8>>,
    /// The CA certificate's DER.
    pub ca: Vec<u8>,
    /// The name and version of the software that opened the ledger.
    pub software: Title,
}

/// The terms of a sale, with those that the rules need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The rules' terms.
    pub sale: SaleTerms,
    /// What buyers and sellers pay beside the hammer price, if anything.
    pub fees: Option<Fees>,
    /// How many bytes of refused bids the sale records whole.
    pub refusal_bytes_max: u64,
    /// How many refused bids of one bidder are recorded whole in a minute.
    pub refusals_per_minute_max: u64,
}

/// Why the lots that follow line 0 are not those that it announces.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFault {
    /// There are more or fewer of them.
    #[error("line 0 announces {announced} lots, and {found} follow")]
    Count {
        /// What line 0 says.
        announced: u64,
        /// What follows it.
        found: usize,
    },
    /// They are others.
    #[error("the lots are not those whose hash line 0 holds")]
    Hash,
    /// The rules take no such catalogue.
    #[error(transparent)]
    Rules(#[from] CatalogueError),
}

/// SHA-256 over the lots' bodies in order, each followed by LF.
pub fn catalogue_hash(lots: &[LotTerms]) -> Hash {
    let mut bodies = Vec::new();
    for lot in lots {
        bodies.extend_from_slice(&to_canonical(&v1::Lot::from(lot)));
        bodies.push(b'\n');
    }
    Hash::of(&bodies)
}

/// Takes the lots that follow line 0, if they are the announced ones.
pub fn catalogue(opening: &Opening, lots: Vec<LotTerms>) -> Result<Catalogue, CatalogueFault> {
    if u64::try_from(lots.len()) != Ok(opening.lot_count) {
        return Err(CatalogueFault::Count { announced: opening.lot_count, found: lots.len() });
    }
    if catalogue_hash(&lots) != opening.catalogue {
        return Err(CatalogueFault::Hash);
    }
    Ok(Catalogue::new(opening.terms.sale.clone(), lots)?)
}
