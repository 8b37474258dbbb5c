//! `gavel receipt`: the proofs that a bidder keeps, listed, shown and checked.

mod check;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::auditing::{bad_receipt, read_text};
use super::fault::of_io;
use super::{Exit, Failure, evidence, print, when};
use crate::audit::named_sale;
use crate::ledger::receipt::Receipt;
use crate::limits::RECEIPT_FILE_BYTES_MAX;
use crate::pki::keys::shown;
use crate::record::{Record, Signed};
use crate::time::Timestamp;

/// How receipt files are named.
const EXTENSION: &str = "tlog-proof";
/// How deep below a credential's folder receipts lie: CA, house, sale, receipts.
const FOLDERS_DEEP: usize = 5;

/// List, show and check receipts
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(ListArgs),
    Show(ShowArgs),
    Check(check::Args),
    Convict(evidence::Args),
}

/// List the receipts of a credential, or below a folder
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// A credential, whose receipts lie in the folder beside it, or a folder
    #[arg(value_name = "CREDENTIAL|FOLDER")]
    place: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Show what a receipt says; it checks nothing
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The receipt
    #[arg(value_name = "FILE")]
    receipt: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Show(args) => show(args),
        Command::Check(args) => check::run(args),
        Command::Convict(args) => evidence::run(args),
    }
}

fn read(path: &Path) -> Result<Receipt, Failure> {
    let text = read_text(path, RECEIPT_FILE_BYTES_MAX)?;
    Receipt::parse(&text).map_err(|error| bad_receipt(&shown(path), &error))
}

// ---- list ----

fn list(args: &ListArgs) -> Result<Exit, Failure> {
    let folder = match args.place.is_dir() {
        true => args.place.clone(),
        false => args.place.with_extension("gavel"),
    };
    let mut found = BTreeMap::new();
    gather(&folder, FOLDERS_DEEP, &mut found)?;
    if args.json {
        let lines: String = found
            .iter()
            .map(|(path, receipt)| list_json(path, receipt).to_string() + "\n")
            .collect();
        print::report(&lines)?;
        return Ok(Exit::Success);
    }
    if found.is_empty() {
        print::talk(&format!("there are no receipts in {}\n", shown(&folder)));
        return Ok(Exit::Success);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SALE", "LINE", "TIME", "ENTRY", "FILE"]);
    for (path, receipt) in &found {
        table.add_row(row(path, receipt));
    }
    print::report(&(table.trim_fmt() + "\n"))?;
    Ok(Exit::Success)
}

type Read = Result<Receipt, Failure>;

/// Finds the receipts below a folder, each with what reading it came to.
fn gather(
    folder: &Path,
    folders_deep: usize,
    found: &mut BTreeMap<PathBuf, Read>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| of_io("read", folder, &error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() && folders_deep > 1 {
            gather(&path, folders_deep - 1, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == EXTENSION) {
            let receipt = read(&path);
            found.insert(path, receipt);
        }
    }
    Ok(())
}

fn row(path: &Path, receipt: &Read) -> [String; 5] {
    let file = shown(path);
    let Ok(receipt) = receipt else {
        return [String::new(), String::new(), String::new(), "cannot be read".to_owned(), file];
    };
    let said = Said::of(receipt);
    let time = said.at.map_or_else(String::new, when::moment);
    [said.sale, receipt.index.to_string(), time, said.entry, file]
}

fn list_json(path: &Path, receipt: &Read) -> Value {
    match receipt {
        Ok(receipt) => {
            let said = Said::of(receipt);
            json!({
                "file": shown(path),
                "sale": said.sale,
                "line": receipt.index,
                "at": said.at.map(Timestamp::unix_ms),
                "entry": said.entry,
            })
        }
        Err(_) => json!({"file": shown(path), "error": "cannot be read"}),
    }
}

/// What a receipt says, before anything is proven.
struct Said {
    sale: String,
    at: Option<Timestamp>,
    entry: String,
}

impl Said {
    fn of(receipt: &Receipt) -> Self {
        let sale = named_sale(receipt);
        let line = receipt.line();
        let entry = match &line {
            Ok(line) => match Record::read(line) {
                Ok(record) => in_words(&record),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        Self {
            sale: sale
                .map_or_else(|fault| fault.to_string(), |(house, sale)| format!("{house}/{sale}")),
            at: line.ok().and_then(|line| line.at),
            entry,
        }
    }
}

/// The entry in a few words; amounts in minor units, for the currency stands in line 0.
fn in_words(record: &Record) -> String {
    match record {
        Record::Bid(accepted) => {
            let evidence = &accepted.evidence;
            format!("{} bids {} on lot {}", evidence.party(), evidence.amount(), evidence.lot())
        }
        Record::Refused(refused) => {
            let asked = match &refused.signed {
                Signed::Act(act) => format!("an act of {}", act.statement.bidder),
                Signed::Bid(bid) => {
                    let bid = &bid.statement;
                    format!("{} bids {} on lot {}", bid.bidder, bid.amount, bid.lot)
                }
            };
            format!("{asked}: {}", refused.code)
        }
        Record::Act(recorded) => format!("an act of {}", recorded.act.statement.bidder),
        Record::Enrol(enrolment) => format!("{} enrols as {}", enrolment.bidder, enrolment.role),
        Record::Open(_) => "the opening".to_owned(),
        Record::Lot(lot) => format!("the terms of lot {}", lot.id),
        Record::Counted(_) => "refusals that are only counted".to_owned(),
        Record::Revoke(revocation) => format!("the revocation of {}", revocation.serial),
        Record::Event(_) => "an event of the sale".to_owned(),
        Record::Seal { .. } => "a seal".to_owned(),
    }
}

// ---- show ----

fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let receipt = read(&args.receipt)?;
    print::report(&text_of(&receipt))?;
    print::talk("not checked: gavel receipt check\n");
    Ok(Exit::Success)
}

fn text_of(receipt: &Receipt) -> String {
    let said = Said::of(receipt);
    let time = said.at.map_or_else(|| "none".to_owned(), when::moment);
    format!(
        "sale      {}\nline      {}, of {time}\nentry     {}\nproof     {} hashes\n\n{}\n\n{}",
        said.sale,
        receipt.index,
        said.entry,
        receipt.proof.len(),
        receipt.entry,
        receipt.note,
    )
}
