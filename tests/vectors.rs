//! The published Merkle vectors, every case: RFC 6962 proofs of
//! transparency-dev/merkle in `merkle-proofs.json`, good and bad.
//!
//! They are read from the folder that `GAVEL_VECTORS` names. Many of the bad
//! ones have hashes that are not 32 bytes long, so they go to the verifiers as
//! raw bytes.

use std::path::PathBuf;

use gavel::ledger::Hash;
use gavel::ledger::encoding::decode_base64;
use gavel::ledger::merkle::{
    ProofError, verify_consistency, verify_consistency_bytes, verify_inclusion,
    verify_inclusion_bytes,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    name: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    name: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// The vectors, or `None` (said aloud) where they are not at hand.
fn vectors() -> Option<Vectors> {
    let Some(folder) = std::env::var_os("GAVEL_VECTORS") else {
        eprintln!("NOT CHECKED: GAVEL_VECTORS names no folder with merkle-proofs.json");
        return None;
    };
    let path = PathBuf::from(folder).join("merkle-proofs.json");
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

fn bytes(text: &str) -> Vec<u8> {
    decode_base64(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn proof(hashes: Option<&Vec<String>>) -> Vec<Vec<u8>> {
    hashes.into_iter().flatten().map(|hash| bytes(hash)).collect()
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok().map(Hash::from_bytes)
}

fn hashes(proof: &[Vec<u8>]) -> Option<Vec<Hash>> {
    proof.iter().map(|bytes| hash(bytes)).collect()
}

fn judge(name: &str, want_err: bool, got: Result<(), ProofError>) {
    assert_eq!(got.is_err(), want_err, "{name}: {got:?}");
}

#[test]
fn inclusion_vectors_are_judged_alike() {
    let Some(vectors) = vectors() else { return };
    assert!(!vectors.inclusion.is_empty());
    for case in &vectors.inclusion {
        let (leaf, root) = (bytes(&case.leaf_hash), bytes(&case.root));
        let proof = proof(case.proof.as_ref());
        let got = verify_inclusion_bytes(case.leaf_idx, case.tree_size, &leaf, &proof, &root);
        judge(&case.name, case.want_err, got);
        if let (Some(leaf), Some(proof), Some(root)) = (hash(&leaf), hashes(&proof), hash(&root)) {
            let got = verify_inclusion(case.leaf_idx, case.tree_size, leaf, &proof, root);
            judge(&case.name, case.want_err, got);
        }
    }
}

#[test]
fn consistency_vectors_are_judged_alike() {
    let Some(vectors) = vectors() else { return };
    assert!(!vectors.consistency.is_empty());
    for case in &vectors.consistency {
        let (root1, root2) = (bytes(&case.root1), bytes(&case.root2));
        let proof = proof(case.proof.as_ref());
        let got = verify_consistency_bytes(case.size1, case.size2, &proof, &root1, &root2);
        judge(&case.name, case.want_err, got);
        if let (Some(old), Some(proof), Some(new)) = (hash(&root1), hashes(&proof), hash(&root2)) {
            let got = verify_consistency(case.size1, case.size2, &proof, old, new);
            judge(&case.name, case.want_err, got);
        }
    }
}
