//! The rules asked again: what an entry should have been, and the name for it
//! when it is something else.

use super::finding::FindingKind;
use crate::auction::act::Effect;
use crate::auction::event::{Event, Happening, Input, Outcome, Totals};
use crate::auction::lot::LotState;
use crate::auction::name::LotId;
use crate::auction::refusal::{Refusal, Unfit};
use crate::auction::sale::Sale;
use crate::time::Timestamp;

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
        Unfit::Reserve(_) => FindingKind::Reserve,
    };
    (kind, unfit.to_string())
}

fn differs(event: &Event, decided: &Event) -> Wrong {
    let kind = match (&event.what, &decided.what) {
        (Happening::Acted { effect, .. }, Happening::Acted { effect: right, .. }) => {
            differing_effect(effect, right)
        }
        (Happening::BidAccepted { .. } | Happening::LotResumed { .. }, _) => FindingKind::Extension,
        (Happening::LotOpened { .. }, _) => FindingKind::Extension,
        (Happening::LotClosed { .. }, _) => FindingKind::Winner,
        (Happening::SaleClosed(_), _) => FindingKind::Totals,
        (
            Happening::Acted { .. }
            | Happening::Ticked
            | Happening::ClockNoted { .. }
            | Happening::OutageEnded { .. },
            _,
        ) => FindingKind::Rule,
    };
    (kind, format!("the ledger says {}; the rules say {}", say(&event.what), say(&decided.what)))
}

fn differing_effect(effect: &Effect, right: &Effect) -> FindingKind {
    match (effect, right) {
        (Effect::Voided { standing, .. }, Effect::Voided { standing: right, .. })
            if standing != right =>
        {
            FindingKind::Rule
        }
        (Effect::Hammered { .. }, _) => FindingKind::Winner,
        (
            Effect::Opened { .. }
            | Effect::Paused { .. }
            | Effect::Resumed { .. }
            | Effect::Voided { .. },
            _,
        ) => FindingKind::Extension,
        (
            Effect::Closing
            | Effect::Extended
            | Effect::Reissued
            | Effect::ReserveLowered { .. }
            | Effect::Said
            | Effect::Withdrawn { .. },
            _,
        ) => FindingKind::Rule,
    }
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
        (input, Unfit::Overdue { due })
            if lot_of(input).is_some_and(|lot| has_ended(sale, lot, event)) =>
        {
            let detail = format!("the lot had ended at {due}, or before");
            (FindingKind::Closed, detail)
        }
        (Input::LotClose { lot, .. } | Input::LotOpen { lot } | Input::LotResume { lot }, _)
            if is_closed(sale, lot) =>
        {
            (FindingKind::Closed, format!("lot {lot} had closed before"))
        }
        (_, unfit) => unfit_time(unfit),
    }
}

fn refused(sale: &Sale, input: &Input, refusal: Refusal) -> FindingKind {
    let has_price = |id: &LotId| sale.lot(id).is_some_and(|lot| lot.price().is_some());
    match (refusal, input) {
        (Refusal::TooLow { .. }, Input::Bid { bid, .. }) if has_price(&bid.lot) => {
            FindingKind::Increment
        }
        (Refusal::NotPaused | Refusal::NotPending, input)
            if lot_of(input).is_some_and(|lot| is_closed(sale, lot)) =>
        {
            FindingKind::Closed
        }
        (Refusal::Closed, _) => FindingKind::Closed,
        (Refusal::NotLater, _) => FindingKind::Extension,
        (Refusal::NoReason | Refusal::Role, _) => FindingKind::Role,
        (Refusal::ReserveNotLowered, _) => FindingKind::Reserve,
        (
            Refusal::TooLow { .. }
            | Refusal::AlreadyLeading
            | Refusal::BidIn
            | Refusal::NoBid
            | Refusal::NoRoomBids
            | Refusal::NoSuchLot
            | Refusal::NotOpen
            | Refusal::NotPaused
            | Refusal::NotPending
            | Refusal::OpenLots
            | Refusal::Paused
            | Refusal::Seller
            | Refusal::WithoutReserve,
            _,
        ) => FindingKind::Rule,
    }
}

/// The lot that a bid or an act is on.
fn lot_of(input: &Input) -> Option<&LotId> {
    match input {
        Input::Act { act, .. } => act.deed.lot(),
        Input::Bid { bid, .. } => Some(&bid.lot),
        Input::LotOpen { .. }
        | Input::LotClose { .. }
        | Input::LotResume { .. }
        | Input::Tick
        | Input::Clock { .. }
        | Input::Outage { .. }
        | Input::Close => None,
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
    match what {
        Happening::Acted { effect, .. } => say_effect(effect),
        Happening::BidAccepted { ends_at, .. }
        | Happening::LotOpened { ends_at, .. }
        | Happening::LotResumed { ends_at, .. } => say_end(*ends_at),
        Happening::LotClosed { outcome, .. } => say_outcome(outcome),
        Happening::SaleClosed(totals) => {
            let hammer = totals.hammer_total.map_or("beyond 2^53-1".to_owned(), |t| t.to_string());
            let Totals { sold, unsold, withdrawn, .. } = totals;
            format!("{sold} sold, {unsold} unsold, {withdrawn} withdrawn, hammer total {hammer}")
        }
        Happening::Ticked => "a tick".to_owned(),
        Happening::ClockNoted { wall, .. } => format!("the wall clock at {wall}"),
        Happening::OutageEnded { from } => format!("an outage from {from}"),
    }
}

fn say_end(ends_at: Option<Timestamp>) -> String {
    ends_at.map_or("no end".to_owned(), |ends_at| format!("an end at {ends_at}"))
}

fn say_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sold { to, hammer_price } => {
            format!("sold to {to} for {hammer_price} minor units")
        }
        Outcome::Unsold(_) | Outcome::Withdrawn => outcome.as_str().to_owned(),
    }
}

fn say_effect(effect: &Effect) -> String {
    match effect {
        Effect::Hammered { outcome, .. } => say_outcome(outcome),
        Effect::Opened { ends_at } | Effect::Resumed { ends_at } => say_end(*ends_at),
        Effect::Paused { left: Some(left) } => format!("{left} left"),
        Effect::Paused { left: None } => "no end".to_owned(),
        Effect::Voided { standing, ends_at, .. } => {
            let standing =
                standing.map_or("no bid".to_owned(), |seq| format!("the bid of line {seq}"));
            format!("{standing} standing, and {}", say_end(*ends_at))
        }
        Effect::Closing
        | Effect::Extended
        | Effect::Reissued
        | Effect::ReserveLowered { .. }
        | Effect::Said
        | Effect::Withdrawn { .. } => "the act alone".to_owned(),
    }
}
