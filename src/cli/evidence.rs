//! Evidence against a house: written by `gavel verify --evidence`, judged by
//! `gavel receipt convict` for somebody who has only the CA's certificate.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::auditing::{read_anchor, read_text};
use super::fault::of_io;
use super::paint::Ink;
use super::verify::headline;
use super::{Exit, Failure, print};
use crate::audit::{Accusation, ConvictFault, Conviction, convict};
use crate::ledger::evidence::{Contradiction, Evidence};
use crate::ledger::{Checkpoint, Line};
use crate::limits::EVIDENCE_FILE_BYTES_MAX;
use crate::pki::Sealer;
use crate::pki::keys::shown;
use crate::record::{BidEvidence, Record};

/// Judge evidence against a house with the CA's certificate alone
///
/// Exit codes: 0 the house is convicted, 1 the evidence proves nothing, 2 it cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The evidence, as `gavel verify --evidence FILE` wrote it
    #[arg(value_name = "EVIDENCE")]
    evidence: PathBuf,
    /// The house's CA: its certificate file, or a credential that holds it
    #[arg(long, value_name = "CA.pem")]
    trust: PathBuf,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Refuses a file that is there: evidence takes the place of nothing.
pub(super) fn check_is_new(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(is_there(path)),
        Err(_) => Ok(()),
    }
}

fn is_there(path: &Path) -> Failure {
    Failure::usage("file-exists", format!("{} is there already", shown(path)))
        .hint("evidence is written to a new file: give another name")
}

/// Writes the first of what convicts a house, and names the rest.
pub(super) fn write(path: &Path, found: &[Accusation]) -> Result<(), Failure> {
    let Some((Accusation { label, evidence }, others)) = found.split_first() else {
        print::talk("nothing that you gave convicts the house: no evidence was written\n");
        return Ok(());
    };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => is_there(path),
        _ => of_io("write", path, &error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(evidence.to_text().as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let file = shown(path);
    print::talk(&format!(
        "wrote {file}: {label} against this ledger\n\
         anybody who has the CA's certificate can judge it: gavel receipt convict {file} --trust CA.pem\n",
    ));
    if !others.is_empty() {
        let others: Vec<&str> = others.iter().map(|other| other.label.as_str()).collect();
        print::talk(&format!("what else convicts the house: {}\n", others.join(", ")));
    }
    Ok(())
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let text = read_text(&args.evidence, EVIDENCE_FILE_BYTES_MAX)?;
    let evidence = Evidence::parse(&text).map_err(|error| {
        Failure::usage("bad-evidence", format!("{}: {error}", shown(&args.evidence)))
    })?;
    let anchor = read_anchor(&args.trust)?;
    let judged = convict(&evidence, &anchor);
    if args.json {
        print::report(&(json_of(&evidence, &judged).to_string() + "\n"))?;
    } else {
        show(&evidence, &judged);
    }
    Ok(if judged.is_ok() { Exit::Success } else { Exit::Wrong })
}

fn show(evidence: &Evidence, judged: &Result<Conviction, ConvictFault>) {
    let conviction = match judged {
        Ok(conviction) => conviction,
        Err(fault) => {
            headline("NOT PROVEN", Ink::Warning, &fault.to_string());
            print::results("This file convicts nobody under the CA that you gave.\n");
            return;
        }
    };
    let sale = format!("{}/{}", conviction.house, conviction.sale);
    headline("CONVICTED", Ink::Bad, &format!("the house signed two histories of the sale {sale}"));
    let why = in_words(evidence, conviction);
    let tree = |(checkpoint, sealer): &(Checkpoint, Sealer)| {
        format!(
            "{} lines, root {}\n          key in the certificate sha256:{}\n",
            checkpoint.size, checkpoint.root, sealer.cert
        )
    };
    print::results(&format!(
        "{why}\n\nfirst     {}second    {}\n\
         Both are signed by keys that this CA certified for this sale and no other. No ledger can\n\
         contain both: one of them was never the sale's, or lines were changed, dropped or reordered.\n",
        tree(&conviction.first),
        tree(&conviction.second),
    ));
}

fn in_words(evidence: &Evidence, conviction: &Conviction) -> String {
    let (first, second) = (&conviction.first.0, &conviction.second.0);
    match &evidence.contradiction {
        Contradiction::Roots { gives, .. } => format!(
            "The first {} lines: the house signed the root {}, and a tree of {} lines whose first \
             {} have the root {gives}.",
            first.size, first.root, second.size, first.size
        ),
        Contradiction::Lines { index, first, second } => format!(
            "Line {index}: it stands in one tree as\n  {}\nand in the other as\n  {}",
            line_in_words(&first.entry),
            line_in_words(&second.entry)
        ),
        Contradiction::Closed { index, .. } => format!(
            "The sale closes with line {index} in one tree; the other has {} lines, and goes on \
             after it.",
            first.size
        ),
        Contradiction::Sealers { .. } => {
            "The opening of the one does not name the key that signed the other.".to_owned()
        }
    }
}

/// A line for people, with everything that is compared: the line itself, and what it says.
fn line_in_words(entry: &str) -> String {
    let record = Line::parse(entry.as_bytes()).ok().and_then(|line| Record::read(&line).ok());
    let said = match record {
        Some(Record::Bid(bid)) => {
            let (lot, amount) = (bid.evidence.lot().clone(), bid.evidence.amount());
            let how = match &bid.evidence {
                BidEvidence::Signed(_) => "signed",
                BidEvidence::Attested { .. } => "on the house's word",
                BidEvidence::Clerk(_) => "entered by staff",
            };
            format!("{} bids {amount} (minor units) on lot {lot}, {how}: ", bid.evidence.party())
        }
        _ => String::new(),
    };
    let shown: String =
        entry.chars().filter(|c| crate::auction::name::is_showable(*c)).take(400).collect();
    said + &shown
}

fn json_of(evidence: &Evidence, judged: &Result<Conviction, ConvictFault>) -> Value {
    let tree = |(checkpoint, sealer): &(Checkpoint, Sealer)| {
        json!({
            "size": checkpoint.size,
            "root": checkpoint.root.to_string(),
            "sealer": format!("sha256:{}", sealer.cert),
        })
    };
    let conviction = judged.as_ref().ok();
    json!({
        "convicted": judged.is_ok(),
        "fault": judged.as_ref().err().map(ToString::to_string),
        "house": conviction.map(|conviction| conviction.house.as_str()),
        "sale": conviction.map(|conviction| conviction.sale.as_str()),
        "first": conviction.map(|conviction| tree(&conviction.first)),
        "second": conviction.map(|conviction| tree(&conviction.second)),
        "why": conviction.map(|conviction| in_words(evidence, conviction)),
    })
}
