//! Every row audited: the verdict, the first finding and its line, and nothing else.

use std::collections::BTreeSet;
use std::panic::catch_unwind;

use gavel::audit::{Audit, FindingKind, Trust};
use rayon::prelude::*;

use super::{Case, Expected, GROUPS, Row, rows};
use crate::world::world;

/// What the auditor must be told of each row, or what is wrong.
fn judge(row: &Row) -> Result<(), String> {
    let case = (row.forge)();
    if case.made != row.made || case.given() != row.given {
        return Err(format!("it is {}, with {:?}", case.made, case.given()));
    }
    let ca = world().ca.anchor();
    let audit = case.audit(Trust::Certificate(Box::new(ca.clone())), usize::MAX);
    hold(row, &case, &audit)?;
    if case.is_endless() {
        return Ok(());
    }
    // By the published fingerprint alone, and from a file in pieces, the same is found.
    let again = case.audit(Trust::Fingerprint(ca.fingerprint()), 997);
    if (again.verdict(), found(&again)) != (audit.verdict(), found(&audit)) {
        return Err(format!("by the fingerprint and in pieces: {:?}", again.findings));
    }
    Ok(())
}

/// What was found: kinds and lines.
fn found(audit: &Audit) -> Vec<(FindingKind, Option<u64>)> {
    audit.findings.iter().map(|finding| (finding.kind, finding.line)).collect()
}

fn hold(row: &Row, case: &Case, audit: &Audit) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {:?} {:?}", audit.verdict(), audit.findings));
    if audit.verdict() != row.expected.verdict() {
        return wrong("another verdict");
    }
    let found = found(audit);
    let expected = row.expected.finding().map(|kind| (kind, case.line));
    let place = found.iter().position(|finding| Some(*finding) == expected);
    if place.is_none() && expected.is_some() {
        return wrong(&format!("not found at {:?}", case.line));
    }
    let (before, rest) = found.split_at(place.unwrap_or(0));
    let further = rest.get(usize::from(place.is_some())..).unwrap_or_default();
    for (found, listed) in [(before, row.after), (further, row.also)] {
        let kinds: BTreeSet<_> = found.iter().map(|(kind, _)| *kind).collect();
        if kinds != listed.iter().copied().collect() {
            return wrong("something else is found, or something is not");
        }
    }
    if let Expected::Valid { unchecked } = row.expected
        && !audit.unchecked.iter().any(|said| said == unchecked)
    {
        return Err(format!("not said: {:?}", audit.unchecked));
    }
    Ok(())
}

#[test]
fn every_row_is_judged_as_it_says() {
    let rows: Vec<&Row> = rows().collect();
    let failed: Vec<String> = rows
        .par_iter()
        .filter_map(|row| {
            let judged = catch_unwind(|| judge(row)).unwrap_or_else(|_| Err("it panics".into()));
            judged.err().map(|why| format!("{} ({}): {why}", row.id, row.threat))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {} rows:\n{}", failed.len(), rows.len(), failed.join("\n"));
}

/// A fork that nobody but the holder of the checkpoint can be shown: no certificate is for its key.
const FOR_THE_HOLDER_ALONE: &str = "held-two-keys-checkpoint";

#[test]
fn whatever_forks_convicts_and_nothing_else_does() {
    let failed: Vec<&str> = rows()
        .filter(|row| {
            let is_fork = matches!(row.expected, Expected::Invalid(FindingKind::Fork));
            let convicts = (row.forge)().convictions() > 0;
            convicts != (is_fork && row.id != FOR_THE_HOLDER_ALONE)
        })
        .map(|row| row.id)
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn ids_are_unique_and_begin_with_their_group() {
    let mut ids = BTreeSet::new();
    for group in GROUPS {
        for Row { id, .. } in group.rows {
            assert!(ids.insert(*id), "{id} stands twice");
            let rest = id.strip_prefix(group.name).and_then(|rest| rest.strip_prefix('-'));
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(rest.is_some_and(|rest| rest.chars().all(is_plain)), "{id} in {}", group.name);
        }
    }
}

#[test]
fn every_kind_of_finding_is_the_first_one_of_a_row() {
    let reached: BTreeSet<_> = rows().filter_map(|row| row.expected.finding()).collect();
    let missed: Vec<_> = FindingKind::ALL.iter().filter(|kind| !reached.contains(kind)).collect();
    assert!(missed.is_empty(), "no row for {missed:?}");
}
