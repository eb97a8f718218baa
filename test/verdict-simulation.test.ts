/** The verdict and two peers' rules on simulated citizens: the figures of the facts sheet, within what few worlds can show. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TRIAL_DEFAULTS } from '../src/core/deploy/trial.ts'
import { waldFailures } from '../src/core/deploy/verdict-bounds.ts'
import { PEERS } from '../src/core/rehearse/baselines/peers.ts'
import { holdfast, type Judge, type Outcome, planFor, runRelease } from '../src/core/rehearse/judge.ts'
import { PLAIN_WORLD, Simulation, type World } from '../src/core/rehearse/simulator.ts'

const MINUTE = 60_000

function worldOf(p0: number, p1: number | null, more: Partial<World> = {}): World {
  return {
    ...PLAIN_WORLD,
    steps: [{ step: 'submit', p0, dwellMs: 0 }],
    fault: p1 === null ? null : { p1, fromMs: 0, slow: false },
    ...more,
  }
}

const ours = (world: World) => holdfast(planFor(world, TRIAL_DEFAULTS))

function runs(n: number, world: World, judge: (world: World) => Judge, minutes: number, tickMs = 200): Outcome[] {
  return Array.from({ length: n }, (_, i) => {
    const one = { ...world, seed: i + 1 }
    return runRelease(one, judge(one), minutes * MINUTE, tickMs)
  })
}

const mean = (outcomes: readonly Outcome[]) => outcomes.reduce((sum, one) => sum + one.harmed, 0) / outcomes.length
const rolledBack = (outcomes: readonly Outcome[]) => outcomes.filter(({ end }) => end === 'rolled-back').length

test('a bad release harms a handful of citizens, near Wald’s bound', () => {
  for (const [p0, p1, harmedMax] of [
    [0.001, 1, 5],
    [0.001, 0.2, 6],
    [0.005, 0.2, 6],
    [0.005, 0.05, 10],
  ] as const) {
    const outcomes = runs(20, worldOf(p0, p1), ours, 30)
    const what = `${p0} to ${p1}: ${mean(outcomes)}`
    assert.equal(rolledBack(outcomes), outcomes.length, what)
    assert.ok(mean(outcomes) <= harmedMax, what)
    if (p1 < 1) assert.ok(mean(outcomes) <= 2.3 * waldFailures(p0, p1, 0.001), what)
  }
})

test('the count does not grow with traffic', () => {
  for (const sessionsPerSecond of [5, 200]) {
    const tickMs = sessionsPerSecond === 200 ? 50 : 1_000
    const outcomes = runs(20, worldOf(0.001, 0.2, { sessionsPerSecond }), ours, 60, tickMs)
    assert.ok(mean(outcomes) <= 6, `${sessionsPerSecond}/s: ${mean(outcomes)}`)
  }
})

test('good releases are not rolled back: dispersion, retries, unlucky devices, a shared outage', () => {
  const noisy = worldOf(0.003, null, {
    sessionsPerSecond: 20,
    dispersion: { rho: 0.005, everyMs: 10_000 },
    unlucky: { share: 0.002, rate: 0.5 },
    retries: 2,
  })
  const outage = { ...noisy, outages: [{ fromMs: 4 * MINUTE, toMs: 7 * MINUTE, rate: 0.2 }] }
  for (const world of [noisy, outage]) assert.equal(rolledBack(runs(8, world, ours, 12, 1_000)), 0)
})

test('a fault that appears at 95 % takes traffic away within a second or two, and is proven', () => {
  const late = worldOf(0.001, null, { fault: { p1: 0.2, fromMs: 9 * MINUTE, slow: false } })
  for (const outcome of runs(4, late, ours, 20, 500)) {
    assert.equal(outcome.end, 'rolled-back')
    assert.ok(outcome.topAtMs !== null && outcome.atMs - 9 * MINUTE < 5 * MINUTE)
    assert.ok(outcome.harmed <= 60, `${outcome.harmed}`)
  }
})

test('other tools’ rules take as long and harm as many as documented', () => {
  // rule, p1, failed requests in the facts sheet at 50 requests/s, tolerance
  for (const [rule, p1, failed, share] of [
    ['flagger-10', 1, 1_646, 0.05],
    ['flagger-1', 1, 299, 0.1],
    ['argo-docs', 1, 26_989, 0.05],
    ['codedeploy-3', 0.2, 239, 0.2],
    ['ecs-canary', 1, 597, 0.1],
    ['kayenta-60', 0.2, 3_597, 0.05],
    ['kamal', 1, 45_000, 0.05],
  ] as const) {
    const [outcome] = runs(1, worldOf(0.001, p1), PEERS[rule]!, 65, 1_000)
    const { failedRequests } = outcome!
    assert.ok(Math.abs(failedRequests - failed) <= share * failed, `${rule}: ${failedRequests}, known ${failed}`)
  }
})

test('the same seed is the same world', () => {
  const told = () => {
    const simulation = new Simulation({ ...worldOf(0.02, 0.3), retries: 1, leaves: 0.5 }, 1_000)
    return Array.from({ length: 30 }, () => JSON.stringify(simulation.tick(0.2).counts))
  }
  assert.deepEqual(told(), told())
})

test('the world fails as often as it was told to, in each arm', () => {
  const simulation = new Simulation(worldOf(0.02, 0.3), 1_000)
  const seen = { stable: { ok: 0, failed: 0 }, canary: { ok: 0, failed: 0 } }
  for (let i = 0; i < 600; i++)
    for (const { arm, ok, failed } of simulation.tick(0.2).counts) {
      seen[arm].ok += ok
      seen[arm].failed += failed
    }
  const rate = (arm: 'stable' | 'canary') => seen[arm].failed / (seen[arm].ok + seen[arm].failed)
  assert.ok(Math.abs(rate('stable') - 0.02) < 0.004, `${rate('stable')}`)
  assert.ok(Math.abs(rate('canary') - 0.3) < 0.025, `${rate('canary')}`)
})
