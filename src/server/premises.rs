//! What all sessions share: the gate, the frames, the terms they quote.

use std::sync::Arc;

use tokio::sync::watch;

use super::cosigned::Board;
use super::fanout::FanOut;
use super::files::LedgerReader;
use super::gate::Gate;
use crate::auction::money::Currency;
use crate::auction::name::{HouseName, SaleId, Title};
use crate::clock::Clock;
use crate::house::House;
use crate::ledger::hash::Hash;
use crate::pki::{Anchor, Identity, Revocations};
use crate::wire::text::Caller;

/// Whether the server takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It does.
    Running,
    /// It is about to stop: sessions finish what they owe and part.
    Stopping,
    /// The floor has stopped: no frame comes any more.
    Stopped,
}

/// The sale as sessions quote it; nothing here changes while it runs.
#[derive(Debug)]
pub(super) struct About {
    pub(super) sale: SaleId,
    pub(super) house: HouseName,
    pub(super) title: Title,
    pub(super) sale_hash: Hash,
    pub(super) currency: Currency,
    /// Whether hand-typed bids count.
    pub(super) attested: bool,
}

impl About {
    pub(super) fn of(house: &House) -> Self {
        let opening = house.opening();
        Self {
            sale: opening.sale.clone(),
            house: opening.house.clone(),
            title: opening.title.clone(),
            sale_hash: house.sale_hash(),
            currency: opening.terms.sale.currency.clone(),
            attested: opening.terms.sale.attested,
        }
    }
}

/// What all sessions share.
#[derive(Debug)]
pub(super) struct Premises {
    pub(super) about: About,
    pub(super) anchor: Anchor,
    pub(super) clock: Clock,
    pub(super) gate: Arc<Gate>,
    pub(super) fanout: Arc<FanOut>,
    /// The newest cosigned checkpoint.
    pub(super) cosigned: Board,
    pub(super) ledger: Arc<LedgerReader>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) phase: watch::Sender<Phase>,
    /// Rises with every revocation list that was put in force.
    pub(super) revoked: watch::Sender<u64>,
}

impl Premises {
    /// Who `identity` is, as text commands tell it.
    pub(super) fn caller(&self, identity: &Identity) -> Caller {
        Caller {
            name: identity.name.clone(),
            role: identity.role,
            house: identity.house.clone(),
            not_after: identity.not_after,
        }
    }
}
