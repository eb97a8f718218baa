/**
 * A trial decides on evidence whether a new release (canary) may replace the running one (stable), and what share of new
 * sessions it gets meanwhile. Plain JSON in, plain JSON out: the engine stores it each tick, replay streams through it.
 *
 *              probes good          evidence + time        top rung: bake, hold-back as live control
 *   warm-up ─────────────► ramp ───────────────────► ramp ───────────────────────────────────► promoted
 *                          │ ▲ ▲
 *        both releases fail│ │ │cleared: climbs again from the hold weight
 *                          ▼ │ │
 *                      outage  suspect (weight down at once) ──┐
 *                                                              ├─ proof, from every phase ─► rolled-back
 *
 * Terms. Unit: one session at one step (counts.ts). Evidence: how many times likelier the counts are if the new release is
 * worse than if both are alike, for any common rate (verdict-evidence.ts). Alarm: quick sum against the known rate
 * (verdict-cusum.ts); it only ever takes traffic away. α: the chance that a good release is rolled back. Four fifths of α pay for
 * the process that runs from the start, a tenth for the fresh one that starts at the first suspicion, a twentieth for the next…
 * Each step j has its own share omega_j of α and is judged alone: steps of one session depend on each other, so multiplying
 * their evidence rolled back 28–38 % of good releases where 1 % was promised (facts/delivery).
 */
import { invariant } from '../errors.ts'
import type { Instant } from '../time.ts'
import type { CountBatch, StepCounts } from './counts.ts'
import { climb, expectedRate, weightOf } from './ramp.ts'
import { whyOf } from './trial-words.ts'
import { ALARM_NATS, addAlarm, noAlarm } from './verdict-cusum.ts'
import { addEvidence, batchUnits, type Cells, evidenceGuesses, GUESSES, meanLog } from './verdict-evidence.ts'

export interface TrialStep {
  readonly journey: string
  readonly step: string
  /** Share of α spent on this step, above 0; all steps together at most 1. A harmful step may get more. */
  readonly omega: number
  /** Failure rate of the running release in the recent past, same hour class, 0 to 0.5. A bet: a wrong one costs time only. */
  readonly p0: number
  /** How many units that rate rests on. Under 200 it is learned anew from the first stable units of the trial. */
  readonly p0Units: number
  /** The citizen limit, for the sentences only: the counts already treat slower answers as failed. */
  readonly limitMs: number
}

export interface TrialPlan {
  /** Names of the releases, as people know them. */
  readonly stable: string
  readonly canary: string
  /** Chance that a good release is rolled back, per deployment, above 0 and below 0.5. */
  readonly alpha: number
  readonly strategy: 'canary' | 'blue-green'
  /** In the order citizens walk them; the first step of the first journey is used to check the split. */
  readonly steps: readonly TrialStep[]
  /** Shares of new sessions, rising. Blue-green has one: everything but the hold-back. */
  readonly rungs: readonly number[]
  /** Least time on a rung. Not shorter than the slowest step of a journey in production. */
  readonly rungMsMin: number
  /** Unproven extra failures per citizen session that are acceptable while climbing and at promotion, above 0 (h). */
  readonly margin: number
  /** Chance that the climb believes a worse rate to be excluded although it is not (b). */
  readonly miss: number
  /** Share of sessions that stays on the old release until the bake ends: live control. Above 0, at most 0.5. */
  readonly holdBack: number
  /** Time at the top rung before promotion. */
  readonly bakeMs: number
  /** Share while suspected, and how long suspicion lasts without proof. */
  readonly holdWeight: number
  readonly suspicionMs: number
  /** How long the ramp stands still after both releases began to fail. */
  readonly outageMs: number
  /** Synthetic journeys that must pass on the new release before any citizen; 0: none. After `msMax` it is given up. */
  readonly warmUp: { readonly probes: number; readonly msMax: number }
  /** Low traffic: our synthetic journeys, sent half and half, count as evidence too (as a stream with a split of its own). */
  readonly synthetic: boolean
  /** True when `share` in the counts is the coin that was really thrown: a missing arm can then be told. */
  readonly splitKnown: boolean
  /** Lowest session generation that counts; absent: 0. A second trial leaves out the sessions that the first one moved. */
  readonly generation?: number
}

/** What production uses unless the definition says otherwise; sources in facts: "The test, to implement". */
export const TRIAL_DEFAULTS = {
  alpha: 0.001,
  strategy: 'canary',
  rungs: [0.01, 0.05, 0.1, 0.25, 0.5, 0.95],
  rungMsMin: 60_000,
  margin: 0.005,
  miss: 0.05,
  holdBack: 0.05,
  bakeMs: 2 * 3_600_000,
  holdWeight: 0.05,
  suspicionMs: 180_000,
  outageMs: 60_000,
  warmUp: { probes: 0, msMax: 120_000 },
  synthetic: false,
  splitKnown: true,
} as const satisfies Omit<TrialPlan, 'stable' | 'canary' | 'steps'>

/** Units and failures of one arm. */
export interface Tally {
  readonly units: number
  readonly failed: number
}

/** Counts that wait until their batch is big enough to say something about the split. */
export interface Pending extends Cells {
  readonly share: number
  readonly visitor: 'citizen' | 'probe'
}

export interface StepTrial {
  /** Rate and weight of history in force; learned anew when history is thin or turned out wrong. */
  readonly p: number
  readonly pUnits: number
  /** Since the trial began: what the sentences and the harm count use. */
  readonly canary: Tally
  readonly stable: Tally
  readonly slow: number
  readonly retries: number
  /** Since the last reset (an outage, a suspicion): what the climb rests on. */
  readonly canaryNow: Tally
  readonly stableNow: Tally
  /** Log evidence of each guess since the beginning, and since the suspicion that is open. */
  readonly main: readonly number[]
  readonly fresh: readonly number[] | null
  /** ln of the weighted evidence that closed suspicions left behind; null: none. */
  readonly kept: number | null
  readonly canaryAlarm: readonly number[]
  readonly stableAlarm: readonly number[]
  readonly pending: readonly Pending[]
}

export type Phase =
  | { readonly phase: 'warm-up'; readonly since: Instant }
  /** `ms` is the time counted on this rung up to `at`; time under suspicion or outage does not count. */
  | { readonly phase: 'ramp'; readonly rung: number; readonly ms: number; readonly at: Instant }
  | {
      readonly phase: 'outage'
      readonly rung: number
      readonly ms: number
      readonly until: Instant
      readonly step: number
    }
  /** `alarm`: a fresh process runs on a slice of α. `evidence`: the running one is high, no slice is spent. */
  | {
      readonly phase: 'suspect'
      readonly by: 'alarm' | 'evidence'
      readonly rung: number
      readonly until: Instant
      readonly step: number
    }
  | { readonly phase: 'rolled-back'; readonly at: Instant; readonly step: number | null }
  | { readonly phase: 'promoted'; readonly at: Instant }

export interface Trial {
  readonly plan: TrialPlan
  readonly openedAt: Instant
  /** Last batch that was counted; lower ones are ignored. */
  readonly seq: number
  /** Batches that never came: evidence lost for both arms alike. */
  readonly lost: number
  /** Sessions moved before this generation are left out. */
  readonly generation: number
  readonly lastSeenAt: Instant | null
  readonly phase: Phase
  /** Suspicions that were paid for with a slice of α so far. */
  readonly slices: number
  readonly steps: readonly StepTrial[]
  /** Latched between two decisions: the step that proved, alarmed on the new, or alarmed on the running release. */
  readonly proven: number | null
  readonly alarmed: number | null
  readonly outage: number | null
  /** Outages in a row; after five, what we called an outage is the service's normal. */
  readonly outages: number
  /** Split check at the first step: counts under the present share, and log evidence of former shares. */
  readonly split: { readonly share: number; readonly canary: number; readonly stable: number; readonly nats: number }
  readonly probes: Tally
  readonly stableProbes: Tally
}

export interface StepVerdict {
  readonly journey: string
  readonly step: string
  readonly canary: Tally
  readonly stable: Tally
  /** Of the new release's failures: right answer, later than the limit. */
  readonly slow: number
  /** Failing answers after the unit had closed: the same citizens trying again. */
  readonly retries: number
  /** Odds that the new release is worse here, after paying for looking at every step; rolled back at `threshold`. */
  readonly evidence: number
  readonly threshold: number
  /** Share of the deployment's α that this step may spend. */
  readonly omega: number
}

export interface Verdict {
  readonly trial: Trial
  readonly decision: 'continue' | 'suspect' | 'hold' | 'rollback' | 'promote'
  /** Share of new sessions that the new release should get from now on, 0 to 1 − holdBack. */
  readonly weight: number
  /** True when sessions that sit on the new release should be moved off it too. Always at a rollback. */
  readonly moveSessions: boolean
  /** True when this call changed the phase or the rung: the moments worth a log entry. `why` itself changes with every count. */
  readonly changed: boolean
  /** One sentence for a reader who is not technical. */
  readonly why: string
  /** Highest odds of any step, and where a rollback follows: 1/α. */
  readonly evidence: number
  readonly threshold: number
  /** Sessions (the busiest step of each journey, added up) and failed units of all steps. */
  readonly canary: { readonly sessions: number; readonly failed: number }
  readonly stable: { readonly sessions: number; readonly failed: number }
  readonly steps: readonly StepVerdict[]
}

/** History thinner than this is learned anew from the trial's own stable units. */
export const HISTORY_UNITS_MIN = 200
/** Most faults are there from the start. A later one is proven by a fresh process, which needs 2 nats more for its tenth. */
const MAIN_SHARE = 0.8
/** Odds at which the new release is held at low weight before any alarm, and at which it is let go. A good release meets them in at most 1 of 30 deployments. */
const LEAN_IN = Math.log(30)
const LEAN_OUT = Math.log(10)
/** Slices after this one are too thin to ever prove anything: a millionth of α. */
const SLICES_MAX = 18
const PENDING_MAX = 6
/** Outages in a row after which the running release's failures are its normal rate (5 × 60 s by default). */
const OUTAGES_MAX = 5

/** A trial that starts now. Throws on a plan that could not give a true verdict. */
export function openTrial(plan: TrialPlan, now: Instant): Trial {
  invariant(plan.alpha > 0 && plan.alpha < 0.5, 'alpha is above 0 and below 0.5')
  invariant(plan.holdBack > 0 && plan.holdBack <= 0.5, 'the hold-back is above 0 and at most 0.5')
  invariant(plan.margin > 0 && plan.miss > 0 && plan.miss < 1, 'margin and miss are shares above 0')
  const omega = plan.steps.reduce((sum, step) => sum + step.omega, 0)
  invariant(omega <= 1 + 1e-9, 'the steps share one alpha')
  const rungs = rungsOf(plan)
  const first: Phase =
    plan.warmUp.probes > 0 ? { phase: 'warm-up', since: now } : { phase: 'ramp', rung: 0, ms: 0, at: now }
  return {
    plan: { ...plan, rungs },
    openedAt: now,
    seq: 0,
    lost: 0,
    generation: plan.generation ?? 0,
    lastSeenAt: null,
    phase: first,
    slices: 0,
    steps: plan.steps.map(freshStep),
    proven: null,
    alarmed: null,
    outage: null,
    outages: 0,
    split: { share: 0, canary: 0, stable: 0, nats: 0 },
    probes: NONE,
    stableProbes: NONE,
  }
}

/** Adds a step that appeared while the trial runs (a recorded stream without a definition). It brings its own share of α. */
export function addStep(trial: Trial, step: TrialStep): Trial {
  const plan = { ...trial.plan, steps: [...trial.plan.steps, step] }
  invariant(plan.steps.reduce((sum, one) => sum + one.omega, 0) <= 1 + 1e-9, 'the steps share one alpha')
  return { ...trial, plan, steps: [...trial.steps, freshStep(step)] }
}

/** The trial with one more batch. The same batch twice counts once. */
export function observe(trial: Trial, batch: CountBatch): Trial {
  if (batch.seq <= trial.seq) return trial
  let next: Trial = { ...trial, seq: batch.seq, lost: trial.lost + lostBefore(trial, batch) }
  const generation = batch.counts.reduce((top, row) => Math.max(top, row.generation), trial.generation)
  if (generation > trial.generation) next = { ...next, generation }
  const rows = batch.counts.filter((row) => row.generation === generation && row.ok + row.failed > 0)
  if (rows.length === 0) return next
  next = { ...next, ...probesOf(next, rows) }
  const steps = [...next.steps]
  for (const [index, mine] of rowsByStep(trial.plan, rows)) {
    const used = mine.filter((row) => row.visitor === 'citizen' || (row.visitor === 'probe' && trial.plan.synthetic))
    if (used.length === 0) continue
    const counted = countStep(next, steps[index]!, trial.plan.steps[index]!, used)
    steps[index] = counted.step
    if (index === 0) next = { ...next, split: splitOf(next.split, used) }
    if (counted.checked && next.proven === null && proves(next, index, counted.step)) next = { ...next, proven: index }
    if (counted.alarmed && next.alarmed === null) next = { ...next, alarmed: index }
    if (counted.outage && next.outage === null) next = { ...next, outage: index }
    next = { ...next, lastSeenAt: batch.to }
  }
  return { ...next, steps }
}

/** The trial's phases moved on to `now`, without the words: what a simulation of millions of ticks needs of `decide`. */
export function advance(trial: Trial, now: Instant): { trial: Trial; weight: number; moveSessions: boolean } {
  const moved = step(trial, now)
  const { plan, phase } = moved
  const alarmed = phase.phase === 'suspect' && phase.by === 'alarm' && trial.phase.phase !== 'suspect'
  const leaves = alarmed && weightOf(plan, trial.phase) > plan.holdWeight
  return { trial: moved, weight: weightOf(plan, phase), moveSessions: leaves || phase.phase === 'rolled-back' }
}

/** What to do now. Pure: the same trial and moment always give the same answer. */
export function decide(trial: Trial, now: Instant): Verdict {
  const next = advance(trial, now)
  const steps = explainTrial(next.trial)
  const { decision, why } = whyOf(next.trial, steps, now)
  return {
    trial: next.trial,
    decision,
    weight: next.weight,
    moveSessions: next.moveSessions,
    changed: placeOf(next.trial.phase) !== placeOf(trial.phase),
    why,
    evidence: Math.max(0, ...steps.map((row) => row.evidence)),
    threshold: 1 / trial.plan.alpha,
    canary: sessionsOf(steps, 'canary'),
    stable: sessionsOf(steps, 'stable'),
    steps,
  }
}

/** ln of the odds against the new release at one step, all its processes together, before paying for several steps. */
export function logEvidence(trial: Trial, index: number): number {
  return stepEvidence(trial.slices, trial.steps[index]!)
}

/** One row a step for the console: counts of both arms, odds, threshold and the share of α it may spend. */
export function explainTrial(trial: Trial): StepVerdict[] {
  return trial.steps.map((state, index) => {
    const { journey, step: name, omega } = trial.plan.steps[index]!
    return {
      journey,
      step: name,
      canary: state.canary,
      stable: state.stable,
      slow: state.slow,
      retries: state.retries,
      evidence: oddsOf(Math.log(omega) + stepEvidence(trial.slices, state)),
      threshold: 1 / trial.plan.alpha,
      omega,
    }
  })
}

/** How much of α is committed so far: most from the start, then a half of the rest at each suspicion. */
export function alphaCommitted(trial: Trial): number {
  return trial.plan.alpha * (1 - (1 - MAIN_SHARE) * 2 ** -trial.slices)
}

const NONE: Tally = { units: 0, failed: 0 }

function rungsOf(plan: TrialPlan): number[] {
  const top = 1 - plan.holdBack
  if (plan.strategy === 'blue-green') return [top]
  const rungs = plan.rungs.filter((rung) => rung > 0 && rung < top)
  invariant(
    rungs.every((rung, i) => i === 0 || rung > rungs[i - 1]!),
    'rungs rise',
  )
  return [...rungs, top]
}

function freshStep(step: TrialStep): StepTrial {
  return {
    p: clampRate(step.p0),
    pUnits: Math.max(0, step.p0Units),
    canary: NONE,
    stable: NONE,
    slow: 0,
    retries: 0,
    canaryNow: NONE,
    stableNow: NONE,
    main: new Array<number>(GUESSES).fill(0),
    fresh: null,
    kept: null,
    canaryAlarm: noAlarm(),
    stableAlarm: noAlarm(),
    pending: [],
  }
}

/** Rates stay clear of 0 and ½: logarithms need room, and a release that fails half its citizens has no baseline. */
function clampRate(p: number): number {
  return Math.min(0.4, Math.max(1e-4, Number.isFinite(p) ? p : 0.005))
}

function lostBefore(trial: Trial, batch: CountBatch): number {
  return trial.seq === 0 ? 0 : batch.seq - trial.seq - 1
}

function rowsByStep(plan: TrialPlan, rows: readonly StepCounts[]): Map<number, StepCounts[]> {
  const byStep = new Map<number, StepCounts[]>()
  for (const row of rows) {
    const index = plan.steps.findIndex((one) => one.step === row.step && one.journey === row.journey)
    if (index < 0) continue
    const mine = byStep.get(index)
    if (mine) mine.push(row)
    else byStep.set(index, [row])
  }
  return byStep
}

function probesOf(trial: Trial, rows: readonly StepCounts[]): Pick<Trial, 'probes' | 'stableProbes'> {
  let { probes, stableProbes } = trial
  for (const row of rows) {
    if (row.visitor !== 'probe') continue
    if (row.arm === 'canary') probes = plus(probes, row.ok + row.failed, row.failed)
    else stableProbes = plus(stableProbes, row.ok + row.failed, row.failed)
  }
  return { probes, stableProbes }
}

function plus(tally: Tally, units: number, failed: number): Tally {
  return { units: tally.units + units, failed: tally.failed + failed }
}

interface Counted {
  readonly step: StepTrial
  /** A closed batch had a failure of the new release: the only moments at which proof is looked for. */
  readonly checked: boolean
  readonly alarmed: boolean
  readonly outage: boolean
}

function countStep(trial: Trial, state: StepTrial, plan: TrialStep, rows: readonly StepCounts[]): Counted {
  const canary = tallyOf(rows, 'canary')
  const stable = tallyOf(rows, 'stable')
  // Bets use what was known before this batch: that keeps the evidence honest for any common rate.
  const p = expectedRate(state)
  const learning = state.pUnits < HISTORY_UNITS_MIN
  const asleep = trial.phase.phase === 'suspect' || trial.phase.phase === 'outage' || trial.phase.phase === 'warm-up'
  const canaryAlarm = asleep
    ? state.canaryAlarm
    : addAlarm(state.canaryAlarm, canary.failed, canary.units - canary.failed, p)
  const stableAlarm = learning
    ? state.stableAlarm
    : addAlarm(state.stableAlarm, stable.failed, stable.units - stable.failed, p)
  const flushed = flush(pend(state.pending, rows), false)
  let next: StepTrial = {
    ...state,
    canary: plus(state.canary, canary.units, canary.failed),
    stable: plus(state.stable, stable.units, stable.failed),
    slow: state.slow + sumOf(rows, (row) => (row.arm === 'canary' ? row.slow : 0)),
    retries: state.retries + sumOf(rows, (row) => (row.arm === 'canary' ? row.retries : 0)),
    canaryNow: plus(state.canaryNow, canary.units, canary.failed),
    stableNow: plus(state.stableNow, stable.units, stable.failed),
    canaryAlarm: canaryAlarm.map(rounded),
    stableAlarm: stableAlarm.map(rounded),
    pending: flushed.waiting,
  }
  next = learn(withEvidence(next, flushed.closed, p), plan)
  return {
    step: next,
    checked: flushed.closed.some((cells) => cells.canaryFailed > 0),
    alarmed: canaryAlarm.some((sum) => sum >= ALARM_NATS),
    outage: stableAlarm.some((sum) => sum >= ALARM_NATS),
  }
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

function withEvidence(state: StepTrial, closed: readonly Cells[], p: number): StepTrial {
  if (closed.length === 0) return state
  const guesses = evidenceGuesses(p)
  let { main, fresh } = state
  for (const cells of closed) {
    main = addEvidence(main, cells, p, guesses).map(rounded)
    if (fresh) fresh = addEvidence(fresh, cells, p, guesses).map(rounded)
  }
  return { ...state, main, fresh }
}

/** Sessions whose coin was thrown at different shares, and synthetic journeys, wait apart: each has a split of its own. */
function pend(pending: readonly Pending[], rows: readonly StepCounts[]): Pending[] {
  const waiting = [...pending]
  for (const row of rows) {
    if (!(row.share > 0 && row.share < 1) || row.visitor === 'bot') continue
    const at = waiting.findIndex((one) => one.share === row.share && one.visitor === row.visitor)
    const old = at < 0 ? { ...EMPTY, share: row.share, visitor: row.visitor } : waiting.splice(at, 1)[0]!
    waiting.push({
      ...old,
      canaryFailed: old.canaryFailed + (row.arm === 'canary' ? row.failed : 0),
      canaryOk: old.canaryOk + (row.arm === 'canary' ? row.ok : 0),
      stableFailed: old.stableFailed + (row.arm === 'stable' ? row.failed : 0),
      stableOk: old.stableOk + (row.arm === 'stable' ? row.ok : 0),
    })
  }
  return waiting
}

const EMPTY: Cells = { canaryFailed: 0, canaryOk: 0, stableFailed: 0, stableOk: 0 }

/** Closes what is big enough, by count and never by outcome; the longest untouched goes when too many wait. */
function flush(pending: readonly Pending[], all: boolean): { closed: Cells[]; waiting: Pending[] } {
  const closed: Cells[] = []
  const waiting: Pending[] = []
  for (const [i, one] of pending.entries()) {
    const units = one.canaryFailed + one.canaryOk + one.stableFailed + one.stableOk
    if (all || units >= batchUnits(one.share) || pending.length - i > PENDING_MAX) closed.push(one)
    else waiting.push(one)
  }
  return { closed, waiting }
}

function tallyOf(rows: readonly StepCounts[], arm: StepCounts['arm']): Tally {
  let tally = NONE
  for (const row of rows) if (row.arm === arm) tally = plus(tally, row.ok + row.failed, row.failed)
  return tally
}

function sumOf(rows: readonly StepCounts[], of: (row: StepCounts) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0)
}

/** Stored in PostgreSQL each tick: a millionth of a nat is exact enough. */
function rounded(nats: number): number {
  return Math.round(nats * 1e6) / 1e6
}

function splitOf(split: Trial['split'], rows: readonly StepCounts[]): Trial['split'] {
  const citizens = rows.filter((row) => row.visitor === 'citizen' && row.share > 0 && row.share < 1)
  if (citizens.length === 0) return split
  const share = citizens[citizens.length - 1]!.share
  const mine = citizens.filter((row) => row.share === share)
  const start = share === split.share ? split : { share, canary: 0, stable: 0, nats: 0 }
  return {
    ...start,
    canary: start.canary + tallyOf(mine, 'canary').units,
    stable: start.stable + tallyOf(mine, 'stable').units,
  }
}

/** Each process weighs its share of α, so that all together are one process that starts below 1. */
function stepEvidence(slices: number, state: StepTrial): number {
  const parts = [Math.log(MAIN_SHARE) + meanLog(state.main)]
  if (state.fresh) parts.push(sliceOf(slices) + meanLog(state.fresh))
  if (state.kept !== null) parts.push(state.kept)
  return meanLog(parts) + Math.log(parts.length)
}

/** ln of the share of α that the k-th suspicion gets: half of what is left. */
function sliceOf(k: number): number {
  return Math.log(1 - MAIN_SHARE) - k * Math.LN2
}

function proves(trial: Trial, index: number, state: StepTrial): boolean {
  const omega = trial.plan.steps[index]!.omega
  return Math.log(omega) + stepEvidence(trial.slices, state) >= Math.log(1 / trial.plan.alpha)
}

/** Odds for people: evidence beyond a million million to one is not more convincing. */
function oddsOf(nats: number): number {
  return Math.exp(Math.min(nats, Math.log(1e12)))
}

/** The phases, one step further. */
function step(trial: Trial, now: Instant): Trial {
  const { phase } = trial
  if (phase.phase === 'rolled-back' || phase.phase === 'promoted') return trial
  if (trial.proven !== null) return { ...trial, phase: { phase: 'rolled-back', at: now, step: trial.proven } }
  switch (phase.phase) {
    case 'warm-up':
      return warmUp(trial, phase, now)
    case 'outage':
      if (trial.alarmed !== null) return step({ ...trial, alarmed: null }, now)
      return now < phase.until ? trial : endOutage(trial, phase, now)
    case 'suspect':
      return suspected(trial, phase, now)
    case 'ramp': {
      // First the outage: an alarm on the new release is no news while the running one fails as well.
      if (trial.outage !== null) return outage(trial, phase, trial.outage, now)
      if (trial.alarmed !== null) return suspect(trial, phase.rung, trial.alarmed, now)
      const lean = leaning(trial, LEAN_IN)
      if (lean !== null)
        return { ...trial, phase: { phase: 'suspect', by: 'evidence', rung: phase.rung, until: now, step: lean } }
      // Odds above 1 : 1 for being worse: little evidence, but more traffic is not the way to get more of it.
      return climb(trial, phase, leaning(trial, 0) !== null, now)
    }
  }
}

function warmUp(trial: Trial, phase: Extract<Phase, { phase: 'warm-up' }>, now: Instant): Trial {
  const { probes, msMax } = trial.plan.warmUp
  // A cold release may fail at first; what counts is that the journeys pass before citizens come.
  if (trial.probes.units - trial.probes.failed >= probes)
    return { ...trial, phase: { phase: 'ramp', rung: 0, ms: 0, at: now } }
  if (now - phase.since >= msMax) return { ...trial, phase: { phase: 'rolled-back', at: now, step: null } }
  return trial
}

/** The step whose evidence is above `nats`, after paying for looking at all of them. */
function leaning(trial: Trial, nats: number): number | null {
  let best: number | null = null
  let top = nats
  for (const [index, state] of trial.steps.entries()) {
    const here = Math.log(trial.plan.steps[index]!.omega) + stepEvidence(trial.slices, state)
    if (here >= top) {
      best = index
      top = here
    }
  }
  return best
}

/** A fresh process starts on the next slice of α; batches under way belong to the old ones. */
function suspect(trial: Trial, rung: number, index: number, now: Instant): Trial {
  const pays = trial.slices < SLICES_MAX
  const steps = trial.steps.map((state) => {
    const flushed = flush(state.pending, true)
    const closed = withEvidence({ ...state, pending: [] }, flushed.closed, expectedRate(state))
    return pays ? { ...keepFresh(trial.slices, closed), fresh: new Array<number>(GUESSES).fill(0) } : closed
  })
  return {
    ...trial,
    steps,
    slices: trial.slices + (pays ? 1 : 0),
    alarmed: null,
    phase: { phase: 'suspect', by: 'alarm', rung, until: now + trial.plan.suspicionMs, step: index },
  }
}

function suspected(trial: Trial, phase: Extract<Phase, { phase: 'suspect' }>, now: Instant): Trial {
  if (phase.by === 'evidence' && trial.alarmed !== null) return suspect(trial, phase.rung, trial.alarmed, now)
  if (now < phase.until) return trial
  const lean = leaning(trial, LEAN_OUT)
  if (lean !== null) return { ...trial, phase: { ...phase, by: 'evidence', step: lean } }
  // Cleared. It climbs again from where it stands, on evidence from now on.
  const steps = trial.steps.map((state) => ({
    ...keepFresh(trial.slices, state),
    ...QUIET,
    canaryNow: NONE,
  }))
  const rung = Math.max(
    0,
    trial.plan.rungs.findLastIndex((share) => share <= trial.plan.holdWeight),
  )
  return {
    ...trial,
    steps,
    alarmed: null,
    outage: null,
    phase: { phase: 'ramp', rung: Math.min(rung, phase.rung), ms: 0, at: now },
  }
}

/** Stops the fresh process where it stands; its weighted evidence stays part of the sum. */
function keepFresh(slices: number, state: StepTrial): StepTrial {
  if (!state.fresh) return state
  const closed = sliceOf(slices) + meanLog(state.fresh)
  const kept = state.kept === null ? closed : meanLog([state.kept, closed]) + Math.LN2
  return { ...state, fresh: null, kept: rounded(kept) }
}

/** Evidence for the climb starts anew: without the reset one 5-minute outage stalled 90 % of ramps for an hour (facts). */
function outage(trial: Trial, at: { rung: number; ms: number }, index: number, now: Instant): Trial {
  return {
    ...trial,
    steps: trial.steps.map((state) => ({ ...state, ...QUIET, canaryNow: NONE, stableNow: NONE })),
    alarmed: null,
    outage: null,
    outages: trial.outages + 1,
    phase: { phase: 'outage', rung: at.rung, ms: at.ms, until: now + trial.plan.outageMs, step: index },
  }
}

const QUIET = { canaryAlarm: noAlarm(), stableAlarm: noAlarm() }

function endOutage(trial: Trial, phase: Extract<Phase, { phase: 'outage' }>, now: Instant): Trial {
  const lasts = trial.outage !== null
  if (lasts && trial.outages < OUTAGES_MAX) return outage(trial, phase, trial.outage ?? phase.step, now)
  const steps = trial.steps.map((state) => {
    const { units, failed } = state.stableNow
    // What has lasted this long is the service's normal. It weighs little, so that better times are believed soon.
    const normal = lasts && units > 0 ? { p: clampRate(failed / units), pUnits: HISTORY_UNITS_MIN } : {}
    return { ...state, ...normal, ...QUIET, canaryNow: NONE, stableNow: NONE }
  })
  const ramp: Phase = { phase: 'ramp', rung: phase.rung, ms: phase.ms, at: now }
  return { ...trial, steps, alarmed: null, outage: null, outages: 0, phase: ramp }
}

function placeOf(phase: Phase): string {
  return 'rung' in phase ? `${phase.phase} ${phase.rung}` : phase.phase
}

function sessionsOf(steps: readonly StepVerdict[], arm: 'canary' | 'stable'): { sessions: number; failed: number } {
  const busiest = new Map<string, number>()
  let failed = 0
  for (const row of steps) {
    busiest.set(row.journey, Math.max(busiest.get(row.journey) ?? 0, row[arm].units))
    failed += row[arm].failed
  }
  return { sessions: [...busiest.values()].reduce((sum, n) => sum + n, 0), failed }
}
