import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CountBatch, StepCounts } from './counts.ts'
import {
  advance,
  decide,
  observe,
  openTrial,
  TRIAL_DEFAULTS,
  type Trial,
  type TrialPlan,
  type Verdict,
} from './trial.ts'

const STEPS = ['start', 'submit']

function planOf(more: Partial<TrialPlan> = {}): TrialPlan {
  return {
    ...TRIAL_DEFAULTS,
    stable: 'r2',
    canary: 'r3',
    steps: STEPS.map((step) => ({ journey: 'apply', step, omega: 0.5, p0: 0.002, p0Units: 30_000, limitMs: 2_000 })),
    ...more,
  }
}

function row(arm: 'stable' | 'canary', ok: number, failed: number, more: Partial<StepCounts> = {}): StepCounts {
  const base = {
    journey: 'apply',
    step: 'submit',
    share: 0.05,
    generation: 0,
    segment: '',
    visitor: 'citizen',
  } as const
  return { ...base, arm, ok, failed, slow: 0, retries: 0, ...more }
}

/** A trial that is fed a second at a time. */
class Run {
  trial: Trial
  now = 0
  seq = 0
  verdict: Verdict
  constructor(plan: TrialPlan) {
    this.trial = openTrial(plan, 0)
    this.verdict = decide(this.trial, 0)
    this.trial = this.verdict.trial
  }
  /** A second that is only counted: words take longer than the arithmetic. */
  quiet(...counts: StepCounts[]): void {
    const batch: CountBatch = { seq: ++this.seq, from: this.now, to: this.now + 1_000, counts }
    this.now += 1_000
    this.trial = advance(observe(this.trial, batch), this.now).trial
  }
  second(...counts: StepCounts[]): Verdict {
    const batch: CountBatch = { seq: ++this.seq, from: this.now, to: this.now + 1_000, counts }
    this.now += 1_000
    this.verdict = decide(observe(this.trial, batch), this.now)
    this.trial = this.verdict.trial
    return this.verdict
  }
  owed = 0
  /** Both steps alike, at the weight in force; parts of a citizen come with the next second's. */
  healthy(units: number): Verdict {
    const share = this.verdict.weight
    this.owed += units * share
    const canary = Math.floor(this.owed + 1e-9)
    this.owed -= canary
    return this.second(
      ...STEPS.flatMap((step) => [
        row('stable', units - canary, 0, { step, share }),
        row('canary', canary, 0, { step, share }),
      ]),
    )
  }
}

test('a good release climbs rung by rung and is promoted only after the bake', () => {
  const run = new Run(planOf({ bakeMs: 600_000 }))
  const seen: string[] = []
  while (run.verdict.decision !== 'promote' && run.now < 3_600_000) {
    const { weight } = run.verdict
    if (seen.at(-1) !== String(weight)) seen.push(String(weight))
    run.healthy(100)
  }
  assert.ok(Number(seen[0]) <= 0.002, 'a slow start, while nobody knows how many come')
  assert.deepEqual(seen.slice(seen.indexOf('0.01')), ['0.01', '0.05', '0.1', '0.25', '0.5', '0.95'])
  assert.equal(run.verdict.decision, 'promote')
  assert.ok(run.now >= 5 * 60_000 + 600_000)
  assert.match(run.verdict.why, /^Release r3 is no worse than release r2: none of [\d,]+ citizens failed at start/)
})

test('time alone opens no gate: without citizens the weight stays', () => {
  const run = new Run(planOf())
  for (let i = 0; i < 600; i++) run.second()
  assert.equal(run.verdict.decision, 'continue')
  assert.equal(run.verdict.weight, 0.01)
  assert.match(run.verdict.why, /no citizen has used it yet/)
})

test('a failing step is rolled back after a handful, with a sentence that carries its numbers', () => {
  const run = new Run(planOf({ rungs: [0.05, 0.5, 0.95] }))
  let failed = 0
  while (run.verdict.decision !== 'rollback' && run.now < 600_000) {
    failed++
    run.second(row('stable', 19, 0), row('canary', 0, 1))
  }
  assert.ok(failed <= 5, `${failed} citizens failed`)
  assert.equal(run.verdict.weight, 0)
  assert.ok(run.verdict.moveSessions)
  assert.match(
    run.verdict.why,
    /^evidence [\d,]+ : 1 that release r3 is worse at submit: \d of \d citizens failed, against none of \d+ on release r2$/,
  )
  assert.ok(run.verdict.evidence >= run.verdict.threshold)
  assert.equal(run.healthy(100).decision, 'rollback', 'a verdict is final')
})

test('answers that come too late are said to be slow', () => {
  const run = new Run(planOf({ rungs: [0.05, 0.5, 0.95] }))
  while (run.verdict.decision !== 'rollback' && run.now < 600_000)
    run.second(row('stable', 19, 0), row('canary', 0, 1, { slow: 1 }))
  assert.match(run.verdict.why, /\(\d of them slower than 2\.0 s\)/)
})

test('the same batch twice, older generations, bots, probes and unknown steps change nothing', () => {
  const run = new Run(planOf())
  run.second(row('stable', 40, 0), row('canary', 2, 0))
  const counted = run.trial.steps
  const again = { seq: 1, from: 0, to: 1_000, counts: [row('canary', 0, 50)] }
  assert.equal(observe(run.trial, again), run.trial)
  for (const visitor of ['bot', 'probe'] as const) run.second(row('canary', 0, 50, { visitor }))
  run.second(row('canary', 0, 50, { step: 'elsewhere' }))
  assert.deepEqual(run.trial.steps, counted)
  run.second(row('stable', 10, 0, { generation: 2 }))
  const moved = run.trial.steps
  run.second(row('canary', 0, 50, { generation: 1 }))
  assert.deepEqual(run.trial.steps, moved)
})

test('suspicion takes traffic away at once, and a release that behaves climbs again', () => {
  const run = new Run(planOf())
  while (run.verdict.weight < 0.5 && run.now < 3_600_000) run.healthy(200)
  const before = run.now
  // A short burst that hits the new release alone, and is over.
  run.second(row('stable', 20, 0, { share: 0.5 }), row('canary', 12, 8, { share: 0.5 }))
  assert.equal(run.verdict.decision, 'suspect')
  assert.ok(run.verdict.weight <= 0.05)
  assert.ok(run.verdict.moveSessions)
  assert.match(run.verdict.why, /is suspected at submit: 8 of /)
  while (run.verdict.decision === 'suspect' && run.now < before + 3_600_000) run.healthy(200)
  assert.equal(run.verdict.decision, 'continue')
  assert.ok(run.now - before >= TRIAL_DEFAULTS.suspicionMs)
  while (run.verdict.weight < 0.95 && run.now < before + 7_200_000) run.healthy(200)
  assert.equal(run.verdict.weight, 0.95)
})

test('when both releases fail the climb freezes, nobody is convicted, and it goes on afterwards', () => {
  const run = new Run(planOf())
  while (run.verdict.weight < 0.25 && run.now < 3_600_000) run.healthy(200)
  for (let i = 0; i < 300; i++)
    run.second(row('stable', 120, 30, { share: 0.25 }), row('canary', 40, 10, { share: 0.25 }))
  assert.equal(run.verdict.decision, 'hold')
  assert.match(run.verdict.why, /^Both releases fail at submit/)
  assert.equal(run.verdict.weight, 0.25)
  const over = run.now
  while (run.verdict.weight < 0.95 && run.now < over + 3_600_000) run.healthy(200)
  assert.equal(run.verdict.weight, 0.95)
})

test('a release that mends what the running one fails does not wait for the fault to end', () => {
  const run = new Run(planOf({ margin: 0.05 }))
  for (let i = 0; i < 3; i++) run.healthy(200)
  let frozen = 0
  while (run.verdict.weight < 0.95 && run.now < 3_600_000) {
    const { weight } = run.verdict
    const canary = Math.max(1, Math.round(200 * weight))
    run.second(
      row('stable', 0, 200 - canary, { share: weight }),
      row('canary', canary, 0, { share: weight }),
      row('stable', 200 - canary, 0, { share: weight, step: 'start' }),
      row('canary', canary, 0, { share: weight, step: 'start' }),
    )
    if (run.verdict.decision === 'hold') frozen++
    assert.doesNotMatch(run.verdict.why, /Both releases/)
  }
  assert.equal(run.verdict.weight, 0.95)
  assert.ok(frozen < 120, `${frozen} s frozen, while every citizen on the old release failed`)
})

test('a running release that always fails more than history said does not freeze the climb for ever', () => {
  const run = new Run(planOf({ margin: 0.05 }))
  const owed = { stable: 0, canary: 0 }
  while (run.verdict.weight < 0.95 && run.now < 3_600_000) {
    const { weight } = run.verdict
    const canary = Math.round(2_000 * weight)
    const rows = (['stable', 'canary'] as const).flatMap((arm) => {
      const units = arm === 'canary' ? canary : 2_000 - canary
      owed[arm] += units * 0.12
      const bad = Math.floor(owed[arm])
      owed[arm] -= bad
      return [row(arm, units - bad, bad, { share: weight }), row(arm, units, 0, { share: weight, step: 'start' })]
    })
    run.second(...rows)
    assert.notEqual(run.verdict.decision, 'rollback')
  }
  assert.equal(run.verdict.weight, 0.95)
})

test('missing sessions hold the climb: cannot tell is not pass', () => {
  const run = new Run(planOf())
  for (let i = 0; i < 900; i++) {
    const share = run.verdict.weight
    // A fifth of what was sent there comes back from the new release.
    run.second(
      ...STEPS.flatMap((step) => [
        row('stable', 200, 0, { step, share }),
        row('canary', i % 5 === 0 ? Math.max(1, Math.round(200 * share)) : 0, 0, { step, share }),
      ]),
    )
  }
  assert.equal(run.verdict.decision, 'hold')
  assert.match(run.verdict.why, /^Cannot tell: \d+ % of new sessions were sent to release r3, but/)
  assert.ok(run.verdict.weight < 0.95)
})

test('no citizen before the new release is warm; synthetic journeys that fail end it there', () => {
  const plan = planOf({ warmUp: { probes: 5, msMax: 60_000 } })
  const cold = new Run(plan)
  assert.equal(cold.verdict.weight, 0)
  cold.second(row('canary', 4, 1, { visitor: 'probe' }))
  assert.deepEqual([cold.verdict.decision, cold.verdict.weight], ['hold', 0])
  cold.second(row('canary', 1, 0, { visitor: 'probe' }))
  assert.equal(cold.verdict.weight, 0.01)
  const dead = new Run(plan)
  for (let i = 0; i < 61; i++) dead.second(row('canary', 0, 1, { visitor: 'probe' }))
  assert.equal(dead.verdict.decision, 'rollback')
  assert.match(dead.verdict.why, /never got a citizen/)
})

test('with little traffic synthetic journeys prove a fault that no citizen has met', () => {
  const run = new Run(planOf({ synthetic: true }))
  for (let i = 0; i < 60 && run.verdict.decision !== 'rollback'; i++)
    run.second(
      row('stable', 5, 0, { visitor: 'probe', share: 0.5 }),
      row('canary', 1, 4, { visitor: 'probe', share: 0.5 }),
    )
  assert.equal(run.verdict.decision, 'rollback')
})

test('blue-green switches everything but the hold-back at once and keeps a live control', () => {
  const run = new Run(planOf({ strategy: 'blue-green' }))
  assert.equal(run.verdict.weight, 0.95)
})

test('the group that is hurt is named', () => {
  const run = new Run(planOf({ rungs: [0.05, 0.5, 0.95] }))
  while (run.verdict.decision !== 'rollback' && run.now < 600_000)
    run.second(
      row('stable', 19, 0),
      row('canary', 2, 0, { segment: 'modern' }),
      row('canary', 0, 1, { segment: 'old browser' }),
    )
  assert.match(run.verdict.why, /are in the group “old browser”$/)
})

test('the state of a long trial of twenty steps stays small and survives JSON', () => {
  const steps = Array.from({ length: 20 }, (_, i) => ({
    journey: 'apply',
    step: `step-${i}`,
    omega: 0.05,
    p0: 0.003,
    p0Units: 30_000,
    limitMs: 2_000,
  }))
  const run = new Run(planOf({ steps }))
  for (let i = 0; i < 500; i++) {
    const share = 0.05
    run.quiet(
      ...steps.flatMap(({ step }, s) => [
        row('stable', 50, (i + s) % 7 === 0 ? 1 : 0, { step, share }),
        row('canary', 3, (i + s) % 97 === 0 ? 1 : 0, { step, share }),
      ]),
    )
  }
  const stored = JSON.stringify(run.trial)
  assert.ok(stored.length <= 20_480, `${stored.length} bytes`)
  assert.deepEqual(JSON.parse(stored), run.trial)
})

test('a step that few citizens need does not stall a long climb; one they have not come to yet does stall a short one', () => {
  let owed = 0
  const rare = (run: Run, submits: number) => {
    const share = run.verdict.weight
    owed += 200 * share
    const canary = Math.floor(owed)
    owed -= canary
    const mine = Math.round(submits * share)
    run.second(
      row('stable', 200 - canary, 0, { step: 'start', share }),
      row('canary', canary, 0, { step: 'start', share }),
      row('stable', submits - mine, 0, { share }),
      row('canary', mine, 0, { share }),
    )
  }
  const early = new Run(planOf())
  for (let i = 0; i < 900; i++) rare(early, 0)
  assert.ok(early.verdict.weight <= 0.01)
  assert.match(early.verdict.why, /the share grows to 1 % as its first citizens are served at submit\./)
  const late = new Run(planOf())
  for (let i = 0; i < 5_400; i++) rare(late, i % 25 === 0 ? 1 : 0)
  assert.equal(late.verdict.weight, 0.95)
})
