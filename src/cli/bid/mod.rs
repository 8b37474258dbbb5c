//! `gavel bid`: a prompt on a terminal, plain lines otherwise, one command, or a
//! maximum to bid up to.

mod live;
mod max;
mod once;
mod screen;

use std::io::IsTerminal as _;

use super::caller::{Whom, block_on};
use super::{Exit, Failure};
use crate::auction::money::{Amount, Currency};
use crate::client::SessionError;
use crate::limits::CONFIRM_ABOVE_ASKS;
use crate::wire::lot::LotView;
use crate::wire::text::{Command, CommandFault};

pub(crate) use crate::client::is_startling;
pub(crate) use screen::{Screen, is_yes, view, who_am_i};

/// Take part in a sale: a live prompt, one command, or a maximum to bid up to
///
/// Without a command: a prompt on a terminal; otherwise commands are read from
/// standard input, one a line, and answered on standard output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// LIST, STATUS <item>, BID <item> <amount>, WHOAMI or HELP
    command: Vec<String>,
    /// Bid one ask at a time until the lot closes, up to AMOUNT; once for each lot
    ///
    /// The maximum stays in this process: no server and no ledger ever sees more than
    /// the bids. (Other users of this machine may see it in the list of processes.)
    /// Over its maximum it bids nothing and watches on, since the ask falls again if a
    /// bid is voided. A lost connection is found again, and no bid is made twice.
    /// Ctrl-C ends it; a bid that leads then stands. Exit code: 0 when every lot was
    /// won, 4 when one was not, 3 when it was stopped before or the outcome of a bid is
    /// unknown.
    #[arg(
        long,
        num_args = 2,
        value_names = ["LOT", "AMOUNT"],
        action = clap::ArgAction::Append,
        allow_negative_numbers = true,
        conflicts_with = "command"
    )]
    max: Vec<String>,
    /// At a terminal: a bare prompt in the place of the live screen
    #[arg(long)]
    plain: bool,
    /// Bid without asking back, even more than 10 times the ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if !args.max.is_empty() {
        let wishes = max::read(&args.max)?;
        return block_on(max::run(&args.whom, &wishes, args.yes));
    }
    if !args.command.is_empty() {
        let line = args.command.join(" ");
        check_shape(&line)?;
        return block_on(once::run(&args.whom, &line, args.yes));
    }
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        block_on(live::at_the_terminal(&args.whom, args.yes, args.plain))
    } else {
        block_on(live::over_pipes(&args.whom, args.yes))
    }
}

/// Refuses what is no command before anybody is called; whether the amount fits
/// the sale's currency shows later.
fn check_shape(line: &str) -> Result<(), Failure> {
    match Command::parse(line, &Currency::seed()) {
        Err(
            fault @ (CommandFault::Empty
            | CommandFault::Line(_)
            | CommandFault::Unknown
            | CommandFault::Usage { .. }),
        ) => Err(of_command(&fault)),
        Ok(_) | Err(CommandFault::Amount(_) | CommandFault::NoSuchLot) => Ok(()),
    }
}

fn of_command(fault: &CommandFault) -> Failure {
    Failure::usage(fault.code().as_str(), fault)
        .hint("commands: LIST, STATUS <item>, BID <item> <amount>, WHOAMI, HELP")
}

/// Whether a session that ends like this leaves open what became of a bid that was
/// sent: whoever is turned away afterwards was not refused the bid.
pub(crate) const fn leaves_open(error: &SessionError) -> bool {
    match error {
        SessionError::Connect(_)
        | SessionError::Lost { .. }
        | SessionError::NotWelcome { .. }
        | SessionError::Offline
        | SessionError::OtherSale { .. }
        | SessionError::Protocol { .. }
        | SessionError::Silent => true,
        // A house that was caught outranks an open outcome, and so does our own disk.
        _ => false,
    }
}

fn open_outcome() -> Failure {
    let message = "nobody can say yet whether the last bid counts";
    Failure::new(Exit::Inconclusive, "outcome-unknown", message)
        .hint("it is kept: the next `gavel bid` asks for the same bid, never for a new one")
}

/// What to ask back before a startling bid.
pub(crate) fn question(amount: Amount, lot: &LotView, currency: &Currency) -> String {
    let name = lot.name.as_ref().map_or("?", |name| name.as_str());
    format!(
        "{} on item {} ({name}) is more than {CONFIRM_ABOVE_ASKS} times the ask of {}.",
        currency.display(amount),
        lot.lot,
        currency.display(lot.ask)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auction::refusal::Code;
    use crate::client::{ConnectError, FollowFault, Refusal};

    #[test]
    fn who_is_turned_away_after_a_bid_was_not_refused_it() {
        let turned_away = [
            SessionError::NotWelcome { code: Code::Revoked, message: String::new() },
            ConnectError::OurCertificate { why: Refusal::Revoked }.into(),
            SessionError::Protocol { reason: "no answer to a bid".to_owned() },
        ];
        for error in turned_away {
            assert!(leaves_open(&error), "{error}");
        }
        let fault = FollowFault::Root { size: 7 };
        assert!(!leaves_open(&SessionError::Follow { fault, evidence: None }));
    }
}
