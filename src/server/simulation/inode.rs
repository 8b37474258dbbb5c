//! One file of the simulated disk: what is written, and what of it is durable.
//!
//! ```text
//! written   |aaaaaaaa|bbbb|cccc|     what every process reads: the page cache
//! durable   |aaaaaaaa|0000|          what a power cut leaves
//!                     ^    ^
//!                     |    what was written since the last sync: a power cut does what it likes with it
//!                     a sync failed here: the pages are clean, and no later sync writes them
//! ```

use super::dice::Dice;

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What was written.
    pub(super) written: Vec<u8>,
    /// What is on the platter.
    durable: Vec<u8>,
    /// Up to where the kernel takes the pages for clean.
    clean: usize,
}

impl Inode {
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    /// Cuts it off, the durable bytes with it.
    #[cfg(feature = "planted-faults")]
    pub(super) fn truncate(&mut self, bytes: usize) {
        self.written.truncate(bytes);
        self.durable.truncate(bytes);
        self.clean = self.clean.min(bytes);
    }

    /// Makes everything durable that the kernel knows to be dirty, and the length.
    pub(super) fn sync(&mut self) {
        // What an earlier sync has lost is a hole for ever.
        self.durable.resize(self.written.len(), 0);
        self.durable[self.clean..].copy_from_slice(&self.written[self.clean..]);
        self.clean = self.written.len();
    }

    /// A sync that failed: some of it may be durable, and all of it counts as clean.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        self.lose(dice);
        self.clean = self.written.len();
    }

    /// What is left after a power cut.
    pub(super) fn cut(&mut self, dice: &mut Dice) {
        self.lose(dice);
        self.written.clone_from(&self.durable);
        self.clean = self.written.len();
    }

    /// What becomes of the dirty bytes that no sync has made durable: any of what file systems do.
    fn lose(&mut self, dice: &mut Dice) {
        let dirty = self.written.len() - self.clean;
        if dirty == 0 {
            return;
        }
        let torn = self.clean + dice.place(dirty + 1);
        let durable = |from: &Self, to: usize| {
            let mut bytes = from.durable.clone();
            bytes.resize(from.clean, 0);
            bytes.extend_from_slice(&from.written[from.clean..to]);
            bytes
        };
        match dice.below(5) {
            // Nothing of it.
            0 => {}
            // A part of it, torn at any byte.
            1 => self.durable = durable(self, torn),
            // The length, and zeros where the data should be.
            2 => {
                let whole = dice.percent(50);
                let kept = if whole { self.clean } else { torn };
                self.durable = durable(self, kept);
                self.durable.resize(self.written.len(), 0);
            }
            // Some pages, in no order.
            3 => {
                let page = *dice.pick(&[16, 64, 512, 4096]);
                self.durable = durable(self, self.written.len());
                for place in (self.clean / page)..=(self.written.len() / page) {
                    let from = (place * page).max(self.clean);
                    let to = ((place + 1) * page).min(self.written.len());
                    if from < to && dice.percent(50) {
                        self.durable[from..to].fill(0);
                    }
                }
            }
            // All of it.
            _ => self.durable = durable(self, self.written.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Inode {
        let mut inode = Inode::default();
        inode.append(text.as_bytes());
        inode
    }

    #[test]
    fn what_is_synced_survives_every_power_cut() {
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut inode = written("synced");
            inode.sync();
            inode.append(b"not synced");
            inode.cut(&mut dice);
            assert!(inode.written.starts_with(b"synced"), "seed {seed}");
        }
    }

    #[test]
    fn what_is_not_synced_is_lost_torn_zeroed_or_there() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut inode = written("synced");
            inode.sync();
            inode.append(b"then more");
            inode.cut(&mut Dice::new(seed));
            let rest = &inode.written[6..];
            kinds.insert(match rest {
                b"" => "lost",
                b"then more" => "there",
                torn if b"then more".starts_with(torn) => "torn",
                zeroed if zeroed.iter().all(|byte| *byte == 0) => "zeroed",
                _ => "holes",
            });
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
    }

    #[test]
    fn after_a_failed_sync_the_cache_shows_what_no_later_sync_makes_durable() {
        let mut lost = 0;
        for seed in 0..100 {
            let mut inode = written("failed");
            inode.fail_sync(&mut Dice::new(seed));
            inode.append(b" and on");
            inode.sync();
            assert_eq!(inode.written, b"failed and on");
            inode.cut(&mut Dice::new(seed));
            assert_eq!(&inode.written[6..], b" and on", "a later sync is a sync");
            lost += usize::from(&inode.written[..6] != b"failed");
        }
        assert!(lost > 40, "{lost}");
    }
}
