/**
 * Whoever decides about a release while a simulated world goes on: Holdfast's trial, or another tool's documented rule. Each
 * sees what it would see in the world, with instant observation and instant switching (which favours the others).
 */
import { advance, observe, openTrial, type Trial, type TrialPlan } from '../deploy/trial.ts'
import { Simulation, type Tick, type World } from './simulator.ts'

export interface Ruling {
  /** Share of new sessions for the new release from now on. */
  readonly weight: number
  readonly end?: 'rolled-back' | 'promoted'
  readonly moveSessions?: boolean
}

export interface Judge {
  readonly name: string
  /** The weight before anything has been seen. */
  readonly firstWeight: number
  look(tick: Tick): Ruling
}

export interface Outcome {
  readonly end: 'rolled-back' | 'promoted' | 'running'
  /** When the decision fell, ms after the start; the whole time when none fell. */
  readonly atMs: number
  /** Failed units and failed requests on the new release in the whole time. */
  readonly harmed: number
  readonly failedRequests: number
  /** When all new sessions but the hold-back were on the new release; null: never. */
  readonly topAtMs: number | null
  readonly suspicions: number
}

/** Runs one release in one world for `durationMs`, or until it is rolled back. */
export function runRelease(world: World, judge: Judge, durationMs: number, tickMs = 1_000): Outcome {
  const simulation = new Simulation(world, tickMs)
  let ruling: Ruling = { weight: judge.firstWeight }
  let topAtMs: number | null = null
  let suspicions = 0
  while (simulation.now < durationMs) {
    const before = ruling.weight
    const tick = simulation.tick(ruling.weight)
    ruling = judge.look(tick)
    if (ruling.moveSessions) simulation.move()
    if (ruling.weight < before && !ruling.end) suspicions++
    if (topAtMs === null && ruling.weight >= 0.9) topAtMs = tick.to
    if (ruling.end) {
      // A promoted release goes on harming whoever meets it, unless the judge still watches (then it has not ended).
      if (ruling.end === 'promoted') {
        const atMs = tick.to
        while (simulation.now < durationMs) simulation.tick(1)
        return {
          end: 'promoted',
          atMs,
          harmed: simulation.harmed,
          failedRequests: simulation.failedRequests,
          topAtMs,
          suspicions,
        }
      }
      return {
        end: 'rolled-back',
        atMs: tick.to,
        harmed: simulation.harmed,
        failedRequests: simulation.failedRequests,
        topAtMs,
        suspicions,
      }
    }
  }
  return {
    end: 'running',
    atMs: durationMs,
    harmed: simulation.harmed,
    failedRequests: simulation.failedRequests,
    topAtMs,
    suspicions,
  }
}

/** Holdfast's own trial as a judge. `move`: suspected sessions are moved off the new release too, as the gateway can. */
export function holdfast(plan: TrialPlan, options: { readonly move: boolean } = { move: false }): Judge {
  let trial: Trial = openTrial(plan, 0)
  const first = advance(trial, 0)
  trial = first.trial
  return {
    name: 'holdfast',
    firstWeight: first.weight,
    look(tick) {
      const next = advance(observe(trial, tick), tick.to)
      trial = next.trial
      const { weight, moveSessions } = next
      switch (trial.phase.phase) {
        case 'rolled-back':
          return { weight, end: 'rolled-back', moveSessions }
        case 'promoted':
          return { weight, end: 'promoted' }
        default:
          return { weight, moveSessions: moveSessions && options.move }
      }
    },
  }
}

/** The plan a service with this world's steps would use; `historyFactor` makes the known rate wrong by that factor. */
export function planFor(
  world: World,
  base: Omit<TrialPlan, 'stable' | 'canary' | 'steps'>,
  historyFactor = 1,
): TrialPlan {
  return {
    ...base,
    stable: 'r1',
    canary: 'r2',
    steps: world.steps.map(({ step, p0 }) => ({
      journey: 'apply',
      step,
      omega: 1 / world.steps.length,
      p0: p0 * historyFactor,
      p0Units: 30_000,
      limitMs: 2_000,
    })),
  }
}
