//! A state that is missing, damaged, another's or in use, and evidence that is kept.

use std::fs;

use ed25519_dalek::SigningKey;

use super::*;
use crate::ledger::{SealingKey, WitnessKey};

fn key(seed: u8) -> WitnessKey {
    WitnessKey::new("w", SigningKey::from_bytes(&[seed; 32])).expect("a key")
}

fn made() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("w.state");
    StateFolder::create(&path, key(1).public()).expect("makes");
    (temp, path)
}

fn open(path: &Path, seed: u8) -> Result<State, FolderFault> {
    StateFolder::open(path, key(seed).public()).map(|(_, state)| state)
}

fn request(size: u64) -> AddCheckpoint {
    let log = SealingKey::new("house/sale".to_owned(), SigningKey::from_bytes(&[3; 32]));
    let note = log.expect("a name").sign(size, Hash::ZERO).note().to_owned();
    AddCheckpoint::new(0, Vec::new(), &note).expect("well formed")
}

#[test]
fn a_state_is_made_once_and_found_again() {
    let (_temp, path) = made();
    assert_eq!(open(&path, 1).expect("opens"), State::new());
    let again = StateFolder::create(&path, key(2).public());
    assert!(matches!(again, Err(FolderFault::File(KeyFault::Exists { .. }))));
}

#[test]
fn a_witness_without_its_state_does_not_start() {
    let (_temp, path) = made();
    let other = open(&path, 2).expect_err("another's");
    assert!(matches!(other, FolderFault::State { source: StateError::OtherWitness { .. }, .. }));
    fs::write(path.join("state"), "").expect("writes");
    let damaged = open(&path, 1).expect_err("damaged");
    assert!(matches!(damaged, FolderFault::State { .. }));
    fs::remove_file(path.join("state")).expect("removes");
    assert!(matches!(open(&path, 1), Err(FolderFault::Missing { .. })));
    fs::remove_dir_all(&path).expect("removes");
    assert!(matches!(open(&path, 1), Err(FolderFault::Missing { .. })));
    assert!(!path.exists(), "looking makes nothing");
}

#[test]
fn two_witnesses_never_run_on_one_state() {
    let (_temp, path) = made();
    let first = StateFolder::open(&path, key(1).public()).expect("opens");
    assert!(matches!(open(&path, 1), Err(FolderFault::Busy { .. })));
    drop(first);
    open(&path, 1).expect("opens again");
}

#[test]
fn evidence_is_kept_once_and_bounded() {
    let (_temp, path) = made();
    let (folder, _) = StateFolder::open(&path, key(1).public()).expect("opens");
    let keep = |suspicion, size| {
        let request = request(size);
        let kept = folder.keep_evidence(Timestamp::ZERO, suspicion, None, &request, request.note());
        kept.expect("keeps")
    };
    let Kept::At(kept) = keep(Suspicion::Fork, 1) else { panic!("new") };
    let text = fs::read_to_string(&kept).expect("reads");
    assert!(text.contains(&request(1).to_string()) && text.contains("two roots"), "{text}");
    let note = fs::read_to_string(kept.with_extension("checkpoint")).expect("reads");
    assert_eq!(note, request(1).note().to_string());
    assert_eq!(keep(Suspicion::Fork, 1), Kept::Before, "the same again");
    let is_kept = |kept: &Kept| matches!(kept, Kept::At(_));
    let more = (2..100).map(|size| keep(Suspicion::Unproven, size)).filter(is_kept).count();
    assert_eq!(more, EVIDENCE_FILES_MAX);
    assert_eq!(keep(Suspicion::Unproven, 100), Kept::Full);
    assert!(is_kept(&keep(Suspicion::Fork, 2)), "what proves nothing takes no room from proof");
}
