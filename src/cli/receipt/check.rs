//! `gavel receipt check`: what a receipt proves with the CA's certificate alone, and whether
//! its line is what was signed.
//!
//! The proof shows that the house sealed the line, not that its signer said what stands in it.
//! So the signature inside is checked as well, and the whole is compared with what the signer
//! kept, field by field.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Said, read};
use crate::audit::{Proven, ReceiptFault, prove};
use crate::cli::auditing::read_anchor;
use crate::cli::paint::Ink;
use crate::cli::verify::headline;
use crate::cli::{Exit, Failure, print};
use crate::ledger::Receipt;
use crate::limits::SIGNED_FILE_BYTES_MAX;
use crate::pki::keys::{self, shown};
use crate::record::{BadSignature, Difference, Record, Signed};
use crate::time::Timestamp;

/// Check a receipt with the CA's certificate alone, and its line against what was signed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What was signed is kept beside the receipts, as signed/N.json, and found by itself.\n\
                        To hold a receipt against a ledger: gavel verify LEDGER --trust CA.pem --receipt FILE"
)]
pub(super) struct Args {
    /// The receipt
    #[arg(value_name = "FILE")]
    receipt: PathBuf,
    /// The CA that you trust: its certificate file, or a credential that holds it
    #[arg(long, value_name = "CA.pem")]
    trust: PathBuf,
    /// The bid or act as its signer kept it, if it is not where the client keeps it
    #[arg(long, value_name = "FILE")]
    signed: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A receipt, judged.
struct Checked {
    receipt: Receipt,
    said: Said,
    proven: Result<Proven, ReceiptFault>,
    word: Word,
    compared: Option<Comparison>,
}

/// Whose word the line is.
enum Word {
    /// That of whoever signed it, if the signature holds.
    Signers { signed: Box<Signed>, signature: Result<(), BadSignature> },
    /// The house's, which says that it saw the bid.
    Houses,
    /// An enrolment's: its signatures are over line 0 too, which a receipt does not hold.
    Enrolments,
    /// Nobody's but the house's: it enters such lines itself.
    Entered,
}

/// The line beside what its signer kept.
struct Comparison {
    kept: PathBuf,
    differences: Vec<Difference>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let receipt = read(&args.receipt)?;
    let anchor = read_anchor(&args.trust)?;
    let word = Word::of(&receipt);
    let checked = Checked {
        proven: prove(&receipt, &anchor),
        compared: compare(args, &word)?,
        said: Said::of(&receipt),
        receipt,
        word,
    };
    if args.json {
        print::report(&(checked.json().to_string() + "\n"))?;
    } else {
        checked.show()?;
    }
    Ok(if checked.judge().is_ok() { Exit::Success } else { Exit::Wrong })
}

impl Word {
    fn of(receipt: &Receipt) -> Self {
        let record = receipt.line().ok().and_then(|line| Record::read(&line).ok());
        let signed = match record {
            Some(Record::Bid(accepted)) => match accepted.evidence.signed() {
                Some(signed) => signed,
                None => return Self::Houses,
            },
            Some(Record::Refused(refused)) => refused.signed,
            Some(Record::Act(recorded)) => Signed::Act(recorded.act),
            Some(Record::Enrol(_)) => return Self::Enrolments,
            Some(
                Record::Open(_)
                | Record::Lot(_)
                | Record::Counted(_)
                | Record::Revoke(_)
                | Record::Event(_)
                | Record::Seal { .. },
            )
            | None => return Self::Entered,
        };
        let signature = signed.check();
        Self::Signers { signed: Box::new(signed), signature }
    }
}

/// Compares the line with what its signer kept, where that is given or found.
fn compare(args: &Args, word: &Word) -> Result<Option<Comparison>, Failure> {
    let found = || kept_beside(&args.receipt, word).filter(|path| path.exists());
    let Some(kept) = args.signed.clone().or_else(found) else { return Ok(None) };
    let ours = read_kept(&kept)?;
    let differences = match word {
        Word::Signers { signed, .. } => ours.differences(signed),
        Word::Houses | Word::Enrolments | Word::Entered => vec![Difference {
            field: "signature".to_owned(),
            kept: Some("by its signer".to_owned()),
            other: None,
        }],
    };
    Ok(Some(Comparison { kept, differences }))
}

/// Where the client that has this receipt keeps what it signed.
fn kept_beside(receipt: &Path, word: &Word) -> Option<PathBuf> {
    let Word::Signers { signed, .. } = word else { return None };
    let folder = receipt.parent().filter(|folder| folder.ends_with("receipts"))?;
    Some(folder.parent()?.join("signed").join(format!("{}.json", signed.claim().n)))
}

fn read_kept(path: &Path) -> Result<Signed, Failure> {
    let bad = |why: &dyn std::fmt::Display| {
        Failure::usage("bad-signed", format!("{}: {why}", shown(path)))
            .hint("give what the client kept, signed/N.json in the folder beside the credential")
    };
    let bytes = keys::read_public(path, SIGNED_FILE_BYTES_MAX)?;
    let signed = Signed::from_kept(&bytes).map_err(|error| bad(&error))?;
    signed.check().map_err(|error| bad(&error))?;
    Ok(signed)
}

impl Checked {
    /// What it proves; or why it is not to be relied on, in a word and in full.
    fn judge(&self) -> Result<&Proven, (&'static str, String)> {
        let proven = self.proven.as_ref().map_err(|fault| ("NOT PROVEN", fault.to_string()))?;
        if let Word::Signers { signature: Err(why), .. } = &self.word {
            let text = format!("the house sealed this line, and its signer did not sign it: {why}");
            return Err(("FORGED", text));
        }
        if self.compared.as_ref().is_some_and(|found| !found.differences.is_empty()) {
            let text = "the house sealed this line, and it differs from what was signed";
            return Err(("NOT WHAT WAS SIGNED", text.to_owned()));
        }
        Ok(proven)
    }

    fn show(&self) -> Result<(), Failure> {
        let judged = self.judge();
        match &judged {
            Ok(proven) => {
                let size = proven.sealed.checkpoint().size;
                let text = format!(
                    "the house sealed this line among the first {size} lines of its ledger"
                );
                headline("PROVEN", Ink::Good, &text);
            }
            Err((word, why)) => headline(word, Ink::Bad, why),
        }
        let Said { sale, entry, .. } = &self.said;
        let mut text = format!("sale {sale}, line {}: {entry}\n", self.receipt.index);
        text.push_str(&self.signature_text());
        text.push_str(&self.comparison_text());
        if judged.is_ok() {
            text.push_str(
                "A ledger of this sale without this line, at this place, convicts the house:\n\
                 gavel verify LEDGER --trust CA.pem --receipt FILE\n",
            );
        }
        print::report(&text)?;
        Ok(())
    }

    fn signature_text(&self) -> String {
        let text = match &self.word {
            Word::Signers { signed, signature: Ok(()) } => {
                let key = signed.claim().bid_key;
                format!("by the bid key {key} over all that stands in the line")
            }
            Word::Signers { signed, signature: Err(why) } => {
                format!("not by the bid key {}: {why}", signed.claim().bid_key)
            }
            Word::Houses => "by nobody: the house says that it saw the bid".to_owned(),
            Word::Enrolments => {
                "not checked: that needs line 0 as well, and gavel verify does it".to_owned()
            }
            Word::Entered => "by nobody: the house enters such a line itself".to_owned(),
        };
        format!("signed    {text}\n")
    }

    fn comparison_text(&self) -> String {
        let Some(Comparison { kept, differences }) = &self.compared else {
            return match &self.word {
                Word::Signers { signed, .. } => format!(
                    "compared  with nothing: signed/{}.json is not beside it, and no --signed was given\n",
                    signed.claim().n
                ),
                Word::Houses | Word::Enrolments | Word::Entered => String::new(),
            };
        };
        let kept = shown(kept);
        if differences.is_empty() {
            return format!("compared  with {kept}, field by field: it is what was signed\n");
        }
        let lines: String = differences.iter().map(|found| format!("  - {found}\n")).collect();
        format!("compared  with {kept}:\n{lines}")
    }

    fn json(&self) -> Value {
        let signature = match &self.word {
            Word::Signers { signature: Ok(()), .. } => "good",
            Word::Signers { signature: Err(_), .. } => "bad",
            Word::Enrolments => "unchecked",
            Word::Houses | Word::Entered => "none",
        };
        let proven = self.proven.as_ref().ok();
        json!({
            "proven": proven.is_some(),
            "fault": self.judge().err().map(|(_, why)| why),
            "sale": self.said.sale,
            "line": self.receipt.index,
            "at": self.said.at.map(Timestamp::unix_ms),
            "entry": self.said.entry,
            "sealed_lines": proven.map(|proven| proven.sealed.checkpoint().size),
            "sealer": proven.map(|proven| format!("sha256:{}", proven.sealer.cert)),
            "signature": signature,
            "compared": self.compared.as_ref().map(|compared| shown(&compared.kept)),
            "differences": self.compared.as_ref().map(differences_json),
        })
    }
}

fn differences_json(compared: &Comparison) -> Vec<Value> {
    let each = |Difference { field, kept, other }: &Difference| json!({"field": field, "signed": kept, "entered": other});
    compared.differences.iter().map(each).collect()
}
