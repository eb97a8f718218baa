import assert from 'node:assert/strict'
import { test } from 'node:test'
import { learned, UNKNOWN } from './baseline.ts'

test('the first deployment is believed, and later ones are weighed by how many citizens they had', () => {
  const first = learned(undefined, { units: 999, failed: 4 })
  assert.deepEqual(first, { p0: 4.5 / 1_000, units: 999 })
  const second = learned(first, { units: 1_000, failed: 10 })
  assert.equal(second.units, 1_999)
  assert.ok(second.p0 > 0.007 && second.p0 < 0.0075, String(second.p0))
})

test('an outage teaches nothing about what is usual, once that is known', () => {
  const usual = { p0: 0.002, units: 5_000 }
  assert.equal(learned(usual, { units: 400, failed: 200 }), usual)
  assert.notEqual(
    learned(usual, { units: 400, failed: 8 }),
    usual,
    '2 % is no outage where half a percent may be chance',
  )
  const guess = { p0: 0.002, units: 100 }
  assert.notEqual(learned(guess, { units: 400, failed: 200 }), guess, 'a guess gives way')
})

test('nobody came: nothing is learned', () => {
  assert.equal(learned(undefined, { units: 0, failed: 0 }), UNKNOWN)
})
