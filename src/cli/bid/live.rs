//! Taking part live: commands in, answers and news out, until the end.
//!
//! At a terminal commands are taken as they are typed. Over pipes each waits for
//! the answer to the one before it, so that a script reads what it expects.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::screen::{self, Screen, view};
use super::{is_startling, leaves_open, open_outcome, question};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::{LotId, Role};
use crate::auction::refusal::Code;
use crate::cli::caller::Whom;
use crate::cli::fault::whole;
use crate::cli::panel::{Boards, Face};
use crate::cli::prompt::{Typed, piped};
use crate::cli::{Exit, Failure, print};
use crate::client::{BidAnswer, Following, Happened, Session, SessionError};
use crate::limits::OUTCOME_PATIENCE;
use crate::wire::frame::Framer;
use crate::wire::message::advice;
use crate::wire::text::{Command, CommandFault, GOODBYE};

/// Where the lines go.
enum Output {
    Face(Face),
    Pipe,
}

/// Somebody who takes part.
struct Part {
    session: Session,
    screen: Screen,
    boards: Boards,
    currency: Currency,
    output: Output,
    yes: bool,
    ready: bool,
    /// The numbers of bids whose answer is awaited.
    awaited: BTreeSet<u64>,
    /// The line that has to be here before the answer to it makes sense.
    landed: Option<u64>,
    /// A startling bid that waits for a yes.
    startling: Option<(LotId, Amount)>,
    refused: bool,
    unknown: bool,
    /// Whether anybody still reads what is said.
    is_read: bool,
}

/// What a command leads to.
enum Then {
    GoOn,
    Leave,
}

pub(super) async fn at_the_terminal(
    whom: &Whom,
    yes: bool,
    is_plain: bool,
) -> Result<Exit, Failure> {
    let session = whom.open(Following::Everything).await?;
    let (face, typed) = Face::open(session.identity().name.as_str(), is_plain)?;
    Part::new(session, Output::Face(face), yes).run(typed).await
}

pub(super) async fn over_pipes(whom: &Whom, yes: bool) -> Result<Exit, Failure> {
    let session = whom.open(Following::Everything).await?;
    Part::new(session, Output::Pipe, yes).run(piped()).await
}

impl Part {
    fn new(session: Session, output: Output, yes: bool) -> Self {
        Self {
            screen: Screen::new(&session),
            boards: Boards::new(&session),
            currency: session.sale().opening().terms.sale.currency.clone(),
            session,
            output,
            yes,
            ready: false,
            awaited: BTreeSet::new(),
            landed: None,
            startling: None,
            refused: false,
            unknown: false,
            is_read: true,
        }
    }

    async fn run(mut self, mut typed: mpsc::Receiver<Typed>) -> Result<Exit, Failure> {
        loop {
            if let (Output::Face(face), true) = (&mut self.output, self.ready) {
                face.show(|| self.boards.take(&self.session, self.awaited.len()));
            }
            if !self.is_read {
                break;
            }
            let may_take = self.may_take_a_command();
            tokio::select! {
                said = typed.recv(), if may_take => {
                    if let Output::Face(face) = &mut self.output {
                        face.was_answered();
                    }
                    let then = match said {
                        Some(Typed::Line(line)) => self.obey(&line).await?,
                        Some(Typed::End) | None => Then::Leave,
                    };
                    if let Then::Leave = then {
                        break;
                    }
                }
                happened = self.next(may_take) => {
                    let happened = happened?;
                    let lost = matches!(happened, Happened::Lost { .. });
                    self.hear(happened).await?;
                    if lost && self.is_closed() && self.awaited.is_empty() {
                        self.say("The sale has closed, and its server is gone.\n");
                        break;
                    }
                }
            }
        }
        self.leave().await
    }

    /// Over pipes a command waits for the answer to the one before.
    fn may_take_a_command(&self) -> bool {
        match self.output {
            Output::Face(_) => true,
            Output::Pipe => self.is_settled() && self.session.is_connected(),
        }
    }

    fn is_settled(&self) -> bool {
        let next = self.session.follower().map_or(0, |follower| follower.next());
        self.ready && self.awaited.is_empty() && self.landed.is_none_or(|seq| seq < next)
    }

    fn is_closed(&self) -> bool {
        let standing = self.session.follower().and_then(|follower| follower.standing());
        standing.is_some_and(|sale| sale.is_closed())
    }

    /// A script does not wait for ever; somebody at a terminal may.
    async fn next(&mut self, may_wait: bool) -> Result<Happened, Failure> {
        let happened = match may_wait {
            true => Ok(self.session.next().await),
            false => timeout(Duration::from(OUTCOME_PATIENCE), self.session.next()).await,
        };
        match happened {
            Ok(Err(error)) if leaves_open(&error) && !self.awaited.is_empty() => {
                print::talk(&format!("{}\n", whole(&error)));
                Err(open_outcome())
            }
            Ok(happened) => Ok(happened?),
            Err(_) if self.awaited.is_empty() => Err(SessionError::Silent.into()),
            Err(_) => Err(open_outcome()),
        }
    }

    fn say(&mut self, text: &str) {
        match &mut self.output {
            Output::Face(face) if !text.is_empty() => face.print(text),
            Output::Face(_) => {}
            Output::Pipe => self.is_read &= print::is_read(text),
        }
    }

    // ---- What happens ----

    async fn hear(&mut self, happened: Happened) -> Result<(), Failure> {
        self.boards.hear(&happened);
        let text = self.screen.tell(&self.session, &happened);
        match (&happened, &self.output) {
            // It comes whenever it comes; a script reads answers and what happens in the sale.
            (Happened::Cosigned(_), Output::Pipe) => print::talk(&text),
            _ => self.say(&text),
        }
        match happened {
            Happened::CaughtUp { .. } => self.begin().await,
            Happened::Bid { bid, answer } => {
                self.awaited.remove(&bid.n);
                match answer {
                    BidAnswer::Landed { seq } => self.landed = self.landed.max(Some(seq)),
                    BidAnswer::Refused { .. } => self.refused = true,
                    BidAnswer::Unknown => self.unknown = true,
                }
                Ok(())
            }
            Happened::Act { .. }
            | Happened::Alarm(_)
            | Happened::Connected
            | Happened::Cosigned(_)
            | Happened::Enrolled
            | Happened::Entry(_)
            | Happened::Lost { .. }
            | Happened::Lots { .. }
            | Happened::Refused { .. }
            | Happened::Unanswered { .. } => Ok(()),
        }
    }

    /// Everything is checked: show it, enrol, and ask what became of earlier bids.
    async fn begin(&mut self) -> Result<(), Failure> {
        self.ready = true;
        let list = match &self.output {
            Output::Face(face) if face.shows_lots() => String::new(),
            Output::Face(_) | Output::Pipe => self.screen.list(&self.session),
        };
        let hint = match self.output {
            Output::Face(_) => "HELP lists the commands.\n",
            Output::Pipe => "",
        };
        self.say(&format!("{list}{hint}"));
        for bid in self.session.settle().await? {
            let amount = self.currency.display(bid.amount);
            let lot = &bid.lot;
            self.say(&format!("Asking what became of your bid of {amount} on item {lot}.\n"));
            self.awaited.insert(bid.n);
        }
        if self.is_closed() || self.session.identity().role != Role::Bidder {
            return Ok(());
        }
        match self.session.enrol().await {
            Err(error @ SessionError::NotEnrolled { .. }) => {
                self.say(&format!("{error}\n"));
                Ok(())
            }
            other => Ok(other?),
        }
    }

    // ---- What is asked ----

    async fn obey(&mut self, line: &str) -> Result<Then, Failure> {
        if let Some((lot, amount)) = self.startling.take() {
            if screen::is_yes(line) {
                self.place(lot, amount).await?;
            } else {
                self.say("Nothing was bid.\n");
            }
            return Ok(Then::GoOn);
        }
        if line.trim().is_empty() && matches!(self.output, Output::Face(_)) {
            return Ok(Then::GoOn);
        }
        let command = readable(line).and_then(|line| Command::parse(&line, &self.currency));
        let answer = match command {
            Ok(Command::Bid { lot, amount }) => {
                self.bid(lot, amount).await?;
                return Ok(Then::GoOn);
            }
            Ok(Command::Quit) => {
                self.say(GOODBYE);
                return Ok(Then::Leave);
            }
            Ok(Command::Help) => self.help(),
            Ok(Command::List) => self.screen.list(&self.session),
            Ok(Command::Status { lot }) => self.screen.status(&self.session, &lot),
            Ok(Command::WhoAmI) => screen::who_am_i(&self.session),
            Err(fault) => {
                self.refused = true;
                fault.answer()
            }
        };
        self.say(&answer);
        Ok(Then::GoOn)
    }

    fn help(&self) -> String {
        let keys = match &self.output {
            Output::Face(face) if face.shows_lots() => screen::KEYS,
            Output::Face(_) | Output::Pipe => "",
        };
        format!("{}{keys}", screen::HELP)
    }

    async fn bid(&mut self, lot: LotId, amount: Amount) -> Result<(), Failure> {
        let Some(view) = view(&self.session, &lot) else {
            self.refused = true;
            self.say(&CommandFault::NoSuchLot.answer());
            return Ok(());
        };
        if self.session.identity().role != Role::Bidder {
            self.refused = true;
            self.say(&format!("{} [{}]\n", advice(Code::Role), Code::Role));
            return Ok(());
        }
        if self.yes || !is_startling(amount, view.ask) {
            return self.place(lot, amount).await;
        }
        let question = question(amount, &view, &self.currency);
        match self.output {
            Output::Face(_) => {
                self.say(&format!("{question} Bid it? [yes/no]\n"));
                self.startling = Some((lot, amount));
            }
            Output::Pipe => {
                self.refused = true;
                self.say(&format!("{question} Nothing was bid; --yes allows it.\n"));
            }
        }
        Ok(())
    }

    async fn place(&mut self, lot: LotId, amount: Amount) -> Result<(), Failure> {
        let sent = self.session.send_bid(lot, amount);
        // It waits for an enrolment, if that was lost; a script must not wait for ever.
        let sent = match self.output {
            Output::Face(_) => sent.await,
            Output::Pipe => match timeout(Duration::from(OUTCOME_PATIENCE), sent).await {
                Ok(sent) => sent,
                Err(_) => return Err(open_outcome()),
            },
        };
        match sent {
            Ok(placed) => {
                self.awaited.insert(placed.n);
                Ok(())
            }
            Err(error @ (SessionError::Offline | SessionError::NotEnrolled { .. })) => {
                self.refused = true;
                self.say(&format!("Nothing was bid: {error}.\n"));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    // ---- The end ----

    /// Waits for answers that are still awaited, but not for ever.
    async fn leave(mut self) -> Result<Exit, Failure> {
        while !self.awaited.is_empty() {
            let happened = self.next(false).await?;
            self.hear(happened).await?;
        }
        self.session.close().await?;
        Ok(match (self.unknown, self.refused) {
            (true, _) => Exit::Inconclusive,
            (false, true) if matches!(self.output, Output::Pipe) => Exit::Refused,
            (false, _) => Exit::Success,
        })
    }
}

/// A typed line as the wire takes it: text, without control characters, bounded.
fn readable(line: &str) -> Result<String, CommandFault> {
    let mut framer = Framer::new(crate::limits::TEXT_LINE_BYTES_MAX);
    framer.push(line.as_bytes());
    framer.push(b"\n");
    Ok(framer.next_line().unwrap_or(Ok(""))?.to_owned())
}
