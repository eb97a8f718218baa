import assert from 'node:assert/strict'
import { test } from 'node:test'
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
