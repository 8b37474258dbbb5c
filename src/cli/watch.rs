//! `gavel watch`: follow a sale to its end, every line checked.

use super::bid::Screen;
use super::caller::{Whom, block_on};
use super::{Exit, Failure, print};
use crate::client::{Entry, Following, Happened, Session};

/// Follow a sale to its end, every line of its ledger checked
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Print the ledger's own lines, from the first on, each once it is checked
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(watch(&args.whom, args.json))
}

async fn watch(whom: &Whom, json: bool) -> Result<Exit, Failure> {
    let mut session = whom.open(Following::Everything).await?;
    let mut screen = Screen::new(&session);
    loop {
        let happened = session.next().await?;
        let text = screen.tell(&session, &happened);
        let is_read = match &happened {
            Happened::Entry(entry) if json => print::is_read(&format!("{}\n", entry.line)),
            Happened::Entry(_) => print::is_read(&text),
            Happened::CaughtUp { .. } if !json => {
                print::is_read(&format!("{text}{}", screen.list(&session)))
            }
            _ => {
                print::talk(&text);
                true
            }
        };
        if !is_read || has_ended(&session, &happened) {
            session.close().await?;
            return Ok(Exit::Success);
        }
    }
}

/// The seal over `close` is the last line; a sale that has closed is shown whole first.
fn has_ended(session: &Session, happened: &Happened) -> bool {
    let Some(follower) = session.follower() else { return false };
    let closed = follower.standing().is_some_and(|sale| sale.is_closed());
    let at_the_end = match happened {
        Happened::Entry(entry) => is_the_last(entry, follower.next()),
        Happened::CaughtUp { .. } => true,
        _ => false,
    };
    closed && at_the_end && session.is_caught_up() && follower.is_sealed()
}

fn is_the_last(entry: &Entry, next: u64) -> bool {
    entry.seq + 1 == next
}
