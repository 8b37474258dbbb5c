//! The end of the demo: the ledger, judged as anybody could judge it.

use std::fs;
use std::path::{Path, PathBuf};

use super::story::quoted;
use crate::auction::catalogue::LotTerms;
use crate::auction::event::Outcome;
use crate::auction::lot::{High, LotState};
use crate::auction::money::{Amount, Currency};
use crate::audit::{Anchors, Audit, Audited, LotResult, Trust, Verdict, audit};
use crate::cli::paint::{Ink, Palette};
use crate::cli::scratch::Scratch;
use crate::cli::{Exit, Failure, fault};
use crate::loadtest::TrialHouse;
use crate::pki::keys::shown;
use crate::record::SaleFile;

/// Audits the ledger, prints verdict and results, and gives the exit code of the verdict.
pub(super) fn judge(
    house: &TrialHouse,
    lots: &[LotTerms],
    scratch: &Scratch,
    palette: Palette,
) -> Result<Exit, Failure> {
    let path = house.ledger();
    let ledger = fs::read(&path).map_err(|error| fault::of_io("read", &path, &error))?;
    let shown_to_bidders = SaleFile::of_items(lots.to_vec());
    let mut anchors =
        Anchors::new(Trust::Fingerprint(house.fingerprint())).with_items(shown_to_bidders);
    if let Some(crl) = house.pki().serve().crl()? {
        anchors = anchors.with_crl(crl);
    }
    for path in receipts(scratch.path()) {
        let text =
            fs::read_to_string(&path).map_err(|error| fault::of_io("read", &path, &error))?;
        // A receipt that cannot be read is the guest's affair.
        let _ = anchors.add_receipt(&shown(&path), &text);
    }
    let found = audit(&ledger, anchors);
    print(&found, &path, palette);
    if !scratch.is_temporary() {
        let trust = house.fingerprint();
        palette.line(&[palette.plain("  Judge it yourself: "), {
            let command = format!("gavel verify {} --trust sha256:{trust}", quoted(&path));
            palette.ink(Ink::Fresh, &command)
        }]);
    }
    Ok(match found.verdict() {
        Verdict::Valid => Exit::Success,
        Verdict::Invalid => Exit::Wrong,
        Verdict::Incomplete => Exit::Inconclusive,
    })
}

/// The receipts that the bidders keep beside their credentials.
fn receipts(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = entries(folder)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gavel"))
        .collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder).map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "tlog-proof") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn print(found: &Audit, path: &Path, p: Palette) {
    p.line(&[]);
    let ink = match found.verdict() {
        Verdict::Valid => Ink::Good,
        Verdict::Invalid => Ink::Bad,
        Verdict::Incomplete => Ink::Warning,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    p.line(&[
        p.ink(ink, &format!("  {}", found.verdict().as_str())),
        p.plain(&format!(
            "   {name}, {} lines, judged offline by the CA's fingerprint",
            found.file.lines
        )),
    ]);
    p.line(&[p.ink(Ink::Faint, &format!("          sha256 {}", found.file.sha256))]);
    for finding in &found.findings {
        let line = finding.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let text = format!("  {} {}: {line}{}", finding.kind.code(), finding.kind, finding.detail);
        p.line(&[p.ink(Ink::Bad, &text)]);
    }
    if let Some(audited) = found.audited() {
        p.line(&[]);
        results(audited, p);
    }
    for (title, lines) in [("checked", &found.checked), ("not checked", &found.unchecked)] {
        p.line(&[]);
        p.line(&[p.ink(Ink::Strong, &format!("  {title}"))]);
        for line in lines {
            p.line(&[p.ink(Ink::Faint, &format!("  - {line}"))]);
        }
    }
    p.line(&[]);
}

fn results(audited: &Audited, p: Palette) {
    let results = audited.results();
    let titles = results.lots.iter().map(|lot| lot.terms.name.as_str().chars().count());
    let width = titles.max().unwrap_or(0);
    let head = format!(
        "  lot {:<width$}  {:<8} {:<8} {:>8} {:>5}",
        "", "outcome", "bidder", "price", "bids"
    );
    p.line(&[p.ink(Ink::Strong, &head)]);
    for lot in &results.lots {
        let (outcome, winner, price) = outcome(lot, &results.currency);
        let (id, title, bids) = (&lot.terms.id, lot.terms.name.as_str(), lot.bids_accepted());
        let word = if lot.is_on_word() { "  on the house's word" } else { "" };
        let row =
            format!("  {id:<3} {title:<width$}  {outcome:<8} {winner:<8} {price:>8} {bids:>5}");
        p.line(&[p.plain(&row), p.ink(Ink::Warning, word)]);
    }
    let totals = results.totals;
    let hammer = match totals.hammer_total.map(Amount::new) {
        Some(Some(sum)) => results.currency.display(sum),
        Some(None) => "0".to_owned(),
        None => "beyond count".to_owned(),
    };
    let sum = format!("{} sold, {} unsold, hammer total {hammer}", totals.sold, totals.unsold);
    p.line(&[p.ink(Ink::Strong, &format!("  {sum}"))]);
}

fn outcome(lot: &LotResult, currency: &Currency) -> (&'static str, String, String) {
    let none = || "-".to_owned();
    match &lot.state {
        LotState::Closed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
            ("sold", to.to_string(), currency.display(*hammer_price))
        }
        LotState::Closed { outcome: Outcome::Unsold(_), .. } => ("unsold", none(), none()),
        LotState::Closed { outcome: Outcome::Withdrawn, .. } => ("withdrawn", none(), none()),
        LotState::Open { high: Some(High { bidder, price, .. }), .. } => {
            ("open", bidder.to_string(), currency.display(*price))
        }
        LotState::Open { high: None, .. } => ("open", none(), none()),
        LotState::Paused { .. } => ("paused", none(), none()),
        LotState::Pending => ("pending", none(), none()),
    }
}
