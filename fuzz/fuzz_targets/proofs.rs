//! Merkle proofs (RFC 6962): a true one verifies; a changed one proves nothing that is false of
//! the tree; and no sizes or hashes make the verifier panic.

#![no_main]

use gavel::ledger::Hash;
use gavel::ledger::merkle::{
    Frontier, Tree, leaf_hash, old_root_given, verify_consistency, verify_consistency_bytes,
    verify_inclusion, verify_inclusion_bytes,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// How many leaves the largest tree has: enough for every shape of path, and quick.
const LEAVES_MAX: u64 = 300;

#[derive(Arbitrary, Debug)]
struct Input {
    leaves: u16,
    /// Leaves may be equal: every one is one of so many.
    variety: u8,
    index: u64,
    old_size: u64,
    size: u64,
    edits: Vec<Edit>,
    strange: Vec<Vec<u8>>,
}

/// A change of a proof, or of what it is asked about.
#[derive(Arbitrary, Debug)]
enum Edit {
    Add { at: u8, level: u8, node: u8 },
    Flip { at: u8, bit: u8 },
    Index(u64),
    Leaf(u8),
    OldSize(u64),
    Remove { at: u8 },
    Size(u64),
    Swap { one: u8, other: u8 },
}

fuzz_target!(|input: Input| {
    let (tree, frontier) = grow(&input);
    assert_eq!((frontier.size(), frontier.root()), (tree.size(), tree.root()));
    assert_eq!(tree.frontier_at(tree.size()).as_deref(), Some(frontier.hashes()));
    check_inclusion(&tree, &input);
    check_consistency(&tree, &input);
    check_strange(&input);
});

fn grow(input: &Input) -> (Tree, Frontier) {
    let (mut tree, mut frontier) = (Tree::new(), Frontier::new());
    for number in 0..u64::from(input.leaves) % (LEAVES_MAX + 1) {
        let leaf = leaf_hash(&(number % (u64::from(input.variety) + 1)).to_be_bytes());
        tree.append(leaf);
        frontier.append(leaf);
    }
    (tree, frontier)
}

/// A size of the tree.
fn size_in(tree: &Tree, wish: u64) -> u64 {
    wish % (tree.size() + 1)
}

fn check_inclusion(tree: &Tree, input: &Input) {
    let size = size_in(tree, input.size);
    let Some(index) = input.index.checked_rem(size) else {
        assert_eq!(tree.inclusion(input.index, 0), None);
        return;
    };
    let root = tree.root_at(size).expect("within");
    let leaf = tree.leaf(index).expect("within");
    let proof = tree.inclusion(index, size).expect("within");
    assert_eq!(verify_inclusion(index, size, leaf, &proof, root), Ok(()));

    let mut claim = Claim { index, old_size: 0, size, leaf, proof };
    input.edits.iter().for_each(|edit| claim.edit(edit, tree));
    let Claim { index, size: claimed, leaf, proof, .. } = claim;
    let verdict = verify_inclusion(index, claimed, leaf, &proof, root);
    let bytes = verify_inclusion_bytes(index, claimed, leaf.as_ref(), &proof, root.as_ref());
    assert_eq!(verdict, bytes);
    // A root does not say its own size, so only for the true one does it say what stands where.
    if verdict.is_ok() && claimed == size {
        assert_eq!(tree.leaf(index), Some(leaf), "what is proven is true");
        assert_eq!(tree.inclusion(index, size), Some(proof), "and proven in one way only");
    }
}

fn check_consistency(tree: &Tree, input: &Input) {
    let size = size_in(tree, input.size);
    let old_size = input.old_size % (size + 1);
    let (old_root, root) = (tree.root_at(old_size), tree.root_at(size));
    let (old_root, root) = (old_root.expect("within"), root.expect("within"));
    let proof = tree.consistency(old_size, size).expect("within");
    let verdict = verify_consistency(old_size, size, &proof, old_root, root);
    assert_eq!(verdict.is_ok(), old_size > 0, "the empty tree proves nothing");
    if let Some(given) = old_root_given(old_size, size, &proof, root) {
        assert_eq!(given, old_root);
    } else {
        assert!(old_size == 0 || old_size.is_power_of_two());
    }

    let mut claim = Claim { index: 0, old_size, size, leaf: old_root, proof };
    input.edits.iter().for_each(|edit| claim.edit(edit, tree));
    let Claim { old_size: old, size: claimed, leaf: old_root, proof, .. } = claim;
    let verdict = verify_consistency(old, claimed, &proof, old_root, root);
    let bytes = verify_consistency_bytes(old, claimed, &proof, old_root.as_ref(), root.as_ref());
    assert_eq!(verdict, bytes);
    if claimed != size {
        return;
    }
    if verdict.is_ok() {
        assert_eq!(tree.root_at(old), Some(old_root), "what is proven is true");
        assert_eq!(tree.consistency(old, size), Some(proof.clone()), "in one way only");
    }
    if let Some(given) = old_root_given(old, size, &proof, root) {
        assert_eq!(tree.root_at(old), Some(given), "what convicts a house is true");
    }
}

/// Whatever the sizes and hashes are, there is an answer.
fn check_strange(input: &Input) {
    let Input { index, old_size, size, strange, .. } = input;
    let first = strange.first().map_or(&[][..], Vec::as_slice);
    let _ = verify_inclusion_bytes(*index, *size, first, strange, first);
    let _ = verify_consistency_bytes(*old_size, *size, strange, first, first);
    let whole: Vec<Hash> = strange.iter().map(|bytes| Hash::of(bytes)).collect();
    let root = Hash::of(first);
    assert!(verify_inclusion(*index, *size, leaf_hash(b"x"), &whole, root).is_err());
    let _ = old_root_given(*old_size, *size, &whole, root);
    let _ = Frontier::from_parts(*size, whole);
}

/// What a proof is asked about.
struct Claim {
    index: u64,
    old_size: u64,
    size: u64,
    /// The leaf, or the older root.
    leaf: Hash,
    proof: Vec<Hash>,
}

impl Claim {
    fn edit(&mut self, edit: &Edit, tree: &Tree) {
        let count = self.proof.len();
        let within = |at: u8| usize::from(at).checked_rem(count);
        match edit {
            Edit::Add { at, level, node } => {
                let hash = node_of(tree, *level, *node);
                self.proof.insert(usize::from(*at) % (count + 1), hash);
            }
            Edit::Flip { at, bit } => {
                if let Some(at) = within(*at) {
                    let mut bytes = *self.proof[at].bytes();
                    bytes[usize::from(bit / 8)] ^= 1 << (bit % 8);
                    self.proof[at] = Hash::from_bytes(bytes);
                }
            }
            Edit::Index(index) => self.index = *index,
            Edit::Leaf(node) => self.leaf = node_of(tree, 0, *node),
            Edit::OldSize(size) => self.old_size = *size,
            Edit::Remove { at } => {
                if let Some(at) = within(*at) {
                    self.proof.remove(at);
                }
            }
            Edit::Size(size) => self.size = *size,
            Edit::Swap { one, other } => {
                if let (Some(one), Some(other)) = (within(*one), within(*other)) {
                    self.proof.swap(one, other);
                }
            }
        }
    }
}

/// The hash of some full subtree of the tree: what a liar would build with.
fn node_of(tree: &Tree, level: u8, node: u8) -> Hash {
    let size = 1_u64 << (level % 8);
    let begin = (u64::from(node) * size).checked_rem(tree.size()).unwrap_or_default();
    let mut frontier = Frontier::new();
    for index in begin..(begin + size).min(tree.size()) {
        frontier.append(tree.leaf(index).expect("within"));
    }
    frontier.root()
}
