//! The tamper matrix: every way to cheat that we know, as one row of one table.
//!
//! A row says what was done to a ledger, who could have done it, what the auditor brings
//! along, and exactly what must be found. `docs/threat-model.md` prints the same rows for
//! readers, and `page` holds it against them.
//!
//! | to add a row | do |
//! |---|---|
//! | choose its group | `bytes` needs no key; nearly all others are chained and sealed by the house |
//! | write it | a stable id that begins with the group's name, the threat in words, what is found |
//! | print it | `GAVEL_WRITE_THREAT_MODEL=1 cargo test --test audit page`, and link it from the prose |

mod bytes;
mod case;
mod command;
mod held;
mod identity;
mod judging;
mod keys;
mod log;
mod page;
mod replay;
mod reserve;
mod rules;
mod spring;
mod staff;

use gavel::audit::{FindingKind, Verdict};

pub(crate) use case::{Case, Given, Made};
pub(crate) use log::{sealed_at, sealer_ends};

/// One way to cheat, and what the auditor must say of it.
pub(crate) struct Row {
    /// Its name for ever: `docs/threat-model.md` links to it.
    pub(crate) id: &'static str,
    /// What was done.
    pub(crate) threat: &'static str,
    /// Who could have done it.
    pub(crate) made: Made,
    /// What the auditor has beside the ledger and the CA.
    pub(crate) given: &'static [Given],
    /// What must be found first, or that nothing can be.
    pub(crate) expected: Expected,
    /// The kinds of what is found at lines before it; nothing else may be.
    pub(crate) after: &'static [FindingKind],
    /// The kinds of what is found behind it; nothing else may be.
    pub(crate) also: &'static [FindingKind],
    /// Makes the ledger.
    pub(crate) forge: fn() -> Case,
}

/// What an audit must come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// Exit 1, and this is the first finding.
    Invalid(FindingKind),
    /// Exit 3, and this is the first finding.
    Incomplete(FindingKind),
    /// Exit 0 without a finding: nobody could tell, and the verdict says why.
    Valid {
        /// What stands among the things that were not checked.
        unchecked: &'static str,
    },
}

impl Expected {
    const fn verdict(self) -> Verdict {
        match self {
            Self::Invalid(_) => Verdict::Invalid,
            Self::Incomplete(_) => Verdict::Incomplete,
            Self::Valid { .. } => Verdict::Valid,
        }
    }

    const fn exit_code(self) -> i32 {
        match self.verdict() {
            Verdict::Valid => 0,
            Verdict::Invalid => 1,
            Verdict::Incomplete => 3,
        }
    }

    /// What a reader of the verdict sees first: a finding's code and name, or what was not checked.
    fn mark(self) -> String {
        match self {
            Self::Invalid(kind) | Self::Incomplete(kind) => format!("{} {kind}", kind.code()),
            Self::Valid { unchecked } => unchecked.to_owned(),
        }
    }

    const fn finding(self) -> Option<FindingKind> {
        match self {
            Self::Invalid(kind) | Self::Incomplete(kind) => Some(kind),
            Self::Valid { .. } => None,
        }
    }
}

/// A row whose bytes were changed by somebody without any key.
const fn raw(
    id: &'static str,
    threat: &'static str,
    expected: Expected,
    forge: fn() -> Case,
) -> Row {
    Row { id, threat, made: Made::Raw, given: &[], expected, after: &[], also: &[], forge }
}

/// A row that the house itself chained and sealed again, so that only the meaning is wrong.
const fn resigned(
    id: &'static str,
    threat: &'static str,
    found: FindingKind,
    forge: fn() -> Case,
) -> Row {
    let expected = Expected::Invalid(found);
    Row { id, threat, made: Made::Resigned, given: &[], expected, after: &[], also: &[], forge }
}

/// A row whose ledger is honest, and what the auditor brings along is not, or is of another sale.
const fn untouched(
    id: &'static str,
    threat: &'static str,
    found: FindingKind,
    forge: fn() -> Case,
) -> Row {
    Row { made: Made::Untouched, ..resigned(id, threat, found, forge) }
}

impl Row {
    /// The same row for an auditor who brings that along.
    const fn given(self, given: &'static [Given]) -> Self {
        Self { given, ..self }
    }

    /// The same row where that is found as well.
    const fn also(self, also: &'static [FindingKind]) -> Self {
        Self { also, ..self }
    }

    /// The same row where that is found before.
    const fn after(self, after: &'static [FindingKind]) -> Self {
        Self { after, ..self }
    }

    /// The same row with another end.
    const fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }
}

/// Some rows that belong together.
pub(crate) struct Group {
    /// How their ids begin, and the name of their section in the threat model.
    pub(crate) name: &'static str,
    pub(crate) rows: &'static [Row],
}

/// The table.
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "bytes", rows: bytes::ROWS },
    Group { name: "keys", rows: keys::ROWS },
    Group { name: "identity", rows: identity::ROWS },
    Group { name: "replay", rows: replay::ROWS },
    Group { name: "rules", rows: rules::ROWS },
    Group { name: "staff", rows: staff::ROWS },
    Group { name: "reserve", rows: reserve::ROWS },
    Group { name: "log", rows: log::ROWS },
    Group { name: "held", rows: held::ROWS },
];

/// All rows, in their order.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}
