//! A session of text commands, one after the other.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::gate::Checked;
use super::gavel::code_of;
use super::premises::About;
use super::session::{Ending, Flow, Session};
use super::ticket::{Answer, Asked, Query};
use crate::auction::money::Amount;
use crate::auction::name::LotId;
use crate::auction::refusal::Code;
use crate::record::{AttestedBid, Authenticated, Enrolment, EnrolmentEvidence};
use crate::wire::frame::LineFault;
use crate::wire::lot::LotView;
use crate::wire::text::{self, Command, CommandFault};

/// The first line.
pub(super) fn greeting(session: &Session) -> Vec<u8> {
    let about = &session.premises.about;
    let caller = session.premises.caller(&session.identity);
    text::greeting(&caller, &about.sale, &about.title).into_bytes()
}

/// Takes one line.
pub(super) fn take(
    session: &Session,
    place: OwnedSemaphorePermit,
    line: Result<&str, LineFault>,
    may: bool,
) -> Flow {
    let about = &session.premises.about;
    let command =
        line.map_err(CommandFault::from).and_then(|line| Command::parse(line, &about.currency));
    let say = |place, said: String| session.reply(place, said.into_bytes());
    if !may {
        say(place, text::refused(Code::SlowDown, None, None, &about.currency));
        return Flow::On;
    }
    match command {
        Err(fault) => {
            say(place, fault.answer());
            return if fault.code() == Code::BadCommand { Flow::Bad } else { Flow::On };
        }
        Ok(Command::Bid { lot, amount }) => bid(session, place, lot, amount),
        Ok(Command::Help) => say(place, text::help(about.attested)),
        Ok(Command::List) => {
            let ticket = session.ticket(Asked::Text, place);
            session.ask(Query::Lots { ticket });
        }
        Ok(Command::Quit) => {
            say(place, text::GOODBYE.to_owned());
            return Flow::End(Ending::Quit);
        }
        Ok(Command::Status { lot }) => {
            let ticket = session.ticket(Asked::Text, place);
            session.ask(Query::Lot { lot, ticket });
        }
        Ok(Command::WhoAmI) => {
            say(place, text::who_am_i(&session.premises.caller(&session.identity)));
        }
    }
    Flow::On
}

/// A hand-typed bid: the house vouches for the session that it came on.
fn bid(session: &Session, place: OwnedSemaphorePermit, lot: LotId, amount: Amount) {
    let ticket = session.ticket(Asked::TextBid { amount }, place);
    let premises = Arc::clone(&session.premises);
    let identity = Arc::clone(&session.identity);
    let wanted = Some(lot.clone());
    session.enter(ticket, wanted, move |at| {
        let about = &premises.about;
        let enrolment = Enrolment {
            bidder: identity.name.clone(),
            role: identity.role,
            chain: identity.chain.clone(),
            evidence: EnrolmentEvidence::Attested,
        };
        match enrolment.authenticate(&about.sale_hash, &premises.anchor, &about.house, at) {
            Ok(enrolled) => Checked::Attested {
                session: Box::new(enrolled),
                bid: Authenticated::<AttestedBid>::from_session(&identity, lot, amount),
            },
            Err(fault) => Checked::Refused(code_of(&fault)),
        }
    });
}

/// The lines for an answer.
pub(super) fn answer(about: &About, asked: &Asked, answer: Answer) -> Vec<u8> {
    let currency = &about.currency;
    let said = match answer {
        Answer::Entered { proof, lot: Some(lot), .. } => match asked {
            Asked::TextBid { amount } => text::bid_accepted(*amount, &lot, proof.seq, currency),
            _ => String::new(),
        },
        Answer::Lot(Some(lot)) => text::status(&lot, currency),
        Answer::Lot(None) => CommandFault::NoSuchLot.answer(),
        Answer::Lots(lots) => text::list(&lots, currency),
        Answer::Refused { code, least, lot } => text::refused(code, least, lot.as_ref(), currency),
        // Text sessions ask for none of these.
        Answer::Earlier { .. }
        | Answer::Entered { lot: None, .. }
        | Answer::Lines { .. }
        | Answer::Snapshot { .. }
        | Answer::Welcome { .. } => String::new(),
    };
    said.into_bytes()
}

/// How everything stands, for a reader that fell behind.
pub(super) fn snapshot(about: &About, lots: &[LotView]) -> Vec<u8> {
    format!("{}{}", text::SKIPPED, text::list(lots, &about.currency)).into_bytes()
}

/// The last word.
pub(super) fn farewell(code: Code, message: &str) -> Vec<u8> {
    format!("{message} [{code}]\n").into_bytes()
}
