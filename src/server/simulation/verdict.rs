//! What a simulated sale is held to once it is over: the history of everybody who took part, and
//! the auditor with every receipt that was given.

use gavel::audit::{Anchors, Trust, Verdict, audit};

use super::hall::Hall;
use super::history::{Checked, check};
use crate::auction::lot::LotState;
use crate::auction::sale::Sale;

/// Judges a sale by its final ledger.
pub(super) fn judge(hall: &Hall, sale: Option<&Sale>, ledger: &[u8]) -> Checked {
    let recorder = &hall.recorder;
    recorder.snapshot(hall.trace.now_us(), ledger);
    if let Some(sale) = sale {
        note_winners(hall, "house", sale);
    }
    for bidder in &hall.bidders {
        if let Some(sale) = bidder.follower.as_ref().and_then(|follower| follower.standing()) {
            note_winners(hall, "client", sale);
        }
    }
    let checked = check(&recorder.history());
    for violation in &checked.violations {
        hall.trace.violation(format!("{violation:?}"));
    }
    if hall.trace.violations().is_empty() {
        audit_with_receipts(hall, ledger);
    }
    checked
}

fn note_winners(hall: &Hall, source: &str, sale: &Sale) {
    for lot in sale.lots() {
        if let LotState::Closed { outcome, .. } = lot.state() {
            hall.recorder.winner(source, lot.terms().id.as_str(), outcome);
        }
    }
}

fn audit_with_receipts(hall: &Hall, ledger: &[u8]) {
    let anchor = Box::new(hall.office.ca.anchor().clone());
    let mut anchors = Anchors::new(Trust::Certificate(anchor));
    for (op, receipt) in hall.bidders.iter().flat_map(|bidder| &bidder.receipts) {
        if let Err(error) = anchors.add_receipt(&format!("receipt {op}"), &receipt.to_text()) {
            hall.trace.violation(format!("receipt {op}: {error}"));
        }
    }
    let audit = audit(ledger, anchors);
    if audit.verdict() != Verdict::Valid {
        let findings = &audit.findings;
        hall.trace.violation(format!("the ledger is {}: {findings:?}", audit.verdict().as_str()));
    }
}
