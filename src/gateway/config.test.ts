import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

const GOOD = {
  epoch: 1,
  version: 1,
  stable: { release: 'r1', backends: [{ id: 'a', host: '127.0.0.1', port: 80 }] },
  canary: { release: 'r2', backends: [{ id: 'b', host: '127.0.0.1', port: 81 }] },
  weight: 0.1,
  generation: 1,
  steps: [{ journey: 'j', step: 's', method: 'GET', route: '/', okStatus: [200], marker: 'x', limitMs: 100 }],
  probe: { header: 'x-probe', secret: 's' },
  healthPath: '/health',
}

test('a good configuration is read as it is', () => assert.deepEqual(readConfig(GOOD), GOOD))

test('everything that is wrong is named at once', () => {
  const read = readConfig({ ...GOOD, weight: 2, healthPath: 'health', epoch: -1, extra: true })
  assert.ok('reasons' in read)
  assert.deepEqual(read.reasons.map((reason) => reason.split(':')[0]).sort(), [
    'configuration',
    'epoch',
    'healthPath',
    'weight',
  ])
})

test('what fits no schema by itself is found too', () => {
  const { canary: _, ...alone } = GOOD
  const cases: [unknown, RegExp][] = [
    [{ ...GOOD, canary: GOOD.stable }, /backend id "a" is used twice/],
    [alone, /no canary/],
    [undefined, /configuration/],
    [null, /configuration/],
    ['[]', /configuration/],
  ]
  for (const [input, reason] of cases) {
    const read = readConfig(input)
    assert.match('reasons' in read ? read.reasons.join() : 'accepted', reason)
  }
})
