import { fileURLToPath } from 'node:url'
import type { DeploymentPlan } from '../core/deploy/deployment.ts'
import { entry } from '../entry.ts'
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

export function atDemoPace(plan: DeploymentPlan): DeploymentPlan {
  return { ...plan, next: withProgram(plan.next), trial: { ...plan.trial, ...PACE }, drainMsMax: 8_000 }
}

/** The definition says `node main.js` in the release's folder; here that is the built program, or the source through tsx. */
function withProgram(next: DeploymentPlan['next']): DeploymentPlan['next'] {
  const { command, args } = entry('gateway/main')
  const main = fileURLToPath(moduleUrl(`releases/${next.release}/main`))
  return { ...next, command: [command, ...args.slice(0, -1), main], startMsMax: 20_000 }
}
