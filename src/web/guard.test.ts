import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Allowance, Doors } from './guard.ts'

test('only names by which the console is really reached are answered', () => {
  const doors = new Doors({ host: '127.0.0.1', port: 8400 })
  for (const host of ['127.0.0.1:8400', 'localhost:8400', '[::1]:8400', 'LOCALHOST:8400']) {
    assert.equal(doors.hostIsOurs(host), true, host)
  }
  for (const host of [undefined, 'evil.example:8400', '127.0.0.1:8401', 'localhost', '127.0.0.1.evil.example:8400']) {
    assert.equal(doors.hostIsOurs(host), false, String(host))
  }
  const proxied = new Doors({ host: '0.0.0.0', port: 80 }, 'https://holdfast.example.gov.uk')
  assert.equal(proxied.hostIsOurs('holdfast.example.gov.uk'), true)
  assert.equal(proxied.secure, true)
  assert.equal(proxied.url, 'https://holdfast.example.gov.uk')
})

test('listening on every network without a public name is refused', () => {
  assert.throws(() => new Doors({ host: '0.0.0.0', port: 80 }), { code: 'CONSOLE_OPEN' })
})

test('a form from another origin is refused, also from a page that hides its origin', () => {
  const doors = new Doors({ host: '127.0.0.1', port: 8400 })
  assert.equal(doors.originIsOurs('http://127.0.0.1:8400', 'same-origin'), true)
  assert.equal(doors.originIsOurs('http://127.0.0.1:9999', 'same-site'), false)
  assert.equal(doors.originIsOurs('https://127.0.0.1:8400', undefined), false)
  assert.equal(doors.originIsOurs('null', 'cross-site'), false)
  assert.equal(doors.originIsOurs(undefined, 'cross-site'), false)
  assert.equal(doors.originIsOurs(undefined, undefined), true)
})

test('tries are counted for each caller, and many callers share one allowance instead of the memory', () => {
  const allowance = new Allowance(2, 1_000, 3)
  assert.deepEqual(
    [1, 2, 3].map(() => allowance.take('a', 0)),
    [true, true, false],
  )
  assert.equal(allowance.take('a', 1_000), true)
  assert.equal(allowance.take('b', 1_000), true)
  assert.equal(allowance.take('c', 1_000), true)
  const crowd = Array.from({ length: 10 }, (_, i) => allowance.take(`crowd ${i}`, 1_000))
  assert.deepEqual(crowd.filter(Boolean).length, 2)
})

test('a clock that was set back locks nobody out', () => {
  const allowance = new Allowance(1, 1_000)
  assert.equal(allowance.take('a', 10_000_000), true)
  assert.equal(allowance.take('a', 0), true)
})
