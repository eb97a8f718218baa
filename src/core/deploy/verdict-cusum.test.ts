import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALARM_NATS, addAlarm, latticeDelay, latticeRate, noAlarm } from './verdict-cusum.ts'

test('run lengths of the lattice CUSUM are the published ones', () => {
  // p0, tuned rate, m, limit, units between false alarms, units of delay
  const table = [
    [0.005, 0.0511, 50, 120, 1.672e4, 75.1],
    [0.005, 0.3178, 12, 30, 6.699e5, 11.2],
    [0.001, 0.0367, 100, 200, 2.215e5, 85.4],
    [0.001, 0.2535, 20, 40, 5.904e6, 12.0],
    [0.005, 0.0175, 100, 300, 1.001e4, 344.7],
  ] as const
  for (const [p0, rate, m, limit, quiet, delay] of table) {
    const p1 = latticeRate(p0, m)
    assert.ok(Math.abs(p1 - rate) < 0.003 * rate, `tuned to ${p1}`)
    assert.ok(Math.abs(latticeDelay(p0, m, limit) - quiet) < 0.001 * quiet)
    assert.ok(Math.abs(latticeDelay(p1, m, limit) - delay) < 0.005 * delay)
  }
})

const rings = (sums: readonly number[]) => sums.some((sum) => sum >= ALARM_NATS)

test('three failures in a row ring at a rate of 0.5 %; three among a thousand do not, nor does a big quiet batch', () => {
  assert.ok(rings(addAlarm(noAlarm(), 3, 0, 0.005)))
  assert.ok(!rings(addAlarm(noAlarm(), 3, 1_000, 0.005)))
  assert.ok(!rings(addAlarm(noAlarm(), 50, 10_000, 0.005)))
  assert.deepEqual(addAlarm(noAlarm(), 0, 10_000, 0.005), noAlarm())
})

test('an alarm that is nearly there falls back while citizens succeed', () => {
  const high = addAlarm(noAlarm(), 2, 0, 0.005)
  const later = addAlarm(high, 0, 300, 0.005)
  assert.ok(later.every((sum, i) => sum <= high[i]!))
  assert.equal(Math.min(...later), 0)
})
