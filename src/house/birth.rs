//! The birth of a sale: line 0, the lots, and only then a signature (LEDGER 2, "Birth").

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::answers::sealer_end;
use super::reserves::{MissingReserve, Reserves};
use super::{House, OpenFrame};
use crate::auction::catalogue::LotTerms;
use crate::auction::sale::Sale;
use crate::ledger::chain::{Chain, Chained};
use crate::ledger::checkpoint::SealingKey;
use crate::ledger::entry::Draft;
use crate::ledger::hash::Hash;
use crate::ledger::store::Committed;
use crate::record::{self, CatalogueFault, KeptReserve, Opening};
use crate::roster::Roster;
use crate::time::Timestamp;

/// A sale whose first lines are not on the disk yet, and which has signed nothing.
#[derive(Debug)]
pub struct Newborn {
    opening: Opening,
    lots: Vec<LotTerms>,
    at: Timestamp,
    chain: Chain,
    open_line: Arc<[u8]>,
}

/// Why a sale cannot be born.
#[derive(Debug, thiserror::Error)]
pub enum BirthFault {
    /// The lots are not those that line 0 commits to.
    #[error(transparent)]
    Catalogue(#[from] CatalogueFault),
    /// A lot's reserve is not known.
    #[error(transparent)]
    Reserve(#[from] MissingReserve),
}

impl Newborn {
    /// Writes line 0 and a line for each lot, at the time `at`.
    ///
    /// # Errors
    /// [`CatalogueFault`] if the lots are not those that `opening` commits to.
    pub fn new(
        opening: Opening,
        lots: Vec<LotTerms>,
        at: Timestamp,
    ) -> Result<(Self, Vec<Chained>), CatalogueFault> {
        record::catalogue(&opening, lots.clone())?;
        let mut chain = Chain::new();
        let drafts = std::iter::once(record::draft_open(&opening, at))
            .chain(lots.iter().map(|lot| record::draft_lot(lot, at)));
        let append =
            |draft: Draft| chain.append(draft).expect("the parts of a catalogue fit a line");
        let lines: Vec<Chained> = drafts.map(append).collect();
        let open_line = lines[0].bytes().into();
        Ok((Self { opening, lots, at, chain, open_line }, lines))
    }

    /// Takes the first lines back once they are durable and the sealing key is durably
    /// marked used, and signs the first checkpoint. The owner writes the anchor next,
    /// then the frame with the first seal line.
    ///
    /// # Errors
    /// [`BirthFault`] if the lots are not the announced ones, or one of them has a hidden
    /// reserve that is not among `reserves`.
    pub fn born(
        self,
        lines: &[Committed],
        key: SealingKey,
        reserves: &[KeptReserve],
    ) -> Result<House, BirthFault> {
        debug_assert_eq!(self.chain.size(), u64::try_from(lines.len()).unwrap_or(u64::MAX));
        let catalogue = record::catalogue(&self.opening, self.lots)?;
        let sale_hash = Hash::of(&self.open_line);
        let sale = Sale::open(Arc::new(catalogue), self.at);
        let reserves = Reserves::of(&self.opening.sale, &sale, reserves)?;
        let newest = key.sign(self.chain.size(), self.chain.root());
        let notes = BTreeMap::from([(self.chain.size(), Arc::from(newest.note()))]);
        Ok(House {
            roster: Roster::new(sale_hash, &self.opening.terms),
            sale,
            reserves,
            sealer: key.verifying_key(),
            sealer_end: sealer_end(&self.opening),
            opening: Arc::new(self.opening),
            open_line: self.open_line,
            sale_hash,
            chain: self.chain,
            key: Some(key),
            newest,
            seal_owed: true,
            frame: OpenFrame::default(),
            held: Vec::new(),
            answers: HashMap::new(),
            counted_answers: HashMap::new(),
            own: HashMap::new(),
            notes,
        })
    }
}
