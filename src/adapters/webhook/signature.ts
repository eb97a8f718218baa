/**
 * Signs a webhook: the receiver knows that it is from us, unchanged and fresh. Header `X-Holdfast-Signature: v0=<hex>`, where hex is
 * HMAC-SHA256 over "v0:" ‖ timestamp ‖ ":" ‖ raw body, and the timestamp (seconds) is in `X-Holdfast-Timestamp`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const SIGNATURE_HEADER = 'x-holdfast-signature'
export const TIMESTAMP_HEADER = 'x-holdfast-timestamp'
/** A receiver refuses what is older or newer than this, so that nothing recorded can be played again later. */
export const SKEW_SECONDS_MAX = 300

export function signWebhook(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
}

/** For receivers. `body` is the raw text as it arrived: parsing and printing it again would change it. */
export function verifyWebhook(
  secret: string,
  given: { readonly signature: string; readonly timestamp: string; readonly body: string },
  nowSeconds: number,
): 'genuine' | 'stale' | 'forged' {
  const timestamp = Number(given.timestamp)
  const expected = Buffer.from(signWebhook(secret, timestamp, given.body))
  const actual = Buffer.from(given.signature)
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return 'forged'
  return Math.abs(nowSeconds - timestamp) <= SKEW_SECONDS_MAX ? 'genuine' : 'stale'
}
