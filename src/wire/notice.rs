//! What every text connection hears of a frame, in the ledger's order.
//!
//! Clients of `gavel/1` get the lines themselves. The wording follows the older
//! auction: who bid how much on which item, and `ITEM → WINNER with PRICE`.

use std::collections::HashMap;

use crate::auction::act::{Act, Deed, Effect};
use crate::auction::event::{Bid, By, Event, Happening, Outcome, Totals, UnsoldReason};
use crate::auction::money::Currency;
use crate::auction::name::{LotId, Title};
use crate::auction::sale::Sale;
use crate::time::Timestamp;

/// Words the events of one sale. It remembers each lot's end, to tell an
/// extension from an end that stays.
#[derive(Debug)]
pub struct Announcer {
    currency: Currency,
    lots: HashMap<LotId, Announced>,
}

#[derive(Debug)]
struct Announced {
    name: Title,
    ends_at: Option<Timestamp>,
}

impl Announcer {
    /// An announcer for the sale as it stands now.
    pub fn new(sale: &Sale) -> Self {
        let lots = sale.lots().map(|lot| {
            let announced = Announced { name: lot.terms().name.clone(), ends_at: lot.ends_at() };
            (lot.terms().id.clone(), announced)
        });
        Self { currency: sale.catalogue().terms().currency.clone(), lots: lots.collect() }
    }

    /// The line that tells `event`, without its end; `None` where it is not worth telling.
    pub fn announce(&mut self, event: &Event) -> Option<String> {
        match &event.what {
            Happening::Acted { act, effect } => self.announce_act(act, effect),
            Happening::BidAccepted { bid, ends_at, reserve_met, .. } => {
                self.announce_bid(bid, *ends_at, *reserve_met)
            }
            Happening::LotOpened { lot, ends_at } => self.opened(lot, *ends_at),
            Happening::LotResumed { lot, ends_at } => self.resumed(lot, *ends_at),
            Happening::LotClosed { lot, outcome, .. } => self.closed(lot, outcome),
            Happening::OutageEnded { .. } => {
                Some("The server was away. Open items were given that time back.".to_owned())
            }
            Happening::SaleClosed(Totals { sold, unsold, withdrawn: 0, .. }) => {
                Some(format!("The sale has closed: {sold} sold, {unsold} unsold."))
            }
            Happening::SaleClosed(Totals { sold, unsold, withdrawn, .. }) => Some(format!(
                "The sale has closed: {sold} sold, {unsold} unsold, {withdrawn} withdrawn."
            )),
            Happening::ClockNoted { .. } | Happening::Ticked => None,
        }
    }

    fn announce_bid(
        &mut self,
        bid: &Bid,
        ends_at: Option<Timestamp>,
        reserve_met: Option<bool>,
    ) -> Option<String> {
        let announced = self.lots.get_mut(&bid.lot)?;
        let before = std::mem::replace(&mut announced.ends_at, ends_at);
        let amount = self.currency.display(bid.amount);
        let (bidder, lot, name) = (bid.party(), &bid.lot, &announced.name);
        let room = if matches!(bid.by, By::Room(_)) { ", in the room," } else { "" };
        let end = match ends_at {
            Some(at) if before.is_some() && before != ends_at => {
                format!(" Extended: it now ends at {at}.")
            }
            Some(at) if before.is_none() => format!(" It ends at {at}."),
            _ => String::new(),
        };
        let reserve = reserve(reserve_met);
        Some(format!(
            "{bidder}{room} bid {amount} on item {lot} ({name}). New highest bid: {amount}.{reserve}{end}"
        ))
    }

    fn announce_act(&mut self, act: &Act, effect: &Effect) -> Option<String> {
        let why = act.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let item = |lot: &LotId| {
            let name = &self.lots.get(lot)?.name;
            Some(format!("Item {lot} ({name})"))
        };
        match (&act.deed, effect) {
            (Deed::Open { lot }, Effect::Opened { ends_at }) => self.opened(lot, *ends_at),
            (Deed::Resume { lot }, Effect::Resumed { ends_at }) => self.resumed(lot, *ends_at),
            (Deed::Hammer { lot, .. }, Effect::Hammered { outcome, .. }) => {
                self.closed(lot, outcome)
            }
            (Deed::Pause { lot }, _) => Some(format!("{} is paused{why}.", item(lot)?)),
            (Deed::Extend { lot, ends_at }, _) => {
                let text = format!("{} now ends at {ends_at}{why}.", item(lot)?);
                self.lots.get_mut(lot)?.ends_at = Some(*ends_at);
                Some(text)
            }
            (Deed::Void { lot, .. }, Effect::Voided { ends_at, .. }) => {
                let text = format!("{}: the highest bid is void{why}.", item(lot)?);
                self.lots.get_mut(lot)?.ends_at = *ends_at;
                Some(text)
            }
            (Deed::Withdraw { lot }, _) => Some(format!("{} is withdrawn{why}.", item(lot)?)),
            (Deed::Reserve { lot, .. }, Effect::ReserveLowered { reserve_met }) => {
                let met = reserve(*reserve_met);
                Some(format!("{}: the reserve is lower now{why}.{met}", item(lot)?))
            }
            (Deed::Reissue { name, .. }, _) => {
                Some(format!("The name {name} has passed to another key{why}."))
            }
            (Deed::Say { lot: Some(lot), text }, _) => Some(format!("{}: {text}", item(lot)?)),
            (Deed::Say { lot: None, text }, _) => Some(format!("{}: {text}", act.role)),
            (Deed::Closing, _) => {
                Some("The auctioneer closes the sale: items with a running time finish.".to_owned())
            }
            (
                Deed::Open { .. }
                | Deed::Resume { .. }
                | Deed::Hammer { .. }
                | Deed::Void { .. }
                | Deed::Reserve { .. },
                _,
            ) => None,
        }
    }

    fn opened(&mut self, lot: &LotId, ends_at: Option<Timestamp>) -> Option<String> {
        let announced = self.lots.get_mut(lot)?;
        announced.ends_at = ends_at;
        Some(format!("Item {lot} ({}) is open for bids.", announced.name))
    }

    fn resumed(&mut self, lot: &LotId, ends_at: Option<Timestamp>) -> Option<String> {
        let announced = self.lots.get_mut(lot)?;
        announced.ends_at = ends_at;
        let end = ends_at.map(|at| format!(" It ends at {at}.")).unwrap_or_default();
        Some(format!("Item {lot} ({}) goes on.{end}", announced.name))
    }

    fn closed(&self, lot: &LotId, outcome: &Outcome) -> Option<String> {
        let name = &self.lots.get(lot)?.name;
        Some(match outcome {
            Outcome::Sold { to, hammer_price } => {
                format!("{name} → {to} with {}", self.currency.display(*hammer_price))
            }
            Outcome::Unsold(UnsoldReason::NoBids) => {
                format!("{name} → nobody: there was no bid")
            }
            Outcome::Unsold(UnsoldReason::ReserveNotMet) => {
                format!("{name} → nobody: the reserve was not met")
            }
            Outcome::Withdrawn => format!("{name} → nobody: it was withdrawn"),
        })
    }
}

/// Whether the reserve is met, where that is said (RULES 5).
const fn reserve(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => " Reserve met.",
        Some(false) => " Reserve not met.",
        None => "",
    }
}
