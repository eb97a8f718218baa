import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../json.ts'
import type { Effect, Event } from '../machine.ts'
import { deploymentMachine } from './deploying.ts'
import {
  CONFIRM_MS,
  type DeploymentPlan,
  type DeploymentSeen,
  type DeploymentState,
  newDeployment,
} from './deployment.ts'
import { TRIAL_DEFAULTS } from './trial.ts'

const PLAN: DeploymentPlan = {
  id: 'dep-r2',
  service: 'heating',
  serviceName: 'Heating payment',
  previous: { release: 'r1', backends: [{ id: 'r1-1', host: '127.0.0.1', port: 1 }] },
  next: {
    release: 'r2',
    replicas: 1,
    command: ['x'],
    folder: '.',
    envNames: [],
    env: {},
    readyPath: '/ready',
    startMsMax: 5_000,
    stopMsMax: 5_000,
  },
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

/** A world of one traffic layer and one runtime, in a few lines, driven by hand. */
class Bench {
  now = 1_000_000
  state: DeploymentState
  readonly said: string[] = []
  readonly spawned: string[] = []
  /** What each effect is answered with; undefined: no answer comes. */
  answers: Record<string, (effect: Effect) => Json | undefined> = {
    'runtime.start': () => ({ started: true, instances: [{ id: 'r2-1', host: '127.0.0.1', port: 2 }] }),
    'runtime.stop': () => 'stopped',
    'traffic.apply': (effect) => ({ version: (effect.payload as { version: number }).version, result: 'applied' }),
    'probe.verify': () => ({ ok: true, steps: 3 }),
    'schema.expand': () => ({ ok: true, applied: [] }),
  }
  canaryHealthy = true
  inFlight = 0
  reachable = true
  failures = 0
  seq = 7
  private owed = 0
  private queue: Effect[] = []

  constructor(plan = PLAN) {
    this.state = newDeployment(plan, this.now).state as unknown as DeploymentState
  }

  get phase() {
    return this.state.phase.name
  }

  event(event: Event<DeploymentSeen>) {
    const reaction = deploymentMachine.react(this.state, event, this.now)
    this.state = reaction.state
    this.queue.push(...reaction.effects)
    this.said.push(...reaction.entries.map(({ kind }) => kind))
    this.spawned.push(...reaction.spawn.map(({ id }) => id))
  }

  say(name: string, reason = 'because') {
    this.event({ kind: 'message', id: name, name, who: 'ben', payload: { reason } })
  }

  tick(ms = 100) {
    this.now += ms
    this.event({ kind: 'tick', seen: this.look() })
    for (const effect of this.queue.splice(0)) {
      const outcome = this.answers[effect.kind]?.(effect)
      if (outcome !== undefined) this.event({ kind: 'outcome', effect: effect.id, of: effect.kind, outcome })
    }
  }

  until(phase: string, ticks = 5_000) {
    for (let i = 0; i < ticks && this.phase !== phase; i++) this.tick()
    assert.equal(this.phase, phase, this.state.lastWhy)
  }

  private look(): DeploymentSeen {
    if (!this.reachable) return { status: null, counts: null, why: 'the gateway does not answer' }
    const { steering } = this.state
    const backend = (arm: 'stable' | 'canary', healthy: boolean) => ({
      arm,
      healthy,
      inFlight: this.inFlight,
      upgraded: 0,
    })
    this.seq++
    const row = (arm: 'stable' | 'canary', ok: number, failed: number) => ({
      journey: 'apply',
      step: 'submit',
      arm,
      share: steering?.weight ?? 0,
      generation: steering?.generation ?? 0,
      segment: '',
      visitor: 'citizen' as const,
      ok,
      failed,
      slow: 0,
      retries: 0,
    })
    const share = steering?.weight ?? 0
    // What is less than one citizen is owed to the next tick.
    this.owed += 20 * share
    const canaryUnits = Math.min(20, Math.floor(this.owed + 1e-9))
    this.owed -= canaryUnits
    const failed = Math.min(canaryUnits, this.failures)
    return {
      why: null,
      status: {
        version: steering?.version ?? 0,
        generation: steering?.generation ?? 3,
        seq: this.seq,
        failedByUs: 0,
        backends: [
          ...(steering?.stable ? [backend('stable', true)] : []),
          ...(steering?.canary ? [backend('canary', this.canaryHealthy)] : []),
        ],
      },
      counts: {
        gap: false,
        batches: [
          {
            seq: this.seq,
            from: this.now - 100,
            to: this.now,
            counts: [row('stable', 20 - canaryUnits, 0), row('canary', canaryUnits - failed, failed)],
          },
        ],
      },
    }
  }
}

test('a good release is promoted on evidence, and the old one is stopped last', () => {
  const bench = new Bench()
  bench.until('promoted')
  assert.deepEqual(
    bench.state.history.map(({ phase }) => phase),
    [
      'expanding',
      'starting',
      'attaching',
      'verifying',
      'on-trial',
      'finishing',
      'finishing',
      'finishing',
      'finishing',
      'promoted',
    ],
  )
  assert.equal(bench.state.serving, 'r2')
  assert.equal(bench.state.steering?.stable.release, 'r2')
  assert.deepEqual(bench.spawned, [])
})

test('a failing release is taken back on evidence, and the incident opens with the decision', () => {
  const bench = new Bench()
  bench.until('on-trial')
  bench.failures = 2
  bench.until('rolling-back')
  assert.deepEqual(bench.spawned, ['inc-dep-r2'])
  bench.until('rolled-back')
  assert.equal(bench.state.serving, 'r1')
  assert.equal(bench.state.steering?.canary, null)
  assert.ok(bench.said.indexOf('rollback.decided') < bench.said.indexOf('rollback.confirmed'))
})

test('a release that dies on start is refused before any citizen met it', () => {
  const bench = new Bench()
  bench.answers['runtime.start'] = () => ({ started: false, why: 'exit 1', logTail: '' })
  bench.until('refused')
  assert.equal(bench.state.steering, null)
  assert.deepEqual(bench.spawned, [])
})

test('a first release that never becomes healthy is refused, because there is nothing to go back to', () => {
  const bench = new Bench({ ...PLAN, previous: null })
  bench.answers['traffic.apply'] = () => ({ unreachable: true, why: 'the gateway answered 400' })
  bench.until('refused')
  assert.equal(bench.state.serving, null)
})

test('a release that fails in private never gets traffic', () => {
  const bench = new Bench()
  bench.answers['probe.verify'] = () => ({ ok: false, steps: 1, why: 'answered 500' })
  bench.until('refused')
  assert.equal(bench.state.steering?.weight, 0)
  assert.equal(bench.state.serving, 'r1')
})

test('from every phase before the old release stops, a person can take the new one back', () => {
  const phases = ['expanding', 'starting', 'attaching', 'verifying', 'on-trial', 'halted', 'finishing']
  for (const phase of phases) {
    const bench = new Bench()
    if (phase === 'halted') {
      bench.until('on-trial')
      bench.say('halt')
    } else {
      // Holds the phase still: what ends it is not answered.
      const ends: Record<string, string> = {
        starting: 'runtime.start',
        attaching: 'traffic.apply',
        verifying: 'probe.verify',
      }
      if (ends[phase]) bench.answers[ends[phase]] = () => undefined
      if (phase !== 'expanding') bench.until(phase)
    }
    assert.equal(bench.phase, phase)
    bench.say('rollback')
    bench.answers = new Bench().answers
    for (let i = 0; i < 5_000 && !['rolled-back', 'refused'].includes(bench.phase); i++) bench.tick()
    assert.match(bench.phase, /rolled-back|refused/, `from ${phase}`)
    assert.equal(bench.state.serving, 'r1', `from ${phase}`)
  }
})

test('while a promotion is under way the old release is warm, and taking back brings everybody to it', () => {
  for (const stage of ['moving', 'draining', 'detaching'] as const) {
    const bench = new Bench()
    const isThere = () => bench.state.phase.name === 'finishing' && bench.state.phase.stage === stage
    bench.until('on-trial')
    // Holds the stage still: an order that is not answered, or a request that is not finished.
    bench.inFlight = stage === 'draining' ? 1 : 0
    bench.answers['traffic.apply'] = (effect) => {
      const { version, weight, canary } = effect.payload as { version: number; weight: number; canary?: Json }
      const isHeld = stage === 'moving' ? weight === 1 : stage === 'detaching' && canary === undefined
      return isHeld ? undefined : { version, result: 'applied' }
    }
    for (let i = 0; i < 5_000 && !isThere(); i++) bench.tick()
    assert.ok(isThere(), `${stage}: ${bench.state.lastWhy}`)
    bench.say('rollback')
    bench.inFlight = 0
    bench.answers = new Bench().answers
    bench.until('rolled-back')
    assert.equal(bench.state.steering?.stable.release, 'r1', stage)
    assert.equal(bench.state.serving, 'r1', stage)
  }
})

test('halt sends everybody to the old release; resume starts a new trial on what is left of the budget', () => {
  const bench = new Bench()
  bench.until('on-trial')
  bench.tick(500)
  bench.say('halt')
  bench.tick()
  assert.equal(bench.phase, 'halted')
  assert.equal(bench.state.steering?.weight, 0)
  assert.equal(bench.state.steering?.moveFrom, 'canary')
  bench.say('resume')
  assert.ok(bench.state.trial!.plan.alpha <= PLAN.trial.alpha / 5)
  bench.until('promoted')
})

test('a rollback that is not confirmed pages a person within two minutes and goes on trying', () => {
  const bench = new Bench()
  bench.until('on-trial')
  bench.answers['traffic.apply'] = () => ({ unreachable: true, why: 'the gateway does not answer' })
  bench.say('rollback')
  const decided = bench.now
  while (!bench.spawned.includes('inc-dep-r2-unconfirmed')) bench.tick(1_000)
  assert.ok(bench.now - decided <= 120_000, `paged after ${bench.now - decided} ms`)
  assert.ok(CONFIRM_MS < 120_000)
  assert.equal(bench.phase, 'rolling-back')
  bench.answers = new Bench().answers
  bench.until('rolled-back')
})

test('blindness takes the new release out; a dead canary is proof by itself', () => {
  const blind = new Bench()
  blind.until('on-trial')
  blind.reachable = false
  blind.until('rolling-back')
  const dead = new Bench()
  dead.until('on-trial')
  dead.canaryHealthy = false
  dead.until('rolled-back')
  assert.match(dead.state.history.find(({ phase }) => phase === 'rolling-back')!.why, /no healthy replica/)
})

test('the same event twice gives the same decision: react is pure', () => {
  const bench = new Bench()
  bench.until('on-trial')
  const event = { kind: 'message', id: 'm', name: 'halt', who: 'ben', payload: { reason: 'x' } } as const
  const once = deploymentMachine.react(bench.state, event, bench.now)
  assert.deepEqual(deploymentMachine.react(bench.state, event, bench.now), once)
})
