//! The end of an audit: the verdict, what was checked, and what was not.

use super::anchors::Anchors;
use super::finding::{Finding, FindingKind, Findings};
use super::held::Shown;
use super::judge::Judge;
use super::people::People;
use super::quorum::{self, Agreeing, Quorum};
use super::replay::Replay;
use super::results::Results;
use crate::auction::refusal::Code;
use crate::ledger::entry::Kind;
use crate::ledger::hash::Hash;
use crate::pki::{Crl, Fingerprint};

/// What an audit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong, and the sale has closed: exit 0.
    Valid,
    /// Something is wrong: exit 1.
    Invalid,
    /// Nothing is wrong so far, and it is not settled: exit 3.
    Incomplete,
}

impl Verdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Invalid => "INVALID",
            Self::Incomplete => "INCOMPLETE",
        }
    }
}

/// The file that was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its length.
    pub bytes: u64,
    /// How many whole lines were judged before its end or a break.
    pub lines: u64,
    /// SHA-256 of the whole file.
    pub sha256: Hash,
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The file.
    pub file: FileFacts,
    /// SHA-256 of the trusted CA certificate.
    pub ca: Fingerprint,
    /// The findings, in the order of the lines; at most
    /// [`crate::limits::FINDINGS_OF_A_KIND_MAX`] of each kind.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_unlisted: u64,
    /// The names in the open, from the enrolments and reissues that were found right.
    pub people: People,
    /// What was checked.
    pub checked: Vec<String>,
    /// What was not checked, or cannot be proven.
    pub unchecked: Vec<String>,
    outcome: Result<Audited, Verdict>,
    /// Something that was held against a sound ledger says otherwise.
    is_contradicted: bool,
}

/// A ledger in which an audit found nothing wrong; what prints results takes this.
///
/// ```compile_fail
/// use gavel::audit::{Audited, Results};
/// fn unaudited(results: Results) -> Audited {
///     Audited { results, open: vec![], unchecked: vec![] }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Audited {
    results: Results,
    open: Vec<Finding>,
    unchecked: Vec<String>,
}

impl Audited {
    /// What the sale came to, or has come to so far.
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// Whether the sale has closed and nothing is open, so that the results are final.
    pub const fn is_final(&self) -> bool {
        self.open.is_empty()
    }

    /// What the audit left open.
    pub fn open(&self) -> &[Finding] {
        &self.open
    }

    /// What was not checked, or cannot be proven.
    pub fn unchecked(&self) -> &[String] {
        &self.unchecked
    }
}

impl Audit {
    /// The verdict.
    pub const fn verdict(&self) -> Verdict {
        match &self.outcome {
            Ok(_) if self.is_contradicted => Verdict::Invalid,
            Ok(audited) if audited.is_final() => Verdict::Valid,
            Ok(_) => Verdict::Incomplete,
            Err(verdict) => *verdict,
        }
    }

    /// What the results are taken from, unless something is wrong or there are none.
    pub const fn audited(&self) -> Option<&Audited> {
        match &self.outcome {
            Ok(audited) => Some(audited),
            Err(_) => None,
        }
    }

    /// Whether nothing is wrong but what was held against the ledger afterwards.
    pub const fn is_contradicted(&self) -> bool {
        self.is_contradicted
    }

    /// Takes in how a sheet of results was held against this ledger: where it says
    /// something else, and how many more such places there are.
    #[must_use]
    pub fn with_sheet(mut self, label: &str, differences: &[String], unlisted: u64) -> Self {
        if differences.is_empty() {
            self.checked
                .push(format!("the results in {label}, field by field: this ledger agrees"));
            return self;
        }
        let finding = |detail| Finding::whole(FindingKind::Results, format!("{label}: {detail}"));
        self.findings.extend(differences.iter().map(finding));
        self.findings_unlisted += unlisted;
        self.is_contradicted = true;
        self
    }
}

/// What was agreed between the ledger and what the auditor brought.
#[derive(Debug, Default)]
struct Agreed {
    /// How far the newest agreeing receipt or checkpoint reaches: its tree's size.
    size: Option<u64>,
    receipts: usize,
    checkpoints: usize,
    crl: Option<Crl>,
    /// The largest tree under which the policy's quorum stands.
    quorum: Option<Quorum>,
}

/// Ends an audit. `is_whole`: the file was read to its end.
pub(super) fn conclude(
    file: FileFacts,
    judge: &Judge,
    anchors: &Anchors,
    mut findings: Findings,
    is_whole: bool,
) -> Audit {
    if is_whole {
        judge_end(judge, &mut findings);
    }
    let agreed = compare(judge, anchors, &mut findings, is_whole);
    findings.listed.sort_by_key(|finding| finding.line.unwrap_or(u64::MAX));
    let any_wrong = findings.any_wrong();
    let unchecked = unchecked(judge, anchors, &agreed);
    let outcome = match judge.replay() {
        _ if any_wrong => Err(Verdict::Invalid),
        None => Err(Verdict::Incomplete),
        Some(replay) => Ok(Audited {
            results: Results::of(replay, judge.tree(), agreed.crl.as_ref()),
            open: findings.listed.clone(),
            unchecked: unchecked.clone(),
        }),
    };
    Audit {
        file,
        ca: anchors.trust.fingerprint(),
        people: judge.replay().map(|replay| replay.tally().people.people()).unwrap_or_default(),
        checked: checked(&file, judge, anchors, &agreed),
        unchecked,
        findings: findings.listed,
        findings_unlisted: findings.unlisted,
        outcome,
        is_contradicted: false,
    }
}

/// Says what is missing at the end of a file that was read to its end.
fn judge_end(judge: &Judge, findings: &mut Findings) {
    let size = judge.tree().size();
    let Some(newest) = judge.last_kind() else {
        if findings.is_empty() {
            findings.push(Finding::whole(FindingKind::Empty, "there is nothing to audit"));
        }
        return;
    };
    if judge.is_unjudged() {
        return;
    }
    if !judge.replay().is_some_and(Replay::is_closed) {
        let detail = format!("it has no close entry in its {size} lines");
        findings.push(Finding::whole(FindingKind::Unclosed, detail));
    }
    if newest != Kind::Seal {
        let detail = format!("the last line, {}, is a {newest}", size.saturating_sub(1));
        findings.push(Finding::whole(FindingKind::Unsealed, detail));
    }
}

/// Holds what the auditor brought against the ledger.
fn compare(judge: &Judge, anchors: &Anchors, findings: &mut Findings, is_whole: bool) -> Agreed {
    let mut agreed = Agreed::default();
    let Some(keys) = judge.keys() else { return agreed };
    let is_closed = judge.replay().is_some_and(Replay::is_closed);
    let shown = Shown {
        keys,
        seen: judge.seen(),
        size: judge.tree().size(),
        is_finished: is_closed && judge.last_kind() == Some(Kind::Seal),
        is_whole,
    };
    let mut agreeing = Vec::new();
    for held in &anchors.receipts {
        match shown.compare_receipt(held) {
            Ok(size) => {
                let note = &held.receipt.note;
                agreed.receipts += usize::from(size.is_some());
                agreeing.extend(size.map(|size| Agreeing { label: &held.label, size, note }));
            }
            Err(finding) => findings.push(finding),
        }
    }
    for held in &anchors.checkpoints {
        match shown.compare_checkpoint(held) {
            Ok(size) => {
                let note = &held.note;
                agreed.checkpoints += usize::from(size.is_some());
                agreeing.extend(size.map(|size| Agreeing { label: &held.label, size, note }));
            }
            Err(finding) => findings.push(finding),
        }
    }
    agreed.size = agreeing.iter().map(|agreeing| agreeing.size).max();
    if let Some(policy) = &anchors.policy {
        // A closed sale must be covered with its close, which the last seal is over.
        let needed = if shown.is_finished { shown.size.saturating_sub(1) } else { 0 };
        match quorum::judge(policy, keys, &agreeing, needed) {
            Ok(quorum) => agreed.quorum = quorum,
            Err(finding) => findings.push(finding),
        }
    }
    if let (Some(crl), Some(replay)) = (&anchors.crl, judge.replay()) {
        match shown.compare_crl(crl, &replay.tally().revocations) {
            Ok(crl) => agreed.crl = Some(crl),
            Err(finding) => findings.push(finding),
        }
    }
    agreed
}

fn checked(file: &FileFacts, judge: &Judge, anchors: &Anchors, agreed: &Agreed) -> Vec<String> {
    let mut checked = vec![format!(
        "{}: canonical form, number, hash of the one before, time",
        count(file.lines, "line")
    )];
    let Some(replay) = judge.replay() else { return checked };
    let tally = replay.tally();
    let sum = |of: fn(&super::tally::LotTally) -> u64| tally.lots.iter().map(of).sum::<u64>();
    checked.push("the sealing certificate: issued by your CA, for this house and sale".to_owned());
    checked.push(format!(
        "{}: signature, and root over every line before",
        count(tally.seals, "seal")
    ));
    checked.push(format!(
        "{}: certificate chain at its time, both signatures, one key for each name",
        count(tally.enrolments, "enrolment")
    ));
    checked.push(format!(
        "{}: signature, number, the head that the bidder saw",
        count(sum(|lot| lot.signed), "accepted signed bid")
    ));
    let acts = sum(|lot| lot.clerk).saturating_add(number(tally.acts.len()));
    if acts > 0 {
        checked.push(format!(
            "{}: signature, number, the head that was seen, role and reason",
            count(acts, "staff act")
        ));
    }
    checked.push(format!(
        "{}: signature, and that refusing was right",
        count(tally.refused.values().sum(), "recorded refusal")
    ));
    let extent = match replay.is_derailed() {
        false => "each time, end, winner and price",
        true => "as far as the rules could follow",
    };
    checked.push(format!(
        "the sale: {} replayed by the rules, {extent}",
        count(number(tally.lots.len()), "lot")
    ));
    let mut held = |agreeing: usize, what: &str| {
        if agreeing > 0 {
            checked.push(format!("{}: this ledger agrees", count(number(agreeing), what)));
        }
    };
    held(agreed.receipts, "receipt");
    held(agreed.checkpoints, "checkpoint");
    if let Some(quorum) = &agreed.quorum {
        checked.push(format!(
            "the policy's quorum: the first {} lines are cosigned by {}",
            quorum.size,
            quorum.in_words()
        ));
    }
    if anchors.items.is_some() {
        checked.push("the catalogue against the items file given".to_owned());
    }
    if let Some(crl) = &agreed.crl {
        checked.push(format!("the recorded revocations against list number {}", crl.number));
    }
    checked
}

fn unchecked(judge: &Judge, anchors: &Anchors, agreed: &Agreed) -> Vec<String> {
    let mut unchecked = Vec::new();
    let mut say = |text: &str| unchecked.push(text.to_owned());
    say(&other_ledgers(judge, agreed));
    match &anchors.policy {
        None => say("no policy was given: no independent witness was required"),
        Some(policy) if !policy.requires_witnesses() => {
            say("the policy given requires no witness");
        }
        Some(_) => {
            say("whether the policy's witnesses are independent of the house and of each other")
        }
    }
    if anchors.crl.is_none() {
        say(
            "no revocation list was given: a revocation that the house kept out of the ledger is not seen",
        );
    }
    if anchors.items.is_none() {
        say(
            "no items file was given: that the catalogue is the one the bidders were shown is not checked",
        );
    }
    if let Some(replay) = judge.replay() {
        let tally = replay.tally();
        let attested: u64 = tally.lots.iter().map(|lot| lot.attested).sum();
        if attested > 0 {
            say(&format!(
                "{}: no signature, the house says it saw them",
                count(attested, "attested bid")
            ));
        }
        let clerk: u64 = tally.lots.iter().map(|lot| lot.clerk).sum();
        if clerk > 0 {
            say(&format!(
                "{}: signed by staff, who say that somebody in the room made them",
                count(clerk, "room bid")
            ));
        }
        let not_lowered = tally.refused.get(&Code::ReserveNotLowered).copied().unwrap_or(0);
        if not_lowered > 0 {
            say(&format!(
                "{} of a lower reserve: the house's word that it was not lower",
                count(not_lowered, "refusal")
            ));
        }
        let counted: u64 = tally.counted.values().fold(0, |sum, count| sum.saturating_add(*count));
        if counted > 0 {
            say(&format!("{} only counted: the house's word", count(counted, "refusal")));
        }
        if tally.people.has_house_made_keys() {
            say(
                "bids of bidders whose certificate key the house made: the house could have made them too",
            );
        }
    }
    for limit in LIMITS {
        say(limit);
    }
    unchecked
}

/// Says how far it is shown that there is no other ledger of this sale.
fn other_ledgers(judge: &Judge, agreed: &Agreed) -> String {
    let reaches = |size: u64| size + 1 >= judge.tree().size();
    match (&agreed.quorum, agreed.size) {
        (Some(quorum), _) if reaches(quorum.size) => {
            "another ledger, if the witnesses lied with the house".to_owned()
        }
        (Some(quorum), _) => format!(
            "what stands after the first {} lines, which the witnesses saw, rests on the house's \
             word that there is no other ledger",
            quorum.size
        ),
        (None, None) => "no receipt and no witness was given: another ledger may exist".to_owned(),
        // The last line is the seal over what the checkpoint covers.
        (None, Some(size)) if reaches(size) => {
            "no witness was given: what you hold reaches to the end, others may hold another ledger"
                .to_owned()
        }
        (None, Some(size)) => format!(
            "no witness was given: what stands after the first {size} lines rests on the house's \
             word that there is no other ledger"
        ),
    }
}

/// What no ledger can prove (THREATS, "Said openly").
const LIMITS: &[&str] = &[
    "bids that were refused or delayed before they got a receipt: their senders keep them signed",
    "whether two bidders are one person, or the house's friend",
    "a second certificate under a name that never bid, and the use of a stolen key",
    "that a certificate key without the house's mark was made by its holder: the house sets the mark",
    "the times inside the sale, and whatever hangs on them, beyond what the heads in bids show",
];

fn number(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
