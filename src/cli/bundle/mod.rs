//! `gavel bundle`: one folder with all that is needed to check a sale in ten years.
//!
//! The ledger is copied while it is audited, so that the bytes that are kept are the very
//! bytes that were judged. The folder holds nothing that is not public: no register, no
//! paper with a name and an address, no key. It is the same, byte for byte, whenever it is
//! made from the same files by the same version.
//!
//! A ledger in which something is wrong is kept too, with what was found and without results.

mod folder;
mod gather;
mod readme;

use std::path::PathBuf;

use super::auditing::{LedgerArgs, read_through};
use super::verify::{Report, exit_of, headline, json, verdict};
use super::{Exit, Failure, papers, print};
use crate::audit::{Audit, Auditor, Verdict};
use crate::ledger::hash::Hash;
use crate::pki::keys::shown;
use crate::sheet::Sheet;
use folder::{Folder, SUMS};
use gather::{Gathered, Ledger};
use readme::Readme;

/// The normative pages, as they were when this program was built.
const PAGES: [(&str, &str, &str); 4] = [
    (
        "ledger-format.md",
        include_str!("../../../docs/ledger-format.md"),
        "every byte of the ledger, and how to check it by hand (section 15)",
    ),
    (
        "protocol.md",
        include_str!("../../../docs/protocol.md"),
        "how bidders and server spoke, and what they signed",
    ),
    ("results.md", include_str!("../../../docs/results.md"), "every field of results.json"),
    (
        "threat-model.md",
        include_str!("../../../docs/threat-model.md"),
        "who could have cheated how, what finds it, and what nothing can",
    ),
];

/// Gather all that is needed to check a sale in ten years into one folder
///
/// The ledger, what was held against it, the audit, the results, the format's description, a
/// README.txt and the sums of all of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --checkpoint, <sale>.checkpoint and <sale>.cosigned are taken where they \
                        stand beside the ledger.\nA ledger that is invalid is kept too, with what \
                        was found and without results. Nothing private goes in: neither names and \
                        addresses nor keys.\nExit codes: those of `gavel verify`."
)]
pub(super) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// The folder to make; nothing may stand there
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut folder = Folder::for_target(&args.out)?;
    let ledger = Ledger::open(&args.ledger.ledger)?;
    // Before the ledger is read: a server that goes on writing is never behind its checkpoint.
    let gathered = Gathered::read(&args.ledger, &ledger)?;
    for path in &gathered.found {
        print::talk(&format!("with {path}, which stands beside the ledger\n"));
    }
    let name = format!("{}.jsonl", ledger.stem());
    let claim = ledger.claim.clone();
    let audit = copy_and_audit(ledger, &name, &gathered, &mut folder)?;
    keep_reserves_secret(&gathered, &audit)?;
    for piece in &gathered.pieces {
        folder.write(&piece.name, &piece.bytes, piece.what.as_str())?;
    }
    write_audit(&name, &audit, &mut folder)?;
    for (page, text, what) in PAGES {
        folder.write(page, text.as_bytes(), what)?;
    }
    let version = format!("gavel {}\n", env!("CARGO_PKG_VERSION"));
    folder.write("VERSION", version.as_bytes(), "the program that made all this")?;
    let readme = Readme {
        ledger: &name,
        flags: &gathered.flags,
        claim: claim.as_ref(),
        audit: &audit,
        entries: folder.entries(),
    };
    let text = print::showable(&readme.text());
    folder.write("README.txt", text.as_bytes(), "")?;
    let count = folder.entries().len() + 1;
    let sum = folder.finish()?;
    tell(args, &audit, count, sum)?;
    Ok(exit_of(audit.verdict()))
}

/// Audits the ledger and writes the very bytes that are audited.
fn copy_and_audit(
    ledger: Ledger<'_>,
    name: &str,
    gathered: &Gathered,
    folder: &mut Folder,
) -> Result<Audit, Failure> {
    let mut auditor = Auditor::new(gathered.brought.anchors()?.keeping_annexes());
    let mut copy = folder.begin(name)?;
    read_through(ledger.file, ledger.path, |chunk| {
        auditor.feed(chunk);
        copy.write(chunk)
    })?;
    let audit = auditor.finish();
    folder.end(
        copy,
        audit.file.sha256,
        "the ledger: all that happened, one line each".to_owned(),
    )?;
    Ok(audit)
}

/// The sale file of a sale that has not ended tells reserves that nobody may know yet.
fn keep_reserves_secret(gathered: &Gathered, audit: &Audit) -> Result<(), Failure> {
    let is_finished = audit.audited().is_some_and(|audited| audited.results().is_finished);
    if audit.verdict() != Verdict::Incomplete || is_finished || !gathered.tells_reserves() {
        return Ok(());
    }
    let message =
        "the items file tells hidden reserves, and the sale has not closed in this ledger";
    Err(Failure::usage("reserves-secret", message)
        .hint("leave --items out, or make the bundle once the sale has closed"))
}

/// Writes what the audit came to, and the results if there are any.
fn write_audit(name: &str, audit: &Audit, folder: &mut Folder) -> Result<(), Failure> {
    let text = Report::of(name, audit).plain();
    folder.write("verify.txt", text.as_bytes(), "what `gavel verify` said about it")?;
    let report = print::showable(&json(name, audit));
    folder.write("verify.json", report.as_bytes(), "the same, for programs")?;
    let Some(sheet) = audit.audited().map(Sheet::of) else { return Ok(()) };
    for form in &papers::PUBLIC_FORMS {
        let what = format!("the {} results: {}", sheet.status(), form.what);
        folder.write(form.file, (form.make)(&sheet).as_bytes(), what)?;
    }
    Ok(())
}

fn tell(args: &Args, audit: &Audit, count: usize, sum: Hash) -> Result<(), Failure> {
    let (word, ink, why) = verdict(audit);
    headline(word, ink, why);
    let text = format!(
        "wrote {count} files into {}\n\
         sums      sha256:{sum} (of {SUMS})\n\
         CA        sha256:{}\n\
         Keep both lines elsewhere as well: whoever can change the folder can change its sums.\n",
        shown(&args.out),
        audit.ca,
    );
    print::report(&text)?;
    Ok(())
}
