import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepMatch } from '../../ports/traffic.ts'
import { isOurFailure, type Line, lineIn, lineReader, outcomeOf } from './lines.ts'

const STEP: StepMatch = {
  journey: 'apply',
  step: 'submit',
  method: 'POST',
  route: '/submit',
  okStatus: [200, 303, 422],
  limitMs: 1_000,
}
const LINE: Line = {
  n: 1,
  pid: 1,
  at: 0,
  end: '--',
  status: 200,
  waitedMs: 10,
  firstByteMs: 5,
  sent: 3_000,
  received: 500,
  retried: false,
  backend: 'a_cit',
  server: 'r1.12345678',
  stepsTag: 'x',
  step: 0,
  seat: 'v1.abcdefgh.s.3.3.50000.AAAAAAAA.1800000000',
  arm: 'stable',
  probe: false,
  found: false,
  searched: undefined,
  agent: 'Mozilla/5.0 Firefox/140.0',
}

const CASES: readonly (readonly [string, Partial<Line>, ReturnType<typeof outcomeOf>])[] = [
  ['a good answer', {}, 'ok'],
  ['their own mistake', { status: 422 }, 'ok'],
  ['an error', { status: 500 }, 'failed'],
  ['nobody there', { status: 503, end: 'SC', server: '<NOSRV>' }, 'failed'],
  ['closed unanswered', { status: 502, end: 'SH' }, 'failed'],
  ['cut in the middle', { end: 'SD' }, 'failed'],
  ['later than the limit', { waitedMs: 1_001 }, 'slow'],
  ['a citizen who left', { end: 'CH', status: -1 }, undefined],
  ['a citizen who gave up', { end: 'CH', status: -1, waitedMs: 1_500 }, 'slow'],
  ['no request at all', { end: 'CR', status: 400 }, undefined],
  ['a page with its marker', { found: true, searched: 3_000 }, 'ok'],
  ['a page without it', { searched: 3_000 }, 'failed'],
  ['a page too long to tell', { searched: 24_576 }, 'ok'],
  ['a long answer, slowly read', { sent: 5_000_000, waitedMs: 60_000 }, 'ok'],
  ['a long answer, late from the start', { sent: 5_000_000, waitedMs: 60_000, firstByteMs: 2_000 }, 'slow'],
  ['a long upload, slowly sent', { received: 5_000_000, waitedMs: 60_000, firstByteMs: 60_000 }, 'ok'],
]
for (const [name, change, outcome] of CASES)
  test(`${name}: ${outcome ?? 'says nothing'}`, () =>
    assert.equal(outcomeOf({ ...LINE, ...change }, STEP, false), outcome))

test('what the other release answered proves nothing, unless the own one refused first', () => {
  assert.equal(outcomeOf(LINE, STEP, true), undefined)
  assert.equal(outcomeOf({ ...LINE, retried: true }, STEP, true), 'failed')
})

test('a failure is ours when nobody could be asked, and not when websockets end by order', () => {
  const ours = (end: string, backend = 'a_cit') => isOurFailure({ ...LINE, end, backend })
  assert.deepEqual(
    ['SC', 'sC', 'PC', 'RC', 'KD', 'D-'].map((end) => ours(end)),
    Array(6).fill(true),
  )
  assert.deepEqual(
    ['--', 'SH', 'sH', 'SD', 'CD', 'CH', 'PR', 'LR'].map((end) => ours(end)),
    Array(8).fill(false),
  )
  assert.equal(ours('K-', 'a_ws'), false)
})

test('a line becomes evidence of its session', () => {
  const answer = lineReader().read(LINE, STEP, false)
  assert.deepEqual(answer, {
    session: 'abcdefgh',
    journey: 'apply',
    step: 'submit',
    arm: 'stable',
    share: 0.05,
    generation: 3,
    segment: 'firefox',
    visitor: 'citizen',
    outcome: 'ok',
  })
})

test('what is no line of ours is not read', () => {
  for (const text of ['', '{', 'null', '[]', '{"n":1}', `{"n":1,"p":1,"d":1,"g":"${'x'.repeat(3_000)}"}`])
    assert.equal(lineIn(text), undefined)
  const line = lineIn(
    '{"n":7,"p":9,"d":1800000000000,"h":0,"i":5,"R":2,"a":50,"w":30,"t":"--","z":200,"o":"c","e":"3m","l":"12"}',
  )
  assert.deepEqual(
    [line?.at, line?.waitedMs, line?.arm, line?.step, line?.searched],
    [1_800_000_000_007, 18, 'canary', 3, 12],
  )
})
