import { randomBytes } from 'node:crypto'
import type { Store } from '../ports/store.ts'

/** Longer than a write to the store takes. */
const SETTLE_MS = 500

/** A secret of 32 random bytes that every engine on the store shares, made when first asked for. Never logged, never shown. */
export function sharedSecret(store: Store, name: string): () => Promise<Uint8Array> {
  let known: Uint8Array | undefined
  return async () => {
    if (known) return known
    const key = `secret:${name}`
    let kept = await store.get(key)
    if (kept === null) {
      await store.put(key, randomBytes(32).toString('hex'))
      // Two engines may have made one at the same time: after a moment both read the one that was written last.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      kept = await store.get(key)
    }
    known = Buffer.from(String(kept), 'hex')
    return known
  }
}
