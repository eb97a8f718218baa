import type { Instant } from '../core/time.ts'

/** Tells the moment. Tests and simulation hold one in their hands; production has the machine's. */
export interface Clock {
  now(): Instant
}
