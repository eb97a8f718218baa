/**
 * A fault that begins 30 minutes after the promotion, in the two situations a team can be in: the old release is still warm (the
 * deployment listens, and goes back by itself), or it is gone (the watch of the service pages a person). Whole machines, as the engine
 * runs them, on the simulator's citizens; the traffic layer obeys at the next look.
 */
import { deploymentMachine } from '../src/core/deploy/deploying.ts'
import type { DeploymentSeen, DeploymentState } from '../src/core/deploy/deployment.ts'
import { TRIAL_DEFAULTS } from '../src/core/deploy/trial.ts'
import { type Fault, Simulation, type World } from '../src/core/rehearse/simulator.ts'
import type { WatchPlan } from '../src/core/watch/plan.ts'
import { LOOK_MS, newWatch, type WatchState, watchMachine } from '../src/core/watch/watching.ts'
import { BENCH_PLAN, DeploymentBench } from '../src/testing/deployment-bench.ts'

/** How often the engine looks. */
const ENGINE_MS = 500
const LATE_MS = 30 * 60_000
const GIVEN_UP_MS = 30 * 60_000
const P0 = 0.001

export interface Late {
  /** Citizens who failed on the new release from the fault's first moment until it was over, everyday failures included. */
  readonly harmed: number
  /** From the fault's first moment to the decision or the page, in ms; null: none came within half an hour. */
  readonly tookMs: number | null
  /** Put back on trial before there was any fault. */
  readonly early: boolean
}

function worldOf(base: World, p1: number, fromMs: number): World {
  const fault: Fault = { p1, fromMs, slow: false }
  return { ...base, steps: [{ step: 'submit', p0: P0, dwellMs: 0 }], fault }
}

/** Promoted, every citizen on the new release, the old one warm for longer than this takes. */
function promoted(): { state: DeploymentState; now: number } {
  const trial = { ...BENCH_PLAN.trial, ...TRIAL_DEFAULTS, rungs: [0.5], rungMsMin: 0, bakeMs: 1_000 }
  const steps = BENCH_PLAN.trial.steps.map((step) => ({ ...step, p0: P0, p0Units: 30_000 }))
  const bench = new DeploymentBench({ ...BENCH_PLAN, warmMs: 24 * 3_600_000, trial: { ...trial, steps } })
  bench.until('finishing/warm')
  return bench
}

/** The old release is warm: harm until the new one has lost every citizen. */
export function lateAndWarm(base: World, p1: number): Late {
  // The fault begins anywhere between two looks.
  const fromMs = LATE_MS + ((base.seed * 137) % ENGINE_MS)
  const simulation = new Simulation(worldOf(base, p1, fromMs), ENGINE_MS)
  const bench = promoted()
  const startAt = bench.now
  let { state } = bench
  let { weight, generation } = state.steering!
  simulation.generation = generation
  const { cursor } = state
  let before = 0
  let early = false
  while (simulation.now < fromMs + GIVEN_UP_MS) {
    const isFaulty = simulation.now + ENGINE_MS > fromMs
    if (!isFaulty) before = simulation.harmed
    const batch = simulation.tick(weight)
    if (!isFaulty && state.phase.name !== 'finishing') early = true
    const healthy = { healthy: true, inFlight: 0, upgraded: 0 }
    const seen: DeploymentSeen = {
      why: null,
      status: {
        version: state.steering!.version,
        generation,
        seq: cursor + batch.seq,
        failedByUs: 0,
        backends: (['stable', 'canary'] as const).map((arm) => ({ arm, id: arm, ...healthy })),
      },
      counts: { gap: false, batches: [{ ...batch, seq: cursor + batch.seq, from: startAt, to: startAt + batch.to }] },
    }
    const now = startAt + simulation.now
    const turn = deploymentMachine.react(state, { kind: 'tick', seen }, now)
    state = turn.state
    for (const { id, kind, payload } of turn.effects) {
      if (kind !== 'traffic.apply') continue
      const { version } = payload as { version: number }
      const outcome = { version, result: 'applied' }
      state = deploymentMachine.react(state, { kind: 'outcome', effect: id, of: kind, outcome }, now).state
    }
    const wanted = state.steering!
    weight = wanted.canary ? wanted.weight : 0
    if (wanted.generation > generation) simulation.move()
    generation = wanted.generation
    if (state.phase.name === 'rolling-back' || state.phase.name === 'rolled-back')
      return { harmed: simulation.harmed - before, tookMs: simulation.now - fromMs, early }
  }
  return { harmed: simulation.harmed - before, tookMs: null, early }
}

/** Nothing is warm: harm until the watch pages. What comes after that is a person's time. */
export function lateAndAlone(base: World, p1: number): Late {
  const fromMs = LATE_MS + ((base.seed * 1_371) % LOOK_MS)
  const simulation = new Simulation(worldOf(base, p1, fromMs), 500)
  const plan: WatchPlan = {
    service: 'heating',
    serviceName: 'Heating payment',
    timezone: 'Europe/London',
    contactRate: 0.02,
    responseMs: 25 * 60_000,
    incident: BENCH_PLAN.incident,
    steps: [
      {
        journey: 'apply',
        step: 'submit',
        cannot: 'submit',
        severityFloor: 'P2',
        // As examples/heating-payment says for its submit step.
        b0: 0.005,
        perDay: base.sessionsPerSecond * 86_400,
        falsePagesPerMonth: 4,
        harmMax: 5,
      },
    ],
  }
  let state = newWatch(plan, 0).state as unknown as WatchState
  let batches: { seq: number; from: number; to: number; counts: ReturnType<Simulation['tick']>['counts'] }[] = []
  let nextAt = 0
  let before = 0
  let early = false
  while (simulation.now < fromMs + GIVEN_UP_MS) {
    const isFaulty = simulation.now + simulation.tickMs > fromMs
    if (!isFaulty) before = simulation.harmed
    const batch = simulation.tick(1)
    // The new release is the only one: the traffic layer counts it as the stable arm.
    batches.push({ ...batch, counts: batch.counts.map((row) => ({ ...row, arm: 'stable' as const, share: 0 })) })
    if (simulation.now < nextAt) continue
    const seen = { counts: { batches, gap: false }, seq: batch.seq, why: null, ended: false }
    const turn = watchMachine.react(state, { kind: 'tick', seen }, simulation.now)
    state = turn.state
    nextAt = turn.wakeAt ?? 0
    batches = []
    if (!turn.entries.some(({ kind }) => kind === 'watch.paged')) continue
    if (isFaulty) return { harmed: simulation.harmed - before, tookMs: simulation.now - fromMs, early }
    early = true
  }
  return { harmed: simulation.harmed - before, tookMs: null, early }
}
