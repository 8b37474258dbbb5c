//! `gavel rehearse`: a sale on a virtual clock, held against what its scenario expects.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::fault::{of_io, whole};
use super::paint::{Ink, Palette};
use super::scratch::Scratch;
use super::verify::finding_text;
use super::{Exit, Failure, print};
use crate::auction::money::Amount;
use crate::audit::{Anchors, Audit, Trust, Verdict, audit};
use crate::limits::SCENARIO_FILE_BYTES_MAX;
use crate::pki::keys::{self, KeyFault, shown};
use crate::rehearse::{Mismatch, Place, PlayFailure, Played, Scenario, ScenarioError, play};

/// Play a sale on a virtual clock, and hold every step against what its scenario expects
///
/// The sale runs through the house of the real server, with throw-away keys and certificates,
/// and its ledger is audited. examples/scenarios/README.md says what a scenario is made of.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 everything as expected, 1 something came otherwise, 2 the scenario \
                        cannot be played."
)]
pub(super) struct Args {
    /// The scenario
    #[arg(value_name = "SCENARIO.json")]
    scenario: PathBuf,
    /// Keep the ledger that such a sale would have left
    #[arg(long, value_name = "OUT")]
    ledger: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let scenario = read(&args.scenario)?;
    if let Some(path) = args.ledger.as_deref().filter(|path| path.exists()) {
        return Err(taken(path));
    }
    let scratch = Scratch::new(None, "rehearse")?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| KeyFault::Randomness)?;
    let played = play(&scenario, scratch.path(), seed)?;
    let ledger = fs::read(&played.ledger).map_err(|error| of_io("read", &played.ledger, &error))?;
    let anchors = Anchors::new(Trust::Certificate(Box::new(played.anchor.clone())));
    let audit = audit(&ledger, anchors);
    if let Some(path) = &args.ledger {
        keep(path, &ledger)?;
    }
    let shown = Shown { args, scenario: &scenario, played: &played, audit: &audit };
    if args.json {
        print::report(&(shown.json().to_string() + "\n"))?;
    } else {
        shown.text()?;
    }
    Ok(if shown.is_good() { Exit::Success } else { Exit::Wrong })
}

fn read(path: &Path) -> Result<Scenario, Failure> {
    let bytes = keys::read_public(path, SCENARIO_FILE_BYTES_MAX)?;
    Scenario::read(&bytes).map_err(|error| {
        let failure = Failure::usage("scenario", format!("{}: {error}", shown(path)));
        match error {
            ScenarioError::NotBuilt { .. } => failure
                .hint("play what this version has: BID, OPEN, HAMMER, PAUSE, RESUME, VOID, .."),
            _ => failure.hint("examples/scenarios/README.md says what a scenario is made of"),
        }
    })
}

fn keep(path: &Path, ledger: &[u8]) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(path),
        _ => of_io("write", path, &error),
    })?;
    let written = file.write_all(ledger).and_then(|()| file.sync_all());
    written.map_err(|error| of_io("write", path, &error))
}

fn taken(path: &Path) -> Failure {
    Failure::usage("file-exists", format!("{} is there already", shown(path)))
        .hint("name another file: no ledger is written over")
}

/// A play with its audit, as it is shown.
struct Shown<'a> {
    args: &'a Args,
    scenario: &'a Scenario,
    played: &'a Played,
    audit: &'a Audit,
}

impl Shown<'_> {
    /// Whether all came as expected, and the ledger says the same of it.
    fn is_good(&self) -> bool {
        let holds = match self.audit.verdict() {
            Verdict::Valid => true,
            Verdict::Incomplete => !self.played.is_closed,
            Verdict::Invalid => false,
        };
        self.played.mismatches.is_empty() && holds
    }

    fn text(&self) -> Result<(), Failure> {
        let mut text =
            format!("{}: {}\n\n{}", self.scenario.id(), self.scenario.title(), self.lots());
        text.push_str(&self.left_open());
        text.push_str(&self.ledger());
        for mismatch in &self.played.mismatches {
            text.push_str(&format!("{mismatch}\n"));
        }
        print::report(&text)?;
        let steps = self.scenario.step_count();
        let (ink, verdict) = match (self.played.steps_unlike, self.is_good()) {
            (_, true) => (Ink::Good, format!("{steps} steps as expected")),
            (0, false) => {
                (Ink::Bad, format!("{steps} steps as expected, but what came of them is not"))
            }
            (unlike, false) => {
                (Ink::Bad, format!("{unlike} of {steps} steps did not come as expected"))
            }
        };
        let palette = Palette::of_stdout();
        palette.line(&[palette.ink(ink, &verdict)]);
        Ok(())
    }

    /// What each lot came to; times are milliseconds after the opening, as in the scenario.
    fn lots(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["LOT", "TITLE", "OUTCOME", "LEADER", "PRICE", "CLOSED AT MS"]);
        for index in [4, 5] {
            if let Some(column) = table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let currency = &self.scenario.file().currency;
        for lot in &self.played.lots {
            let seen = &lot.seen;
            let price = seen.price.and_then(Amount::new);
            table.add_row([
                lot.id.to_string(),
                lot.title.to_string(),
                seen.outcome.unwrap_or(seen.state).to_owned(),
                seen.leader.clone().unwrap_or_default(),
                price.map_or(String::new(), |price| currency.display(price)),
                seen.closed_at.map_or(String::new(), |at| at.to_string()),
            ]);
        }
        if table.is_empty() { String::new() } else { table.trim_fmt() + "\n\n" }
    }

    fn left_open(&self) -> String {
        if self.played.is_closed {
            return String::new();
        }
        let open = self.played.lots.iter().filter(|lot| lot.seen.outcome.is_none());
        let open: Vec<String> =
            open.map(|lot| format!("lot {} is {}", lot.id, lot.seen.state)).collect();
        if open.is_empty() {
            "The sale has not closed: the server did not come back.\n\n".to_owned()
        } else {
            format!("The sale has not closed, and no time closes it: {}.\n\n", open.join(", "))
        }
    }

    fn ledger(&self) -> String {
        let (audit, anchor) = (self.audit, &self.played.anchor);
        let mut text =
            format!("ledger    {}, {} lines", audit.verdict().as_str(), audit.file.lines);
        match &self.args.ledger {
            Some(path) => {
                let (path, ca) = (shown(path), anchor.fingerprint());
                text.push_str(&format!(
                    ", {path}\nCA        sha256:{ca}\nverify it gavel verify {path} --trust sha256:{ca}\n\n"
                ));
            }
            None => text.push_str("\n\n"),
        }
        if audit.verdict() == Verdict::Invalid {
            audit.findings.iter().for_each(|finding| text.push_str(&finding_text(finding)));
        }
        text
    }

    fn json(&self) -> Value {
        let lots = self.played.lots.iter();
        let lots: serde_json::Map<String, Value> =
            lots.map(|lot| (lot.id.to_string(), json!(lot.seen))).collect();
        json!({
            "scenario": self.scenario.id(),
            "title": self.scenario.title().as_str(),
            "sale": self.scenario.sale().as_str(),
            "as_expected": self.is_good(),
            "steps": self.scenario.step_count(),
            "steps_otherwise": self.played.steps_unlike,
            "mismatches": self.played.mismatches.iter().map(mismatch_json).collect::<Vec<_>>(),
            "closed": self.played.is_closed,
            "lots": lots,
            "ledger": {
                "path": self.args.ledger.as_deref().map(shown),
                "lines": self.audit.file.lines,
                "sha256": self.audit.file.sha256.to_string(),
                "verdict": self.audit.verdict().as_str().to_ascii_lowercase(),
                "ca": format!("sha256:{}", self.played.anchor.fingerprint()),
            },
        })
    }
}

fn mismatch_json(mismatch: &Mismatch) -> Value {
    let step = match &mismatch.place {
        Place::Step { number, .. } => Some(*number),
        Place::Hash { .. } | Place::Result => None,
    };
    json!({
        "place": mismatch.place.to_string(),
        "step": step,
        "lot": mismatch.lot.as_ref().map(ToString::to_string),
        "what": mismatch.what,
        "expected": mismatch.expected,
        "came": mismatch.came,
    })
}

impl From<PlayFailure> for Failure {
    fn from(failure: PlayFailure) -> Self {
        let message = whole(&failure);
        Self::operator("rehearse-failed", message)
            .hint("the temporary folder may be full or not writable: TMPDIR names another")
    }
}
