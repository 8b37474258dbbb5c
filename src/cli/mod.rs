//! The command line: one file for each subcommand, the screens, and the only
//! printing and exiting.
//!
//! Results go to stdout, talk to stderr. A subcommand returns an `Exit`, or a
//! `Failure` that is printed as `error:` with a code and `hint:` what to do.

mod auditing;
mod bid;
mod bundle;
mod caller;
mod codes;
mod completions;
mod control;
mod cosigned;
mod demo;
mod evidence;
mod exit;
mod explain;
mod fault;
mod fetch;
mod house_folder;
mod ledger;
mod loadtest;
mod paint;
mod panel;
mod papers;
mod passphrase;
mod pki;
mod prepare;
mod print;
mod prompt;
mod receipt;
mod rehearse;
mod results;
mod sale_file;
mod scratch;
mod serve;
mod session_fault;
mod sheet;
mod verify;
mod watch;
mod web;
mod when;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use exit::{Exit, Failure};

/// A mutually authenticated TLS auction with a signed bid ledger that anybody can audit offline.
#[derive(Debug, Parser)]
#[command(name = "gavel", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Prepare(prepare::Args),
    Pki(pki::Args),
    Serve(serve::Args),
    Bid(bid::Args),
    Control(control::Args),
    Watch(watch::Args),
    Web(web::Args),
    Fetch(fetch::Args),
    Verify(verify::Args),
    Results(results::Args),
    Bundle(bundle::Args),
    Receipt(receipt::Args),
    Ledger(ledger::Args),
    Explain(explain::Args),
    Rehearse(rehearse::Args),
    Demo(demo::Args),
    Witness(witness::Args),
    Loadtest(loadtest::Args),
    Completions(completions::Args),
}

/// Runs the command line of this process and gives its exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    exit::finish(dispatch(cli.command))
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Prepare(args) => prepare::run(&args),
        Command::Pki(args) => pki::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Bid(args) => bid::run(&args),
        Command::Control(args) => control::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Web(args) => web::run(&args),
        Command::Fetch(args) => fetch::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Results(args) => results::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Receipt(args) => receipt::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Witness(args) => witness::run(&args),
        Command::Loadtest(args) => loadtest::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
