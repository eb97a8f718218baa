/**
 * Seals a log entry. Only hashes go into the tree; the words stay beside it with a random salt, so that personal data can be
 * deleted later without breaking one proof, and so that nobody can guess a name from its hash.
 *
 *   payloadHash = SHA-256(salt ‖ payload)          payload = canonical JSON of { who, why, data }
 *   leaf data   = canonical JSON of { at, kind, payloadHash, service, subject }
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../json.ts'
import type { Entry } from '../machine.ts'
import { type Instant, isoOf } from '../time.ts'
import { leafHash } from './merkle.ts'

export interface Sealed {
  readonly payload: string
  readonly payloadHash: string
  readonly leafHash: string
}

/** `salt` is 32 hex digits (128 bits) or more, fresh for every entry. */
export function seal(entry: Entry, service: string, at: Instant, salt: string): Sealed {
  const payload = canonicalJson({ who: entry.who, why: entry.why, data: entry.data })
  const payloadHash = payloadHashOf(payload, salt)
  return {
    payload,
    payloadHash,
    leafHash: leafOf({ at, kind: entry.kind, service, subject: entry.subject, payloadHash }),
  }
}

export function payloadHashOf(payload: string, salt: string): string {
  return createHash('sha256').update(Buffer.from(salt, 'hex')).update(payload).digest('hex')
}

export function leafOf(row: {
  readonly at: Instant
  readonly kind: string
  readonly service: string
  readonly subject: string
  readonly payloadHash: string
}): string {
  const { at, kind, service, subject, payloadHash } = row
  return leafHash(Buffer.from(canonicalJson({ at: isoOf(at), kind, payloadHash, service, subject })))
}
