//! The sale's witnesses: others who cosign its checkpoints while it runs, so that
//! no ledger can be taken back that they have seen (C2SP tlog-witness).
//!
//! ```text
//! floor --newest checkpoint--> collector --add-checkpoint--> witness, witness, witness
//!       <--proof from a size--           <--cosignature-----
//!                              |
//!                              +--> <sale>.cosigned, and everybody who listens
//! ```
//!
//! All of it stands beside the sale and never in its way: a bid waits for no
//! witness, and a sale without any runs as well. [`rounds`] decides who is asked
//! for what and when, and knows no socket; a [`carrier`] carries; a [`collector`]
//! puts the two together. Before a sale begins or goes on, [`Witnesses::look`]
//! asks what each of them remembers of it.

mod carrier;
mod collector;
mod errand;
mod gathering;
mod list;
mod report;
mod rounds;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::timeout;

pub use carrier::Unheard;
pub use list::{Witness, WitnessFault};
pub use report::{Cosigning, WitnessReport};

pub(super) use collector::Ends;
pub(super) use errand::{Errand, Prepared};

use crate::ledger::CosignerKey;
use crate::limits::WITNESS_LOOK_TIMEOUT;
use crate::pki::{TlsFault, web_client_config};
use carrier::Carrier;

/// The witnesses of one sale, and the way to them.
#[derive(Clone, Debug)]
pub struct Witnesses {
    list: Arc<[Witness]>,
    carrier: Carrier,
}

/// Why the witnesses cannot be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessesFault {
    /// The list is not one.
    #[error(transparent)]
    List(#[from] WitnessFault),
    /// Nobody could judge their certificates.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

/// What a witness remembers of a ledger, as it shows it.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: CosignerKey,
    /// The note of the newest checkpoint that it has cosigned, checked by nobody; none if it has
    /// cosigned none.
    pub shows: Result<Option<String>, Unheard>,
}

impl Witnesses {
    /// Takes the witnesses of the ledger `origin`; without any there is nobody to ask.
    pub fn new(list: Vec<Witness>, origin: &str) -> Result<Option<Self>, WitnessesFault> {
        if list.is_empty() {
            return Ok(None);
        }
        list::check(&list, origin)?;
        let judges = list.iter().any(|witness| witness.prefix.is_https());
        let carrier = Carrier::new(web_client_config(judges)?);
        Ok(Some(Self { list: list.into(), carrier }))
    }

    /// The witnesses, in the order in which they were given.
    pub fn list(&self) -> &[Witness] {
        &self.list
    }

    fn keys(&self) -> Vec<CosignerKey> {
        self.list.iter().map(|witness| witness.key.clone()).collect()
    }

    /// Asks each of them once, all at the same time, what it remembers of the ledger `origin`. It
    /// takes a few seconds at the most.
    pub async fn look(&self, origin: &str) -> Vec<Looked> {
        let mut asked = JoinSet::new();
        for (place, witness) in self.list.iter().cloned().enumerate() {
            let (carrier, origin) = (self.carrier.clone(), origin.to_owned());
            asked.spawn(async move {
                let shown = carrier.shown(&witness.prefix, &origin);
                let shows = timeout(WITNESS_LOOK_TIMEOUT.into(), shown).await;
                let shows = shows.unwrap_or(Err(Unheard::TimedOut));
                (place, Looked { name: witness.name().to_owned(), key: witness.key, shows })
            });
        }
        let mut looked = asked.join_all().await;
        looked.sort_by_key(|(place, _)| *place);
        looked.into_iter().map(|(_, looked)| looked).collect()
    }
}

#[cfg(test)]
mod tests;
