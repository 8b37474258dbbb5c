//! What the auditor can find: one table with code, name, weight, meaning and,
//! where there is one, the innocent cause.
//!
//! The names are those of the threat model; `gavel explain GV-110` prints a row.

use std::collections::BTreeMap;
use std::fmt;

use crate::auction::name::is_showable;
use crate::limits::FINDINGS_OF_A_KIND_MAX;

/// What a finding does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The ledger is wrong: exit 1.
    Wrong,
    /// Nothing is wrong so far, but nothing is settled either: exit 3.
    Open,
}

macro_rules! findings {
    ($($kind:ident = $code:literal $name:literal $weight:ident, $meaning:literal $(, innocent $cause:literal)?;)+) => {
        /// One kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind {
            $(#[doc = $meaning] $kind,)+
        }

        impl FindingKind {
            /// All kinds, by their codes.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The code that `gavel explain` knows.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            /// The name, as the threat model has it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// What it does to the verdict.
            pub const fn weight(self) -> Weight {
                match self { $(Self::$kind => Weight::$weight,)+ }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)+ }
            }

            /// How it can come about without any bad intent, where it can.
            pub const fn innocent_cause(self) -> Option<&'static str> {
                match self { $(Self::$kind => findings!(@cause $($cause)?),)+ }
            }
        }
    };
    (@cause) => { None };
    (@cause $cause:literal) => { Some($cause) };
}

findings! {
    // ---- The file as bytes ----
    Empty = "GV-101" "empty" Open,
        "The file holds no line.",
        innocent "The file was cut to nothing, or fetched before the sale opened.";
    Torn = "GV-102" "torn" Open,
        "The file ends in the middle of a line; what is before that was judged.",
        innocent "The copy was broken off, or the server died while it wrote.";
    Utf8 = "GV-103" "utf8" Wrong,
        "A line is not UTF-8.",
        innocent "The file was transferred or saved in another encoding.";
    Canonical = "GV-104" "canonical" Wrong,
        "A line is not in the one form that the ledger's format allows.",
        innocent "An editor or a transfer changed line ends (CRLF), added a byte order mark, or formatted the JSON anew.";
    Charset = "GV-105" "charset" Wrong,
        "A text holds characters that may not stand there: controls, text direction, or anything but ASCII in a name.";
    DuplicateKey = "GV-106" "duplicate-key" Wrong,
        "An object holds a key twice: two readers could take it for two things.";
    Schema = "GV-107" "schema" Wrong,
        "A line is not built as an entry of its type.",
        innocent "A newer gavel wrote the ledger, with entries that this one does not know.";
    Number = "GV-108" "number" Wrong,
        "A number is not a plain integer from 0 to 2^53-1.";
    Limit = "GV-109" "limit" Wrong,
        "A line is longer, deeper or larger than the format allows.";
    Seq = "GV-110" "seq" Wrong,
        "A line has another number than its place: lines were deleted, doubled or inserted.";
    Hash = "GV-111" "hash" Wrong,
        "A line is not the one whose SHA-256 the next line names: it was changed after it was written.";

    // ---- Keys and seals ----
    Untrusted = "GV-201" "untrusted" Wrong,
        "A certificate or seal does not come from the CA that you trust, or is not for this sale.",
        innocent "The trust given is another house's CA file, or an old one.";
    Signature = "GV-202" "signature" Wrong,
        "A key or signature is of a form that is never right, or a seal's signature is wrong: zeros, a small-order key, a high s, changed bytes.";
    Seal = "GV-203" "seal" Wrong,
        "A seal is not a checkpoint with exactly one signature line and no extension, or stands where none may, or is missing where one must stand.";
    Root = "GV-204" "root" Wrong,
        "A seal is over another tree than that of the lines before it.";
    Unsealed = "GV-205" "unsealed" Open,
        "The last lines are under no seal: the house has not signed them.",
        innocent "The ledger was copied while the sale ran.";

    // ---- Who ----
    CertificateTime = "GV-301" "certificate-time" Wrong,
        "A certificate had expired, or was not yet valid, at the time of the entry that rests on it.";
    Enrolment = "GV-302" "enrolment" Wrong,
        "An enrolment is not signed by both of its keys, or is for another name, role, certificate or bid key.";
    Roster = "GV-303" "roster" Wrong,
        "Somebody acts who is not enrolled under that name and key, or a name passed to another certificate's key.";
    Revoked = "GV-304" "revoked" Wrong,
        "An entry rests on a certificate whose revocation stands before it.";
    BidSignature = "GV-305" "bid-signature" Wrong,
        "A bid or act is not signed by the key that it names: nobody of that name said this.";
    ReusedN = "GV-306" "reused-n" Wrong,
        "A bid or act was accepted under a number that its key had used before: a replay.";
    Head = "GV-307" "head" Wrong,
        "A bid or act names a checkpoint that is none of the seals before it: its signer saw another ledger.";
    Unsigned = "GV-308" "unsigned" Wrong,
        "A bid or enrolment without signature stands where only signed ones may: the terms forbid it, or the name has a bid key.";
    Crl = "GV-309" "crl" Wrong,
        "The revocation list given contradicts the revocations that the ledger records.",
        innocent "The revocation list given is older than the ledger.";

    // ---- The rules ----
    Increment = "GV-401" "increment" Wrong,
        "A bid was accepted below the ask.";
    Rule = "GV-402" "rule" Wrong,
        "An entry is not what the rules and the terms of line 0 lead to.";
    Extension = "GV-403" "extension" Wrong,
        "A lot's end, or the time that a pause leaves it, is not what the rules give.";
    Time = "GV-404" "time" Wrong,
        "The time goes back.";
    Winner = "GV-405" "winner" Wrong,
        "A lot's outcome, winner or hammer price is not the one that its bids lead to.";
    Rules = "GV-406" "rules" Wrong,
        "The terms or the catalogue change after the opening, or the lots are not those that line 0 commits to.";
    Items = "GV-407" "items" Wrong,
        "The catalogue is not the one of the items file given.",
        innocent "The items file given is that of another sale, or was edited since.";
    Unclosed = "GV-408" "unclosed" Open,
        "The sale has not closed in this ledger: its results are not final.",
        innocent "The ledger was copied while the sale ran, or its end was cut off.";
    Closed = "GV-409" "closed" Wrong,
        "Something happens on a lot or in a sale that had closed.";
    Role = "GV-410" "role" Wrong,
        "Somebody acts whose role does not allow it, or without the reason that the act needs.";
    Order = "GV-411" "order" Wrong,
        "Something that fell due was not done first, or was done before it fell due.";
    Totals = "GV-412" "totals" Wrong,
        "The totals of the close are not those of the lots.";
    Refusal = "GV-413" "refusal" Wrong,
        "A refusal is not the one that the rules give: the bid or act was good, or wrong for another reason.";
    Outage = "GV-414" "outage" Wrong,
        "An outage covers time in which entries were made, or does not stand at a restart.";
    Clock = "GV-415" "clock" Wrong,
        "A clock entry does not note a new difference between the clocks.";
    Reserve = "GV-416" "reserve" Wrong,
        "What the house said of a hidden reserve cannot have been true, or the reserve was not opened as it was committed to.";

    // ---- What you brought ----
    Truncated = "GV-501" "truncated" Wrong,
        "A checkpoint or receipt that you hold covers more lines than this ledger has.",
        innocent "The copy is older than the checkpoint: fetch the ledger again.";
    Fork = "GV-502" "fork" Wrong,
        "A receipt or checkpoint that you hold, signed for this very sale, contradicts this ledger: the house has signed two histories.";
    Receipt = "GV-503" "receipt" Open,
        "A receipt that you gave proves nothing about this ledger.",
        innocent "It is a receipt of another sale, or its file was damaged.";
    Checkpoint = "GV-504" "checkpoint" Open,
        "The checkpoint that you gave proves nothing about this ledger.",
        innocent "It is a checkpoint of another sale, or its file was damaged.";
    Results = "GV-505" "results" Wrong,
        "The results that you gave are not those of this ledger; the ledger itself may be sound.",
        innocent "They were printed while the sale still ran, or are of another sale.";
    Policy = "GV-506" "policy" Open,
        "The witnesses that your policy asks for have not cosigned this ledger, or not all of it.",
        innocent "The newest cosigned checkpoint was not given (--checkpoint), or the witnesses were out of reach when the sale closed.";
}

impl FindingKind {
    /// The kind that an error of another layer names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The kind with this code.
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code().eq_ignore_ascii_case(code))
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that the auditor found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// At which line, counted from 0 as in `seq`; none where it is about the whole.
    pub line: Option<u64>,
    /// What exactly; safe to show.
    pub detail: String,
}

impl Finding {
    /// A finding at a line; what may not be shown in `detail` is replaced.
    pub(super) fn at(line: u64, kind: FindingKind, detail: impl fmt::Display) -> Self {
        Self { kind, line: Some(line), detail: showable(&detail.to_string()) }
    }

    /// A finding about the whole.
    pub(super) fn whole(kind: FindingKind, detail: impl fmt::Display) -> Self {
        Self { kind, line: None, detail: showable(&detail.to_string()) }
    }

    /// How it can come about without any bad intent, where it can.
    pub const fn innocent_cause(&self) -> Option<&'static str> {
        self.kind.innocent_cause()
    }
}

fn showable(text: &str) -> String {
    text.chars().map(|c| if is_showable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The findings so far: the first ones of each kind in full, the others counted,
/// so that a bad ledger can neither fill the memory nor bury one kind under another.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub(super) listed: Vec<Finding>,
    pub(super) unlisted: u64,
    of_kind: BTreeMap<FindingKind, usize>,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        let of_kind = self.of_kind.entry(finding.kind).or_insert(0);
        *of_kind += 1;
        if *of_kind <= FINDINGS_OF_A_KIND_MAX {
            self.listed.push(finding);
        } else {
            self.unlisted += 1;
        }
    }

    /// Whether anything is wrong.
    pub(super) fn any_wrong(&self) -> bool {
        self.of_kind.keys().any(|kind| kind.weight() == Weight::Wrong)
    }

    /// Whether there are none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.of_kind.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_found_again() {
        for kind in FindingKind::ALL {
            assert_eq!(FindingKind::named(kind.name()), Some(*kind));
            assert_eq!(FindingKind::with_code(kind.code()), Some(*kind));
        }
    }

    #[test]
    fn details_hold_no_control_characters() {
        let finding = Finding::at(3, FindingKind::Charset, "a\u{1b}[2Jb");
        assert_eq!(finding.detail, "a\u{fffd}[2Jb");
    }

    #[test]
    fn findings_beyond_the_list_are_counted_and_bury_no_other_kind() {
        let mut findings = Findings::default();
        for line in 0..1000 {
            findings.push(Finding::at(line, FindingKind::Torn, ""));
        }
        assert!(!findings.any_wrong());
        findings.push(Finding::whole(FindingKind::Fork, ""));
        assert!(findings.any_wrong());
        assert_eq!(findings.listed.len(), FINDINGS_OF_A_KIND_MAX + 1);
        assert_eq!(findings.unlisted, 1000 - 25);
    }
}
