//! Where a load test takes place: a house of its own with its server, from the making of the keys
//! to the audit of the ledger.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit, setrlimit};

use super::bidder;
use super::check::{self, Checked};
use super::disk;
use super::offer::Offer;
use super::process::{LOOK_EVERY, Process, Said};
use super::report::{Conditions, Percentiles};
use super::tally::Tally;
use super::trial::TrialHouse;
use super::witness::WitnessProcesses;
use super::{LoadFailure, Plan, Stage, Style};
use crate::auction::lot::LotState;
use crate::auction::name::{Name, Role};
use crate::client::{Caller, Session};
use crate::clock::{Clock, Stopwatch};
use crate::pki::Address;
use crate::pki::keys;
use crate::wire::lot::LotView;

/// A house whose server runs; both end with this value.
pub(super) struct Venue {
    pub(super) address: Address,
    pub(super) offer: Arc<Offer>,
    pub(super) server: Process,
    pub(super) conditions: Conditions,
    house: TrialHouse,
    clock: Clock,
    witnesses: WitnessProcesses,
    plan: Plan,
}

/// What is known once it has closed.
pub(super) struct Closed {
    pub(super) checked: Checked,
    pub(super) said: Said,
    pub(super) disk_sync: Percentiles,
}

impl Venue {
    /// Makes the house and starts its server, for so many connections in all.
    pub(super) async fn open(plan: &Plan, connections: usize) -> Result<Self, LoadFailure> {
        let conditions = Conditions::here();
        allow_descriptors(connections)?;
        let address = free_address().map_err(LoadFailure::Port)?;
        let clock = Clock::start();
        let house = TrialHouse::make(&plan.folder, "loadtest", address.clone(), clock.now())?;
        let offer = Arc::new(Offer::new(plan));
        let items = plan.folder.join("items.json");
        keys::create(&items, offer.sale_file().as_bytes())?;
        let witnesses = WitnessProcesses::start(plan, &house.log_vkey(clock.now())?).await?;
        let mut server = Process::serve(plan, &items, &address, &witnesses.flags)?;
        server.ready(&address).await?;
        let plan = plan.clone();
        Ok(Self { address, offer, server, conditions, house, clock, witnesses, plan })
    }

    /// So many people with credentials, named `KIND-00000` and on.
    pub(super) fn callers(&self, kind: &str, people: usize) -> Result<Vec<Caller>, LoadFailure> {
        let caller = |place: usize| {
            let name = Name::parse(&format!("{kind}-{place:05}")).expect("a name");
            let credential = self.house.credential(name, Role::Bidder, self.clock.now())?;
            Ok(Caller::new(credential, self.clock)?)
        };
        (0..people).map(caller).collect()
    }

    /// Somebody who may close the sale.
    pub(super) fn auctioneer(&self) -> Result<Caller, LoadFailure> {
        let name = Name::parse("closer").expect("a name");
        let credential = self.house.credential(name, Role::Auctioneer, self.clock.now())?;
        Ok(Caller::new(credential, self.clock)?)
    }

    /// Waits for the close of the sale, stops the server, and audits the ledger.
    pub(super) async fn close(
        self,
        mut sessions: Vec<Session>,
        tally: &mut Tally,
        tell: impl Fn(Stage),
    ) -> Result<Closed, LoadFailure> {
        tell(Stage::Closing);
        if !matches!(self.plan.style, Style::Light { .. }) {
            open_the_rest(&mut sessions, &self.offer, tally).await;
        }
        let disk_sync = disk::sync_percentiles(&self.plan.folder).map_err(LoadFailure::Disk)?;
        wait_for_close(&mut sessions, &self.offer, tally).await;
        close_all(sessions, tally).await;
        let said = self.server.stop().await?;
        self.witnesses.stop().await?;
        tell(Stage::Auditing);
        let checked = check::check(&self.house, &tally.accepted)?;
        Ok(Closed { checked, said, disk_sync })
    }
}

/// Raises the soft limit of open files as far as needed.
pub(super) fn allow_descriptors(bidders: usize) -> Result<(), LoadFailure> {
    // The server needs one for each bidder as well, and inherits the limit.
    let needed = u64::try_from(bidders).unwrap_or(u64::MAX).saturating_add(128);
    let mut limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if is_enough(limit.current) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    limit.current = Some(needed);
    if is_enough(limit.maximum) && setrlimit(Resource::Nofile, limit).is_ok() {
        Ok(())
    } else {
        Err(LoadFailure::Descriptors { bidders, needed, allowed })
    }
}

/// A loopback address that nobody listens on now. Another program may take it before the
/// server does; the server then says so.
///
/// # Errors
/// The operating system has no port.
pub fn free_address() -> io::Result<Address> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    Ok(Address::parse(&format!("127.0.0.1:{port}")).expect("an address with a port"))
}

/// Opens the bidding on the lots that nobody won a bid on, so that they close too.
async fn open_the_rest(sessions: &mut [Session], offer: &Offer, tally: &mut Tally) {
    for lot in offer.without_a_bid(&tally.accepted) {
        let Some(session) = sessions.iter_mut().find(|session| session.is_connected()) else {
            return;
        };
        let answer = bidder::place(session, offer, lot, offer.any_start()).await;
        tally.note(answer);
    }
}

/// Waits until every lot has closed, as the server tells the first bidder that is left.
async fn wait_for_close(sessions: &mut Vec<Session>, offer: &Offer, tally: &mut Tally) {
    let others = sessions.split_off(sessions.len().min(1));
    close_all(others, tally).await;
    let Some(session) = sessions.first_mut() else { return };
    let is_closed = |lot: &LotView| matches!(lot.state, LotState::Closed { .. });
    let wait = Stopwatch::start();
    while wait.elapsed_us() / 1000 < offer.patience().ms() {
        match session.list().await {
            Ok(lots) if lots.iter().all(is_closed) => return,
            Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => return tally.failed(&error),
        }
    }
}

async fn close_all(sessions: Vec<Session>, tally: &mut Tally) {
    for session in sessions {
        if let Err(error) = session.close().await {
            tally.failed(&error);
        }
    }
}
