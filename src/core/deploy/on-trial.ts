/** While citizens meet the new release: weigh the evidence, move the weight, decide. The mathematics is in trial.ts. */
import type { Instant } from '../time.ts'
import { percentOf } from '../words.ts'
import type { DeploymentSeen, DeploymentState } from './deployment.ts'
import type { Draft } from './draft.ts'
import { promote } from './finishing.ts'
import { rollBack } from './rolling-back.ts'
import { decide, observe, openTrial, type StepVerdict } from './trial.ts'

const CHART_MAX = 240

/**
 * Opens the first trial, or the next one after a halt. The first may spend four fifths of the deployment's false-rollback budget, those
 * after it a tenth, a twentieth and so on: together never more than all of it.
 */
export function openNextTrial(draft: Draft): void {
  const { plan, trials, steering } = draft.state
  // A halt moved every session back; those units are no evidence for the new trial.
  const generation = steering!.generation + 1
  const alpha = plan.trial.alpha * (trials === 0 ? 0.8 : 0.2 / 2 ** trials)
  draft.set({ trials: trials + 1, trial: openTrial({ ...plan.trial, alpha }, draft.now) })
  const { weight, trial } = decide(draft.state.trial!, draft.now)
  draft.set({ trial })
  const why = `Release ${plan.next.release} meets its first citizens: ${percentOf(weight)} of new sessions.`
  draft.entry('weight.changed', why, { weight, before: 0 })
  draft.enter({ name: 'on-trial', deadSince: null }, why)
  draft.steer({ weight, moveFrom: null, generation })
}

export function onTrialTick(draft: Draft, seen: DeploymentSeen, limits: { blindMs: number; deadMs: number }): void {
  if (isBlind(draft, seen, limits.blindMs)) {
    return rollBack(draft, `We have been blind for ${limits.blindMs / 1_000} s: ${seen.why ?? 'no counts arrive'}.`)
  }
  takeCounts(draft, seen)
  if (isDead(draft, seen, limits.deadMs)) {
    return rollBack(draft, `Release ${draft.state.plan.next.release} has no healthy replica left.`)
  }
  const { trial: before, steering, suspected } = draft.state
  const judged = decide(before!, draft.now)
  draft.set({ trial: judged.trial, lastWhy: judged.why, worst: worstOf(judged.steps) })
  draft.measure({ canarySessions: judged.canary.sessions, canaryFailed: judged.canary.failed })
  plot(draft, judged.evidence, judged.weight)
  const figures = {
    evidence: judged.evidence,
    threshold: judged.threshold,
    canarySessions: judged.canary.sessions,
    canaryFailed: judged.canary.failed,
    stableSessions: judged.stable.sessions,
    stableFailed: judged.stable.failed,
  }
  if (judged.decision === 'rollback') {
    draft.entry('evidence.proof', judged.why, figures)
    return rollBack(draft, judged.why)
  }
  const isSuspected = judged.decision === 'suspect'
  // Once when suspicion begins; its sentence changes with every citizen.
  if (isSuspected && !suspected) draft.entry('evidence.suspect', judged.why, figures)
  if (isSuspected !== suspected) draft.set({ suspected: isSuspected })
  // While no replica of the new release is healthy its sessions are answered by the old one: good counts prove nothing then.
  const frail = draft.state.phase.name === 'on-trial' && draft.state.phase.deadSince !== null
  if (frail && (judged.decision === 'promote' || judged.weight > steering!.weight)) return
  if (judged.decision === 'promote') return promote(draft, judged.why)
  if (judged.weight !== steering!.weight || judged.moveSessions) {
    draft.entry('weight.changed', judged.why, { ...figures, weight: judged.weight, before: steering!.weight })
    const generation = steering!.generation + (judged.moveSessions ? 1 : 0)
    draft.steer({ weight: judged.weight, moveFrom: judged.moveSessions ? 'canary' : null, generation })
  }
}

/** The step with the strongest evidence against the canary, among those where it failed anybody. */
function worstOf(steps: readonly StepVerdict[]): DeploymentState['worst'] {
  const bad = steps.filter(({ canary }) => canary.failed > 0)
  if (bad.length === 0) return null
  const { journey, step, slow, canary } = bad.reduce((worst, one) => (one.evidence > worst.evidence ? one : worst))
  return { journey, step, slow: slow * 2 > canary.failed }
}

function isBlind(draft: Draft, seen: DeploymentSeen, blindMs: number): boolean {
  const blind = seen.counts === null || seen.status === null
  if (!blind) {
    if (draft.state.blindSince !== null) draft.set({ blindSince: null })
    return false
  }
  const since = draft.state.blindSince ?? draft.now
  if (draft.state.blindSince === null) draft.set({ blindSince: since })
  return draft.now - since >= blindMs
}

function takeCounts(draft: Draft, seen: DeploymentSeen): void {
  if (!seen.counts || seen.counts.batches.length === 0) return
  let { trial, cursor } = draft.state
  let firstFailedAt: Instant | null = draft.state.measured.firstFailedAt
  for (const batch of seen.counts.batches) {
    if (batch.seq <= cursor) continue
    trial = observe(trial!, batch)
    cursor = batch.seq
    if (firstFailedAt === null && batch.counts.some(isHarm)) firstFailedAt = batch.from
  }
  draft.set({ trial, cursor })
  draft.measure({ firstFailedAt })
  if (seen.counts.gap)
    draft.entry('evidence.gap', 'Some counts were lost. Evidence already weighed stays; none is invented for the gap.')
}

function isHarm(counts: { arm: string; visitor: string; failed: number }): boolean {
  return counts.arm === 'canary' && counts.visitor === 'citizen' && counts.failed > 0
}

function isDead(draft: Draft, seen: DeploymentSeen, deadMs: number): boolean {
  const { phase } = draft.state
  if (phase.name !== 'on-trial' || !seen.status) return false
  const alive = seen.status.backends.some(({ arm, healthy }) => arm === 'canary' && healthy)
  const deadSince = alive ? null : (phase.deadSince ?? draft.now)
  if (deadSince !== phase.deadSince) draft.set({ phase: { ...phase, deadSince } })
  return deadSince !== null && draft.now - deadSince >= deadMs
}

/** A point at most each half second, thinned to every second one when full, so that a long trial still fits on one chart. */
function plot(draft: Draft, evidence: number, weight: number): void {
  const { chart } = draft.state
  const last = chart[chart.length - 1]
  if (last && last.weight === weight && draft.now - last.at < spacing(chart)) return
  const full = chart.length >= CHART_MAX
  const kept = full ? chart.filter((point, i) => i % 2 === 0 || point.weight !== chart[i - 1]?.weight) : chart
  draft.set({ chart: [...kept, { at: draft.now, evidence, weight }].slice(-CHART_MAX) })
}

function spacing(chart: DeploymentState['chart']): number {
  const first = chart[0]
  const last = chart[chart.length - 1]
  return first && last ? Math.max(500, (last.at - first.at) / CHART_MAX) : 500
}
