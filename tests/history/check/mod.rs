//! Holds a history against itself, against the final ledger, and both against the auditor.
//!
//! One pass over the events and one over the final ledger; operations are sorted by time once
//! (n log n). Beside the history and the ledger's bytes it keeps 32 bytes of root for each line,
//! the signed text of each entry, and a root for each size of which a signed checkpoint was seen.

mod ledger;
mod operations;
mod readers;
mod restarts;
mod seals;

use gavel::ledger::encoding::decode_base64;
use gavel::pki::Anchor;

use self::ledger::Ledger;
use self::operations::Operations;
use self::readers::Readers;
use self::seals::Seals;
use super::{Event, History, Run, Violation};

/// What a check came to, with how much there was to check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) violations: Vec<Violation>,
    pub(crate) operations: usize,
    pub(crate) acknowledged: usize,
    pub(crate) refused: usize,
    /// Never answered for good.
    pub(crate) unknown: usize,
    /// How often something was sent again.
    pub(crate) again: usize,
    pub(crate) lines: usize,
    pub(crate) checkpoints: usize,
    pub(crate) connections: usize,
    /// How many lines were seen, over all connections.
    pub(crate) lines_seen: u64,
    pub(crate) snapshots: usize,
    pub(crate) winners: usize,
}

/// The lines that were ever told, by number and variant.
#[derive(Debug, Default)]
struct Lines<'a>(Vec<Vec<&'a str>>);

/// The ledger's file as it lay there while no server ran.
#[derive(Debug)]
struct Snapshot {
    at_us: u64,
    variants: Vec<usize>,
    /// Hexadecimal digits of what stands after the last whole line.
    tail: String,
}

impl<'a> Lines<'a> {
    fn of(history: &'a History) -> Result<Self, Violation> {
        let mut lines = Self::default();
        for event in &history.events {
            let Event::Line { seq, variant, line } = event else { continue };
            let place = place(*seq);
            if lines.0.len() <= place {
                lines.0.resize(place + 1, Vec::new());
            }
            if lines.0[place].len() != *variant {
                return Err(unreadable(format!("line {seq} has no variant before {variant}")));
            }
            lines.0[place].push(line);
        }
        Ok(lines)
    }

    fn line(&self, seq: usize, variant: usize) -> Option<&'a str> {
        self.0.get(seq)?.get(variant).copied()
    }

    /// Which variant of its number a line is, if it was ever seen.
    fn variant_of(&self, seq: usize, line: &str) -> Option<usize> {
        self.0.get(seq)?.iter().position(|known| *known == line)
    }

    fn check_run(&self, run: &Run) -> Result<(), Violation> {
        let known = (run.from..run.to).all(|seq| self.line(place(seq), run.variant).is_some());
        if known { Ok(()) } else { Err(unreadable(format!("nobody told the lines of {run:?}"))) }
    }
}

impl Snapshot {
    fn of(at_us: u64, runs: &[Run], tail: &str) -> Result<Self, Violation> {
        let mut variants = Vec::new();
        for run in runs {
            if place(run.from) != variants.len() || run.to < run.from {
                return Err(unreadable(format!("a snapshot whose runs have a gap at {run:?}")));
            }
            variants.resize(place(run.to), run.variant);
        }
        Ok(Self { at_us, variants, tail: tail.to_owned() })
    }
}

/// Checks a history.
pub(crate) fn check(history: &History) -> Checked {
    let mut checked = Checked::default();
    if let Err(violation) = check_all(history, &mut checked) {
        checked.violations.push(violation);
    }
    checked
}

fn check_all(history: &History, checked: &mut Checked) -> Result<(), Violation> {
    let lines = Lines::of(history)?;
    let anchor = trusted(history)?;
    let snapshots = snapshots(history, &lines)?;
    let last = snapshots.last().ok_or_else(|| unreadable("no ledger".to_owned()))?;
    let ledger = Ledger::read(&lines, last, &anchor)?;

    let mut found = Vec::new();
    let mut seals = Seals::new(&ledger);
    let operations = Operations::of(history, &mut found);
    operations.check(&ledger, &anchor, &mut seals, &mut found);
    let mut readers = Readers::new(&ledger);
    for event in &history.events {
        match event {
            Event::Note { source, note } => seals.note(source, note, &mut found),
            Event::Winner { source, lot, outcome } => {
                checked.winners += 1;
                ledger.check_winner(source, lot, outcome, &mut found);
            }
            _ => readers.take(event, &mut found),
        }
    }
    seals.seals_of_the_ledger(&mut found);
    restarts::check(&snapshots, &lines, &ledger, &readers, &operations, &seals, &mut found);
    ledger.check_verdict(&mut found);

    operations.count(checked);
    checked.lines = ledger.variants.len();
    checked.checkpoints = seals.count();
    (checked.connections, checked.lines_seen) = readers.count();
    checked.snapshots = snapshots.len();
    checked.violations = found;
    Ok(())
}

fn trusted(history: &History) -> Result<Anchor, Violation> {
    let ca = history.events.iter().find_map(|event| match event {
        Event::Trust { ca } => Some(ca),
        _ => None,
    });
    let der = ca.and_then(|ca| decode_base64(ca).ok());
    der.and_then(|der| Anchor::from_der(&der).ok()).ok_or_else(|| unreadable("no CA".to_owned()))
}

fn snapshots(history: &History, lines: &Lines<'_>) -> Result<Vec<Snapshot>, Violation> {
    let mut snapshots = Vec::new();
    for event in &history.events {
        match event {
            Event::Snapshot { at_us, runs, tail } => {
                runs.iter().try_for_each(|run| lines.check_run(run))?;
                snapshots.push(Snapshot::of(*at_us, runs, tail)?);
            }
            Event::Saw { run, .. } => lines.check_run(run)?,
            _ => {}
        }
    }
    Ok(snapshots)
}

const fn unreadable(why: String) -> Violation {
    Violation::Unreadable { why }
}

fn place(seq: u64) -> usize {
    usize::try_from(seq).expect("a ledger that fits into memory")
}

fn number(place: usize) -> u64 {
    u64::try_from(place).expect("a place is a line's number")
}
