//! `gavel watch`: follow a sale to its end, every line checked.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::auditing::BroughtPolicy;
use super::bid::Screen;
use super::caller::{Whom, block_on};
use super::cosigned::{Cosigners, await_the_last};
use super::panel::{Boards, Panel};
use super::{Exit, Failure, print};
use crate::client::{Entry, Following, Happened, Session};
use crate::ledger::Policy;

/// Follow a sale to its end, every line of its ledger checked
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// Print the ledger's own lines, from the first on, each once it is checked
    #[arg(long)]
    json: bool,
    /// Fill the terminal with the lots and what was last said, for a room; q leaves
    #[arg(long, conflicts_with = "json")]
    screen: bool,
    /// Judge the cosigned checkpoints by this policy (c2sp.org/tlog-policy)
    ///
    /// Exit code: 3 if at the sale's end its quorum does not stand under the whole ledger.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let policy = args.policy.as_deref().map(BroughtPolicy::read).transpose()?;
    let policy = policy.map(|brought| brought.policy);
    if args.screen {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(Failure::usage("no-terminal", "--screen needs a terminal")
                .hint("without it, what happens is told in lines"));
        }
        return block_on(for_a_room(&args.whom, policy));
    }
    block_on(watch(&args.whom, args.json, policy))
}

/// The screen stays when the sale has closed: a room reads the results.
async fn for_a_room(whom: &Whom, policy: Option<Policy>) -> Result<Exit, Failure> {
    let mut session = whom.open(Following::Everything).await?;
    let mut screen = screen(&session, policy)?;
    let mut boards = Boards::new(&session);
    let (panel, mut typed) = Panel::for_a_room()?;
    loop {
        tokio::select! {
            _ = typed.recv() => break,
            happened = session.next() => {
                let happened = happened?;
                boards.hear(&happened);
                panel.print(&screen.tell(&session, &happened));
                if session.is_caught_up() && let Some(board) = boards.take(&session, 0) {
                    panel.show(board);
                }
            }
        }
    }
    session.close().await?;
    Ok(Exit::Success)
}

fn screen(session: &Session, policy: Option<Policy>) -> Result<Screen, Failure> {
    let screen = Screen::new(session);
    match policy {
        Some(policy) => Ok(screen.judging(Cosigners::by(policy, session)?)),
        None => Ok(screen),
    }
}

async fn watch(whom: &Whom, json: bool, policy: Option<Policy>) -> Result<Exit, Failure> {
    let mut session = whom.open(Following::Everything).await?;
    let mut screen = screen(&session, policy)?;
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
        if !is_read {
            session.close().await?;
            return Ok(Exit::Success);
        }
        if has_ended(&session, &happened) {
            return conclude(session, screen).await;
        }
    }
}

/// The last cosigned checkpoint comes a moment after the last line.
async fn conclude(mut session: Session, screen: Screen) -> Result<Exit, Failure> {
    if screen.cosigners().awaits() || session.cosigned().is_some() {
        await_the_last(&mut session, |_| ()).await?;
    }
    let lines = session.newest().checkpoint().size;
    let (words, is_enough) = screen.cosigners().conclude(session.cosigned(), lines);
    print::talk(&words);
    session.close().await?;
    Ok(if is_enough { Exit::Success } else { Exit::Inconclusive })
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
