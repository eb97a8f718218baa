import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_PLAN, DeploymentBench } from '../../testing/deployment-bench.ts'
import { fixWords, forwardFix } from './contract.ts'
import type { DeploymentPlan, DeploymentState } from './deployment.ts'

const PLAN: DeploymentPlan = {
  ...BENCH_PLAN,
  warmMs: 60_000,
  migrations: [{ file: '7_name.sql', sql: 'x' }],
  backfill: {
    files: [{ file: '8_name.migrate.sql', sql: 'x' }],
    batch: 100,
    pauseMs: 0,
    lagMsMax: 1_000,
    activeMax: 10,
    when: 'after-promotion',
    msMax: 600_000,
  },
  contract: [{ file: '9_name.contract.sql', sql: 'x' }],
}

test('expand, trial, copy, window, stop, contract: in this order, and the running release is tried on the widened schema', () => {
  const bench = new DeploymentBench(PLAN)
  bench.rows = 1_000
  const order: string[] = []
  const note = (what: string, ok: boolean) => {
    if (ok && !order.includes(what)) order.push(what)
  }
  while (!bench.over) {
    bench.tick()
    note('expanded', bench.said.includes('schema.expanded'))
    note('r1 tried', bench.said.includes('schema.verified'))
    note('everybody on r2', bench.traffic.weight === 1)
    note('copied', bench.copied === 1_000)
    note('window closed', bench.said.includes('window.closed'))
    note('r1 stopped', !bench.runs.has('r1'))
    note('contracted', bench.contracted)
  }
  assert.deepEqual(order, [
    'expanded',
    'r1 tried',
    'everybody on r2',
    'copied',
    'window closed',
    'r1 stopped',
    'contracted',
  ])
  assert.equal(bench.phase, 'promoted')
})

test('the window is a stored instant, stays open while data is copied, and nothing is removed before', () => {
  const bench = new DeploymentBench(PLAN)
  bench.rows = 1_000_000
  bench.until('finishing/warm')
  const { phase } = bench.state
  assert.ok(phase.name === 'finishing' && phase.deadline > bench.now)
  while (bench.now < phase.deadline + 30_000) bench.tick(500)
  assert.equal(bench.phase, 'finishing/warm')
  assert.deepEqual([...bench.runs.keys()], ['r1', 'r2'])
  assert.equal(bench.contracted, false)
  bench.rows = 0
  bench.until('promoted')
  assert.ok(bench.contracted)
})

test('copying beside the trial, when the definition says so', () => {
  const bench = new DeploymentBench({ ...PLAN, backfill: { ...PLAN.backfill!, when: 'during-trial' } })
  bench.rows = 200
  bench.until((one) => one.copied > 0)
  assert.equal(bench.phase, 'on-trial')
})

test('while the old release is warm, going back is one order; nothing was removed', () => {
  const bench = new DeploymentBench({ ...PLAN, warmMs: 600_000 })
  bench.until('finishing/warm')
  for (let i = 0; i < 50; i++) bench.tick(1_000)
  bench.say('rollback')
  bench.tick()
  assert.equal(bench.serves, 'r1')
  assert.ok(bench.state.measured.appliedAt! - bench.state.measured.decidedAt! <= 200)
  bench.until('rolled-back')
  assert.equal(bench.contracted, false)
})

test('a schema step that takes longer than the plan allows is given up before anything starts', () => {
  const bench = new DeploymentBench({ ...PLAN, schemaMsMax: 20_000 })
  bench.answers['schema.expand'] = () => undefined
  const begun = bench.now
  bench.until('refused')
  assert.ok(bench.now - begun <= 21_000, `${bench.now - begun} ms`)
  assert.match(bench.state.lastWhy, /did not finish within 20 s/)
  assert.deepEqual([...bench.runs.keys()], ['r1'])
})

test('the next deployment ends the window: the old release stops, and the old shape is left to it', () => {
  const bench = new DeploymentBench({ ...PLAN, warmMs: 600_000 })
  bench.rows = 1_000_000
  bench.until('finishing/warm')
  bench.say('supersede')
  const asked = bench.now
  bench.until('promoted')
  assert.ok(bench.now - asked <= 10_000, `${bench.now - asked} ms`)
  assert.deepEqual([...bench.runs.keys()], ['r2'])
  assert.equal(bench.contracted, false)
  assert.ok(bench.said.includes('window.closed'))
  assert.match(bench.state.lastWhy, /contract step belongs to the next release/)
})

test('a deployment that is not only kept warm any more is not ended for the next one', () => {
  const bench = new DeploymentBench({ ...PLAN, warmMs: 600_000 })
  bench.until('on-trial')
  bench.say('supersede')
  bench.tick()
  assert.equal(bench.phase, 'on-trial')
  assert.ok(bench.said.includes('message.refused'))
})

test('a fault that appears after the promotion puts the release back on trial, and proof takes it back', () => {
  const bench = new DeploymentBench({ ...PLAN, warmMs: 600_000 })
  bench.until('finishing/warm')
  for (let i = 0; i < 50; i++) bench.tick(1_000)
  bench.faults.stream = 1
  bench.until('on-trial')
  assert.equal(bench.state.serving, 'r1')
  bench.tick()
  assert.ok(bench.traffic.weight <= 0.25)
  bench.until('rolled-back')
  assert.equal(bench.contracted, false)
})

test('what the old release failed in its last moments is not held against the new one', () => {
  const bench = new DeploymentBench({ ...BENCH_PLAN, warmMs: 60_000 })
  bench.until('finishing/warm')
  bench.state = { ...bench.state, trial: { ...bench.state.trial!, outage: 0 } }
  bench.until('promoted')
  assert.ok(!bench.said.includes('back-on-trial'))
})

test('copying that fails leaves the old shape, and the release is promoted all the same', () => {
  const bench = new DeploymentBench(PLAN)
  bench.answers['schema.backfill'] = () => ({ ok: false, why: 'column "b" does not exist', applied: [] })
  bench.until('promoted')
  assert.equal(bench.contracted, false)
  assert.match(bench.state.lastWhy, /old shape of the database stays/)
})

test('a contract step that fails is told to a person, and citizens do not notice', () => {
  const bench = new DeploymentBench(PLAN)
  bench.answers['schema.contract'] = () => ({ ok: false, why: 'would break a query that is in use: read', applied: [] })
  bench.until('promoted')
  assert.deepEqual(
    bench.spawned.map(({ id }) => id),
    ['inc-dep-r2-contract'],
  )
})

test('a schema change that breaks the running release pages a person, and the new one never starts', () => {
  const bench = new DeploymentBench(PLAN)
  bench.answers['probe.verify'] = ({ payload }) =>
    (payload as { arm?: string }).arm === 'stable'
      ? { ok: false, steps: 2, why: 'apply/submit: answered 500' }
      : undefined
  bench.until('refused')
  assert.deepEqual(
    bench.spawned.map(({ id }) => id),
    ['inc-dep-r2-schema'],
  )
  assert.equal(bench.runs.has('r2'), false)
})

test('what cannot be tried is said to be unknown, and stops nobody', () => {
  const bench = new DeploymentBench(PLAN)
  bench.answers['probe.verify'] = ({ payload }) =>
    (payload as { arm?: string }).arm === 'stable'
      ? { ok: false, steps: 0, why: 'no step can be tried' }
      : { ok: true, steps: 1 }
  bench.until('on-trial')
  assert.ok(bench.said.includes('schema.cannot-tell'))
})

test('after the contract step going back is refused before traffic moves, with the way forward', () => {
  const bench = new DeploymentBench(PLAN)
  bench.answers['schema.contract'] = () => undefined
  bench.until('contracting')
  bench.say('rollback')
  assert.equal(bench.phase, 'contracting')
  assert.match(
    bench.whys.at(-1)!,
    /Release r1 cannot serve any more: 9_name.contract.sql removed .* Forward instead: 1\. Keep release r2/,
  )
  delete bench.answers['schema.contract']

  const past = bench.state
  const named = (release: string, previous: string | null): DeploymentState => ({
    ...new DeploymentBench(BENCH_PLAN).state,
    plan: {
      ...BENCH_PLAN,
      next: { ...BENCH_PLAN.next, release },
      previous: previous === null ? null : { release: previous, backends: [] },
    },
  })
  const history = [past, named('r1', 'r0'), named('r0', null)]
  assert.match(fixWords(forwardFix(history, 'r1')!), /deploy r1 under a new name/)
  assert.ok(forwardFix(history, 'r0'))
  assert.equal(forwardFix(history, 'r3'), null, 'a new release is nobody who served before')
  assert.equal(forwardFix([named('r1', 'r2'), ...history], 'r1'), null, 'it was deployed after the contract step')
  assert.equal(forwardFix([named('r1', 'r0'), named('r0', null)], 'r0'), null, 'nothing was ever contracted')
})
