/** How citizens are doing, from what the watch knows: one sentence first, then each journey step. */
import { wallOf } from '../define/calendar.ts'
import { type Instant, MINUTE } from '../time.ts'
import { plural } from '../words.ts'
import { LOOK_MS, type MinuteCounts, type StepWatch, type WatchState, firing, keyOf, wordsOf } from './watching.ts'

export interface StepStatus {
  readonly journey: string
  readonly step: string
  /** `quiet`: nobody has tried within the hour, which is not the same as fine. */
  readonly state: 'fine' | 'failing' | 'quiet'
  /** Citizens (units, see core/deploy/counts.ts) of the last 5 and 60 minutes; `slow` are among `failed`. */
  readonly last5: Sums
  readonly last60: Sums
  /** Since when it fails, in ms since 1970; null: it does not. */
  readonly since: Instant | null
}

export interface Sums {
  readonly ok: number
  readonly failed: number
  readonly slow: number
}

export interface WatchStatus {
  readonly service: string
  readonly at: Instant
  readonly says: string
  /** True while nobody can tell: counts do not arrive, or no engine looks. */
  readonly blind: boolean
  readonly incident: string | null
  readonly steps: readonly StepStatus[]
}

/** A watch that has not looked for this long is not looking: no engine runs. */
const STALE_MS = 6 * LOOK_MS

export function statusOf(state: WatchState, now: Instant): WatchStatus {
  const { plan, open, blindIncident } = state
  const steps = plan.steps.map(({ journey, step }): StepStatus => {
    const known: StepWatch | undefined = state.steps[keyOf({ journey, step })]
    const minutes = known?.minutes ?? []
    const fired = known?.detector.fired ?? null
    const last60 = sumSince(minutes, now - 60 * MINUTE)
    const quiet = last60.ok + last60.failed === 0
    const last5 = sumSince(minutes, now - 5 * MINUTE)
    return {
      journey,
      step,
      state: fired ? 'failing' : quiet ? 'quiet' : 'fine',
      last5,
      last60,
      since: fired?.since ?? null,
    }
  })
  const blind = state.blindSince !== null || state.lookedAt === null || now - state.lookedAt > STALE_MS
  const says = sentenceOf(state, steps, blind, now)
  return { service: plan.service, at: now, says, blind, incident: open?.id ?? blindIncident, steps }
}

function sentenceOf(state: WatchState, steps: readonly StepStatus[], blind: boolean, now: Instant): string {
  const { plan } = state
  if (blind) {
    const from = state.lookedAt === null ? '' : ` since ${wallOf(state.lookedAt, plan.timezone, now)}`
    return `Cannot tell: no counts were read${from}. Open the service in a browser, and see that Holdfast runs (holdfast serve).`
  }
  const worst = firing(state)[0]
  if (worst) return wordsOf(plan, worst.step, worst.fired, now)
  const tried = steps.filter((step) => step.state !== 'quiet').length
  if (tried === 0) return 'Nobody has tried a journey within the last hour, so nothing can be said about it.'
  const quiet = steps.length - tried
  const rest = quiet > 0 ? ` Nobody tried the other ${plural(quiet, 'step')} within the hour.` : ''
  return `Citizens get through at ${plural(tried, 'step')} within what the objectives allow.${rest}`
}

function sumSince(minutes: readonly MinuteCounts[], from: Instant): Sums {
  return minutes
    .filter(({ at }) => at > from)
    .reduce((sum, { ok, failed, slow }) => ({ ok: sum.ok + ok, failed: sum.failed + failed, slow: sum.slow + slow }), {
      ok: 0,
      failed: 0,
      slow: 0,
    })
}
