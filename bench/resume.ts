/**
 * How long a deployment stands still when its engine is killed: from SIGKILL to the first decision of another engine on the same store.
 *
 *   node --import tsx bench/resume.ts --rounds 10 [--lease-ms 2000]
 *
 * Prints each round and min, median and max, beside the lower limit: the lease must pass before anybody else may decide.
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { isOver } from '../src/core/deploy/deploying.ts'
import { openScene } from '../test/kill/scene.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, 'lease-ms': { type: 'string', default: '2000' } },
})
const leaseMs = Number(values['lease-ms'])
const scene = await openScene()
try {
  const store = await scene.store()
  let engine = scene.engine({ leaseMs })
  await scene.until(store, await scene.deploy(store, 'r1'), isOver)
  const crowd = scene.citizens(100)
  const id = await scene.deploy(store, 'r2', { bakeMs: 10 * 60_000 })
  const took: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    await scene.until(store, id, ({ phase }) => phase.name === 'on-trial')
    const standby = scene.engine({ leaseMs })
    // The standby must be up: it has claimed nothing, so we give a fresh process the time it needs to start.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    engine.kill('SIGKILL')
    await once(engine, 'exit')
    const died = performance.now()
    const { version } = (await store.read(id))!
    while ((await store.read(id))!.version === version) await new Promise((resolve) => setTimeout(resolve, 5))
    took.push(performance.now() - died)
    console.log(`round ${round + 1}: ${Math.round(took.at(-1)!)} ms`)
    engine = standby
  }
  const sorted = [...took].sort((a, b) => a - b)
  const [min, median, max] = [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!].map(Math.round)
  console.log(
    `resumed after min ${min}, median ${median}, max ${max} ms; lease ${leaseMs} ms, so the median is ${(median! / leaseMs).toFixed(2)} × the limit`,
  )
  const seen = await crowd.stop(1_000)
  console.log(
    `${seen.requests.sent} citizen requests meanwhile, ${seen.failedByDeployment} failed by the deployment, ${seen.sessions.harmed} sessions harmed`,
  )
} finally {
  await scene.close()
}
