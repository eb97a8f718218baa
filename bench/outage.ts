/**
 * Citizens while nobody is in charge: the engine and its database are killed in the middle of a trial, and stay dead.
 *
 *   node --import tsx bench/outage.ts --seconds 60 [--per-second 150]
 *
 * Prints what citizens met meanwhile, and what became of the deployment afterwards.
 */
import { parseArgs } from 'node:util'
import { startEmbedded } from '../src/adapters/postgres/embedded.ts'
import { isOver } from '../src/core/deploy/deploying.ts'
import { openScene } from '../test/kill/scene.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, 'per-second': { type: 'string', default: '150' } },
})
const scene = await openScene()
try {
  const store = await scene.store()
  const engine = scene.engine()
  await scene.until(store, await scene.deploy(store, 'r1'), isOver)
  const crowd = scene.citizens(Number(values['per-second']))
  const id = await scene.deploy(store, 'r2', { bakeMs: 5_000 })
  await scene.until(store, id, ({ phase }) => phase.name === 'on-trial')
  engine.kill('SIGKILL')
  process.kill(scene.database.pid, 'SIGKILL')
  const before = crowd.summary()
  await new Promise((resolve) => setTimeout(resolve, Number(values.seconds) * 1_000))
  const after = crowd.summary()
  const requests = after.requests.sent - before.requests.sent
  console.log(
    `${values.seconds} s without engine and database: ${requests} requests, ${after.failedByDeployment} failed by the deployment, ${after.sessions.harmed} sessions harmed`,
  )
  const again = await startEmbedded({ folder: `${scene.state}/postgres` })
  const began = performance.now()
  scene.engine()
  const end = await scene.until(await scene.store(), id, isOver)
  console.log(
    `after the restart the deployment was ${end.phase.name} in ${((performance.now() - began) / 1_000).toFixed(1)} s: ${end.lastWhy}`,
  )
  const last = await crowd.stop(1_000)
  console.log(`in all ${last.requests.sent} requests, ${last.failedByDeployment} failed by the deployment`)
  await again.stop()
} finally {
  await scene.close()
}
