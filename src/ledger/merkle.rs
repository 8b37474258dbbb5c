//! The Merkle tree of RFC 6962, section 2.1, and its proofs.
//!
//! [`Frontier`] is enough to follow a ledger and know its root; [`Tree`] also
//! gives proofs. Both verifiers take sizes and proofs from strangers: they bound
//! every step by the proof's own length and never panic.

use super::hash::Hash;
use crate::limits::INTEGER_MAX;

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
        self.frontier_at(size).map(|subtrees| root_of(&subtrees))
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
        let mut hashes = Vec::new();
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
        self.subtrees(start, size).map(|subtrees| root_of(&subtrees))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    fn tree(count: u64) -> Tree {
        let mut tree = Tree::new();
        leaves(count).into_iter().for_each(|leaf| tree.append(leaf));
        tree
    }

    #[test]
    fn a_proof_tells_the_older_root_where_it_is_a_part_of_it() {
        let tree = tree(40);
        for new in 1..=40 {
            let root = tree.root_at(new).expect("within");
            for old in 0..=new {
                let proof = tree.consistency(old, new).expect("within");
                let expected =
                    tree.root_at(old).filter(|_| old == new || (old > 0 && !old.is_power_of_two()));
                assert_eq!(old_root_given(old, new, &proof, root), expected, "{old} {new}");
                let other = old_root_given(old, new, &proof, empty_root());
                assert_eq!(other, (old == new).then(empty_root), "{old} {new}");
            }
        }
    }

    /// The definitions of RFC 6962, section 2.1, as they stand there.
    mod definition {
        use super::*;

        fn split(count: usize) -> usize {
            count.next_power_of_two() / 2
        }

        pub(super) fn root(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => empty_root(),
                [leaf] => *leaf,
                _ => {
                    let (left, right) = leaves.split_at(split(leaves.len()));
                    node_hash(root(left), root(right))
                }
            }
        }

        pub(super) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
            if leaves.len() < 2 {
                return Vec::new();
            }
            let at = split(leaves.len());
            let (left, right) = leaves.split_at(at);
            let (mut inner, sibling) = if index < at {
                (path(index, left), root(right))
            } else {
                (path(index - at, right), root(left))
            };
            inner.push(sibling);
            inner
        }

        pub(super) fn consistency(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
            if old == leaves.len() {
                return if whole { Vec::new() } else { vec![root(leaves)] };
            }
            let at = split(leaves.len());
            let (left, right) = leaves.split_at(at);
            let (mut inner, sibling) = if old <= at {
                (consistency(old, left, whole), root(right))
            } else {
                (consistency(old - at, right, false), root(left))
            };
            inner.push(sibling);
            inner
        }
    }

    const COUNT: u64 = 40;

    fn index(value: u64) -> usize {
        usize::try_from(value).expect("small")
    }

    #[test]
    fn roots_and_frontiers_follow_the_definition() {
        let (all, tree) = (leaves(COUNT), tree(COUNT));
        let mut frontier = Frontier::new();
        for size in 0..=COUNT {
            assert_eq!(tree.root_at(size), Some(definition::root(&all[..index(size)])));
            assert_eq!(tree.root_at(size), Some(frontier.root()));
            assert_eq!(tree.frontier_at(size).as_deref(), Some(frontier.hashes()));
            let again = Frontier::from_parts(size, frontier.hashes().to_vec());
            assert_eq!(again.as_ref(), Ok(&frontier));
            all.get(index(size)).into_iter().for_each(|leaf| frontier.append(*leaf));
        }
        assert_eq!(tree.root(), tree.root_at(COUNT).expect("within"));
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Tree::new().root().to_string(), hex);
    }

    #[test]
    fn inclusion_proofs_follow_the_definition() {
        let (all, tree) = (leaves(COUNT), tree(COUNT));
        for size in 1..=COUNT {
            let root = tree.root_at(size).expect("within");
            for at in 0..size {
                let proof = tree.inclusion(at, size).expect("within");
                let leaf = all[index(at)];
                assert_eq!(proof, definition::path(index(at), &all[..index(size)]));
                assert_eq!(verify_inclusion(at, size, leaf, &proof, root), Ok(()));
                assert!(verify_inclusion(at + 1, size, leaf, &proof, root).is_err() || size == 1);
                let other = leaf_hash(b"other");
                let wrong = verify_inclusion(at, size, other, &proof, root);
                assert_eq!(wrong, Err(ProofError::Root));
            }
        }
    }

    #[test]
    fn consistency_proofs_follow_the_definition() {
        let (all, tree) = (leaves(COUNT), tree(COUNT));
        for new in 1..=COUNT {
            let new_root = tree.root_at(new).expect("within");
            for old in 1..=new {
                let old_root = tree.root_at(old).expect("within");
                let proof = tree.consistency(old, new).expect("within");
                assert_eq!(proof, definition::consistency(index(old), &all[..index(new)], true));
                assert_eq!(verify_consistency(old, new, &proof, old_root, new_root), Ok(()));
                let longer = [&proof[..], &[new_root]].concat();
                let longer = verify_consistency(old, new, &longer, old_root, new_root);
                assert_eq!(longer, Err(ProofError::Length));
                if let [_, shorter @ ..] = &proof[..] {
                    assert!(verify_consistency(old, new, shorter, old_root, new_root).is_err());
                }
                let wrong = verify_consistency(old, new, &proof, old_root, Hash::ZERO);
                assert_eq!(wrong, Err(ProofError::Root));
                let wrong = verify_consistency(old, new, &proof, Hash::ZERO, new_root);
                assert!(wrong.is_err());
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_proven() {
        let tree = tree(5);
        assert_eq!((tree.root_at(6), tree.frontier_at(6), tree.leaf(5)), (None, None, None));
        assert_eq!((tree.inclusion(5, 5), tree.inclusion(0, 6)), (None, None));
        assert_eq!((tree.consistency(3, 2), tree.consistency(3, 6)), (None, None));
        assert_eq!(tree.inclusion(0, u64::MAX), None);
        assert_eq!((tree.consistency(0, 5), tree.consistency(5, 5)), (Some(vec![]), Some(vec![])));
        let sizes = ProofError::Sizes { old_size: 0, new_size: 5 };
        let root = tree.root();
        assert_eq!(verify_consistency(0, 5, &[], empty_root(), root), Err(sizes));
    }

    #[test]
    fn absurd_sizes_are_errors() {
        let hash = Hash::ZERO;
        for size in [u64::MAX, 1 << 63, (1 << 63) + 1] {
            for proof in [vec![], vec![hash; 63], vec![hash; 64], vec![hash; 65]] {
                assert!(verify_inclusion(size - 1, size, hash, &proof, hash).is_err());
                assert!(verify_consistency(size - 1, size, &proof, hash, hash).is_err());
            }
        }
        let huge = Frontier::from_parts(u64::MAX, vec![hash; 64]);
        assert_eq!(huge, Err(FrontierError::Size { size: u64::MAX }));
        let short = Frontier::from_parts(5, vec![hash]);
        assert_eq!(short, Err(FrontierError::Hashes { size: 5, expected: 2, found: 1 }));
    }
}
