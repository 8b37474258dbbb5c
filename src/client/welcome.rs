//! The beginning of every connection: which sale we name, and whether the
//! welcome that comes back continues what we remember of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::connect::Caller;
use super::conviction::convicting;
use super::fault::SessionError;
use super::greeting::{Greeted, GreetingFault, KnownSale};
use super::hearing::{accuse, protocol};
use super::link::Link;
use super::memory::{Memory, MemoryFault, SaleMemory};
use super::place::Place;
use super::session::{Asked, Following, Happened, Remembered, Session};
use crate::auction::name::SaleId;
use crate::auction::refusal::Code;
use crate::ledger::SignedCheckpoint;
use crate::wire::json::{Answer, ServerMessage, Welcome};

impl Remembered {
    /// What is remembered of the sale `wanted`, or of the one visited last.
    pub(super) fn find(
        caller: &Caller,
        root: &Memory,
        wanted: Option<&SaleId>,
    ) -> Result<Option<Self>, SessionError> {
        let credential = caller.credential();
        let latest = match wanted {
            Some(sale) => Some(sale.clone()),
            None => root.latest(&credential.anchor, credential.house())?,
        };
        match latest {
            Some(sale) => Ok(Self::of(caller, root, &sale)?
                .map(|found| Self { guessed: wanted.is_none(), ..found })),
            None => Ok(None),
        }
    }

    fn of(caller: &Caller, root: &Memory, id: &SaleId) -> Result<Option<Self>, SessionError> {
        let credential = caller.credential();
        let memory = root.sale(&credential.anchor, credential.house(), id);
        let Some(line) = memory.open_line()? else { return Ok(None) };
        let sale = KnownSale::read(&line, &credential.anchor, credential.house())
            .map_err(|_| memory.damaged_open_line())?;
        let held = match memory.head()? {
            Some(note) => Some(sale.checkpoint(&note).map_err(|_| memory.damaged_head())?),
            None => None,
        };
        Ok(Some(Self { sale: Arc::new(sale), held, guessed: false }))
    }
}

impl Session {
    pub(super) fn hear_welcome(&mut self, welcome: &Welcome) -> Result<(), SessionError> {
        if !matches!(self.asked.remove(&welcome.id), Some(Asked::Hello)) {
            return Err(protocol("a welcome that nobody asked for"));
        }
        match self.place.take() {
            Some(place) => self.hear_next_welcome(place, welcome)?,
            None if !self.hear_first_welcome(welcome)? => return Ok(()),
            None => {}
        }
        self.link.raise(self.options.following != Following::Nothing);
        self.ready.push_back(Happened::Connected);
        let proven = self.place_mut().take_proven();
        self.ready.extend(proven.map(|proven| Happened::Cosigned(Box::new(proven))));
        for sent in self.unsettled.values_mut() {
            sent.busy = 0;
        }
        self.send_unsettled(self.unsettled.keys().copied().collect())?;
        self.caught_up |= self.options.following == Following::Nothing;
        // Asks for every line that is not here yet.
        self.break_silence()
    }

    pub(super) fn hear_next_welcome(
        &mut self,
        mut place: Place,
        welcome: &Welcome,
    ) -> Result<(), SessionError> {
        let name = &self.caller.credential().identity.name;
        let held = place.newest().clone();
        let greeted = place.sale.greet(welcome, name, Some(&held));
        let result = match greeted {
            Ok(greeted) => self.settle_in(&mut place, &greeted).and_then(|()| {
                place.resume(greeted, welcome.now).map_err(|fault| accuse(&mut place, fault))
            }),
            Err(fault) => Err(contradiction(&mut place.memory, fault, Some(&held), welcome)),
        };
        self.place = Some(place);
        result
    }

    /// `false` if it showed a sale that we know: then we call again and say so.
    pub(super) fn hear_first_welcome(&mut self, welcome: &Welcome) -> Result<bool, SessionError> {
        let credential = self.caller.credential();
        let (anchor, house, name) =
            (&credential.anchor, credential.house(), &credential.identity.name);
        let greeting = |fault| SessionError::Greeting { fault, evidence: None };
        let shown = KnownSale::read(&welcome.open, anchor, house).map_err(greeting)?;
        let id = shown.opening().sale.clone();
        let mut memory = self.root.sale(anchor, house, &id);
        let (sale, held) = match self.remembered.take() {
            Some(known) if known.sale.opening().sale != id => {
                return Err(protocol("a welcome to another sale than the one asked for"));
            }
            Some(known) => (known.sale, known.held),
            None if self.options.sale.as_ref().is_some_and(|wanted| *wanted != id) => {
                let sale = self.options.sale.clone().unwrap_or(id);
                return Err(SessionError::OtherSale { sale });
            }
            None => match Remembered::of(&self.caller, &self.root, &id)? {
                Some(known) if known.sale.open_line() != welcome.open => {
                    let fault = GreetingFault::OtherLine0 { sale: id };
                    return Err(contradiction(&mut memory, fault, known.held.as_ref(), welcome));
                }
                Some(known) => {
                    self.remembered = Some(known);
                    self.link = Link::dial(&self.caller, &self.address);
                    return Ok(false);
                }
                None => (Arc::new(shown), None),
            },
        };
        let greeted = sale
            .greet(welcome, name, held.as_ref())
            .map_err(|fault| contradiction(&mut memory, fault, held.as_ref(), welcome))?;
        let own = greeted.own.clone();
        let mut place = Place::new(
            sale,
            memory,
            self.options.following,
            &credential.identity,
            greeted,
            welcome.now,
        )
        .map_err(SessionError::from)?;
        self.ready
            .extend(place.compare(&own, &credential.identity).into_iter().map(Happened::Alarm));
        self.place = Some(place);
        Ok(true)
    }

    fn settle_in(&mut self, place: &mut Place, greeted: &Greeted) -> Result<(), SessionError> {
        let identity = &self.caller.credential().identity;
        let alarms = place.compare(&greeted.own, identity);
        self.ready.extend(alarms.into_iter().map(Happened::Alarm));
        Ok(())
    }

    pub(super) fn hear_no_welcome(
        &mut self,
        answer: &Answer,
        message: String,
    ) -> Result<(), SessionError> {
        let Answer::Refused { code, .. } = answer else {
            return Err(protocol("an answer to hello that is no welcome"));
        };
        if *code != Code::WrongSale {
            return self.lose(SessionError::NotWelcome { code: *code, message });
        }
        let gone = |sale: &SaleId| SessionError::OtherSale { sale: sale.clone() };
        match (&self.place, self.remembered.take(), &self.options.sale) {
            (Some(place), _, _) => Err(gone(&place.sale.opening().sale)),
            (None, Some(known), None) if known.guessed => {
                self.link = Link::dial(&self.caller, &self.address);
                Ok(())
            }
            (None, _, Some(wanted)) => Err(gone(wanted)),
            (None, Some(Remembered { held: Some(held), sale, .. }), None) => {
                let fault = GreetingFault::Disowned { held: held.checkpoint().size };
                let credential = self.caller.credential();
                let id = &sale.opening().sale;
                let mut memory = self.root.sale(&credential.anchor, credential.house(), id);
                let evidence = memory.keep_evidence(&[("held.checkpoint", held.note())])?;
                Err(SessionError::Greeting { fault, evidence })
            }
            (None, _, None) => Err(SessionError::NotWelcome { code: *code, message }),
        }
    }
}

/// Keeps both notes of a house that contradicts itself.
fn contradiction(
    memory: &mut SaleMemory,
    fault: GreetingFault,
    held: Option<&SignedCheckpoint>,
    welcome: &Welcome,
) -> SessionError {
    if !fault.is_contradiction() {
        return SessionError::Greeting { fault, evidence: None };
    }
    let convicting = match (&fault, held, &welcome.cosigned) {
        (GreetingFault::Fork { .. }, Some(held), _) => {
            convicting(held.note(), welcome.proof.as_deref().unwrap_or_default(), welcome)
        }
        (GreetingFault::CosignedFork { .. }, _, Some(shown)) => {
            convicting(&shown.note, &shown.proof, welcome)
        }
        _ => None,
    };
    match keep_both(memory, held, welcome, convicting.as_deref()) {
        Ok(evidence) => SessionError::Greeting { fault, evidence },
        Err(fault) => SessionError::Memory(fault),
    }
}

fn keep_both(
    memory: &mut SaleMemory,
    held: Option<&SignedCheckpoint>,
    welcome: &Welcome,
    convicting: Option<&str>,
) -> Result<Option<PathBuf>, MemoryFault> {
    let known = memory.open_line()?.unwrap_or_default();
    let message = ServerMessage::Welcome(welcome.clone()).to_line();
    let message = String::from_utf8_lossy(&message);
    let mut files =
        vec![("shown-welcome.json", &*message), ("shown.checkpoint", welcome.note.as_str())];
    if let Some(held) = held {
        files.push(("held.checkpoint", held.note()));
    }
    files.push(("held-open.json", &known));
    if let Some(text) = convicting {
        files.push(("house.evidence", text));
    }
    memory.keep_evidence(&files)
}
