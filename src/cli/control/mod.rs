//! `gavel control`: what staff do to a sale, by one command or in a live session.
//!
//! Every act is signed by the staff member's own bid key and stands in the ledger
//! (RULES 7). Both ways follow the sale with every line checked, so that a hammer
//! names the bid that really stands.

mod desk;
mod grammar;
mod live;

use std::io::IsTerminal as _;

use desk::Desk;

use super::caller::{Whom, block_on};
use super::{Exit, Failure, print};
use crate::auction::refusal::Code;

/// Run a sale: open, hammer, pause, void and the other acts of staff
///
/// Without a command: a live session at the terminal, or commands from standard input, one a
/// line. HELP lists them.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// What to do, with its words; all forms are listed below
    command: Vec<String>,
    /// Why, for what changes an outcome [default: the words after the command's own]
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// At a terminal: a bare prompt in the place of the live screen
    #[arg(long)]
    plain: bool,
    /// Enter a bid for the room without asking back, even more than 10 times the ask
    #[arg(long, short)]
    yes: bool,
}

const AFTER_HELP: &str = "\
Commands:
  open LOT                     open a lot
  warn LOT                     give fair warning
  hammer LOT [PRICE]           close it; refused if another bid stands than PRICE
  pass LOT                     close it without a sale
  bid PADDLE LOT AMOUNT        enter a bid for the room; @NAME for a person
  pause LOT, resume LOT        stop its time, let it go on
  void LOT REASON              take the highest bid back
  withdraw LOT REASON          take the lot back before its close
  extend LOT WHEN REASON       move its end forward: 5m, or 2026-11-24T20:00:00Z
  reserve LOT AMOUNT REASON    lower its hidden reserve
  say TEXT                     tell everybody
  reissue NAME KEY REASON      let a name pass to another key: a file, or sha256:HEX
  close-sale                   close what has no bid; running times finish";

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if args.command.is_empty() {
        let at_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let place = match (at_terminal, args.plain) {
            (true, false) => live::Place::Screen,
            (true, true) => live::Place::Prompt,
            (false, _) => live::Place::Pipe,
        };
        return block_on(live::run(&args.whom, place, args.yes));
    }
    block_on(once(args))
}

/// One act, its outcome, and what it led to.
async fn once(args: &Args) -> Result<Exit, Failure> {
    let mut words: Vec<&str> =
        args.command.iter().flat_map(|word| word.split_whitespace()).collect();
    words.extend(args.reason.iter().flat_map(|reason| reason.split_whitespace()));
    // A slip is told before anything is asked of the server.
    grammar::verb(&words).map_err(unclear)?;
    let mut desk = Desk::open(&args.whom).await?;
    let wanted = desk.read(&words, None).map_err(unclear)?;
    if let Some(question) = desk.question(&wanted).filter(|_| !args.yes) {
        return Err(Failure::usage("confirmation-needed", question)
            .hint("if you mean it, say so with --yes"));
    }
    let (order, reason, opening) = desk.prepare(wanted)?;
    let told = desk.act(order, reason, opening).await?;
    print::results(&told);
    desk.close().await?;
    Ok(Exit::Success)
}

fn unclear(why: grammar::Unclear) -> Failure {
    match why {
        grammar::Unclear::BidIn { .. } => Failure::new(Exit::Refused, Code::BidIn.as_str(), &why)
            .hint("look again, and hammer at the price that stands"),
        _ => Failure::usage(Code::BadCommand.as_str(), &why)
            .hint("gavel control --help lists all forms"),
    }
}
