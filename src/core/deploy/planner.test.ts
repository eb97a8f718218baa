import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdfast, planFor, runRelease } from '../rehearse/judge.ts'
import { PLAIN_WORLD } from '../rehearse/simulator.ts'
import { planTrial, unitsNeeded } from './planner.ts'
import { TRIAL_DEFAULTS, type TrialPlan } from './trial.ts'

const NINE = Date.UTC(2026, 10, 23, 9)
const HOUR = 3_600_000

function planOf(more: Partial<TrialPlan> = {}): TrialPlan {
  const step = { journey: 'apply', step: 'submit', omega: 1, p0: 0.005, p0Units: 30_000, limitMs: 2_000 }
  return { ...TRIAL_DEFAULTS, stable: 'r1', canary: 'r2', steps: [step], ...more }
}

test('at 50 sessions a second the clock decides: 95 % after about 5 minutes, as simulated', () => {
  const { topMs, rungs } = planTrial(planOf(), { sessionsPerHour: 50 * 3_600, now: NINE })
  assert.ok(topMs >= 5 * 60_000 && topMs < 6 * 60_000, `${topMs}`)
  assert.equal(rungs.at(-1)!.ms, TRIAL_DEFAULTS.bakeMs)
})

test('at 2 sessions a second the evidence decides: about an hour and a half, as simulated', () => {
  const { topMs, rungs } = planTrial(planOf(), { sessionsPerHour: 7_200, now: NINE })
  assert.ok(topMs > 70 * 60_000 && topMs < 130 * 60_000, `${topMs}`)
  assert.equal(rungs[0]!.waitsFor, 'apply/submit')
})

test('a ramp that cannot be over before the peak says so', () => {
  const forecast = planTrial(planOf(), { sessionsPerHour: 720, now: NINE, before: NINE + 8 * HOUR })
  assert.equal(forecast.inTime, false)
  assert.match(forecast.says, /^This cannot be over before Mon 23 Nov, 17:00:00 GMT\. At 720 sessions an hour/)
  assert.ok(planTrial(planOf(), { sessionsPerHour: 720, now: NINE, before: NINE + 48 * HOUR }).inTime)
})

test('more traffic shortens the verdict and harms no more citizens', () => {
  const slow = planTrial(planOf(), { sessionsPerHour: 3_600, now: NINE })
  const fast = planTrial(planOf(), { sessionsPerHour: 36_000, now: NINE })
  assert.ok(fast.topMs < slow.topMs)
  assert.deepEqual(
    fast.harm.map(({ citizens }) => citizens),
    slow.harm.map(({ citizens }) => citizens),
  )
  assert.ok(slow.harm[0]!.citizens <= 10 && slow.harm[1]!.citizens <= 6 && slow.harm[2]!.citizens <= 5)
})

/** [strategy, first share, steps, share of attempts that fail, sessions a minute] */
const WORLDS: readonly (readonly ['canary' | 'blue-green', number, number, number, number])[] = [
  ['canary', 0.05, 1, 1, 600],
  ['canary', 0.5, 1, 0.2, 13],
  ['blue-green', 0.95, 1, 1, 13],
  ['blue-green', 0.95, 8, 1, 13],
  ['blue-green', 0.95, 1, 0.2, 13],
  ['blue-green', 0.95, 8, 0.05, 600],
  ['blue-green', 0.95, 1, 0.2, 12_000],
]
for (const [strategy, share, steps, rate, perMinute] of WORLDS) {
  const name = `${strategy} from ${share}, ${steps} steps, ${rate * 100} % failing, ${perMinute} sessions a minute`
  test(`the harm that is foretold is that of the simulated trial: ${name}`, () => {
    const world = {
      ...PLAIN_WORLD,
      sessionsPerSecond: perMinute / 60,
      steps: Array.from({ length: steps }, (_, i) => ({ step: `s${i}`, p0: 0.001, dwellMs: steps > 1 ? 5_000 : 0 })),
      fault: { p1: rate, fromMs: 0, slow: false, steps: ['s0'] },
      leaves: 0,
    }
    const plan = planFor(world, { ...TRIAL_DEFAULTS, strategy, rungs: [share, 0.95].slice(0, share < 0.95 ? 2 : 1) })
    const runs = Array.from({ length: 12 }, (_, i) =>
      runRelease({ ...world, seed: i + 1 }, holdfast(plan, { move: true }), 24 * HOUR, perMinute < 100 ? 2_000 : 400),
    )
    const harmed = runs.reduce((sum, one) => sum + one.harmed, 0) / runs.length
    const told = planTrial(plan, { sessionsPerHour: perMinute * 60, now: NINE }).harm.find((one) => one.rate === rate)!
    assert.ok(runs.every(({ end }) => end === 'rolled-back'))
    assert.ok(told.citizens >= harmed * 0.8 && told.citizens <= harmed * 2.5, `${told.citizens} told, ${harmed} harmed`)
  })
}

test('blue-green of a quiet service is not foretold the harm of a trial that would not hold on suspicion', () => {
  const steps = Array.from({ length: 8 }, (_, i) => ({
    ...{ journey: 'apply', step: `s${i}`, omega: 1 / 8, p0: 0.001, p0Units: 30_000, limitMs: 2_000 },
  }))
  const plan = planOf({ strategy: 'blue-green', rungs: [0.95], steps })
  const total = planTrial(plan, { sessionsPerHour: 780, now: NINE }).harm.find(({ rate }) => rate === 1)!
  assert.ok(total.citizens <= 12, `${total.citizens}; it used to say 67`)
})

test('a step that few citizens reach needs no more sessions than it can hurt', () => {
  const rare = planTrial(planOf(), { sessionsPerHour: 7_200, now: NINE, reach: { 'apply/submit': 0.1 } })
  const common = planTrial(planOf(), { sessionsPerHour: 7_200, now: NINE })
  assert.ok(rare.topMs < 2 * common.topMs)
})

test('a smaller margin needs more units', () => {
  const step = { p0: 0.005 }
  assert.ok(
    unitsNeeded(step, { margin: 0.0025, miss: 0.05 }, 0.5) > unitsNeeded(step, { margin: 0.005, miss: 0.05 }, 0.5),
  )
})

test('a busy canary is foretold with its slow start: the first share matters no more, and that it comes later is said', () => {
  const steps = [{ journey: 'apply', step: 'submit', omega: 1, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }]
  const plan = { ...TRIAL_DEFAULTS, stable: 'r1', canary: 'r2', steps, rungs: [0.5, 0.95] }
  const busy = planTrial(plan, { sessionsPerHour: 720_000, now: 0 })
  const small = planTrial({ ...plan, rungs: [0.05, 0.5, 0.95] }, { sessionsPerHour: 720_000, now: 0 })
  assert.deepEqual(
    busy.harm.map(({ citizens }) => citizens),
    small.harm.map(({ citizens }) => citizens),
  )
  assert.match(busy.says, /starts slowly and has 50 % when its first citizens have walked through/)
  assert.doesNotMatch(planTrial(plan, { sessionsPerHour: 720, now: 0 }).says, /starts slowly/)
  const atOnce = planTrial({ ...plan, strategy: 'blue-green' }, { sessionsPerHour: 720_000, now: 0 })
  assert.doesNotMatch(atOnce.says, /starts slowly/)
  assert.ok(atOnce.harm.at(-1)!.citizens > 3 * busy.harm.at(-1)!.citizens)
})
