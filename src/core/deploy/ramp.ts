/**
 * The climb of the new release's share of traffic: a rung is left upwards when enough time has passed on it and the counts show
 * that the next share cannot hurt more citizens than the margin allows. Evidence opens each gate; time alone never does.
 */
import { type Instant, MINUTE } from '../time.ts'
import type { Phase, StepTrial, Trial, TrialPlan } from './trial-shape.ts'
import { lnBeta, worstRate } from './verdict-bounds.ts'

/** History counts for at most this many units against the trial's own stable units (facts: 1,000). */
export const HISTORY_UNITS_MAX = 1_000
/** Less history than this is treated as this much: a first guess still has to give way slowly enough to be a bet. */
const HISTORY_UNITS_LEAST = 50

/** The rate to expect from a release that is no worse: history and the running release's own recent units, weighed. */
export function expectedRate(state: StepTrial): number {
  const weight = Math.min(HISTORY_UNITS_MAX, Math.max(HISTORY_UNITS_LEAST, state.pUnits))
  const rate = (weight * state.p + state.stableNow.failed) / (weight + state.stableNow.units)
  return Math.min(0.4, Math.max(1e-4, rate))
}

/** What the gate to the next share says about one step. */
export interface GateStep {
  readonly index: number
  /** Highest failure rate of the new release that its counts still allow, and the rate to expect. */
  readonly worst: number
  readonly expected: number
  /** Of all sessions, how many may come to this step, 0 to 1: a journey that few citizens begin can hurt few of them. */
  readonly reach: number
  /** Unproven extra failures per session at the next share; the gate opens at `margin` or less. */
  readonly risk: number
}

/** The step that keeps the gate to share `next` shut most, or the one nearest to doing so. Undefined: no steps at all. */
export function gateOf(trial: Trial, next: number): GateStep | undefined {
  const reaches = reachesOf(trial)
  let worst: GateStep | undefined
  for (const [index, state] of trial.steps.entries()) {
    const reach = reaches[index]!
    const expected = expectedRate(state)
    const limit = worstRate(state.canaryNow.units, state.canaryNow.failed, expected, trial.plan.miss)
    const risk = next * reach * Math.max(0, limit - expected)
    if (!worst || risk > worst.risk) worst = { index, worst: limit, expected, reach, risk }
  }
  return worst
}

/** Longer than citizens take for a journey; a trial that has run this long has seen how many come to each step. */
export const WALK_MS = 30 * MINUTE

/**
 * How many of all sessions may come to each step. Whoever began a journey may yet come to its last step: citizens still on
 * their way must not make that step look rare, so only a long trial believes the running release's own counts.
 */
function reachesOf(trial: Trial): number[] {
  const long = trial.lastSeenAt !== null && trial.lastSeenAt - trial.openedAt >= WALK_MS
  const seen = trial.steps.map((state) => (long ? state.stable.units : state.stableNow.units + state.canaryNow.units))
  const most = Math.max(0, ...seen)
  if (long) return seen.map((units) => (units + 1) / (most + 1))
  const { steps } = trial.plan
  return steps.map(
    ({ journey }) => (Math.max(...seen.filter((_, i) => steps[i]!.journey === journey)) + 1) / (most + 1),
  )
}

/** The share that the gate ahead leads to: the next rung, or everything at the end of the bake. */
export function nextShare(plan: TrialPlan, rung: number): number {
  return plan.rungs[rung + 1] ?? 1
}

/** True when the counts say that more or fewer sessions reached the new release than were sent there. */
export function splitIsWrong(trial: Trial): boolean {
  return trial.plan.splitKnown && splitNats(trial.split) >= SPLIT_NATS
}

/** ln 1e4: a true split is called wrong in at most one of 10,000 deployments and share. */
const SPLIT_NATS = Math.log(1e4)
/** How closely the alternatives crowd around the true share, in units. */
const SPLIT_UNITS = 20

/** Log evidence that the share at the first step is not the one that was thrown: beta mixture around it, valid at every look. */
export function splitNats(split: Trial['split']): number {
  const { share, canary, stable } = split
  if (!(share > 0 && share < 1) || canary + stable === 0) return 0
  const a = SPLIT_UNITS * share
  const b = SPLIT_UNITS * (1 - share)
  return lnBeta(canary + a, stable + b) - lnBeta(a, b) - canary * Math.log(share) - stable * Math.log(1 - share)
}

/** Counts the time on the rung, and takes the next one when its gate is open and no evidence speaks `against` the new release. */
export function climb(trial: Trial, phase: Extract<Phase, { phase: 'ramp' }>, against: boolean, now: Instant): Trial {
  const { plan } = trial
  const last = phase.rung === plan.rungs.length - 1
  const stands = splitIsWrong(trial) || isPaced(trial)
  const ms = stands ? phase.ms : phase.ms + Math.max(0, now - phase.at)
  const counted: Trial = { ...trial, phase: { ...phase, ms, at: now } }
  if (stands || ms < (last ? Math.max(plan.bakeMs, plan.rungMsMin) : plan.rungMsMin)) return counted
  const gate = gateOf(trial, nextShare(plan, phase.rung))
  if (!gate || gate.risk > plan.margin || against) return counted
  if (last) return { ...trial, phase: { phase: 'promoted', at: now } }
  return { ...trial, phase: { phase: 'ramp', rung: phase.rung + 1, ms: 0, at: now } }
}

/** True when the counts alone would let every citizen onto the new release, after `ms` on trial. For recorded streams. */
export function readyForAll(trial: Trial, ms: number): boolean {
  if (trial.phase.phase !== 'ramp' || trial.phase.ms < ms) return false
  const gate = gateOf(trial, 1)
  return gate !== undefined && gate.risk <= trial.plan.margin
}

/** The share of new sessions that belongs to the trial's phase, as far as the pace allows it. */
export function weightOf(trial: Trial): number {
  return Math.min(phaseWeight(trial.plan, trial.phase), trial.pace.cap)
}

/** True while the share is below that of its phase: too few citizens have come to answer for more. */
export function isPaced(trial: Trial): boolean {
  return trial.pace.cap < phaseWeight(trial.plan, trial.phase)
}

function phaseWeight(plan: TrialPlan, phase: Phase): number {
  const top = 1 - plan.holdBack
  switch (phase.phase) {
    case 'warm-up':
    case 'rolled-back':
      return 0
    case 'promoted':
      return top
    case 'suspect':
      return Math.min(plan.rungs[phase.rung]!, plan.holdWeight, top)
    case 'ramp':
    case 'outage':
      return Math.min(plan.rungs[phase.rung]!, top)
  }
}
