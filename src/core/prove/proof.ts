/**
 * Proofs over the tree of merkle.ts (RFC 6962 section 2.1, checked as in RFC 9162 section 2.1.3 and 2.1.4): that one entry is in the
 * log, and that a longer log still begins with a shorter one. Checking needs only the hashes named in the proof.
 */
import { append, EMPTY, type Frontier, nodeHash, rootOf } from './merkle.ts'

/** Root of a list of leaf hashes. */
export function treeRoot(leaves: readonly string[]): string {
  let frontier: Frontier = EMPTY
  for (const leaf of leaves) frontier = append(frontier, leaf)
  return rootOf(frontier)
}

/** Hashes that lead from leaf `index` to the root, nearest first. `index` is below the number of leaves. */
export function inclusionProof(leaves: readonly string[], index: number): string[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length)
    throw new RangeError(`no leaf ${index} of ${leaves.length}`)
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  const left = leaves.slice(0, split)
  const right = leaves.slice(split)
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)]
}

/** True when `leaf` is entry `index` of the tree of `size` entries with this root. A proof that is too long or too short is refused. */
export function verifyInclusion(
  leaf: string,
  index: number,
  size: number,
  proof: readonly string[],
  root: string,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !proof.every(isHash)) return false
  let at = index
  let last = size - 1
  let hash = leaf
  for (const step of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(step, hash)
      // The right edge of an unfinished tree has no neighbour on some levels.
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    } else {
      hash = nodeHash(hash, step)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && hash === root
}

/** Hashes that show that the first `size` leaves are the beginning of all of them. `size` is from 1 to the number of leaves. */
export function consistencyProof(leaves: readonly string[], size: number): string[] {
  if (!Number.isInteger(size) || size < 1 || size > leaves.length)
    throw new RangeError(`no size ${size} of ${leaves.length}`)
  return size === leaves.length ? [] : subProof(leaves, size, true)
}

function subProof(leaves: readonly string[], size: number, whole: boolean): string[] {
  if (size === leaves.length) return whole ? [] : [treeRoot(leaves)]
  const split = splitOf(leaves.length)
  const left = leaves.slice(0, split)
  const right = leaves.slice(split)
  return size <= split
    ? [...subProof(left, size, whole), treeRoot(right)]
    : [...subProof(right, size - split, false), treeRoot(left)]
}

/** True when the tree of `from` entries is the beginning of the tree of `to` entries. */
export function verifyConsistency(
  from: number,
  to: number,
  fromRoot: string,
  toRoot: string,
  proof: readonly string[],
): boolean {
  if (!isCount(from) || !isCount(to) || from > to || !proof.every(isHash)) return false
  if (from === to) return proof.length === 0 && fromRoot === toRoot
  // The empty tree is the beginning of every tree, and there is nothing to show.
  if (from === 0) return proof.length === 0
  const path = isPowerOfTwo(from) ? [fromRoot, ...proof] : [...proof]
  let at = from - 1
  let last = to - 1
  while (at % 2 === 1) {
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  const first = path.shift()
  if (first === undefined) return false
  let old = first
  let now = first
  for (const step of path) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      old = nodeHash(step, old)
      now = nodeHash(step, now)
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    } else {
      now = nodeHash(now, step)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && old === fromRoot && now === toRoot
}

/** Largest power of two below n. */
function splitOf(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1))
}

function isPowerOfTwo(n: number): boolean {
  return 2 ** Math.round(Math.log2(n)) === n
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}
