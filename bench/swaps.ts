/**
 * Swaps and rollbacks under mixed load: what is lost, cut or doubled, and how exactly the weights are kept. Citizens of every
 * kind (test/swaps/load.ts), releases that come and go by the book (test/swaps/course.ts), the gateway replaced in between.
 *
 *   node --import tsx bench/swaps.ts [--requests 200000] [--swaps 20]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startGateway } from '../src/adapters/gateway/traffic.ts'
import { Course, startRelease } from '../test/swaps/course.ts'
import { Load, type Tally } from '../test/swaps/load.ts'

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '200000' }, swaps: { type: 'string', default: '20' } },
})
const requestsWanted = Number(values.requests)
const swapsWanted = Number(values.swaps)

// Shares of the fresh sessions for each weight, by the variance of its coin: the widest error is then the same for all.
const WEIGHTS = [0.01, 0.05, 0.1, 0.25, 0.5]
const variance = WEIGHTS.reduce((sum, weight) => sum + weight * (1 - weight), 0)
// The other kinds add to these; most requests are fresh sessions, because only those throw the coin.
const FRESH_SHARE = 0.75

const folder = await mkdtemp(join(tmpdir(), 'holdfast-swaps-'))
const gateway = await startGateway({ listen: '127.0.0.1:0', state: folder })
const course = new Course(gateway.traffic, await startRelease('r1'))
const begun = Date.now()
let failedByUs = 0
let tally: Tally
try {
  await course.begin()
  const load = new Load({
    port: gateway.port,
    trial: () => course.trial,
    seated: 8,
    fresh: 24,
    newConnections: 4,
    slow: { clients: 6, ms: 10_000 },
    uploads: 8,
    slowUploads: 4,
    events: 4,
    websockets: 10,
  })
  tally = load.tally
  for (let i = 0; i < swapsWanted; i++) {
    const dwell = async (weight: number) => {
      const share = (weight * (1 - weight)) / variance
      const wanted = (((i + 1) / swapsWanted) * requestsWanted * FRESH_SHARE * share) | 0
      while ((tally.fresh.get(weight)?.sessions ?? 0) < wanted) await new Promise((next) => setTimeout(next, 20))
    }
    // Every second one is taken back.
    await course.swap(i % 2 === 0, WEIGHTS, dwell)
    if (i % 3 === 2) await course.swapGateway()
    const { requests, failed, truncated } = tally
    process.stderr.write(
      `  ${i + 1} of ${swapsWanted}: ${requests} requests, ${failed} failed, ${truncated} truncated\n`,
    )
  }
  while (tally.requests < requestsWanted) await new Promise((next) => setTimeout(next, 100))
  await load.stop()
  failedByUs = (await course.status()).failedByUs
  await course.end()
} finally {
  course.stable.child.kill('SIGKILL')
  await gateway.traffic.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 })
}
process.exitCode = report(tally)

function report(all: Tally): number {
  const arrived = new Map<string, number>()
  for (const id of course.uploads) arrived.set(id, (arrived.get(id) ?? 0) + 1)
  const doubled = [...arrived.values()].filter((n) => n > 1).length
  const lost = all.uploaded.filter((id) => !arrived.has(id)).length
  const minutes = (Date.now() - begun) / 60_000
  console.log(`
${course.swaps} swaps, ${course.rollbacks} rollbacks and ${course.gatewaySwaps} replacements of the gateway in ${minutes.toFixed(1)} min

requests                    ${all.requests}
failed                      ${all.failed}
truncated                   ${all.truncated}
uploads begun / answered    ${all.uploadsBegun} / ${all.uploaded.length}
uploads duplicated          ${doubled}
uploads answered, not there ${lost}
failed by the gateway       ${failedByUs}
websocket messages          ${all.websocketMessages}
websockets asked to move    ${all.websocketsMoved}
websockets cut              ${all.websocketsCut}

kind              requests`)
  for (const [kind, n] of Object.entries(all.byKind)) console.log(`${kind.padEnd(16)} ${String(n).padStart(9)}`)
  console.log('\nweight   sessions   canary   observed   off by (points)   chance alone, 99 % (points)')
  for (const [weight, { sessions, canary }] of [...all.fresh].sort(([a], [b]) => a - b)) {
    const observed = canary / sessions
    const chance = 2.576 * Math.sqrt((weight * (1 - weight)) / sessions)
    const cells = [
      `${weight * 100} %`.padStart(6),
      String(sessions).padStart(10),
      String(canary).padStart(8),
      `${(observed * 100).toFixed(2)} %`.padStart(10),
      ((observed - weight) * 100).toFixed(2).padStart(17),
      `± ${(chance * 100).toFixed(2)}`.padStart(20),
    ]
    console.log(cells.join(' '))
  }
  for (const line of all.wrong) console.log(`wrong: ${line}`)
  console.log('\nPromise: 0 failed, 0 truncated, 0 duplicated; weights within 0.5 points from 1 % up, chance allowing.')
  return all.failed + all.truncated + doubled + lost + failedByUs + all.websocketsCut === 0 ? 0 : 1
}
