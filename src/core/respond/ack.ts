/**
 * The acknowledgement link in a page. Whoever was paged can answer from a phone, with no VPN and no sign-in: the link itself is the
 * proof that they got the page. It names one page, ends at a moment, and is used once (the incident keeps the used ones).
 *
 *   token = base64url(canonical JSON { e: expiry, i: incident, p: page, r: role }) . base64url(HMAC-SHA256(secret, first part))
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalJson } from '../json.ts'
import type { Instant } from '../time.ts'

export interface Ack {
  readonly incident: string
  readonly page: string
  /** The role that was paged: it is who acknowledges, since the link needs no sign-in. */
  readonly role: string
  readonly expiresAt: Instant
}

/** `secret` is 32 random bytes or more, held in the store's settings. */
export function signAck(secret: Uint8Array, ack: Ack): string {
  const body = canonicalJson({ i: ack.incident, p: ack.page, r: ack.role, e: ack.expiresAt })
  const part = Buffer.from(body).toString('base64url')
  return `${part}.${mac(secret, part).toString('base64url')}`
}

/** The token's content, or one sentence on why it is not accepted. Tokens come from outside: nothing is parsed before the seal holds. */
export function verifyAck(secret: Uint8Array, token: string, now: Instant): Ack | { readonly refused: string } {
  const [part, seal, ...more] = token.length <= 2_000 ? token.split('.') : []
  if (!part || !seal || more.length > 0)
    return { refused: 'This link is incomplete. Copy the whole link from the page.' }
  const given = Buffer.from(seal, 'base64url')
  const expected = mac(secret, part)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return { refused: 'This link was not made by this Holdfast, or was changed on its way.' }
  }
  const { i, p, r, e } = JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  if (now > Number(e)) return { refused: 'This link is too old. Sign in to see the incident.' }
  return { incident: String(i), page: String(p), role: String(r), expiresAt: Number(e) }
}

function mac(secret: Uint8Array, part: string): Buffer {
  // The prefix keeps a seal of this kind from being taken for one of another kind made with the same secret.
  return createHmac('sha256', secret).update(`holdfast-ack-1\n${part}`).digest()
}
