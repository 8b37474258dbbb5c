//! Live lines that came before those between were there, held back within bounds.
//!
//! What does not fit is dropped: it is asked for again once the lines before it
//! are here. So a server that sends what nobody can use yet fills no memory.

use std::collections::BTreeMap;

use crate::limits::{EARLY_BYTES_MAX, EARLY_LINES_MAX};

/// Lines that wait for those before them.
#[derive(Debug, Default)]
pub(super) struct Early {
    lines: BTreeMap<u64, String>,
    bytes: usize,
}

impl Early {
    /// Holds a line back, if there is room and none of that number waits already.
    pub(super) fn hold(&mut self, seq: u64, line: String) {
        let fits = self.lines.len() < EARLY_LINES_MAX
            && self.bytes.saturating_add(line.len()) <= EARLY_BYTES_MAX;
        if fits && !self.lines.contains_key(&seq) {
            self.bytes += line.len();
            self.lines.insert(seq, line);
        }
    }

    /// Gives out the line of that number.
    pub(super) fn take(&mut self, seq: u64) -> Option<String> {
        let line = self.lines.remove(&seq)?;
        self.bytes -= line.len();
        Some(line)
    }

    /// The number of the first line that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.lines.first_key_value().map(|(seq, _)| *seq)
    }

    /// Forgets the lines up to `next`, which are here.
    pub(super) fn forget_up_to(&mut self, next: u64) {
        self.lines.retain(|seq, _| *seq > next);
        self.bytes = self.lines.values().map(String::len).sum();
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LINE_BYTES_MAX;

    #[test]
    fn however_much_comes_early_no_more_than_the_bound_is_held() {
        let mut early = Early::default();
        for seq in 0..20_000 {
            early.hold(seq, "x".repeat(LINE_BYTES_MAX));
        }
        let held = early.lines.values().map(String::len).sum::<usize>();
        assert!(held <= EARLY_BYTES_MAX && held == early.bytes, "{held}");
        assert!(early.take(0).is_some() && early.take(0).is_none());
        early.hold(30_000, "there is room again".to_owned());
        assert_eq!(early.take(30_000).as_deref(), Some("there is room again"));
        early.forget_up_to(20_000);
        assert_eq!((early.first(), early.bytes), (None, 0));
    }
}
