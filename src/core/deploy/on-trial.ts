/** While citizens meet the new release: weigh the evidence, move the weight, decide. The mathematics is in trial.ts. */
import type { Instant } from '../time.ts'
import { percentOf } from '../words.ts'
import { backfillTick } from './backfill.ts'
import type { DeploymentSeen, DeploymentState } from './deployment.ts'
import type { Draft } from './draft.ts'
import { promote } from './finishing.ts'
import { isPaced, weightOf } from './ramp.ts'
import { observeRings, openRing, ringHarm, ringMisses, ringProof, tenantRule } from './rings.ts'
import { batchFor, beginMove, moveTick, oldArm, oldCanCarry } from './rolling.ts'
import { rollBack } from './rolling-back.ts'
import { decide, observe, openTrial, type StepVerdict, type TrialPlan, type Verdict } from './trial.ts'

const CHART_MAX = 240

/**
 * Opens the first trial, or the next one after a halt. The first may spend four fifths of the deployment's false-rollback budget, those
 * after it a tenth, a twentieth and so on: together never more than all of it. `leave`: citizens leave the new release for it.
 */
export function openNextTrial(draft: Draft, leave = false): void {
  const { plan, trials, steering, rings } = draft.state
  // A halt moved every session back; those units are no evidence for the new trial.
  const generation = steering!.generation + 1
  const moveFrom = leave && oldCanCarry(draft.state) ? 'canary' : null
  const arms = { stable: oldArm(draft.state), canary: draft.state.canary }
  if (plan.rings) {
    openRing(draft, rings?.index ?? 0, rings !== undefined)
    draft.set({ trials: trials + 1 })
    draft.enter({ name: 'on-trial', deadSince: null }, draft.state.lastWhy)
    return steerRings(draft, { ...arms, moveFrom, generation }, {})
  }
  const alpha = plan.trial.alpha * (trials === 0 ? 0.8 : 0.2 / 2 ** trials)
  draft.set({
    trials: trials + 1,
    trial: openTrial({ ...plan.trial, ...rungsLeft(draft, leave), alpha, generation }, draft.now),
  })
  const { weight, trial } = decide(draft.state.trial!, draft.now)
  draft.set({ trial })
  const meets = trials === 0 ? 'meets its first citizens' : 'is on trial again'
  const why = `Release ${plan.next.release} ${meets}: ${percentOf(weight)} of new sessions.`
  draft.entry('weight.changed', why, { weight, before: 0 })
  draft.enter({ name: 'on-trial', deadSince: null }, why)
  draft.steer({ ...arms, weight, moveFrom, generation })
}

/**
 * Old replicas that are gone cannot take a small rung's share back: such a trial stands on the top rung. A trial that an alarm has opened
 * begins as every suspicion does, at the hold weight.
 */
function rungsLeft({ state }: Draft, leave: boolean): Partial<TrialPlan> {
  const { rungs, holdWeight } = state.plan.trial
  if (!oldCanCarry(state)) return { strategy: 'canary', rungs: [], atOnce: true }
  return leave ? { strategy: 'canary', rungs: [holdWeight, ...rungs.filter((rung) => rung > holdWeight)] } : {}
}

/** An alarm rang after the promotion: traffic goes to the old release at once, which is warm, and evidence decides anew. */
export function backOnTrial(draft: Draft, because: string): void {
  const { plan } = draft.state
  draft.entry('back-on-trial', `${because} It is on trial again, beside ${plan.previous?.release}, which is warm.`)
  draft.measure({ decidedAt: null, drainedAt: null })
  const { superseded } = draft.state
  draft.set({ serving: plan.previous?.release ?? null, suspected: false, ...(superseded ? { superseded: false } : {}) })
  openNextTrial(draft, true)
  draft.set({ lastWhy: because })
}

export function onTrialTick(draft: Draft, seen: DeploymentSeen, limits: { blindMs: number; deadMs: number }): void {
  if (isBlind(draft, seen, limits.blindMs)) {
    return rollBack(draft, `We have been blind for ${limits.blindMs / 1_000} s: ${seen.why ?? 'no counts arrive'}.`)
  }
  if (draft.state.plan.rings) observeRings(draft, seen)
  takeCounts(draft, seen)
  if (isDead(draft, seen, limits.deadMs)) {
    return rollBack(draft, `Release ${draft.state.plan.next.release} has no healthy replica left.`)
  }
  if (draft.state.plan.backfill?.when === 'during-trial') backfillTick(draft)
  if (draft.state.plan.rings) return ringsTick(draft)
  const { trial: before, steering } = draft.state
  const judged = decide(before!, draft.now)
  draft.set({ trial: judged.trial, lastWhy: judged.why, worst: worstOf(judged.steps) })
  draft.measure({ canarySessions: judged.canary.sessions, canaryFailed: judged.canary.failed })
  plot(draft, judged.evidence, judged.weight)
  const figures = figuresOf(judged)
  if (judged.decision === 'rollback') {
    draft.entry('evidence.proof', judged.why, figures)
    return rollBack(draft, judged.why)
  }
  noteSuspicion(draft, judged)
  // While no replica of the new release is healthy its sessions are answered by the old one: good counts prove nothing then.
  const climbs = judged.decision === 'promote' || judged.weight > steering!.weight
  if (isFrail(draft) && climbs) return
  if (draft.state.rolling && !replicasReady(draft, seen, judged, climbs)) {
    // The climb waits for its replicas: the trial stays on its rung, and nothing that it has counted is lost.
    if (draft.state.phase.name === 'on-trial' && climbs)
      return draft.set({ trial: { ...before!, pace: { ...before!.pace, lookedAt: draft.now } } })
    if (draft.state.phase.name !== 'on-trial') return
  }
  if (judged.decision === 'promote') return promote(draft, judged.why)
  if (judged.weight !== steering!.weight || judged.moveSessions) {
    draft.entry('weight.changed', judged.why, { ...figures, weight: judged.weight, before: steering!.weight })
    const moves = judged.moveSessions && oldCanCarry(draft.state)
    const generation = draft.state.steering!.generation + (moves ? 1 : 0)
    draft.steer({ weight: judged.weight, moveFrom: moves ? 'canary' : null, generation })
  }
}

/** Strategy rolling: true when the replicas that the verdict's share needs run and are attached. */
function replicasReady(draft: Draft, seen: DeploymentSeen, judged: Verdict, climbs: boolean): boolean {
  const plan = draft.state.plan.rolling!
  const moved = moveTick(draft, seen)
  if (typeof moved === 'object') {
    rollBack(draft, moved.failed)
    return false
  }
  if (moved === 'busy') return false
  // Counted from what is attached: a move may also end with the answer to its last order.
  const up = draft.state.canary?.backends.length ?? 0
  const batch = Math.max(
    0,
    plan.batches.findLastIndex((count) => count <= up),
  )
  const rolling = draft.state.rolling!
  if (batch !== rolling.batch) draft.set({ rolling: { ...rolling, batch } })
  const wanted = climbs ? batchFor(plan, judged.weight, judged.decision === 'promote') : batch
  if (wanted <= batch) return true
  const old = Math.min(rolling.old.backends.length, plan.replicas - plan.batches[batch]!)
  beginMove(draft, { old, next: plan.batches[batch + 1]! })
  return false
}

/** Every ring by itself: a proof in one of them takes the whole release back; the ring whose turn it is may pass to the next. */
function ringsTick(draft: Draft): void {
  const { plan, rings, trial } = draft.state
  const held: Record<string, number> = {}
  let moves = false
  const proven = []
  for (const ring of rings!.proven) {
    const judged = decide(ring.trial, draft.now)
    if (judged.decision === 'rollback') return provenHarm(draft, ring.id, judged)
    const calm = judged.trial.phase.phase !== 'suspect'
    if (!calm) held[ring.id] = judged.weight
    moves ||= judged.moveSessions
    // A ring that would promote waits for the others; its trial goes on watching.
    proven.push({ ...ring, trial: judged.decision === 'promote' ? ring.trial : judged.trial })
  }
  draft.set({ rings: { ...rings!, proven } })
  countRings(draft)
  if (!trial) return resteerRings(draft, moves, 0, held)
  const ring = plan.rings!.rings[rings!.index]!
  const judged = decide(trial, draft.now)
  if (judged.decision === 'rollback') return provenHarm(draft, ring.id, judged)
  draft.set({ trial: judged.decision === 'promote' ? trial : judged.trial, worst: worstOf(judged.steps) })
  plot(draft, judged.evidence, judged.weight)
  noteSuspicion(draft, judged)
  // The ring is held at its own share: time below it does not count.
  const below = isPaced(judged.trial) ? draft.now - (trial.pace.lookedAt ?? rings!.since!) : 0
  const since = Math.min(draft.now, rings!.since! + Math.max(0, below))
  if (since !== rings!.since) draft.set({ rings: { ...draft.state.rings!, since } })
  const misses = ringMisses(ring, since, judged, draft.now)
  draft.set({ lastWhy: `Ring ${ring.id}: ${misses ?? judged.why}` })
  if (misses !== null || isFrail(draft)) return resteerRings(draft, moves || judged.moveSessions, judged.weight, held)
  const says = ringProof(ring, judged)
  draft.entry('ring.proven', says, { ring: ring.id, ...figuresOf(judged) })
  const index = rings!.index + 1
  // The last ring's trial stays the deployment's own: it listens on after the promotion.
  if (index === plan.rings!.rings.length) return promote(draft, `Every ring is proven. ${says}`)
  const done = { id: ring.id, at: draft.now, trial: draft.state.trial! }
  draft.set({ rings: { index, since: null, proven: [...draft.state.rings!.proven, done] } })
  openRing(draft, index, false)
  draft.enter({ name: 'on-trial', deadSince: null }, draft.state.lastWhy)
  steerRings(draft, { moveFrom: null }, held)
}

function provenHarm(draft: Draft, ring: string, judged: Verdict): void {
  draft.set({ worst: worstOf(judged.steps) })
  countRings(draft)
  draft.entry('evidence.proof', `Ring ${ring}: ${judged.why}`, { ring, ...figuresOf(judged) })
  rollBack(draft, `Ring ${ring}: ${judged.why}. ${ringHarm(draft.state)}`)
}

/** What all rings together have met: the harm that the deployment answers for. */
function countRings(draft: Draft): void {
  const { rings, trial } = draft.state
  const all = [...rings!.proven.map((one) => one.trial), ...(trial ? [trial] : [])]
  const sums = all.map((one) => decide(one, draft.now).canary)
  draft.measure({
    canarySessions: sums.reduce((sum, { sessions }) => sum + sessions, 0),
    canaryFailed: sums.reduce((sum, { failed }) => sum + failed, 0),
  })
}

/** Tells the traffic layer only what has changed. */
function resteerRings(draft: Draft, moves: boolean, weight: number, held: Readonly<Record<string, number>>): void {
  const { plan, rings, steering } = draft.state
  const rule = tenantRule(plan.rings!, rings!, weight, held)
  if (!moves && JSON.stringify(rule) === JSON.stringify(steering!.tenants)) return
  draft.entry('weight.changed', draft.state.lastWhy, { weight, before: steering!.weight })
  const generation = steering!.generation + (moves ? 1 : 0)
  steerRings(draft, { moveFrom: moves ? 'canary' : null, generation }, held, weight)
}

function steerRings(
  draft: Draft,
  change: Parameters<Draft['steer']>[0],
  held: Readonly<Record<string, number>>,
  share?: number,
): void {
  const { plan, rings, trial } = draft.state
  const weight = share ?? (rings!.since === null || !trial ? 0 : weightOf(trial))
  const tenants = tenantRule(plan.rings!, rings!, weight, held)
  const top = Math.max(0, ...tenants.rings.map((one) => one.weight), tenants.rest?.weight ?? 0)
  draft.steer({ ...change, tenants, weight: top })
}

function figuresOf(judged: Verdict) {
  return {
    evidence: judged.evidence,
    threshold: judged.threshold,
    canarySessions: judged.canary.sessions,
    canaryFailed: judged.canary.failed,
    stableSessions: judged.stable.sessions,
    stableFailed: judged.stable.failed,
  }
}

function noteSuspicion(draft: Draft, judged: Verdict): void {
  const isSuspected = judged.decision === 'suspect'
  // Once when suspicion begins; its sentence changes with every citizen.
  if (isSuspected && !draft.state.suspected) draft.entry('evidence.suspect', judged.why, figuresOf(judged))
  if (isSuspected !== draft.state.suspected) draft.set({ suspected: isSuspected })
}

function isFrail({ state }: Draft): boolean {
  return state.phase.name === 'on-trial' && state.phase.deadSince !== null
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
    // With rings each trial has taken its own part already.
    if (!draft.state.plan.rings) trial = observe(trial!, batch)
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
