import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, observe, openTrial, TRIAL_DEFAULTS, type TrialPlan } from './trial.ts'

const LOOP = 400

/** Citizens who came to the new release in a world that answers a loop later, and the shares that it was told, second by second. */
function walk(perSecond: number, fails: number, more: Partial<TrialPlan> = {}) {
  const steps = [{ journey: 'apply', step: 'submit', omega: 1, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }]
  const plan = { ...TRIAL_DEFAULTS, stable: 'r1', canary: 'r2', steps, rungs: [0.5, 0.95], ...more }
  let trial = openTrial(plan, 0)
  let { weight } = advance(trial, 0)
  let [came, bad, owed, owedBad] = [0, 0, 0, 0]
  const shares: number[] = []
  for (let seq = 1; seq <= 600 && trial.phase.phase !== 'rolled-back'; seq++) {
    const sessions = (perSecond * LOOP) / 1_000
    owed += sessions * weight
    const units = Math.floor(owed + 1e-9)
    owed -= units
    owedBad += units * fails
    const failed = Math.floor(owedBad + 1e-9)
    owedBad -= failed
    came += units
    bad += failed
    const base = {
      journey: 'apply',
      step: 'submit',
      share: weight,
      generation: 0,
      segment: '',
      visitor: 'citizen',
    } as const
    const counts = [
      { ...base, arm: 'stable' as const, ok: Math.round(sessions) - units, failed: 0, slow: 0, retries: 0 },
      { ...base, arm: 'canary' as const, ok: units - failed, failed, slow: 0, retries: 0 },
    ]
    trial = observe(trial, { seq, from: (seq - 1) * LOOP, to: seq * LOOP, counts })
    ;({ trial, weight } = advance(trial, seq * LOOP))
    shares.push(weight)
  }
  return { came, bad, shares, end: trial.phase.phase }
}

test('a release that fails everybody harms as many at 2,000 citizens a second as at 10, and from half of them as from a hundredth', () => {
  for (const rungs of [
    [0.01, 0.95],
    [0.5, 0.95],
  ])
    for (const perSecond of [10, 50, 200, 2_000]) {
      const { bad, end } = walk(perSecond, 1, { rungs })
      assert.equal(end, 'rolled-back')
      assert.ok(bad <= 5, `${bad} harmed of ${perSecond} a second, from ${rungs[0]}`)
    }
})

test('a good release has its first rung within seconds, and a quiet service never notices', () => {
  const busy = walk(200, 0).shares
  const full = busy.indexOf(0.5)
  assert.ok(full > 2 && full * LOOP <= 10_000, `after ${full} loops`)
  assert.deepEqual(
    [...busy.slice(0, full)].sort((a, b) => a - b),
    busy.slice(0, full),
    'it only rises',
  )
  assert.ok(walk(1, 0).shares.indexOf(0.5) <= 2)
})

test('a world that asks rarely meets fewer between two questions', () => {
  const slow = openTrial(
    {
      ...TRIAL_DEFAULTS,
      stable: 'r1',
      canary: 'r2',
      steps: [{ journey: 'apply', step: 'submit', omega: 1, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }],
      rungs: [0.5, 0.95],
    },
    0,
  )
  const row = {
    journey: 'apply',
    step: 'submit',
    generation: 0,
    segment: '',
    visitor: 'citizen',
    slow: 0,
    retries: 0,
  } as const
  let trial = slow
  let weight = 0
  for (let seq = 1; seq <= 3; seq++) {
    const counts = [{ ...row, arm: 'stable' as const, share: 0.002, ok: 500, failed: 0 }]
    trial = observe(trial, { seq, from: (seq - 1) * 10_000, to: seq * 10_000, counts })
    ;({ trial, weight } = advance(trial, seq * 10_000))
  }
  // 50 a second, 10 s a loop: half a citizen in 500.
  assert.ok(weight >= 0.001 && weight <= 0.002, `${weight}`)
})

test('blue-green switches at once, and loses its share to a suspicion', () => {
  const { shares, bad, end } = walk(50, 1, { strategy: 'blue-green' })
  assert.equal(end, 'rolled-back')
  assert.ok(shares[0]! <= 0.05, 'the first failures took it away')
  assert.ok(bad > 5, 'and all who came within the loop had met them: plan says so')
})

test('a step that nobody has reached yet holds the share: everybody may still be on the way to it', () => {
  const step = { journey: 'apply', omega: 0.5, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }
  const steps = [
    { ...step, step: 'start' },
    { ...step, step: 'submit' },
  ]
  let trial = openTrial({ ...TRIAL_DEFAULTS, stable: 'r1', canary: 'r2', steps, rungs: [0.5, 0.95] }, 0)
  let weight = 0
  const row = {
    journey: 'apply',
    generation: 0,
    segment: '',
    visitor: 'citizen',
    failed: 0,
    slow: 0,
    retries: 0,
  } as const
  const batch = (seq: number, at: string, canary: number) => {
    const counts = [
      { ...row, step: at, arm: 'stable' as const, share: 0.01, ok: 40 },
      { ...row, step: at, arm: 'canary' as const, share: 0.01, ok: canary },
    ]
    trial = observe(trial, { seq, from: (seq - 1) * LOOP, to: seq * LOOP, counts })
    ;({ trial, weight } = advance(trial, seq * LOOP))
  }
  for (let seq = 1; seq <= 60; seq++) batch(seq, 'start', 4)
  assert.ok(weight > 0.005 && weight < 0.02, `${weight}: half a citizen of the 44 who come in a loop`)
  for (let seq = 61; seq <= 90; seq++) batch(seq, 'submit', 4)
  assert.equal(weight, 0.5)
})

/** Citizens who walk `start` in the first loop and `submit` from `first` on, `share` of them; shares that a new release gets, and who leaves. */
function journey(perLoop: number, first: number, share: number, loops: number, bad = false) {
  const step = { journey: 'apply', omega: 0.5, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }
  const steps = [
    { ...step, step: 'start' },
    { ...step, step: 'submit' },
  ]
  let trial = openTrial({ ...TRIAL_DEFAULTS, stable: 'r1', canary: 'r2', steps, rungs: [0.5, 0.95] }, 0)
  let { weight } = advance(trial, 0)
  const row = { journey: 'apply', generation: 0, segment: '', visitor: 'citizen', slow: 0, retries: 0 } as const
  const began: { weight: number }[] = []
  const shares: number[] = []
  const owed = { start: 0, submit: 0 }
  let left = false
  for (let seq = 1; seq <= loops && trial.phase.phase !== 'rolled-back'; seq++) {
    began.push({ weight })
    const came = (at: 'start' | 'submit', all: number, weigh: number) => {
      owed[at] += all * weigh
      const canary = Math.floor(owed[at] + 1e-9)
      owed[at] -= canary
      const failed = at === 'submit' && bad ? canary : 0
      const base = { ...row, step: at, share: weigh }
      return [
        { ...base, arm: 'stable' as const, ok: Math.max(0, Math.round(all) - canary), failed: 0 },
        { ...base, arm: 'canary' as const, ok: canary - failed, failed },
      ]
    }
    const far = seq > first ? began[seq - first - 1]! : undefined
    const reach = far && Math.floor(seq * share) > Math.floor((seq - 1) * share) ? Math.max(1, perLoop * share) : 0
    const counts = [...came('start', perLoop, weight), ...(far ? came('submit', reach, far.weight) : [])]
    trial = observe(trial, { seq, from: (seq - 1) * LOOP, to: seq * LOOP, counts })
    const next = advance(trial, seq * LOOP)
    ;({ trial, weight } = next)
    left ||= next.moveSessions && trial.phase.phase === 'suspect'
    shares.push(weight)
  }
  return { shares, left, trial }
}

test('a step that one of a hundred comes to holds the share until that is seen, and no longer', () => {
  const { shares } = journey(80, 25, 0.01, 600)
  assert.ok(shares[60]! < 0.02, `${shares[60]} while all may be on their way`)
  const there = shares.findIndex((share) => share >= 0.5)
  assert.ok(there > 0 && there * LOOP <= 3 * 60_000, `after ${there} loops`)
  const fell = shares.slice(there).filter((share, i, all) => i > 0 && share < all[i - 1]!)
  assert.deepEqual(fell, [], 'and it does not flap')
})

test('an alarm moves whoever still sits on the new release, also when the pace has lowered the share meanwhile', () => {
  const trial = openTrial(
    {
      ...TRIAL_DEFAULTS,
      stable: 'r1',
      canary: 'r2',
      steps: [{ journey: 'apply', step: 'submit', omega: 1, p0: 0.001, p0Units: 30_000, limitMs: 2_000 }],
      rungs: [0.5, 0.95],
    },
    0,
  )
  const low = { ...trial, alarmed: 0, pace: { ...trial.pace, cap: 0.01 } }
  assert.equal(advance({ ...low, sat: 0.01 }, 400).moveSessions, false, 'nobody but the few of that share')
  const moved = advance({ ...low, sat: 0.3 }, 400)
  assert.equal(moved.moveSessions, true)
  assert.ok(moved.trial.sat <= 0.05, 'they are gone now')
})

test('one look that comes ten minutes late, and a clock that is set back, cost seconds', () => {
  const before = walk(50, 0).shares
  assert.equal(before.at(-1)! >= 0.5, true)
  const { trial } = journey(20, 5, 1, 40)
  let late = advance(trial, 40 * LOOP + 600_000)
  assert.ok(late.weight >= trial.pace.cap / 8, `${late.weight} of ${trial.pace.cap}`)
  for (let i = 1; i <= 5; i++) late = advance(late.trial, 40 * LOOP + 600_000 + i * LOOP)
  assert.ok(late.trial.pace.loopMs <= 2 * LOOP, `${late.trial.pace.loopMs}`)
  const back = observe(trial, { seq: 41, from: 0, to: LOOP, counts: [] })
  const on = observe(back, { seq: 42, from: LOOP, to: 2 * LOOP, counts: [] })
  assert.ok(on.pace.ms > back.pace.ms * 0.9, 'time goes on')
})
