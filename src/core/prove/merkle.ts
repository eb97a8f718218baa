/**
 * The Merkle tree of RFC 6962 (SHA-256): leaf = H(0x00 ‖ data), node = H(0x01 ‖ left ‖ right), split at the largest power of two
 * below n. An appender needs only the roots of the perfect subtrees on the right edge, so that is what it keeps.
 */
import { createHash } from 'node:crypto'

/** Roots of the perfect subtrees, largest first, as hex; their sizes are the binary digits of `size`. */
export interface Frontier {
  readonly size: number
  readonly roots: readonly string[]
}

export const EMPTY: Frontier = { size: 0, roots: [] }

export function leafHash(data: Uint8Array): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(data).digest('hex')
}

export function nodeHash(left: string, right: string): string {
  return createHash('sha256')
    .update(Uint8Array.of(1))
    .update(Buffer.from(left, 'hex'))
    .update(Buffer.from(right, 'hex'))
    .digest('hex')
}

/** Adds one leaf: amortised two hashes. */
export function append(frontier: Frontier, leaf: string): Frontier {
  const roots = [...frontier.roots]
  let hash = leaf
  // Each trailing 1 in the size is a perfect subtree of the same size as what we carry: they join.
  for (let size = frontier.size; size % 2 === 1; size = Math.floor(size / 2)) hash = nodeHash(roots.pop()!, hash)
  roots.push(hash)
  return { size: frontier.size + 1, roots }
}

/** The tree's root, as hex. */
export function rootOf(frontier: Frontier): string {
  if (frontier.size === 0) return createHash('sha256').digest('hex')
  return frontier.roots.reduceRight((right, left) => nodeHash(left, right))
}
