import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_PLAN, DeploymentBench } from '../../testing/deployment-bench.ts'
import { NO_SUMS } from '../shadow/tally.ts'
import { HOUR, MINUTE } from '../time.ts'
import type { DeploymentPlan } from './deployment.ts'
import { totalOf } from './shadowing.ts'

const MANIFEST = `
intended: [{ id: uprating, says: awards rise, legal: article 4, at: "$.award", change: any, expectedMin: 1 }]
`
const PLAN: DeploymentPlan = {
  ...BENCH_PLAN,
  shadow: {
    msMin: HOUR,
    msMax: 12 * HOUR,
    sampleMin: 2_996,
    unintendedShareMax: 0.001,
    manifest: MANIFEST,
    tolerance: 0,
    inFlightMax: 50,
    unsafe: [],
  },
}

function inTheShadow(plan = PLAN): DeploymentBench {
  const bench = new DeploymentBench(plan)
  bench.pairs = { ...NO_SUMS, compared: 10, same: 9, explained: { uprating: 1 } }
  bench.until('shadowing')
  return bench
}

/** A minute at a time, for hours. */
function wait(bench: DeploymentBench, ms: number): void {
  for (const until = bench.now + ms; bench.now < until && bench.phase === 'shadowing'; ) bench.tick(MINUTE)
}

test('no citizen meets a release in the shadow; when enough is proven its trial begins, and the copies end', () => {
  const bench = inTheShadow()
  assert.equal(bench.traffic.weight, 0)
  bench.tick()
  assert.equal(bench.traffic.run, PLAN.id)
  wait(bench, HOUR - 2 * MINUTE)
  assert.equal(bench.phase, 'shadowing', 'time and sample, both')
  assert.match(bench.state.lastWhy, /pairs were compared|shortest time/)
  wait(bench, 12 * HOUR)
  assert.equal(bench.phase, 'on-trial')
  assert.ok(bench.said.includes('shadow.passed'))
  bench.until('promoted')
  assert.equal(bench.traffic.run, null)
})

test('an unexplained share that is proven too high ends with the old release, and nobody was harmed or woken', () => {
  const bench = inTheShadow()
  bench.pairs = { ...NO_SUMS, compared: 10, unexplained: 1, weight: 1, places: { '$.award': 1 } }
  wait(bench, HOUR)
  assert.match(bench.phase, /^rolling-back/)
  assert.match(bench.state.lastWhy, /differ in a way that nobody intended \(at \$\.award/)
  bench.until('refused')
  assert.deepEqual(bench.spawned, [])
  assert.equal(bench.traffic.run, null)
})

test('too little is not passed: a shadow that never proves enough is given up', () => {
  const bench = inTheShadow()
  bench.pairs = { ...NO_SUMS, compared: 1, same: 1 }
  wait(bench, 13 * HOUR)
  assert.match(bench.state.lastWhy, /did not prove enough in time.*uprating was seen 0 of 1 times/)
})

test('what was compared before the gateway was started anew still counts', () => {
  const bench = inTheShadow()
  wait(bench, 10 * MINUTE)
  const before = totalOf(bench.state.shadow!).compared
  bench.sums = NO_SUMS
  wait(bench, 5 * MINUTE)
  assert.equal(totalOf(bench.state.shadow!).compared, before + 50)
})

test('another run’s figures are no evidence', () => {
  const bench = inTheShadow()
  bench.traffic.run = 'dep-other'
  wait(bench, 3 * HOUR)
  assert.equal(totalOf(bench.state.shadow!).compared, bench.state.shadow!.now.compared)
  assert.equal(bench.phase, 'shadowing')
})
