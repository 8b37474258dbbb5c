//! The tree against the definitions of RFC 6962, and its proofs against changed ones.

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
