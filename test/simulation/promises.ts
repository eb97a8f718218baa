/** What must be true of every world, whatever went wrong in it. */
import type { MemoryRuntime } from '../../src/adapters/memory/runtime.ts'
import type { MemoryTraffic } from '../../src/adapters/memory/traffic.ts'
import { isOver } from '../../src/core/deploy/deploying.ts'
import type { DeploymentState } from '../../src/core/deploy/deployment.ts'
import { append, EMPTY, rootOf } from '../../src/core/prove/merkle.ts'
import type { Instance } from '../../src/ports/runtime.ts'
import type { Store } from '../../src/ports/store.ts'
import type { TrafficConfig } from '../../src/ports/traffic.ts'
import { isUnreachable, type Unreachable } from '../../src/ports/unreachable.ts'
import { checkBefore, isCleared } from './before.ts'
import { mustNotPass } from './copies.ts'
import type { Fate } from './fate.ts'

const PAGED_WITHIN_MS = 120_000

export interface Ended {
  readonly fate: Fate
  readonly state: DeploymentState
  readonly store: Store
  readonly traffic: MemoryTraffic
  readonly runtime: MemoryRuntime
  readonly watched: Watched
  /** Units that failed on the new release. */
  readonly harmed: number
}

/** What is looked at all the time, not only at the end. */
export interface Watched {
  readonly broken: Set<string>
  contracted: boolean
  /** Rows that are still in the old shape. */
  rows: number
}

/** Promises of every moment: capacity, room, the order of a schema change, and who may meet the release. */
export function watch(
  seen: Watched,
  { strategy, replicas, needed, keep }: Fate,
  { stable, canary, weight, shadow, tenants }: TrafficConfig,
  instances: readonly Instance[] | Unreachable,
): void {
  const promise = (holds: boolean, says: string) => {
    if (!holds) seen.broken.add(says)
  }
  const arms = stable.backends.length + (canary?.backends.length ?? 0)
  if (strategy === 'rolling') {
    promise(arms >= Math.min(needed, replicas), `the peak always fits (${arms} in traffic, ${needed} needed)`)
    if (!isUnreachable(instances) && keep === 'restart')
      promise(instances.length <= replicas + 1, `never more than one batch beside the fleet (${instances.length})`)
  }
  if (seen.contracted) {
    promise(stable.release === 'r2', 'nobody goes back to a release whose schema is gone')
    if (!isUnreachable(instances))
      promise(
        instances.every(({ release }) => release === 'r2'),
        'the old release is stopped before what it needs is removed',
      )
    promise(seen.rows === 0, 'every row is copied before the old shape is removed')
  }
  promise(!shadow || (weight === 0 && !tenants), 'nobody meets a release that is in the shadow')
  if (tenants) {
    const [first, second] = [tenants.rings[0]?.weight ?? 0, tenants.rest?.weight ?? 0]
    promise(second === 0 || first > 0, 'a ring opens only after the one before it')
    promise(!(first > 0.05 && first < 1 && second > 0.05), 'a tenant is split only while its ring is on trial')
  }
}

export async function check({
  fate,
  state,
  store,
  traffic,
  runtime,
  watched,
  harmed,
}: Ended): Promise<readonly string[]> {
  const broken: string[] = [...watched.broken]
  const promise = (holds: boolean, says: string) => {
    if (!holds) broken.push(says)
  }
  const { phase } = state
  promise(isOver(state), `it ends (still ${phase.name}: ${state.lastWhy})`)
  if (!isOver(state)) return broken

  const { config } = traffic
  const instances = await runtime.instances()
  const running = isUnreachable(instances) ? [] : [...new Set(instances.map(({ release }) => release))]
  const serving = phase.name === 'promoted' ? 'r2' : 'r1'
  promise(state.serving === serving, `the state says who serves (${state.serving}, not ${serving})`)
  promise(config?.stable.release === serving, `traffic is on ${serving}, not on ${config?.stable.release}`)
  promise(config?.canary === undefined || config.weight === 0, 'nobody is left on the other release')
  promise(running.includes(serving), `${serving} runs`)
  promise(running.length === 1, `nothing else runs (${running.join(', ')})`)
  const whole = isUnreachable(instances) || instances.length === fate.replicas
  const told = (await store.read('inc-dep-r2-capacity')) !== null
  promise(whole || told, `it runs with all of its replicas (${isUnreachable(instances) ? '?' : instances.length})`)
  const removed = fate.schema === 'contract' && phase.name === 'promoted'
  promise(
    watched.contracted === removed,
    `the old shape is removed exactly when it was promoted (${watched.contracted})`,
  )

  const byHand = state.history.some(({ why }) => why.startsWith('ben ') || why.includes(' ben called off '))
  const bad = ['fails-20', 'fails-all', 'dead-on-start', 'fails-in-private', 'bad-schema'].includes(fate.character)
  if (bad && !(await saidPromote(store)))
    promise(phase.name !== 'promoted', `a release that is ${fate.character} is not promoted`)
  broken.push(...(await checkBefore(fate.before, state, store)))
  broken.push(...(await checkShadow(fate, state, store, harmed)))
  const calm =
    isFairToGood(fate) &&
    isCleared(state) &&
    !fate.before.swapped &&
    !fate.trafficAway &&
    !fate.runtimeAway &&
    !byHand &&
    fate.deadliness === 0 &&
    fate.gatewayRestartAt === null
  if (calm && fate.character === 'good')
    promise(phase.name === 'promoted', `a good release is promoted (${phase.name}: ${state.lastWhy})`)

  const unconfirmed = await store.read('inc-dep-r2-unconfirmed')
  const { decidedAt, appliedAt } = state.measured
  const wasRollback = state.history.some((one) => one.phase === 'rolling-back')
  if (wasRollback && decidedAt !== null && (appliedAt ?? Number.POSITIVE_INFINITY) - decidedAt > PAGED_WITHIN_MS) {
    promise(
      unconfirmed !== null && unconfirmed.createdAt - decidedAt <= PAGED_WITHIN_MS,
      'a rollback that is not confirmed pages within two minutes',
    )
  }
  if (phase.name === 'rolled-back' && (!byHand || state.measured.canaryFailed > 0))
    promise((await store.read('inc-dep-r2')) !== null, 'harm opens an incident')

  const rows = await store.log(0, 100_000)
  const tree = rows.reduce((frontier, row) => append(frontier, row.leafHash), EMPTY)
  const head = await store.head()
  promise(
    rows.every((row, i) => row.index === i),
    'the log has no gaps',
  )
  promise(head.size === rows.length && head.root === rootOf(tree), 'the head is the root over all entries')
  promise(
    rows.filter(({ kind, subject }) => subject === 'dep-r2' && kind === 'finished').length === 1,
    'the end is logged once',
  )
  return broken
}

/** A release that is good in every other way passes its shadow, too. Both releases fail by themselves in an outage, so answers differ. */
function isFairToGood({ shadow, sharedOutage }: Fate): boolean {
  return shadow === null || (shadow.intended !== 'missing' && shadow.differs === 0 && sharedOutage === null)
}

/** What must be true of a shadow, read from the log. */
async function checkShadow(
  { shadow, character }: Fate,
  state: DeploymentState,
  store: Store,
  harmed: number,
): Promise<readonly string[]> {
  if (!shadow) return []
  const broken: string[] = []
  const rows = await store.log(0, 100_000, { subject: state.plan.id })
  const passed = rows.find(({ kind }) => kind === 'shadow.passed')
  const weighed = rows.find(({ kind }) => kind === 'weight.changed')
  if (weighed && !(passed && passed.index < weighed.index))
    broken.push('nobody meets a release before its shadow has passed')
  if (passed && mustNotPass(shadow)) broken.push(`a shadow that shows ${JSON.stringify(shadow)} does not pass`)
  const visible = character === 'fails-20' || character === 'fails-all'
  if (harmed > 0 && (visible || mustNotPass(shadow)))
    broken.push(`what the shadow shows harms nobody (${harmed} were harmed)`)
  return broken
}

async function saidPromote(store: Store): Promise<boolean> {
  const rows = await store.log(0, 100_000, { subject: 'dep-r2' })
  return rows.some(({ kind, payload }) => kind === 'promoted' && payload?.includes('"who":"ben"'))
}
