//! The rules asked again: what an entry should have been, and the name for it
//! when it is something else.

use super::finding::FindingKind;
use crate::auction::event::{Event, Happening, Input};
use crate::auction::lot::LotState;
use crate::auction::name::LotId;
use crate::auction::refusal::{Refusal, Unfit};
use crate::auction::sale::Sale;

/// What is wrong with an event, in the auditor's words.
pub(super) type Wrong = (FindingKind, String);

/// Asks the rules whether `event` is what its input leads to. This one
/// comparison finds late bids, short increments, wrong winners, withheld
/// extensions and time that goes back.
pub(super) fn check(sale: &Sale, event: &Event) -> Result<(), Wrong> {
    match sale.decide(event.at, event.input()) {
        Ok(decided) if decided == *event => Ok(()),
        Ok(decided) => Err(differs(event, &decided)),
        Err(unfit) => Err(unfit_event(sale, event, unfit)),
    }
}

/// The finding for an entry outside the rules that may not stand at its time.
pub(super) fn unfit_time(unfit: Unfit) -> Wrong {
    let kind = match unfit {
        Unfit::TimeReversed { .. } => FindingKind::Time,
        Unfit::SaleClosed => FindingKind::Closed,
        Unfit::Overdue { .. } | Unfit::NotDue => FindingKind::Order,
        Unfit::NoDrift => FindingKind::Clock,
        Unfit::Refused(_) => FindingKind::Rule,
    };
    (kind, unfit.to_string())
}

fn differs(event: &Event, decided: &Event) -> Wrong {
    let kind = match &event.what {
        Happening::BidAccepted { .. } => FindingKind::Extension,
        Happening::LotClosed { .. } => FindingKind::Winner,
        Happening::SaleClosed(_) => FindingKind::Totals,
        Happening::LotOpened { .. }
        | Happening::Ticked
        | Happening::ClockNoted { .. }
        | Happening::OutageEnded { .. } => FindingKind::Rule,
    };
    (kind, format!("the ledger says {}; the rules say {}", say(&event.what), say(&decided.what)))
}

fn unfit_event(sale: &Sale, event: &Event, unfit: Unfit) -> Wrong {
    let input = event.input();
    match (&input, unfit) {
        (_, Unfit::Refused(refusal)) => (refused(sale, &input, refusal), refusal.to_string()),
        (Input::Outage { .. }, Unfit::TimeReversed { last }) => {
            let detail = format!("it covers time in which entries were made, up to {last}");
            (FindingKind::Outage, detail)
        }
        (Input::Outage { .. }, Unfit::Overdue { due }) => {
            let detail = format!("what fell due before it, at {due}, was not done");
            (FindingKind::Outage, detail)
        }
        (Input::Bid(bid), Unfit::Overdue { due }) if has_ended(sale, &bid.lot, event) => {
            let detail = format!("the lot had ended at {due}, or before");
            (FindingKind::Closed, detail)
        }
        (Input::LotClose { lot } | Input::LotOpen { lot }, _) if is_closed(sale, lot) => {
            (FindingKind::Closed, format!("lot {lot} had closed before"))
        }
        (_, unfit) => unfit_time(unfit),
    }
}

fn refused(sale: &Sale, input: &Input, refusal: Refusal) -> FindingKind {
    let has_price = |id: &LotId| sale.lot(id).is_some_and(|lot| lot.price().is_some());
    match (refusal, input) {
        (Refusal::TooLow { .. }, Input::Bid(bid)) if has_price(&bid.lot) => FindingKind::Increment,
        (Refusal::Closed, _) => FindingKind::Closed,
        (Refusal::Role, _) => FindingKind::Role,
        (
            Refusal::TooLow { .. }
            | Refusal::AlreadyLeading
            | Refusal::NoSuchLot
            | Refusal::NotOpen
            | Refusal::Seller,
            _,
        ) => FindingKind::Rule,
    }
}

fn is_closed(sale: &Sale, id: &LotId) -> bool {
    sale.lot(id).is_some_and(|lot| matches!(lot.state(), LotState::Closed { .. }))
}

fn has_ended(sale: &Sale, id: &LotId, event: &Event) -> bool {
    sale.lot(id).and_then(|lot| lot.ends_at()).is_some_and(|end| end <= event.at)
}

/// What happened, in a few words.
fn say(what: &Happening) -> String {
    use crate::auction::event::Outcome;
    let end = |ends_at: &Option<crate::time::Timestamp>| match ends_at {
        Some(ends_at) => format!("an end at {ends_at}"),
        None => "no end".to_owned(),
    };
    match what {
        Happening::BidAccepted { ends_at, .. } | Happening::LotOpened { ends_at, .. } => {
            end(ends_at)
        }
        Happening::LotClosed { outcome: Outcome::Sold { to, hammer_price }, .. } => {
            format!("sold to {to} for {hammer_price} minor units")
        }
        Happening::LotClosed { outcome: Outcome::Unsold(_), .. } => "unsold".to_owned(),
        Happening::SaleClosed(totals) => {
            let hammer = totals.hammer_total.map_or("beyond 2^53-1".to_owned(), |t| t.to_string());
            format!("{} sold, {} unsold, hammer total {hammer}", totals.sold, totals.unsold)
        }
        Happening::Ticked => "a tick".to_owned(),
        Happening::ClockNoted { wall, .. } => format!("the wall clock at {wall}"),
        Happening::OutageEnded { from } => format!("an outage from {from}"),
    }
}
