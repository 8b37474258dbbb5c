//! What a session makes of all that it hears: each message, each silence, each
//! broken line. Nothing here waits, so nothing is lost when a wait is dropped.

use std::path::PathBuf;
use std::sync::Arc;

use super::bidding::{BidAnswer, check_bid_receipt, check_enrolment_receipt};
use super::channel::ChannelFault;
use super::connect::{Caller, ConnectError};
use super::greeting::{Greeted, GreetingFault, KnownSale};
use super::link::{Link, Turn};
use super::memory::{Memory, MemoryFault};
use super::place::{News, Place, PlaceFault};
use super::session::{
    Asked, Following, Happened, Remembered, SentBid, Session, SessionError, shown_message,
};
use crate::auction::name::SaleId;
use crate::auction::refusal::Code;
use crate::ledger::SignedCheckpoint;
use crate::limits::{BUSY_RETRIES_MAX, RECONNECT_WAIT_MAX, RECONNECT_WAIT_MIN};
use crate::time::Span;
use crate::wire::json::{Answer, Lines, Reply, Request, RequestId, ServerMessage, Welcome};

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
    /// Waits for one thing and takes it in.
    pub(super) async fn step(&mut self) -> Result<(), SessionError> {
        match self.link.turn().await {
            Turn::Dial => {
                self.link = Link::dial(&self.caller, &self.address);
                Ok(())
            }
            Turn::Dialed(Ok(stream)) => {
                let hello = self.hello();
                let deaf = self.options.following == Following::Nothing;
                self.asked.insert(hello.id(), Asked::Hello);
                self.link = Link::greet(*stream, deaf, &hello);
                Ok(())
            }
            Turn::Dialed(Err(error)) => self.lose(error.into()),
            Turn::Message(message) => self.hear(*message),
            Turn::Broken(fault) => {
                let why = self.name_break(fault);
                self.lose(why)
            }
            Turn::Quiet => self.break_silence(),
            Turn::Silent => self.lose(SessionError::Silent),
            Turn::Retry => self.retry(),
            Turn::Down => Err(SessionError::Offline),
        }
    }

    /// The first words: which sale we expect and what we hold of it.
    fn hello(&mut self) -> Request {
        let id = self.take_id();
        let (sale, held) = match (&self.place, &self.remembered) {
            (Some(place), _) => (Some(&place.sale.opening().sale), Some(place.newest())),
            (None, Some(known)) => (Some(&known.sale.opening().sale), known.held.as_ref()),
            (None, None) => (self.options.sale.as_ref(), None),
        };
        Request::Hello { id, sale: sale.cloned(), note: held.map(|held| held.note().to_owned()) }
    }

    // ---- Losing and finding the line ----

    /// Before the welcome a broken line is a refusal with a reason; a revoked
    /// certificate ends later connections by an alert too.
    fn name_break(&self, fault: ChannelFault) -> SessionError {
        match fault {
            ChannelFault::Broken(error) => {
                let named = ConnectError::of(error, &self.address);
                let told = matches!(named, ConnectError::OurCertificate { .. });
                if self.link.is_greeting() || told {
                    named.into()
                } else {
                    SessionError::Lost { why: named.to_string() }
                }
            }
            ChannelFault::Ended if self.link.is_greeting() => {
                ConnectError::HungUp { address: self.address.clone() }.into()
            }
            other => other.into(),
        }
    }

    /// The line is gone: keep what was under way, and try again if that may help.
    fn lose(&mut self, why: SessionError) -> Result<(), SessionError> {
        if self.link.up_for() >= RECONNECT_WAIT_MAX {
            self.wait = RECONNECT_WAIT_MIN;
        }
        self.link = Link::Down;
        for (id, asked) in std::mem::take(&mut self.asked) {
            match asked {
                Asked::Bid(sent) => {
                    self.unsettled.insert(sent.bid.statement.n, *sent);
                }
                Asked::Lots => self.ready.push_back(Happened::Unanswered { id }),
                Asked::Enrol | Asked::Hello | Asked::Since => {}
            }
        }
        if !(self.options.reconnect && self.place.is_some() && why.is_passing()) {
            return Err(why);
        }
        let wait = with_jitter(self.wait);
        self.wait = Span::from_ms(self.wait.ms().saturating_mul(2)).min(RECONNECT_WAIT_MAX);
        self.link = Link::wait(wait);
        self.ready.push_back(Happened::Lost { why, wait });
        Ok(())
    }

    /// A fault that no further message can mend.
    fn leave(&mut self, error: SessionError) -> SessionError {
        self.link = Link::Down;
        error
    }

    fn break_silence(&mut self) -> Result<(), SessionError> {
        match self.place.as_ref().and_then(Place::follower).map(|follower| follower.next()) {
            Some(next) => self.ask_since(next),
            None => Ok(()),
        }
    }

    fn retry(&mut self) -> Result<(), SessionError> {
        let patient = |sent: &SentBid| sent.busy <= BUSY_RETRIES_MAX;
        let due: Vec<u64> =
            self.unsettled.iter().filter(|(_, sent)| patient(sent)).map(|(n, _)| *n).collect();
        self.send_unsettled(due)?;
        if std::mem::take(&mut self.enrol_again) {
            self.send_enrolment()?;
        }
        match self.place.as_ref().and_then(Place::gap) {
            Some(next) => self.ask_since(next),
            None if !self.caught_up => self.break_silence(),
            None => Ok(()),
        }
    }

    fn send_unsettled(&mut self, numbers: Vec<u64>) -> Result<(), SessionError> {
        for n in numbers {
            if let Some(sent) = self.unsettled.remove(&n) {
                self.send_again(sent)?;
            }
        }
        Ok(())
    }

    fn ask_since(&mut self, seq: u64) -> Result<(), SessionError> {
        if self.asked.values().any(|asked| matches!(asked, Asked::Since)) {
            return Ok(());
        }
        let id = self.take_id();
        self.send(&Request::Since { id, seq }, Asked::Since)
    }

    // ---- Messages ----

    fn hear(&mut self, message: ServerMessage) -> Result<(), SessionError> {
        let heard = match message {
            ServerMessage::Welcome(welcome) if self.link.is_greeting() => {
                self.hear_welcome(&welcome)
            }
            ServerMessage::Reply(reply) => self.hear_reply(reply),
            ServerMessage::Lines(lines) if self.link.is_up() => self.hear_lines(lines),
            ServerMessage::Snapshot(snapshot) if self.link.is_up() => {
                match self.place_mut().missing_before(snapshot.next) {
                    Some(next) => self.ask_since(next),
                    None => Ok(()),
                }
            }
            ServerMessage::Welcome(_) | ServerMessage::Lines(_) | ServerMessage::Snapshot(_) => {
                Err(protocol("a message out of its place"))
            }
        };
        match heard {
            Err(error @ SessionError::NotEnrolled { .. }) => Err(error),
            Err(error) if !error.is_passing() => Err(self.leave(error)),
            other => other,
        }
    }

    fn hear_welcome(&mut self, welcome: &Welcome) -> Result<(), SessionError> {
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
        for sent in self.unsettled.values_mut() {
            sent.busy = 0;
        }
        self.send_unsettled(self.unsettled.keys().copied().collect())?;
        self.caught_up |= self.options.following == Following::Nothing;
        // Asks for every line that is not here yet.
        self.break_silence()
    }

    fn hear_next_welcome(
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
    fn hear_first_welcome(&mut self, welcome: &Welcome) -> Result<bool, SessionError> {
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
                return Err(SessionError::OtherSale { sale: id });
            }
            None => match Remembered::of(&self.caller, &self.root, &id)? {
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

    fn hear_lines(&mut self, lines: Lines) -> Result<(), SessionError> {
        let Some(place) = &mut self.place else { return Ok(()) };
        let ready = &mut self.ready;
        let taken = place.take(lines, &self.caller.credential().identity, |news| {
            ready.push_back(match news {
                News::Entry(entry) => Happened::Entry(entry),
                News::Alarm(alarm) => Happened::Alarm(alarm),
            });
        });
        taken.map_err(|fault| accuse(place, fault))?;
        match place.gap() {
            Some(next) => self.ask_since(next),
            None => Ok(()),
        }
    }

    fn hear_reply(&mut self, reply: Reply) -> Result<(), SessionError> {
        let message = shown_message(&reply.answer);
        let Some(id) = reply.id else {
            return match reply.answer {
                Answer::Refused { code, .. } if self.link.is_greeting() => {
                    self.lose(SessionError::NotWelcome { code, message })
                }
                Answer::Refused { code, .. } => {
                    self.ready.push_back(Happened::Refused { id: None, code, message });
                    Ok(())
                }
                _ => Err(protocol("an answer to nothing")),
            };
        };
        match self.asked.remove(&id) {
            Some(Asked::Bid(sent)) => self.hear_bid_answer(*sent, reply.answer, message),
            Some(Asked::Enrol) => self.hear_enrol_answer(reply.answer, message),
            Some(Asked::Hello) => self.hear_no_welcome(&reply.answer, message),
            Some(Asked::Lots) => self.hear_lots(id, reply.answer, message),
            Some(Asked::Since) => self.hear_sent(&reply.answer),
            // The answer to QUIT, or to what an earlier connection asked.
            None => Ok(()),
        }
    }

    fn hear_no_welcome(&mut self, answer: &Answer, message: String) -> Result<(), SessionError> {
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
            (None, Some(Remembered { held: Some(held), .. }), None) => {
                let fault = GreetingFault::Disowned { held: held.checkpoint().size };
                Err(SessionError::Greeting { fault, evidence: None })
            }
            (None, _, None) => Err(SessionError::NotWelcome { code: *code, message }),
        }
    }

    fn hear_bid_answer(
        &mut self,
        mut sent: SentBid,
        answer: Answer,
        message: String,
    ) -> Result<(), SessionError> {
        let bid = sent.placed();
        let n = bid.n;
        let answer = match answer {
            Answer::Entered { receipt } => {
                let place = self.place_mut();
                let proven = check_bid_receipt(&place.sale, &receipt, &sent.bid)?;
                let seq = proven.seq;
                place.keep_receipt(proven, &receipt).map_err(|fault| accuse(place, fault))?;
                BidAnswer::Landed { seq }
            }
            Answer::Refused { code: Code::Busy, .. } => {
                sent.busy += 1;
                let again = sent.busy <= BUSY_RETRIES_MAX;
                self.unsettled.insert(n, sent);
                if again {
                    self.link.retry_soon();
                    return Ok(());
                }
                self.ready.push_back(Happened::Bid { bid, answer: BidAnswer::Unknown });
                return Ok(());
            }
            Answer::Refused { code, ask, .. } => BidAnswer::Refused { code, message, ask },
            _ => return Err(protocol("an answer to a bid that is neither receipt nor refusal")),
        };
        self.place_mut().memory.forget_unanswered(n)?;
        self.ready.push_back(Happened::Bid { bid, answer });
        Ok(())
    }

    fn hear_enrol_answer(&mut self, answer: Answer, message: String) -> Result<(), SessionError> {
        match answer {
            Answer::Entered { receipt } => self.take_enrolment_receipt(&receipt),
            Answer::Refused { code: Code::Busy | Code::SlowDown, .. } => {
                self.enrol_again = true;
                self.link.retry_soon();
                Ok(())
            }
            Answer::Refused { code, .. } => Err(SessionError::NotEnrolled { code, message }),
            _ => Err(protocol("an answer to an enrolment that is neither receipt nor refusal")),
        }
    }

    fn take_enrolment_receipt(&mut self, receipt: &str) -> Result<(), SessionError> {
        let identity = &self.caller.credential().identity;
        let Some(place) = &mut self.place else { return Ok(()) };
        let Some(pen) = &mut place.pen else { return Ok(()) };
        let proven = check_enrolment_receipt(
            &place.sale,
            receipt,
            &pen.bid_key(),
            &identity.name,
            &identity.cert,
        )?;
        pen.enrolled = true;
        place.keep_receipt(proven, receipt).map_err(|fault| accuse(place, fault))?;
        self.ready.push_back(Happened::Enrolled);
        Ok(())
    }

    fn hear_lots(
        &mut self,
        id: RequestId,
        answer: Answer,
        message: String,
    ) -> Result<(), SessionError> {
        self.ready.push_back(match answer {
            Answer::Lots { lots, more } => Happened::Lots { id, lots, more },
            Answer::Refused { code, .. } => Happened::Refused { id: Some(id), code, message },
            _ => return Err(protocol("an answer to a question that is none")),
        });
        Ok(())
    }

    fn hear_sent(&mut self, answer: &Answer) -> Result<(), SessionError> {
        let (next, note) = match answer {
            Answer::Sent { next, note } => (*next, note),
            Answer::Refused { code: Code::Busy | Code::SlowDown, .. } => {
                self.link.retry_soon();
                return Ok(());
            }
            _ => return Err(protocol("an answer to since that is none")),
        };
        let Some(place) = &mut self.place else { return Ok(()) };
        let signed = place.sale.checkpoint(note)?;
        place.note_signed(signed).map_err(|fault| accuse(place, fault))?;
        if place.missing_before(next).is_some() {
            return Err(protocol("fewer lines than it says"));
        }
        if let Some(gap) = place.gap() {
            return self.ask_since(gap);
        }
        if !std::mem::replace(&mut self.caught_up, true) {
            let size = place.follower().map_or(next, |follower| follower.next());
            self.ready.push_back(Happened::CaughtUp { size });
        }
        Ok(())
    }
}

fn protocol(reason: &str) -> SessionError {
    SessionError::Protocol { reason: reason.to_owned() }
}

/// Between half the wait and all of it, so that a hall does not call back as one.
fn with_jitter(wait: Span) -> Span {
    let mut random = [0; 2];
    // Without randomness the whole wait is as good.
    let spread = match getrandom::fill(&mut random) {
        Ok(()) => u64::from(u16::from_le_bytes(random)),
        Err(_) => u64::from(u16::MAX),
    };
    Span::from_ms(wait.ms() / 2 + wait.ms() / 2 * spread / u64::from(u16::MAX))
}

/// Keeps the evidence of lines that contradict what the house signed.
fn accuse(place: &mut Place, fault: PlaceFault) -> SessionError {
    let PlaceFault::Follow { fault, line } = fault else { return fault.into() };
    let next = place.follower().map_or(0, |follower| follower.next());
    match place.keep_evidence(&line, next) {
        Ok(evidence) => SessionError::Follow { fault, evidence },
        Err(fault) => SessionError::Memory(fault),
    }
}

/// Keeps both notes of a house that contradicts itself.
fn contradiction(
    memory: &mut super::memory::SaleMemory,
    fault: GreetingFault,
    held: Option<&SignedCheckpoint>,
    welcome: &Welcome,
) -> SessionError {
    if !fault.is_contradiction() {
        return SessionError::Greeting { fault, evidence: None };
    }
    match keep_both(memory, held, welcome) {
        Ok(evidence) => SessionError::Greeting { fault, evidence },
        Err(fault) => SessionError::Memory(fault),
    }
}

fn keep_both(
    memory: &mut super::memory::SaleMemory,
    held: Option<&SignedCheckpoint>,
    welcome: &Welcome,
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
    memory.keep_evidence(&files)
}
