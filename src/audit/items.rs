//! The catalogue in the ledger against the sale file that the bidders were shown.

use super::finding::{Finding, FindingKind, Findings};
use crate::auction::catalogue::LotTerms;
use crate::record::{FileLot, Opening, SaleFile};

/// Reports every lot that differs, each at its line, and at line 0 what holds for the
/// whole sale: with two minor digits more, the same numbers are a hundredth of the prices
/// that were shown.
pub(super) fn compare(
    opening: &Opening,
    ledger: &[LotTerms],
    file: &SaleFile,
    findings: &mut Findings,
) {
    let keys = file.differs_from(opening);
    if !keys.is_empty() {
        let detail = format!("the sale differs from the items file in: {}", keys.join(", "));
        findings.push(Finding::at(0, FindingKind::Items, detail));
    }
    if ledger.len() != file.lots.len() {
        let detail =
            format!("the ledger has {} lots, the items file has {}", ledger.len(), file.lots.len());
        findings.push(Finding::at(0, FindingKind::Items, detail));
    }
    for (line, (lot, shown)) in (1..).zip(ledger.iter().zip(&file.lots)) {
        if let Some(key) = differs_in(lot, shown) {
            let detail = format!(
                "lot {} differs from lot {} of the items file in: {key}",
                lot.id, shown.terms.id
            );
            findings.push(Finding::at(line, FindingKind::Items, detail));
        }
    }
}

/// The first term in which two lots differ.
fn differs_in(lot: &LotTerms, shown: &FileLot) -> Option<&'static str> {
    let FileLot { terms: shown, reserve } = shown;
    let LotTerms {
        id,
        name,
        start,
        increments,
        timer,
        soft_window,
        soft_extend,
        hard_end,
        seller,
        estimate,
        without_reserve,
        // A commitment hides the amount; whether there is a reserve is compared.
        reserve_commit,
    } = lot;
    let same = [
        ("id", *id == shown.id),
        ("name", *name == shown.name),
        ("start", *start == shown.start),
        ("increments", *increments == shown.increments),
        ("timer", *timer == shown.timer),
        ("soft_window", *soft_window == shown.soft_window),
        ("soft_extend", *soft_extend == shown.soft_extend),
        ("hard_end", *hard_end == shown.hard_end),
        ("seller", *seller == shown.seller),
        ("estimate", *estimate == shown.estimate),
        ("without_reserve", *without_reserve == shown.without_reserve),
        ("reserve", reserve_commit.is_some() == reserve.is_some()),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(key, _)| key)
}
