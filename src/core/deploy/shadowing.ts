/**
 * Before any citizen meets the new release, it gets copies of what they ask the old one, and its answers are compared (core/shadow).
 * Time and sample and bound and every intended difference have to be there; only then the trial begins. Nothing is at stake meanwhile:
 * the old release answers everybody, and whatever goes wrong ends with that.
 */
import type { Json } from '../json.ts'
import { judgeShadow, type ShadowPlan } from '../shadow/judge.ts'
import { loadManifest, NO_MANIFEST } from '../shadow/manifest.ts'
import { addSums, NO_SUMS, type Sums } from '../shadow/tally.ts'
import { durationOf, HOUR, type Instant } from '../time.ts'
import { DEAD_MS, type DeploymentSeen } from './deployment.ts'
import type { Draft } from './draft.ts'
import { openNextTrial } from './on-trial.ts'
import { rollBack } from './rolling-back.ts'

export interface ShadowingPlan extends ShadowPlan {
  /** Text of the manifest of intended differences, frozen with the plan; '' for none. */
  readonly manifest: string
  readonly tolerance: number
  readonly inFlightMax: number
  /** "journey/step" of unsafe requests that are copied, too. */
  readonly unsafe: readonly string[]
  /** After this long the shadow has proven too little, in ms. */
  readonly msMax: number
}

export interface Shadowing {
  /** What was compared before the traffic layer last began to count anew. */
  readonly before: Sums
  /** What it tells since then. */
  readonly now: Sums
  readonly deadSince: Instant | null
}

/** Proof takes as long as it takes, and an evening without citizens is no reason to give up; three days are. */
export const SHADOW_MS_MAX = 72 * HOUR

export function totalOf(shadowing: Shadowing): Sums {
  return addSums(shadowing.before, shadowing.now)
}

export function openShadow(draft: Draft): void {
  const { plan, steering } = draft.state
  const { msMin, msMax } = plan.shadow!
  draft.set({ shadow: { before: NO_SUMS, now: NO_SUMS, deadSince: null } })
  const why = `Release ${plan.next.release} gets copies of what citizens ask ${plan.previous?.release}, for at least ${durationOf(msMin)}. Its answers are compared, and nobody sees them.`
  draft.entry('shadow.begun', why)
  draft.enter({ name: 'shadowing', since: draft.now, deadline: draft.now + Math.max(msMax, msMin) }, why)
  draft.steer({ weight: 0, moveFrom: null, generation: steering!.generation, shadow: true })
}

export function shadowingTick(draft: Draft, seen: DeploymentSeen): void {
  const { phase, plan } = draft.state
  if (phase.name !== 'shadowing') return
  takeSums(draft, seen)
  if (isDead(draft, seen)) return rollBack(draft, `Release ${plan.next.release} has no healthy replica left.`)
  const shadowing = draft.state.shadow!
  const sums = totalOf(shadowing)
  const manifest = loadManifest(plan.shadow!.manifest, 'manifest').manifest ?? NO_MANIFEST
  const { decision, why } = judgeShadow(plan.shadow!, manifest, sums, phase.since, draft.now)
  if (draft.state.lastWhy !== why) draft.set({ lastWhy: why })
  if (decision === 'failed') {
    draft.entry('shadow.failed', why, figuresOf(sums))
    return rollBack(draft, why)
  }
  if (decision === 'passed') {
    draft.entry('shadow.passed', why, figuresOf(sums))
    draft.measure({ trialAt: draft.now })
    return openNextTrial(draft)
  }
  if (phase.deadline > draft.now) return
  draft.entry('shadow.failed', `The shadow did not prove enough in time. ${why}`, figuresOf(sums))
  rollBack(draft, `The shadow did not prove enough in time. ${why}`)
}

function takeSums(draft: Draft, seen: DeploymentSeen): void {
  const told = seen.status?.shadow
  const { plan, shadow } = draft.state
  if (!told || !shadow || told.run !== plan.id) return
  // A traffic layer that was started anew counts from nothing; what it told before still happened.
  const anew = told.sums.compared + told.sums.cannotTell < shadow.now.compared + shadow.now.cannotTell
  const before = anew ? totalOf(shadow) : shadow.before
  draft.set({ shadow: { ...shadow, before, now: told.sums } })
}

function isDead(draft: Draft, seen: DeploymentSeen): boolean {
  const shadow = draft.state.shadow!
  if (!seen.status) return false
  const alive = seen.status.backends.some(({ arm, healthy }) => arm === 'canary' && healthy)
  const deadSince = alive ? null : (shadow.deadSince ?? draft.now)
  if (deadSince !== shadow.deadSince) draft.set({ shadow: { ...shadow, deadSince } })
  return deadSince !== null && draft.now - deadSince >= DEAD_MS
}

function figuresOf({ compared, same, explained, unexplained, cannotTell, cohorts, places }: Sums) {
  return { compared, same, explained, unexplained, cannotTell, cohorts, places } as unknown as Record<string, Json>
}
