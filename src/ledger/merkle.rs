//! The Merkle tree of RFC 6962, section 2.1, and its proofs.
//!
//! [`Frontier`] is enough to follow a ledger and know its root; [`Tree`] also
//! gives proofs.

mod proof;

pub use proof::{
    ProofError, old_root_given, verify_consistency, verify_consistency_bytes, verify_inclusion,
    verify_inclusion_bytes,
};

use super::hash::Hash;
use crate::limits::INTEGER_MAX;

/// Why a size and hashes are no frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrontierError {
    /// A size that no ledger reaches.
    #[error("a tree of {size} entries is larger than any ledger")]
    Size {
        /// The size given.
        size: u64,
    },
    /// Fewer or more hashes than that size has full subtrees at its edge.
    #[error("a tree of {size} entries has {expected} subtrees at its edge, found {found}")]
    Hashes {
        /// The size given.
        size: u64,
        /// How many hashes that size has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// The hash of a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of_parts(&[&[0], entry])
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    node_hash_of(left.as_ref(), right.as_ref())
}

fn node_hash_of(left: &[u8], right: &[u8]) -> Hash {
    Hash::of_parts(&[&[1], left, right])
}

/// The root of the empty tree: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// The root over full subtrees, largest first.
fn root_of(subtrees: &[Hash]) -> Hash {
    match subtrees.split_last() {
        None => empty_root(),
        Some((smallest, larger)) => {
            larger.iter().rev().fold(*smallest, |right, left| node_hash(*left, right))
        }
    }
}

/// A tree that only its right edge is kept of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { size: 0, hashes: Vec::new() }
    }

    /// Takes the right edge of a tree from elsewhere; whether it is that
    /// tree's, only its root can tell.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > INTEGER_MAX {
            return Err(FrontierError::Size { size });
        }
        match (subtree_count(size), hashes.len()) {
            (expected, found) if expected == found => Ok(Self { size, hashes }),
            (expected, found) => Err(FrontierError::Hashes { size, expected, found }),
        }
    }

    /// Adds a leaf at the right.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                node = node_hash(left, node);
            }
        }
        self.hashes.push(node);
        self.size += 1;
    }

    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        root_of(&self.hashes)
    }

    /// The hashes of the full subtrees along the right edge, largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}

fn subtree_count(size: u64) -> usize {
    usize::try_from(size.count_ones()).expect("64 fits")
}

/// How many levels lie above the one whose last node is `last`.
fn levels_above(last: u64) -> usize {
    usize::try_from(u64::BITS - last.leading_zeros()).expect("64 fits")
}

/// A tree that is kept whole, with the hash of every full subtree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `levels[l][i]` is the hash over the leaves `i << l .. (i + 1) << l`.
    levels: Vec<Vec<Hash>>,
    size: u64,
}

impl Tree {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { levels: Vec::new(), size: 0 }
    }

    /// Adds a leaf at the right; at most one new hash for each level.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut level = 0;
        loop {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(node);
            match nodes[..] {
                [.., left, right] if nodes.len().is_multiple_of(2) => node = node_hash(left, right),
                _ => break,
            }
            level += 1;
        }
        self.size += 1;
    }

    /// How many leaves there are.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        self.root_at(self.size).expect("the tree reaches its own size")
    }

    /// The root when there were `size` leaves; `None` beyond the tree.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        if size == 0 {
            return Some(empty_root());
        }
        (size <= self.size).then(|| self.root_over(0, size))?
    }

    /// A leaf's hash; `None` beyond the tree.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.full(0, index)
    }

    /// The right edge when there were `size` leaves, largest subtree first (as
    /// [`Frontier::hashes`]); `None` beyond the tree.
    pub fn frontier_at(&self, size: u64) -> Option<Vec<Hash>> {
        (size <= self.size).then(|| self.subtrees(0, size))?
    }

    /// The proof that the leaf at `index` is in the tree of the first `size`
    /// leaves (RFC 6962, section 2.1.1); `None` where there is no such leaf or tree.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size {
            return None;
        }
        self.path(0, index, size)
    }

    /// The proof that the tree of the first `new_size` leaves extends that of
    /// the first `old_size` (RFC 6962, section 2.1.2); empty for equal sizes and
    /// from the empty tree, `None` where there are no such trees.
    pub fn consistency(&self, old_size: u64, new_size: u64) -> Option<Vec<Hash>> {
        if old_size > new_size || new_size > self.size {
            return None;
        }
        if old_size == 0 || old_size == new_size {
            return Some(Vec::new());
        }
        // The last full subtree of the older tree, and its way up in the newer one.
        let level = old_size.trailing_zeros();
        let index = (old_size >> level) - 1;
        let mut proof = Vec::new();
        if !old_size.is_power_of_two() {
            proof.push(self.full(level, index)?);
        }
        proof.extend(self.path(level, index, new_size)?);
        Some(proof)
    }

    /// The siblings from a node up to the root of the first `size` leaves.
    fn path(&self, mut level: u32, mut index: u64, size: u64) -> Option<Vec<Hash>> {
        // No more than one hash for each level.
        let mut hashes = Vec::with_capacity(levels_above((size - 1) >> level));
        while (size - 1) >> level > 0 {
            let sibling = index ^ 1;
            if sibling <= (size - 1) >> level {
                hashes.push(self.node(level, sibling, size)?);
            }
            level += 1;
            index >>= 1;
        }
        Some(hashes)
    }

    /// The hash of a node of the tree of the first `size` leaves, full or at its edge.
    fn node(&self, level: u32, index: u64, size: u64) -> Option<Hash> {
        let start = index << level;
        if size - start >= 1 << level {
            return self.full(level, index);
        }
        self.root_over(start, size)
    }

    /// The hash over the leaves `start..end`, from its smallest full subtree on; `start` is a
    /// multiple of a power of two that is at least their count, and they are not none.
    fn root_over(&self, start: u64, end: u64) -> Option<Hash> {
        let mut root = None;
        let mut left = end;
        while left > start {
            let level = (left - start).trailing_zeros();
            left -= 1 << level;
            let subtree = self.full(level, left >> level)?;
            root = Some(root.map_or(subtree, |right| node_hash(subtree, right)));
        }
        root
    }

    /// The full subtrees over the leaves `start..end`, largest first; `start`
    /// is a multiple of a power of two that is at least their count.
    fn subtrees(&self, start: u64, end: u64) -> Option<Vec<Hash>> {
        let mut hashes = Vec::with_capacity(subtree_count(end - start));
        let mut at = start;
        while at < end {
            let level = (end - at).ilog2();
            hashes.push(self.full(level, at >> level)?);
            at += 1 << level;
        }
        Some(hashes)
    }

    fn full(&self, level: u32, index: u64) -> Option<Hash> {
        let nodes = self.levels.get(usize::try_from(level).ok()?)?;
        nodes.get(usize::try_from(index).ok()?).copied()
    }
}

#[cfg(test)]
mod tests;
