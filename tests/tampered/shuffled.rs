//! Forgeries that nobody thought of: entries left out, doubled and exchanged, every value of
//! every entry replaced, all chained and sealed again; and mutations by the dice, which nobody
//! but the house could seal. The auditor must judge each of them without a panic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use gavel::audit::{Audit, Auditor, FindingKind, Verdict, audit};
use gavel::ledger::SealingKey;
use gavel::ledger::entry::Kind;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::forge::{End, Forge, Piece};
use super::halls::{evening, hall};
use super::mutation::{Mutant, honest};
use super::world::world;

fn judge(forge: &Forge) -> Verdict {
    audit(&forge.forged(), world().anchors()).verdict()
}

fn doubled_left_out_and_cut(honest: &Forge, one: usize) {
    let mut without = honest.clone();
    without.pieces.remove(one);
    judge(&without);
    let mut doubled = honest.clone();
    doubled.pieces.insert(one, honest.pieces[one].clone());
    let verdict = judge(&doubled);
    let piece = &honest.pieces[one];
    let may_stand_twice = matches!(piece.kind, Kind::Seal | Kind::Revoke)
        || piece.kind == Kind::Enrol && piece.body["evidence"] == "attested";
    assert!(may_stand_twice || verdict == Verdict::Invalid, "{one} doubled: {verdict:?}");
    let mut cut = honest.clone();
    cut.pieces.truncate(one);
    assert_ne!(judge(&cut), Verdict::Valid, "cut before {one}");
}

fn exchanged(honest: &Forge, one: usize, other: usize) {
    let mut exchanged = honest.clone();
    exchanged.pieces.swap(one, other);
    judge(&exchanged);
}

#[test]
fn entries_left_out_doubled_and_exchanged() {
    let honest = Forge::honest();
    (0..honest.pieces.len()).into_par_iter().for_each(|one| {
        doubled_left_out_and_cut(&honest, one);
        (0..one).for_each(|other| exchanged(&honest, one, other));
    });
    // Of the longer ledger each entry with those near it.
    let honest = Forge::of(&hall().ledger);
    (0..honest.pieces.len()).into_par_iter().for_each(|one| {
        doubled_left_out_and_cut(&honest, one);
        (one.saturating_sub(2)..one).for_each(|other| exchanged(&honest, one, other));
    });
}

/// An honest ledger, audited and chained up to each of its lines.
struct Prefixes {
    honest: Forge,
    key: SealingKey,
    before: Vec<(Auditor, End)>,
}

impl Prefixes {
    fn of(honest: Forge) -> Self {
        let key = world().sealing_key();
        let (mut auditor, mut end) = (Auditor::new(world().anchors()), End::default());
        let mut before = Vec::new();
        for piece in &honest.pieces {
            before.push((auditor.clone(), end.clone()));
            auditor.feed(&end.line(piece, &BTreeMap::new(), &key));
        }
        Self { honest, key, before }
    }

    /// The verdict on the ledger with another piece in the place of one. What is found within
    /// two lines is not waited for any longer.
    fn verdict(&self, place: usize, piece: &Piece) -> Verdict {
        let (mut auditor, mut end) = self.before[place].clone();
        let rest = &self.honest.pieces[place + 1..];
        for (ahead, piece) in std::iter::once(piece).chain(rest).enumerate() {
            auditor.feed(&end.line(piece, &BTreeMap::new(), &self.key));
            if ahead == 2 && auditor.clone().finish().verdict() == Verdict::Invalid {
                return Verdict::Invalid;
            }
        }
        auditor.finish().verdict()
    }
}

#[test]
fn every_value_replaced() {
    for ledger in [&world().ledger, &hall().ledger, &evening().ledger] {
        let prefixes = Prefixes::of(Forge::of(ledger));
        let pieces = &prefixes.honest.pieces;
        // A seal's body is made again, so there is nothing to replace.
        let places: Vec<usize> =
            (0..pieces.len()).filter(|at| pieces[*at].kind != Kind::Seal).collect();
        places.into_par_iter().for_each(|place| {
            for path in paths(&pieces[place].body, String::new()) {
                replace_value(&prefixes, place, &path);
            }
            for ms in [0, 1, 1_000_000] {
                let mut forge = prefixes.honest.clone();
                forge.pieces[place].ts = ms;
                judge(&forge);
            }
        });
    }
}

fn replace_value(prefixes: &Prefixes, place: usize, path: &str) {
    let strange = [
        json!(0),
        json!(1),
        json!(9_007_199_254_740_991_u64),
        json!(""),
        json!("1"),
        json!("bob"),
        json!("0".repeat(64)),
        json!(true),
        json!([]),
        json!({}),
    ];
    // What the house measured or chose itself, and nobody else signed.
    let own_word = ["/lag_us", "/wall", "/reason", "/crl_number", "/crl_hash", "/serial"];
    for value in strange {
        let mut piece = prefixes.honest.pieces[place].clone();
        let target = piece.body.pointer_mut(path).expect("was there");
        if *target == value {
            continue;
        }
        *target = value.clone();
        let verdict = prefixes.verdict(place, &piece);
        let kind = piece.kind;
        let found = own_word.contains(&path) || verdict == Verdict::Invalid;
        assert!(found, "{kind} {path} = {value}: {verdict:?}");
    }
}

/// The JSON pointers of everything in a body, the body itself left out.
fn paths(value: &Value, path: String) -> Vec<String> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let deeper = below.into_iter().flat_map(|(key, value)| {
        let path = format!("{path}/{key}");
        let mut all = vec![path.clone()];
        all.extend(paths(value, path));
        all
    });
    deeper.collect()
}

/// How many mutations are tried when `GAVEL_MUTATIONS` does not say how many.
const MUTATIONS: u64 = 5_000;

/// A failure prints its seed; `GAVEL_SEED=<seed> cargo test --test audit mutations` tries that
/// one alone.
#[test]
fn random_mutations_are_never_valid() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let begun: Vec<Begun> = honest().iter().map(|ledger| Begun::of(ledger)).collect();
    if let Some(seed) = number("GAVEL_SEED") {
        mutate(seed, &begun);
        return;
    }
    let seeds = 0..number("GAVEL_MUTATIONS").unwrap_or(MUTATIONS);
    let found: BTreeSet<_> = seeds.into_par_iter().map(|seed| mutate(seed, &begun)).collect();
    assert!(found.len() > 20, "the dice lead to too few kinds of findings: {found:?}");
}

/// An honest ledger, audited up to each of its lines: what stands before a change is read once.
struct Begun {
    ledger: &'static [u8],
    /// Where each line begins and ends, and the audit of what stands before it.
    before: Vec<(Range<usize>, Auditor)>,
}

impl Begun {
    fn of(ledger: &'static [u8]) -> Self {
        let (mut auditor, mut at) = (Auditor::new(world().anchors()), 0);
        let mut before = Vec::new();
        for line in ledger.split_inclusive(|byte| *byte == b'\n') {
            before.push((at..at + line.len(), auditor.clone()));
            auditor.feed(line);
            at += line.len();
        }
        assert_eq!(auditor.finish().verdict(), Verdict::Valid);
        Self { ledger, before }
    }

    /// The audit of another ledger, begun where it parts from this one.
    fn audit(&self, other: &[u8]) -> Audit {
        let parts = |(line, _): &&(Range<usize>, Auditor)| {
            other.get(line.clone()) != Some(&self.ledger[line.clone()])
        };
        // One that goes on behind the end of this one parts from it at its last line.
        let (line, auditor) =
            self.before.iter().find(parts).or(self.before.last()).expect("has lines");
        let mut auditor = auditor.clone();
        auditor.feed(&other[line.start..]);
        auditor.finish()
    }
}

/// Tries the mutation of that seed, and gives the kind of what was found first.
fn mutate(seed: u64, begun: &[Begun]) -> Option<FindingKind> {
    let mutant = Mutant::of(seed);
    let told = std::panic::catch_unwind(|| begun[mutant.of].audit(&mutant.ledger));
    let is_honest = honest().contains(&mutant.ledger);
    let why = match &told {
        Err(_) => "it panics",
        Ok(audit) if is_honest && audit.verdict() != Verdict::Valid => {
            "it is honest, and not valid"
        }
        Ok(audit) if !is_honest && !mutant.is_sealed && is_taken(audit) => "it is valid",
        Ok(audit) => return audit.findings.first().map(|finding| finding.kind),
    };
    let folder = tempfile::tempdir().expect("a folder").keep();
    std::fs::write(folder.join("mutant.jsonl"), &mutant.ledger).expect("writes");
    std::fs::write(folder.join("ca.der"), world().ca.anchor().der()).expect("writes");
    let findings = told.map(|audit| audit.findings).unwrap_or_default();
    panic!("GAVEL_SEED={seed}: {why}: {:?}: {findings:?}, kept in {folder:?}", mutant.story);
}

/// Whether results would be printed from it as final.
fn is_taken(audit: &Audit) -> bool {
    audit.verdict() == Verdict::Valid || audit.audited().is_some_and(|audited| audited.is_final())
}
