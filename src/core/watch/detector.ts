/**
 * Are citizens failing at one step of a journey more than the objective allows? A likelihood-ratio CUSUM over units (see
 * core/deploy/counts.ts) for a few sizes of fault at once; it pages on evidence, never on a threshold of a rate.
 *
 *   S ◄─ max(0, S + fails·ln(p1/b0) + oks·ln((1−p1)/(1−b0)))      S ≥ ln(k·N/F), and it was no single burst  ─► fires
 *   after that, the way back is a test of its own                  R ≥ ln(20·(perDay/4 + 360))               ─► clears
 *
 * Each S has an average run to false alarm of at least e^h (Lorden 1971), so all together page falsely at most about F times a
 * month while failures stay within the objective. Pure: moments arrive as arguments, states are JSON.
 */
import { invariant } from '../errors.ts'
import { MINUTE, type Instant } from '../time.ts'

export interface DetectorPlan {
  /** Share of failures that the objective allows (1 − target), above 0 and below 0.9. */
  readonly b0: number
  /** Units of a usual day. Sets the false-page budget: at least 1. */
  readonly perDay: number
  /** False pages a month that the team accepts, above 0. */
  readonly falsePagesPerMonth: number
  /** Citizens failed beyond the objective from which a burst that is already over pages too; at least 1. */
  readonly harmMax: number
}

/** One size of fault that is looked for. */
interface Suspicion {
  readonly p1: number
  readonly s: number
  /** When S last stood at 0: since then it has only risen. The fault began about then. */
  readonly since: Instant
  readonly failed: number
  readonly slow: number
  readonly total: number
  /** What each look of the last minute added, and the largest such sum since S stood at 0. */
  readonly recent: readonly (readonly [Instant, number])[]
  readonly burst: number
}

export interface Fired {
  readonly at: Instant
  /** About when it began. */
  readonly since: Instant
  readonly failed: number
  readonly slow: number
  readonly total: number
  /** Evidence that the fault is over, in nats. */
  readonly recovery: number
  /** Failing share when it fired, 0 to 0.98. */
  readonly share: number
}

export interface Detector {
  readonly suspicions: readonly Suspicion[]
  readonly fired: Fired | null
}

export interface Look {
  readonly ok: number
  readonly failed: number
  /** Of the failed: right, but later than citizens wait. */
  readonly slow: number
}

export type Change = 'fired' | 'cleared' | null

const BURST_MS = MINUTE
/** Evidence, in nats, that must stand outside of the worst single minute: a blip that heals itself wakes nobody. */
const BEYOND_BURST = 3
/** Of 30 days: weekends count 0.45 of a working day (facts on watching, section 4.4). */
const DAYS_OF_MONTH = 25.2

/** Sizes of fault looked for, beside the objective: four times, eight times, and every second citizen. */
export function faultSizes(b0: number): readonly number[] {
  invariant(b0 > 0 && b0 < 0.9, 'an objective allows more than no failures, and less than nine in ten')
  const sizes = [Math.min(0.5, 4 * b0), Math.min(0.95, Math.max(0.1, 8 * b0)), 0.5]
  const useful = [...new Set(sizes)].filter((p1) => p1 >= 1.5 * b0)
  return useful.length > 0 ? useful : [Math.min(0.95, 1.5 * b0)]
}

/** Evidence, in nats, at which it fires. */
export function thresholdOf(plan: DetectorPlan): number {
  const units = Math.max(1, DAYS_OF_MONTH * plan.perDay)
  // A service that nobody uses would otherwise fire on nothing.
  return Math.max(3, Math.log((faultSizes(plan.b0).length * units) / plan.falsePagesPerMonth))
}

/** Evidence, in nats, at which it is over: five wrong all-clears in a hundred during six hours. */
export function allClearOf({ perDay }: DetectorPlan): number {
  return Math.log(20 * (perDay / 4 + 360))
}

export function openDetector(plan: DetectorPlan, now: Instant): Detector {
  return { suspicions: faultSizes(plan.b0).map((p1) => freshSuspicion(p1, now)), fired: null }
}

/** One look at what closed since the last one. */
export function watchStep(
  plan: DetectorPlan,
  before: Detector,
  look: Look,
  now: Instant,
): { detector: Detector; change: Change } {
  if (before.fired) return afterwards(plan, before, before.fired, look, now)
  const suspicions = before.suspicions.map((suspicion) => raised(plan.b0, suspicion, look, now))
  const h = thresholdOf(plan)
  const hit = suspicions.find((suspicion) => isProof(plan, suspicion, h))
  if (!hit) return { detector: { suspicions, fired: null }, change: null }
  const { since, failed, slow, total, p1 } = hit
  const share = Math.min(0.98, Math.max(p1, total > 0 ? failed / total : 0))
  return {
    detector: { suspicions, fired: { at: now, since, failed, slow, total, recovery: 0, share } },
    change: 'fired',
  }
}

function raised(b0: number, before: Suspicion, { ok, failed, slow }: Look, now: Instant): Suspicion {
  const added = failed * Math.log(before.p1 / b0) + ok * Math.log((1 - before.p1) / (1 - b0))
  const s = Math.max(0, before.s + added)
  if (s === 0) return freshSuspicion(before.p1, now)
  const kept = before.recent.filter(([at]) => at > now - BURST_MS)
  const recent = ok + failed > 0 ? [...kept, [now, added] as const] : kept
  const minute = recent.reduce((sum, [, x]) => sum + x, 0)
  return {
    ...before,
    s,
    failed: before.failed + failed,
    slow: before.slow + slow,
    total: before.total + ok + failed,
    recent,
    burst: Math.max(before.burst, minute),
  }
}

function isProof({ b0, harmMax }: DetectorPlan, { s, burst, failed, total }: Suspicion, h: number): boolean {
  if (s < h) return false
  return s - burst >= BEYOND_BURST || failed - b0 * total >= harmMax
}

function afterwards(
  plan: DetectorPlan,
  before: Detector,
  fired: Fired,
  look: Look,
  now: Instant,
): { detector: Detector; change: Change } {
  const { b0 } = plan
  const failed = fired.failed + look.failed
  const total = fired.total + look.ok + look.failed
  const p = Math.min(0.98, Math.max(fired.share / 2, 1.5 * b0, total > 0 ? failed / total : 0))
  const gained = look.ok * Math.log((1 - b0) / (1 - p)) - look.failed * Math.log(p / b0)
  const recovery = Math.max(0, fired.recovery + gained)
  if (recovery >= allClearOf(plan)) return { detector: openDetector(plan, now), change: 'cleared' }
  const slow = fired.slow + look.slow
  return { detector: { ...before, fired: { ...fired, failed, slow, total, recovery } }, change: null }
}

function freshSuspicion(p1: number, since: Instant): Suspicion {
  return { p1, s: 0, since, failed: 0, slow: 0, total: 0, recent: [], burst: 0 }
}
