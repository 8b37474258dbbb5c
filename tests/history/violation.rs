//! What cannot be true at once in a history, each with where it stands.

/// Where a signed checkpoint was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The seal on this line of the final ledger.
    Ledger { seq: u64 },
    /// The receipt of this operation.
    Receipt { op: u64 },
    /// Shown by the server, or kept as its anchor.
    Note { source: String },
}

macro_rules! violations {
    ($( $(#[$doc:meta])* $name:ident { $( $field:ident: $of:ty ),* $(,)? } ),* $(,)?) => {
        /// What is wrong with a history, and where.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Violation { $( $(#[$doc])* $name { $( $field: $of ),* } ),* }

        /// A violation's kind, without where.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind { $( $name ),* }

        impl Kind {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[ $( Self::$name ),* ];
        }

        impl Violation {
            /// Of which kind it is.
            pub(crate) const fn kind(&self) -> Kind {
                match self { $( Self::$name { .. } => Kind::$name ),* }
            }
        }
    };
}

violations! {
    /// It was acknowledged on line `seq`, and stands nowhere.
    Lost { op: u64, seq: u64 },
    /// It was acknowledged on one line and stands on another.
    Moved { op: u64, said: u64, stands: u64 },
    /// Its line is not, byte for byte, the one of its receipt.
    Changed { op: u64, seq: u64 },
    /// The same bytes were taken twice.
    Twice { op: u64, first: u64, second: u64 },
    /// `earlier` was answered before `later` was sent, and stands behind it.
    Reordered { earlier: u64, earlier_seq: u64, later: u64, later_seq: u64 },
    /// An entry that nobody sent.
    FromNobody { seq: u64 },
    /// It was refused, and stands as taken.
    RefusedStands { op: u64, code: String, seq: u64 },
    /// It was given two answers that differ.
    TwoAnswers { op: u64, first: String, second: String },
    /// An answer to what nobody sent, or sent before.
    NoSuchOperation { op: u64 },
    /// Its receipt does not verify under the CA, or is for something else.
    BadReceipt { op: u64, why: String },
    /// A checkpoint that the sale's key did not sign.
    BadNote { source: Source, why: String },
    /// Two checkpoints of one size, both signed, that differ.
    TwoSeals { size: u64, first: Source, second: Source },
    /// A signed checkpoint that the final ledger does not continue.
    SealOffTree { size: u64, source: Source },
    /// Somebody saw another line than the final ledger has, or one beyond its end.
    SawOther { process: String, connection: u64, seq: u64 },
    /// Somebody was to hear the line `expected` next, and heard `found`.
    Gap { process: String, connection: u64, expected: u64, found: u64 },
    /// A start cut off lines of which somebody had been told, from `seq` on.
    Forked { restart: u64, seq: u64 },
    /// It was answered before the file held its line.
    AheadOfDisk { op: u64, seq: u64, restart: u64 },
    /// Somebody says that a lot came to something else than the auditor does.
    OtherWinner { source: String, lot: String, said: String, audited: String },
    /// The auditor's verdict on the final ledger is not VALID.
    NotValid { verdict: String, findings: Vec<String> },
    /// The history is not one: no ledger, no CA, a line that was never told.
    Unreadable { why: String },
}
