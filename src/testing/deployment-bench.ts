/**
 * One deployment machine with a world of one traffic layer, one runtime and one database around it, in a few lines, driven by hand: what
 * each promises, without their code. Faults are switches. For tests of the machine alone; the simulation runs the real adapters.
 */
import assert from 'node:assert/strict'
import type { Arm } from '../core/deploy/counts.ts'
import { deploymentMachine } from '../core/deploy/deploying.ts'
import {
  type ArmBackends,
  type DeploymentPlan,
  type DeploymentSeen,
  type DeploymentState,
  newDeployment,
} from '../core/deploy/deployment.ts'
import { TRIAL_DEFAULTS } from '../core/deploy/trial.ts'
import type { Json } from '../core/json.ts'
import type { Effect, Event } from '../core/machine.ts'
import { addSums, NO_SUMS, type Sums } from '../core/shadow/tally.ts'
import { ringReader, ringSegment, type TenantRule } from '../core/traffic/tenant.ts'

const NEXT = {
  release: 'r2',
  replicas: 1,
  command: ['x'],
  folder: '.',
  envNames: [],
  env: {},
  readyPath: '/ready',
  startMsMax: 5_000,
  stopMsMax: 5_000,
}

/** A canary of one replica beside one, with a short ramp. Change what a test is about. */
export const BENCH_PLAN: DeploymentPlan = {
  id: 'dep-r2',
  service: 'heating',
  serviceName: 'Heating payment',
  previous: { release: 'r1', backends: [{ id: 'r1-1', host: '127.0.0.1', port: 1 }] },
  next: NEXT,
  strategy: 'canary',
  trial: {
    ...TRIAL_DEFAULTS,
    stable: 'r1',
    canary: 'r2',
    steps: [{ journey: 'apply', step: 'submit', omega: 1, p0: 0.005, p0Units: 5_000, limitMs: 2_000 }],
    rungs: [0.25, 0.5, 0.95],
    rungMsMin: 1_000,
    margin: 0.05,
    bakeMs: 1_000,
    suspicionMs: 5_000,
  },
  migrations: [],
  steps: [],
  healthPath: '/ready',
  drainMsMax: 10_000,
  requestedBy: 'asha',
  approvals: 0,
  reason: 'new question',
  incident: {
    ladder: [],
    fallback: { role: 'on call', route: 'webhook', to: 'pager', afterMs: 60_000 },
    severity: 'P1',
    severityRule: 'money stops',
    steps: { 'apply/submit': { cannot: 'send their application', runbook: 'submissions-fail', slowRunbook: null } },
    comms: {
      audiences: [],
      facts: { serviceName: 'Heating payment', cannot: 'apply', who: 'people', instead: null, answers: null },
    },
  },
}

export interface Faults {
  /** Share of the new release's answers that fail, 0 to 1; per ring where there are rings. */
  stream: number
  failsIn: string | null
  /** No replica of the new release is healthy. */
  dead: boolean
  /** The traffic layer neither answers nor obeys. */
  balancer: boolean
  /** The runtime does not answer. */
  runtime: boolean
}

interface Traffic {
  version: number
  weight: number
  generation: number
  stable: ArmBackends | null
  canary: ArmBackends | null
  tenants: TenantRule | null
  /** The run whose copies are compared; null: nothing is copied. */
  run: string | null
}

type Payload = Readonly<Record<string, never>> & Record<string, Json>

export class DeploymentBench {
  now = 1_000_000
  state: DeploymentState
  readonly said: string[] = []
  readonly whys: string[] = []
  readonly spawned: { id: string; at: number }[] = []
  /** What the incidents were opened with. */
  readonly opened: Json[] = []
  readonly faults: Faults = { stream: 0, failsIn: null, dead: false, balancer: false, runtime: false }
  /** What the traffic layer obeys at the moment. */
  readonly traffic: Traffic = {
    version: 0,
    weight: 0,
    generation: 3,
    stable: null,
    canary: null,
    tenants: null,
    run: null,
  }
  /** Replicas that run, by release. */
  readonly runs = new Map<string, string[]>()
  /** Overrides of what an effect is answered with; undefined: no answer comes. */
  readonly answers: Record<string, (effect: Effect) => Json | undefined> = {}
  /** Requests that an arm still has open. */
  inFlight = 0
  /** Rows that a backfill still has to copy. */
  rows = 0
  copied = 0
  contracted = false
  perTick = 20
  private readonly owed = new Map<string, number>()
  made = 0
  /** What each look adds to the comparison of copies, and what it came to. */
  pairs: Sums = { ...NO_SUMS, compared: 20, same: 20 }
  sums: Sums = NO_SUMS
  seq = 7
  private readonly unanswered: Effect[] = []
  private queue: { effect: Effect; at: number }[] = []

  constructor(plan: DeploymentPlan = BENCH_PLAN) {
    this.state = newDeployment(plan, this.now).state as unknown as DeploymentState
    if (plan.previous) {
      this.runs.set(
        plan.previous.release,
        plan.previous.backends.map(({ id }) => id),
      )
      this.traffic.stable = plan.previous
    }
  }

  get phase(): string {
    const { phase } = this.state
    return 'stage' in phase && phase.stage ? `${phase.name}/${phase.stage}` : phase.name
  }

  get over(): boolean {
    return ['promoted', 'rolled-back', 'refused'].includes(this.state.phase.name)
  }

  event(event: Event<DeploymentSeen>): void {
    // Through JSON, as the store keeps it: nothing may live outside of the state.
    const kept = JSON.parse(JSON.stringify(this.state)) as DeploymentState
    const reaction = deploymentMachine.react(kept, event, this.now)
    this.state = reaction.state
    for (const effect of reaction.effects) this.queue.push({ effect, at: effect.dueAt ?? this.now })
    this.said.push(...reaction.entries.map(({ kind }) => kind))
    this.whys.push(...reaction.entries.map(({ why }) => why))
    this.spawned.push(...reaction.spawn.map(({ id }) => ({ id, at: this.now })))
    this.opened.push(...reaction.spawn.map(({ state }) => state))
  }

  say(name: string, reason = 'because'): void {
    this.event({ kind: 'message', id: `m${this.now}`, name, who: 'ben', payload: { reason } })
  }

  /** Time passes; effects that are due are performed before the machine looks again. */
  tick(ms = 100): void {
    this.now += ms
    for (const { effect } of this.due()) {
      const own = this.answers[effect.kind]
      const outcome = own ? own(effect) : this.perform(effect)
      if (outcome === undefined) this.unanswered.push(effect)
      else if (!this.over) {
        this.event({ kind: 'outcome', effect: effect.id, of: effect.kind, outcome })
      }
    }
    if (!this.over) this.event({ kind: 'tick', seen: this.look() })
  }

  /** The controller is gone: time passes, and nobody looks. */
  lose(ms: number): void {
    this.now += ms
  }

  until(phase: string | ((bench: DeploymentBench) => boolean), ticks = 20_000): void {
    const there = typeof phase === 'string' ? () => this.phase === phase : () => phase(this)
    for (let i = 0; i < ticks && !there() && !this.over; i++) this.tick()
    assert.ok(there(), `${String(phase)}: still ${this.phase}, ${this.state.lastWhy}`)
  }

  /** Every citizen who comes now meets this release; null: some the one, some the other. */
  get serves(): string | null {
    const { weight, stable, canary } = this.traffic
    if (!canary || weight === 0) return stable?.release ?? null
    return weight === 1 ? canary.release : null
  }

  private due(): { effect: Effect; at: number }[] {
    const due = this.queue.filter(({ at }) => at <= this.now)
    this.queue = this.queue.filter(({ at }) => at > this.now)
    return due
  }

  /** What a well world answers, for overrides that hold back some of a kind only. */
  obey(kind: string, payload: Json): Json | undefined {
    return this.perform({ id: '', kind, payload })
  }

  /** What was asked for and never answered is asked for again, as a new engine does with its outbox. */
  repeat(): void {
    for (const effect of this.unanswered.splice(0)) this.queue.push({ effect, at: this.now })
  }

  private perform(effect: Effect): Json | undefined {
    const payload = effect.payload as Payload
    const away = { unreachable: true, why: 'it does not answer' }
    switch (effect.kind) {
      case 'traffic.apply':
        if (this.faults.balancer) return away
        return this.apply(payload)
      case 'traffic.close-upgraded':
        return this.faults.balancer ? away : 'closing'
      case 'runtime.start':
        return this.faults.runtime ? away : this.start(String(payload.release), Number(payload.replicas))
      case 'runtime.stop':
        if (this.faults.runtime) return away
        this.runs.delete(String(payload.release))
        return 'stopped'
      case 'runtime.stop-replicas': {
        if (this.faults.runtime) return away
        const gone = payload.instances as unknown as string[]
        const release = String(payload.release)
        this.runs.set(
          release,
          (this.runs.get(release) ?? []).filter((id) => !gone.includes(id)),
        )
        return 'stopped'
      }
      case 'probe.verify':
        return { ok: true, steps: 3, why: '3 steps tried' }
      case 'schema.expand':
        return { ok: true, applied: [] }
      case 'schema.contract':
        this.contracted = true
        return { ok: true, applied: ['9.contract.sql'] }
      case 'schema.backfill': {
        const batch = Math.min(this.rows, Number(payload.batch))
        this.rows -= batch
        this.copied += batch
        return { ok: true, done: batch === 0, files: batch === 0 ? 1 : 0, rows: this.copied, batches: 1 }
      }
      default:
        return undefined
    }
  }

  private apply(payload: Payload): Json {
    const wanted = payload as unknown as Traffic
    const { version, weight, generation, stable } = wanted
    if (version > this.traffic.version) {
      Object.assign(this.traffic, {
        version,
        weight,
        generation,
        stable,
        canary: wanted.canary ?? null,
        tenants: wanted.tenants ?? null,
        run: (payload.shadow as { run?: string } | undefined)?.run ?? null,
      })
    }
    return { version, result: 'applied' }
  }

  private start(release: string, replicas: number): Json {
    const running = this.runs.get(release) ?? []
    while (running.length < replicas) running.push(`${release}-${release === 'r1' ? 'again-' : ''}${++this.made}`)
    this.runs.set(release, running)
    return { started: true, instances: running.map((id, i) => ({ id, host: '127.0.0.1', port: 1_000 + i })) }
  }

  private look(): DeploymentSeen {
    if (this.faults.balancer) return { status: null, counts: null, why: 'the gateway does not answer' }
    const { traffic } = this
    const backend = (arm: Arm, { id }: { id: string }, release: string) => {
      const runs = (this.runs.get(release) ?? []).includes(id)
      const healthy = runs && !(this.faults.dead && release === this.state.plan.next.release)
      return { arm, id, healthy, inFlight: this.inFlight, upgraded: 0 }
    }
    this.seq++
    if (traffic.run !== null) this.sums = addSums(this.sums, this.pairs)
    const of = (arm: Arm) => traffic[arm]?.backends.map((one) => backend(arm, one, traffic[arm]!.release)) ?? []
    return {
      why: null,
      status: {
        version: traffic.version,
        generation: traffic.generation,
        seq: this.seq,
        failedByUs: 0,
        backends: [...of('stable'), ...of('canary')],
        shadow: { run: traffic.run, sums: traffic.run === null ? NO_SUMS : this.sums },
      },
      counts: { gap: false, batches: [{ seq: this.seq, from: this.now - 100, to: this.now, counts: this.counts() }] },
    }
  }

  private counts() {
    const { tenants, weight, canary } = this.traffic
    if (!tenants) return this.countsOf('', canary ? weight : 0, this.perTick)
    const rings = [...tenants.rings, ...(tenants.rest ? [{ ...tenants.rest, tenants: ['anybody'] }] : [])]
    const reader = ringReader(tenants)
    return rings.flatMap(({ id, tenants: names }) => {
      const ring = reader({ path: `/${names[0]}/x`, host: names[0], header: () => names[0] })
      return this.countsOf(ringSegment(id, 'chrome'), ring.weight, this.perTick)
    })
  }

  /** Citizens of one tick, split as the coin would on average. */
  private countsOf(segment: string, share: number, sessions: number) {
    const { stream, failsIn } = this.faults
    const next = this.state.plan.next.release
    const bad = failsIn === null || segment.startsWith(`${failsIn}/`) ? stream : 0
    const row = (arm: Arm, units: number) => {
      const failed = this.traffic[arm]?.release === next ? Math.round(units * bad) : 0
      const { generation } = this.traffic
      const words = { journey: 'apply', step: 'submit', arm, share, generation, segment, visitor: 'citizen' as const }
      return { ...words, ok: units - failed, failed, slow: 0, retries: 0 }
    }
    // What is less than one citizen is owed to the next tick.
    const due = (this.owed.get(segment) ?? 0) + sessions * share
    const canary = Math.min(sessions, Math.floor(due + 1e-9))
    this.owed.set(segment, due - canary)
    return [row('stable', sessions - canary), row('canary', canary)]
  }
}

/** The same plan by rolling, with `n` replicas of both releases. */
export function rollingBench(n: number, rolling: Partial<NonNullable<DeploymentPlan['rolling']>>): DeploymentPlan {
  const backends = Array.from({ length: n }, (_, i) => ({ id: `r1-${i + 1}`, host: '127.0.0.1', port: i + 1 }))
  const batches = rolling.batches ?? Array.from({ length: n }, (_, i) => i + 1)
  const rungs = batches.length === 1 ? [0.5] : batches.slice(0, -1).map((up) => up / n)
  return {
    ...BENCH_PLAN,
    previous: { release: 'r1', backends },
    next: { ...NEXT, replicas: n },
    strategy: 'rolling',
    trial: { ...BENCH_PLAN.trial, rungs, holdBack: 1 - rungs[rungs.length - 1]! },
    rolling: {
      replicas: n,
      batches,
      needed: n,
      keep: 'restart',
      previous: { ...NEXT, release: 'r1', replicas: n },
      restoreMsMax: 0,
      says: '',
      ...rolling,
    },
  }
}
