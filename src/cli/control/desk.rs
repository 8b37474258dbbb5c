//! The staff's desk: a session that follows the sale whole, and turns what was typed into
//! signed acts.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::grammar::{Unclear, View, Wanted, key_hash};
use crate::auction::act::{Deed, KeyHash};
use crate::auction::lot::Lot;
use crate::auction::name::{LotId, Name, Title};
use crate::auction::refusal::Code;
use crate::auction::reserve::ReserveOpening;
use crate::auction::sale::Sale;
use crate::cli::bid::{Screen, is_startling, question, view};
use crate::cli::caller::Whom;
use crate::cli::{Exit, Failure};
use crate::client::{BidAnswer, Entry, Following, Happened, Session, SessionError};
use crate::limits::{CREDENTIAL_FILE_BYTES_MAX, OUTCOME_PATIENCE};
use crate::pki::keys::{self, KeyFault};
use crate::pki::{Bearer, Fingerprint, Shown, show};
use crate::record::{self, Order, Record};
use crate::wire::message::refusal;

/// An order that is ready to be signed: what, why, and what opens a new reserve.
pub(super) type Ready = (Order, Option<Title>, Option<ReserveOpening>);

/// A session of staff.
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) screen: Screen,
    /// The certificate key that has each name, as the ledger tells.
    names: HashMap<Name, Fingerprint>,
}

impl Desk {
    /// Connects, and reads the ledger from its first line to now.
    pub(super) async fn open(whom: &Whom) -> Result<Self, Failure> {
        let session = whom.open(Following::Everything).await?;
        let screen = Screen::new(&session);
        let mut desk = Self { session, screen, names: HashMap::new() };
        while !desk.session.is_caught_up() {
            let happened = desk.session.next().await?;
            desk.hear(&happened);
        }
        Ok(desk)
    }

    /// Takes in what happened; gives what is to be told of it.
    pub(super) fn hear(&mut self, happened: &Happened) -> String {
        if let Happened::Entry(entry) = happened {
            self.note_names(entry);
        }
        self.screen.tell(&self.session, happened)
    }

    fn note_names(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Enrol(enrolment) => {
                let (sale, at) = (self.session.sale(), entry.at);
                let anchor = &self.session.credential().anchor;
                let house = &sale.opening().house;
                let checked = at.and_then(|at| {
                    (**enrolment).clone().authenticate(&sale.sale_hash(), anchor, house, at).ok()
                });
                if let Some(enrolled) = checked {
                    let identity = &enrolled.identity;
                    self.names.entry(identity.name.clone()).or_insert(identity.key);
                }
            }
            Record::Act(recorded) => {
                if let Order::Deed(Deed::Reissue { name, new_key: KeyHash(key), .. }) =
                    &recorded.act.statement.order
                {
                    self.names.insert(name.clone(), Fingerprint::from_bytes(*key));
                }
            }
            _ => {}
        }
    }

    pub(super) fn sale(&self) -> Option<&Sale> {
        self.session.follower().and_then(|follower| follower.standing())
    }

    /// Reads what was typed, on the sale as it stands.
    pub(super) fn read(&self, words: &[&str], current: Option<&LotId>) -> Result<Wanted, Unclear> {
        let sale = self.sale().ok_or_else(|| Unclear::Text("the sale has not begun".to_owned()))?;
        View { sale, current, now: self.session.official_now() }.read(words)
    }

    /// What to ask back before it is done, if anything.
    pub(super) fn question(&self, wanted: &Wanted) -> Option<String> {
        let Wanted::Act { order: Order::Enter { lot, amount, .. }, .. } = wanted else {
            return None;
        };
        let view = view(&self.session, lot)?;
        let currency = &self.session.sale().opening().terms.sale.currency;
        is_startling(*amount, view.ask).then(|| question(*amount, &view, currency))
    }

    /// Makes an order of what is wanted: draws random bytes for a reserve's commitment, finds
    /// the keys of a name.
    pub(super) fn prepare(&self, wanted: Wanted) -> Result<Ready, Failure> {
        match wanted {
            Wanted::Act { order, reason } => Ok((order, reason, None)),
            Wanted::Reserve { lot, amount, reason } => {
                let mut nonce = [0; 32];
                getrandom::fill(&mut nonce).map_err(|_| Failure::from(KeyFault::Randomness))?;
                let opening = ReserveOpening { reserve: amount, nonce };
                let sale = &self.session.sale().opening().sale;
                let commitment = record::commit(sale, &lot, &opening);
                let order = Order::Deed(Deed::Reserve { lot, commitment });
                Ok((order, reason, Some(opening)))
            }
            Wanted::Reissue { name, key, reason } => {
                let old = self.names.get(&name).ok_or_else(|| no_such_name(&name))?;
                let (old_key, new_key) = (KeyHash(*old.bytes()), self.new_key(&name, &key)?);
                Ok((Order::Deed(Deed::Reissue { name, old_key, new_key }), reason, None))
            }
        }
    }

    /// The key that gets a name: written out, or of a certificate's file under that name.
    fn new_key(&self, name: &Name, key: &str) -> Result<KeyHash, Failure> {
        if let Some(key) = key_hash(key) {
            return Ok(key);
        }
        let bytes = keys::read_public(Path::new(key), CREDENTIAL_FILE_BYTES_MAX)?;
        let anchor = &self.session.credential().anchor;
        match show(&bytes, Some(anchor), self.session.official_now())? {
            Shown::Certificate(shown) => match shown.bearer {
                Bearer::Person(person) if person.name == *name => Ok(KeyHash(*person.key.bytes())),
                _ => Err(no_certificate(name)),
            },
            Shown::Ca(_) | Shown::Crl(_) | Shown::Request { .. } => Err(no_certificate(name)),
        }
    }

    /// Does it, and waits until what it led to is here; gives the words for that.
    pub(super) async fn act(
        &mut self,
        order: Order,
        reason: Option<Title>,
        opening: Option<ReserveOpening>,
    ) -> Result<String, Failure> {
        let patience = Duration::from(OUTCOME_PATIENCE);
        let acted = timeout(patience, self.session.act(order, reason, opening)).await;
        let answer = match acted {
            Ok(Ok(answer)) => answer,
            Ok(Err(error @ (SessionError::NotEnrolled { .. } | SessionError::Offline))) => {
                return Err(error.into());
            }
            Ok(Err(error)) if crate::cli::bid::leaves_open(&error) => return Err(open_outcome()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(open_outcome()),
        };
        match answer {
            BidAnswer::Landed { seq } => self.told_until(seq).await,
            BidAnswer::Refused { code, ask, .. } => {
                let currency = &self.session.sale().opening().terms.sale.currency;
                Err(Failure::new(Exit::Refused, code.as_str(), refusal(code, ask, currency)))
            }
            BidAnswer::Unknown => Err(open_outcome()),
        }
    }

    /// What is told up to the entry that the act made.
    async fn told_until(&mut self, seq: u64) -> Result<String, Failure> {
        let mut told = String::new();
        while self.session.follower().is_some_and(|follower| follower.next() <= seq) {
            let happened = self.session.next().await?;
            told += &self.hear(&happened);
        }
        Ok(told + &format!("Done. It is entry {seq} of the ledger.\n"))
    }

    /// The lot that is open or paused, if there is just one.
    pub(super) fn only_live_lot(&self) -> Option<LotId> {
        let ids = self.sale()?.lots().map(|lot| lot.terms().id.clone());
        let mut live = ids.filter(|id| self.is_live(id));
        live.next().filter(|_| live.next().is_none())
    }

    /// Whether a lot is open or paused.
    pub(super) fn is_live(&self, lot: &LotId) -> bool {
        use crate::auction::lot::LotState;
        let state = self.sale().and_then(|sale| sale.lot(lot)).map(Lot::state);
        matches!(state, Some(LotState::Open { .. } | LotState::Paused { .. }))
    }

    pub(super) async fn close(self) -> Result<(), Failure> {
        Ok(self.session.close().await?)
    }
}

fn no_such_name(name: &Name) -> Failure {
    Failure::new(Exit::Refused, Code::NoSuchName.as_str(), format!("nobody has enrolled as {name}"))
        .hint("a name that nobody enrolled needs no reissue: its holder just connects")
}

fn no_certificate(name: &Name) -> Failure {
    Failure::usage("bad-certificate", format!("that is not a certificate of {name}"))
        .hint("give the new certificate's file, or its key as `gavel pki show` prints it")
}

pub(super) fn open_outcome() -> Failure {
    let message = "nobody can say yet whether the act counts";
    Failure::new(Exit::Inconclusive, "outcome-unknown", message)
        .hint("it is kept and asked for again with the next connection; gavel watch shows the sale")
}
