import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../core/traffic/ledger.ts'
import { Attempt } from './attempt.ts'

const STEP = {
  journey: 'j',
  step: 's',
  method: 'GET',
  route: '/',
  okStatus: [200, 303],
  marker: 'Done',
  limitMs: 100_000,
}

function judge(course: (attempt: Attempt) => void): Outcome | undefined {
  let outcome: Outcome | undefined
  course(
    new Attempt(STEP, (judged) => {
      assert.equal(outcome, undefined, 'judged once')
      outcome = judged
    }),
  )
  return outcome
}

const page = (attempt: Attempt, atMs: number, status = 200, text = 'Done') => {
  attempt.answered(status, 'GET', undefined)
  attempt.push(Buffer.from(text))
  attempt.ended(atMs)
}

const CASES: readonly [says: string, course: (attempt: Attempt) => void, outcome: Outcome | undefined][] = [
  [
    'right status, marker, in time',
    (a) => {
      a.asked(0)
      page(a, 100_000)
    },
    'ok',
  ],
  [
    'a moment too late',
    (a) => {
      a.asked(0)
      page(a, 100_001)
    },
    'slow',
  ],
  [
    'wrong status',
    (a) => {
      a.asked(0)
      page(a, 5, 500)
    },
    'failed',
  ],
  [
    'wrong status and late is wrong, not slow',
    (a) => {
      a.asked(0)
      page(a, 200_000, 500)
    },
    'failed',
  ],
  [
    'marker missing',
    (a) => {
      a.asked(0)
      page(a, 5, 200, 'Oops')
    },
    'failed',
  ],
  [
    'a redirect has no page to search',
    (a) => {
      a.asked(0)
      page(a, 5, 303, '')
    },
    'ok',
  ],
  [
    'cut off',
    (a) => {
      a.asked(0)
      a.answered(200, 'GET', undefined)
      a.failed()
    },
    'failed',
  ],
  [
    'left before the limit',
    (a) => {
      a.asked(0)
      a.abandoned(99_999)
    },
    undefined,
  ],
  [
    'left after the limit',
    (a) => {
      a.asked(0)
      a.abandoned(100_001)
    },
    'slow',
  ],
  [
    'an upload of an hour, answered at once',
    (a) => {
      a.asked(3_600_000)
      page(a, 3_600_100)
    },
    'ok',
  ],
  ['left in the middle of an upload', (a) => a.abandoned(3_600_000), undefined],
  [
    'the release kept the upload waiting',
    (a) => {
      a.holdUpload(0)
      a.resumeUpload(100_001)
      a.asked(200_000)
      page(a, 200_001)
    },
    'slow',
  ],
  [
    'a slow reader kept the answer waiting',
    (a) => {
      a.asked(0)
      a.holdAnswer(10)
      a.resumeAnswer(200_000)
      page(a, 200_100)
    },
    'ok',
  ],
  ['answered before the upload ended', (a) => page(a, 5), 'ok'],
  [
    'dropped',
    (a) => {
      a.drop()
      page(a, 5)
    },
    undefined,
  ],
]

for (const [says, course, outcome] of CASES) {
  test(`${says}: ${outcome ?? 'says nothing'}`, () => assert.equal(judge(course), outcome))
}

test('an answer that is not there when the limit passes has failed at that moment', async () => {
  const outcome = await new Promise((judged) => {
    const attempt = new Attempt({ ...STEP, limitMs: 20 }, judged)
    attempt.asked(performance.now())
    // The watch alone must not keep a process alive; this does.
    const alive = setInterval(() => {}, 1_000)
    setTimeout(() => clearInterval(alive), 10_000).unref()
  })
  assert.equal(outcome, 'slow')
})
