import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_PLAN, DeploymentBench } from '../../testing/deployment-bench.ts'
import type { DeploymentPlan } from './deployment.ts'
import { ringHarm, ringRows } from './rings.ts'

const PLAN: DeploymentPlan = {
  ...BENCH_PLAN,
  rings: {
    where: { in: 'path', at: 0 },
    rings: [
      {
        id: 'test',
        says: 'the test department',
        tenants: ['internal'],
        when: null,
        share: 0.5,
        holdMs: 2_000,
        evidence: [],
      },
      {
        id: 'volunteers',
        says: 'two volunteers',
        tenants: ['north', 'south'],
        when: null,
        share: 0.5,
        holdMs: 2_000,
        evidence: [{ what: 'sends', step: 'apply/submit', count: 500 }],
      },
      {
        id: 'rest',
        says: 'everybody else',
        tenants: null,
        when: 'their peak is over',
        share: 0.5,
        holdMs: 2_000,
        evidence: [],
      },
    ],
  },
}

const shares = (bench: DeploymentBench) => {
  const rule = bench.traffic.tenants
  return rule && [...rule.rings.map(({ weight }) => weight), rule.rest?.weight]
}

test('ring after ring on evidence of its own: only the one on trial is split, those before it are on the new release', () => {
  const bench = new DeploymentBench(PLAN)
  bench.until('on-trial')
  bench.tick()
  const [first, ...others] = shares(bench)!
  assert.ok(first! > 0 && first! < 0.01, 'a slow start, while nobody knows how many come')
  assert.deepEqual(others, [0, 0])
  assert.match(bench.state.history.at(-1)!.why, /^Ring \S+ meets the new release/)
  bench.until((one) => shares(one)?.[0] === 0.5)
  assert.deepEqual(shares(bench), [0.5, 0, 0])
  bench.until((one) => one.state.rings?.index === 1)
  const opened = bench.now
  bench.until((one) => shares(one)?.[1] === 0.5)
  assert.deepEqual(shares(bench), [1, 0.5, 0])
  assert.match(bench.state.history.at(-1)!.why, /^Ring \S+ (meets the new release|\(.*\) waits)/)
  bench.until((one) => one.state.rings?.index === 2)
  assert.ok(
    bench.now - opened >= 4_500,
    'the hold alone (2 s) did not open the next ring: 500 sends at ten a tick take 5 s',
  )
  bench.tick()
  assert.deepEqual(shares(bench), [1, 1, 0])
  assert.match(bench.state.lastWhy, /waits until their peak is over/)
  for (let i = 0; i < 100; i++) bench.tick()
  assert.deepEqual(shares(bench), [1, 1, 0])
  bench.say('resume', 'their peak is over')
  bench.until((one) => one.traffic.weight === 1 && one.traffic.tenants === null)
  bench.until('promoted')
  assert.equal(bench.said.filter((kind) => kind === 'ring.proven').length, 3)
})

test('a ring that is harmed takes the whole release back, and the harm is told by ring', () => {
  const bench = new DeploymentBench(PLAN)
  bench.until((one) => one.state.rings?.index === 1)
  bench.faults.stream = 0.5
  bench.faults.failsIn = 'volunteers'
  bench.until('rolled-back')
  assert.equal(bench.serves, 'r1')
  assert.equal(bench.traffic.tenants, null)
  assert.match(bench.state.lastWhy, /Ring volunteers: evidence/)
  assert.match(JSON.stringify(bench.opened), /By ring: test: 0 of/)
  const [first, second, third] = ringRows(bench.state)
  assert.deepEqual([first?.failed, third?.failed], [0, 0])
  assert.ok(second!.failed > 0 && second!.failed < 30)
  assert.match(ringHarm(bench.state), /test: 0 of \d+ sessions failed; volunteers: \d+ of \d+ sessions failed/)
})

test('a proven ring stays watched: a late fault there takes its traffic away at once, and proof takes the release back', () => {
  const bench = new DeploymentBench(PLAN)
  bench.until((one) => shares(one)?.[1] === 0.5)
  bench.faults.stream = 1
  bench.faults.failsIn = 'test'
  bench.until((one) => shares(one)?.[0] !== 1)
  assert.ok(shares(bench)![0]! <= PLAN.trial.holdWeight)
  assert.equal(shares(bench)?.[1], 0.5)
  bench.until('rolled-back')
  assert.match(bench.state.lastWhy, /Ring test/)
})

test('the rings together spend no more than the false-rollback budget', () => {
  const bench = new DeploymentBench(PLAN)
  const budgets = new Map<string, number>()
  for (let i = 0; i < 3_000 && !bench.over; i++) {
    bench.tick()
    const { rings, trial } = bench.state
    if (rings?.since && trial) budgets.set(`${rings.index}`, trial.plan.alpha)
    if (rings && rings.since === null && bench.phase === 'on-trial') bench.say('resume')
  }
  assert.equal(budgets.size, 3)
  assert.ok([...budgets.values()].reduce((sum, one) => sum + one, 0) <= PLAN.trial.alpha)
})

test('halt takes every ring back; resume goes on at the ring whose turn it was', () => {
  const bench = new DeploymentBench(PLAN)
  bench.until((one) => one.state.rings?.index === 1)
  bench.tick()
  bench.say('halt')
  bench.tick()
  bench.tick()
  assert.deepEqual([bench.phase, bench.serves, bench.traffic.tenants], ['halted', 'r1', null])
  bench.say('resume')
  bench.until((one) => shares(one)?.[1] === 0.5)
  assert.deepEqual(shares(bench), [1, 0.5, 0])
})
