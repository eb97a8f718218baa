/** The short run of swaps for every day. The long one with its figures is bench/swaps.ts. */
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Gateway, StartGateway } from '../../src/adapters/gateway/traffic.ts'
import { isUnreachable } from '../../src/ports/unreachable.ts'
import { removeFolder } from '../folder.ts'
import { until } from '../gateway-world.ts'
import { Course, startRelease } from './course.ts'
import { Load } from './load.ts'

const WEIGHTS = [0.1, 0.5]

export interface Proxy {
  readonly name: string
  start(options: StartGateway): Promise<Gateway>
  /** It has no word for "come back" on a websocket, and cuts it when it is to move. */
  readonly movesByCutting: boolean
  /** New sessions at each share. */
  readonly sessions: number
}

export function everydaySwaps({ name, start, movesByCutting, sessions: wanted }: Proxy): void {
  test(`${name}: swaps, rollbacks and replacing the proxy itself cost no citizen anything`, async (context) => {
    const state = await mkdtemp(join(tmpdir(), `holdfast-swaps-${name}-`))
    const gateway = await start({ listen: '127.0.0.1:0', state, tune: { drainIdleMs: 2_000 } })
    const course = new Course(gateway.traffic, await startRelease('r1'))
    context.after(async () => {
      course.stable.child.kill('SIGKILL')
      await gateway.traffic.stop()
      await until(async () => isUnreachable(await gateway.traffic.status()))
      removeFolder(state)
    })
    await course.begin()
    const load = new Load({
      port: gateway.port,
      trial: () => course.trial,
      seated: 4,
      fresh: 8,
      newConnections: 2,
      slow: { clients: 4, ms: 1_000 },
      uploads: 4,
      slowUploads: 2,
      events: 2,
      websockets: 4,
      ...(movesByCutting ? { movesByCutting: () => course.moving } : {}),
    })
    const { tally } = load
    const dwell = async (weight: number) => {
      const before = tally.fresh.get(weight)?.sessions ?? 0
      await until(() => (tally.fresh.get(weight)?.sessions ?? 0) >= before + wanted)
    }
    for (const keep of [true, false, true]) {
      await course.swap(keep, WEIGHTS, dwell)
      if (keep) await course.swapGateway()
    }
    await load.stop()
    const { failedByUs } = await course.status()
    await course.end()

    assert.deepEqual(tally.wrong, [])
    assert.equal(failedByUs, 0)
    assert.equal(tally.websocketsCut, 0, 'websockets end by order only')
    assert.ok(tally.websocketsMoved > 0 && tally.websocketMessages > 0)
    for (const kind of ['seated', 'fresh', 'new connection', 'slow', 'upload', 'slow upload', 'events', 'websocket']) {
      assert.ok((tally.byKind[kind] ?? 0) > 0, `${kind} was part of the mix`)
    }
    assert.deepEqual([...course.uploads].sort(), [...tally.uploaded].sort(), 'each upload arrived once, and only once')
    for (const [weight, { sessions, canary }] of tally.fresh) {
      // Five standard deviations of a fair coin: wrong once in two million runs.
      const allowed = 5 * Math.sqrt((weight * (1 - weight)) / sessions)
      assert.ok(Math.abs(canary / sessions - weight) <= allowed, `${weight}: ${canary} of ${sessions}`)
    }
  })
}
