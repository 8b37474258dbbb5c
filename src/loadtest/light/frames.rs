//! When everybody had heard of a frame.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// What those who listen have heard, each frame known by its first line.
#[derive(Debug, Default)]
pub(super) struct Frames {
    heard: BTreeMap<u64, Hearing>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Hearing {
    listeners: usize,
    bytes: usize,
    /// When the last of them had heard it, since the start.
    last_us: u64,
    /// Somebody heard something else.
    differs: bool,
}

impl Frames {
    /// One more has heard the frame that begins with `from`.
    pub(super) fn note(&mut self, from: u64, bytes: usize, us: u64) {
        let hearing = self.heard.entry(from).or_default();
        hearing.differs |= hearing.listeners > 0 && hearing.bytes != bytes;
        hearing.bytes = bytes;
        hearing.listeners += 1;
        hearing.last_us = hearing.last_us.max(us);
    }

    /// When all `listeners` had heard line `seq`; `None` if some have not, and while nobody has
    /// heard what comes after its frame: only that shows where it ends.
    pub(super) fn told_everybody_us(&self, seq: u64, listeners: usize) -> Option<u64> {
        self.heard.range(seq + 1..).next()?;
        let (_, hearing) = self.heard.range(..=seq).next_back()?;
        (hearing.listeners == listeners && !hearing.differs).then_some(hearing.last_us)
    }

    /// From the bid to everybody's having heard of it, for bids given as line and time, and how
    /// many were not heard by everybody.
    pub(super) fn waits(
        &self,
        bids: impl Iterator<Item = (u64, u64)>,
        listeners: usize,
    ) -> (Histogram<u64>, u64) {
        let mut waits = Histogram::new_with_max(60_000_000, 3).expect("the bounds of a histogram");
        let mut unheard = 0;
        for (seq, from_us) in bids {
            match self.told_everybody_us(seq, listeners) {
                Some(us) => waits.saturating_record(us.saturating_sub(from_us)),
                None => unheard += 1,
            }
        }
        (waits, unheard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_listener_counts_and_a_missing_one_shows() {
        let mut frames = Frames::default();
        for (from, bytes, us) in [(4, 90, 10), (4, 90, 30), (7, 50, 60), (9, 50, 70), (9, 40, 80)] {
            frames.note(from, bytes, us);
        }
        let (waits, unheard) =
            frames.waits([(4, 5), (6, 5), (7, 5), (9, 5), (3, 5)].into_iter(), 2);
        assert_eq!((waits.len(), waits.min(), waits.max(), unheard), (2, 25, 25, 3));
        // Nobody has heard it: its frame may be one that is still to come.
        assert_eq!(frames.told_everybody_us(8, 1), Some(60));
        assert_eq!(frames.told_everybody_us(10, 2), None);
    }
}
