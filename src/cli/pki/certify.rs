//! `gavel pki sign` and `gavel pki issue`: a certificate for a key of the
//! holder's, or one whose key the house makes.

use std::path::PathBuf;

use crate::auction::name::{Name, Role};
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print, when};
use crate::clock::Clock;
use crate::pki::keys::shown;
use crate::pki::{Certified, CrlMade, Grant, Identity, KeyMaker, Replace};
use crate::time::Span;

pub(super) const DAY_S: u64 = 24 * 3600;

#[derive(Debug, clap::Args)]
struct GrantArgs {
    /// What the certificate lets its holder do: bidder, auctioneer, clerk, observer or auditor
    #[arg(long, default_value = "bidder")]
    role: Role,
    /// For how many days, 1 to 90
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=90))]
    days: u64,
    /// Revoke the name's certificate, if it has one, in favour of this
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    house: HouseArgs,
}

impl GrantArgs {
    fn grant(&self, name: &Name, maker: KeyMaker) -> Grant {
        let lifetime = Span::from_s(self.days * DAY_S);
        Grant { name: name.clone(), role: self.role, maker, lifetime }
    }

    const fn replace(&self) -> Replace {
        if self.replace { Replace::Revoke } else { Replace::Refuse }
    }
}

/// Sign a bidder's request: only its public key is taken, name and role are yours to say
///
/// Compare the key's fingerprint with its holder by telephone or in person before you send
/// the answer back.
#[derive(Debug, clap::Args)]
pub(super) struct SignArgs {
    /// The request, made by `gavel pki request`
    file: PathBuf,
    /// The name that the holder bids under, for good
    #[arg(long = "as", value_name = "NAME")]
    name: Name,
    #[command(flatten)]
    grant: GrantArgs,
}

pub(super) fn sign(args: &SignArgs) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let mut office = args.grant.house.open()?;
    let grant = args.grant.grant(&args.name, KeyMaker::Holder);
    let certified = office.sign(&args.file, grant, args.grant.replace(), now)?;
    let answer = shown(&certified.path);
    print::results(&format!("{}{:13}{answer}\n", facts(&certified), "answer"));
    let name = &args.name;
    let flag = args.grant.house.flag();
    print::talk(&format!(
        "\nCompare the key's fingerprint with the one that {name} reads to you, by telephone or in \
         person.\nIf they differ, somebody else made the request: \
         gavel pki revoke {name} --reason key-compromise{flag}\n\
         next: send {answer} back to {name}, who runs `gavel pki accept`\n"
    ));
    Ok(Exit::Success)
}

/// Make key and certificate at the house, for those who cannot make a key
///
/// The house could then bid in that name, so `gavel verify` counts such bidders apart.
#[derive(Debug, clap::Args)]
pub(super) struct IssueArgs {
    /// The name that the holder bids under, for good
    name: Name,
    #[command(flatten)]
    grant: GrantArgs,
}

pub(super) fn issue(args: &IssueArgs) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let mut office = args.grant.house.open()?;
    let grant = args.grant.grant(&args.name, KeyMaker::House);
    let certified = office.issue(grant, args.grant.replace(), now)?;
    let path = shown(&certified.path);
    print::results(&format!("{}{:13}{path}\n", facts(&certified), "credential"));
    let name = &args.name;
    print::talk(&format!(
        "\nThe house made this key and could have kept a copy, so it could bid as {name}: the \
         certificate\nsays so, and `gavel verify` counts such bidders apart. Better where they can: \
         `gavel pki request {name}`\non their own machine.\n\
         next: hand {path} to {name} on a way that nobody else reads, then delete it here\n"
    ));
    Ok(Exit::Success)
}

fn facts(certified: &Certified) -> String {
    let mut text = person("signed", &certified.identity);
    for serial in &certified.replaced {
        text.push_str(&format!("{:13}{serial}\n", "revoked"));
    }
    if let Some(list) = &certified.crl {
        text.push_str(&list_made(list));
    }
    text
}

/// What a person's new certificate says.
pub(super) fn person(done: &str, identity: &Identity) -> String {
    format!(
        "{:13}{}, {} of the house {}\n{:13}{}\n{:13}sha256:{}\n{:13}{}\n",
        done,
        identity.name,
        identity.role,
        identity.house,
        "valid until",
        when::moment(identity.not_after),
        "fingerprint",
        identity.key,
        "serial",
        identity.serial
    )
}

/// Number, next date and places of a revocation list that was made.
pub(super) fn list_made(list: &CrlMade) -> String {
    let mut text = format!(
        "{:13}number {}, {} revoked, next due {}\n",
        "list",
        list.crl.number,
        list.crl.entries.len(),
        when::moment(list.crl.next_update)
    );
    for path in &list.paths {
        text.push_str(&format!("{:13}{}\n", "", shown(path)));
    }
    text
}
