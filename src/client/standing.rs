//! How lots stand for the one who looks, whichever face shows it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::auction::event::{Event, Happening};
use crate::auction::lot::Lot;
use crate::auction::name::{LotId, Name, Party};

/// How somebody stands on a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Their bid is the highest, or has won.
    Leading,
    /// They have not bid.
    Out,
    /// They have bid, and another bid is higher, or has won.
    Outbid,
    /// They have bid, and no bid stands any more.
    Voided,
}

impl Standing {
    const fn of(leads: Option<bool>, has_bid: bool) -> Self {
        match (leads, has_bid) {
            (Some(true), _) => Self::Leading,
            (Some(false), true) => Self::Outbid,
            (None, true) => Self::Voided,
            (Some(false) | None, false) => Self::Out,
        }
    }
}

/// The lots on which somebody has bid, as the ledger tells.
#[derive(Clone, Debug)]
pub struct BidOn {
    me: Name,
    lots: BTreeSet<LotId>,
}

impl BidOn {
    /// No lot so far, for `me`.
    pub const fn nothing(me: Name) -> Self {
        Self { me, lots: BTreeSet::new() }
    }

    /// Takes in what happened.
    pub fn hear(&mut self, event: &Event) {
        if let Happening::BidAccepted { bid, .. } = &event.what
            && bid.party().is(&self.me)
        {
            self.lots.insert(bid.lot.clone());
        }
    }

    /// How they stand on a lot.
    pub fn standing(&self, lot: &Lot) -> Standing {
        let leads = |leader: &Party| leader.is(&self.me);
        Standing::of(lot.leader().map(leads), self.lots.contains(&lot.terms().id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_outbid_is_told_apart_from_whose_bid_is_void() {
        assert_eq!(Standing::of(Some(true), true), Standing::Leading);
        assert_eq!(Standing::of(Some(false), true), Standing::Outbid);
        assert_eq!(Standing::of(None, true), Standing::Voided);
        assert_eq!(Standing::of(Some(false), false), Standing::Out);
        assert_eq!(Standing::of(None, false), Standing::Out);
    }
}
