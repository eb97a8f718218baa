/** Before anything moves: how long the verdict will take at this service's traffic, and how many citizens a bad release would cost. */
import { durationOf, HOUR, type Instant, londonOf, MINUTE, SECOND } from '../time.ts'
import { percentOf } from '../words.ts'
import { firstShare } from './pace.ts'
import { LEAN_OUT } from './trial.ts'
import type { TrialPlan, TrialStep } from './trial-shape.ts'
import { MAIN_SHARE } from './trial-step.ts'
import { klOf, splitInformation, worstRate } from './verdict-bounds.ts'
import { ALARM_NATS } from './verdict-cusum.ts'
import { GUESSES } from './verdict-evidence.ts'

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
  /** A total failure that begins at the top rung: everybody who comes until traffic is taken away, and the proof. */
  readonly lateHarm: number
  /** False when it cannot be over in time. */
  readonly inTime: boolean
  readonly says: string
}

/** What the simulated test needs over the theoretical least (planner.test.ts runs the simulator beside it: 1.2 to 2). */
const OVERHEAD = 1.8
/** The same for the alarm, whose guesses of a rate are few. */
const ALARM_OVERHEAD = 1.3
const RATES = [0.05, 0.2, 1]
/** From a citizen's failure to the order that sends the next one elsewhere, in s: as a rule, and at most (bench/drills.ts). */
const LOOP_S = { likely: 0.6, most: 1.2 }

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
  const paced = plan.strategy !== 'blue-green' && !plan.atOnce
  const first = paced ? firstShare(rungs[0]!, perMs) : rungs[0]!
  const harm = RATES.map((rate) => harmOf(plan, rate, first, perMs))
  const lateHarm = Math.ceil(perMs * SECOND * LOOP_S.most * top + harmOf(plan, 1, plan.holdWeight, perMs).citizens + 2)
  const inTime = traffic.before === undefined || promotedAt <= traffic.before
  const figures = { rungs: forecast, topMs, promotedMs, promotedAt, harm, lateHarm, inTime }
  return { ...figures, says: sentenceOf(figures, traffic, first) }
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

/**
 * What a fault from the first citizen on costs, as the trial goes about it (trial.ts): at a share above the hold weight, the alarm
 * rings first and takes the share away; what is missing for the proof comes at the hold weight, where few meet the release. When too
 * few come while it is suspected, and the evidence does not lean by then, it climbs again, and the alarm rings once more.
 */
function harmOf(plan: TrialPlan, rate: number, share: number, perMs: number): HarmForecast {
  const omega = plan.steps[0]?.omega ?? 1
  const p0 = Math.max(1e-4, ...plan.steps.map((step) => step.p0))
  const p1 = Math.min(rate, 1 - 1e-9)
  const proof = OVERHEAD * Math.log(1 / (plan.alpha * MAIN_SHARE * omega))
  // The evidence is a mean over guesses of the rate, of which one or two grow.
  const leans = LEAN_OUT + Math.log(GUESSES / (MAIN_SHARE * omega))
  /** Evidence, in nats, that one failed citizen brings at a share of citizens. */
  const worth = (of: number) => splitInformation(p0, p1, of) / (of * p1)
  const msOf = (citizens: number, of: number) => citizens / rate / (perMs * of)
  const held = Math.min(share, plan.holdWeight)
  let citizens = 0
  let ms = 0
  let nats = 0
  const meet = (failed: number, of: number) => {
    citizens += failed
    ms += msOf(failed, of)
    nats += failed * worth(of)
  }
  if (share > held) {
    const alarm = Math.ceil((ALARM_OVERHEAD * ALARM_NATS * p1) / klOf(p1, p0))
    // Nobody answers for those who come between the failure that rings and the order that takes the share away.
    const underWay = plan.strategy === 'blue-green' ? perMs * SECOND * LOOP_S.likely * share * p1 : 0
    const suspected = perMs * plan.suspicionMs * held * p1
    for (;;) {
      const missing = Math.max(0, proof - nats)
      meet(Math.min(alarm, missing / worth(share)), share)
      citizens += underWay
      const atHold = Math.max(0, proof - nats) / worth(held)
      if (atHold <= suspected || nats + suspected * worth(held) >= leans) break
      meet(suspected, held)
    }
  }
  meet(Math.max(0, proof - nats) / worth(held), held)
  return { rate, citizens: Math.ceil(citizens), ms }
}

function sentenceOf(figures: Omit<TrialForecast, 'says'>, traffic: TrafficForecast, first: number): string {
  const perHour = `${Math.round(traffic.sessionsPerHour).toLocaleString('en-GB')} sessions an hour`
  const course = `At ${perHour} a good release is at ${percentOf(figures.rungs.at(-1)!.share)} after about ${durationOf(round(figures.topMs))} and promoted after about ${durationOf(round(figures.promotedMs))}`
  const hurt = figures.harm
    .map(({ rate, citizens }) => `${citizens} when ${percentOf(rate)} of attempts fail`)
    .join(', ')
  const cost = `A bad one would hurt about this many citizens before it is taken back: ${hurt}.`
  const share = figures.rungs[0]!.share
  // How long citizens walk is not known here, so it is said and not added.
  const slow =
    first < share
      ? ` It starts slowly and has ${percentOf(share)} when its first citizens have walked through; that time comes on top.`
      : ''
  if (figures.inTime)
    return `${course}, about ${londonOf(figures.promotedAt).replace(/:\d\d (?=[A-Z]+$)/, ' ')}.${slow} ${cost}`
  return `This cannot be over before ${londonOf(traffic.before!)}. ${course}.${slow} ${cost}`
}

/** Forecasts are not exact to the second. */
function round(ms: number): number {
  return ms > 2 * MINUTE ? Math.round(ms / MINUTE) * MINUTE : Math.round(ms / SECOND) * SECOND
}
