import type { Instant } from '../core/time.ts'
import type { Unreachable } from './unreachable.ts'

/** Words that a person has read and approved, for one channel. `id` is the idempotency key. */
export interface Publication {
  readonly id: string
  readonly service: string
  readonly incident: string
  /** Channel as the definition names it: "status-page", "banner", "email". */
  readonly channel: string
  readonly stage: string
  readonly title: string
  readonly text: string
  readonly approvedBy: string
  readonly approvedAt: Instant
  readonly nextUpdateAt: Instant | null
}

export type Published = { readonly published: string } | { readonly failed: string }

/**
 * Publisher puts approved words where people read them. Implementations:
 * - MUST publish nothing without `approvedBy`.
 * - MUST treat the same id twice as one publication.
 * - MUST say in `published` where the words now stand, so that a person can check.
 */
export interface Publisher {
  publish(words: Publication): Promise<Published | Unreachable>
}
