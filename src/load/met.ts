import type { Instant } from '../core/time.ts'
import type { Seen } from './visit.ts'

/** What the citizens themselves met of one release: a count of its own, independent of the gateway's. */
export interface Met {
  readonly sessions: ReadonlySet<string>
  /** Sessions with at least one answer that was wrong, missing or later than the citizen limit, and when the first one came. */
  readonly harmed: ReadonlyMap<string, Instant>
  readonly firstBadAt: Instant | null
  readonly lastAnswerAt: Instant | null
}

export interface MetTally {
  seen(seen: Seen): void
  of(release: string): Met
}

export function countMet(): MetTally {
  type Growing = {
    sessions: Set<string>
    harmed: Map<string, Instant>
    firstBadAt: Instant | null
    lastAnswerAt: Instant | null
  }
  const releases = new Map<string, Growing>()
  const of = (release: string): Growing => {
    const known = releases.get(release)
    if (known) return known
    const fresh: Growing = { sessions: new Set(), harmed: new Map(), firstBadAt: null, lastAnswerAt: null }
    releases.set(release, fresh)
    return fresh
  }
  return {
    of,
    seen({ kind, release, session, trouble, t }) {
      if (kind !== 'citizen' || release === '') return
      const met = of(release)
      met.sessions.add(session)
      met.lastAnswerAt = t
      if (trouble === null || trouble === 'generator') return
      if (!met.harmed.has(session)) met.harmed.set(session, t)
      met.firstBadAt ??= t
    },
  }
}
