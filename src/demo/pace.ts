import { fileURLToPath } from 'node:url'
import type { DeploymentPlan } from '../core/deploy/deployment.ts'
import type { GatePlan } from '../core/deploy/gate.ts'
import { MINUTE } from '../core/time.ts'
import { runner } from '../entry.ts'
import { moduleUrl } from './scene.ts'

/**
 * The demo shows in a minute what takes a service half an hour: shorter rungs and bake, and a wider margin, because a few hundred
 * citizens cannot prove half a percent. The false-rollback budget is the definition's own.
 */
export const PACE = {
  rungs: [0.12, 0.35],
  rungMsMin: 1_500,
  margin: 0.08,
  bakeMs: 3_000,
  holdWeight: 0.12,
  suspicionMs: 6_000,
  outageMs: 4_000,
}

/** Whatever the calendar says: the demo's citizens are invented. */
export const LEFT_OUT = ['window'] as const

export function atDemoPace(plan: DeploymentPlan): DeploymentPlan {
  const gates = demoGates(plan.gates ?? [])
  return { ...plan, gates, next: withProgram(plan), trial: { ...plan.trial, ...PACE }, drainMsMax: 8_000 }
}

/** The same, and a second invented person has to agree. */
export function withApproval(plan: DeploymentPlan): DeploymentPlan {
  const people = { people: 1, roles: ['approver'], waitMs: MINUTE, validMs: MINUTE }
  const known = [{ id: 'ben', name: 'Ben T' }]
  return { ...atDemoPace(plan), approvals: 1, approval: { ...people, may: known, known } }
}

/** Of the definition's commands this machine has one: the others are your pipeline's. What Holdfast asks by itself is asked here, too. */
function demoGates(gates: readonly GatePlan[]): readonly GatePlan[] {
  const { command, args } = runner(fileURLToPath(moduleUrl('gates/decisions')))
  const run = [command, ...args]
  return gates
    .filter(({ id, how }) => how !== 'command' || id === 'decision-table')
    .map((gate) => (gate.how === 'command' ? { ...gate, run } : gate))
}

/** The definition says `node main.js` in the release's folder; here that is the built program, or the source through tsx. */
function withProgram({ next, application }: DeploymentPlan): DeploymentPlan['next'] {
  // A rehearsal gives a release a name of its own.
  const { command, args } = runner(fileURLToPath(moduleUrl(`releases/${application ?? next.release}/main`)))
  return { ...next, command: [command, ...args], startMsMax: 20_000 }
}
