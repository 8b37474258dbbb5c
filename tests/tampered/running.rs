//! A sale that is driven by hand, on a real disk.

use std::path::Path;

use gavel::auction::catalogue::LotTerms;
use gavel::house::{After, Answer, House, Newborn, Pending, Recovery};
use gavel::ledger::SealingKey;
use gavel::ledger::store::{self, Store, Visit};
use gavel::record::{Head, KeptReserve, Opening};
use gavel::time::Timestamp;

use super::world::{World, at};

/// A sale with its disk.
pub(crate) struct Running {
    pub(crate) house: House,
    pub(crate) store: Store,
}

impl Running {
    pub(crate) fn bear(world: &World, folder: &Path) -> Self {
        Self::bear_sale(world.opening(), world.lots.clone(), &[], world.sealing_key(), folder)
    }

    /// Another sale of the same house and name.
    pub(crate) fn bear_sale(
        opening: Opening,
        lots: Vec<LotTerms>,
        reserves: &[KeptReserve],
        key: SealingKey,
        folder: &Path,
    ) -> Self {
        let locked = store::lock(folder, opening.sale.as_str()).expect("locks");
        let (newborn, lines) = Newborn::new(opening, lots, at(0)).expect("a catalogue");
        let (store, lines) = locked.create(lines).expect("creates");
        let house = newborn.born(&lines, key, reserves).expect("is born");
        let mut running = Self { house, store };
        running.frame(|_| vec![]);
        running
    }

    /// The sale in `folder` taken up again, as after a crash.
    pub(crate) fn restart(world: &World, folder: &Path, now: Timestamp) -> Self {
        let locked = store::lock(folder, world.sale.as_str()).expect("locks");
        let anchor = world.ca.anchor().clone();
        let mut recovery = Recovery::new(anchor, world.house.clone(), world.sale.clone());
        let scan = locked
            .scan(|raw, line| {
                recovery.take(raw, line).map(|whole| if whole { Visit::Keep } else { Visit::Break })
            })
            .expect("an honest ledger");
        let recovered = recovery.finish().expect("is whole");
        let store = locked.rewrite(scan).expect("rewrites");
        let house = recovered.go_on(world.sealing_key(), now, &[]).expect("goes on");
        let mut running = Self { house, store };
        running.frame(|_| vec![]);
        running
    }

    /// The newest checkpoint as a head.
    pub(crate) fn head(&self) -> Head {
        let newest = self.house.checkpoint().checkpoint();
        Head { root: newest.root, size: newest.size }
    }

    /// Some inputs in one frame.
    pub(crate) fn frame(&mut self, inputs: impl FnOnce(&mut House) -> Vec<Pending>) -> Vec<Answer> {
        let waiting = inputs(&mut self.house);
        let mut frame = self.house.take_frame();
        loop {
            let lines =
                if frame.is_empty() { vec![] } else { self.store.commit(frame).expect("commits") };
            match self.house.committed(lines) {
                After::SealFirst(seal) => frame = seal,
                After::Released(released) => {
                    let answer = |pending| self.house.answer(&released, pending);
                    return waiting.into_iter().map(answer).collect();
                }
            }
        }
    }

    pub(crate) fn quiet(&mut self, now: Timestamp) {
        self.house.advance(now);
        self.frame(|_| vec![]);
        self.frame(|_| vec![]);
    }
}
