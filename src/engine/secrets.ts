import { randomBytes } from 'node:crypto'
import type { Store } from '../ports/store.ts'

/** A secret of 32 random bytes that every engine on the store shares, made when first asked for. Never logged, never shown. */
export function sharedSecret(store: Store, name: string): () => Promise<Uint8Array> {
  let known: Uint8Array | undefined
  return async () => {
    if (known) return known
    const key = `secret:${name}`
    if ((await store.get(key)) === null) await store.put(key, randomBytes(32).toString('hex'))
    // Read back: when two engines made one at the same time, the last written is the one both use.
    known = Buffer.from(String(await store.get(key)), 'hex')
    return known
  }
}
