import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, Ledger, type Outcome } from './ledger.ts'

const LIMITS = { settleMs: 2_000, sessionsMax: 3, idleMs: 60_000 }
const answer = (session: string, step: string, outcome: Outcome, more: Partial<Answer> = {}): Answer => ({
  session,
  journey: 'apply',
  step,
  arm: 'canary',
  share: 0.05,
  generation: 1,
  segment: 'chrome',
  visitor: 'citizen',
  outcome,
  ...more,
})

/** Lines of "ms session step outcome"; gives what closed, a word a row. */
function course(text: string, endMs = 0, ledger = new Ledger(LIMITS)): string[] {
  for (const line of text.trim().split('\n')) {
    const [ms, session, step, outcome] = line.trim().split(/\s+/)
    ledger.tick(Number(ms))
    ledger.note(answer(session!, step!, outcome as Outcome), Number(ms))
  }
  ledger.tick(endMs)
  return ledger
    .take()
    .map(({ step, ok, failed, slow, retries }) => `${step} ok=${ok} failed=${failed} slow=${slow} retries=${retries}`)
    .sort()
}

test('a failure closes at once, later failures are retries', () => {
  assert.deepEqual(course('0 ann submit failed\n5 ann submit failed\n9 ann submit ok\n12 ann submit slow'), [
    'submit ok=0 failed=1 slow=0 retries=2',
  ])
})

test('a good answer waits for the next step, or for the settle time', () => {
  assert.deepEqual(course('0 ann start ok', 1_999), [])
  assert.deepEqual(course('0 ann start ok', 2_000), ['start ok=1 failed=0 slow=0 retries=0'])
  assert.deepEqual(course('0 ann start ok\n50 ann submit ok', 100), ['start ok=1 failed=0 slow=0 retries=0'])
})

test('a failure within the settle time makes the unit a failed one, once', () => {
  assert.deepEqual(course('0 ann start ok\n1500 ann start slow', 9_000), ['start ok=0 failed=1 slow=1 retries=0'])
})

test('a step counts once for a session, however often it is visited', () => {
  assert.deepEqual(course('0 ann start ok\n10 ann form ok\n20 ann start ok\n30 ann form ok\n40 ann start ok', 9_000), [
    'form ok=1 failed=0 slow=0 retries=0',
    'start ok=1 failed=0 slow=0 retries=0',
  ])
})

test('sessions do not close each other’s units', () => {
  assert.deepEqual(course('0 ann start ok\n1 bob start ok\n2 bob form failed', 3), [
    'form ok=0 failed=1 slow=0 retries=0',
    'start ok=1 failed=0 slow=0 retries=0',
  ])
})

test('when sessions are moved, open units close as they stand', () => {
  const ledger = new Ledger(LIMITS)
  ledger.note(answer('ann', 'start', 'ok'), 0)
  ledger.closeAll()
  assert.equal(ledger.take()[0]?.ok, 1)
  ledger.note(answer('ann', 'start', 'ok', { arm: 'stable' }), 1)
  ledger.tick(10_000)
  assert.deepEqual(ledger.take(), [])
})

test('arms, shares, generations, segments and visitors are counted apart', () => {
  const ledger = new Ledger({ ...LIMITS, sessionsMax: 100 })
  const kinds: Partial<Answer>[] = [
    {},
    { arm: 'stable' },
    { share: 0.1 },
    { generation: 2 },
    { segment: '' },
    { visitor: 'bot' },
  ]
  for (const [i, kind] of kinds.entries()) ledger.note(answer(`s${i}`, 'submit', 'failed', kind), i)
  assert.equal(ledger.take().length, kinds.length)
  assert.deepEqual(ledger.take(), [], 'taken once')
})

test('memory is bounded, and clients without cookies cannot push out citizens on their way', () => {
  const ledger = new Ledger(LIMITS)
  ledger.note(answer('ann', 'submit', 'failed'), 0)
  ledger.note(answer('ann', 'submit', 'failed'), 1)
  for (let i = 0; i < 1_000; i++) ledger.note(answer(`passing-${i}`, 'start', 'ok'), 2 + i)
  assert.ok(ledger.sessions <= 2 * LIMITS.sessionsMax)
  ledger.note(answer('ann', 'submit', 'failed'), 2_000)
  const counts = ledger.take()
  assert.equal(counts.find(({ step }) => step === 'submit')?.retries, 2)
  // Pushed out with a good answer: closed as it stood, and not once more when its settle time comes.
  ledger.tick(10_000)
  const started = [...counts, ...ledger.take()].filter(({ step }) => step === 'start')
  assert.equal(
    started.reduce((sum, { ok }) => sum + ok, 0),
    1_000,
  )
})

test('an idle session is forgotten', () => {
  const ledger = new Ledger(LIMITS)
  ledger.note(answer('ann', 'start', 'ok'), 0)
  ledger.tick(59_999)
  assert.equal(ledger.sessions, 1)
  ledger.tick(60_000)
  assert.equal(ledger.sessions, 0)
})
