/** May a release go out at a moment, and when is the next window? From the calendar of the definition alone, in London time. */
import { isoOf, londonOf, type Instant } from '../time.ts'
import { listOf } from '../words.ts'
import { mayDeploy, missingDays } from './calendar.ts'
import type { Service } from './schema.ts'

export interface WindowAnswer {
  /** `cannot-tell`: a calendar that may close the window has no days here, or none that is still to come; that is not a yes. */
  readonly verdict: 'yes' | 'no' | 'cannot-tell'
  readonly says: string
  readonly needs?: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly until?: string
  readonly next?: string
  /** Peaks that close the window. */
  readonly because: readonly string[]
  readonly unknown: readonly string[]
  /** Peaks that begin with an event somebody has to notice: not in the answer. */
  readonly announced: readonly string[]
  /** What else a person should know. */
  readonly lines: readonly string[]
}

/** `takesMs`: how long the release needs; a window that closes sooner is no window. */
export function windowAnswer(service: Service, at: Instant, takesMs = 0): WindowAnswer {
  const answer = mayDeploy(service, at, {}, takesMs)
  const announced = service.peaks
    .filter((peak) => (peak.event ?? peak.follows) !== undefined)
    .map((peak) => peak.name ?? peak.id)
  const { approvals, windows } = service.deployment
  const cannotTell = answer.open && answer.unknown.length > 0
  return {
    verdict: cannotTell ? 'cannot-tell' : answer.open ? 'yes' : 'no',
    says: answer.why,
    at: isoOf(at),
    because: answer.open ? [] : [...answer.because],
    unknown: [...answer.unknown],
    announced,
    ...(answer.open && answer.until !== undefined ? { until: isoOf(answer.until) } : {}),
    ...(!answer.open && answer.next !== undefined ? { next: isoOf(answer.next) } : {}),
    ...(cannotTell ? { needs: `${missingDays(service, answer.unknown)}, for ${listOf(answer.unknown)}` } : {}),
    lines: [
      `Asked for ${londonOf(at)}.`,
      ...(announced.length > 0
        ? [`Not looked at, because a person has to notice that it begins: ${listOf(announced)}.`]
        : []),
      `Inside a window ${approvals.people} approval(s) are needed; in a closed one ${windows.emergency.approvers}, and a reason that is recorded.`,
    ],
  }
}
