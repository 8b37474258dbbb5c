//! `gavel verify`: audits a ledger and says what was found, what was checked and
//! what was not.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::auditing::LedgerArgs;
use super::paint::{Ink, Palette};
use super::{Exit, Failure, evidence, print, sheet};
use crate::audit::{Accusation, Audit, Finding, FindingKind, Verdict, Weight};
use crate::limits::SHEET_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::sheet::{Claim, PeopleFacts, Sheet};

/// Audit a ledger offline: who signed what, in what order, by which rules, with which outcome
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 valid and closed, 1 found wrong, 2 usage or unreadable input, \
                        3 sound so far but not conclusive.\nLines are counted from 0, as in \"seq\"."
)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// A sheet of results in JSON (results.json, not the CSV or HTML made from it), to hold
    /// against the ledger field by field
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Where to write what convicts the house, if a receipt or checkpoint contradicts the ledger
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let claim = args.results.as_deref().map(read_claim).transpose()?;
    args.evidence.as_deref().map(evidence::check_is_new).transpose()?;
    let mut audit = args.ledger.audit(claim.as_ref().is_some_and(Claim::lists_bids))?;
    if let Some((path, claim)) = args.results.as_deref().zip(claim) {
        audit = held_against(audit, path, &claim);
    }
    let label = shown(&args.ledger.ledger);
    if args.json {
        print::report(&json(&label, &audit))?;
    } else {
        Report::of(&label, &audit).print()?;
    }
    if let Some(path) = &args.evidence {
        evidence::write(path, &accusations(args, &audit)?)?;
    }
    Ok(exit_of(audit.verdict()))
}

/// What convicts the house; the ledger is read again only if what was brought contradicts it, or
/// goes on where it has closed.
fn accusations(args: &Args, audit: &Audit) -> Result<Vec<Accusation>, Failure> {
    let contradicts = |kind| matches!(kind, FindingKind::Fork | FindingKind::Truncated);
    match audit.findings.iter().any(|finding| contradicts(finding.kind)) {
        true => args.ledger.accuse(),
        false => Ok(Vec::new()),
    }
}

fn read_claim(path: &Path) -> Result<Claim, Failure> {
    let bytes = keys::read_public(path, SHEET_FILE_BYTES_MAX)?;
    Claim::read(&bytes).map_err(|fault| {
        Failure::usage("bad-results", format!("{}: {fault}", shown(path)))
            .hint("give the results.json that `gavel results --json` or `--out` wrote")
    })
}

/// The audit with what a sheet says beside what the ledger says.
fn held_against(mut audit: Audit, path: &Path, claim: &Claim) -> Audit {
    let label = shown(path);
    let Some(audited) = audit.audited() else {
        audit.unchecked.insert(
            0,
            format!("{label}: this ledger has no results that it could be compared with"),
        );
        return audit;
    };
    let comparison = claim.compare(&Sheet::of(audited));
    let differences: Vec<String> = comparison.differences.iter().map(ToString::to_string).collect();
    audit.with_sheet(&label, &differences, comparison.unlisted)
}

/// The exit code of a verdict (DESIGN 5).
pub(super) const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Valid => Exit::Success,
        Verdict::Invalid => Exit::Wrong,
        Verdict::Incomplete => Exit::Inconclusive,
    }
}

/// An audit as text: what stands before the verdict, the verdict, what stands after it.
pub(super) struct Report {
    before: String,
    verdict: (&'static str, Ink, &'static str),
    after: String,
}

impl Report {
    /// The report on a ledger that is called `label`.
    pub(super) fn of(label: &str, audit: &Audit) -> Self {
        let mut before = head(label, audit);
        if !audit.findings.is_empty() {
            before.push_str(&findings(audit));
        }
        if let Some(sheet) = audit.audited().map(Sheet::of) {
            before.push_str(&sheet::header(&sheet));
            before.push('\n');
            before.push_str(&sheet::lots(&sheet));
            before.push('\n');
            before.push_str(&sheet::headlines(&sheet));
        } else {
            before.push_str(&sheet::people(&PeopleFacts::from(&audit.people)));
        }
        before.push_str(&list("Checked:", &audit.checked));
        let after = list("Not checked, or not provable by any ledger:", &audit.unchecked);
        Self { before, verdict: verdict(audit), after: format!("\n{after}") }
    }

    /// The whole as it is printed where there is no colour.
    pub(super) fn plain(&self) -> String {
        let Self { before, verdict: (word, _, why), after } = self;
        print::showable(&format!("{before}{word}: {why}\n{after}"))
    }

    fn print(&self) -> Result<(), Failure> {
        let (word, ink, why) = self.verdict;
        print::report(&self.before)?;
        headline(word, ink, why);
        print::report(&self.after)?;
        Ok(())
    }
}

fn head(label: &str, audit: &Audit) -> String {
    format!(
        "gavel {}\nCA        sha256:{}\nledger    {label}\n          {} lines, {} bytes\n          sha256:{}\n\n",
        env!("CARGO_PKG_VERSION"),
        audit.ca,
        audit.file.lines,
        audit.file.bytes,
        audit.file.sha256,
    )
}

/// The verdict in a word, how it looks, and what it means.
pub(super) fn verdict(audit: &Audit) -> (&'static str, Ink, &'static str) {
    let (ink, why) = match audit.verdict() {
        Verdict::Valid => (Ink::Good, "nothing is wrong, and the sale has closed"),
        Verdict::Invalid if audit.is_contradicted() => (
            Ink::Bad,
            "the results that you gave are not those of this ledger, in which nothing is wrong",
        ),
        Verdict::Invalid => {
            (Ink::Bad, "this ledger does not prove what it says; the findings say why")
        }
        Verdict::Incomplete => {
            (Ink::Warning, "nothing is wrong so far, but nothing is settled either")
        }
    };
    (audit.verdict().as_str(), ink, why)
}

/// Prints the one word that matters, and what it means.
pub(super) fn headline(word: &str, ink: Ink, rest: &str) {
    let palette = Palette::of_stdout();
    palette.line(&[palette.ink(ink, word), palette.plain(": "), palette.plain(rest)]);
}

fn list(title: &str, points: &[String]) -> String {
    let points: String = points.iter().map(|point| format!("  - {point}\n")).collect();
    format!("{title}\n{points}\n")
}

fn findings(audit: &Audit) -> String {
    let mut text = String::from("Findings (lines are counted from 0):\n");
    for finding in &audit.findings {
        text.push_str(&finding_text(finding));
    }
    if audit.findings_unlisted > 0 {
        text.push_str(&format!("  and {} more of these kinds\n", audit.findings_unlisted));
    }
    text.push('\n');
    text
}

/// A finding with its place, its meaning and its innocent cause.
pub(super) fn finding_text(finding: &Finding) -> String {
    let place = finding.line.map_or_else(|| "the whole".to_owned(), |line| format!("line {line}"));
    let mut text = format!(
        "  {} {}, {place}: {}\n         {}\n",
        finding.kind.code(),
        finding.kind,
        finding.detail,
        finding.kind.meaning(),
    );
    if let Some(cause) = finding.innocent_cause() {
        text.push_str(&format!("         It may be innocent: {cause}\n"));
    }
    text
}

/// The report for programs, on a ledger that is called `label`: one line.
pub(super) fn json(label: &str, audit: &Audit) -> String {
    let findings: Vec<Value> = audit.findings.iter().map(finding_json).collect();
    let results = audit.audited().map(|audited| json!(Sheet::of(audited).facts().without_lists()));
    let report = json!({
        "gavel": env!("CARGO_PKG_VERSION"),
        "verdict": audit.verdict().as_str().to_ascii_lowercase(),
        "exit_code": exit_of(audit.verdict()).code(),
        "ca": format!("sha256:{}", audit.ca),
        "file": {
            "path": label,
            "bytes": audit.file.bytes,
            "lines": audit.file.lines,
            "sha256": audit.file.sha256.to_string(),
        },
        "findings": findings,
        "findings_unlisted": audit.findings_unlisted,
        "people": PeopleFacts::from(&audit.people),
        "checked": audit.checked,
        "unchecked": audit.unchecked,
        "results": results,
    });
    format!("{report}\n")
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "code": finding.kind.code(),
        "name": finding.kind.name(),
        "wrong": finding.kind.weight() == Weight::Wrong,
        "line": finding.line,
        "detail": finding.detail,
        "meaning": finding.kind.meaning(),
        "innocent_cause": finding.innocent_cause(),
    })
}
