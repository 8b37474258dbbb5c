//! What is true after a step, in the words of the scripts.

use gavel::auction::{
    Event, Happening, Lot, LotState, Outcome, Refusal, ReserveFault, Sale, Totals, Unfit,
    UnsoldReason,
};
use gavel::time::Timestamp;

use super::reading::MIDNIGHT_MS;

pub(crate) fn event_facts(event: &Event) -> Vec<String> {
    match &event.what {
        Happening::Acted { .. } => vec!["done".to_owned()],
        Happening::LotResumed { ends_at, .. } => vec!["yes".to_owned(), end_fact(*ends_at)],
        Happening::BidAccepted { .. } => vec!["stands".to_owned()],
        Happening::LotOpened { ends_at, .. } => vec!["yes".to_owned(), end_fact(*ends_at)],
        Happening::LotClosed { outcome, .. } => vec![outcome_fact(outcome)],
        Happening::Ticked => vec!["yes".to_owned()],
        Happening::ClockNoted { .. } | Happening::OutageEnded { .. } => vec!["noted".to_owned()],
        Happening::SaleClosed(totals) => totals_facts(*totals),
    }
}

pub(crate) fn totals_facts(totals: Totals) -> Vec<String> {
    let total = match totals.hammer_total {
        Some(total) => format!("total {total}"),
        None => "total beyond the cap".to_owned(),
    };
    let Totals { sold, unsold, withdrawn, .. } = totals;
    vec![
        format!("{sold} sold"),
        format!("{unsold} unsold"),
        format!("{withdrawn} withdrawn"),
        total,
    ]
}

pub(crate) fn unfit(why: Unfit) -> Vec<String> {
    match why {
        Unfit::Refused(refusal) => {
            let mut facts = vec![refusal.code().as_str().replace('-', " ")];
            if let Refusal::TooLow { least } = refusal {
                facts.push(format!("least {least}"));
            }
            facts
        }
        Unfit::Reserve(fault) => vec![match fault {
            ReserveFault::Unasked => "unasked".to_owned(),
            ReserveFault::Unsaid => "unsaid".to_owned(),
            ReserveFault::Contradicted => "contradicted".to_owned(),
            ReserveFault::Unopened { openings, commitments } => {
                format!("{openings} opened of {commitments}")
            }
            ReserveFault::Broken { reserve } => format!("broken by {reserve}"),
            ReserveFault::NotFalling { reserve } => format!("not falling at {reserve}"),
        }],
        Unfit::TimeReversed { last } => vec![format!("time goes back to before {}", clock(last))],
        Unfit::Overdue { due } => vec![format!("overdue since {}", clock(due))],
        Unfit::NotDue => vec!["not due".to_owned()],
        Unfit::NoDrift => vec!["not newly apart".to_owned()],
        Unfit::SaleClosed => vec!["sale closed".to_owned()],
    }
}

pub(crate) fn lot_facts(lot: &Lot) -> Vec<String> {
    let state = match lot.state() {
        LotState::Pending => vec!["pending".to_owned()],
        LotState::Open { ends_at, .. } => vec!["open".to_owned(), end_fact(*ends_at)],
        LotState::Paused { left, .. } => {
            let left = left.map_or_else(|| "no end".to_owned(), |left| format!("{left} left"));
            vec!["paused".to_owned(), left]
        }
        LotState::Closed { outcome, at } => {
            let at = format!("closed at {}", clock(*at));
            vec!["closed".to_owned(), outcome_fact(outcome), at]
        }
    };
    let price = lot.price().map_or("no price".to_owned(), |price| format!("price {price}"));
    let leader = lot.leader().map_or("no leader".to_owned(), |leader| format!("leader {leader}"));
    let ask = format!("ask {}", lot.ask());
    let bid = lot.standing().map(|high| format!("bid {}", high.seq));
    let reserve = lot.reserve_met().map(|met| if met { "reserve met" } else { "reserve not met" });
    let revealed =
        lot.revealed_reserves().last().copied().map(|reserve| format!("reserve {reserve}"));
    let reserves = format!("{} reserves", lot.promises().len());
    let counts =
        [format!("bids {}", lot.bids_accepted()), format!("extended {}", lot.extensions())];
    let opened = lot.opened_at().map(|at| format!("opened at {}", clock(at)));
    let scheduled = lot.scheduled_end().map(|at| format!("scheduled end {}", clock(at)));
    state
        .into_iter()
        .chain([price, leader, ask])
        .chain(bid)
        .chain(reserve.map(str::to_owned))
        .chain(revealed)
        .chain([reserves])
        .chain(counts)
        .chain(opened)
        .chain(scheduled)
        .collect()
}

pub(crate) fn end_fact(ends_at: Option<Timestamp>) -> String {
    ends_at.map_or_else(|| "no end".to_owned(), |end| format!("ends {}", clock(end)))
}

pub(crate) fn outcome_fact(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sold { to, hammer_price } => format!("sold to {to} at {hammer_price}"),
        Outcome::Unsold(UnsoldReason::NoBids) => "unsold without bids".to_owned(),
        Outcome::Unsold(UnsoldReason::ReserveNotMet) => "unsold under the reserve".to_owned(),
        Outcome::Withdrawn => "withdrawn".to_owned(),
    }
}

pub(crate) fn due_fact(sale: &Sale) -> String {
    match sale.due() {
        Some((at, input)) => format!("{input:?} at {}", clock(at)),
        None => "yes".to_owned(),
    }
}

pub(crate) fn clock(at: Timestamp) -> String {
    let ms = at.unix_ms() - MIDNIGHT_MS;
    let (s, ms) = (ms / 1000, ms % 1000);
    let whole = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if ms == 0 { whole } else { format!("{whole}.{ms:03}") }
}
