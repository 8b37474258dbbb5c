//! `gavel pki renew`: certificates made anew before they expire.

use std::path::PathBuf;

use super::certify::{DAY_S, person};
use crate::auction::name::Name;
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::pki::keys::shown;
use crate::pki::{Issued, NewKey, Renewal, Renewed, ServerRenewed};
use crate::time::Span;

/// Renew a person's certificate before it expires, or the server's
///
/// Name and role stay, and the key: a request by whoever has it, or a credential. A person with a
/// credential NAME.pem runs `gavel pki request NAME` beside it. A sealing certificate is not
/// renewed: the ledger names the one that its sale was opened with.
///
/// The old certificate stays good until it expires, unless it is revoked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose certificate
    #[arg(required_unless_present = "server", conflicts_with = "server")]
    name: Option<Name>,
    /// The request, or a credential [default: people/NAME.pem in the house's folder]
    #[arg(conflicts_with = "server")]
    file: Option<PathBuf>,
    /// The server's certificate, which gets a new key
    #[arg(long)]
    server: bool,
    /// Take a request for another key than before: a running sale must reissue the name
    #[arg(long, conflicts_with = "server")]
    new_key: bool,
    /// For how many days, 1 to 90
    #[arg(long, value_name = "N", default_value_t = 90, conflicts_with = "server", value_parser = clap::value_parser!(u64).range(1..=90))]
    days: u64,
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let mut office = args.house.open()?;
    let flag = args.house.flag();
    let Some(name) = &args.name else {
        let renewed = office.renew_server(now)?;
        print::results(&of_server(&renewed));
        print::talk(&servers_next(&renewed, &flag));
        return Ok(Exit::Success);
    };
    let renewal = Renewal {
        name: name.clone(),
        file: args.file.clone(),
        lifetime: Span::from_s(args.days * DAY_S),
        new_key: if args.new_key { NewKey::Allow } else { NewKey::Refuse },
    };
    let renewed = office.renew(&renewal, now)?;
    let kind = if renewed.has_key { "credential" } else { "answer" };
    let text = person("renewed", &renewed.identity);
    print::results(&format!("{text}{kind:13}{}\n", shown(&renewed.path)));
    print::talk(&persons_next(&renewed, &flag));
    Ok(Exit::Success)
}

fn persons_next(renewed: &Renewed, flag: &str) -> String {
    let (name, path) = (&renewed.identity.name, shown(&renewed.path));
    let mut text = "\n".to_owned();
    if renewed.key_changed {
        text.push_str(&format!(
            "Compare the key's fingerprint with the one that {name} reads to you, by telephone or in \
             person.\nThe key is another one than before. In a sale in which {name} is enrolled \
             already, the name\nbelongs to the old key: the new certificate is refused there, as \
             name-taken, until the\nauctioneer reissues the name.\n"
        ));
    } else {
        text.push_str(&format!(
            "The key is the same, so {name} goes on in a sale that is running, with a new bid key.\n"
        ));
    }
    text.push_str(&still_good(&renewed.still_good, flag));
    text.push_str(&if renewed.has_key {
        format!(
            "next: hand {path} to {name} on a way that nobody else reads, then delete it here\n"
        )
    } else {
        format!("next: send {path} back to {name}, who runs `gavel pki accept`\n")
    });
    text
}

fn of_server(renewed: &ServerRenewed) -> String {
    let ServerRenewed { issued, path, .. } = renewed;
    format!(
        "{:13}server\n{:13}{}\n{:13}sha256:{}\n{:13}{}\n{:13}{}\n",
        "renewed",
        "valid until",
        when::moment(issued.not_after),
        "fingerprint",
        issued.key,
        "serial",
        issued.serial,
        "credential",
        shown(path)
    )
}

fn servers_next(renewed: &ServerRenewed, flag: &str) -> String {
    format!(
        "\n{}A server that runs here goes on with the old one; it takes the new one at its next start.\n",
        still_good(&renewed.still_good, flag)
    )
}

/// What becomes of the old ones.
fn still_good(old: &[Issued], flag: &str) -> String {
    let tell = |issued: &Issued| {
        let (until, serial) = (when::moment(issued.not_after), &issued.serial);
        format!(
            "An old certificate is good until {until}, unless you revoke it: gavel pki revoke {serial}{flag}\n"
        )
    };
    old.iter().map(tell).collect()
}
