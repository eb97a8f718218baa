import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clopperPearson,
  klOf,
  lnGamma,
  notWorseUnits,
  splitFailures,
  waldFailures,
  waldUnits,
  worstRate,
} from './verdict-bounds.ts'

const near = (seen: number, known: number, share: number, what: string) =>
  assert.ok(Math.abs(seen - known) <= share * Math.abs(known), `${what}: ${seen}, known ${known}`)

test('Wald’s bounds and the two-sample bounds are those of the published table (α = 0.1 %)', () => {
  // p0, p1, nats a unit, units, failed, failed at 1e-6, two-sample failed at 5, 10 and 50 %
  const table = [
    [0.001, 0.01, 0.0141, 491, 4.91, 9.82, 5.62, 6.36, 16.1],
    [0.001, 0.05, 0.1478, 46.7, 2.34, 4.67, 3.1, 3.76, 11.1],
    [0.001, 0.2, 0.8819, 7.8, 1.57, 3.13, 2.49, 3.11, 9.59],
    [0.005, 0.01, 0.0019, 3553, 35.5, 71.1, 37.9, 40.6, 80.7],
    [0.005, 0.05, 0.0712, 97.1, 4.85, 9.71, 5.55, 6.27, 15.8],
    [0.005, 0.2, 0.5633, 12.3, 2.45, 4.91, 3.15, 3.76, 10.7],
  ] as const
  for (const [p0, p1, nats, units, failed, strict, w5, w10, w50] of table) {
    const what = `${p0} to ${p1}`
    near(klOf(p1, p0), nats, 0.03, what)
    near(waldUnits(p0, p1, 1e-3), units, 0.01, what)
    near(waldFailures(p0, p1, 1e-3), failed, 0.01, what)
    near(waldFailures(p0, p1, 1e-6), strict, 0.01, what)
    near(splitFailures(p0, p1, 0.05, 1e-3), w5, 0.01, what)
    near(splitFailures(p0, p1, 0.1, 1e-3), w10, 0.01, what)
    near(splitFailures(p0, p1, 0.5, 1e-3), w50, 0.01, what)
  }
})

test('the units that show “not worse” are the published ones', () => {
  const table = [
    [0.001, 0.005, 0.05, 1249],
    [0.001, 0.005, 0.01, 1920],
    [0.001, 0.01, 0.05, 445],
    [0.005, 0.01, 0.05, 1937],
    [0.005, 0.01, 0.01, 2977],
    [0.005, 0.02, 0.05, 366],
    [0.01, 0.02, 0.05, 960],
  ] as const
  for (const [p0, limit, miss, units] of table) assert.equal(Math.round(notWorseUnits(p0, limit, miss)), units)
})

test('Clopper–Pearson limits: the rule of three, and a table value', () => {
  near(clopperPearson(0, 3000).high, 1 - 0.025 ** (1 / 3000), 1e-6, 'no hit')
  const { low, high } = clopperPearson(5, 10)
  near(low, 0.1871, 1e-3, '5 of 10, low')
  near(high, 0.8129, 1e-3, '5 of 10, high')
  assert.equal(clopperPearson(10, 10).high, 1)
})

test('the gamma function is the factorial, also where its series is lifted', () => {
  near(lnGamma(11), Math.log(3_628_800), 1e-12, '10!')
  near(lnGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-10, 'Γ(½)')
  near(lnGamma(1e6), 1e6 * Math.log(1e6) - 1e6 - 0.5 * Math.log(1e6) + 0.5 * Math.log(2 * Math.PI), 1e-9, 'large')
})

test('the worst rate that counts allow shrinks with units, grows with failures, and never claims more than the rule of three', () => {
  assert.equal(worstRate(0, 0, 0.005, 0.05), 1)
  for (const units of [10, 100, 1_000, 10_000]) {
    const clean = worstRate(units, 0, 0.005, 0.05)
    assert.ok(clean >= 1 - 0.05 ** (1 / units), `${units} clean units cannot exclude less than one look at them could`)
    assert.ok(clean > worstRate(units * 2, 0, 0.005, 0.05))
    assert.ok(worstRate(units, 3, 0.005, 0.05) > clean)
  }
})
