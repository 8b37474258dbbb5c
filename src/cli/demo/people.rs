//! The people of the demo: real clients with real credentials, each a task.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::story::Told;
use super::{Failure, failed};
use crate::auction::money::Amount;
use crate::auction::name::{LotId, Name, Role};
use crate::auction::refusal::Code;
use crate::cli::fault;
use crate::client::{
    BidAnswer, Caller, Following, Happened, Memory, Options, PlacedBid, Session, SessionError,
};
use crate::clock::Clock;
use crate::loadtest::TrialHouse;
use crate::pki::{Ca, Credential, Grant, KeyMaker, P256Secret, PERSON_LIFETIME_MAX};

/// How many wishes of one bidder may wait; the play gives one at a time.
const WISHES_MAX: usize = 8;

/// Somebody with a credential file.
pub(super) struct Person {
    pub(super) caller: Caller,
    pub(super) path: PathBuf,
}

/// A bid that somebody wants to place.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) lot: LotId,
    pub(super) amount: Amount,
    /// Whether it is placed as it is, even if it cannot stand.
    pub(super) is_vain: bool,
}

async fn connect(person: Person) -> Result<Session, SessionError> {
    let address = person.caller.credential().address.clone();
    let memory = Memory::beside(&person.path);
    let options = Options { following: Following::Everything, sale: None, reconnect: true };
    Session::open(person.caller, address, memory, options).await
}

/// Follows the sale and tells every line that was checked.
pub(super) fn watch(observer: Person, tell: mpsc::Sender<Told>) {
    tokio::spawn(async move {
        let watched: Result<(), SessionError> = async {
            let mut session = connect(observer).await?;
            loop {
                if let Happened::Entry(entry) = session.next().await?
                    && tell.send(Told::Entry(entry)).await.is_err()
                {
                    return Ok(());
                }
            }
        }
        .await;
        if let Err(error) = watched {
            let _ = tell.send(Told::Blind(fault::whole(&error))).await;
        }
    });
}

/// Takes a bidder into the sale; what is sent to the result is bid.
pub(super) fn bidder(person: Person, tell: mpsc::Sender<Told>) -> mpsc::Sender<Wish> {
    let (wish, wishes) = mpsc::channel(WISHES_MAX);
    tokio::spawn(async move {
        let name = person.caller.credential().identity.name.clone();
        if let Err(error) = take_part(person, &name, wishes, &tell).await {
            let _ = tell.send(Told::Gone { name, why: fault::whole(&error) }).await;
        }
    });
    wish
}

async fn take_part(
    person: Person,
    name: &Name,
    mut wishes: mpsc::Receiver<Wish>,
    tell: &mpsc::Sender<Told>,
) -> Result<(), SessionError> {
    let mut session = connect(person).await?;
    session.enrol().await?;
    loop {
        tokio::select! {
            wish = wishes.recv() => match wish {
                Some(wish) => {
                    if let Some(amount) = amount(&session, name, &wish) {
                        session.send_bid(wish.lot, amount).await?;
                    }
                }
                None => return session.close().await,
            },
            happened = session.next() => {
                if let Happened::Bid { bid, answer } = happened? {
                    // The story may have ended.
                    let _ = tell.send(outcome(&session, name, bid, answer)).await;
                }
            }
        }
    }
}

/// What to bid: the wish, or the ask where others have gone beyond it. Nobody bids
/// against themselves unless that is the point.
fn amount(session: &Session, name: &Name, wish: &Wish) -> Option<Amount> {
    let sale = session.follower().and_then(|follower| follower.standing());
    match sale.and_then(|sale| sale.lot(&wish.lot)) {
        Some(lot) if !wish.is_vain => {
            let leads = lot.leader().is_some_and(|leader| leader.is(name));
            (!leads).then(|| wish.amount.max(lot.ask()))
        }
        _ => Some(wish.amount),
    }
}

fn outcome(session: &Session, name: &Name, bid: PlacedBid, answer: BidAnswer) -> Told {
    match answer {
        BidAnswer::Landed { .. } => Told::Receipt,
        BidAnswer::Refused { code, ask, .. } => {
            let (name, at) = (name.clone(), session.official_now());
            Told::Refused { at, name, bid, code, ask }
        }
        BidAnswer::Unknown => Told::Refused {
            at: session.official_now(),
            name: name.clone(),
            bid,
            code: Code::Busy,
            ask: None,
        },
    }
}

/// Somebody who calls herself alice, by a CA of her own that bears the house's name.
pub(super) fn intruder(house: &TrialHouse, clock: Clock) -> Result<Caller, Failure> {
    let forge = || -> Result<Caller, Box<dyn std::error::Error>> {
        let ca = Ca::create(house.name().clone(), clock.now())?;
        let secret = P256Secret::generate()?;
        let grant = Grant {
            name: Name::parse("alice")?,
            role: Role::Bidder,
            maker: KeyMaker::Holder,
            lifetime: PERSON_LIFETIME_MAX,
        };
        let identity = ca.certify_person(&secret.public_key(), &grant, clock.now())?;
        let (address, anchor) = (house.address().clone(), house.anchor().clone());
        Ok(Caller::new(Credential { address, identity, anchor, secret }, clock)?)
    };
    forge().map_err(failed)
}

/// Tries to get in with a certificate that the house never issued.
pub(super) fn intrude(intruder: Caller, tell: mpsc::Sender<Told>) {
    tokio::spawn(async move {
        let address = intruder.credential().address.clone();
        let options = Options { following: Following::Nothing, sale: None, reconnect: false };
        let told = match Session::open(intruder, address, Memory::Volatile, options).await {
            Ok(_) => Told::Blind("the server let a forged certificate in".to_owned()),
            Err(error) => Told::Intruder { why: error.to_string() },
        };
        let _ = tell.send(told).await;
    });
}
