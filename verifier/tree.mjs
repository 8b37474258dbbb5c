// The Merkle tree over a ledger's lines: RFC 6962, section 2.1, with SHA-256.
//
// The tree grows by one leaf at a time and keeps every leaf's hash, so that a receipt or checkpoint of any size can be held
// against it afterwards.

import { same } from "./bytes.mjs";
import { sha256 } from "./sha256.mjs";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of one line, without its LF. */
export const leafHash = (line) => sha256(LEAF, line);

/** The hash over two subtrees. */
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** The greatest power of two below n, for n of at least 2. */
function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

function rootOf(leaves, from, to) {
  if (to === from) return sha256();
  if (to - from === 1) return leaves[from];
  const k = split(to - from);
  return nodeHash(rootOf(leaves, from, from + k), rootOf(leaves, from + k, to));
}

export class Tree {
  leaves = [];
  #edge = []; // complete subtrees from the left: {hash, size}, sizes falling

  get size() {
    return this.leaves.length;
  }

  append(leaf) {
    this.leaves.push(leaf);
    let top = { hash: leaf, size: 1 };
    while (this.#edge.length > 0 && this.#edge.at(-1).size === top.size) {
      const left = this.#edge.pop();
      top = { hash: nodeHash(left.hash, top.hash), size: left.size * 2 };
    }
    this.#edge.push(top);
  }

  /** The root over all leaves. */
  root() {
    if (this.#edge.length === 0) return sha256();
    return this.#edge.reduceRight((right, left) => (right === null ? left.hash : nodeHash(left.hash, right)), null);
  }

  /** The root over the first `size` leaves, which must be there. */
  rootAt(size) {
    return rootOf(this.leaves, 0, size);
  }

  /** The inclusion proof of a leaf in the tree of a size (2.1.1), leaf's sibling first. */
  inclusion(index, size) {
    const path = (from, to) => {
      if (to - from === 1) return [];
      const middle = from + split(to - from);
      return index < middle
        ? [...path(from, middle), rootOf(this.leaves, middle, to)]
        : [...path(middle, to), rootOf(this.leaves, from, middle)];
    };
    return path(0, size);
  }

  /** The consistency proof between the trees of two sizes (2.1.2). */
  consistency(first, second) {
    const prove = (from, to, whole) => {
      const m = first - from;
      if (m === to - from) return whole ? [] : [rootOf(this.leaves, from, to)];
      const middle = from + split(to - from);
      return first <= middle
        ? [...prove(from, middle, whole), rootOf(this.leaves, middle, to)]
        : [...prove(middle, to, false), rootOf(this.leaves, from, middle)];
    };
    return prove(0, second, true);
  }
}

/** The root that an inclusion proof leads to from a leaf, or null if its length is not that of index and size. */
export function rootFromInclusion(leaf, index, size, proof) {
  if (index >= size) return null;
  // From the top down: which of the hashes, counted from the last, is on which side.
  const climb = (from, to, left) => {
    if (to - from === 1) return left === 0 ? leaf : null;
    if (left === 0) return null;
    const middle = from + split(to - from);
    const sibling = proof[left - 1];
    const below = index < middle ? climb(from, middle, left - 1) : climb(middle, to, left - 1);
    if (below === null) return null;
    return index < middle ? nodeHash(below, sibling) : nodeHash(sibling, below);
  };
  return climb(0, size, proof.length);
}

/** Whether an inclusion proof leads from a leaf to a root. */
export function included(leaf, index, size, proof, root) {
  const found = rootFromInclusion(leaf, index, size, proof);
  return found !== null && same(found, root);
}
