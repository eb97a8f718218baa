import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_PLAN, DeploymentBench, rollingBench } from '../../testing/deployment-bench.ts'
import { peakInFlight, planRolling, type RollingWish } from './rolling.ts'

const WISH: RollingWish = {
  replicas: 4,
  batchShare: 0.25,
  inFlightPeak: null,
  inFlightPerReplica: null,
  memoryMb: null,
  memoryFreeMb: null,
  keepOld: 'auto',
  previous: { ...BENCH_PLAN.next, release: 'r1', replicas: 4, startMsMax: 20_000 },
}

test('batches are sized from capacity, requests under way and memory', () => {
  const cases: [
    string,
    Partial<RollingWish>,
    { batches: number[]; needed: number; keep: string; restoreMsMax: number },
  ][] = [
    ['nothing is known', {}, { batches: [1, 2, 3, 4], needed: 4, keep: 'restart', restoreMsMax: 60_000 }],
    [
      'two may be missing',
      { inFlightPeak: 60, inFlightPerReplica: 40, batchShare: 0.5 },
      { batches: [2, 4], needed: 2, keep: 'restart', restoreMsMax: 0 },
    ],
    [
      'one may be missing',
      { inFlightPeak: 110, inFlightPerReplica: 40, batchShare: 0.5 },
      { batches: [1, 2, 3, 4], needed: 3, keep: 'restart', restoreMsMax: 40_000 },
    ],
    [
      'none may be missing',
      { inFlightPeak: 150, inFlightPerReplica: 40, batchShare: 0.5 },
      { batches: [2, 4], needed: 4, keep: 'restart', restoreMsMax: 20_000 },
    ],
    [
      'more than all are needed',
      { inFlightPeak: 900, inFlightPerReplica: 40 },
      { batches: [1, 2, 3, 4], needed: 4, keep: 'restart', restoreMsMax: 60_000 },
    ],
    [
      'memory for both',
      { memoryMb: 500, memoryFreeMb: 2_000 },
      { batches: [1, 2, 3, 4], needed: 4, keep: 'warm', restoreMsMax: 0 },
    ],
    [
      'memory for one more',
      { memoryMb: 500, memoryFreeMb: 900, batchShare: 0.5 },
      { batches: [1, 2, 3, 4], needed: 4, keep: 'restart', restoreMsMax: 60_000 },
    ],
    ['warm by order', { keepOld: 'warm' }, { batches: [1, 2, 3, 4], needed: 4, keep: 'warm', restoreMsMax: 0 }],
    ['one replica', { replicas: 1 }, { batches: [1], needed: 1, keep: 'restart', restoreMsMax: 0 }],
    [
      'half of five at most',
      { replicas: 5, batchShare: 0.9 },
      { batches: [2, 4, 5], needed: 5, keep: 'restart', restoreMsMax: 40_000 },
    ],
  ]
  for (const [name, change, want] of cases) {
    const { batches, needed, keep, restoreMsMax } = planRolling({ ...WISH, ...change })
    assert.deepEqual({ batches, needed, keep, restoreMsMax }, want, name)
  }
  assert.throws(() => planRolling({ ...WISH, memoryMb: 500, memoryFreeMb: 400 }), /One more replica needs 500 MB/)
})

test('requests under way at the peak follow from demand and citizen limits', () => {
  // 90 a minute are 1.5 a second; each keeps a replica busy for at most 2 s + 4 s.
  assert.equal(peakInFlight([{ peakPerMinute: 90, limitsMs: [2_000, 4_000] }]), 9)
  assert.equal(peakInFlight([{ peakPerMinute: null, limitsMs: [2_000] }]), null)
})

test('the plan says the arithmetic and what going back costs', () => {
  const { says } = planRolling({ ...WISH, inFlightPeak: 110, inFlightPerReplica: 40 })
  assert.match(says, /4 batches of at most 1 of 4 replicas/)
  assert.match(says, /110 requests under way, one replica answers 40 at once: 3 needed, 1 may be missing/)
  assert.match(says, /2 times up to 20 s: up to 40 s/)
  assert.match(planRolling({ ...WISH, keepOld: 'warm' }).says, /going back is instant/)
})

/** Most replicas that ever ran at the same time. */
function watchRuns(bench: DeploymentBench): { most: number; least: number } {
  const seen = { most: 0, least: 99 }
  const tick = bench.tick.bind(bench)
  bench.tick = (ms) => {
    tick(ms)
    const { stable, canary } = bench.traffic
    const all = [...bench.runs.values()].reduce((sum, ids) => sum + ids.length, 0)
    seen.most = Math.max(seen.most, all)
    seen.least = Math.min(seen.least, (stable?.backends.length ?? 0) + (canary?.backends.length ?? 0))
  }
  return seen
}

test('a good release replaces the old one batch by batch, each under trial at its share', () => {
  const bench = new DeploymentBench(rollingBench(4, { keep: 'restart', needed: 3 }))
  const seen = watchRuns(bench)
  const weights: number[] = []
  const tick = bench.tick.bind(bench)
  bench.tick = (ms) => {
    tick(ms)
    const { weight } = bench.traffic
    // The shares of the slow start lie between.
    if (weights.at(-1) !== weight && [0, 0.25, 0.5, 0.75, 1].includes(weight)) weights.push(weight)
  }
  bench.until('promoted')
  assert.deepEqual(weights, [0, 0.25, 0.5, 0.75, 1, 0])
  assert.deepEqual([...bench.runs.keys()], ['r2'])
  assert.equal(bench.runs.get('r2')?.length, 4)
  assert.equal(bench.traffic.stable?.backends.length, 4)
  assert.equal(seen.most, 5, 'one batch more than the fleet, at most')
  assert.ok(seen.least >= 4, 'never fewer in traffic than before')
})

test('with old replicas kept warm, going back is one order at any moment', () => {
  const bench = new DeploymentBench(rollingBench(4, { keep: 'warm' }))
  bench.until((one) => one.traffic.weight === 0.75)
  bench.faults.stream = 1
  bench.inFlight = 1
  bench.until('rolling-back/draining')
  bench.inFlight = 0
  assert.equal(bench.traffic.stable?.backends.length, 4)
  assert.ok(bench.state.measured.appliedAt! - bench.state.measured.decidedAt! <= 200)
  bench.until('rolled-back')
  assert.deepEqual([...bench.runs.keys()], ['r1'])
})

test('while those that are left carry the peak, going back is instant, and the others are started again afterwards', () => {
  const bench = new DeploymentBench(rollingBench(4, { needed: 3 }))
  bench.until((one) => one.traffic.weight === 0.5)
  assert.equal(bench.runs.get('r1')?.length, 3)
  bench.faults.stream = 1
  bench.inFlight = 1
  bench.until('rolling-back/draining')
  bench.inFlight = 0
  assert.equal(bench.serves, 'r1')
  bench.until('rolled-back')
  assert.equal(bench.runs.get('r1')?.length, 4)
  assert.equal(bench.traffic.stable?.backends.length, 4)
  assert.equal(bench.runs.has('r2'), false)
})

test('are too few left for the peak, no new citizen gets the bad release, old replicas come back first, and then everybody is moved', () => {
  const bench = new DeploymentBench(rollingBench(4, {}))
  const seen = watchRuns(bench)
  bench.until((one) => one.traffic.weight === 0.75)
  assert.equal(bench.runs.get('r1')?.length, 2)
  bench.faults.stream = 1
  bench.until('rolling-back/restoring')
  bench.tick()
  assert.equal(bench.traffic.weight, 0)
  assert.equal(bench.state.steering?.moveFrom ?? null, null)
  bench.until('rolling-back/moving')
  assert.equal(bench.traffic.stable?.backends.length, 4)
  bench.until('rolled-back')
  assert.equal(bench.state.serving, 'r1')
  assert.ok(seen.most <= 5, `${seen.most} replicas ran at once`)
  assert.deepEqual(
    bench.spawned.map(({ id }) => id),
    ['inc-dep-r2'],
  )
})

test('old replicas that do not come back are no reason to leave citizens on the bad release: somebody is told', () => {
  const bench = new DeploymentBench(rollingBench(4, {}))
  bench.until((one) => one.traffic.weight === 0.75)
  bench.faults.stream = 1
  bench.answers['runtime.start'] = () => ({ started: false, why: 'exit 1', logTail: '' })
  bench.until('rolled-back')
  assert.equal(bench.state.serving, 'r1')
  assert.equal(bench.traffic.stable?.backends.length, 2)
  assert.ok(bench.spawned.some(({ id }) => id === 'inc-dep-r2-capacity'))
})

test('a batch that does not start takes the release back; citizens noticed nothing', () => {
  const bench = new DeploymentBench(rollingBench(4, { needed: 3 }))
  bench.until((one) => one.traffic.weight === 0.25)
  bench.answers['runtime.start'] = ({ payload }) =>
    (payload as { release: string }).release === 'r2' ? { started: false, why: 'no memory', logTail: '' } : undefined
  bench.until('rolled-back')
  assert.match(bench.state.lastWhy, /no memory/)
  assert.equal(bench.state.measured.canaryFailed, 0)
  assert.equal(bench.serves, 'r1')
})

test('an order to stop replicas that the deployment has gone back to is not obeyed', () => {
  const bench = new DeploymentBench(rollingBench(4, { needed: 3 }))
  let late: (() => void) | undefined
  bench.answers['runtime.stop-replicas'] = ({ payload }) => {
    late = () => {
      const gone = new Set((payload as { instances: string[] }).instances)
      const { move } = bench.state.rolling!
      assert.ok(!move || ![...gone].every((id) => move.gone.includes(id)), 'the performer would find it overtaken')
    }
    return undefined
  }
  bench.until((one) => one.state.rolling?.move?.stage === 'stopping')
  bench.tick()
  bench.say('rollback')
  late!()
})

test('by hand it is promoted only when every replica runs', () => {
  const bench = new DeploymentBench(rollingBench(4, { keep: 'warm' }))
  bench.until('on-trial')
  bench.say('promote')
  assert.equal(bench.phase, 'on-trial')
  assert.ok(bench.said.includes('message.refused'))
})

test('a definition that asks for another number of replicas rolls from the one to the other', () => {
  for (const [old, replicas] of [
    [2, 4],
    [4, 2],
  ] as const) {
    const plan = rollingBench(replicas, { needed: replicas })
    const backends = Array.from({ length: old }, (_, i) => ({ id: `r1-${i + 1}`, host: '127.0.0.1', port: i + 1 }))
    const made = {
      ...plan,
      previous: { release: 'r1', backends },
      rolling: { ...plan.rolling!, previous: { ...plan.rolling!.previous, replicas: old } },
    }
    const good = new DeploymentBench(made)
    good.until('promoted')
    assert.equal(good.runs.get('r2')?.length, replicas)
    const bad = new DeploymentBench(made)
    bad.until('on-trial')
    bad.faults.stream = 1
    bad.until('rolled-back')
    assert.ok(!bad.state.history.some(({ why }) => /being started again/.test(why)))
    assert.equal(bad.runs.get('r1')?.length, old)
  }
})
