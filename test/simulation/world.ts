/**
 * One seed is one world: a release with its own character, citizens, a traffic layer and a runtime that fail now and then, engines that
 * die in the middle of things, and people who press buttons. The production reducers, the production turn and the contract-tested memory
 * adapters run in it; only time and dice are ours.
 */
import { memoryRuntime } from '../../src/adapters/memory/runtime.ts'
import { memoryStore } from '../../src/adapters/memory/store.ts'
import { memoryTraffic } from '../../src/adapters/memory/traffic.ts'
import type { Arm, StepCounts } from '../../src/core/deploy/counts.ts'
import { isOver } from '../../src/core/deploy/deploying.ts'
import {
  type Artefact,
  type DeploymentPlan,
  type DeploymentState,
  newDeployment,
} from '../../src/core/deploy/deployment.ts'
import { type RollingPlan, rollingRungs } from '../../src/core/deploy/rolling.ts'
import { TRIAL_DEFAULTS } from '../../src/core/deploy/trial.ts'
import type { Json } from '../../src/core/json.ts'
import type { TenantRule } from '../../src/core/traffic/tenant.ts'
import { deploymentKind, deploymentPerformers } from '../../src/engine/deployments.ts'
import { incidentKind } from '../../src/engine/incidents.ts'
import { Fenced, type Registry } from '../../src/engine/registry.ts'
import { turn } from '../../src/engine/turn.ts'
import type { World as EngineWorld } from '../../src/engine/world.ts'
import type { Claim } from '../../src/ports/store.ts'
import { agreement, type Before, beforeOf, gateAnswer, isCleared, planBefore } from './before.ts'
import { check, type Watched, watch } from './promises.ts'

const TICK_MS = 100
const LEASE_MS = 2_000
/** Every fault is over by then; what is not finished a while later never would be. */
const FAULTS_END_MS = 150_000
const WORLD_MS_MAX = 600_000
const RATE_PER_TICK = 6

export type Character =
  | 'good'
  | 'fails-5'
  | 'fails-20'
  | 'fails-all'
  | 'late'
  | 'dead-on-start'
  | 'fails-in-private'
  | 'dies-later'
  | 'bad-schema'

/** A random number from 0 to 1 for each call; the same seed gives the same row (mulberry32, a public-domain generator). */
export function diceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Fate {
  readonly character: Character
  readonly strategy: 'canary' | 'blue-green' | 'rolling'
  readonly replicas: number
  /** Strategy rolling. */
  readonly keep: 'warm' | 'restart'
  readonly needed: number
  /** Strategy canary: the release reaches two rings of tenants one after the other. */
  readonly rings: boolean
  readonly schema: 'none' | 'expand' | 'contract'
  /** How long the old release stays warm, in ms. */
  readonly warmMs: number
  readonly sharedOutage: readonly [from: number, to: number] | null
  readonly trafficAway: readonly [from: number, to: number] | null
  readonly runtimeAway: readonly [from: number, to: number] | null
  readonly lostAnswers: number
  /** Chance at each turn and each effect that the engine dies there. */
  readonly deadliness: number
  readonly gatewayRestartAt: number | null
  /** Gates and approvals. */
  readonly before: Before
  readonly person: readonly { readonly at: number; readonly name: 'halt' | 'resume' | 'rollback' | 'promote' }[]
}

function fateOf(dice: () => number, before: Before): Fate {
  const often = (share: number) => dice() < share
  const span = (longest: number): [number, number] => {
    const from = dice() * 60_000
    return [from, Math.min(FAULTS_END_MS, from + dice() * longest)]
  }
  const characters: Character[] = [
    'good',
    'good',
    'good',
    'fails-5',
    'fails-20',
    'fails-all',
    'late',
    'dead-on-start',
    'fails-in-private',
    'dies-later',
    'bad-schema',
  ]
  const names = ['halt', 'resume', 'rollback', 'promote'] as const
  const character = characters[Math.floor(dice() * characters.length)]!
  const strategy = often(0.25) ? 'rolling' : often(0.75) ? 'canary' : 'blue-green'
  const replicas = strategy === 'rolling' ? 1 + Math.floor(dice() * 4) : 2
  return {
    before,
    character,
    strategy,
    replicas,
    keep: often(0.3) ? 'warm' : 'restart',
    needed: 1 + Math.floor(dice() * replicas),
    rings: strategy === 'canary' && often(0.25),
    schema: character === 'bad-schema' || often(0.3) ? 'expand' : often(0.3) ? 'contract' : 'none',
    warmMs: often(0.3) ? dice() * 8_000 : 0,
    sharedOutage: often(0.15) ? span(20_000) : null,
    trafficAway: often(0.2) ? span(often(0.3) ? 140_000 : 15_000) : null,
    runtimeAway: often(0.15) ? span(20_000) : null,
    lostAnswers: often(0.2) ? 1 + Math.floor(dice() * 3) : 0,
    deadliness: often(0.4) ? 0.02 : 0,
    gatewayRestartAt: often(0.1) ? dice() * 40_000 : null,
    person: often(0.25)
      ? Array.from({ length: 1 + Math.floor(dice() * 3) }, () => ({
          at: dice() * 40_000,
          name: names[Math.floor(dice() * 4)]!,
        })).sort((a, b) => a.at - b.at)
      : [],
  }
}

export interface Outcome {
  readonly seed: number
  readonly fate: Fate
  readonly state: DeploymentState
  readonly ms: number
  readonly engines: number
  readonly harmed: number
  /** What was promised and is not so; empty: all is well. */
  readonly broken: readonly string[]
}

type Shape = Pick<Fate, 'strategy' | 'replicas' | 'keep' | 'needed' | 'rings' | 'schema' | 'warmMs'>

const FIRST: Shape = {
  strategy: 'canary',
  replicas: 2,
  keep: 'warm',
  needed: 1,
  rings: false,
  schema: 'none',
  warmMs: 0,
}

function planOf(shape: Shape, previous: DeploymentPlan['previous'], release: string): DeploymentPlan {
  const { strategy, replicas, schema, warmMs } = shape
  const next = {
    release,
    replicas,
    command: ['x'],
    folder: '.',
    envNames: [],
    env: {},
    readyPath: '/r',
    startMsMax: 20_000,
    stopMsMax: 5_000,
  }
  const rolling =
    previous && strategy === 'rolling' ? rollingOf(shape, { ...next, release: previous.release }) : undefined
  const rungs = rolling ? rollingRungs(rolling) : [0.1, 0.3]
  return {
    id: `dep-${release}`,
    service: 'svc',
    serviceName: 'Service',
    previous,
    next,
    strategy,
    ...(rolling ? { rolling } : {}),
    ...(shape.rings ? { rings: RINGS } : {}),
    ...(warmMs > 0 ? { warmMs } : {}),
    ...(schema === 'contract'
      ? { backfill: BACKFILL, contract: [{ file: '0003.contract.sql', sql: 'select 3' }] }
      : {}),
    trial: {
      ...TRIAL_DEFAULTS,
      stable: previous?.release ?? '',
      canary: release,
      strategy: strategy === 'blue-green' ? 'blue-green' : 'canary',
      steps: ['ask', 'submit'].map((step) => ({
        journey: 'apply',
        step,
        omega: 0.5,
        p0: 0.005,
        p0Units: 5_000,
        limitMs: 2_000,
      })),
      rungs,
      ...(rolling ? { holdBack: 1 - rungs[rungs.length - 1]! } : {}),
      rungMsMin: 500,
      margin: 0.06,
      bakeMs: 1_000,
      suspicionMs: 5_000,
      outageMs: 2_000,
    },
    migrations: schema === 'none' ? [] : [{ file: '0001.sql', sql: 'select 1' }],
    steps: [],
    healthPath: '/r',
    drainMsMax: 5_000,
    requestedBy: 'asha',
    approvals: 0,
    reason: 'simulated',
    incident: {
      ladder: [],
      fallback: { role: 'on call', route: 'webhook', to: 'pager', afterMs: 60_000 },
      severity: 'P2',
      severityRule: 'simulated',
      steps: {},
      comms: {
        audiences: [],
        facts: { serviceName: 'Service', cannot: 'apply', who: 'people', instead: null, answers: null },
      },
    },
  }
}

const RINGS: NonNullable<DeploymentPlan['rings']> = {
  where: { in: 'path', at: 0 },
  rings: [
    {
      id: 'test',
      says: 'one',
      tenants: ['a'],
      when: null,
      share: 0.5,
      holdMs: 1_000,
      evidence: [{ what: 'asks', step: 'apply/ask', count: 20 }],
    },
    {
      id: 'rest',
      says: 'the others',
      tenants: null,
      when: null,
      share: 0.5,
      holdMs: 1_000,
      evidence: [{ what: 'sends', step: null, count: 60 }],
    },
  ],
}

const BACKFILL: NonNullable<DeploymentPlan['backfill']> = {
  files: [{ file: '0002.migrate.sql', sql: 'select 2' }],
  batch: 100,
  pauseMs: 0,
  lagMsMax: 1_000,
  activeMax: 10,
  when: 'after-promotion',
  msMax: 120_000,
}

function rollingOf({ replicas, keep, needed }: Shape, previous: DeploymentPlan['next']): RollingPlan {
  const batches = Array.from({ length: replicas }, (_, i) => i + 1)
  return { replicas, batches, needed, keep, previous, restoreMsMax: 0, says: '' }
}

export async function live(seed: number): Promise<Outcome> {
  const dice = diceOf(seed)
  const fate = fateOf(dice, beforeOf(diceOf(seed ^ 0x5eed)))
  const clock = { t: 1_800_000_000_000, now: () => clock.t }
  const begun = clock.t
  const store = memoryStore(clock)
  const traffic = memoryTraffic({ clock, dice })
  const runtime = memoryRuntime({ clock })
  let engines = 1
  let harmed = 0
  const watched: Watched = { broken: new Set(), contracted: false, rows: 500 }

  const world: EngineWorld = {
    service: 'svc',
    traffic,
    runtime,
    publicUrl: '',
    probe: { header: 'x', secret: 's' },
    env: {},
    notifiers: {},
  }
  const worlds = () => world
  const registry: Registry = {
    kinds: { deployment: deploymentKind(worlds), incident: incidentKind },
    performers: {
      ...deploymentPerformers(worlds),
      'gate.run': async (payload) => gateAnswer(fate.before, payload),
      'schema.expand': async () =>
        fate.character === 'bad-schema' ? { ok: false, why: 'lock timeout' } : { ok: true, applied: ['0001.sql'] },
      'schema.backfill': async (): Promise<Json> => {
        watched.rows = Math.max(0, watched.rows - 100)
        return { ok: true, done: watched.rows === 0, files: 1, rows: 500 - watched.rows, batches: 1 }
      },
      'schema.contract': async () => {
        watched.contracted = true
        return { ok: true, applied: ['0003.contract.sql'] }
      },
      'probe.verify': async (payload) =>
        fate.character === 'fails-in-private' && (payload as { arm?: string }).arm !== 'stable'
          ? { ok: false, steps: 1, why: 'answered 500' }
          : { ok: true, steps: 2 },
      'page.send': async () => ({ sent: 'accepted', reference: 'x' }),
      'comms.publish': async () => ({ published: 'x' }),
    },
  }
  runtime.behave('r2', {
    ...(fate.character === 'dead-on-start' && { diesSaying: 'setting missing' }),
    ...(fate.before.swapped && { digest: 'sha256:not what was planned' }),
  })

  const claims = new Map<string, Claim>()
  /** All due machines get a turn; true: the engine died in the middle. */
  async function engineTurn(): Promise<boolean> {
    const dies = () => fate.deadliness > 0 && dice() < fate.deadliness
    for (;;) {
      const claim = await store.claim(`engine-${engines}`, LEASE_MS)
      if (!claim) break
      claims.set(claim.machine, claim)
    }
    for (const [machine, claim] of claims) {
      if (dies()) return true
      const turned = await turn(store, claim, registry)
      if (turned.turned === 'fenced' || (await store.renew(claim, LEASE_MS)) === 'fenced') {
        claims.delete(machine)
        continue
      }
      if (dies()) return true
      if (turned.effects || dice() < 0.2) {
        const pending = await store.begin(claim)
        if (pending === 'fenced') continue
        for (const effect of pending) {
          try {
            const outcome = await registry.performers[effect.kind]!(effect.payload, {
              claim,
              key: `${machine}/${effect.id}`,
              machine: () => store.read(machine),
              attempts: effect.attempts,
            })
            if (dies()) return true
            await store.settle(claim, effect.id, outcome)
          } catch (thrown) {
            if (!(thrown instanceof Fenced)) throw thrown
            claims.delete(machine)
          }
        }
      }
      // As the engine: what sleeps for longer than a lease is given back.
      if (turned.done || turned.wakeAt === null || turned.wakeAt - clock.t > LEASE_MS) {
        await store.release(claim)
        claims.delete(machine)
      }
    }
    return false
  }

  function failing(arm: Arm, at: number): number {
    const { sharedOutage, character } = fate
    const shared = sharedOutage && at >= sharedOutage[0] && at < sharedOutage[1] ? 0.3 : 0.003
    if (arm === 'stable') return shared
    const own =
      { 'fails-5': 0.05, 'fails-20': 0.2, 'fails-all': 1, late: at > 4_000 ? 0.3 : 0 }[character as string] ?? 0
    return 1 - (1 - shared) * (1 - own)
  }

  function citizensCome(at: number): void {
    const { config } = traffic
    if (!config) return
    const counts: StepCounts[] = []
    const { tenants, canary, weight, generation } = config
    const groups = tenants ? ringsOf(tenants) : [{ segment: '', share: canary ? weight : 0 }]
    for (const { segment, share } of groups) {
      for (const step of ['ask', 'submit']) {
        const tally = { stable: [0, 0], canary: [0, 0] } as Record<Arm, [number, number]>
        for (let i = 0; i < RATE_PER_TICK; i++) {
          const arm: Arm = canary && dice() < share ? 'canary' : 'stable'
          const failed = dice() < failing(arm, at)
          tally[arm][failed ? 1 : 0]++
          if (failed && arm === 'canary') harmed++
        }
        for (const arm of ['stable', 'canary'] as const) {
          const [ok, failed] = tally[arm]
          if (ok + failed === 0) continue
          counts.push({
            journey: 'apply',
            step,
            arm,
            share,
            generation,
            segment,
            visitor: 'citizen',
            ok,
            failed,
            slow: 0,
            retries: 0,
          })
        }
      }
    }
    if (counts.length > 0) traffic.feed(counts)
  }

  /** Runs until the deployment is over. */
  async function run(id: string, faulty: boolean): Promise<DeploymentState> {
    const from = clock.t
    let deadUntil = 0
    let sent = 0
    let restarted = false
    const people = faulty ? fate.person : []
    const agreeing = faulty ? [...fate.before.agreeing] : []
    for (;;) {
      clock.t += TICK_MS
      const at = clock.t - from
      if (faulty) {
        traffic.faults.unreachable = within(fate.trafficAway, at) ? 'the gateway does not answer' : undefined
        runtime.reach(!within(fate.runtimeAway, at))
        if (fate.gatewayRestartAt !== null && at >= fate.gatewayRestartAt && !restarted) {
          restarted = true
          traffic.restart()
        }
        if (fate.character === 'dies-later' && at > 3_000) {
          for (const { id: backend } of traffic.config?.canary?.backends ?? [])
            traffic.plight(backend, { healthy: false })
        }
        while (people[sent] && people[sent]!.at <= at) {
          const { name } = people[sent]!
          await store.post({ to: id, id: `m${sent}`, name, who: 'ben', payload: { reason: 'simulated' } })
          sent++
        }
      }
      while (agreeing[0] && agreeing[0].at <= at) {
        const { who, rightPlan } = agreeing.shift()!
        const payload = agreement((await store.read(id))!.state as unknown as DeploymentState, rightPlan)
        await store.post({ to: id, id: `agree-${agreeing.length}`, name: 'approve', who, payload })
      }
      citizensCome(at)
      if (faulty && traffic.config) watch(watched, fate, traffic.config, await runtime.instances())
      if (clock.t >= deadUntil && (await engineTurn())) {
        engines++
        claims.clear()
        deadUntil = clock.t + 500
      }
      const row = await store.read(id)
      const state = row!.state as unknown as DeploymentState
      const meets = [traffic.config?.canary, traffic.config?.stable].some((arm) => arm?.release === 'r2')
      if (faulty && meets && !isCleared(state))
        watched.broken.add('no traffic before every gate has passed and people agreed')
      // A halted deployment waits for a person; after a while this person takes it back.
      if (state.phase.name === 'halted' && at > FAULTS_END_MS) {
        await store.post({ to: id, id: 'late', name: 'rollback', who: 'ben', payload: { reason: 'nobody resumed it' } })
      }
      if (isOver(state) || at > WORLD_MS_MAX) return state
    }
  }

  const first = planOf({ ...FIRST, replicas: fate.replicas }, null, 'r1')
  await store.create('svc', newDeployment(first, clock.t), [])
  await run(first.id, false)
  const backends = (await runtime.instances('r1')) as unknown as { id: string; host: string; port: number }[]
  const previous = { release: 'r1', backends: backends.map(({ id, host, port }) => ({ id, host, port })) }
  traffic.faults.lostAnswers = fate.lostAnswers
  harmed = 0
  const artefact = (await runtime.identify!({ release: 'r2', folder: '.', command: [] })) as Artefact
  const plan = { ...planOf(fate, previous, 'r2'), ...planBefore(fate.before), artefact }
  await store.create('svc', newDeployment(plan, clock.t), [])
  const state = await run('dep-r2', true)
  // The last effects (stopping what was refused, pages) are performed after the end.
  traffic.faults.unreachable = undefined
  runtime.reach(true)
  // Quiet for longer than a lease: nobody holds anything any more.
  for (
    let quiet = 0;
    quiet * TICK_MS <= LEASE_MS && clock.t - begun < 2 * WORLD_MS_MAX;
    quiet = claims.size === 0 ? quiet + 1 : 0
  ) {
    clock.t += TICK_MS
    if (await engineTurn()) claims.clear()
  }
  const broken = await check({ fate, state, store, traffic, runtime, watched })
  return { seed, fate, state, ms: clock.t - begun, engines, harmed, broken }
}

/** What each ring's citizens meet; the counts carry the ring before the browser. */
function ringsOf(rule: TenantRule): { segment: string; share: number }[] {
  const named = rule.rings.map(({ id, weight }) => ({ segment: `${id}/chrome`, share: weight }))
  return rule.rest ? [...named, { segment: `${rule.rest.id}/chrome`, share: rule.rest.weight }] : named
}

function within(span: readonly [number, number] | null, at: number): boolean {
  return span !== null && at >= span[0] && at < span[1]
}

export type { Fate }
