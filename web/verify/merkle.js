/* merkle.js: the Merkle tree of RFC 6962 and its two proofs (RFC 9162, 2.1.3.2 and 2.1.4.2). */
import { sameBytes, sha256 } from './bytes.js';

export const HASH_SIZE = 32;
export const PATH_LIMIT = 63;
const LEAF_TAG = Uint8Array.of(0);
const NODE_TAG = Uint8Array.of(1);

export function leafHash(entry) {
  return sha256(LEAF_TAG, entry);
}

export function nodeHash(left, right) {
  return sha256(NODE_TAG, left, right);
}

/* The root of a tree of these leaf hashes; of none, SHA-256 of nothing. */
export async function treeRoot(hashes) {
  if (!hashes.length) return sha256(new Uint8Array(0));
  if (hashes.length === 1) return hashes[0];
  const left = largestPowerBelow(hashes.length);
  const [a, b] = await Promise.all([treeRoot(hashes.slice(0, left)), treeRoot(hashes.slice(left))]);
  return nodeHash(a, b);
}

/* The largest power of two below `size`, which is above one. */
export function largestPowerBelow(size) {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function areHashes(...hashes) {
  return hashes.every((hash) => hash?.length === HASH_SIZE);
}

/* Whether `leaf` stands at `index` of the tree of `size` leaves with this root. */
export async function isIncluded(leaf, index, size, path, root) {
  if (index >= size || !areHashes(leaf, root, ...path)) return false;
  let hash = leaf;
  let at = index;
  let last = size - 1n;
  for (const sibling of path) {
    if (last === 0n) return false;
    if (at & 1n || at === last) {
      hash = await nodeHash(sibling, hash);
      while (!(at & 1n) && at) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n && sameBytes(hash, root);
}

/* Whether the tree of `newSize` leaves begins with the one of `oldSize`. */
export async function isConsistent(oldSize, oldRoot, newSize, newRoot, path) {
  if (oldSize > newSize || !areHashes(oldRoot, newRoot, ...path)) return false;
  if (oldSize === newSize) return !path.length && sameBytes(oldRoot, newRoot);
  if (oldSize === 0n) return !path.length;
  const rest = [...path];
  if ((oldSize & (oldSize - 1n)) === 0n) rest.unshift(oldRoot);
  if (!path.length) return false;
  let at = oldSize - 1n;
  let last = newSize - 1n;
  while (at & 1n) {
    at >>= 1n;
    last >>= 1n;
  }
  let before = rest.shift();
  let after = before;
  for (const hash of rest) {
    if (last === 0n) return false;
    if (at & 1n || at === last) {
      before = await nodeHash(hash, before);
      after = await nodeHash(hash, after);
      while (!(at & 1n) && at) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      after = await nodeHash(after, hash);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n && sameBytes(before, oldRoot) && sameBytes(after, newRoot);
}
