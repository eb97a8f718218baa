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
import { paced, paceOf, STANDING } from './pace.ts'
import { climb, expectedRate, HISTORY_UNITS_MAX, weightOf } from './ramp.ts'
import type { Phase, StepTrial, StepVerdict, Tally, Trial, TrialPlan, TrialStep, Verdict } from './trial-shape.ts'
import {
  clampRate,
  countStep,
  flush,
  freshStep,
  HISTORY_UNITS_MIN,
  keepFresh,
  MAIN_SHARE,
  NONE,
  plus,
  QUIET,
  stepEvidence,
  withEvidence,
} from './trial-step.ts'
import { whyOf } from './trial-words.ts'
import { worstRate } from './verdict-bounds.ts'
import { GUESSES } from './verdict-evidence.ts'

export * from './trial-shape.ts'

/** Odds at which the new release is held at low weight before any alarm, and at which it is let go. A good release meets them in at most 1 of 30 deployments. */
const LEAN_IN = Math.log(30)
export const LEAN_OUT = Math.log(10)
/** Slices after this one are too thin to ever prove anything: a millionth of α. */
const SLICES_MAX = 18
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
    pace: STANDING,
    sat: 0,
    split: { share: 0, canary: 0, stable: 0 },
    probes: NONE,
    stableProbes: NONE,
    segments: {},
  }
}

/** Adds a step that appeared while the trial runs (a recorded stream without a definition). It brings its own share of α. */
export function addStep(trial: Trial, step: TrialStep): Trial {
  const plan = { ...trial.plan, steps: [...trial.plan.steps, step] }
  invariant(plan.steps.reduce((sum, one) => sum + one.omega, 0) <= 1 + 1e-9, 'the steps share one alpha')
  return { ...trial, plan, steps: [...trial.steps, freshStep(step)] }
}

/** The trial with one more batch. The same batch twice counts once. Runs at each batch of each release on trial: it walks the rows once. */
export function observe(trial: Trial, batch: CountBatch): Trial {
  if (batch.seq <= trial.seq) return trial
  const { plan } = trial
  const { generation, byStep, probes, stableProbes, any } = sortRows(trial, batch)
  const closed = trial.steps.map((_, i) => citizensOf(byStep[i]))
  const pace = paceOf(trial.pace, trial.openedAt, batch.to, closed)
  const { seq } = batch
  const lost = trial.lost + lostBefore(trial, batch)
  if (!any) return { ...trial, seq, lost, generation, pace }
  const steps = trial.steps.slice()
  let { split, proven, alarmed, outage, segments } = trial
  for (let index = 0; index < steps.length; index++) {
    const used = byStep[index]
    if (!used) continue
    const counted = countStep(trial, steps[index]!, plan.steps[index]!, used)
    steps[index] = counted.step
    if (index === 0) split = splitOf(split, used)
    if (counted.checked && proven === null && proves(trial, index, counted.step)) proven = index
    if (counted.alarmed && alarmed === null) alarmed = index
    if (counted.outage && outage === null) outage = index
    segments = segmentsOf(segments, used)
  }
  const lastSeenAt = batch.to
  return {
    ...trial,
    seq,
    lost,
    generation,
    lastSeenAt,
    steps,
    proven,
    alarmed,
    outage,
    pace,
    split,
    probes,
    stableProbes,
    segments,
  }
}

/** The trial's phases moved on to `now`, without the words: what a simulation of millions of ticks needs of `decide`. */
export function advance(trial: Trial, now: Instant): { trial: Trial; weight: number; moveSessions: boolean } {
  const stepped = step(trial, now)
  const moved = { ...stepped, pace: paced(stepped, now) }
  const { plan, phase } = moved
  const alarmed = phase.phase === 'suspect' && phase.by === 'alarm' && trial.phase.phase !== 'suspect'
  const leaves = alarmed && Math.max(trial.sat, weightOf(trial)) > plan.holdWeight
  const weight = weightOf(moved)
  const sat = leaves ? weight : Math.max(trial.sat, weight)
  return { trial: { ...moved, sat }, weight, moveSessions: leaves || phase.phase === 'rolled-back' }
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

function lostBefore(trial: Trial, batch: CountBatch): number {
  return trial.seq === 0 ? 0 : batch.seq - trial.seq - 1
}

/** The rows of the newest generation, by step, and what our own journeys met. `byStep` leaves out what is no evidence. */
function sortRows(trial: Trial, { counts }: CountBatch) {
  const { plan } = trial
  let { generation, probes, stableProbes } = trial
  for (const row of counts) if (row.generation > generation) generation = row.generation
  const byStep: (StepCounts[] | undefined)[] = []
  let any = false
  for (const row of counts) {
    if (row.generation !== generation || row.ok + row.failed + row.retries === 0) continue
    any = true
    if (row.visitor === 'probe') {
      if (row.arm === 'canary') probes = plus(probes, row.ok + row.failed, row.failed)
      else stableProbes = plus(stableProbes, row.ok + row.failed, row.failed)
    }
    if (row.visitor !== 'citizen' && !(row.visitor === 'probe' && plan.synthetic)) continue
    const index = plan.steps.findIndex((one) => one.step === row.step && one.journey === row.journey)
    if (index < 0) continue
    const mine = byStep[index]
    if (mine) mine.push(row)
    else byStep[index] = [row]
  }
  return { generation, byStep, probes, stableProbes, any }
}

function citizensOf(rows: readonly StepCounts[] | undefined): number {
  let units = 0
  for (const { visitor, ok, failed } of rows ?? []) if (visitor === 'citizen') units += ok + failed
  return units
}

/** Who is hurt: units of the new release by segment, so that a proof can name the group. Not evidence. */
function segmentsOf(segments: Trial['segments'], rows: readonly StepCounts[]): Trial['segments'] {
  let next: Record<string, Tally> | undefined
  for (const row of rows) {
    if (row.arm !== 'canary' || row.segment === '') continue
    const known = next ?? segments
    const old = Object.hasOwn(known, row.segment) ? known[row.segment]! : NONE
    if (old === NONE && Object.keys(known).length >= SEGMENTS_MAX) continue
    next ??= { ...segments }
    next[row.segment] = plus(old, row.ok + row.failed, row.failed)
  }
  return next ?? segments
}

/** As many as a gateway tells apart (counts.ts). */
const SEGMENTS_MAX = 16

function splitOf(split: Trial['split'], rows: readonly StepCounts[]): Trial['split'] {
  const last = rows.findLast(throwsCoin)
  if (!last) return split
  const { share } = last
  let { canary, stable } = share === split.share ? split : { canary: 0, stable: 0 }
  for (const row of rows) {
    if (!throwsCoin(row) || row.share !== share) continue
    if (row.arm === 'canary') canary += row.ok + row.failed
    else stable += row.ok + row.failed
  }
  return { share, canary, stable }
}

function throwsCoin({ visitor, share }: StepCounts): boolean {
  return visitor === 'citizen' && share > 0 && share < 1
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
      if (mends(trial, phase.step)) return resume(trial, phase, now)
      return now < phase.until ? trial : endOutage(trial, phase, now)
    case 'suspect':
      return suspected(trial, phase, now)
    case 'ramp': {
      // First the outage: an alarm on the new release is no news while the running one fails as well.
      if (trial.outage !== null && !mends(trial, trial.outage)) return outage(trial, phase, trial.outage, now)
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
    // Whoever came before the alarm does not answer for the release any more.
    const closed = withEvidence({ ...state, pending: [], shown: NONE }, flushed.closed)
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

/** Evidence for the climb starts anew: without the reset one 5-minute outage stalled 90 % of ramps for an hour (facts). */
function outage(trial: Trial, at: { rung: number; ms: number }, index: number, now: Instant): Trial {
  return {
    ...trial,
    steps: trial.steps.map((state) => ({ ...state, ...grown(state), ...QUIET, canaryNow: NONE, stableNow: NONE })),
    alarmed: null,
    outage: null,
    outages: trial.outages + 1,
    phase: { phase: 'outage', rung: at.rung, ms: at.ms, until: now + trial.plan.outageMs, step: index },
  }
}

/** Stable units from which its failing is more than bad luck. */
const MENDS_UNITS = 20

/**
 * True when the new release is seen to work where the running one fails: at most half of its failures, with the chance of error that
 * every gate of the climb has. A release that mends the fault must not wait for the fault to end.
 */
function mends(trial: Trial, index: number): boolean {
  const { canaryNow, stableNow, p } = trial.steps[index]!
  if (stableNow.units < MENDS_UNITS) return false
  const failing = stableNow.failed / stableNow.units
  return worstRate(canaryNow.units, canaryNow.failed, p, trial.plan.miss) <= failing / 2
}

/** Back to the climb from where it stood. */
function resume(trial: Trial, { rung, ms }: Extract<Phase, { phase: 'outage' }>, now: Instant): Trial {
  const steps = trial.steps.map((state) => ({ ...state, ...QUIET }))
  return { ...trial, steps, outage: null, outages: 0, phase: { phase: 'ramp', rung, ms, at: now } }
}

/** Thin history learns from what is about to be forgotten: a rate that was guessed too low would ring again and again. */
function grown(state: StepTrial): Partial<StepTrial> {
  if (state.pUnits >= HISTORY_UNITS_MAX) return {}
  return { p: clampRate(expectedRate(state)), pUnits: state.pUnits + state.stableNow.units }
}

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
