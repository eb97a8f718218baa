import type { Unreachable } from './unreachable.ts'

/** A message to one person or system. `id` is its idempotency key: the same id twice is one message. */
export interface Message {
  readonly id: string
  /** Where: an e-mail address, or a webhook's name in the adapter's settings. */
  readonly to: string
  readonly subject: string
  /** Plain text, no personal data of citizens. */
  readonly text: string
  /** Signed, single-use link that acknowledges the page; absent when nothing is to be acknowledged. */
  readonly ackUrl?: string
  /** For machines: the incident, journey, step and counts behind the words. */
  readonly data?: Readonly<Record<string, string | number | boolean>>
}

/**
 * `accepted`: the next system has it (not: a person has read it). `failed`: it will never get there, try another route.
 * `unknown`: the answer was lost; it may or may not arrive, so a repeat is marked "may be a repeat".
 */
export type Sent =
  | { readonly sent: 'accepted'; readonly reference: string }
  | { readonly sent: 'failed'; readonly why: string }
  | { readonly sent: 'unknown'; readonly why: string }

/**
 * Notifier carries a message over one route. Implementations:
 * - MUST NOT claim accepted before the other side confirmed.
 * - MUST carry the message id so that the receiver can drop a repeat.
 * - answer within 15 s.
 */
export interface Notifier {
  /** The route's name as an escalation step knows it: "email", "webhook". */
  readonly route: string
  send(message: Message): Promise<Sent | Unreachable>
}
