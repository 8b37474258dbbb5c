//! `gavel pki batch`: credentials for a whole list of people.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::people::{self, Sheet};
use crate::cli::fault::whole;
use crate::cli::house_folder::HouseArgs;
use crate::cli::{Exit, Failure, print};
use crate::clock::Clock;
use crate::pki::keys::shown;
use crate::pki::{BadRow, BatchFault, Batched, Enlisted, Holder, Issued};

/// Issue credentials for a whole list of people: everybody's, or, if a row is broken, nobody's
///
/// The list is a CSV file as spreadsheets export it, in UTF-8, with commas, semicolons or tabs.
/// Its first row names the columns: `name`, and if you like `role` (bidder where it is empty),
/// `request` and `days` (90 where it is empty; it counts for new certificates only).
///
/// A row that names a request, by its path from the list, has it signed, as by `gavel pki sign`:
/// NAME.answer.pem. For the others the house makes the key, as by `gavel pki issue`: NAME.pem.
///
/// Run again, it issues only what is new in the list, and goes on where it was cut off.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The list, as people.csv
    file: PathBuf,
    /// The folder for credentials and answers [default: people in the house's folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave a column out; any that is neither ours nor left out is refused
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
    /// One JSON object a line, for each row
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    house: HouseArgs,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let now = Clock::start().now();
    let sheet = people::read(&args.file, &args.ignore)?;
    let folder = args.house.folder();
    let out = args.out.clone().unwrap_or_else(|| folder.people());
    // Before the CA is opened: a list that cannot be carried out needs no passphrase, nor does
    // one that was.
    let judged = folder.judge(&sheet.list, &out, now)?;
    let broken = broken(&sheet, &judged.bad);
    if !broken.is_empty() {
        return Err(refuse(args, &broken));
    }
    let batched = if judged.new.is_empty() && !folder.has_unfinished_batch()? {
        Batched { kept: judged.kept, ..Batched::default() }
    } else {
        args.house.open()?.batch(&sheet.list, &out, now).map_err(|fault| match fault {
            BatchFault::Rows { bad } => refuse(args, &self::broken(&sheet, &bad)),
            other => other.into(),
        })?
    };
    if args.json {
        print::results(&json_lines(&batched));
    } else {
        print::results(&summary(&batched, &sheet, &out));
    }
    print::talk(&advice(&batched));
    Ok(Exit::Success)
}

/// A broken row: its number, the column where one is known, and the reason.
type Broken = (u64, Option<&'static str>, String);

fn broken(sheet: &Sheet, bad: &[BadRow]) -> Vec<Broken> {
    let odd = sheet.odd.iter().map(|odd| (odd.row, None, odd.fault.to_string()));
    let of = |bad: &BadRow| (bad.row, Some(bad.fault.column().as_str()), whole(&bad.fault));
    let mut broken: Vec<Broken> = odd.chain(bad.iter().map(of)).collect();
    broken.sort_by_key(|(row, ..)| *row);
    broken
}

fn refuse(args: &Args, broken: &[Broken]) -> Failure {
    for (row, column, reason) in broken {
        if args.json {
            let line = json!({
                "row": row, "outcome": "broken", "column": column, "reason": reason,
            });
            print::results(&format!("{line}\n"));
        } else {
            let column = column.map_or_else(String::new, |column| format!(", {column}"));
            print::talk(&format!("row {row}{column}: {reason}\n"));
        }
    }
    let mut rows: Vec<u64> = broken.iter().map(|(row, ..)| *row).collect();
    rows.dedup();
    let are = if rows.len() == 1 { "row is" } else { "rows are" };
    let message =
        format!("{}: {} {are} broken; nobody was issued anything", shown(&args.file), rows.len());
    Failure::usage("people-file", message)
        .hint("mend or take out these rows, and run it again; the first row counts as row 1")
}

fn summary(batched: &Batched, sheet: &Sheet, out: &Path) -> String {
    let Batched { issued, kept, finished } = batched;
    let mut text = String::new();
    if issued.is_empty() && finished.is_empty() {
        text.push_str("everybody on the list has a certificate; nothing was changed\n");
    }
    if !issued.is_empty() {
        let answers = issued.iter().filter(|one| one.is_answer()).count();
        text.push_str(&line("issued", &format!("{}: {}", issued.len(), roles(issued))));
        text.push_str(&line(
            "keys",
            &format!("{} new, {answers} of requests", issued.len() - answers),
        ));
        text.push_str(&line("folder", &shown(out)));
    }
    for one in finished {
        text.push_str(&line(
            "finished",
            &format!("{}, of a run that was cut off", shown(&one.path)),
        ));
    }
    text.push_str(&line("unchanged", &kept.len().to_string()));
    if !sheet.ignored.is_empty() {
        text.push_str(&line("ignored", &format!("columns {}", sheet.ignored.join(", "))));
    }
    for one in written(batched).filter(|one| one.is_answer()) {
        let key = one.issued.key;
        text.push_str(&line("fingerprint", &format!("sha256:{key} {}", person(&one.issued).0)));
    }
    text
}

/// All whose files this run wrote.
fn written(batched: &Batched) -> impl Iterator<Item = &Enlisted> {
    batched.finished.iter().chain(&batched.issued)
}

fn line(name: &str, value: &str) -> String {
    format!("{name:13}{value}\n")
}

/// `2 bidders, 1 clerk`.
fn roles(issued: &[Enlisted]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in issued {
        *counts.entry(person(&one.issued).1).or_default() += 1;
    }
    let tell = |(role, count): (&&str, &usize)| {
        format!("{count} {role}{}", if *count == 1 { "" } else { "s" })
    };
    counts.iter().map(tell).collect::<Vec<_>>().join(", ")
}

/// Name, role and maker of the key: a list is of people only.
fn person(issued: &Issued) -> (&str, &str, &str) {
    match &issued.holder {
        Holder::Person { name, role, maker } => (name.as_str(), role.as_str(), maker.as_str()),
        Holder::Sealer { .. } | Holder::Server => ("", "", ""),
    }
}

fn advice(batched: &Batched) -> String {
    let mut text = String::new();
    if written(batched).any(|one| !one.is_answer()) {
        text.push_str(
            "\nThe house made these keys and could have kept copies, so it could bid in those names: \
             their\ncertificates say so, and `gavel verify` counts such bidders apart.\n\
             next: hand each NAME.pem to NAME on a way that nobody else reads, then delete it here\n",
        );
    }
    if written(batched).any(Enlisted::is_answer) {
        text.push_str(
            "\nCompare each fingerprint with the one that its holder reads to you, by telephone or in \
             person.\nIf they differ, somebody else made the request: \
             gavel pki revoke NAME --reason key-compromise\n\
             next: send each NAME.answer.pem back to NAME, who runs `gavel pki accept`\n",
        );
    }
    text
}

fn json_lines(batched: &Batched) -> String {
    let told = |outcome, one: &Enlisted| json(outcome, one.row, &one.issued, Some(&one.path));
    let finished = batched.finished.iter().map(|one| told("finished", one));
    let issued = batched.issued.iter().map(|one| told("issued", one));
    let kept = batched.kept.iter().map(|one| json("unchanged", Some(one.row), &one.issued, None));
    finished.chain(issued).chain(kept).map(|line| format!("{line}\n")).collect()
}

fn json(outcome: &str, row: Option<u64>, issued: &Issued, file: Option<&Path>) -> Value {
    let (name, role, maker) = person(issued);
    json!({
        "row": row,
        "outcome": outcome,
        "name": name,
        "role": role,
        "key_made_by": maker,
        "serial": issued.serial.as_str(),
        "key": issued.key.to_string(),
        "not_after": issued.not_after.unix_ms(),
        "file": file.map(Path::to_string_lossy),
    })
}
