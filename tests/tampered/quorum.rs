//! Policies: which witnesses must have cosigned, and what an audit says when they have not.

use ed25519_dalek::SigningKey;
use gavel::audit::{Anchors, Audit, FindingKind, Verdict, audit};
use gavel::ledger::note::Note;
use gavel::ledger::note::TYPE_ED25519;
use gavel::ledger::{Policy, VerifierKey, WitnessKey};

use super::forge::Forge;
use super::world::{World, expect, world};

fn witness(seed: u8) -> WitnessKey {
    WitnessKey::new(&format!("w{seed}.example"), SigningKey::from_bytes(&[seed; 32])).expect("key")
}

/// Two of three witnesses.
pub(crate) fn policy(head: &str) -> Policy {
    let witnesses: String =
        (1..=3).map(|n| format!("witness w{n} {}\n", witness(n).public().vkey())).collect();
    let text = format!("{head}{witnesses}group two 2 w1 w2 w3\nquorum two\n");
    Policy::parse(text.as_bytes()).expect("a policy")
}

/// The checkpoint over the first `size` lines, with cosignatures.
pub(crate) fn cosigned(world: &World, size: u64, seeds: &[u8]) -> String {
    let mut tree = gavel::ledger::Tree::new();
    for line in world.ledger.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        tree.append(gavel::ledger::merkle::leaf_hash(line));
    }
    let root = tree.root_at(size).expect("within");
    let mut note = Note::parse(world.sealing_key().sign(size, root).note()).expect("a note");
    let lines: Vec<_> = seeds
        .iter()
        .map(|seed| witness(*seed).cosign(&note.text, 1_800_000_000 + u64::from(*seed)))
        .collect();
    note.signatures.extend(lines);
    note.to_string()
}

fn judged(policy: Policy, notes: &[&str]) -> Audit {
    let mut anchors: Anchors = world().anchors().with_policy(policy);
    for (number, note) in notes.iter().enumerate() {
        anchors.add_checkpoint(&format!("file {number}"), note).expect("is a checkpoint");
    }
    audit(&world().ledger, anchors)
}

/// How many lines a closed sale must be covered for: all but the seal over its close.
pub(crate) fn whole() -> u64 {
    world().line_count() - 1
}

fn says(of: &[String], words: &str) -> bool {
    of.iter().any(|line| line.contains(words))
}

#[test]
fn a_quorum_over_the_close_is_valid_and_named() {
    let audit = judged(policy(""), &[&cosigned(world(), whole(), &[3, 1])]);
    assert_eq!(audit.verdict(), Verdict::Valid, "{:?}", audit.findings);
    assert!(
        says(&audit.checked, "cosigned by w1 (2027-01-15T08:00:01.000Z), w3 ("),
        "{:?}",
        audit.checked
    );
    assert!(
        says(&audit.unchecked, "if the witnesses lied with the house"),
        "{:?}",
        audit.unchecked
    );
    assert!(!says(&audit.unchecked, "no policy was given"));
}

#[test]
fn cosignatures_of_one_checkpoint_count_together_in_whatever_files() {
    let (one, other) = (cosigned(world(), whole(), &[1]), cosigned(world(), whole(), &[2]));
    assert_eq!(judged(policy(""), &[&one, &other]).verdict(), Verdict::Valid);
    let apart = cosigned(world(), whole() - 3, &[2]);
    expect("two checkpoints", &judged(policy(""), &[&one, &apart]), FindingKind::Policy, None);
}

#[test]
fn what_is_missing_is_named() {
    let audit = judged(policy(""), &[&cosigned(world(), whole(), &[2])]);
    assert_eq!(audit.verdict(), Verdict::Incomplete);
    let detail = &audit.findings[0].detail;
    for said in ["two needs 2 of its 3, and has 1", "w1 has not cosigned", "w3 has not cosigned"] {
        assert!(detail.contains(said), "{detail}");
    }
    let early = judged(policy(""), &[&cosigned(world(), 9, &[1, 2, 3])]);
    assert!(early.findings[0].detail.contains("under the first 9 lines"), "{:?}", early.findings);
}

#[test]
fn a_wrong_cosignature_of_a_known_witness_counts_for_nothing() {
    let good = cosigned(world(), whole(), &[1, 2]);
    let mut note = Note::parse(&good).expect("a note");
    note.signatures[1].signature[40] ^= 1;
    let audit = judged(policy(""), &[&note.to_string()]);
    expect("a wrong line", &audit, FindingKind::Policy, None);
    let strangers = cosigned(world(), whole(), &[7, 8, 9]);
    expect("strangers", &judged(policy(""), &[&strangers]), FindingKind::Policy, None);
}

#[test]
fn the_policy_s_logs_are_held_against_the_sealing_key() {
    let vkey = world().sealing_key().vkey();
    let note = cosigned(world(), whole(), &[1, 2]);
    let listed = judged(policy(&format!("log {vkey}\n")), &[&note]);
    assert_eq!(listed.verdict(), Verdict::Valid, "{:?}", listed.findings);
    let stranger = SigningKey::from_bytes(&[99; 32]).verifying_key();
    let stranger = VerifierKey::new("other/log", TYPE_ED25519, &stranger).expect("a key");
    let unlisted = judged(policy(&format!("log {stranger}\n")), &[&note]);
    expect("another log", &unlisted, FindingKind::Policy, None);
}

#[test]
fn a_quorum_never_makes_a_wrong_ledger_right() {
    let mut forge = Forge::honest();
    forge.pieces.remove(9);
    let mut anchors = world().anchors().with_policy(policy(""));
    let note = cosigned(world(), whole(), &[1, 2, 3]);
    anchors.add_checkpoint("file", &note).expect("is a checkpoint");
    let audit = audit(&forge.forged(), anchors);
    assert_eq!(audit.verdict(), Verdict::Invalid);
    assert!(audit.findings.iter().any(|finding| finding.kind == FindingKind::Fork));
    assert!(!says(&audit.checked, "quorum"));
}

#[test]
fn without_a_policy_or_a_witness_in_it_that_is_said() {
    let none = audit(&world().ledger, world().anchors());
    assert!(says(&none.unchecked, "no independent witness was required"), "{:?}", none.unchecked);
    assert!(says(&none.unchecked, "no receipt and no witness was given: another ledger may exist"));
    let open = Policy::parse(b"quorum none\n").expect("a policy");
    let open = judged(open, &[]);
    assert_eq!(open.verdict(), Verdict::Valid);
    assert!(says(&open.unchecked, "requires no witness"), "{:?}", open.unchecked);
}
