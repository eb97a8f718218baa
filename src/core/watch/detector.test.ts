import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR, MINUTE, SECOND } from '../time.ts'
import { firstComplaintMinutes } from './complaint.ts'
import {
  allClearOf,
  type Detector,
  type DetectorPlan,
  faultSizes,
  openDetector,
  thresholdOf,
  watchStep,
} from './detector.ts'
import { harmCap } from './plan.ts'

const council: DetectorPlan = { b0: 0.005, perDay: 1_500, falsePagesPerMonth: 4, harmMax: 5 }

test('thresholds and all-clears are the published ones, for citizens alone', () => {
  // perDay, objective, h, all-clear: the table of vectors in the facts on watching, column "h citizens only".
  const table = [
    [60, 0.01, 7.034, 8.923],
    [1_500, 0.005, 10.252, 9.596],
    [60_000, 0.001, 13.941, 12.635],
  ] as const
  for (const [perDay, b0, h, clear] of table) {
    const plan = { ...council, perDay, b0 }
    assert.equal(thresholdOf(plan).toFixed(3), h.toFixed(3))
    assert.equal(allClearOf(plan).toFixed(3), clear.toFixed(3))
  }
})

test('sizes of fault stay probabilities, whatever the objective', () => {
  assert.deepEqual(faultSizes(0.005), [0.02, 0.1, 0.5])
  assert.deepEqual(faultSizes(0.1), [0.4, 0.8, 0.5])
  for (const b0 of [1e-5, 0.001, 0.12, 0.3, 0.5, 0.8]) {
    for (const p1 of faultSizes(b0)) assert.ok(p1 > b0 && p1 < 1, `${p1} is no fault beside ${b0}`)
  }
})

/** Feeds looks of 5 s and gives the moments of change, in seconds. */
function run(plan: DetectorPlan, looks: readonly { ok: number; failed: number; slow?: number }[]) {
  let detector: Detector = openDetector(plan, 0)
  const changes: string[] = []
  looks.forEach((look, i) => {
    const now = (i + 1) * 5 * SECOND
    const next = watchStep(plan, detector, { slow: 0, ...look }, now)
    detector = next.detector
    if (next.change) changes.push(`${now / SECOND} s ${next.change}`)
  })
  return { detector, changes }
}

test('a total outage fires after a few failed citizens, and not for one', () => {
  const { changes, detector } = run(council, [
    { ok: 40, failed: 0 },
    { ok: 0, failed: 1 },
    { ok: 0, failed: 2 },
    { ok: 0, failed: 3 },
  ])
  assert.deepEqual(changes, ['20 s fired'])
  assert.equal(detector.fired!.failed, 6)
  assert.equal(detector.fired!.since, 5 * SECOND)
})

test('a blip that heals itself wakes nobody unless it hurt as many as the owner allows', () => {
  const healed = [{ ok: 10, failed: 4 }, ...Array.from({ length: 60 }, () => ({ ok: 50, failed: 0 }))]
  assert.deepEqual(run({ ...council, harmMax: 5 }, healed).changes, [])
  assert.deepEqual(run({ ...council, harmMax: 3 }, healed).changes[0], '5 s fired')
})

test('what the objective allows wakes nobody for a month', () => {
  let seed = 7
  const dice = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  let detector = openDetector(council, 0)
  let fired = 0
  for (let now = 0; now < 30 * 24 * HOUR; now += MINUTE) {
    const failed = dice() < 0.005 ? 1 : 0
    const next = watchStep(council, detector, { ok: 1 - failed, failed, slow: 0 }, now)
    detector = next.detector
    if (next.change === 'fired') fired++
  }
  assert.ok(fired <= 1, `${fired} pages in a month without a fault`)
})

test('silence is no all-clear; success is', () => {
  const outage = Array.from({ length: 6 }, () => ({ ok: 0, failed: 2 }))
  const silence = Array.from({ length: (6 * HOUR) / (5 * SECOND) }, () => ({ ok: 0, failed: 0 }))
  assert.deepEqual(run(council, [...outage, ...silence]).changes, ['15 s fired'])
  const healthy = Array.from({ length: 12 }, () => ({ ok: 5, failed: 0 }))
  const { changes, detector } = run(council, [...outage, ...healthy])
  assert.equal(changes.length, 2)
  assert.match(changes[1]!, /cleared/)
  assert.equal(detector.fired, null)
})

test('the first complaint comes when the model says', () => {
  // Vectors of the facts: share that complains, citizens a minute, median minutes.
  for (const [rate, perMinute, median] of [
    [0.02, 1, 49.5],
    [0.02, 10, 14.7],
    [0.005, 10, 27.8],
  ] as const) {
    const minutes = firstComplaintMinutes(perMinute, rate)!
    assert.ok(Math.abs(minutes - median) <= 0.6, `${minutes} is not ${median}`)
  }
  assert.equal(firstComplaintMinutes(0, 0.02), null)
  assert.equal(harmCap({ citizens: 50, contactRate: 0.02 }), 5)
  assert.equal(harmCap({ citizens: 50, contactRate: 0.01 }), 10)
  assert.equal(harmCap({ citizens: 3, contactRate: 0 }), 3)
})
