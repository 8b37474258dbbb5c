//! `gavel pki`: requests and answers, the house's certificates, its revocations.
//!
//! `request` and `accept` are the holder's, on their own machine; the others
//! are the house's. A private key never travels between the two.

mod batch;
mod certify;
mod fault;
mod holder;
mod list;
mod people;
mod renew;
mod revoke;
mod show;

use clap::Subcommand;

use super::{Exit, Failure};

/// Credentials: request, sign, accept, issue, batch, renew, revoke, list, show
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Request(holder::RequestArgs),
    Sign(certify::SignArgs),
    Accept(holder::AcceptArgs),
    Issue(certify::IssueArgs),
    Batch(batch::Args),
    Renew(renew::Args),
    Revoke(revoke::RevokeArgs),
    Crl(revoke::CrlArgs),
    List(list::Args),
    Show(show::Args),
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Request(args) => holder::request(args),
        Command::Sign(args) => certify::sign(args),
        Command::Accept(args) => holder::accept(args),
        Command::Issue(args) => certify::issue(args),
        Command::Batch(args) => batch::run(args),
        Command::Renew(args) => renew::run(args),
        Command::Revoke(args) => revoke::revoke(args),
        Command::Crl(args) => revoke::crl(args),
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
    }
}
