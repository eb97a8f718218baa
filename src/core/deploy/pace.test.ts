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
