//! `gavel pki request` and `gavel pki accept`: on the holder's own machine.

use std::path::{Path, PathBuf};

use crate::auction::name::Name;
use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::pki::keys::shown;

/// Make a key and a request for a certificate, on the machine of the one who bids
///
/// The request goes to the house; the key never does. A key that is there is used again, also
/// that of a credential NAME.pem, so that the house can renew it.
#[derive(Debug, clap::Args)]
pub(super) struct RequestArgs {
    /// The name you ask for: a-z, 0-9, _ and -; the house decides
    name: Name,
}

pub(super) fn request(args: &RequestArgs) -> Result<Exit, Failure> {
    let name = &args.name;
    let requested = crate::pki::request(Path::new("."), name)?;
    let made = if requested.key_was_there { "was there; it stays here" } else { "stays here" };
    let (key, request) = (bare(&requested.key), bare(&requested.request));
    print::results(&format!(
        "{:13}{key}    {made}\n{:13}{request}    goes to the house\n{:13}sha256:{}\n",
        "key", "request", "fingerprint", requested.fingerprint
    ));
    let house_runs = if requested.key.ends_with(format!("{name}.pem")) {
        format!("gavel pki renew {name} {request}")
    } else {
        format!("gavel pki sign {request} --as {name}")
    };
    print::talk(&format!(
        "\nSend {request} to the house, and read it the fingerprint by telephone or in person.\n\
         It runs `{house_runs}` and sends back {name}.answer.pem.\n\
         next: gavel pki accept {name}.answer.pem\n"
    ));
    Ok(Exit::Success)
}

/// Join the house's answer to your key: the credential is one file, NAME.pem
///
/// Run it in the folder where `gavel pki request` left the key.
#[derive(Debug, clap::Args)]
pub(super) struct AcceptArgs {
    /// The answer that the house sent back
    file: PathBuf,
}

pub(super) fn accept(args: &AcceptArgs) -> Result<Exit, Failure> {
    let accepted = crate::pki::accept(&args.file, Path::new("."), Clock::start().now())?;
    let identity = &accepted.identity;
    let path = bare(&accepted.path);
    let made = if accepted.was_complete {
        "was complete; nothing was changed"
    } else {
        "keep it to yourself"
    };
    print::results(&format!(
        "{:13}{path}    {made}\n{:13}{}, {} of the house {}, until {}\n{:13}sha256:{}\n",
        "credential",
        "holder",
        identity.name,
        identity.role,
        identity.house,
        when::moment(identity.not_after),
        "house's CA",
        accepted.ca
    ));
    print::talk(&format!(
        "\nCompare the CA's fingerprint with the one that the house publishes.\nnext: gavel bid {path}\n"
    ));
    Ok(Exit::Success)
}

/// A path in this folder without its `./`.
fn bare(path: &Path) -> String {
    shown(path.strip_prefix(".").unwrap_or(path))
}
