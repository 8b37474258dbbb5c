//! Dice that fall the same way for the same seed.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and nothing depends on its quality.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for somebody, so that what one does changes nothing for another.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0..`sides`.
    pub(super) const fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// One of `from`..`to`.
    pub(super) const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    pub(super) fn place(&mut self, len: usize) -> usize {
        let len = u64::try_from(len).expect("few");
        usize::try_from(self.below(len)).expect("fits")
    }

    /// True so many times in a hundred.
    pub(super) const fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.place(from.len())]
    }
}
