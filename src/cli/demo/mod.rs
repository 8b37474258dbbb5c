//! `gavel demo`: a whole sale in about twenty seconds, with nothing prepared.
//!
//! Throw-away credentials, a server on loopback in this process, the seed's five
//! items with short timers, four bidders over real mutual TLS through the client
//! library, and whoever joins from another terminal. At the end the ledger is
//! audited from its bytes and the CA's fingerprint, as anybody could.
//!
//! What is printed of the sale is what an observer hears from the server and has
//! checked, line by line; only the refusals are the bidders' own to tell.

mod judge;
mod people;
mod play;
mod stage;
mod story;

use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use super::paint::Palette;
use super::scratch::Scratch;
use super::{Exit, Failure, fault};
use crate::auction::name::{Name, Role};
use crate::client::Caller;
use crate::clock::Clock;
use crate::loadtest::{TrialFault, TrialHouse};
use crate::server;
use people::Person;
use stage::Stage;
use story::Story;

/// How many things may wait to be told; they are told faster than they happen.
const TOLD_MAX: usize = 256;

/// Watch a short sale, join it from another terminal, and see its ledger verified
///
/// Throw-away credentials, a server on a free port of this machine, five lots, four bidders.
/// Exit 0 only if the ledger is VALID.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep credentials and ledger in this folder [default: a temporary one]
    dir: Option<PathBuf>,
    /// Give the lots minutes instead of seconds, for people to bid on; Ctrl-C ends it
    #[arg(long)]
    keep_open: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let scratch = Scratch::new(args.dir.as_deref(), "demo")?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(fault::whole(&error)))?;
    runtime.block_on(demonstrate(args, &scratch))
}

async fn demonstrate(args: &Args, scratch: &Scratch) -> Result<Exit, Failure> {
    let clock = Clock::start();
    let address = stage::free_address()?;
    let house = TrialHouse::make(scratch.path(), "demo", address, clock.now())?;
    let cast = Cast::new(&house, clock)?;
    let lots = play::lots(args.keep_open);
    let story = Story::new(Palette::of_stdout(), &lots, clock.now());
    let interrupt = server::stop_signal().map_err(|error| failed(fault::whole(&error)))?;
    let stage = Stage::open(&house, lots.clone(), play::ends_in(args.keep_open), clock).await?;
    story.heading(&house, scratch, args.keep_open);

    let (tell, told) = mpsc::channel(TOLD_MAX);
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(stage.serve(stopped));
    people::watch(cast.observer, tell.clone());
    people::intrude(cast.intruder, tell.clone());
    let bidders = cast.bidders.into_iter().map(|person| people::bidder(person, tell.clone()));
    let direct = tokio::spawn(play::direct(bidders.collect(), clock));
    drop(tell);

    let end = story.tell(told, interrupt, args.keep_open).await;
    direct.abort();
    // The server may have ended of its own accord already.
    let _ = stop.send(());
    served.await.map_err(|_| failed("the server broke down"))??;
    end?;
    judge::judge(&house, &lots, scratch, Palette::of_stdout())
}

/// Everybody in the demo.
struct Cast {
    bidders: Vec<Person>,
    observer: Person,
    intruder: Caller,
}

impl Cast {
    fn new(house: &TrialHouse, clock: Clock) -> Result<Self, Failure> {
        let person = |name: &str, role| -> Result<Person, Failure> {
            let name = Name::parse(name).expect("a name");
            let (credential, path) = house.credential_file(name, role, clock.now())?;
            let caller =
                Caller::new(credential, clock).map_err(|error| failed(fault::whole(&error)))?;
            Ok(Person { caller, path })
        };
        for guest in story::GUESTS {
            person(guest, Role::Bidder)?;
        }
        let bidders = play::BIDDERS.iter().map(|name| person(name, Role::Bidder));
        Ok(Self {
            bidders: bidders.collect::<Result<_, _>>()?,
            observer: person("screen", Role::Observer)?,
            intruder: people::intruder(house, clock)?,
        })
    }
}

/// A failure of the demo itself.
fn failed(message: impl std::fmt::Display) -> Failure {
    Failure::operator("demo-failed", message)
}

impl From<TrialFault> for Failure {
    fn from(fault: TrialFault) -> Self {
        match fault {
            TrialFault::File(fault) => fault.into(),
            TrialFault::Office(fault) => fault.into(),
            TrialFault::Serve(fault) => fault.into(),
            TrialFault::Ca(_) | TrialFault::Certificate(_) | TrialFault::Key(_) => {
                failed(fault::whole(&fault))
            }
        }
    }
}
