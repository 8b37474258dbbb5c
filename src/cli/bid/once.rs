//! One command, one answer, one exit code.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use tokio::time::timeout;

use super::{is_startling, leaves_open, of_command, question, screen};
use crate::auction::money::{Amount, Currency};
use crate::auction::name::LotId;
use crate::cli::caller::Whom;
use crate::cli::fault::whole;
use crate::cli::{Exit, Failure, print};
use crate::client::{BidAnswer, Following, Happened, PlacedBid, Session, SessionError};
use crate::limits::OUTCOME_PATIENCE;
use crate::pki::keys::shown;
use crate::wire::lot::LotView;
use crate::wire::text::{self, Command};

/// One command does not read the whole ledger, so it cannot have seen every enrolment.
const ROSTER_NOT_CHECKED: &str =
    "roster not checked: only `gavel watch` and `gavel bid` without a command read every line\n";

pub(super) async fn run(whom: &Whom, line: &str, yes: bool) -> Result<Exit, Failure> {
    let mut session = whom.open(Following::Onward).await?;
    let currency = session.sale().opening().terms.sale.currency.clone();
    let command = Command::parse(line, &currency).map_err(|fault| of_command(&fault))?;
    match command {
        Command::Bid { lot, amount } => bid(&mut session, lot, amount, yes, &currency).await?,
        Command::Help => print::results(screen::HELP),
        Command::List => print::results(&text::list(&session.list().await?, &currency)),
        Command::Quit => {}
        Command::Status { lot } => {
            let lot = find(&mut session, lot).await?;
            print::results(&text::status(&lot, &currency));
        }
        Command::WhoAmI => print::results(&screen::who_am_i(&session)),
    }
    tell_alarms(&mut session, &currency);
    tell_unsettled(&session, &currency)?;
    session.close().await?;
    Ok(Exit::Success)
}

async fn find(session: &mut Session, lot: LotId) -> Result<LotView, Failure> {
    let fault = text::CommandFault::NoSuchLot;
    let found = session.status(lot).await?;
    found.ok_or_else(|| Failure::new(Exit::Refused, fault.code().as_str(), &fault))
}

async fn bid(
    session: &mut Session,
    lot: LotId,
    amount: Amount,
    yes: bool,
    currency: &Currency,
) -> Result<(), Failure> {
    let view = find(session, lot.clone()).await?;
    if is_startling(amount, view.ask) && !yes {
        confirm(&question(amount, &view, currency), "Bid it?")?;
    }
    let patience = Duration::from(OUTCOME_PATIENCE);
    let wanted = |bid: &PlacedBid| bid.lot == lot && bid.amount == amount;
    // Unless an earlier run sent this very bid, nothing about it is open until it is sent.
    let was_sent = session.unsettled()?.iter().any(&wanted);
    let settled = match timeout(patience, prepare(session, &wanted, currency)).await {
        Ok(settled) => settled?,
        Err(_) if was_sent => return Err(unknown(amount, &lot, currency)),
        Err(_) => return Err(SessionError::Silent.into()),
    };
    let (answer, again) = match settled {
        Some(answer) => (answer, true),
        None => match timeout(patience, session.bid(lot.clone(), amount)).await {
            Ok(Ok(answer)) => (answer, false),
            // Until it was sent nothing is open.
            Ok(Err(error @ (SessionError::NotEnrolled { .. } | SessionError::Offline))) => {
                return Err(error.into());
            }
            Ok(Err(error)) if leaves_open(&error) => {
                print::talk(&format!("{}\n", whole(&error)));
                return Err(unknown(amount, &lot, currency));
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(unknown(amount, &lot, currency)),
        },
    };
    match answer {
        BidAnswer::Landed { seq } => {
            if again {
                print::talk("An earlier run had sent this bid; it has landed.\n");
            }
            print::results(&text::bid_accepted(amount, &view, seq, currency));
            if let Some(folder) = session.folder() {
                let receipt = folder.join("receipts").join(format!("{seq}.tlog-proof"));
                print::talk(&format!("receipt: {}\n", shown(&receipt)));
            }
            if !session.is_roster_checked() {
                print::talk(ROSTER_NOT_CHECKED);
            }
            Ok(())
        }
        BidAnswer::Refused { code, ask, .. } => {
            let standing = session.status(lot).await?;
            let said = text::refused(code, ask, standing.as_ref(), currency);
            let said = said.trim_end().trim_end_matches(&format!(" [{code}]")).to_owned();
            Err(Failure::new(Exit::Refused, code.as_str(), said))
        }
        BidAnswer::Unknown => Err(unknown(amount, &lot, currency)),
    }
}

/// Does what comes before a bid: learns what became of earlier ones, and enrols.
async fn prepare(
    session: &mut Session,
    wanted: &impl Fn(&PlacedBid) -> bool,
    currency: &Currency,
) -> Result<Option<BidAnswer>, SessionError> {
    let settled = settle(session, wanted, currency).await?;
    if settled.is_none() {
        session.enrol().await?;
    }
    Ok(settled)
}

/// Learns what became of bids of earlier runs; gives the answer to the wanted one.
async fn settle(
    session: &mut Session,
    wanted: &impl Fn(&PlacedBid) -> bool,
    currency: &Currency,
) -> Result<Option<BidAnswer>, SessionError> {
    let mut open = session.settle().await?;
    let mut found = None;
    while !open.is_empty() {
        let Happened::Bid { bid, answer } = session.next().await? else { continue };
        open.retain(|placed| placed.n != bid.n);
        if wanted(&bid) {
            found = Some(answer);
        } else {
            print::talk(&screen::earlier(&bid, &answer, currency));
        }
    }
    Ok(found)
}

/// Asks at the terminal; without one nobody can say yes.
pub(super) fn confirm(question: &str, shall: &str) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::usage("confirmation-needed", question)
            .hint("if you mean it, say so with --yes"));
    }
    print::talk(&format!("{question}\n{shall} [yes/no] "));
    let mut line = String::new();
    // A closed terminal is a no.
    let _ = std::io::stdin().lock().read_line(&mut line);
    if screen::is_yes(&line) {
        Ok(())
    } else {
        Err(Failure::usage("confirmation-needed", "nothing was bid"))
    }
}

fn unknown(amount: Amount, lot: &LotId, currency: &Currency) -> Failure {
    let amount = currency.display(amount);
    let message = format!("nobody can say yet whether the bid of {amount} on item {lot} counts");
    Failure::new(Exit::Inconclusive, "outcome-unknown", message).hint(
        "it is kept: give the same command again, and the same bid is asked for, never a second one",
    )
}

/// What was noticed beside the answer.
fn tell_alarms(session: &mut Session, currency: &Currency) {
    for alarm in session.take_alarms() {
        print::talk(&format!("warning: {}\n", alarm.text(currency)));
    }
}

fn tell_unsettled(session: &Session, currency: &Currency) -> Result<(), Failure> {
    for bid in session.unsettled()? {
        print::talk(&format!(
            "warning: the outcome of your bid of {} on item {} is open; `BID {} {}` again asks for it\n",
            currency.display(bid.amount),
            bid.lot,
            bid.lot,
            currency.decimal(bid.amount)
        ));
    }
    Ok(())
}
