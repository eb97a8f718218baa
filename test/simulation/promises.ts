/** What must be true of every world, whatever went wrong in it. */
import type { MemoryRuntime } from '../../src/adapters/memory/runtime.ts'
import type { MemoryTraffic } from '../../src/adapters/memory/traffic.ts'
import { isOver } from '../../src/core/deploy/deploying.ts'
import type { DeploymentState } from '../../src/core/deploy/deployment.ts'
import { append, EMPTY, rootOf } from '../../src/core/prove/merkle.ts'
import type { Store } from '../../src/ports/store.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import type { Fate } from './world.ts'

const PAGED_WITHIN_MS = 120_000

export interface Ended {
  readonly fate: Fate
  readonly state: DeploymentState
  readonly store: Store
  readonly traffic: MemoryTraffic
  readonly runtime: MemoryRuntime
}

export async function check({ fate, state, store, traffic, runtime }: Ended): Promise<readonly string[]> {
  const broken: string[] = []
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

  const byHand = state.history.some(({ why }) => why.startsWith('ben '))
  const bad = ['fails-20', 'fails-all', 'dead-on-start', 'fails-in-private', 'bad-schema'].includes(fate.character)
  if (bad && !(await saidPromote(store)))
    promise(phase.name !== 'promoted', `a release that is ${fate.character} is not promoted`)
  const calm =
    !fate.trafficAway && !fate.runtimeAway && !byHand && fate.deadliness === 0 && fate.gatewayRestartAt === null
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

async function saidPromote(store: Store): Promise<boolean> {
  const rows = await store.log(0, 100_000, { subject: 'dep-r2' })
  return rows.some(({ kind, payload }) => kind === 'promoted' && payload?.includes('"who":"ben"'))
}
