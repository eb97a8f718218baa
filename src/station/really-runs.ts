/** What really runs, replica by replica, against what was planned: "stable" is a word, a digest is not. */
import { type Checked, checkArtefact, shortDigest } from '../core/deploy/artefact.ts'
import type { DeploymentPlan, DeploymentState } from '../core/deploy/deployment.ts'
import type { World } from '../engine/world.ts'
import type { Instance } from '../ports/runtime.ts'
import type { Store } from '../ports/store.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import { identified } from './deploy.ts'

export interface ReallyRuns {
  /** One row a release that has replicas, or that should have. */
  readonly releases: readonly (Checked & {
    readonly release: string
    readonly replicas: readonly {
      readonly id: string
      readonly ready: boolean
      readonly digest: string | null
      readonly why: string | null
    }[]
    /** What a replica that is started again now would run; null: nobody can tell, or it is the same. */
    readonly changed: string | null
  })[]
  readonly says: readonly string[]
}

/** Deployments looked through for the plan of a release that runs. */
const PLANS_MAX = 200

/** `serving`: the release that should answer citizens, so that its absence is told as well. */
export async function whatReallyRuns(store: Store, world: World, serving: string | null): Promise<ReallyRuns> {
  const instances = await world.runtime.instances()
  if (isUnreachable(instances)) return { releases: [], says: [`cannot tell, because ${instances.why}`] }
  const plans = await plansOf(store, world.service)
  const names = [...new Set([...instances.map(({ release }) => release), ...(serving ? [serving] : [])])]
  const releases = await Promise.all(names.map((name) => releaseOf(world, name, instances, plans.get(name))))
  return { releases, says: releases.flatMap(({ says, changed }) => (changed ? [says, changed] : [says])) }
}

async function releaseOf(
  world: World,
  release: string,
  instances: readonly Instance[],
  plan: DeploymentPlan | undefined,
): Promise<ReallyRuns['releases'][number]> {
  const mine = instances.filter((one) => one.release === release)
  const checked = checkArtefact(plan?.artefact, mine, release)
  const replicas = mine.map(({ id, ready, digest, digestWhy }) => ({
    id,
    ready,
    digest: digest ?? null,
    why: digest === undefined ? (digestWhy ?? 'its runtime does not report a digest') : null,
  }))
  return { ...checked, release, replicas, changed: plan ? await changedSince(world, plan) : null }
}

async function changedSince(world: World, plan: DeploymentPlan): Promise<string | null> {
  if (!plan.artefact || 'why' in plan.artefact) return null
  const now = await identified(world, plan)
  if ('why' in now || now.digest === plan.artefact.digest) return null
  return `The files of release ${plan.next.release} have changed since it was planned (${shortDigest(now.digest)} now): a replica that is started again would run those.`
}

/** The newest plan of each release. */
async function plansOf(store: Store, service: string): Promise<Map<string, DeploymentPlan>> {
  const plans = new Map<string, DeploymentPlan>()
  for (const { state } of await store.list({ kind: 'deployment', service, limit: PLANS_MAX })) {
    const { plan } = state as unknown as DeploymentState
    if (!plans.has(plan.next.release)) plans.set(plan.next.release, plan)
  }
  return plans
}
