import type { Judge } from '../judge.ts'
import type { Tick } from '../simulator.ts'

/**
 * Kayenta's standard judge as documented (Mann–Whitney at 98 % on the Hodges–Lehmann shift, effect 0.25 of the estimate,
 * direction "increase", metric critical, missing points replaced by 0), one point a minute of failures per request in the new
 * release and in a control of equal size taken from the running one. Reads all points so far at each run.
 */
export function kayenta(options: {
  readonly name: string
  readonly weight: number
  readonly runMs: number
  readonly lifetimeMs: number
}): Judge {
  const experiment: number[] = []
  const control: number[] = []
  let minute = emptyMinute()
  return {
    name: options.name,
    firstWeight: options.weight,
    look(tick) {
      minute = added(minute, tick)
      if (Math.floor(tick.to / 60_000) > Math.floor(tick.from / 60_000)) {
        experiment.push(rateOf(minute.canary))
        control.push(rateOf(thinned(minute)))
        minute = emptyMinute()
      }
      if (Math.floor(tick.to / options.runMs) === Math.floor(tick.from / options.runMs))
        return { weight: options.weight }
      if (isHigh(experiment, control)) return { weight: 0, end: 'rolled-back', moveSessions: true }
      if (tick.to >= options.lifetimeMs) return { weight: 1, end: 'promoted' }
      return { weight: options.weight }
    },
  }
}

interface Minute {
  canary: { requests: number; failed: number }
  stable: { requests: number; failed: number }
}

function emptyMinute(): Minute {
  return { canary: { requests: 0, failed: 0 }, stable: { requests: 0, failed: 0 } }
}

function added(minute: Minute, tick: Tick): Minute {
  const plus = (arm: 'canary' | 'stable') => ({
    requests: minute[arm].requests + tick.requests[arm].ok + tick.requests[arm].failed,
    failed: minute[arm].failed + tick.requests[arm].failed,
  })
  return { canary: plus('canary'), stable: plus('stable') }
}

/** A control of the new release's size: an even thinning, failures rounded by a fixed rule so that no dice are needed. */
function thinned(minute: Minute): { requests: number; failed: number } {
  const { canary, stable } = minute
  if (stable.requests <= canary.requests) return stable
  const keep = canary.requests / stable.requests
  let failed = 0
  // Which of the failures are kept is spread evenly through the fractional parts of the golden ratio.
  for (let i = 1; i <= stable.failed; i++)
    if ((i * 0.6180339887498949 + stable.requests * 0.7548776662) % 1 < keep) failed++
  return { requests: canary.requests, failed }
}

function rateOf(count: { requests: number; failed: number }): number {
  return count.requests === 0 ? 0 : count.failed / count.requests
}

/** 98 % two-sided. */
const Z = 2.326
const EFFECT = 0.25

/** Kayenta's verdict "High": the new release's points are significantly and sizeably above the control's. */
export function isHigh(experiment: readonly number[], control: readonly number[]): boolean {
  if (experiment.length === 0 || control.length === 0) return false
  const all = [...experiment, ...control]
  if (all.every((value) => value === all[0])) return false
  // Both constant but different: the judge adds a jitter of 1e-5 of the value so that ranks exist.
  const jitter = (values: readonly number[]) => values.map((value, i) => value * (1 + 1e-5 * (((i * 0.618) % 1) - 0.5)))
  const constant = [experiment, control].every((values) => values.every((value) => value === values[0]))
  const x = constant ? jitter(experiment) : experiment
  const y = constant ? jitter(control) : control
  const low = Math.min(...x) - Math.max(...y)
  const high = Math.max(...x) - Math.min(...y)
  const estimate = shiftAt(x, y, 0, low, high)
  const lower = shiftAt(x, y, Z, low, high)
  const ratio = mean(x) / mean(y)
  return lower > EFFECT * Math.abs(estimate) && (Number.isNaN(ratio) || ratio >= 1)
}

/** The shift at which the rank statistic equals `target`; z falls as the shift grows. */
function shiftAt(x: readonly number[], y: readonly number[], target: number, low: number, high: number): number {
  let from = low
  let to = high
  if (zOf(x, y, from) < target) return from
  if (zOf(x, y, to) > target) return to
  for (let i = 0; i < 60 && to - from > 1e-9; i++) {
    const middle = (from + to) / 2
    if (zOf(x, y, middle) > target) from = middle
    else to = middle
  }
  // The lower end: among tied zeros the crossing lies a hair below 0, and must not come out a hair above it.
  return from
}

/** The normal score of the Mann–Whitney statistic of x − u against y, with ties and continuity corrected. */
export function zOf(x: readonly number[], y: readonly number[], u: number): number {
  const m = x.length
  const n = y.length
  const all = [
    ...x.map((value) => ({ value: value - u, mine: true })),
    ...y.map((value) => ({ value, mine: false })),
  ].sort((a, b) => a.value - b.value)
  let ranks = 0
  let ties = 0
  for (let i = 0; i < all.length; ) {
    let j = i
    while (j < all.length && Math.abs(all[j]!.value - all[i]!.value) < 1e-12) j++
    const size = j - i
    const rank = (i + 1 + j) / 2
    for (let k = i; k < j; k++) if (all[k]!.mine) ranks += rank
    ties += size ** 3 - size
    i = j
  }
  const difference = ranks - (m * (m + 1)) / 2 - (m * n) / 2
  const variance = ((m * n) / 12) * (m + n + 1 - ties / ((m + n) * (m + n - 1)))
  if (variance <= 0) return 0
  return (difference - 0.5 * Math.sign(difference)) / Math.sqrt(variance)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
