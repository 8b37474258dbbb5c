//! What lets a browser in: a link that works once, and the cookie that it is exchanged for.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::constant_time::verify_slices_are_equal;

/// The operating system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub(super) struct NoRandomness;

/// 256 random bits as 64 hex digits, compared in constant time.
pub(super) struct Secret(String);

impl Secret {
    /// Draws one.
    pub(super) fn draw() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        let mut text = String::with_capacity(64);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// The text, for the one who shall have it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is it. How long that takes tells nothing but the length.
    pub(super) fn is(&self, shown: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), shown.as_bytes()).is_ok()
    }
}

/// What came of a token that somebody showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is the one, and was shown for the first time.
    Good,
    /// It is the one, and was used before.
    Used,
    /// It is not.
    Wrong,
}

/// A secret that opens once.
pub(super) struct Ticket {
    secret: Secret,
    used: AtomicBool,
}

impl Ticket {
    /// Draws one.
    pub(super) fn draw() -> Result<Self, NoRandomness> {
        Ok(Self { secret: Secret::draw()?, used: AtomicBool::new(false) })
    }

    /// The text, for the link.
    pub(super) fn reveal(&self) -> &str {
        self.secret.reveal()
    }

    /// Takes what somebody shows; of several at once one is the first.
    pub(super) fn show(&self, shown: &str) -> Shown {
        if !self.secret.is(shown) {
            return Shown::Wrong;
        }
        if self.used.swap(true, Ordering::SeqCst) { Shown::Used } else { Shown::Good }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_once_and_a_wrong_one_does_not_use_it_up() {
        let ticket = Ticket::draw().expect("randomness");
        let other = Secret::draw().expect("randomness");
        for wrong in ["", "0", other.reveal(), &ticket.reveal()[1..]] {
            assert_eq!(ticket.show(wrong), Shown::Wrong, "{wrong}");
        }
        let text = ticket.reveal().to_owned();
        assert_eq!([ticket.show(&text), ticket.show(&text)], [Shown::Good, Shown::Used]);
    }

    #[test]
    fn secrets_are_long_and_different() {
        let [a, b] = [(); 2].map(|()| Secret::draw().expect("randomness"));
        assert_eq!(a.reveal().len(), 64);
        assert!(a.is(a.reveal()) && !a.is(b.reveal()));
    }
}
