/** Has taking a release back been done lately, for real or as a rehearsal? What was never done does not work when it matters. */
import { DAY, type Instant, londonOf } from '../time.ts'
import { plural } from '../words.ts'

/** Entries of the log that show a release being taken back, or the rehearsal of it. */
export const DRILL_KINDS: ReadonlySet<string> = new Set(['rollback.confirmed', 'drill.passed'])

export interface DrillSeen {
  readonly at: Instant
  readonly kind: string
  readonly subject: string
}

export function judgeDrill(
  drills: readonly DrillSeen[],
  now: Instant,
  ageMsMax: number,
): { readonly passed: boolean; readonly says: string; readonly last: DrillSeen | null } {
  const last = drills.reduce<DrillSeen | null>((newest, one) => (one.at > (newest?.at ?? 0) ? one : newest), null)
  const within = plural(Math.round(ageMsMax / DAY), 'day')
  if (!last || now - last.at > ageMsMax) {
    const says = last
      ? `The last rollback was ${plural(Math.floor((now - last.at) / DAY), 'day')} ago (${last.subject}); ${within} are allowed.`
      : `The log shows no rollback, for real or rehearsed, within ${within}.`
    return { passed: false, says: `${says} Rehearse one: holdfast rehearse rollback`, last }
  }
  const how = last.kind === 'rollback.confirmed' ? 'A release was taken back' : 'A rollback was rehearsed'
  return { passed: true, says: `${how} ${londonOf(last.at)} (${last.subject}); ${within} are allowed.`, last }
}
