/** The plan of a deployment as a drill runs it: the definition's own, less what has no place in a sandbox. Pure. */
import type { DeploymentPlan } from '../deploy/deployment.ts'

export interface DrillWish {
  /** Name that the release has in the sandbox, where the same release may run twice. */
  readonly as: string
  /** Share of visitors who meet the release at first, above 0 and below 1; absent: as the definition has it. */
  readonly weight?: number
}

/**
 * Left out: gates, people and the backfill, which are not what is rehearsed; the shadow, because the release shall be found by citizens;
 * rings, because invented citizens belong to no tenant; the contract step, because a release that is taken back never comes to it.
 */
export function drillPlan(plan: DeploymentPlan, { as, weight }: DrillWish): DeploymentPlan {
  const { approval: _, shadow: __, rings: ___, backfill: ____, contract: _____, ...rest } = plan
  // No next rung: a drill does not climb past the share that was asked for before it is decided.
  const trial = weight === undefined ? plan.trial : { ...plan.trial, rungs: [weight] }
  return {
    ...rest,
    gates: (plan.gates ?? []).filter(({ how }) => how === 'private'),
    approvals: 0,
    application: plan.application ?? plan.next.release,
    next: { ...plan.next, release: as },
    trial: { ...trial, canary: as },
  }
}
