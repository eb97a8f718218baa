import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Replay, type ReplayOptions } from './replay.ts'
import { TRIAL_DEFAULTS } from './trial.ts'
import type { Request } from './units.ts'

function optionsOf(more: Partial<ReplayOptions> = {}): ReplayOptions {
  const plan = {
    ...TRIAL_DEFAULTS,
    bakeMs: 600_000,
    stable: 'the running release',
    canary: 'the new release',
    splitKnown: false,
  }
  return { plan, steps: [], limits: [], limitMs: 8_000, p0: 0.005, p0Units: 0, closedLoop: false, ...more }
}

/** An even stream: a session a second walks start and submit; every `nth` is on the new release, where `bad` says who fails. */
function recorded(
  seconds: number,
  nth: number,
  bad: (second: number) => boolean,
  more: Partial<Request> = {},
): Request[] {
  const requests: Request[] = []
  for (let s = 0; s < seconds; s++) {
    const arm = s % nth === 0 ? 'canary' : 'stable'
    const base = { session: `s${s}`, arm, journey: 'apply', ms: 50, kind: 'citizen', segment: '' } as const
    requests.push({ ...base, t: s * 1_000, step: 'start', ok: true })
    const failed = arm === 'canary' && bad(s)
    requests.push({ ...base, t: s * 1_000 + 400, step: 'submit', ok: !failed, ...(failed ? more : {}) })
  }
  return requests
}

function decisionsOf(requests: readonly Request[], options = optionsOf()): string[] {
  const replay = new Replay(options)
  const seen: string[] = []
  for (const request of requests) {
    const answer = replay.add(request)
    if (answer && answer.decision !== seen.at(-1)) seen.push(answer.decision)
  }
  const last = replay.look(requests.at(-1)!.t)
  if (last.decision !== seen.at(-1)) seen.push(last.decision)
  return seen
}

test('a recorded bad release is proven, whatever share it had', () => {
  for (const nth of [2, 5, 20])
    assert.equal(decisionsOf(recorded(20 * nth * 20, nth, (s) => s % 3 === 0)).at(-1), 'rollback')
})

test('a recorded release that is only slow is proven by the limit', () => {
  const slow = recorded(2_000, 5, (s) => s % 2 === 0, { ok: true, ms: 3_000 })
  assert.equal(
    decisionsOf(slow, optionsOf({ limits: [{ journey: 'apply', step: 'submit', limitMs: 2_000 }] })).at(-1),
    'rollback',
  )
  assert.notEqual(decisionsOf(slow).at(-1), 'rollback', 'within the limit of 8 s nobody was harmed')
})

test('a recorded good release may have all citizens; a fault after that is still proven', () => {
  const good = recorded(3_000, 2, () => false)
  assert.equal(decisionsOf(good).at(-1), 'promote')
  const late = decisionsOf(recorded(4_000, 2, (s) => s > 3_000 && s % 4 === 0))
  assert.ok(late.includes('promote'))
  assert.equal(late.at(-1), 'rollback')
})

test('no citizen on the new release: cannot tell, however long it lasts; bots and probes are no citizens', () => {
  assert.deepEqual(decisionsOf(recorded(2_000, 1e9, () => false).slice(2)), ['hold'])
  const probes = recorded(2_000, 5, () => true).map((one) =>
    one.arm === 'canary' ? { ...one, kind: 'probe' as const } : one,
  )
  assert.ok(!decisionsOf(probes).includes('rollback'))
})

test('in the closed loop the weight follows the verdict', () => {
  const replay = new Replay(
    optionsOf({ closedLoop: true, plan: { ...optionsOf().plan, rungs: [0.1, 0.5, 0.95], rungMsMin: 1_000 } }),
  )
  assert.equal(replay.look(0).weight, 0.002, 'a slow start, while nobody knows how many come')
  for (const request of recorded(600, 10, () => false)) replay.add(request)
  const better = replay.look(600_000)
  assert.equal(better.decision, 'continue')
  for (const request of recorded(400, 10, () => true))
    replay.add({ ...request, t: request.t + 600_000, session: `b${request.session}` })
  const worse = replay.look(1_000_000)
  assert.deepEqual([worse.decision, worse.weight], ['rollback', 0])
  assert.equal(replay.look(2_000_000).decision, 'rollback')
})
