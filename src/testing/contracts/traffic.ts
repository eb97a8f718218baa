/**
 * What every way of moving traffic promises (see ports/traffic.ts), as tests. `open` gives a traffic layer and two releases whose
 * names it has not seen before; the layer itself may have served other tests, as one in production has. Each test closes what
 * it opened.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Arm, StepCounts } from '../../core/deploy/counts.ts'
import type { Backend, StepMatch, Traffic, TrafficConfig, TrafficStatus } from '../../ports/traffic.ts'
import { isRefused, isUnreachable } from '../../ports/unreachable.ts'

export type Behaviour = 'good' | 'broken' | 'without-marker' | 'slow'

export interface Visit {
  readonly path: '/' | '/apply' | '/done'
  /** As an earlier visit gave it; absent: a citizen who was never here. */
  readonly session?: string | undefined
  readonly visitor?: 'citizen' | 'bot' | 'probe'
  /** For probes: the release to verify. */
  readonly arm?: Arm
}

export interface Visited {
  readonly status: number
  /** Who answered; undefined: the traffic layer itself. */
  readonly arm: Arm | undefined
  readonly session: string
}

export interface TrafficWorld {
  readonly traffic: Traffic
  readonly backends: Readonly<Record<Arm, readonly Backend[]>>
  /** Names of the two releases. */
  readonly releases: Readonly<Record<Arm, string>>
  visit(visit: Visit): Promise<Visited>
  /** How a release answers from now on. `/` is a page with the marker "Start", as StepMatch below has it. */
  behave(arm: Arm, behaviour: Behaviour): void
  /** The arm's backends stop taking connections, and the traffic layer has noticed when this resolves. */
  kill(arm: Arm): Promise<void>
  /** The arm's backends fail their health checks from now on and answer citizens as before; noticed when this resolves. */
  misjudge(arm: Arm): Promise<void>
  /** The traffic layer's processes are killed and come back. */
  restart(): Promise<void>
  /** Lets the settle time pass. */
  settle(): Promise<void>
  close(): Promise<void>
}

const step = (name: string, route: string, more: Partial<StepMatch> = {}): StepMatch => ({
  journey: 'apply',
  step: name,
  method: 'GET',
  route,
  okStatus: [200],
  limitMs: 30_000,
  ...more,
})

/** The steps that a world's releases serve. A slow answer takes longer than 100 ms. */
export const STEPS: readonly StepMatch[] = [
  step('start', '/', { marker: 'Start' }),
  step('form', '/apply', { limitMs: 100 }),
  step('done', '/done'),
]
export const PROBE = { header: 'x-probe', secret: 'a secret that only we know' }

export function trafficContract(name: string, open: () => Promise<TrafficWorld>): void {
  const promise = (says: string, body: (world: TrafficWorld, config: ConfigOf) => Promise<void>) =>
    test(`${name}: ${says}`, async (context: TestContext) => {
      const world = await open()
      context.after(() => world.close())
      const traffic = sinceNow(world.traffic, await statusOf(world.traffic))
      await body({ ...world, traffic }, configOf(world))
    })

  promise('the same configuration twice is one change', async ({ traffic }, config) => {
    assert.equal(await traffic.apply(config({ weight: 0.3, generation: 2 })), 'applied')
    assert.equal(await traffic.apply(config({ weight: 0.3, generation: 2 })), 'applied')
    const { epoch, version, weight, generation, backends } = await statusOf(traffic)
    assert.deepEqual({ epoch, version, weight, generation }, { epoch: 5, version: 1, weight: 0.3, generation: 2 })
    assert.ok(backends.length >= 2 && backends.every(({ healthy }) => healthy))
  })

  promise('a change that a later one has overtaken does not come back', async ({ traffic }, config) => {
    assert.equal(await traffic.apply(config({ version: 8, weight: 0.5 })), 'applied')
    assert.equal(await traffic.apply(config({ version: 7, weight: 0.1 })), 'applied')
    assert.equal((await statusOf(traffic)).weight, 0.5)
  })

  promise('an engine that was replaced is refused, also after a restart', async (world, config) => {
    const { traffic } = world
    await traffic.apply(config({ epoch: 9, weight: 0 }))
    for (const when of ['before', 'after']) {
      const answer = await traffic.apply(config({ epoch: 8, version: 99, weight: 1 }))
      assert.ok(isRefused(answer) && answer.epochSeen === 9, when)
      assert.ok(isRefused(await traffic.closeUpgraded('canary', 0, 8)), when)
      assert.equal((await statusOf(traffic)).weight, 0, when)
      if (when === 'before') await world.restart()
    }
    assert.equal(await traffic.closeUpgraded('canary', 0, 10), 'closing')
    assert.ok(isRefused(await traffic.apply(config({ epoch: 9, version: 100 }))), 'closing told the epoch too')
  })

  promise('it serves its last configuration after a restart, without being told', async (world, config) => {
    await world.traffic.apply(config({ weight: 1 }))
    await world.restart()
    assert.equal((await world.visit({ path: '/' })).arm, 'canary')
  })

  promise('new sessions follow the weight, known ones keep their seat', async ({ traffic, visit }, config) => {
    await traffic.apply(config({ weight: 0 }))
    const first = await visit({ path: '/' })
    assert.equal(first.arm, 'stable')
    await traffic.apply(config({ version: 2, weight: 1 }))
    const second = await visit({ path: '/' })
    assert.equal(second.arm, 'canary')
    assert.equal((await visit({ path: '/apply', session: first.session })).arm, 'stable')
    await traffic.apply(config({ version: 3, weight: 0 }))
    assert.equal((await visit({ path: '/apply', session: second.session })).arm, 'canary')
    assert.equal((await visit({ path: '/' })).arm, 'stable')
  })

  promise(
    'tenants get the release by ring, each session the seat that its tenant allows; counts tell the ring',
    async (world, config) => {
      const { traffic, visit } = world
      // The first segment of the path is the tenant here; "/" names none.
      const tenants = (weight: number) => ({
        where: { in: 'path', at: 0 } as const,
        rings: [{ id: 'first', tenants: ['apply'], weight }],
        rest: { id: 'rest', weight: 0 },
      })
      const answer = await traffic.apply(config({ weight: 1, generation: 2, tenants: tenants(1) }))
      // Who cannot tell tenants apart must not pretend to.
      if (isUnreachable(answer)) return assert.equal((await statusOf(traffic)).weight === 1, false)
      assert.equal(answer, 'applied')
      const proven = await visit({ path: '/apply' })
      assert.equal(proven.arm, 'canary')
      for (const path of ['/done', '/'] as const) assert.equal((await visit({ path })).arm, 'stable', path)
      assert.equal((await visit({ path: '/done', session: proven.session })).arm, 'stable')
      await traffic.apply(config({ version: 2, weight: 0.5, generation: 2, tenants: tenants(0.5) }))
      for (let i = 0; i < 20; i++) await visit({ path: '/apply' })
      await world.settle()
      const rows = await read(traffic, 24)
      const open = rows.filter(({ share }) => share === 0.5)
      assert.ok(open.length > 0 && open.every(({ segment }) => segment.split('/')[0] === 'first'))
      assert.equal(
        open.reduce((sum, { ok, failed }) => sum + ok + failed, 0),
        20,
      )
    },
  )

  promise('a raised generation moves the sessions of one arm, once', async ({ traffic, visit }, config) => {
    await traffic.apply(config({ weight: 1 }))
    const moved = await visit({ path: '/' })
    await traffic.apply(config({ version: 2, weight: 0 }))
    const stays = await visit({ path: '/' })
    await traffic.apply(config({ version: 3, weight: 0, generation: 2, moveFrom: 'canary' }))
    const after = await visit({ path: '/apply', session: moved.session })
    assert.equal(after.arm, 'stable')
    assert.equal((await visit({ path: '/apply', session: stays.session })).arm, 'stable')
    // A new trial begins: whoever was moved must not be moved again by the old order.
    await traffic.apply(config({ version: 4, weight: 1, generation: 2, moveFrom: 'canary' }))
    const fresh = await visit({ path: '/' })
    assert.equal((await visit({ path: '/apply', session: fresh.session })).arm, 'canary')
    assert.equal((await visit({ path: '/done', session: after.session })).arm, 'stable')
  })

  promise('evidence of moved sessions keeps the old generation', async ({ traffic, visit, settle }, config) => {
    await traffic.apply(config({ weight: 1 }))
    const { session } = await visit({ path: '/' })
    await traffic.apply(config({ version: 2, weight: 0, generation: 2, moveFrom: 'canary' }))
    await visit({ path: '/done', session })
    await visit({ path: '/done' })
    await settle()
    const rows = await read(traffic, 3)
    const seen = rows.map(({ step, arm, generation, ok }) => `${step} ${arm} ${generation} ok=${ok}`).sort()
    assert.deepEqual(seen, ['done stable 1 ok=1', 'done stable 2 ok=1', 'start canary 1 ok=1'])
  })

  promise(
    'a session follows its release when that is promoted',
    async ({ traffic, visit, backends, releases }, config) => {
      await traffic.apply(config({ weight: 1 }))
      const { session } = await visit({ path: '/' })
      const { canary: _, ...rest } = config({ version: 2, weight: 0 })
      await traffic.apply({ ...rest, stable: { release: releases.canary, backends: backends.canary } })
      assert.equal((await visit({ path: '/', session })).arm, 'canary', 'answered by the same processes as before')
    },
  )

  promise('a step counts once for a session: first failure, then retries', async (world, config) => {
    const { traffic, visit, behave } = world
    await traffic.apply(config({ weight: 0 }))
    behave('stable', 'broken')
    const { session, status } = await visit({ path: '/' })
    assert.equal(status, 500)
    await visit({ path: '/', session })
    behave('stable', 'good')
    await visit({ path: '/', session })
    behave('stable', 'broken')
    await visit({ path: '/', session })
    const [row] = await read(traffic, 3)
    const { ok, failed, slow, retries, step: name, arm, share, visitor } = row!
    assert.deepEqual({ ok, failed, slow, retries }, { ok: 0, failed: 1, slow: 0, retries: 2 })
    assert.deepEqual({ name, arm, share, visitor }, { name: 'start', arm: 'stable', share: 0, visitor: 'citizen' })
  })

  promise('a good step is closed by the next one, or by staying quiet', async ({ traffic, visit, settle }, config) => {
    await traffic.apply(config({ weight: 0 }))
    const { session } = await visit({ path: '/' })
    await visit({ path: '/done', session })
    const [first] = await read(traffic, 1)
    assert.deepEqual([first?.step, first?.ok, first?.failed], ['start', 1, 0])
    await settle()
    const rows = await read(traffic, 2)
    assert.deepEqual(rows.map((row) => `${row.step} ${row.ok}`).sort(), ['done 1', 'start 1'])
  })

  promise('a missing success marker is a failure', async ({ traffic, visit, behave }, config) => {
    await traffic.apply(config({ weight: 1 }))
    behave('canary', 'without-marker')
    assert.equal((await visit({ path: '/' })).status, 200)
    const [row] = await read(traffic, 1)
    assert.deepEqual([row?.arm, row?.failed, row?.slow], ['canary', 1, 0])
  })

  promise('later than the citizen limit is a failure, marked as slow', async ({ traffic, visit, behave }, config) => {
    await traffic.apply(config({ weight: 1 }))
    behave('canary', 'slow')
    assert.equal((await visit({ path: '/apply' })).status, 200)
    const [row] = await read(traffic, 1)
    assert.deepEqual([row?.step, row?.arm, row?.failed, row?.slow], ['form', 'canary', 1, 1])
  })

  promise(
    'probes reach the release they name, and never count as citizens',
    async ({ traffic, visit, settle }, config) => {
      await traffic.apply(config({ weight: 0 }))
      const before = (await statusOf(traffic)).requests
      assert.equal((await visit({ path: '/', visitor: 'probe', arm: 'canary' })).arm, 'canary')
      assert.equal((await visit({ path: '/', visitor: 'probe', arm: 'stable' })).arm, 'stable')
      await settle()
      const rows = await read(traffic, 2)
      assert.deepEqual([...new Set(rows.map(({ visitor }) => visitor))], ['probe'])
      assert.equal((await statusOf(traffic)).requests, before)
    },
  )

  promise('bots are told apart', async ({ traffic, visit, behave }, config) => {
    await traffic.apply(config({ weight: 0 }))
    behave('stable', 'broken')
    await visit({ path: '/', visitor: 'bot' })
    const [row] = await read(traffic, 1)
    assert.deepEqual([row?.visitor, row?.failed], ['bot', 1])
  })

  promise('batches are numbered by ones, and can be read again', async ({ traffic, visit, behave }, config) => {
    await traffic.apply(config({ weight: 0 }))
    behave('stable', 'broken')
    for (let n = 1; n <= 3; n++) {
      await visit({ path: '/' })
      await read(traffic, n)
    }
    const all = await countsOf(traffic, 0)
    assert.equal(all.gap, false)
    assert.deepEqual(
      all.batches.map(({ seq }) => seq),
      all.batches.map((_, i) => i + 1),
    )
    const last = all.batches.at(-1)!.seq
    assert.equal((await statusOf(traffic)).seq, last)
    assert.deepEqual(await countsOf(traffic, last), { batches: [], gap: false })
    assert.deepEqual((await countsOf(traffic, last - 1)).batches, all.batches.slice(-1))
  })

  promise('numbers never come back after a crash, and the loss is told', async (world, config) => {
    const { traffic, visit, behave } = world
    await traffic.apply(config({ weight: 0 }))
    behave('stable', 'broken')
    await visit({ path: '/' })
    await read(traffic, 1)
    const { seq } = await statusOf(traffic)
    await world.restart()
    await visit({ path: '/' })
    const rows = await read(traffic, 1, seq)
    assert.equal(rows[0]?.failed, 1)
    const { batches, gap } = await countsOf(traffic, seq)
    assert.equal(gap, true)
    assert.ok(batches[0]!.seq > seq + 1)
  })

  promise('a dead canary costs its citizens nothing', async (world, config) => {
    const { traffic, visit } = world
    await traffic.apply(config({ weight: 1 }))
    const { session } = await visit({ path: '/' })
    await world.kill('canary')
    const after = await visit({ path: '/apply', session })
    assert.deepEqual([after.arm, after.status], ['stable', 200])
    const { backends, failedByUs } = await statusOf(traffic)
    assert.ok(backends.every(({ arm, healthy }) => healthy === (arm === 'stable')))
    assert.equal(failedByUs, 0)
    const probe = await visit({ path: '/', visitor: 'probe', arm: 'canary' })
    assert.deepEqual([probe.arm, probe.status], [undefined, 503], 'a probe is not told about the other release')
  })

  promise(
    'where every health check fails, as on a starved machine, citizens are answered all the same',
    async (world, config) => {
      const { traffic, visit } = world
      await traffic.apply(config({ weight: 0 }))
      const { session } = await visit({ path: '/' })
      await world.misjudge('canary')
      await world.misjudge('stable')
      for (const who of [session, undefined]) {
        const { status, arm } = await visit({ path: '/', session: who })
        assert.deepEqual([status, arm], [200, 'stable'])
      }
      assert.equal((await statusOf(traffic)).failedByUs, 0)
    },
  )

  promise('nobody left is an error page of ours, and counted as that', async (world, config) => {
    await world.traffic.apply(config({ weight: 0.5 }))
    await world.kill('stable')
    await world.kill('canary')
    const { status, arm } = await world.visit({ path: '/' })
    assert.deepEqual([status, arm], [503, undefined])
    assert.equal((await statusOf(world.traffic)).failedByUs, 1)
  })
}

type ConfigOf = (more: Partial<TrafficConfig>) => TrafficConfig

function configOf(world: TrafficWorld): ConfigOf {
  return (more) => ({
    epoch: 5,
    version: 1,
    stable: { release: world.releases.stable, backends: world.backends.stable },
    canary: { release: world.releases.canary, backends: world.backends.canary },
    weight: 0,
    generation: 1,
    steps: STEPS,
    probe: PROBE,
    healthPath: '/health',
    ...more,
  })
}

/** The same layer, with every number counted from here: a test sees it as if it were new. */
function sinceNow(traffic: Traffic, before: TrafficStatus): Traffic {
  const { epoch, seq, requests, failedByUs } = before
  // Ten apart, so that "one generation earlier" is still this test's.
  const generation = before.generation + 10
  const told = <Word>(answer: Word) => (isRefused(answer) ? { ...answer, epochSeen: answer.epochSeen - epoch } : answer)
  return {
    async apply(config) {
      return told(
        await traffic.apply({ ...config, epoch: config.epoch + epoch, generation: config.generation + generation }),
      )
    },
    async status() {
      const status = await traffic.status()
      if (isUnreachable(status)) return status
      return {
        ...status,
        epoch: status.epoch - epoch,
        generation: status.generation - generation,
        seq: status.seq - seq,
        requests: status.requests - requests,
        failedByUs: status.failedByUs - failedByUs,
      }
    },
    async counts(afterSeq) {
      const answer = await traffic.counts(afterSeq + seq)
      if (isUnreachable(answer)) return answer
      const batches = answer.batches.map((batch) => ({
        ...batch,
        seq: batch.seq - seq,
        counts: batch.counts
          .map((row) => ({ ...row, generation: row.generation - generation }))
          .filter((row) => row.generation >= 0),
      }))
      return { ...answer, batches }
    },
    async closeUpgraded(arm, overMs, epochNow) {
      return told(await traffic.closeUpgraded(arm, overMs, epochNow + epoch))
    },
  }
}

async function statusOf(traffic: Traffic): Promise<TrafficStatus> {
  const status = await traffic.status()
  assert.ok(!isUnreachable(status), 'status is told')
  return status
}

async function countsOf(traffic: Traffic, after: number) {
  const answer = await traffic.counts(after)
  assert.ok(!isUnreachable(answer), 'counts are told')
  return answer
}

/** Reads on until so many outcomes (ok, failed, retries) have closed after `seq`; adds the batches up. */
async function read(traffic: Traffic, outcomes: number, after = 0): Promise<StepCounts[]> {
  for (;;) {
    const rows = new Map<string, StepCounts>()
    let seen = 0
    for (const { counts } of (await countsOf(traffic, after)).batches) {
      for (const row of counts) {
        const { ok, failed, slow, retries, ...who } = row
        const key = JSON.stringify(who)
        const sum = rows.get(key) ?? { ...row, ok: 0, failed: 0, slow: 0, retries: 0 }
        rows.set(key, {
          ...sum,
          ok: sum.ok + ok,
          failed: sum.failed + failed,
          slow: sum.slow + slow,
          retries: sum.retries + retries,
        })
        seen += ok + failed + retries
      }
    }
    if (seen >= outcomes) return [...rows.values()]
    await new Promise((next) => setTimeout(next, 20))
  }
}
