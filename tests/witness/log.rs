//! A log that can show other histories than its first: every branch shares the first entries.

use ed25519_dalek::SigningKey;
use gavel::ledger::merkle::{Tree, leaf_hash};
use gavel::ledger::witnessing::AddCheckpoint;
use gavel::ledger::{Hash, SealingKey};

/// How many entries each history has.
pub(crate) const ENTRIES: u64 = 400;
/// How many entries all histories share.
pub(crate) const SHARED: u64 = 5;
/// How many histories there are; the first is the honest one.
pub(crate) const BRANCHES: usize = 3;

pub(crate) struct Log {
    key: SealingKey,
    branches: Vec<Tree>,
}

impl Log {
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        let key = SealingKey::new(origin.to_owned(), SigningKey::from_bytes(&[seed; 32]));
        let branch = |branch: usize| {
            let mut tree = Tree::new();
            for index in 0..ENTRIES {
                let branch = if index < SHARED { 0 } else { branch };
                tree.append(leaf_hash(format!("{origin} {index} {branch}").as_bytes()));
            }
            tree
        };
        let branches = (0..BRANCHES).map(branch).collect();
        Self { key: key.expect("a name"), branches }
    }

    pub(crate) fn origin(&self) -> &str {
        self.key.origin()
    }

    /// Its line in a list of logs.
    pub(crate) fn listed(&self) -> String {
        format!("log {} https://log.example/\n", self.key.vkey())
    }

    pub(crate) fn root(&self, branch: usize, size: u64) -> Hash {
        self.branches[branch].root_at(size).expect("is reached")
    }

    pub(crate) fn note(&self, branch: usize, size: u64) -> String {
        self.key.sign(size, self.root(branch, size)).note().to_owned()
    }

    /// The proof within a branch; empty where there is none.
    pub(crate) fn proof(&self, branch: usize, old_size: u64, size: u64) -> Vec<Hash> {
        self.branches[branch].consistency(old_size, size).unwrap_or_default()
    }

    /// The request that an honest holder of that branch would make.
    pub(crate) fn request(&self, branch: usize, old_size: u64, size: u64) -> AddCheckpoint {
        let proof = self.proof(branch, old_size, size);
        AddCheckpoint::new(old_size, proof, &self.note(branch, size)).expect("well formed")
    }

    /// Whether the smaller of two trees is the beginning of the larger one, in some branch.
    pub(crate) fn are_one_history(&self, one: (u64, Hash), other: (u64, Hash)) -> bool {
        let holds = |branch, (size, root)| self.root(branch, size) == root;
        (0..BRANCHES).any(|branch| holds(branch, one) && holds(branch, other))
    }
}
