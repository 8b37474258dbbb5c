//! `gavel ledger vkey`: the key that seals a ledger, for those who check its checkpoints without
//! knowing a sale: witnesses, monitors, policies.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;

use super::{Exit, Failure, LINE_BYTES_MAX, of_io, print, shown};
use crate::audit::sealing_vkey;
use crate::cli::auditing::read_trust;

/// Print the verifier key of a ledger's seals, once the CA that you trust has certified it
///
/// The first line of the ledger is enough. It is the key that a witness's list of logs and a trust
/// policy name: `log VKEY`.
#[derive(Debug, clap::Args)]
pub(super) struct VkeyArgs {
    /// The ledger file
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,
    /// The CA that you trust: its certificate file, or the fingerprint that the house published
    #[arg(long, value_name = "CA.pem|sha256:HEX")]
    trust: String,
}

pub(super) fn vkey(args: &VkeyArgs) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| of_io("read", &args.ledger, &error);
    let trust = read_trust(&args.trust)?;
    let file = BufReader::new(File::open(&args.ledger).map_err(failed)?);
    let line_max = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    file.take(line_max).read_until(b'\n', &mut line).map_err(failed)?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let key = sealing_vkey(line, &trust).map_err(|finding| {
        let message = format!("{}: {}", shown(&args.ledger), finding.detail);
        Failure::new(Exit::Wrong, "ledger-wrong", message)
            .hint("gavel verify says what is wrong with it")
    })?;
    print::results(&format!("{key}\n"));
    Ok(Exit::Success)
}
