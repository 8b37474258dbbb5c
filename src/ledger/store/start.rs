//! Whether a house may begin, go on, or must not: one pure decision from facts
//! (LEDGER 2, Birth and Start).
//!
//! | ledger | what else is found | then |
//! |---|---|---|
//! | none | neither anchor nor used key | create |
//! | none | an anchor, or a used sealing key | refuse: the ledger is lost |
//! | there | its opening lines are not all kept | refuse: they came whole, so they were damaged |
//! | there | an anchor that the kept lines do not reach (size and root) | refuse: lines are lost |
//! | there | a validly signed seal beyond the break, larger than what is kept | refuse: lines are lost |
//! | there | no anchor, but a seal line or a break | refuse: the anchor is lost |
//! | there | it ends in the seal over `close` | finished: sign and append nothing |
//! | there | it ends in `close` | append that seal alone |
//! | there | anything else | seal the whole prefix, then enter the outage |
//!
//! A break without an anchor is refused like a seal line without one: the
//! opening lines come into being whole, and the anchor is on disk before
//! anything is appended to them. Refusing touches nothing.

/// What a start finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No ledger.
    Nothing {
        /// Whether an anchor is there all the same.
        anchor: bool,
        /// Whether the sealing key is marked used, or erased.
        key_used: bool,
    },
    /// A ledger.
    Ledger(Present),
}

/// What a start finds where a ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Whether line 0 and all `lot` lines are kept.
    pub opening_whole: bool,
    /// Whether a seal line is kept.
    pub sealed: bool,
    /// Whether the file goes on after the kept lines.
    pub broken: bool,
    /// Whether a validly signed seal of more lines than are kept lies beyond the break.
    pub larger_seal_beyond: bool,
    /// How the anchor and the kept lines fit.
    pub anchor: AnchorFound,
    /// What the kept lines end in.
    pub end: End,
}

/// How the anchor and the kept lines fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorFound {
    /// There is no anchor.
    Missing,
    /// The kept lines have its root at its size.
    Reached,
    /// They are fewer, or have another root.
    NotReached,
}

/// What the kept lines end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The seal over `close`.
    SealOverClose,
    /// `close`.
    Close,
    /// Anything else.
    Running,
}

/// What the house does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Bring the ledger into being.
    Create,
    /// Touch nothing and say why.
    Refuse(Hindrance),
    /// Rewrite the ledger, then go on.
    Continue(Continuation),
}

/// What comes first after the rewrite. The sealing key is marked used before it signs anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Sign nothing, append nothing, erase the key, serve the ledger.
    Finished,
    /// Append the seal over `close`, alone; then it is finished.
    SealClose,
    /// Append the seal over all that is kept, then `outage`, before anything that fell due.
    SealThenOutage {
        /// Whether that checkpoint is written as the first anchor before its line.
        anchor_first: bool,
    },
}

/// Why a house must not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// There was a ledger once.
    #[error("the ledger is missing though its anchor or a used sealing key exists")]
    LedgerMissing,
    /// The first lines came into being whole and are not whole now.
    #[error("the ledger's opening lines are damaged")]
    OpeningDamaged,
    /// The anchor speaks of lines that are not there.
    #[error("the ledger does not reach its anchor")]
    AnchorNotReached,
    /// The house has sealed more than is left.
    #[error("a seal beyond the break covers more lines than are left")]
    LargerSealBeyond,
    /// Nothing says how far the ledger once went.
    #[error("the anchor is missing beside a ledger that had one")]
    AnchorMissing,
}

/// Decides from what is found.
pub fn start(found: &Found) -> Start {
    match found {
        Found::Nothing { anchor: false, key_used: false } => Start::Create,
        Found::Nothing { .. } => Start::Refuse(Hindrance::LedgerMissing),
        Found::Ledger(present) => match hindrance(present) {
            Some(hindrance) => Start::Refuse(hindrance),
            None => Start::Continue(continuation(present)),
        },
    }
}

fn hindrance(present: &Present) -> Option<Hindrance> {
    let missing = present.anchor == AnchorFound::Missing;
    if !present.opening_whole {
        Some(Hindrance::OpeningDamaged)
    } else if present.anchor == AnchorFound::NotReached {
        Some(Hindrance::AnchorNotReached)
    } else if present.larger_seal_beyond {
        Some(Hindrance::LargerSealBeyond)
    } else if missing && (present.sealed || present.broken) {
        Some(Hindrance::AnchorMissing)
    } else {
        None
    }
}

fn continuation(present: &Present) -> Continuation {
    match present.end {
        End::SealOverClose => Continuation::Finished,
        End::Close => Continuation::SealClose,
        End::Running => {
            Continuation::SealThenOutage { anchor_first: present.anchor == AnchorFound::Missing }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Present = Present {
        opening_whole: true,
        sealed: true,
        broken: false,
        larger_seal_beyond: false,
        anchor: AnchorFound::Reached,
        end: End::Running,
    };

    #[test]
    fn the_table_holds() {
        let check = |found: Found, then: Start| assert_eq!(start(&found), then, "{found:?}");
        let nothing = |anchor, key_used| Found::Nothing { anchor, key_used };
        check(nothing(false, false), Start::Create);
        for (anchor, key_used) in [(true, false), (false, true), (true, true)] {
            check(nothing(anchor, key_used), Start::Refuse(Hindrance::LedgerMissing));
        }

        let refuse = |present, hindrance| check(Found::Ledger(present), Start::Refuse(hindrance));
        refuse(Present { opening_whole: false, ..RUNNING }, Hindrance::OpeningDamaged);
        refuse(Present { anchor: AnchorFound::NotReached, ..RUNNING }, Hindrance::AnchorNotReached);
        let beyond = Present { broken: true, larger_seal_beyond: true, ..RUNNING };
        refuse(beyond, Hindrance::LargerSealBeyond);
        refuse(Present { anchor: AnchorFound::Missing, ..beyond }, Hindrance::LargerSealBeyond);
        refuse(Present { anchor: AnchorFound::Missing, ..RUNNING }, Hindrance::AnchorMissing);
        let unsealed = Present { anchor: AnchorFound::Missing, sealed: false, ..RUNNING };
        refuse(Present { broken: true, ..unsealed }, Hindrance::AnchorMissing);

        let go_on = |present, then| check(Found::Ledger(present), Start::Continue(then));
        go_on(RUNNING, Continuation::SealThenOutage { anchor_first: false });
        go_on(
            Present { broken: true, ..RUNNING },
            Continuation::SealThenOutage { anchor_first: false },
        );
        go_on(
            Present { sealed: false, ..RUNNING },
            Continuation::SealThenOutage { anchor_first: false },
        );
        go_on(unsealed, Continuation::SealThenOutage { anchor_first: true });
        go_on(Present { end: End::Close, ..RUNNING }, Continuation::SealClose);
        go_on(Present { end: End::SealOverClose, ..RUNNING }, Continuation::Finished);
        let garbage_after = Present { end: End::SealOverClose, broken: true, ..RUNNING };
        go_on(garbage_after, Continuation::Finished);
    }

    #[test]
    fn no_finished_or_running_sale_hides_lost_lines() {
        for end in [End::SealOverClose, End::Close, End::Running] {
            let lost = Present { anchor: AnchorFound::NotReached, end, ..RUNNING };
            assert_eq!(start(&Found::Ledger(lost)), Start::Refuse(Hindrance::AnchorNotReached));
        }
    }
}
