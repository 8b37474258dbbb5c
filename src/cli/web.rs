//! `gavel web`: a page for one person, served by this program on loopback.

use std::process::{Command, Stdio};

use super::caller::{Whom, block_on};
use super::fault::whole;
use super::{Exit, Failure, print};
use crate::client::Following;
use crate::server::stop_signal;
use crate::web::{Bridge, BridgeFailure};

/// Take part in a sale, or run it, in a browser: this program serves the page
///
/// It does the mutual TLS, checks every line of the ledger and signs with your bid key; the
/// browser gets neither key nor certificate. It listens on 127.0.0.1 only, and the link that it
/// prints opens once. Bidders bid, staff get a console; /room is for a projector, /audit says what
/// was checked. Ctrl-C ends it; bids that were sent stand.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    whom: Whom,
    /// The port on 127.0.0.1 [default: any free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Only print the link, and open no browser
    ///
    /// Other users of this machine may see the link in the list of processes while a browser is
    /// opened with it. It opens once, so that would show: your browser would be turned away.
    #[arg(long)]
    no_open: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    block_on(serve(args))
}

async fn serve(args: &Args) -> Result<Exit, Failure> {
    let stop = stop_signal().map_err(|failure| Failure::operator("no-thread", whole(&failure)))?;
    let bridge = Bridge::bind(args.port).await.map_err(|failure| of_bridge(&failure))?;
    let session = args.whom.open(Following::Everything).await?;
    let link = bridge.link();
    print::results(&format!("{link}\n"));
    print::talk("The link opens once, in one browser of this machine. Ctrl-C ends this.\n");
    if !args.no_open && !open(&link) {
        print::talk("No browser was opened: open the link yourself.\n");
    }
    bridge.run(session, stop).await?;
    Ok(Exit::Success)
}

/// Asks the system to open a browser, and does not wait for it.
fn open(link: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}

fn of_bridge(failure: &BridgeFailure) -> Failure {
    match failure {
        BridgeFailure::Listen { .. } => Failure::operator("address-in-use", whole(failure))
            .hint("leave --port out to take any free one"),
        BridgeFailure::Randomness => Failure::operator("no-randomness", whole(failure))
            .hint("the system's getrandom fails: look at its limits and try again"),
    }
}
