import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepCounts } from '../deploy/counts.ts'
import { sample } from './metrics.ts'
import { Totals } from './totals.ts'

const STEPS = [
  { journey: 'apply', step: 'start' },
  { journey: 'apply', step: 'submit' },
]
const FIRST = new Map([['apply', 'start']])
const closed = (row: Partial<StepCounts>): StepCounts => ({
  journey: 'apply',
  step: 'submit',
  arm: 'stable',
  share: 0,
  generation: 0,
  segment: '',
  visitor: 'citizen',
  ok: 0,
  failed: 0,
  slow: 0,
  retries: 0,
  ...row,
})
const valueIn = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1),
  )

test('every step of the configuration is there from the start, at 0, in both arms', () => {
  const totals = new Totals()
  totals.know(STEPS)
  const text = totals.text()
  for (const step of ['start', 'submit'])
    for (const arm of ['stable', 'canary'])
      for (const name of ['journey_step_total', 'journey_step_bad_total'])
        assert.equal(valueIn(text, `${name}{journey="apply",step="${step}",arm="${arm}"}`), 0)
  assert.equal(valueIn(text, 'synthetic_journey_bad_total{journey="apply"}'), 0)
})

test('citizens count in steps, our own walks in journeys, bots nowhere', () => {
  const totals = new Totals()
  totals.know(STEPS)
  totals.add(
    [
      closed({ ok: 7, failed: 2, slow: 1, retries: 3 }),
      closed({ arm: 'canary', failed: 1 }),
      closed({ visitor: 'bot', ok: 100, failed: 100 }),
      closed({ visitor: 'probe', step: 'start', ok: 4 }),
      closed({ visitor: 'probe', ok: 3, failed: 1 }),
    ],
    FIRST,
  )
  totals.add([closed({ ok: 1, share: 0.5, generation: 2, segment: 'chrome' })], FIRST)
  const text = totals.text()
  assert.equal(valueIn(text, 'journey_step_total{journey="apply",step="submit",arm="stable"}'), 10)
  assert.equal(valueIn(text, 'journey_step_bad_total{journey="apply",step="submit",arm="stable"}'), 2)
  assert.equal(valueIn(text, 'journey_step_slow_total{journey="apply",step="submit",arm="stable"}'), 1)
  assert.equal(valueIn(text, 'journey_step_retries_total{journey="apply",step="submit",arm="stable"}'), 3)
  assert.equal(valueIn(text, 'journey_step_bad_total{journey="apply",step="submit",arm="canary"}'), 1)
  assert.equal(valueIn(text, 'synthetic_journey_total{journey="apply"}'), 4)
  assert.equal(valueIn(text, 'synthetic_journey_bad_total{journey="apply"}'), 1)
})

test('a flood of names is bounded, and a name cannot break the text', () => {
  const totals = new Totals()
  for (let i = 0; i < 5_000; i++) totals.add([closed({ journey: `j${i}`, ok: 1 })], FIRST)
  assert.ok(totals.text().split('\n').length < 2_000 * 6)
  assert.equal(sample('x', { a: 'b"\n\\' }, 1), 'x{a="b\\"\\n\\\\"} 1')
})
