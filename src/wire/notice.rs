//! What every text connection hears of a frame, in the ledger's order.
//!
//! Clients of `gavel/1` get the lines themselves. The wording follows the older
//! auction: who bid how much on which item, and `ITEM → WINNER with PRICE`.

use std::collections::HashMap;

use crate::auction::event::{Event, Happening, Outcome, UnsoldReason};
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
            Happening::BidAccepted { bid, ends_at } => {
                let announced = self.lots.get_mut(&bid.lot)?;
                let before = std::mem::replace(&mut announced.ends_at, *ends_at);
                let amount = self.currency.display(bid.amount);
                let (bidder, lot, name) = (&bid.bidder, &bid.lot, &announced.name);
                let end = match ends_at {
                    Some(at) if before.is_some() && before != *ends_at => {
                        format!(" Extended: it now ends at {at}.")
                    }
                    Some(at) if before.is_none() => format!(" It ends at {at}."),
                    _ => String::new(),
                };
                Some(format!(
                    "{bidder} bid {amount} on item {lot} ({name}). New highest bid: {amount}.{end}"
                ))
            }
            Happening::LotOpened { lot, ends_at } => {
                let announced = self.lots.get_mut(lot)?;
                announced.ends_at = *ends_at;
                Some(format!("Item {lot} ({}) is open for bids.", announced.name))
            }
            Happening::LotClosed { lot, outcome } => {
                let name = &self.lots.get(lot)?.name;
                Some(match outcome {
                    Outcome::Sold { to, hammer_price } => {
                        format!("{name} → {to} with {}", self.currency.display(*hammer_price))
                    }
                    Outcome::Unsold(UnsoldReason::NoBids) => {
                        format!("{name} → nobody: there was no bid")
                    }
                })
            }
            Happening::OutageEnded { .. } => {
                Some("The server was away. Open items were given that time back.".to_owned())
            }
            Happening::SaleClosed(totals) => Some(format!(
                "The sale has closed: {} sold, {} unsold.",
                totals.sold, totals.unsold
            )),
            Happening::ClockNoted { .. } | Happening::Ticked => None,
        }
    }
}
