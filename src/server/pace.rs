//! How fast one connection may ask: so many requests a second on average, with
//! some in advance.

use crate::clock::Stopwatch;
use crate::limits::REQUESTS_PER_SECOND_MAX;

/// A token bucket that holds one second's requests.
#[derive(Debug)]
pub(super) struct Pace {
    since: Stopwatch,
    /// Millionths of a request, up to which time has been counted in.
    counted_us: u64,
    saved: u64,
}

/// One request, in millionths.
const REQUEST: u64 = 1_000_000;
const PER_US: u64 = REQUESTS_PER_SECOND_MAX;

impl Pace {
    pub(super) fn new() -> Self {
        Self { since: Stopwatch::start(), counted_us: 0, saved: PER_US * REQUEST }
    }

    /// Whether one more request may be taken now.
    pub(super) fn may(&mut self) -> bool {
        self.may_at(self.since.elapsed_us())
    }

    fn may_at(&mut self, now_us: u64) -> bool {
        let earned = now_us.saturating_sub(self.counted_us).saturating_mul(PER_US);
        self.counted_us = now_us;
        self.saved = self.saved.saturating_add(earned).min(PER_US * REQUEST);
        match self.saved.checked_sub(REQUEST) {
            Some(rest) => {
                self.saved = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_requests_may_come_at_once_and_then_as_many_as_time_earns() {
        let mut pace = Pace::new();
        let taken = (0..2 * PER_US).filter(|_| pace.may_at(0)).count();
        assert_eq!(u64::try_from(taken), Ok(PER_US));
        let taken = (0..PER_US).filter(|_| pace.may_at(100_000)).count();
        assert_eq!(u64::try_from(taken), Ok(PER_US / 10));
        assert!(!pace.may_at(100_000));
        assert!(pace.may_at(u64::MAX));
    }
}
