/**
 * A console with a story behind it: real machines over the memory store, a hand-held clock, and a stand-in for the engine that
 * answers every effect as a healthy outside would. What the pages show has come out of the same reducers as in production.
 */
import { readFileSync } from 'node:fs'
import { memoryStore } from '../../src/adapters/memory/store.ts'
import { loadService } from '../../src/core/define/load.ts'
import type { Service } from '../../src/core/define/schema.ts'
import type { StepCounts } from '../../src/core/deploy/counts.ts'
import { deploymentMachine } from '../../src/core/deploy/deploying.ts'
import {
  type DeploymentPlan,
  type DeploymentSeen,
  type DeploymentState,
  newDeployment,
} from '../../src/core/deploy/deployment.ts'
import { TRIAL_DEFAULTS } from '../../src/core/deploy/trial.ts'
import type { Json } from '../../src/core/json.ts'
import type { Event, Machine, Reaction } from '../../src/core/machine.ts'
import { incident, openIncident } from '../../src/core/respond/incident.ts'
import { HOUR, MINUTE, SECOND } from '../../src/core/time.ts'
import type { Store } from '../../src/ports/store.ts'
import type { ConsoleOptions } from '../../src/web/desk.ts'

export const NOW = Date.UTC(2026, 10, 23, 3, 12, 0)
export const SERVICE = 'heating-payment'
const NAME = 'Apply for a cold weather heating payment'

const ladder = [
  { role: 'on-call', route: 'webhook', to: 'pager', afterMs: 5 * MINUTE },
  { role: 'second on-call', route: 'email', to: 'second@example.org', afterMs: 5 * MINUTE },
]
const fallback = { role: 'service owner', route: 'email', to: 'owner@example.org', afterMs: 10 * MINUTE }
const comms = {
  audiences: [
    { id: 'citizens' as const, channel: 'status-page' },
    { id: 'front-line' as const, channel: 'email' },
  ],
  facts: {
    serviceName: NAME,
    cannot: 'send your application',
    who: 'people applying online',
    instead: 'Call 0808 157 0000, Monday to Friday, 8am to 6pm.',
    answers: 'Answers you have already given are saved.',
  },
}

export const RUNBOOK = `# Citizens cannot send their application

Citizens who press “Submit” see a problem page. Answers they have given are saved.
Confirm: \`holdfast watch status\` shows submit failing. One safe action: take the release back.
Wake the second on-call after 10 minutes.

## Inputs

| Name | Where to find it | For example |
|---|---|---|
| \`DEPLOYMENT\` | the page you were sent | dep-r3 |

## Steps

### Is it the new release?
\`\`\`step
id: which-release
why: A fault in both releases is not repaired by going back.
run: holdfast deploy status "\${DEPLOYMENT:?}"
expect: "failed" is higher on the new release than on the old one
if-not: go look-at-database
minutes: 2
changes: nothing
\`\`\`

### Take it back
\`\`\`step
id: take-it-back
why: The old release is still running and answers within seconds.
run: holdfast deploy rollback "\${DEPLOYMENT:?}" --reason "submissions fail"
expect: "rolled-back" within one minute
if-not: escalate second-on-call
minutes: 1
changes: Which release citizens meet
undo: holdfast deploy start
warn: Citizens in the middle of an application stay signed in; nothing they entered is lost.
\`\`\`

### Look at the database
\`\`\`step
id: look-at-database
why: When both releases fail, it is usually what they share.
ui: Database overview
expect: Connections are below 80 of 100
if-not: escalate second-on-call
minutes: 3
changes: nothing
\`\`\`

## Escalation

Second on-call, by e-mail and telephone, after 10 minutes without progress.

## Tell citizens

Some people have not been able to send their application. Their answers are saved.
`

const backends = (release: string, port: number) => ({
  release,
  backends: [
    { id: `${release}-1`, host: '127.0.0.1', port },
    { id: `${release}-2`, host: '127.0.0.1', port: port + 1 },
  ],
})

const STEPS = ['about-you', 'your-home', 'bank-details', 'check-answers', 'submit', 'confirmation']

export function planOf(release: string, changed: Partial<DeploymentPlan> = {}): DeploymentPlan {
  return {
    id: `dep-${release}`,
    service: SERVICE,
    serviceName: NAME,
    previous: backends('r2', 41_000),
    next: {
      release,
      replicas: 2,
      command: ['node', 'server.js'],
      folder: `releases/${release}`,
      envNames: [],
      env: {},
      readyPath: '/health/ready',
      startMsMax: 20 * SECOND,
      stopMsMax: 10 * SECOND,
    },
    strategy: 'canary',
    trial: {
      ...TRIAL_DEFAULTS,
      stable: 'r2',
      canary: release,
      steps: STEPS.map((step) => ({
        journey: 'apply',
        step,
        omega: 1 / STEPS.length,
        p0: 0.002,
        p0Units: 20_000,
        limitMs: 3_000,
      })),
    },
    migrations: [{ file: '003_add_household.sql', sql: 'alter table application add column household text' }],
    steps: [],
    healthPath: '/health/ready',
    drainMsMax: 10 * SECOND,
    requestedBy: 'Asha',
    approvals: 0,
    reason: 'household questions',
    incident: {
      ladder,
      fallback,
      comms,
      severity: 'P2',
      severityRule: 'P2: some citizens cannot finish, and there is another way to apply.',
      steps: { 'apply/submit': { cannot: 'send their application', runbook: 'submissions-fail', slowRunbook: null } },
    },
    ...changed,
  }
}

/** Two gates, and one of Ben and Carys must agree. */
export function askedFirst(changed: Partial<DeploymentPlan> = {}): Partial<DeploymentPlan> {
  const nothing = { pass: null, envNames: [], report: null, about: null, ageMsMax: HOUR, files: [], msMax: 15 * MINUTE }
  const window = {
    ...nothing,
    id: 'window',
    name: 'Deployment window',
    kind: 'window',
    how: 'window',
    run: [],
  } as const
  const unit = {
    ...nothing,
    id: 'unit',
    name: 'Unit tests',
    kind: 'command',
    how: 'command',
    run: ['npm', 'test'],
  } as const
  const journeys = { ...unit, id: 'journeys', name: 'Synthetic journeys', kind: 'journeys', how: 'private' } as const
  const known = ['Asha', 'Ben', 'Carys'].map((name) => ({ id: name.toLowerCase(), name }))
  return {
    gates: [window, unit, journeys],
    approvals: 1,
    approval: { people: 1, roles: ['approver'], may: known.slice(1), known, waitMs: 24 * HOUR, validMs: 12 * HOUR },
    environment: 'production',
    artefact: { digest: `sha256:${'5e'.repeat(32)}` },
    ...changed,
  }
}

/** What citizens did at one moment: sessions and failures on each release at "submit", and the same sessions without failure before it. */
export interface Traffic {
  readonly newOk: number
  readonly newFailed?: number
  readonly oldOk: number
  readonly oldFailed?: number
}

let loaded: Service | undefined

/** The sample service's own definition. */
export function definition(): Service {
  const file = new URL('../../examples/heating-payment/service.yaml', import.meta.url)
  loaded ??= loadService(readFileSync(file, 'utf8'), 'service.yaml').service
  if (!loaded) throw new Error('the sample service has a definition that does not load')
  return loaded
}

export class Scene {
  now = NOW
  readonly clock = { now: () => this.now }
  readonly store: Store = memoryStore(this.clock)
  readonly lines: string[] = []
  readonly ackSecret = Buffer.alloc(32, 7)
  private seq = 0

  /** The console's options. `store` may be replaced, to play a database that is not there. */
  options(changed: Partial<ConsoleOptions> = {}): ConsoleOptions {
    return {
      store: this.store,
      clock: this.clock,
      listen: { host: '127.0.0.1', port: 0 },
      secret: 'a secret that only this test knows, long enough',
      version: '0.1.0',
      log: (line) => void this.lines.push(line),
      runbook: async (service, id) => (service === SERVICE && id === 'submissions-fail' ? RUNBOOK : null),
      ackSecret: async () => this.ackSecret,
      services: () => [definition()],
      ...changed,
    }
  }

  /** Starts a deployment and brings it on trial at its first weight. */
  async startTrial(release: string, changed: Partial<DeploymentPlan> = {}): Promise<string> {
    const plan = planOf(release, changed)
    await this.store.create(SERVICE, newDeployment(plan, this.now), [])
    for (let i = 0; i < 12 && (await this.phase(plan.id)) !== 'on-trial'; i++) await this.tick(plan.id)
    return plan.id
  }

  /** A second passes with this traffic, and the deployment looks at it. */
  async meet(id: string, traffic: Traffic): Promise<void> {
    this.now += SECOND
    const state = await this.deployment(id)
    const { weight, generation } = state.steering!
    const row = (step: string, arm: 'stable' | 'canary', ok: number, failed: number): StepCounts => ({
      journey: 'apply',
      step,
      arm,
      share: weight,
      generation,
      segment: '',
      visitor: 'citizen',
      ok,
      failed,
      slow: 0,
      retries: failed,
    })
    const { newOk, newFailed = 0, oldOk, oldFailed = 0 } = traffic
    const counts = STEPS.flatMap((step) =>
      step === 'submit' || step === 'confirmation'
        ? [
            row(step, 'canary', newOk, step === 'submit' ? newFailed : 0),
            row(step, 'stable', oldOk, step === 'submit' ? oldFailed : 0),
          ]
        : [row(step, 'canary', newOk + newFailed, 0), row(step, 'stable', oldOk + oldFailed, 0)],
    )
    const batch = { seq: ++this.seq, from: this.now - SECOND, to: this.now, counts }
    await this.tick(id, { batches: [batch], gap: false })
  }

  /** One look of the machine at the world, with whatever effects and messages came of it. */
  async tick(id: string, counts: DeploymentSeen['counts'] = { batches: [], gap: false }): Promise<void> {
    const row = await this.store.read(id)
    if (!row || row.done) return
    const state = row.state as unknown as DeploymentState
    const { steering } = state
    const seen: DeploymentSeen = {
      why: null,
      counts,
      status: {
        version: steering?.version ?? 0,
        generation: steering?.generation ?? 0,
        seq: this.seq,
        failedByUs: 0,
        backends: (['stable', 'canary'] as const).map((arm) => ({
          arm,
          healthy: true,
          inFlight: 0,
          upgraded: 0,
          ...(arm === 'canary' ? { lastRequestAt: this.now - 200 } : {}),
        })),
      },
    }
    await this.turn(id, [{ kind: 'tick', seen }])
  }

  /** Whatever people have asked for since, and all that follows from it. */
  async work(): Promise<void> {
    for (const row of await this.store.list({ done: false })) {
      await this.turn(row.id, row.kind === 'incident' ? [{ kind: 'tick', seen: null }] : [])
      for (let i = 0; row.kind === 'deployment' && i < 6; i++) {
        const phase = await this.phase(row.id)
        if (phase === 'rolling-back' || phase === 'finishing') await this.tick(row.id)
      }
    }
  }

  /** Starts a deployment and lets it come as far as it does without people. */
  async startAsking(release: string, changed: Partial<DeploymentPlan> = {}): Promise<string> {
    const plan = planOf(release, askedFirst(changed))
    await this.store.create(SERVICE, newDeployment(plan, this.now), [])
    await this.tick(plan.id)
    return plan.id
  }

  async openIncident(id: string, ongoing: boolean): Promise<void> {
    const spawn = openIncident(
      {
        id,
        service: SERVICE,
        openedBy: 'holdfast',
        trigger: { kind: 'slo', id: 'apply-submit' },
        severity: 'P1',
        severityRule: 'P1: nobody can send an application.',
        journey: 'apply',
        step: 'submit',
        faultStartedAt: this.now - 3 * MINUTE,
        detectedAt: this.now - 2 * MINUTE,
        harmed: 41,
        says: 'Citizens cannot send their application.',
        runbook: 'submissions-fail',
        ladder,
        fallback,
        comms,
        ongoing,
      },
      this.now,
    )
    await this.store.create(SERVICE, spawn, [])
    await this.work()
  }

  async ask(to: string, name: string, who: string, payload: Json = {}): Promise<void> {
    await this.store.post({ to, id: `${name}:${++this.seq}`, name, who, payload })
    await this.work()
  }

  async phase(id: string): Promise<string> {
    return (await this.deployment(id)).phase.name
  }

  private async deployment(id: string): Promise<DeploymentState> {
    return (await this.store.read(id))!.state as unknown as DeploymentState
  }

  /** Claims exactly this machine, gives it the events and its inbox, and answers its effects until there are none. */
  private async turn(id: string, events: readonly Event<never>[]): Promise<void>
  private async turn(id: string, events: readonly Event<DeploymentSeen | null>[]): Promise<void>
  private async turn(id: string, events: readonly Event<unknown>[]): Promise<void> {
    await this.store.post({ to: id, id: `wake:${++this.seq}`, name: 'wake', who: '', payload: null })
    const claim = await this.claim(id)
    try {
      let given: readonly Event<unknown>[] = events
      for (let round = 0; round < 10; round++) {
        const opened = await this.store.open(claim)
        if (opened === 'fenced') throw new Error('the scene was fenced')
        const machine = (opened.machine.kind === 'incident' ? incident : deploymentMachine) as Machine<unknown, unknown>
        const inbox = opened.inbox.filter((row) => row.kind === 'outcome' || row.name !== 'wake')
        const all = [...given, ...(inbox as readonly Event<unknown>[])]
        given = []
        let reaction: Reaction<unknown> = nothing(opened.machine.state)
        for (const event of all) reaction = add(reaction, machine.react(reaction.state, event, this.now))
        const change = { ...reaction, state: reaction.state as Json, version: opened.machine.version }
        const consumed = opened.inbox.at(-1)?.seq ?? 0
        await this.store.commit(claim, { ...change, wakeAt: this.now + HOUR, consumed })
        const effects = await this.store.begin(claim)
        if (effects === 'fenced' || effects.length === 0) return
        for (const effect of effects) await this.store.settle(claim, effect.id, outcomeOf(effect.kind, effect.payload))
      }
    } finally {
      await this.store.release(claim)
    }
  }

  private async claim(id: string) {
    const others = []
    for (;;) {
      const claim = await this.store.claim('scene', MINUTE)
      if (!claim) throw new Error(`${id} cannot be claimed`)
      if (claim.machine !== id) {
        others.push(claim)
        continue
      }
      for (const other of others) await this.store.release(other)
      return claim
    }
  }
}

function nothing(state: unknown): Reaction<unknown> {
  return { state, effects: [], entries: [], spawn: [], post: [], wakeAt: null, done: false }
}

function add(before: Reaction<unknown>, next: Reaction<unknown>): Reaction<unknown> {
  return {
    state: next.state,
    effects: [...before.effects, ...next.effects],
    entries: [...before.entries, ...next.entries],
    spawn: [...before.spawn, ...next.spawn],
    post: [...before.post, ...next.post],
    wakeAt: next.wakeAt,
    done: next.done,
  }
}

/** What a healthy outside answers. */
function outcomeOf(kind: string, payload: Json): Json {
  const asked = payload as Readonly<Record<string, Json>>
  switch (kind) {
    case 'gate.run':
      return (asked.gate as { id?: string }).id === 'unit' && asked.release === 'r7'
        ? {
            passed: false,
            says: 'It ended with exit code 1.',
            exit: 1,
            ms: 8_120,
            tail: '1 failing: refuses a roll number',
          }
        : { passed: true, says: 'Exit code 0 after 8.1 s.', exit: 0, ms: 8_120 }
    case 'glass.tell':
      return { told: true, to: 'senior manager', route: 'email' }
    case 'schema.expand':
      return { ok: true, applied: ['003_add_household.sql'] }
    case 'runtime.start':
      return { started: true, instances: backends(String(asked.release), 42_000).backends }
    case 'probe.verify':
      return { ok: true, steps: STEPS.length }
    case 'traffic.apply':
      return { result: 'applied', version: asked.version ?? 0 }
    case 'page.send':
      return { sent: 'accepted', reference: 'receipt 4711' }
    case 'comms.publish':
      return { published: 'yes' }
    default:
      return { ok: true }
  }
}
