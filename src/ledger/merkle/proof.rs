//! Inclusion and consistency proofs, checked (RFC 6962, section 2.1; the ways of
//! RFC 9162, sections 2.1.3.2 and 2.1.4.2).
//!
//! Sizes and proofs come from strangers: every step is bounded by the proof's own
//! length, and nothing panics.

use super::node_hash_of;
use crate::ledger::hash::Hash;

/// Why a proof does not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The index is not in a tree of that size.
    #[error("entry {index} is not in a tree of {size} entries")]
    Index {
        /// The index asked about.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is the larger one, or is empty, which proves nothing.
    #[error("no consistency from {old_size} to {new_size} entries")]
    Sizes {
        /// The size of the older tree.
        old_size: u64,
        /// The size of the newer tree.
        new_size: u64,
    },
    /// Fewer or more hashes than these sizes need, or of another length.
    #[error("the proof has the wrong length")]
    Length,
    /// The proof leads to another root than the one given.
    #[error("the proof leads to another root")]
    Root,
    /// The proof leads to another older root than the one given.
    #[error("the proof leads to another older root")]
    OldRoot,
}

/// Checks that `leaf` stands at `index` in the tree of `size` leaves under `root`.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: Hash,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    verify_inclusion_bytes(index, size, leaf.as_ref(), proof, root.as_ref())
}

/// Checks that the tree of `new_size` leaves under `new_root` extends that of
/// `old_size` under `old_root`. An empty older tree is refused: it proves nothing.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    old_root: Hash,
    new_root: Hash,
) -> Result<(), ProofError> {
    verify_consistency_bytes(old_size, new_size, proof, old_root.as_ref(), new_root.as_ref())
}

/// As [`verify_inclusion`], over hashes of any length (the way of RFC 9162, section 2.1.3.2).
pub fn verify_inclusion_bytes<H: AsRef<[u8]>>(
    index: u64,
    size: u64,
    leaf: &[u8],
    proof: &[H],
    root: &[u8],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut node = hash_from(leaf)?;
    let mut climb = Climb { node: index, last: size - 1 };
    for sibling in proof {
        node = match climb.side()? {
            Side::Left => node_hash_of(sibling.as_ref(), node.as_ref()),
            Side::Right => node_hash_of(node.as_ref(), sibling.as_ref()),
        };
        climb.up();
    }
    climb.finish()?;
    same(node.as_ref(), root, ProofError::Root)
}

/// As [`verify_consistency`], over hashes of any length (the way of RFC 9162, section 2.1.4.2).
pub fn verify_consistency_bytes<H: AsRef<[u8]>>(
    old_size: u64,
    new_size: u64,
    proof: &[H],
    old_root: &[u8],
    new_root: &[u8],
) -> Result<(), ProofError> {
    if old_size == 0 || old_size > new_size {
        return Err(ProofError::Sizes { old_size, new_size });
    }
    if old_size == new_size {
        let length = if proof.is_empty() { Ok(()) } else { Err(ProofError::Length) };
        return length.and_then(|()| same(old_root, new_root, ProofError::Root));
    }
    // A full older tree is itself the node that the way begins at.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::Length)?;
        (first.as_ref(), rest)
    };
    let (old, new) = climb_both(old_size, new_size, hash_from(first)?, rest)?;
    same(old.as_ref(), old_root, ProofError::OldRoot)?;
    same(new.as_ref(), new_root, ProofError::Root)
}

/// The root that the tree of `new_size` leaves under `new_root` has for its first `old_size`,
/// as a consistency proof gives it; none if the proof does not stand, or does not tell because
/// the older tree is full and its root is no part of the proof.
///
/// Where a house signed another root for that size, this is what convicts it.
pub fn old_root_given(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    new_root: Hash,
) -> Option<Hash> {
    if old_size == 0 || old_size > new_size {
        return None;
    }
    if old_size == new_size {
        return proof.is_empty().then_some(new_root);
    }
    let (first, rest) = proof.split_first().filter(|_| !old_size.is_power_of_two())?;
    let (old, new) = climb_both(old_size, new_size, *first, rest).ok()?;
    (new == new_root).then_some(old)
}

/// Climbs a consistency proof from its first node to both roots.
fn climb_both<H: AsRef<[u8]>>(
    old_size: u64,
    new_size: u64,
    first: Hash,
    rest: &[H],
) -> Result<(Hash, Hash), ProofError> {
    let (mut old, mut new) = (first, first);
    let level = old_size.trailing_zeros();
    let mut climb = Climb { node: (old_size - 1) >> level, last: (new_size - 1) >> level };
    for sibling in rest {
        let sibling = sibling.as_ref();
        match climb.side()? {
            Side::Left => {
                old = node_hash_of(sibling, old.as_ref());
                new = node_hash_of(sibling, new.as_ref());
            }
            Side::Right => new = node_hash_of(new.as_ref(), sibling),
        }
        climb.up();
    }
    climb.finish()?;
    Ok((old, new))
}

fn hash_from(bytes: &[u8]) -> Result<Hash, ProofError> {
    bytes.try_into().map(Hash::from_bytes).map_err(|_| ProofError::Length)
}

fn same(found: &[u8], expected: &[u8], error: ProofError) -> Result<(), ProofError> {
    if found == expected { Ok(()) } else { Err(error) }
}

/// Which side of the node its sibling stands on.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root, beside the way of the last node.
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    /// The side of the next hash of the proof; an error if the way has ended.
    fn side(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length);
        }
        // The last node without a sibling stands for its parents, too.
        while self.node == self.last && self.node & 1 == 0 {
            self.up();
        }
        Ok(if self.node & 1 == 1 { Side::Left } else { Side::Right })
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    fn finish(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::Length) }
    }
}
