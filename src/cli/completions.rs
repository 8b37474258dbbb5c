//! `gavel completions`: completions for the shells.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Exit, Failure};

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell to complete for.
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "gavel", &mut std::io::stdout());
    Ok(Exit::Success)
}
