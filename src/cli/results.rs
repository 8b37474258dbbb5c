//! `gavel results`: the sheet of a sale, from a ledger that an audit found sound.

use super::auditing::LedgerArgs;
use super::paint::Ink;
use super::verify::{exit_of, headline};
use super::{Exit, Failure, print, sheet};
use crate::audit::Verdict;
use crate::pki::keys::shown;

/// Print the results of a sale, after auditing its ledger
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// One JSON object instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let audit = args.ledger.audit()?;
    let Some(audited) = audit.audited() else { return Err(refuse(args, audit.verdict())) };
    if args.json {
        print::report(&(sheet::json(audited).to_string() + "\n"))?;
        return Ok(exit_of(audit.verdict()));
    }
    let results = audited.results();
    let parts = [
        sheet::header(results),
        sheet::lots(results),
        sheet::times(results),
        sheet::proofs(results),
        sheet::totals(results),
        sheet::headlines(results),
    ];
    print::report(&parts.join("\n"))?;
    let (ink, why) = match audit.verdict() {
        Verdict::Valid => {
            (Ink::Good, "audited; `gavel verify` says what was checked and what was not")
        }
        Verdict::Invalid | Verdict::Incomplete => {
            (Ink::Warning, "these are not the final results; `gavel verify` says why")
        }
    };
    headline(audit.verdict().as_str(), ink, why);
    Ok(exit_of(audit.verdict()))
}

fn refuse(args: &Args, verdict: Verdict) -> Failure {
    let ledger = shown(&args.ledger.ledger);
    let failure = match verdict {
        Verdict::Invalid => Failure::new(
            Exit::Wrong,
            "ledger-wrong",
            format!("{ledger} did not pass its audit, so there are no results to print"),
        ),
        Verdict::Valid | Verdict::Incomplete => Failure::new(
            Exit::Inconclusive,
            "no-results",
            format!("{ledger} ends before its sale begins, so there are no results yet"),
        ),
    };
    failure.hint("gavel verify with the same flags says what was found")
}
