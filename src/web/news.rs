//! What happens in the sale, as facts for a page: it finds the words.

use std::collections::HashMap;

use serde::Serialize;

use super::board::Who;
use crate::auction::act::{Act, Deed, Effect};
use crate::auction::event::{Bid, By, Event, Happening, Outcome};
use crate::auction::name::{LotId, Name};
use crate::auction::sale::Sale;
use crate::time::Timestamp;

/// One entry of the ledger that people want to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct News {
    seq: u64,
    at: u64,
    #[serde(flatten)]
    fact: Fact,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum Fact {
    Bid {
        lot: String,
        who: Who,
        amount: u64,
        mine: bool,
        /// The one who was outbid by it is us.
        outbids_us: bool,
        /// From the room, by the hand of staff.
        room: bool,
        ends_at: Option<u64>,
        /// It moved the end.
        extended: bool,
        reserve_met: Option<bool>,
    },
    Closed {
        lot: String,
        outcome: &'static str,
        who: Option<Who>,
        amount: Option<u64>,
        mine: bool,
    },
    Closing,
    Extended {
        lot: String,
        ends_at: u64,
        reason: Option<String>,
    },
    Opened {
        lot: String,
        ends_at: Option<u64>,
    },
    Outage,
    Paused {
        lot: String,
        reason: Option<String>,
    },
    Reissued {
        name: String,
        reason: Option<String>,
    },
    ReserveLowered {
        lot: String,
        reason: Option<String>,
        reserve_met: Option<bool>,
    },
    Resumed {
        lot: String,
        ends_at: Option<u64>,
    },
    Said {
        lot: Option<String>,
        by: &'static str,
        text: String,
    },
    SaleClosed {
        sold: u64,
        unsold: u64,
        withdrawn: u64,
        hammer_total: Option<u64>,
    },
    Voided {
        lot: String,
        reason: Option<String>,
    },
}

impl News {
    /// The lot that it is about; none where all may be.
    pub(super) fn lot(&self) -> Option<&str> {
        match &self.fact {
            Fact::Bid { lot, .. }
            | Fact::Closed { lot, .. }
            | Fact::Extended { lot, .. }
            | Fact::Opened { lot, .. }
            | Fact::Paused { lot, .. }
            | Fact::ReserveLowered { lot, .. }
            | Fact::Resumed { lot, .. }
            | Fact::Voided { lot, .. } => Some(lot),
            Fact::Said { lot, .. } => lot.as_deref(),
            Fact::Closing | Fact::Outage | Fact::Reissued { .. } | Fact::SaleClosed { .. } => None,
        }
    }

    /// Whether lots may stand otherwise than before, all of them.
    pub(super) const fn moves_every_lot(&self) -> bool {
        matches!(&self.fact, Fact::Closing | Fact::Outage | Fact::SaleClosed { .. })
    }
}

/// Makes news of events. It remembers each lot's end and leader, to tell an extension from an end
/// that stays and a bidder who was outbid from one who was not.
pub(super) struct Reporter {
    me: Name,
    lots: HashMap<LotId, Known>,
}

#[derive(Default)]
struct Known {
    ends_at: Option<Timestamp>,
    we_lead: bool,
}

impl Reporter {
    /// A reporter for `me`, on the sale as it stands.
    pub(super) fn new(me: Name, sale: Option<&Sale>) -> Self {
        let known = |lot: &crate::auction::lot::Lot| {
            let we_lead = lot.standing().is_some_and(|high| high.bidder.is(&me));
            (lot.terms().id.clone(), Known { ends_at: lot.ends_at(), we_lead })
        };
        let lots = sale.into_iter().flat_map(Sale::lots).map(known).collect();
        Self { me, lots }
    }

    /// What to tell of an event; nothing of ticks and clocks.
    pub(super) fn tell(&mut self, seq: u64, event: &Event, sale: Option<&Sale>) -> Option<News> {
        let fact = match &event.what {
            Happening::Acted { act, effect } => self.act(act, effect, sale)?,
            Happening::BidAccepted { bid, ends_at, reserve_met, .. } => {
                self.bid(bid, *ends_at, *reserve_met)
            }
            Happening::LotOpened { lot, ends_at } => self.opened(lot, *ends_at),
            Happening::LotResumed { lot, ends_at } => self.resumed(lot, *ends_at),
            Happening::LotClosed { lot, outcome, .. } => self.closed(lot, outcome),
            Happening::OutageEnded { .. } => Fact::Outage,
            Happening::SaleClosed(totals) => Fact::SaleClosed {
                sold: totals.sold,
                unsold: totals.unsold,
                withdrawn: totals.withdrawn,
                hammer_total: totals.hammer_total,
            },
            Happening::ClockNoted { .. } | Happening::Ticked => return None,
        };
        Some(News { seq, at: event.at.unix_ms(), fact })
    }

    fn known(&mut self, lot: &LotId) -> &mut Known {
        self.lots.entry(lot.clone()).or_default()
    }

    fn bid(&mut self, bid: &Bid, ends_at: Option<Timestamp>, reserve_met: Option<bool>) -> Fact {
        let party = bid.party();
        let mine = party.is(&self.me);
        let known = self.known(&bid.lot);
        let before = std::mem::replace(&mut known.ends_at, ends_at);
        let led = std::mem::replace(&mut known.we_lead, mine);
        Fact::Bid {
            lot: text(&bid.lot),
            who: Who::from(&party),
            amount: bid.amount.minor_units(),
            mine,
            outbids_us: led && !mine,
            room: matches!(bid.by, By::Room(_)),
            ends_at: ends_at.map(Timestamp::unix_ms),
            extended: before.is_some() && before != ends_at,
            reserve_met,
        }
    }

    fn opened(&mut self, lot: &LotId, ends_at: Option<Timestamp>) -> Fact {
        self.known(lot).ends_at = ends_at;
        Fact::Opened { lot: text(lot), ends_at: ends_at.map(Timestamp::unix_ms) }
    }

    fn resumed(&mut self, lot: &LotId, ends_at: Option<Timestamp>) -> Fact {
        self.known(lot).ends_at = ends_at;
        Fact::Resumed { lot: text(lot), ends_at: ends_at.map(Timestamp::unix_ms) }
    }

    fn closed(&self, lot: &LotId, outcome: &Outcome) -> Fact {
        let (who, amount, mine) = match outcome {
            Outcome::Sold { to, hammer_price } => {
                (Some(Who::from(to)), Some(hammer_price.minor_units()), to.is(&self.me))
            }
            Outcome::Unsold(_) | Outcome::Withdrawn => (None, None, false),
        };
        Fact::Closed { lot: text(lot), outcome: outcome.as_str(), who, amount, mine }
    }

    fn act(&mut self, act: &Act, effect: &Effect, sale: Option<&Sale>) -> Option<Fact> {
        let reason = act.reason.as_ref().map(|reason| reason.as_str().to_owned());
        Some(match (&act.deed, effect) {
            (Deed::Open { lot }, Effect::Opened { ends_at }) => self.opened(lot, *ends_at),
            (Deed::Resume { lot }, Effect::Resumed { ends_at }) => self.resumed(lot, *ends_at),
            (Deed::Hammer { lot, .. }, Effect::Hammered { outcome, .. }) => {
                self.closed(lot, outcome)
            }
            (Deed::Withdraw { lot }, _) => self.closed(lot, &Outcome::Withdrawn),
            (Deed::Pause { lot }, _) => Fact::Paused { lot: text(lot), reason },
            (Deed::Extend { lot, ends_at }, _) => {
                self.known(lot).ends_at = Some(*ends_at);
                Fact::Extended { lot: text(lot), ends_at: ends_at.unix_ms(), reason }
            }
            (Deed::Void { lot, .. }, Effect::Voided { ends_at, .. }) => {
                let standing = sale.and_then(|sale| sale.lot(lot)?.standing());
                let we_lead = standing.is_some_and(|high| high.bidder.is(&self.me));
                *self.known(lot) = Known { ends_at: *ends_at, we_lead };
                Fact::Voided { lot: text(lot), reason }
            }
            (Deed::Reserve { lot, .. }, Effect::ReserveLowered { reserve_met }) => {
                Fact::ReserveLowered { lot: text(lot), reason, reserve_met: *reserve_met }
            }
            (Deed::Reissue { name, .. }, _) => {
                Fact::Reissued { name: name.as_str().to_owned(), reason }
            }
            (Deed::Say { lot, text: said }, _) => Fact::Said {
                lot: lot.as_ref().map(text),
                by: act.role.as_str(),
                text: said.as_str().to_owned(),
            },
            (Deed::Closing, _) => Fact::Closing,
            (
                Deed::Open { .. }
                | Deed::Resume { .. }
                | Deed::Hammer { .. }
                | Deed::Void { .. }
                | Deed::Reserve { .. },
                _,
            ) => return None,
        })
    }
}

fn text(lot: &LotId) -> String {
    lot.as_str().to_owned()
}
