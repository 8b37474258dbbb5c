//! `gavel pki revoke` and `gavel pki crl`: certificates taken back, and the
//! list that tells the server.

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;

use super::certify::list_made;
use crate::auction::name::Name;
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print};
use crate::clock::Clock;
use crate::pki::{CrlMade, Holder, Issued, Office, RevocationReason, Serial, Which};
use crate::time::Timestamp;

/// Revoke a name's certificates, or one by its serial; a running server obeys at once
///
/// It writes a new revocation list and copies it to the server's folder.
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// A name, or the serial of one certificate
    #[arg(value_name = "NAME|SERIAL")]
    which: String,
    /// Why; the ledger of a running sale records it
    #[arg(long, default_value = "unspecified", value_parser = reasons())]
    reason: RevocationReason,
    #[command(flatten)]
    house: HouseArgs,
}

fn reasons() -> impl clap::builder::TypedValueParser<Value = RevocationReason> {
    PossibleValuesParser::new(RevocationReason::ALL.map(RevocationReason::as_str))
        .map(|text| RevocationReason::parse(&text).unwrap_or_default())
}

pub(super) fn revoke(args: &RevokeArgs) -> Result<Exit, Failure> {
    let mut office = args.house.open()?;
    let now = Clock::start().now();
    let which = which(&office, &args.which, now)?;
    let revoked = office.revoke(&which, args.reason, now)?;
    let mut text = String::new();
    for issued in &revoked.certificates {
        text.push_str(&format!("{:13}{}, serial {}\n", "revoked", holder(issued), issued.serial));
    }
    print::results(&(text + &list_made(&revoked.list)));
    print::talk(&spread(&revoked.list));
    Ok(Exit::Success)
}

/// Write a new revocation list, as before the old one expires
#[derive(Debug, clap::Args)]
pub(super) struct CrlArgs {
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn crl(args: &CrlArgs) -> Result<Exit, Failure> {
    let list = args.house.open()?.make_crl(Clock::start().now())?;
    print::results(&list_made(&list));
    print::talk(&spread(&list));
    Ok(Exit::Success)
}

/// Names and serials can look alike: what the register knows as a name is one.
fn which(office: &Office, text: &str, now: Timestamp) -> Result<Which, Failure> {
    let name = Name::parse(text).ok();
    let known = |wanted: &Name| {
        let is_theirs = |issued: &Issued| matches!(&issued.holder, Holder::Person { name, .. } if name == wanted);
        office.register().issued().any(is_theirs)
    };
    if let Some(name) = name.filter(known) {
        let has_live = office.register().live_of(&name, now).next().is_some();
        return if has_live { Ok(Which::Name(name)) } else { Err(nothing_to_revoke(&name)) };
    }
    Serial::parse(text).map(Which::Serial).map_err(|_| {
        Failure::usage("no-certificate", "the register holds no certificate of that name")
            .hint("`gavel pki list` shows names and serials")
    })
}

fn nothing_to_revoke(name: &Name) -> Failure {
    let message = format!("every certificate of {name} is revoked or expired already");
    Failure::usage("no-certificate", message).hint("`gavel pki list` shows how each stands")
}

/// Whose certificate it is.
pub(super) fn holder(issued: &Issued) -> String {
    match &issued.holder {
        Holder::Person { name, role, .. } => format!("{name}, {role}"),
        Holder::Sealer { sale } => format!("sealer of {sale}"),
        Holder::Server => "server".to_owned(),
    }
}

fn spread(list: &CrlMade) -> String {
    if list.paths.len() > 1 {
        "\nA server that runs here takes it within a second, and cuts who is on it off.\n"
            .to_owned()
    } else {
        "\nThe server's folder is not on this machine.\n\
         next: copy the list to pki/serve/crl.pem where the server runs\n"
            .to_owned()
    }
}
