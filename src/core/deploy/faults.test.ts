/**
 * Issue: from every phase a failing stream, a dead backend, a lost controller, an unreachable balancer, a failed gate or a person's halt
 * ends with the old release serving, or with a person paged, within two minutes. Every phase times every fault, on a fake clock.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BENCH_PLAN, DeploymentBench, type Faults, rollingBench } from '../../testing/deployment-bench.ts'
import type { DeploymentPlan } from './deployment.ts'

const WITHIN_MS = 120_000

const SCHEMA: Partial<DeploymentPlan> = {
  warmMs: 900_000,
  migrations: [{ file: '7.sql', sql: 'x' }],
  contract: [{ file: '9.contract.sql', sql: 'x' }],
}
const CANARY: DeploymentPlan = { ...BENCH_PLAN, ...SCHEMA }
const RINGS: DeploymentPlan = {
  ...CANARY,
  rings: {
    where: { in: 'path', at: 0 },
    rings: [
      { id: 'test', says: 'test', tenants: ['a'], when: null, share: 0.5, holdMs: 2_000, evidence: [] },
      { id: 'rest', says: 'rest', tenants: null, when: 'asked', share: 0.5, holdMs: 2_000, evidence: [] },
    ],
  },
}
const SHADOW: DeploymentPlan = {
  ...CANARY,
  shadow: {
    msMin: 3_600_000,
    msMax: 36_000_000,
    sampleMin: 3_000,
    unintendedShareMax: 0.001,
    manifest: '',
    tolerance: 0,
    inFlightMax: 50,
    unsafe: [],
  },
}
const ROLLING = rollingBench(4, {})
const WARM_ROLLING = { ...rollingBench(4, { keep: 'warm' }), ...SCHEMA }

const held =
  (kind: string, when: (payload: Record<string, unknown>) => boolean = () => true) =>
  (bench: DeploymentBench) => {
    bench.answers[kind] = ({ payload }) =>
      when(payload as Record<string, unknown>) ? undefined : bench.obey(kind, payload)
  }

/** Requests stay open, so that draining lasts. */
const busy = (bench: DeploymentBench) => {
  bench.inFlight = 1
}

const fault =
  <Name extends keyof Faults>(name: Name, value: Faults[Name]) =>
  (bench: DeploymentBench) => {
    bench.faults[name] = value
  }

interface Place {
  readonly name: string
  readonly plan: DeploymentPlan
  /** What is not answered, so that the phase lasts. */
  readonly hold?: (bench: DeploymentBench) => void
  readonly at: string | ((bench: DeploymentBench) => boolean)
  /** There is nothing to go back to at once: a person is told instead. */
  readonly alone?: boolean
}

const PLACES: readonly Place[] = [
  { name: 'expanding', plan: CANARY, hold: held('schema.expand'), at: 'expanding' },
  { name: 'expanding: trying the old release', plan: CANARY, hold: held('probe.verify'), at: 'expanding/checking' },
  { name: 'starting', plan: CANARY, hold: held('runtime.start'), at: 'starting' },
  { name: 'attaching', plan: CANARY, hold: held('traffic.apply'), at: 'attaching' },
  { name: 'verifying', plan: CANARY, hold: held('probe.verify', ({ arm }) => arm !== 'stable'), at: 'verifying' },
  { name: 'in the shadow', plan: SHADOW, at: 'shadowing' },
  { name: 'on trial', plan: CANARY, at: (bench) => bench.traffic.weight === 0.5 },
  { name: 'on trial, at the top', plan: CANARY, at: (bench) => bench.traffic.weight === 0.95 },
  { name: 'on trial, ring on trial', plan: RINGS, at: (bench) => bench.traffic.weight === 0.5 },
  {
    name: 'on trial, ring waits',
    plan: RINGS,
    at: (bench) => bench.state.rings?.index === 1 && bench.traffic.weight === 1,
  },
  {
    name: 'rolling: a batch starts',
    plan: ROLLING,
    hold: held('runtime.start', ({ replicas }) => replicas === 2),
    at: (bench) => bench.state.rolling?.move?.stage === 'starting',
  },
  {
    name: 'rolling: a batch is attached',
    plan: ROLLING,
    at: (bench) => bench.state.rolling?.move?.stage === 'attaching',
  },
  {
    name: 'rolling: old replicas leave',
    plan: ROLLING,
    at: (bench) => bench.state.rolling?.move?.stage === 'draining',
  },
  {
    name: 'rolling: old replicas stop',
    plan: ROLLING,
    hold: held('runtime.stop-replicas'),
    at: (bench) => bench.state.rolling?.move?.stage === 'stopping',
  },
  { name: 'rolling: half', plan: ROLLING, at: (bench) => bench.traffic.weight === 0.5 },
  { name: 'rolling: most', plan: ROLLING, at: (bench) => bench.traffic.weight === 0.75 },
  { name: 'rolling, old kept warm: most', plan: WARM_ROLLING, at: (bench) => bench.traffic.weight === 0.75 },
  { name: 'halted', plan: CANARY, at: (bench) => halted(bench) },
  {
    name: 'finishing: moving',
    plan: CANARY,
    hold: held('traffic.apply', ({ weight }) => weight === 1),
    at: 'finishing/moving',
  },
  { name: 'finishing: draining', plan: CANARY, hold: busy, at: 'finishing/draining' },
  { name: 'finishing: warm', plan: CANARY, at: 'finishing/warm' },
  { name: 'finishing: rolling, old kept warm', plan: WARM_ROLLING, at: 'finishing/warm' },
  {
    name: 'finishing: detaching',
    plan: BENCH_PLAN,
    hold: held('traffic.apply', ({ weight, canary }) => weight === 0 && canary === undefined),
    at: 'finishing/detaching',
  },
  { name: 'finishing: stopping', plan: BENCH_PLAN, hold: held('runtime.stop'), at: 'finishing/stopping', alone: true },
  {
    name: 'contracting',
    plan: { ...CANARY, warmMs: 0 },
    hold: held('schema.contract'),
    at: 'contracting',
    alone: true,
  },
  {
    name: 'rolling back: moving',
    plan: CANARY,
    hold: rollback(held('traffic.apply', ({ weight }) => weight === 0)),
    at: 'rolling-back/moving',
  },
  {
    name: 'rolling back: restoring',
    plan: ROLLING,
    hold: rollback(
      held('runtime.start', ({ release }) => release === 'r1'),
      0.75,
    ),
    at: 'rolling-back/restoring',
  },
  {
    name: 'rolling back: draining',
    plan: CANARY,
    hold: rollback(busy),
    at: 'rolling-back/draining',
  },
  {
    name: 'rolling back: detaching',
    plan: CANARY,
    hold: rollback(held('traffic.apply', ({ canary }) => canary === undefined)),
    at: 'rolling-back/detaching',
  },
  { name: 'rolling back: stopping', plan: CANARY, hold: rollback(held('runtime.stop')), at: 'rolling-back/stopping' },
]

function halted(bench: DeploymentBench): boolean {
  if (bench.phase === 'on-trial') bench.say('halt')
  return bench.phase === 'halted' && bench.traffic.weight === 0
}

/** Takes the release back by hand once it is at `weight`, and then holds what is to be held. */
function rollback(hold: (bench: DeploymentBench) => void, weight = 0.25): (bench: DeploymentBench) => void {
  return (bench) => {
    bench.until((one) => one.traffic.weight === weight)
    hold(bench)
    bench.say('rollback')
  }
}

interface Fault {
  readonly name: string
  readonly strike: (bench: DeploymentBench) => void
  /** A good release may go on: nobody is hurt by this alone. */
  readonly harmless?: boolean
}

const FAULTS: readonly Fault[] = [
  { name: 'a failing stream', strike: fault('stream', 1) },
  { name: 'a dead backend', strike: fault('dead', true) },
  { name: 'a lost controller', strike: (bench) => bench.lose(60_000), harmless: true },
  {
    name: 'a lost controller while the stream fails',
    strike: (bench) => {
      bench.faults.stream = 1
      bench.lose(30_000)
    },
  },
  { name: 'an unreachable balancer', strike: fault('balancer', true) },
  { name: 'an unreachable runtime', strike: fault('runtime', true), harmless: true },
  {
    name: 'a failed gate',
    strike: (bench) => {
      bench.answers['probe.verify'] = () => ({ ok: false, steps: 1, why: 'answered 500' })
      bench.answers['schema.expand'] = () => ({ ok: false, why: 'lock timeout' })
      bench.answers['runtime.start'] = () => ({ started: false, why: 'exit 1', logTail: '' })
      bench.repeat()
    },
    harmless: true,
  },
  { name: 'a halt', strike: (bench) => bench.say('halt') },
  { name: 'a rollback by hand', strike: (bench) => bench.say('rollback') },
]

/** Nobody has to be told: the old release has every citizen, or the new one does and is well. */
function isSafe(bench: DeploymentBench, fault: Fault): boolean {
  if (bench.serves === 'r1') return true
  if (bench.over && bench.state.phase.name !== 'promoted') return false
  // A good release that serves on is no harm: what is broken is not between citizens and it.
  return fault.harmless === true
}

for (const struck of FAULTS) {
  test(`${struck.name} ends with the old release serving, or a person paged, from every phase`, () => {
    for (const place of PLACES) {
      const where = `${struck.name}, ${place.name}`
      const bench = new DeploymentBench(place.plan)
      place.hold?.(bench)
      bench.until(place.at)
      const since = bench.now
      const paged = () => bench.spawned.find(({ at }) => at >= since)
      struck.strike(bench)
      const told = () => paged() !== undefined || (place.alone === true && bench.said.at(-1) === 'message.refused')
      while (bench.now - since < WITHIN_MS && !told() && !bench.over)
        bench.tick(bench.now - since > 6_000 ? 1_000 : 100)
      const safe = isSafe(bench, struck) || told()
      assert.ok(
        safe,
        `${where}: after ${(bench.now - since) / 1_000} s ${bench.serves} serves, ${bench.phase}: ${bench.state.lastWhy}`,
      )
    }
  })
}
