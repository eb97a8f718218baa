import type { Seen } from '../load/visit.ts'

/** What the citizens themselves met of one release: the demo's own count, independent of the gateway's. */
export interface Met {
  readonly sessions: ReadonlySet<string>
  /** Sessions with at least one answer that was wrong, missing or later than the citizen limit. */
  readonly harmed: ReadonlySet<string>
  readonly firstBadAt: number | null
  readonly lastAnswerAt: number | null
}

export interface MetTally {
  seen(seen: Seen): void
  of(release: string): Met
}

export function countMet(): MetTally {
  type Growing = { sessions: Set<string>; harmed: Set<string>; firstBadAt: number | null; lastAnswerAt: number | null }
  const releases = new Map<string, Growing>()
  const of = (release: string): Growing => {
    const known = releases.get(release)
    if (known) return known
    const fresh: Growing = { sessions: new Set(), harmed: new Set(), firstBadAt: null, lastAnswerAt: null }
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
      if (trouble === null) return
      met.harmed.add(session)
      met.firstBadAt ??= t
    },
  }
}
