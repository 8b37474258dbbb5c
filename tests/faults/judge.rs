//! What may never happen, however the machine fails: the judge of every run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gavel::auction::money::Amount;
use gavel::auction::name::{LotId, Name};
use gavel::audit::{Anchors, Trust, Verdict, audit};
use gavel::ledger::{Kind, Line};
use gavel::record::Record;

use crate::hall::Hall;

/// A bid as its bidder knows it.
pub(crate) type Bid = (Name, LotId, Amount);
/// Bids by the line that their receipts name.
pub(crate) type Bids = BTreeMap<u64, Bid>;

/// What was found to be wrong. Each has its own name, so that a negative control can say by
/// which check it was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// An acknowledged bid is not where its receipt says.
    Lost(String),
    /// The ledger has a bid that nobody was told of, at the end of a sale.
    Unsaid(String),
    /// One line was acknowledged for two bids.
    Doubled(String),
    /// A start needs somebody.
    DoesNotRestart(String),
    /// The server went on after its disk had failed.
    WentOn(String),
    /// It ended in another way than it should.
    Exit(String),
    /// A client caught the house, or was not served to the end.
    Client(String),
    /// The auditor finds something.
    Audit(String),
}

/// Every acknowledged bid stands where its receipt says.
pub(crate) fn holds(ledger: &[u8], acknowledged: &Bids) -> Result<(), Violation> {
    let stands = bids(ledger);
    let lost: Vec<u64> = acknowledged
        .iter()
        .filter(|(seq, bid)| stands.get(seq) != Some(bid))
        .map(|(seq, _)| *seq)
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let (of, newest) = (acknowledged.len(), stands.keys().last());
    Err(Violation::Lost(format!(
        "{} of {of} acknowledged bids, lines {lost:?}; the last that is there is {newest:?}",
        lost.len()
    )))
}

/// A sale that has closed: all that was acknowledged is in place, once, nothing else was entered,
/// and an auditor who holds every receipt says VALID.
pub(crate) fn judge(hall: &Hall, acknowledged: &Bids) -> Result<(), Violation> {
    let ledger = hall.ledger();
    holds(&ledger, acknowledged)?;
    let stands = bids(&ledger);
    if let Some((seq, bid)) = stands.iter().find(|(seq, _)| !acknowledged.contains_key(*seq)) {
        return Err(Violation::Unsaid(format!("line {seq}: {bid:?}")));
    }
    let mut anchors = Anchors::new(Trust::Fingerprint(hall.house.fingerprint()));
    let kept = receipts(&hall.people());
    for path in &kept {
        let text = fs::read_to_string(path).expect("a receipt");
        let wrong = |error| Violation::Audit(format!("{}: {error}", path.display()));
        anchors.add_receipt(&path.to_string_lossy(), &text).map_err(wrong)?;
    }
    if kept.len() < acknowledged.len() {
        let short = format!("{} receipts of {} bids", kept.len(), acknowledged.len());
        return Err(Violation::Client(short));
    }
    let audit = audit(&ledger, anchors);
    match audit.verdict() {
        Verdict::Valid => Ok(()),
        verdict => Err(Violation::Audit(format!("{verdict:?}: {:?}", audit.findings))),
    }
}

/// The bids of a ledger that were accepted, as far as it can be read line by line.
fn bids(ledger: &[u8]) -> Bids {
    let bid = |raw: &[u8]| {
        let line = Line::parse(raw).ok().filter(|line| line.kind == Kind::Bid)?;
        let Ok(Record::Bid(bid)) = Record::read(&line) else { return None };
        let evidence = &bid.evidence;
        let bid = (evidence.signer().clone(), evidence.lot().clone(), evidence.amount());
        Some((line.seq, bid))
    };
    ledger.split(|byte| *byte == b'\n').filter_map(bid).collect()
}

/// The receipts in a folder, however deep.
fn receipts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("lists").path()) {
        if path.is_dir() {
            found.extend(receipts(&path));
        } else if path.extension().is_some_and(|extension| extension == "tlog-proof") {
            found.push(path);
        }
    }
    found
}
