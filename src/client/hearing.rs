//! What a session makes of all that it hears: each message, each silence, each
//! broken line. Nothing here waits, so nothing is lost when a wait is dropped.

use super::channel::ChannelFault;
use super::connect::ConnectError;
use super::fault::SessionError;
use super::link::{Link, Turn};
use super::place::{News, Place, PlaceFault};
use super::session::{Asked, Following, Happened, Sent, Session, shown_message};
use crate::limits::{BUSY_RETRIES_MAX, RECONNECT_WAIT_MAX, RECONNECT_WAIT_MIN};
use crate::time::Span;
use crate::wire::json::{Answer, Lines, Reply, Request, ServerMessage};

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
        let note = held.map(|held| held.note().to_owned());
        // Whoever does not follow could hold them against nothing.
        let cosigned = self.options.following != Following::Nothing;
        Request::Hello { id, sale: sale.cloned(), note, cosigned, quiet: false }
    }

    // ---- Losing and finding the line ----

    /// Before the welcome a broken line is a refusal with a reason; a revoked
    /// certificate ends later connections by an alert too.
    fn name_break(&self, fault: ChannelFault) -> SessionError {
        match fault {
            ChannelFault::Broken(error) => {
                let why = format!("the connection broke: {}", error.kind());
                let named = ConnectError::of(error, &self.address);
                let told = matches!(named, ConnectError::OurCertificate { .. });
                if self.link.is_greeting() || told {
                    named.into()
                } else {
                    SessionError::Lost { why }
                }
            }
            ChannelFault::Ended if self.link.is_greeting() => {
                ConnectError::HungUp { address: self.address.clone() }.into()
            }
            other => other.into(),
        }
    }

    /// The line is gone: keep what was under way, and try again if that may help.
    pub(super) fn lose(&mut self, why: SessionError) -> Result<(), SessionError> {
        if self.link.up_for() >= RECONNECT_WAIT_MAX {
            self.wait = RECONNECT_WAIT_MIN;
        }
        self.link = Link::Down;
        self.enrol_again = false;
        for (id, asked) in std::mem::take(&mut self.asked) {
            match asked {
                Asked::Sent(sent) => {
                    self.unsettled.insert(sent.n(), *sent);
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

    pub(super) fn break_silence(&mut self) -> Result<(), SessionError> {
        match self.place.as_ref().and_then(Place::follower).map(|follower| follower.next()) {
            Some(next) => self.ask_since(next),
            None => Ok(()),
        }
    }

    fn retry(&mut self) -> Result<(), SessionError> {
        let patient = |sent: &Sent| sent.busy <= BUSY_RETRIES_MAX;
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

    pub(super) fn send_unsettled(&mut self, numbers: Vec<u64>) -> Result<(), SessionError> {
        for n in numbers {
            if let Some(sent) = self.unsettled.remove(&n) {
                self.send_again(sent)?;
            }
        }
        Ok(())
    }

    pub(super) fn ask_since(&mut self, seq: u64) -> Result<(), SessionError> {
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
            ServerMessage::Cosigned(cosigned) if self.link.is_up() => {
                self.hear_cosigned(&cosigned.note)
            }
            ServerMessage::Lines(lines) if self.link.is_up() => self.hear_lines(lines),
            ServerMessage::Snapshot(snapshot) if self.link.is_up() => {
                match self.place_mut().missing_before(snapshot.next) {
                    Some(next) => self.ask_since(next),
                    None => Ok(()),
                }
            }
            ServerMessage::Cosigned(_)
            | ServerMessage::Welcome(_)
            | ServerMessage::Lines(_)
            | ServerMessage::Snapshot(_) => Err(protocol("a message out of its place")),
        };
        match heard {
            Err(error @ SessionError::NotEnrolled { .. }) => Err(error),
            Err(error) if !error.is_passing() => Err(self.leave(error)),
            other => other,
        }
    }

    fn hear_lines(&mut self, lines: Lines) -> Result<(), SessionError> {
        let Some(place) = &mut self.place else { return Ok(()) };
        let ready = &mut self.ready;
        let taken = place.take(lines, &self.caller.credential().identity, |news| {
            ready.push_back(match news {
                News::Entry(entry) => Happened::Entry(entry),
                News::Alarm(alarm) => Happened::Alarm(alarm),
                News::Cosigned(cosigned) => Happened::Cosigned(cosigned),
            });
        });
        taken.map_err(|fault| accuse(place, fault))?;
        match place.gap() {
            Some(next) => self.ask_since(next),
            None => Ok(()),
        }
    }

    fn hear_cosigned(&mut self, note: &str) -> Result<(), SessionError> {
        let place = self.place_mut();
        let Some(cosigned) = place.sale.cosigned(note)? else { return Ok(()) };
        let held = place.hold_cosigned(cosigned).map_err(|fault| accuse(place, fault))?;
        self.ready.extend(held.map(|held| Happened::Cosigned(Box::new(held))));
        Ok(())
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
            Some(Asked::Sent(sent)) => self.hear_outcome(*sent, reply.answer, message),
            Some(Asked::Enrol) => self.hear_enrol_answer(reply.answer, message),
            Some(Asked::Hello) => self.hear_no_welcome(&reply.answer, message),
            Some(Asked::Lots) => self.hear_lots(id, reply.answer, message),
            Some(Asked::Since) => self.hear_sent(&reply.answer),
            // The answer to QUIT, or to what an earlier connection asked.
            None => Ok(()),
        }
    }
}

pub(super) fn protocol(reason: &str) -> SessionError {
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

/// Keeps the evidence of lines or notes that contradict what the house signed.
pub(super) fn accuse(place: &mut Place, fault: PlaceFault) -> SessionError {
    let PlaceFault::Follow { fault, shown } = fault else { return fault.into() };
    match place.keep_evidence(&fault, &shown) {
        Ok(evidence) => SessionError::Follow { fault, evidence },
        Err(fault) => SessionError::Memory(fault),
    }
}
