//! The demo's server: the real one, in this process.

use std::future::Future;
use std::net::SocketAddr;

use tokio::sync::oneshot;

use super::{Failure, failed};
use crate::auction::catalogue::{LotTerms, SaleTerms, VoidPolicy};
use crate::auction::money::Currency;
use crate::auction::name::Title;
use crate::cli::fault;
use crate::clock::Clock;
use crate::limits::{REFUSAL_BYTES_MAX, REFUSALS_PER_MINUTE_MAX, RESTART_GRACE};
use crate::loadtest::{self, TrialHouse};
use crate::pki::keys::KeyFault;
use crate::pki::{Address, ServeFolder};
use crate::record::Terms;
use crate::server::{MarkUsed, Sealing, Server, Settings, Setup, begin};
use crate::time::Span;

/// A port on loopback that nobody listens on now.
pub(super) fn free_address() -> Result<Address, Failure> {
    loadtest::free_address().map_err(|error| failed(fault::whole(&error)))
}

/// A server that listens.
pub(super) struct Stage {
    server: Server,
}

impl Stage {
    /// Opens the sale and listens where the house's credentials say.
    pub(super) async fn open(
        house: &TrialHouse,
        lots: Vec<LotTerms>,
        ends_in: Span,
        clock: Clock,
    ) -> Result<Self, Failure> {
        let folder = house.pki().serve();
        let serving = folder.open(clock.now())?;
        let sealing =
            folder.sealing_credential(house.sale(), house.anchor(), house.name(), clock.now())?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| KeyFault::Randomness)?;
        let setup = Setup {
            house: house.name().clone(),
            sale: house.sale().clone(),
            title: Title::parse("The gavel demo").expect("a title"),
            lots,
            reserves: Vec::new(),
            terms: terms(clock, ends_in),
            anchor: house.anchor().clone(),
            sealer: sealing.certificate,
            nonce,
            software: Title::parse(concat!("gavel ", env!("CARGO_PKG_VERSION"))).expect("a title"),
            ledger_folder: house.ledgers(),
            checkpoint_folder: None,
            copy_folder: None,
            accept_clock: false,
            shown: Vec::new(),
        };
        let sale = house.sale().clone();
        let mark_used = MarkUsed(Box::new(|| folder.mark_sealing_key_used(&sale)));
        let sealing = Sealing { key: Some(sealing.key), used: false, mark_used };
        let begun = begin(setup, sealing).map_err(|error| failed(fault::whole(&error)))?;
        let settings = Settings {
            listen: listen(house.address()),
            key: serving.server,
            anchor: serving.anchor,
            crl: Some(folder.crl_path()),
            witnesses: None,
            exit_on_close: false,
            on_finished: Box::new(erase(folder.clone(), house)),
        };
        let server = Server::bind(settings, begun).await;
        Ok(Self { server: server.map_err(|error| failed(fault::whole(&error)))? })
    }

    /// Serves until told to stop.
    pub(super) fn serve(
        self,
        stopped: oneshot::Receiver<()>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let stop = async {
            // A story that has gone needs no server either.
            let _ = stopped.await;
        };
        async move {
            match self.server.run(stop).await {
                Ok(_) => Ok(()),
                Err(error) => Err(failed(fault::whole(&error))),
            }
        }
    }
}

/// As `serve --allow-unsigned --ends-in` would have them.
fn terms(clock: Clock, ends_in: Span) -> Terms {
    Terms {
        sale: SaleTerms {
            currency: Currency::seed(),
            attested: true,
            opens_at: None,
            sale_ends_at: Some(clock.now().plus(ends_in)),
            restart_grace: RESTART_GRACE,
            room_bids: false,
            void_policy: VoidPolicy::Reinstate,
        },
        fees: None,
        refusal_bytes_max: REFUSAL_BYTES_MAX,
        refusals_per_minute_max: REFUSALS_PER_MINUTE_MAX,
    }
}

fn listen(address: &Address) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], address.port()))
}

/// The sealing key goes when the last seal stands.
fn erase(folder: ServeFolder, house: &TrialHouse) -> impl Fn() + Send + use<> {
    let sale = house.sale().clone();
    // A key that cannot be erased is thrown away with the house.
    move || drop(folder.erase_sealing_key(&sale))
}
