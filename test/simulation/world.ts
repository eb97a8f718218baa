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
import { type DeploymentPlan, type DeploymentState, newDeployment } from '../../src/core/deploy/deployment.ts'
import { TRIAL_DEFAULTS } from '../../src/core/deploy/trial.ts'
import { deploymentKind, deploymentPerformers } from '../../src/engine/deployments.ts'
import { incidentKind } from '../../src/engine/incidents.ts'
import { Fenced, type Registry } from '../../src/engine/registry.ts'
import { turn } from '../../src/engine/turn.ts'
import type { World as EngineWorld } from '../../src/engine/world.ts'
import type { Claim } from '../../src/ports/store.ts'
import { check } from './promises.ts'

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
  readonly strategy: 'canary' | 'blue-green'
  readonly sharedOutage: readonly [from: number, to: number] | null
  readonly trafficAway: readonly [from: number, to: number] | null
  readonly runtimeAway: readonly [from: number, to: number] | null
  readonly lostAnswers: number
  /** Chance at each turn and each effect that the engine dies there. */
  readonly deadliness: number
  readonly gatewayRestartAt: number | null
  readonly person: readonly { readonly at: number; readonly name: 'halt' | 'resume' | 'rollback' | 'promote' }[]
}

function fateOf(dice: () => number): Fate {
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
  return {
    character: characters[Math.floor(dice() * characters.length)]!,
    strategy: often(0.7) ? 'canary' : 'blue-green',
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

function planOf(
  strategy: 'canary' | 'blue-green',
  previous: DeploymentPlan['previous'],
  release: string,
  schema: boolean,
): DeploymentPlan {
  return {
    id: `dep-${release}`,
    service: 'svc',
    serviceName: 'Service',
    previous,
    next: {
      release,
      replicas: 2,
      command: ['x'],
      folder: '.',
      envNames: [],
      env: {},
      readyPath: '/r',
      startMsMax: 20_000,
      stopMsMax: 5_000,
    },
    strategy,
    trial: {
      ...TRIAL_DEFAULTS,
      stable: previous?.release ?? '',
      canary: release,
      strategy,
      steps: ['ask', 'submit'].map((step) => ({
        journey: 'apply',
        step,
        omega: 0.5,
        p0: 0.005,
        p0Units: 5_000,
        limitMs: 2_000,
      })),
      rungs: [0.1, 0.3],
      rungMsMin: 500,
      margin: 0.06,
      bakeMs: 1_000,
      suspicionMs: 5_000,
      outageMs: 2_000,
    },
    migrations: schema ? [{ file: '0001.sql', sql: 'select 1' }] : [],
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

export async function live(seed: number): Promise<Outcome> {
  const dice = diceOf(seed)
  const fate = fateOf(dice)
  const clock = { t: 1_800_000_000_000, now: () => clock.t }
  const begun = clock.t
  const store = memoryStore(clock)
  const traffic = memoryTraffic({ clock, dice })
  const runtime = memoryRuntime({ clock })
  let engines = 1
  let harmed = 0

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
      'schema.expand': async () =>
        fate.character === 'bad-schema' ? { ok: false, why: 'lock timeout' } : { ok: true, applied: ['0001.sql'] },
      'probe.verify': async () =>
        fate.character === 'fails-in-private' ? { ok: false, steps: 1, why: 'answered 500' } : { ok: true, steps: 2 },
      'page.send': async () => ({ sent: 'accepted', reference: 'x' }),
      'comms.publish': async () => ({ published: 'x' }),
    },
  }
  if (fate.character === 'dead-on-start') runtime.behave('r2', { diesSaying: 'setting missing' })

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
    for (const step of ['ask', 'submit']) {
      const tally = { stable: [0, 0], canary: [0, 0] } as Record<Arm, [number, number]>
      for (let i = 0; i < RATE_PER_TICK; i++) {
        const arm: Arm = config.canary && dice() < config.weight ? 'canary' : 'stable'
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
          share: config.weight,
          generation: config.generation,
          segment: '',
          visitor: 'citizen',
          ok,
          failed,
          slow: 0,
          retries: 0,
        })
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
      citizensCome(at)
      if (clock.t >= deadUntil && (await engineTurn())) {
        engines++
        claims.clear()
        deadUntil = clock.t + 500
      }
      const row = await store.read(id)
      const state = row!.state as unknown as DeploymentState
      // A halted deployment waits for a person; after a while this person takes it back.
      if (state.phase.name === 'halted' && at > FAULTS_END_MS) {
        await store.post({ to: id, id: 'late', name: 'rollback', who: 'ben', payload: { reason: 'nobody resumed it' } })
      }
      if (isOver(state) || at > WORLD_MS_MAX) return state
    }
  }

  const first = planOf('canary', null, 'r1', false)
  await store.create('svc', newDeployment(first, clock.t), [])
  await run(first.id, false)
  const backends = (await runtime.instances('r1')) as unknown as { id: string; host: string; port: number }[]
  const previous = { release: 'r1', backends: backends.map(({ id, host, port }) => ({ id, host, port })) }
  traffic.faults.lostAnswers = fate.lostAnswers
  harmed = 0
  await store.create(
    'svc',
    newDeployment(planOf(fate.strategy, previous, 'r2', dice() < 0.5 || fate.character === 'bad-schema'), clock.t),
    [],
  )
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
  const broken = await check({ fate, state, store, traffic, runtime })
  return { seed, fate, state, ms: clock.t - begun, engines, harmed, broken }
}

function within(span: readonly [number, number] | null, at: number): boolean {
  return span !== null && at >= span[0] && at < span[1]
}

export type { Fate }
