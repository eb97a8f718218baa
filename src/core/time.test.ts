import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationOf, HOUR, MINUTE, SECOND } from './time.ts'

test('a duration is rounded before it is taken apart', () => {
  const cases: [number, string][] = [
    [250, '250 ms'],
    [1_200, '1.2 s'],
    [90 * SECOND, '90 s'],
    [7 * MINUTE - 300, '7 min'],
    [58 * MINUTE + 12 * SECOND, '58 min 12 s'],
    [3 * HOUR - 10 * SECOND, '3 h'],
    [6 * HOUR + 50 * MINUTE, '6 h 50 min'],
  ]
  for (const [ms, said] of cases) assert.equal(durationOf(ms), said)
})
