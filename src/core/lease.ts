/**
 * When a lease still holds and when a moment has come, on clocks that people and time servers move. Both stores follow these
 * rules; PostgreSQL's spells them in SQL.
 */
import type { Instant } from './time.ts'

/**
 * A clock that stands further than this before a moment it has already shown was set back, in ms. Time servers slew smaller
 * differences away (chrony and ntpd step only above 0.1 to 1 s), so nothing smaller is worth a reaction.
 */
export const SET_BACK_MS = 1_000

/** A lease holds from the moment it was given until it ends. A clock that was set back ends it too, or it would hold for hours. */
export function leaseHolds(from: Instant, until: Instant, now: Instant): boolean {
  return now >= from - SET_BACK_MS && now < until
}

/** Has `dueAt`, which was set at `since`, come? On a clock that was set back it has, because nobody knows when it would. */
export function hasCome(dueAt: Instant, since: Instant, now: Instant): boolean {
  return dueAt <= now || now < since - SET_BACK_MS
}
