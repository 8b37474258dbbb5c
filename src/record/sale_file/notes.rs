//! What is as the file says, but perhaps not as its writer thinks.

use super::{FileLot, SaleFile};
use crate::auction::catalogue::{Seller, Timer};
use crate::time::Span;

/// A soft close below a second helps nobody: seconds were written for milliseconds.
const SHORT: Span = Span::from_s(1);

/// One note for each thing, however many lots it concerns.
pub(super) fn of(file: &SaleFile) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |concerns: &dyn Fn(&FileLot) -> bool, text: &dyn Fn(&FileLot) -> String| {
        let mut lots = file.lots.iter().filter(|lot| concerns(lot));
        if let Some(first) = lots.next() {
            let which = match lots.count() {
                0 => format!("lot {}", first.terms.id),
                1 => format!("lot {} and 1 other", first.terms.id),
                more => format!("lot {} and {more} others", first.terms.id),
            };
            notes.push(format!("{which}: {}", text(first)));
        }
    };
    note(&|lot| matches!(lot.terms.seller, Some(Seller::Text(_))), &|lot| {
        let text = match &lot.terms.seller {
            Some(Seller::Text(text)) => text.as_str(),
            Some(Seller::Person(_)) | None => "",
        };
        format!("the seller, \"{text}\", is not a certificate's name: it bars nobody from bidding")
    });
    note(&|lot| ends_late(file, lot), &|_| {
        "the end comes after the sale's: without a bid it closes with the sale".to_owned()
    });
    note(&|lot| is_short(lot.terms.soft_window) || is_short(lot.terms.soft_extend), &|_| {
        "the soft close is below a second: its keys are milliseconds".to_owned()
    });
    notes
}

fn ends_late(file: &SaleFile, lot: &FileLot) -> bool {
    match (lot.terms.timer, file.sale_ends_at) {
        (Timer::Schedule { ends_at, .. }, Some(sale_ends_at)) => ends_at > sale_ends_at,
        (Timer::FirstBid { .. } | Timer::Manual, _) | (Timer::Schedule { .. }, None) => false,
    }
}

fn is_short(span: Span) -> bool {
    span > Span::ZERO && span < SHORT
}
