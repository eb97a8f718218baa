/** Before anything moves: how long the verdict will take at this service's traffic, and how many citizens a bad release would cost. */
import { durationOf, HOUR, type Instant, londonOf, MINUTE, SECOND } from '../time.ts'
import { percentOf } from '../words.ts'
import type { TrialPlan, TrialStep } from './trial-shape.ts'
import { MAIN_SHARE } from './trial-step.ts'
import { splitFailures, worstRate } from './verdict-bounds.ts'

/** What is known of the hours ahead. */
export interface TrafficForecast {
  /** New citizen sessions an hour, above 0. */
  readonly sessionsPerHour: number
  /** Share of sessions that come to a step, by "journey/step"; absent: 1. */
  readonly reach?: Readonly<Record<string, number>>
  readonly now: Instant
  /** Moment by which it has to be over, e.g. the next peak. */
  readonly before?: Instant
}

export interface RungForecast {
  readonly share: number
  /** Expected time on the rung. */
  readonly ms: number
  /** Sessions that the new release has had at its end, at the step that is slowest to prove. */
  readonly units: number
  /** The step that the climb waits for; null: the clock. */
  readonly waitsFor: string | null
}

export interface HarmForecast {
  /** Share of attempts that fail. */
  readonly rate: number
  /** Citizens hurt before it is proven, and how long that takes, when the fault is there from the start. */
  readonly citizens: number
  readonly ms: number
}

export interface TrialForecast {
  readonly rungs: readonly RungForecast[]
  /** Until the top rung, and until promotion, when the release is good. */
  readonly topMs: number
  readonly promotedMs: number
  readonly promotedAt: Instant
  readonly harm: readonly HarmForecast[]
  /** A total failure that begins at the top rung: everybody who comes in the two seconds until traffic is taken away, and the proof. */
  readonly lateHarm: number
  /** False when it cannot be over in time. */
  readonly inTime: boolean
  readonly says: string
}

/** What the simulated test needs over the theoretical least (bench/verdict.ts, journeys of one to seven steps: 1.2–1.6). */
const OVERHEAD = 1.5
const RATES = [0.05, 0.2, 1]
/** Observation, decision and switching, one second each way. */
const REACTION_S = 2

/** Expected course of a trial. Pure arithmetic: the gate's own bound with failures at the expected rate. */
export function planTrial(plan: TrialPlan, traffic: TrafficForecast): TrialForecast {
  const top = 1 - plan.holdBack
  const rungs = plan.strategy === 'blue-green' ? [top] : [...plan.rungs.filter((rung) => rung < top), top]
  const perMs = traffic.sessionsPerHour / HOUR
  const forecast: RungForecast[] = []
  let have = 0
  for (const [i, share] of rungs.entries()) {
    const last = i === rungs.length - 1
    const gate = slowest(plan, traffic, rungs[i + 1] ?? 1)
    const msMin = last ? Math.max(plan.bakeMs, plan.rungMsMin) : plan.rungMsMin
    const gateMs = Math.max(0, gate.units - have) / (perMs * share * gate.reach)
    const ms = Math.max(msMin, gateMs)
    have += ms * perMs * share * gate.reach
    forecast.push({ share, ms, units: Math.round(have), waitsFor: gateMs > msMin ? gate.name : null })
  }
  const promotedMs = forecast.reduce((sum, rung) => sum + rung.ms, 0)
  const topMs = promotedMs - forecast[forecast.length - 1]!.ms
  const promotedAt = traffic.now + promotedMs
  const harm = RATES.map((rate) => harmOf(plan, rate, rungs[0]!, perMs))
  const lateHarm = Math.ceil(perMs * SECOND * REACTION_S * top + harmOf(plan, 1, plan.holdWeight, perMs).citizens + 2)
  const inTime = traffic.before === undefined || promotedAt <= traffic.before
  const figures = { rungs: forecast, topMs, promotedMs, promotedAt, harm, lateHarm, inTime }
  return { ...figures, says: sentenceOf(figures, traffic) }
}

/** The step that needs most sessions before the gate to `next` opens. */
function slowest(plan: TrialPlan, traffic: TrafficForecast, next: number) {
  let worst = { units: 0, reach: 1, name: '' }
  for (const step of plan.steps) {
    const name = `${step.journey}/${step.step}`
    const reach = Math.min(1, Math.max(1e-6, traffic.reach?.[name] ?? 1))
    const units = unitsNeeded(step, plan, next * reach)
    if (units / reach > worst.units / worst.reach || worst.name === '') worst = { units, reach, name }
  }
  return worst
}

/** Least units of the new release, failing at the expected rate, with which `exposure × (worst − expected)` is within the margin. */
export function unitsNeeded(
  step: Pick<TrialStep, 'p0'>,
  plan: Pick<TrialPlan, 'margin' | 'miss'>,
  exposure: number,
): number {
  const p = Math.min(0.4, Math.max(1e-4, step.p0))
  const open = (units: number) => exposure * (worstRate(units, units * p, p, plan.miss) - p) <= plan.margin
  let high = 1
  while (!open(high) && high < 1e9) high *= 2
  let low = high / 2
  while (high - low > Math.max(1, high / 1_000)) {
    const middle = (low + high) / 2
    if (open(middle)) high = middle
    else low = middle
  }
  return Math.ceil(high)
}

function harmOf(plan: TrialPlan, rate: number, share: number, perMs: number): HarmForecast {
  const first = plan.steps[0]
  const p0 = Math.max(1e-4, ...plan.steps.map((step) => step.p0))
  const budget = plan.alpha * MAIN_SHARE * (first?.omega ?? 1)
  const bound = splitFailures(p0, Math.min(rate, 1 - 1e-9), share, budget)
  const citizens = Math.ceil(OVERHEAD * bound)
  return { rate, citizens, ms: citizens / rate / (perMs * share) }
}

function sentenceOf(figures: Omit<TrialForecast, 'says'>, traffic: TrafficForecast): string {
  const perHour = `${Math.round(traffic.sessionsPerHour).toLocaleString('en-GB')} sessions an hour`
  const course = `At ${perHour} a good release is at ${percentOf(figures.rungs.at(-1)!.share)} after about ${durationOf(round(figures.topMs))} and promoted after about ${durationOf(round(figures.promotedMs))}`
  const hurt = figures.harm
    .map(({ rate, citizens }) => `${citizens} when ${percentOf(rate)} of attempts fail`)
    .join(', ')
  const cost = `A bad one would hurt about this many citizens before it is taken back: ${hurt}.`
  if (figures.inTime) return `${course}, about ${londonOf(figures.promotedAt)}. ${cost}`
  return `This cannot be over before ${londonOf(traffic.before!)}. ${course}. ${cost}`
}

/** Forecasts are not exact to the second. */
function round(ms: number): number {
  return ms > 2 * MINUTE ? Math.round(ms / MINUTE) * MINUTE : Math.round(ms / SECOND) * SECOND
}
