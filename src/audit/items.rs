//! The catalogue in the ledger against the items file that the bidders were shown.

use super::finding::{Finding, FindingKind, Findings};
use crate::auction::catalogue::LotTerms;
use crate::auction::money::Currency;

/// Reports every lot that differs, each at its line, and another currency: with two
/// minor digits the same numbers are a hundredth of the prices that were shown.
pub(super) fn compare(
    ledger: &[LotTerms],
    currency: &Currency,
    file: &[LotTerms],
    findings: &mut Findings,
) {
    // The form of numbered items knows whole units and no currency (RULES 2).
    if *currency != Currency::seed() {
        let detail = "the ledger counts in a currency, the items file in plain whole units";
        findings.push(Finding::at(0, FindingKind::Items, detail));
    }
    if ledger.len() != file.len() {
        let detail =
            format!("the ledger has {} lots, the items file has {}", ledger.len(), file.len());
        findings.push(Finding::at(0, FindingKind::Items, detail));
    }
    for (line, (lot, shown)) in (1..).zip(ledger.iter().zip(file)) {
        if let Some(key) = differs_in(lot, shown) {
            let detail =
                format!("lot {} differs from lot {} of the items file in: {key}", lot.id, shown.id);
            findings.push(Finding::at(line, FindingKind::Items, detail));
        }
    }
}

/// The first term in which two lots differ.
fn differs_in(lot: &LotTerms, shown: &LotTerms) -> Option<&'static str> {
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
        // Its random bytes are not in the file; whether there is a reserve is compared.
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
        ("reserve", reserve_commit.is_some() == shown.reserve_commit.is_some()),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(key, _)| key)
}
