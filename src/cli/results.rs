//! `gavel results`: the sheet of a sale, from a ledger that an audit found sound.

use std::path::PathBuf;

use super::auditing::LedgerArgs;
use super::paint::Ink;
use super::verify::{exit_of, headline};
use super::{Exit, Failure, papers, print, sheet};
use crate::audit::Verdict;
use crate::pki::keys::shown;
use crate::sheet::Sheet;

/// Print the results of a sale, after auditing its ledger
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a form the sheet is printed as tables. What is published has no \
                        names but those of the ledger; names and addresses stand only in what \
                        --invoices writes.\nEvery form says whether it is final or provisional. \
                        `gavel verify LEDGER --results results.json` holds a sheet against a ledger.")]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// The sheet as JSON, from which the other forms are made
    #[arg(long, group = "form")]
    json: bool,
    /// The lots as CSV
    #[arg(long, group = "form")]
    csv: bool,
    /// Write the sheet as one printable page
    #[arg(long, value_name = "FILE", group = "form")]
    html: Option<PathBuf>,
    /// Write every form into a folder: results.json, results.html, and CSV files of lots, bids,
    /// staff acts, invoices and settlements
    #[arg(long, value_name = "DIR", group = "form")]
    out: Option<PathBuf>,
    /// Write an invoice for each buyer and a settlement for each seller into a private folder
    #[arg(long, value_name = "DIR")]
    invoices: Option<PathBuf>,
    /// The names and addresses for them [default: pki/register.csv, if it is there]
    #[arg(long, value_name = "FILE", requires = "invoices")]
    register: Option<PathBuf>,
}

impl Args {
    /// Whether a form that lists every bid is asked for.
    const fn lists_bids(&self) -> bool {
        self.json || self.html.is_some() || self.out.is_some()
    }

    /// Whether standard output carries a form for programs.
    const fn is_for_programs(&self) -> bool {
        self.json || self.csv
    }

    const fn writes_only(&self) -> bool {
        self.html.is_some() || self.out.is_some() || self.invoices.is_some()
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    // What is wrong with the register is said before a long audit.
    let register = match &args.invoices {
        Some(_) => papers::register(args.register.as_deref())?,
        None => Default::default(),
    };
    let audit = args.ledger.audit(args.lists_bids())?;
    let Some(audited) = audit.audited() else { return Err(refuse(args, audit.verdict())) };
    let sheet = Sheet::of(audited);
    if let Some(path) = &args.html {
        papers::publish(path, &sheet.page())?;
    }
    if let Some(folder) = &args.out {
        papers::publish_all(folder, &sheet)?;
    }
    if let Some(folder) = &args.invoices {
        papers::hand_out(folder, &sheet, &register)?;
    }
    if args.json {
        print::report(&sheet.json())?;
    } else if args.csv {
        print::csv(&sheet.lots_csv())?;
    } else if !args.writes_only() {
        print::report(&tables(&sheet))?;
    }
    conclude(args, &sheet, audit.verdict());
    Ok(exit_of(audit.verdict()))
}

fn tables(sheet: &Sheet) -> String {
    let parts = [
        sheet::header(sheet),
        sheet::lots(sheet),
        sheet::times(sheet),
        sheet::proofs(sheet),
        sheet::accounts(sheet),
        sheet::totals(sheet),
        sheet::headlines(sheet),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Says what the results are worth; to programs only where they are not final.
fn conclude(args: &Args, sheet: &Sheet, verdict: Verdict) {
    if args.is_for_programs() {
        if let Some(caveat) = sheet.caveat() {
            print::talk(&format!("warning: these are not the final results: {caveat}\n"));
        }
        return;
    }
    let (ink, why) = match verdict {
        Verdict::Valid => {
            (Ink::Good, "audited; `gavel verify` says what was checked and what was not")
        }
        Verdict::Invalid | Verdict::Incomplete => {
            (Ink::Warning, "these are not the final results; `gavel verify` says why")
        }
    };
    headline(verdict.as_str(), ink, why);
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
