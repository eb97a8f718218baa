/** One journey step of a trial: its counts, alarms and evidence, batch by batch. The life of the whole trial is in trial.ts. */
import type { StepCounts } from './counts.ts'
import { expectedRate } from './ramp.ts'
import type { Pending, StepTrial, Tally, Trial, TrialStep } from './trial-shape.ts'
import { ALARM_NATS, addAlarm, noAlarm } from './verdict-cusum.ts'
import { addEvidence, evidenceGuesses, GUESSES, isFull, meanLog } from './verdict-evidence.ts'

/** History thinner than this is learned anew from the trial's own stable units. */
export const HISTORY_UNITS_MIN = 200
/** Most faults are there from the start. A later one is proven by a fresh process, which needs 2 nats more for its tenth. */
export const MAIN_SHARE = 0.8

const PENDING_MAX = 6

export const NONE: Tally = { units: 0, failed: 0 }

export function freshStep(step: TrialStep): StepTrial {
  return {
    p: clampRate(step.p0),
    pUnits: Math.max(0, step.p0Units),
    canary: NONE,
    stable: NONE,
    slow: 0,
    retries: 0,
    canaryNow: NONE,
    stableNow: NONE,
    shown: NONE,
    main: new Array<number>(GUESSES).fill(0),
    fresh: null,
    kept: null,
    canaryAlarm: noAlarm(),
    stableAlarm: noAlarm(),
    pending: [],
  }
}

/** Rates stay clear of 0 and ½: logarithms need room, and a release that fails half its citizens has no baseline. */
export function clampRate(p: number): number {
  return Math.min(0.4, Math.max(1e-4, Number.isFinite(p) ? p : 0.005))
}

export function plus(tally: Tally, units: number, failed: number): Tally {
  return { units: tally.units + units, failed: tally.failed + failed }
}

interface Counted {
  readonly step: StepTrial
  /** A closed batch had a failure of the new release: the only moments at which proof is looked for. */
  readonly checked: boolean
  readonly alarmed: boolean
  readonly outage: boolean
}

export function countStep(trial: Trial, state: StepTrial, plan: TrialStep, rows: readonly StepCounts[]): Counted {
  const canary = tallyOf(rows, 'canary')
  const stable = tallyOf(rows, 'stable')
  // Bets use what was known before this batch: that keeps the evidence honest for any common rate.
  const p = expectedRate(state)
  const learning = state.pUnits < HISTORY_UNITS_MIN
  const { phase } = trial.phase
  const asleep = phase === 'suspect' || phase === 'outage' || phase === 'warm-up'
  const onCanary = asleep
    ? state.canaryAlarm
    : addAlarm(state.canaryAlarm, canary.failed, canary.units - canary.failed, p)
  const onStable = learning
    ? state.stableAlarm
    : addAlarm(state.stableAlarm, stable.failed, stable.units - stable.failed, p)
  const { closed, waiting } = flush(pend(state.pending, rows, p), false)
  const { main, fresh } = withEvidence(state, closed)
  const next: StepTrial = {
    p: state.p,
    pUnits: state.pUnits,
    canary: plus(state.canary, canary.units, canary.failed),
    stable: plus(state.stable, stable.units, stable.failed),
    slow: state.slow + canary.slow,
    retries: state.retries + canary.retries,
    canaryNow: plus(state.canaryNow, canary.units, canary.failed),
    stableNow: plus(state.stableNow, stable.units, stable.failed),
    shown: plus(state.shown, canary.units, canary.failed),
    main,
    fresh,
    kept: state.kept,
    canaryAlarm: onCanary === state.canaryAlarm ? onCanary : onCanary.map(rounded),
    stableAlarm: onStable === state.stableAlarm ? onStable : onStable.map(rounded),
    pending: waiting,
  }
  return {
    step: learn(next, plan),
    checked: closed.some((cells) => cells.canaryFailed > 0),
    alarmed: rings(onCanary),
    outage: rings(onStable),
  }
}

function rings(alarm: readonly number[]): boolean {
  for (const sum of alarm) if (sum >= ALARM_NATS) return true
  return false
}

/** Thin history becomes the trial's own: the first 200 stable units. Old counts fade, so that the hour's rate is followed. */
function learn(state: StepTrial, plan: TrialStep): StepTrial {
  if (state.pUnits < HISTORY_UNITS_MIN && state.stableNow.units >= HISTORY_UNITS_MIN)
    return { ...state, p: clampRate(expectedRate(state)), pUnits: plan.p0Units + state.stableNow.units }
  if (state.stableNow.units > FADE_UNITS)
    return { ...state, stableNow: { units: state.stableNow.units / 2, failed: state.stableNow.failed / 2 } }
  return state
}

/** Stable units after which the older half counts half: the rate of this hour, not of yesterday. */
const FADE_UNITS = 20_000

export function withEvidence(state: StepTrial, closed: readonly Pending[]): StepTrial {
  if (closed.length === 0) return state
  let { main, fresh } = state
  for (const batch of closed) {
    const guesses = evidenceGuesses(batch.p)
    main = addEvidence(main, batch, batch.p, guesses).map(rounded)
    if (fresh) fresh = addEvidence(fresh, batch, batch.p, guesses).map(rounded)
  }
  return { ...state, main, fresh }
}

/**
 * Sessions whose coin was thrown at different shares, and synthetic journeys, wait apart: each has a split of its own. A batch
 * keeps the rate `p` that was expected before its first unit: a bet placed on what is already known would not be one.
 */
function pend(pending: readonly Pending[], rows: readonly StepCounts[], p: number): readonly Pending[] {
  const touched: Opened[] = []
  for (const row of rows) {
    if (!(row.share > 0 && row.share < 1) || row.visitor === 'bot') continue
    let batch = sameAs(touched, row)
    if (!batch) {
      batch = openedFrom(sameAs(pending, row), row, p)
      touched.push(batch)
    }
    if (row.arm === 'canary') {
      batch.canaryFailed += row.failed
      batch.canaryOk += row.ok
    } else {
      batch.stableFailed += row.failed
      batch.stableOk += row.ok
    }
  }
  if (touched.length === 0) return pending
  return pending.length === 0 ? touched : [...pending.filter((one) => !sameAs(touched, one)), ...touched]
}

type Opened = { -readonly [K in keyof Pending]: Pending[K] }

function sameAs<One extends Pick<Pending, 'share' | 'visitor'>>(
  waiting: readonly One[],
  { share, visitor }: Pick<StepCounts, 'share' | 'visitor'>,
): One | undefined {
  for (const one of waiting) if (one.share === share && one.visitor === visitor) return one
  return undefined
}

function openedFrom(waiting: Pending | undefined, { share, visitor }: StepCounts, p: number): Opened {
  return {
    canaryFailed: waiting?.canaryFailed ?? 0,
    canaryOk: waiting?.canaryOk ?? 0,
    stableFailed: waiting?.stableFailed ?? 0,
    stableOk: waiting?.stableOk ?? 0,
    share,
    visitor: visitor === 'probe' ? 'probe' : 'citizen',
    p: waiting?.p ?? p,
  }
}

/** Closes what is big enough, by count and never by outcome; the longest untouched goes when too many wait. */
export function flush(pending: readonly Pending[], all: boolean): { closed: Pending[]; waiting: Pending[] } {
  const closed: Pending[] = []
  const waiting: Pending[] = []
  for (const [i, one] of pending.entries()) {
    if (all || isFull(one, one.share) || pending.length - i > PENDING_MAX) closed.push(one)
    else waiting.push(one)
  }
  return { closed, waiting }
}

/** What one arm's rows add up to. */
export function tallyOf(
  rows: readonly StepCounts[],
  arm: StepCounts['arm'],
): Tally & { slow: number; retries: number } {
  const tally = { units: 0, failed: 0, slow: 0, retries: 0 }
  for (const row of rows) {
    if (row.arm !== arm) continue
    tally.units += row.ok + row.failed
    tally.failed += row.failed
    tally.slow += row.slow
    tally.retries += row.retries
  }
  return tally
}

/** Stored in PostgreSQL each tick: a millionth of a nat is exact enough. */
function rounded(nats: number): number {
  return Math.round(nats * 1e6) / 1e6
}

/** Each process weighs its share of α, so that all together are one process that starts below 1. */
export function stepEvidence(slices: number, state: StepTrial): number {
  const parts = [Math.log(MAIN_SHARE) + meanLog(state.main)]
  if (state.fresh) parts.push(sliceOf(slices) + meanLog(state.fresh))
  if (state.kept !== null) parts.push(state.kept)
  return meanLog(parts) + Math.log(parts.length)
}

/** ln of the share of α that the k-th suspicion gets: half of what is left. */
function sliceOf(k: number): number {
  return Math.log(1 - MAIN_SHARE) - k * Math.LN2
}

/** Stops the fresh process where it stands; its weighted evidence stays part of the sum. */
export function keepFresh(slices: number, state: StepTrial): StepTrial {
  if (!state.fresh) return state
  const closed = sliceOf(slices) + meanLog(state.fresh)
  const kept = state.kept === null ? closed : meanLog([state.kept, closed]) + Math.LN2
  return { ...state, fresh: null, kept: rounded(kept) }
}

export const QUIET = { canaryAlarm: noAlarm(), stableAlarm: noAlarm() }
