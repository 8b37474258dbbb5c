//! The policy that the auditor brought, held against the cosignatures that came along
//! (C2SP tlog-policy, "Defining the quorum").

use std::collections::BTreeMap;

use super::finding::{Finding, FindingKind};
use super::signatures::Keys;
use crate::ledger::note::{Note, TYPE_ED25519};
use crate::ledger::policy::{Judgement, Policy};
use crate::ledger::vkey::VerifierKey;
use crate::time::Timestamp;

/// The largest tree of this ledger under which the quorum stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quorum {
    /// How many lines it covers.
    pub(super) size: u64,
    /// Who cosigned it, by the policy's names, and when they say they did, if that is a time
    /// that can be written.
    pub(super) by: Vec<(String, Option<Timestamp>)>,
}

/// A signed checkpoint that agrees with the ledger: its size, and the note with whatever
/// cosignatures it has.
#[derive(Clone, Debug)]
pub(super) struct Agreeing<'a> {
    pub(super) label: &'a str,
    pub(super) size: u64,
    pub(super) note: &'a str,
}

/// Judges the checkpoints that agree with the ledger. `needed` lines must be covered: those of
/// a closed sale with its close.
pub(super) fn judge(
    policy: &Policy,
    keys: &Keys,
    agreeing: &[Agreeing<'_>],
    needed: u64,
) -> Result<Option<Quorum>, Finding> {
    let unmet = |detail: String| Err(Finding::whole(FindingKind::Policy, detail));
    let log = VerifierKey::new(&keys.origin, TYPE_ED25519, &keys.sealing_key);
    if !log.is_ok_and(|log| policy.takes_log(&log)) {
        return unmet("the policy does not list the key that seals this ledger".to_owned());
    }
    if !policy.requires_witnesses() {
        return Ok(None);
    }
    let judged = judge_each(policy, agreeing)?;
    let met = judged.iter().rev().find(|(_, judgement)| judgement.is_met());
    match (met, judged.last_key_value()) {
        (Some((size, judgement)), _) if *size >= needed => Ok(Some(quorum(*size, judgement))),
        (Some((size, _)), _) => unmet(format!(
            "the quorum stands under the first {size} lines, and not under what follows: the sale \
             closed with {needed}"
        )),
        (None, Some((size, judgement))) => {
            unmet(format!("under the first {size} lines: {}", judgement.missing.join("; ")))
        }
        (None, None) => unmet("no checkpoint of this ledger was given".to_owned()),
    }
}

/// What the policy says of each checkpoint, by its size. Cosignatures of one checkpoint count
/// together, whatever files they came in.
fn judge_each(
    policy: &Policy,
    agreeing: &[Agreeing<'_>],
) -> Result<BTreeMap<u64, Judgement>, Finding> {
    let mut notes: BTreeMap<u64, Note> = BTreeMap::new();
    for Agreeing { label, size, note } in agreeing {
        let wrong = |why: &dyn std::fmt::Display| {
            Finding::whole(FindingKind::Policy, format!("{label}: {why}"))
        };
        let note = Note::parse(note).map_err(|error| wrong(&error))?;
        policy.judge(&note).map_err(|error| wrong(&error))?;
        // They agree with one tree, so the text is the same.
        let all = notes.entry(*size).or_insert_with(|| Note { signatures: vec![], ..note.clone() });
        all.signatures.extend(note.signatures);
    }
    let judged = notes.into_iter().map(|(size, note)| {
        let judgement = policy.judge(&note).expect("every line of it was checked");
        (size, judgement)
    });
    Ok(judged.collect())
}

fn quorum(size: u64, judgement: &Judgement) -> Quorum {
    let by = judgement.cosigned.iter().map(|(name, cosignature)| {
        (name.clone(), Timestamp::from_unix_ms(cosignature.time_s.saturating_mul(1000)))
    });
    Quorum { size, by: by.collect() }
}

impl Quorum {
    /// Who cosigned, and when.
    pub(super) fn in_words(&self) -> String {
        let by = self.by.iter().map(|(name, at)| match at {
            Some(at) => format!("{name} ({at})"),
            None => name.clone(),
        });
        by.collect::<Vec<_>>().join(", ")
    }
}
