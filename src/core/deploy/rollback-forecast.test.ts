import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../../test/journeys/scene.ts'
import { HOUR, MINUTE } from '../time.ts'
import { planTrial } from './planner.ts'
import { forecastRollback, rollbackLines } from './rollback-forecast.ts'

test('the time to take a release back is the sum of its parts, and every part says where it comes from', () => {
  const plan = planOf('r3')
  const trial = planTrial(plan.trial, { sessionsPerHour: 780, now: 0 })
  const forecast = forecastRollback(plan, trial, 15)
  const sum = (key: 'lowMs' | 'likelyMs' | 'highMs') => forecast.parts.reduce((total, part) => total + part[key], 0)
  assert.deepEqual([forecast.low, forecast.likely, forecast.high], [sum('lowMs'), sum('likelyMs'), sum('highMs')])
  assert.ok(forecast.low < forecast.likely && forecast.likely < forecast.high)
  assert.ok(forecast.safe.high < forecast.high)
  assert.equal(forecast.promisedMs, 15 * MINUTE)
  assert.equal(rollbackLines(forecast).length, forecast.parts.length + 1)
  assert.ok(forecast.parts.every(({ from }) => from.length > 10))
})

test('more traffic shows a fault sooner; taking it back takes what it took', () => {
  const plan = planOf('r3')
  const at = (sessionsPerHour: number) => forecastRollback(plan, planTrial(plan.trial, { sessionsPerHour, now: 0 }), 15)
  assert.ok(at(100_000).seen.likelyMs < at(1_000).seen.likelyMs)
  assert.equal(at(100_000).likely, at(1_000).likely)
  assert.equal(at(100_000).parts.at(-1)!.highMs, at(1_000).parts.at(-1)!.highMs)
  assert.ok(at(HOUR / 100).high > 0)
})
