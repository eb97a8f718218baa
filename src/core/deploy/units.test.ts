import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Request, SessionUnits } from './units.ts'

const request = (t: number, session: string, step: string, more: Partial<Request> = {}): Request => ({
  t,
  session,
  arm: 'canary',
  journey: 'apply',
  step,
  ok: true,
  ms: 10,
  kind: 'citizen',
  segment: '',
  ...more,
})

/** Units as "visitor arm step ok/failed/slow/retries". */
function told(requests: readonly Request[]): string[] {
  const units = new SessionUnits(() => 1_000)
  for (const one of requests) units.add(one, 0.5)
  return units
    .take()
    .map((row) => `${row.visitor} ${row.arm} ${row.step} ${row.ok}/${row.failed}/${row.slow}/${row.retries}`)
    .sort()
}

test('a session counts once a step, whatever its retries', () => {
  const tries = [1, 2, 3, 4].map((t) => request(t, 's', 'submit', { ok: false }))
  assert.deepEqual(told([...tries, request(5, 's', 'submit')]), ['citizen canary submit 0/1/0/3'])
})

test('a good answer counts at once, and only once', () => {
  assert.deepEqual(told([request(1, 's', 'start'), request(2, 's', 'start'), request(3, 's', 'start')]), [
    'citizen canary start 1/0/0/0',
  ])
})

test('a session that fails at a step it had passed counts as failed too, once', () => {
  const fails = [2, 3].map((t) => request(t, 's', 'submit', { ok: false }))
  assert.deepEqual(told([request(1, 's', 'submit'), ...fails]), ['citizen canary submit 1/1/0/1'])
})

test('a session that comes back after half an hour is another one', () => {
  assert.deepEqual(told([request(1, 's', 'start'), request(1 + 31 * 60_000, 's', 'start', { arm: 'stable' })]), [
    'citizen canary start 1/0/0/0',
    'citizen stable start 1/0/0/0',
  ])
})

test('an answer later than the limit has failed, and is told apart', () => {
  assert.deepEqual(told([request(1, 's', 'submit', { ms: 1_001 })]), ['citizen canary submit 0/1/1/0'])
  assert.deepEqual(told([request(1, 's', 'submit', { ms: 1_000 })]), ['citizen canary submit 1/0/0/0'])
})

test('a session that is moved gives no more evidence, whichever way it went', () => {
  const moved = [
    request(1, 's', 'start'),
    request(2, 's', 'submit', { arm: 'stable', ok: false }),
    request(3, 's', 'done', { arm: 'canary', ok: false }),
  ]
  assert.deepEqual(told(moved), ['citizen canary start 1/0/0/0'])
})

test('where sessions wander as a rule, each step belongs to the release that answered it first', () => {
  const units = new SessionUnits(() => 1_000)
  for (let i = 0; i < 600; i++) {
    units.add(request(i, `s${i}`, 'start', { arm: i % 2 ? 'canary' : 'stable' }), 0.5)
    units.add(request(i, `s${i}`, 'submit', { arm: i % 3 ? 'canary' : 'stable', ok: i % 3 === 0 }), 0.5)
  }
  assert.ok(units.wandering)
  const failed = units.take().filter(({ step, failed }) => step === 'submit' && failed > 0)
  assert.ok(failed.length > 0 && failed.every(({ arm }) => arm === 'canary'))
})

test('bots and probes are told apart', () => {
  const requests = (['bot', 'probe', 'citizen'] as const).map((kind, i) => request(i, kind, 'start', { kind }))
  assert.deepEqual(told(requests), [
    'bot canary start 1/0/0/0',
    'citizen canary start 1/0/0/0',
    'probe canary start 1/0/0/0',
  ])
})

test('two hundred and ten thousand sessions leave a bounded memory', () => {
  const units = new SessionUnits(() => 1_000)
  for (let i = 0; i < 210_000; i++) units.add(request(i, `s${i}`, 'start'), 0.5)
  assert.ok(units.size <= 200_000)
  assert.equal(
    units.take().reduce((sum, row) => sum + row.ok, 0),
    210_000,
  )
})
