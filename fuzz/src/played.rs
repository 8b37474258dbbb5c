//! The sales that the generator played: their ledgers and what belongs to them, as files.
//!
//! The keys of the house and its people are made when they are played, so an input that failed
//! fails again only beside the sales that it was found with.

use std::path::{Path, PathBuf};

use gavel::audit::{Anchors, Trust};
use gavel::ledger::merkle::leaf_hash;
use gavel::ledger::{Policy, Tree};
use gavel::pki::Anchor;

/// Where the generator puts them.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("played")
}

/// Reads a file of the generator's.
pub fn file(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; fuzz/run makes what the targets need", path.display())
    })
}

/// The names of the ledgers. The last one is the first one's sale told otherwise.
pub const LEDGERS: [&str; 4] = ["spring", "hall", "evening", "forked"];

/// A ledger with its tree.
pub struct Ledger {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The tree of its lines.
    pub tree: Tree,
}

impl Ledger {
    /// Takes a ledger in.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut tree = Tree::new();
        lines(&bytes).for_each(|line| tree.append(leaf_hash(line)));
        Self { bytes, tree }
    }

    /// Its lines, without their LF.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        lines(&self.bytes)
    }

    /// Whether this line stands at this place.
    pub fn has(&self, index: u64, entry: &str) -> bool {
        self.tree.leaf(index) == Some(leaf_hash(entry.as_bytes()))
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n')
}

/// What was played.
pub struct Played {
    /// The CA of the house.
    pub anchor: Anchor,
    /// The ledgers, by [`LEDGERS`].
    pub ledgers: Vec<Ledger>,
}

impl Played {
    /// Reads all of it.
    pub fn read() -> Self {
        let ledger = |name: &str| Ledger::new(file(&format!("{name}.jsonl")));
        Self {
            anchor: Anchor::from_der(&file("ca.der")).expect("a CA certificate"),
            ledgers: LEDGERS.map(ledger).into(),
        }
    }

    /// The trusted CA by its fingerprint, and nothing else: its certificate stands in line 0.
    pub fn anchors(&self) -> Anchors {
        Anchors::new(Trust::Fingerprint(self.anchor.fingerprint()))
    }

    /// Whatever an auditor can bring to the first ledger.
    pub fn all_anchors(&self) -> Anchors {
        let text = |name: &str| String::from_utf8(file(name)).expect("is UTF-8");
        let policy = Policy::parse(&file("policy")).expect("a policy");
        let mut anchors = self.anchors().with_crl(file("crl.pem")).with_policy(policy);
        anchors.add_receipt("receipt", &text("receipt")).expect("a receipt");
        anchors.add_checkpoint("checkpoint", &text("checkpoint")).expect("a checkpoint");
        anchors.keeping_annexes()
    }
}
