/**
 * One seed is one world: a release with its own character, citizens, a traffic layer and a runtime that fail now and then, engines that
 * die in the middle of things, and people who press buttons. The production reducers, the production turn and the contract-tested memory
 * adapters run in it; only time and dice are ours.
 *
 * The clock ticks ten times a second for the citizens. Engines get a turn at the ticks at which something is due or has happened, as in
 * production, where they sleep until then; a world that waits for an approval costs nothing.
 */
import { type MemoryRuntime, memoryRuntime } from '../../src/adapters/memory/runtime.ts'
import { type MemoryStore, memoryStore } from '../../src/adapters/memory/store.ts'
import { type MemoryTraffic, memoryTraffic } from '../../src/adapters/memory/traffic.ts'
import { isOver } from '../../src/core/deploy/deploying.ts'
import { type Artefact, type DeploymentState, newDeployment } from '../../src/core/deploy/deployment.ts'
import type { Json } from '../../src/core/json.ts'
import { diceOf } from '../../src/core/rehearse/dice.ts'
import { deploymentKind, deploymentPerformers } from '../../src/engine/deployments.ts'
import { incidentKind } from '../../src/engine/incidents.ts'
import { Fenced, type Registry } from '../../src/engine/registry.ts'
import { turn } from '../../src/engine/turn.ts'
import type { World as EngineWorld } from '../../src/engine/world.ts'
import type { Claim, PendingEffect } from '../../src/ports/store.ts'
import { agreement, beforeOf, gateAnswer, isCleared, planBefore } from './before.ts'
import { Citizens, TICK_MS } from './citizens.ts'
import { FAULTS_END_MS, type Fate, fateOf, within } from './fate.ts'
import { shadowOf } from './copies.ts'
import { check, type Watched, watch } from './promises.ts'
import { FIRST, planOf } from './release.ts'

const LEASE_MS = 2_000
/** What an engine renews its leases within, when nothing else is due. */
const HEARTBEAT_MS = LEASE_MS / 3
/** How long it takes until somebody starts another engine. */
const DEAD_MS = 500
// A good release with bad luck stands at its rung until the evidence has faded: one in 20,000 worlds, of an engine that dies all the time,
// took longer than ten minutes.
const WORLD_MS_MAX = 1_800_000
/** How often a turn that asked for nothing looks at effects that were put off, as the engine does. */
const LOOKS = 0.2

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

export function live(seed: number): Promise<Outcome> {
  return new World(seed).live()
}

class World {
  readonly #seed: number
  readonly #dice: () => number
  readonly #fate: Fate
  readonly #clock = { t: 1_800_000_000_000, now: () => this.#clock.t }
  readonly #store: MemoryStore
  readonly #traffic: MemoryTraffic
  readonly #runtime: MemoryRuntime
  readonly #citizens: Citizens
  readonly #registry: Registry
  readonly #watched: Watched = { broken: new Set(), contracted: false, rows: 500 }
  readonly #claims = new Map<string, Claim>()
  /** The release that the world is about is on its way; before that, the one that runs was brought there in peace. */
  #isFaulty = false
  #engines = 1
  #deadUntil = 0
  /** Until then nothing is due, unless something happens. */
  #quietUntil = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#dice = diceOf(seed).next
    this.#fate = fateOf(this.#dice, beforeOf(diceOf(seed ^ 0x5eed).next), shadowOf(diceOf(seed ^ 0x5add).next))
    this.#store = memoryStore(this.#clock)
    this.#traffic = memoryTraffic({ clock: this.#clock, dice: this.#dice })
    this.#runtime = memoryRuntime({ clock: this.#clock })
    this.#citizens = new Citizens(this.#fate, this.#dice, this.#traffic)
    this.#registry = this.#registryOf()
    this.#runtime.behave('r2', {
      ...(this.#fate.character === 'dead-on-start' && { diesSaying: 'setting missing' }),
      ...(this.#fate.before.swapped && { digest: 'sha256:not what was planned' }),
    })
  }

  async live(): Promise<Outcome> {
    const begun = this.#clock.t
    const fate = this.#fate
    const store = this.#store
    const traffic = this.#traffic
    const runtime = this.#runtime
    const first = planOf({ ...FIRST, replicas: fate.replicas }, null, 'r1')
    await store.create('svc', newDeployment(first, this.#clock.t), [])
    await this.#run(first.id, false)
    const backends = (await runtime.instances('r1')) as unknown as { id: string; host: string; port: number }[]
    const previous = { release: 'r1', backends: backends.map(({ id, host, port }) => ({ id, host, port })) }
    traffic.faults.lostAnswers = fate.lostAnswers
    this.#citizens.harmed = 0
    const artefact = (await runtime.identify!({ release: 'r2', folder: '.', command: [] })) as Artefact
    const plan = { ...planOf(fate, previous, 'r2'), ...planBefore(fate.before), artefact }
    await store.create('svc', newDeployment(plan, this.#clock.t), [])
    const state = await this.#run(plan.id, true)
    await this.#settle(begun)
    const watched = this.#watched
    const harmed = this.#citizens.harmed
    const broken = await check({ fate, state, store, traffic, runtime, watched, harmed })
    return { seed: this.#seed, fate, state, ms: this.#clock.t - begun, engines: this.#engines, harmed, broken }
  }

  /** Runs until the deployment is over. */
  async #run(id: string, faulty: boolean): Promise<DeploymentState> {
    const from = this.#clock.t
    const happens = faulty ? new Happenings(this.#fate) : undefined
    this.#isFaulty = faulty
    this.#quietUntil = 0
    for (;;) {
      this.#clock.t += TICK_MS
      const at = this.#clock.t - from
      if (happens?.restarts(at)) {
        this.#traffic.restart()
        this.#citizens.forget()
      }
      this.#citizens.come(at)
      const isNews = happens !== undefined && (await this.#peopleAct(id, happens, at))
      if (this.#clock.t < this.#quietUntil && !isNews) continue
      if (faulty) this.#letFail(at)
      await this.#turns()
      const state = await this.#stateOf(id)
      if (isOver(state) || at > WORLD_MS_MAX) return state
      this.#quietUntil = this.#quietNow()
    }
  }

  /** The last effects (stopping what was refused, pages) are performed after the end, and then nobody holds anything any more. */
  async #settle(begun: number): Promise<void> {
    this.#traffic.faults.unreachable = undefined
    this.#runtime.reach(true)
    while (this.#clock.t - begun < 2 * WORLD_MS_MAX) {
      const due = this.#quietNow()
      if (this.#claims.size === 0 && due > this.#clock.t + LEASE_MS) return
      this.#clock.t = Math.max(this.#clock.t + TICK_MS, due)
      await this.#turns()
    }
  }

  /** Until when nothing can happen by itself. Whoever holds something renews its leases meanwhile. */
  #quietNow(): number {
    if (this.#clock.t < this.#deadUntil) return this.#deadUntil
    const due = this.#store.dueAt(this.#owner)
    return this.#claims.size === 0 ? due : Math.min(due, this.#clock.t + HEARTBEAT_MS)
  }

  get #owner(): string {
    return `engine-${this.#engines}`
  }

  async #stateOf(id: string): Promise<DeploymentState> {
    return (await this.#store.read(id))!.state as unknown as DeploymentState
  }

  /** What the outside is like at this moment. */
  #letFail(at: number): void {
    const { trafficAway, runtimeAway, character } = this.#fate
    this.#traffic.faults.unreachable = within(trafficAway, at) ? 'the gateway does not answer' : undefined
    this.#runtime.reach(!within(runtimeAway, at))
    if (character !== 'dies-later' || at <= 3_000) return
    for (const { id } of this.#traffic.config?.canary?.backends ?? []) this.#traffic.plight(id, { healthy: false })
  }

  /** Posts what people say at this moment. True: they said something. */
  async #peopleAct(id: string, happens: Happenings, at: number): Promise<boolean> {
    const post = (message: string, name: string, who: string, payload: Json) =>
      this.#store.post({ to: id, id: message, name, who, payload })
    let isNews = false
    for (let next = happens.order(at); next; next = happens.order(at)) {
      await post(next.id, next.name, 'ben', { reason: 'simulated' })
      isNews = true
    }
    for (let next = happens.agreement(at); next; next = happens.agreement(at)) {
      await post(next.id, 'approve', next.who, agreement(await this.#stateOf(id), next.rightPlan))
      isNews = true
    }
    // A halted deployment waits for a person; after a while this person takes it back.
    if (happens.isTiredOf(at) && (await this.#stateOf(id)).phase.name === 'halted') {
      await post('late', 'rollback', 'ben', { reason: 'nobody resumed it' })
      isNews = true
    }
    return isNews
  }

  /** All due machines get a turn, unless the engine is dead; it may die in the middle. */
  async #turns(): Promise<void> {
    if (this.#clock.t < this.#deadUntil || !(await this.#turnsOrDies())) return
    this.#engines++
    this.#claims.clear()
    this.#deadUntil = this.#clock.t + DEAD_MS
  }

  async #turnsOrDies(): Promise<boolean> {
    for (;;) {
      const claim = await this.#store.claim(this.#owner, LEASE_MS)
      if (!claim) break
      this.#claims.set(claim.machine, claim)
    }
    for (const claim of this.#claims.values()) if (await this.#turnOrDies(claim)) return true
    return false
  }

  #dies(): boolean {
    return this.#fate.deadliness > 0 && this.#dice() < this.#fate.deadliness
  }

  async #turnOrDies(claim: Claim): Promise<boolean> {
    const store = this.#store
    if (this.#dies()) return true
    const turned = await turn(store, claim, this.#registry)
    if (turned.turned === 'fenced' || (await store.renew(claim, LEASE_MS)) === 'fenced') {
      this.#claims.delete(claim.machine)
      return false
    }
    if (this.#dies()) return true
    if (turned.effects || this.#dice() < LOOKS) {
      const pending = await store.begin(claim)
      if (pending === 'fenced') return false
      for (const effect of pending) if (await this.#performsOrDies(claim, effect)) return true
    }
    // As the engine: what sleeps for longer than a lease is given back.
    if (turned.done || turned.wakeAt === null || turned.wakeAt - this.#clock.t > LEASE_MS) {
      await store.release(claim)
      this.#claims.delete(claim.machine)
    }
    return false
  }

  async #performsOrDies(claim: Claim, effect: PendingEffect): Promise<boolean> {
    const { machine } = claim
    try {
      const outcome = await this.#registry.performers[effect.kind]!(effect.payload, {
        claim,
        key: `${machine}/${effect.id}`,
        machine: () => this.#store.read(machine),
        attempts: effect.attempts,
      })
      await this.#look()
      if (this.#dies()) return true
      await this.#store.settle(claim, effect.id, outcome)
    } catch (thrown) {
      if (!(thrown instanceof Fenced)) throw thrown
      this.#claims.delete(machine)
    }
    return false
  }

  /** Only what engines do changes the outside: what is promised of every moment is looked at after each of their deeds. */
  async #look(): Promise<void> {
    const { config } = this.#traffic
    if (!config || !this.#isFaulty) return
    watch(this.#watched, this.#fate, config, await this.#runtime.instances())
    const meets = config.canary?.release === 'r2' || config.stable.release === 'r2'
    if (meets && !isCleared(await this.#stateOf('dep-r2')))
      this.#watched.broken.add('no traffic before every gate has passed and people agreed')
  }

  #registryOf(): Registry {
    const world: EngineWorld = {
      service: 'svc',
      traffic: this.#traffic,
      runtime: this.#runtime,
      publicUrl: '',
      probe: { header: 'x', secret: 's' },
      env: {},
      notifiers: {},
    }
    const worlds = () => world
    const fate = this.#fate
    const watched = this.#watched
    return {
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
  }
}

/** What befalls one deployment at set moments, each of them once. */
class Happenings {
  readonly #fate: Fate
  #ordered = 0
  #agreed = 0
  #restarted = false

  constructor(fate: Fate) {
    this.#fate = fate
  }

  restarts(at: number): boolean {
    const { gatewayRestartAt } = this.#fate
    if (this.#restarted || gatewayRestartAt === null || at < gatewayRestartAt) return false
    this.#restarted = true
    return true
  }

  order(at: number): { readonly id: string; readonly name: string } | undefined {
    const next = this.#fate.person[this.#ordered]
    return next && next.at <= at ? { id: `m${this.#ordered++}`, name: next.name } : undefined
  }

  agreement(at: number): { readonly id: string; readonly who: string; readonly rightPlan: boolean } | undefined {
    const next = this.#fate.before.agreeing[this.#agreed]
    return next && next.at <= at ? { id: `agree-${this.#agreed++}`, ...next } : undefined
  }

  /** Once a second at most, after all faults are over. */
  isTiredOf(at: number): boolean {
    return at > FAULTS_END_MS && at % 1_000 < TICK_MS
  }
}
