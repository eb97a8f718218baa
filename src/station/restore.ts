/** After a restart of the machine: the release that served citizens is started again and the gateway told where it is. */
import { type DeploymentState, newDeployment } from '../core/deploy/deployment.ts'
import { isUnreachable } from '../ports/unreachable.ts'
import { servingRelease } from './deploy.ts'
import type { Station } from './station.ts'

/** One sentence on what serves citizens, and what was done about it. */
export async function restoreServing(station: Station): Promise<string> {
  const { store, world, service } = station
  const id = service.service.id
  const serving = await servingRelease(store, id)
  if (serving === null) return 'Nothing was deployed yet: holdfast deploy start --release NAME'
  const instances = await world.runtime.instances(serving)
  if (isUnreachable(instances)) return `Cannot tell whether release ${serving} runs, because ${instances.why}`
  if (instances.length > 0) return `Release ${serving} serves citizens.`
  const open = await store.list({ kind: 'deployment', service: id, done: false, limit: 1 })
  if (open.length > 0) return `Release ${serving} does not run, and deployment ${open[0]!.id} is open: see the console.`
  const past = (await store.list({ kind: 'deployment', service: id, done: true, limit: 200 })).find(
    (row) => (row.state as unknown as DeploymentState).plan.next.release === serving,
  )
  if (!past) return `Release ${serving} does not run, and how it was started is not known here: deploy it.`
  // What was asked before the first start is not asked again: citizens wait, and there is nothing else to go to.
  const { gates: _, approval: __, waiver: ___, ...plan } = (past.state as unknown as DeploymentState).plan
  const now = await store.now()
  // Started as it was the first time, with nothing before it: there is nothing that could serve meanwhile.
  const again = {
    ...plan,
    approvals: 0,
    id: `dep-${serving}-again-${now}`,
    previous: null,
    migrations: [],
    requestedBy: 'holdfast',
  }
  await store.create(id, newDeployment({ ...again, reason: `no replica of ${serving} was running` }, now), [])
  return `No replica of release ${serving} was running: it is being started again (${again.id}).`
}
