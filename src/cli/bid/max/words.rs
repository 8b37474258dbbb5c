//! What an agent with maxima says.

use super::{End, LotView, Next, PlacedBid, Wait};
use crate::auction::event::UnsoldReason;
use crate::auction::lot::LotState;
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{Name, Title};
use crate::auction::refusal::Code;
use crate::wire::message::advice;
use crate::wire::text;

/// How a lot stands before the first bid.
pub(super) fn beginning(lot: &LotView, maximum: Amount, currency: &Currency) -> String {
    let maximum = currency.display(maximum);
    format!("{}, up to {maximum}: {}", item(lot, "Item"), text::status(lot, currency))
}

/// How a lot stands when nothing more is bid on it.
pub(super) fn standing(lot: &LotView, us: &Name, currency: &Currency) -> String {
    let status = text::status(lot, currency);
    let status = format!("{}: {}", item(lot, "Item"), status.trim_end());
    match lot.high() {
        Some((leader, _)) if leader.is(us) => {
            format!("{status} You lead: that bid stands, and wins unless somebody bids more.\n")
        }
        Some(_) | None => format!("{status}\n"),
    }
}

/// What has become of a lot; empty where the sale's own news say it.
pub(super) fn news(next: &Next, lot: &LotView, maximum: Amount, currency: &Currency) -> String {
    match next {
        Next::Over(end) => ended(end, &item(lot, "item"), currency),
        Next::Wait(Wait::Beyond) => format!(
            "The ask on {} is {}, above your maximum of {}: nothing more is bid, unless the ask \
             falls because a bid is voided.\n",
            item(lot, "item"),
            currency.display(lot.ask),
            currency.display(maximum)
        ),
        Next::Wait(Wait::Leading) if lot.reserve_met == Some(false) => format!(
            "You lead on {}, and the reserve is not met: as it stands nobody wins it.\n",
            item(lot, "item")
        ),
        Next::Bid(_)
        | Next::Wait(Wait::Answer | Wait::Leading | Wait::Lines | Wait::NotOpen | Wait::Paused) => {
            String::new()
        }
    }
}

fn ended(end: &End, item: &str, currency: &Currency) -> String {
    match end {
        End::Won(price) => format!("You have won {item} with {}.\n", currency.display(*price)),
        End::Outbid { by, price } => {
            format!("You have not won {item}: {by} won it with {}.\n", currency.display(*price))
        }
        End::Unsold(UnsoldReason::NoBids) => {
            format!("You have not won {item}: there was no bid.\n")
        }
        End::Unsold(UnsoldReason::ReserveNotMet) => {
            format!("You have not won {item}: the reserve was not met.\n")
        }
        End::Withdrawn => format!("You have not won {item}: it was withdrawn.\n"),
        End::Voided => {
            format!("Nothing more is bid on {item}: the auctioneer has voided your bid.\n")
        }
        End::Barred(code) => {
            format!("Nothing more is bid on {item}. {} [{code}]\n", advice(*code))
        }
    }
}

/// Somebody else's bid was judged first.
pub(super) fn too_late(bid: &PlacedBid, currency: &Currency) -> String {
    let (amount, lot) = (currency.display(bid.amount), &bid.lot);
    format!(
        "Somebody was faster: your bid of {amount} on item {lot} was too low when it came. [{}]\n",
        Code::TooLow
    )
}

/// Whether nothing more can be bid on a lot.
pub(super) const fn is_closed(lot: &LotView) -> bool {
    matches!(lot.state, LotState::Closed { .. })
}

/// `item 1 (Quilt)`.
fn item(lot: &LotView, word: &str) -> String {
    format!("{word} {} ({})", lot.lot, lot.name.as_ref().map_or("?", Title::as_str))
}
