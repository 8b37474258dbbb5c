//! The ledger after a load test: audited, and held against the receipts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::tally::{Accepted, count};
use super::trial::TrialHouse;
use crate::audit::{Anchors, Audit, Auditor, Trust, Verdict};
use crate::ledger::{Kind, Line};
use crate::limits::LINE_BYTES_MAX;
use crate::pki::keys::shown;
use crate::record::Record;

/// How many findings a report repeats; `gavel verify` lists them all.
const FINDINGS_SAID: usize = 5;

/// Why the ledger cannot be checked.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", shown(.path))]
pub struct LedgerUnreadable {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What the ledger came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The auditor's word.
    pub verdict: &'static str,
    /// The first findings, if there are any.
    pub findings: Vec<String>,
    /// How many lines it has.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many frames it was written in, each with its seal.
    pub frames: u64,
    /// How many accepted bids are in it.
    pub bids: u64,
    /// How many bids were acknowledged by a receipt.
    pub acknowledged: u64,
    /// How many acknowledged bids are not in it as they were acknowledged.
    pub missing: u64,
}

impl Checked {
    /// Whether nothing is amiss.
    pub fn is_good(&self) -> bool {
        self.verdict == Verdict::Valid.as_str()
            && self.missing == 0
            && self.bids == self.acknowledged
    }
}

/// Audits the house's ledger and looks up every acknowledged bid in it.
pub(super) fn check(
    house: &TrialHouse,
    accepted: &[Accepted],
) -> Result<Checked, LedgerUnreadable> {
    let path = house.ledger();
    let trust = Trust::Fingerprint(house.fingerprint());
    let (audit, bids, frames) = read(&path, Anchors::new(trust))
        .map_err(|source| LedgerUnreadable { path: path.clone(), source })?;
    let stands = |bid: &&Accepted| bids.get(&bid.seq) == Some(&bid.amount.minor_units());
    let found = accepted.iter().filter(stands).count();
    let missing = count(accepted.len() - found);
    let said = audit.findings.iter().take(FINDINGS_SAID).map(|finding| {
        let line = finding.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("{} {}: {line}{}", finding.kind.code(), finding.kind, finding.detail)
    });
    Ok(Checked {
        verdict: audit.verdict().as_str(),
        findings: said.collect(),
        lines: audit.file.lines,
        bytes: audit.file.bytes,
        frames,
        bids: count(bids.len()),
        acknowledged: count(accepted.len()),
        missing,
    })
}

/// Audits line by line; gives the amounts of the accepted bids by their lines' numbers, and how
/// many frames there are.
fn read(path: &Path, anchors: Anchors) -> io::Result<(Audit, BTreeMap<u64, u64>, u64)> {
    let mut file = BufReader::with_capacity(64 * LINE_BYTES_MAX, File::open(path)?);
    let mut auditor = Auditor::new(anchors);
    let (mut bids, mut frames) = (BTreeMap::new(), 0);
    let mut raw = Vec::new();
    while file.read_until(b'\n', &mut raw)? > 0 {
        auditor.feed(&raw);
        let line = Line::parse(raw.strip_suffix(b"\n").unwrap_or(&raw));
        if let Some((seq, amount)) = line.as_ref().ok().and_then(bid) {
            bids.insert(seq, amount);
        }
        frames += u64::from(line.is_ok_and(|line| line.kind == Kind::Seal));
        raw.clear();
    }
    Ok((auditor.finish(), bids, frames))
}

fn bid(line: &Line<'_>) -> Option<(u64, u64)> {
    if line.kind != Kind::Bid {
        return None;
    }
    match Record::read(line).ok()? {
        Record::Bid(bid) => Some((line.seq, bid.evidence.amount().minor_units())),
        _ => None,
    }
}
