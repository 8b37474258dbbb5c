//! Other people's code judges our checkpoints and proofs: `signed_note` and
//! `tlog_tiles` must accept what we make, make the same themselves, and refuse
//! what was altered, wherever we do.

use ed25519_dalek::SigningKey;
use gavel::ledger::merkle::{leaf_hash, verify_consistency, verify_inclusion};
use gavel::ledger::{Hash, SealingKey, SignedCheckpoint, Tree};
use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles as oracle;

const ORIGIN: &str = "meridian/estate.2026-11";

/// Our tree and theirs over the same records.
#[derive(Default)]
struct Both {
    ours: Tree,
    theirs: Stored,
}

/// The oracle's tree, in the order in which it stores its hashes.
#[derive(Default)]
struct Stored(Vec<oracle::Hash>);

impl oracle::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<oracle::Hash>, oracle::Error> {
        let read = |index: &u64| usize::try_from(*index).ok().and_then(|index| self.0.get(index));
        let hashes = indexes.iter().map(|index| read(index).copied());
        hashes.collect::<Option<_>>().ok_or(oracle::Error::IndexesNotInTree)
    }
}

impl Both {
    fn of(size: u64) -> Self {
        let mut both = Self::default();
        for index in 0..size {
            let record = record(index);
            both.ours.append(leaf_hash(&record));
            let stored = oracle::stored_hashes(index, &record, &both.theirs);
            both.theirs.0.extend(stored.expect("the oracle stores"));
        }
        both
    }

    /// Checks the inclusion of `index` at `size`, by both and altered at `pick`.
    fn inclusion(&self, index: u64, size: u64, pick: usize) {
        let proof = self.ours.inclusion(index, size).expect("within");
        let root = self.ours.root_at(size).expect("within");
        let leaf = leaf_hash(&record(index));
        let their_proof = oracle::prove_record(size, index, &self.theirs).expect("within");
        assert_eq!(their_proof, theirs(&proof), "{index} in {size}");
        let judge = |index, size, leaf, proof: &[Hash], root| {
            let we = verify_inclusion(index, size, leaf, proof, root).is_ok();
            let hashes = theirs(proof);
            let they = oracle::check_record(&hashes, size, their(root), index, their(leaf)).is_ok();
            assert_eq!(we, they, "{index} in {size}");
            we
        };
        assert!(judge(index, size, leaf, &proof, root));
        assert!(!judge(index, size, altered(leaf), &proof, root));
        assert!(!judge(index, size, leaf, &proof, altered(root)));
        assert!(!judge(index, size, leaf, &[&proof[..], &[leaf]].concat(), root));
        if !proof.is_empty() {
            assert!(!judge(index ^ 1, size, leaf, &proof, root));
            assert!(!judge(index, size, leaf, &proof[1..], root));
            assert!(!judge(index, size, leaf, &with_altered(&proof, pick), root));
        }
        // Another size may by right need the same path; then both must say so.
        judge(index, size + 1, leaf, &proof, root);
    }

    /// Checks the consistency from `old` to `new`, by both and altered at `pick`.
    fn consistency(&self, old: u64, new: u64, pick: usize) {
        let proof = self.ours.consistency(old, new).expect("within");
        let old_root = self.ours.root_at(old).expect("within");
        let new_root = self.ours.root_at(new).expect("within");
        let their_proof = oracle::prove_tree(new, old, &self.theirs).expect("within");
        assert_eq!(their_proof, theirs(&proof), "{old} to {new}");
        let judge = |proof: &[Hash], old_root, new_root| {
            let we = verify_consistency(old, new, proof, old_root, new_root).is_ok();
            let hashes = theirs(proof);
            let they = oracle::check_tree(&hashes, new, their(new_root), old, their(old_root));
            assert_eq!(we, they.is_ok(), "{old} to {new}");
            we
        };
        assert!(judge(&proof, old_root, new_root));
        assert!(!judge(&proof, altered(old_root), new_root));
        assert!(!judge(&proof, old_root, altered(new_root)));
        assert!(!judge(&[&proof[..], &[old_root]].concat(), old_root, new_root));
        if !proof.is_empty() {
            assert!(!judge(&proof[1..], old_root, new_root));
            assert!(!judge(&with_altered(&proof, pick), old_root, new_root));
        }
    }
}

fn record(index: u64) -> Vec<u8> {
    format!("record {index}").into_bytes()
}

fn their(hash: Hash) -> oracle::Hash {
    oracle::Hash(*hash.bytes())
}

fn theirs(hashes: &[Hash]) -> Vec<oracle::Hash> {
    hashes.iter().copied().map(their).collect()
}

fn altered(hash: Hash) -> Hash {
    let mut bytes = *hash.bytes();
    bytes[31] ^= 1;
    Hash::from_bytes(bytes)
}

fn with_altered(proof: &[Hash], pick: usize) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    let at = pick % proof.len();
    proof[at] = altered(proof[at]);
    proof
}

#[test]
fn small_trees_are_proven_alike() {
    let both = Both::of(64);
    for size in 1..=64 {
        let root = oracle::tree_hash(size, &both.theirs).expect("within");
        assert_eq!(both.ours.root_at(size).map(their), Some(root), "size {size}");
        for other in 0..size {
            let pick = usize::try_from(size + other).expect("small");
            both.inclusion(other, size, pick);
            both.consistency(other + 1, size, pick);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn larger_trees_are_proven_alike(
        size in 65_u64..3_000, picks in prop::collection::vec(any::<(u64, u64, usize)>(), 1..40),
    ) {
        let both = Both::of(size);
        for (new, old, pick) in picks {
            let new = new % size + 1;
            both.inclusion(old % new, new, pick);
            both.consistency(old % new + 1, new, pick);
        }
    }
}

fn key() -> SealingKey {
    let key = SigningKey::from_bytes(&[42; 32]);
    SealingKey::new(ORIGIN.to_owned(), key).expect("an origin names a key")
}

/// The oracle's verdict on a note, as the size and root that it read.
fn their_verdict(note: &[u8]) -> Option<(u64, [u8; 32])> {
    let verifier = StandardVerifier::new(&key().vkey()).expect("our key is a vkey");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let note = signed_note::Note::from_bytes(note).ok()?;
    note.verify(&known).ok()?;
    let checkpoint = oracle::Checkpoint::from_bytes(note.text()).ok()?;
    (checkpoint.origin() == ORIGIN).then(|| (checkpoint.size(), checkpoint.hash().0))
}

fn our_verdict(note: &[u8]) -> Option<(u64, [u8; 32])> {
    let note = str::from_utf8(note).ok()?;
    let sealed = SignedCheckpoint::verify(note, ORIGIN, &key().verifying_key()).ok()?;
    Some((sealed.checkpoint().size, *sealed.checkpoint().root.bytes()))
}

#[test]
fn checkpoints_are_judged_alike() {
    for size in [0, 1, 7, 1_000_000, (1 << 53) - 1] {
        let root = Hash::of(&record(size));
        let sealed = key().sign(size, root);
        let expected = Some((size, *root.bytes()));
        assert_eq!(our_verdict(sealed.note().as_bytes()), expected);
        assert_eq!(their_verdict(sealed.note().as_bytes()), expected, "{}", sealed.note());
    }
}

#[test]
fn every_altered_byte_of_a_checkpoint_is_refused() {
    let sealed = key().sign(1_234, Hash::of(b"root"));
    for at in 0..sealed.note().len() {
        for flip in [1, 0x20, 0x80] {
            let mut note = sealed.note().as_bytes().to_vec();
            note[at] ^= flip;
            assert_eq!(our_verdict(&note), None, "byte {at}");
            assert_eq!(their_verdict(&note), None, "byte {at}");
        }
    }
}

#[test]
fn what_the_oracle_signs_is_a_checkpoint() {
    let root = Hash::of(b"root");
    let checkpoint = oracle::Checkpoint::new(ORIGIN, 9, their(root), "").expect("well formed");
    let ours = key().sign(9, root);
    let (text, _) = ours.note().split_once("\n\n").expect("a note");
    assert_eq!(checkpoint.to_bytes(), format!("{text}\n").into_bytes());
    let note = signed_note::Note::from_bytes(ours.note().as_bytes()).expect("well formed");
    assert_eq!(note.to_bytes(), ours.note().as_bytes());
}
