import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadService } from '../define/load.ts'
import type { CountBatch, StepCounts } from '../deploy/counts.ts'
import { MINUTE } from '../time.ts'
import { explain } from './explain.ts'
import { watchPlanOf } from './plan.ts'
import { WatchReplay } from './replay.ts'
import { statusOf } from './status.ts'
import { keyOf, LOOK_MS, newWatch, type WatchSeen, type WatchState, watchMachine } from './watching.ts'

const file = new URL('../../../examples/heating-payment/service.yaml', import.meta.url)
const service = loadService(readFileSync(file, 'utf8'), 'service.yaml').service!
// 10:00 in London on a working day.
const START = Date.UTC(2026, 10, 23, 10, 0, 0)
const plan = watchPlanOf(service, START)

const WELL = { why: null, ended: false }

/** A watch with a clock, and the traffic layer's counts as a script. */
function morning() {
  let state = newWatch(plan, START).state as unknown as WatchState
  let now = START
  let seq = 7
  const said: string[] = []
  const spawned: { id: string; state: Record<string, unknown> }[] = []
  const posted: { to: string; name: string }[] = []
  const look = (seen: Partial<WatchSeen>) => {
    const full: WatchSeen = { counts: { batches: [], gap: false }, seq, why: null, ended: false, ...seen }
    const reaction = watchMachine.react(state, { kind: 'tick', seen: full }, now)
    state = JSON.parse(JSON.stringify(reaction.state))
    said.push(...reaction.entries.map(({ kind }) => kind))
    spawned.push(...(reaction.spawn as never[]))
    posted.push(...reaction.post)
    assert.equal(reaction.wakeAt, now + LOOK_MS)
    now += LOOK_MS
  }
  const counts = (rows: readonly Partial<StepCounts>[], gap = false) => {
    const whole = rows.map((row) => ({ ...ROW, ...row }))
    const batches: CountBatch[] = [{ seq: ++seq, from: now - LOOK_MS, to: now, counts: whole }]
    look({ counts: { batches, gap }, seq })
  }
  look({})
  return {
    look,
    counts,
    said,
    spawned,
    posted,
    get state() {
      return state
    },
    get now() {
      return now
    },
    set seq(to: number) {
      seq = to
    },
  }
}

const ROW: StepCounts = {
  journey: 'apply',
  step: 'submit',
  arm: 'stable',
  share: 0,
  generation: 1,
  segment: 'chrome',
  visitor: 'citizen',
  ok: 0,
  failed: 0,
  slow: 0,
  retries: 0,
}

test('citizens who cannot submit open one incident, with its runbook and words that say since when', () => {
  const day = morning()
  for (let n = 0; n < 12; n++) day.counts([{ ok: 2 }])
  for (let n = 0; n < 12; n++) day.counts([{ failed: 1 }, { step: 'check-answers', failed: 1 }])
  assert.deepEqual(day.said, ['watch.paged'])
  assert.equal(day.spawned.length, 1)
  const { id, state } = day.spawned[0]!
  assert.match(id, /^inc-watch-apply-/)
  assert.deepEqual(state.trigger, { kind: 'slo', id: `apply/${state.step}` })
  assert.match(String(state.says), /^Since 10:01 \d citizens of \d could not .+\. About \d+ more before somebody/)
  assert.equal((state.runbook as { id: string }).id, 'submissions-fail')
  assert.equal(state.severity, 'P1', 'a citizen a look is far more than ten times the harm that wakes somebody')
  assert.equal(
    day.posted.filter(({ name }) => name === 'harm').length > 0,
    true,
    'the incident is told that more are harmed',
  )
  const status = statusOf(day.state, day.now)
  assert.match(status.says, /^Since 10:01/)
  assert.equal(status.incident, id)
  assert.deepEqual(status.steps.filter((step) => step.state === 'failing').map(keyOf), [
    'apply/check-answers',
    'apply/submit',
  ])
})

test('when everybody gets through again the incident is told, and the next fault opens another', () => {
  const day = morning()
  for (let n = 0; n < 8; n++) day.counts([{ failed: 2 }])
  for (let n = 0; n < 60; n++) day.counts([{ ok: 3 }])
  assert.deepEqual(day.said, ['watch.paged', 'watch.cleared'])
  assert.deepEqual(day.posted.at(-1)!.name, 'mitigated')
  assert.equal(day.state.open, null)
  for (let n = 0; n < 8; n++) day.counts([{ failed: 2 }])
  assert.equal(day.spawned.length, 2)
  assert.notEqual(day.spawned[0]!.id, day.spawned[1]!.id)
})

test('an incident that a person ended while citizens still fail is opened again', () => {
  const day = morning()
  for (let n = 0; n < 8; n++) day.counts([{ failed: 2 }])
  day.look({ ended: true })
  assert.equal(day.spawned.length, 2)
})

test('a busy service is looked at each second: a total outage at 50 a second pages before 100 are harmed', () => {
  let state = newWatch(plan, START).state as unknown as WatchState
  let now = START
  let seq = 7
  const closes = (ok: number, failed: number) => {
    seq++
    const counts = [{ ...ROW, ok, failed }]
    const seen: WatchSeen = { counts: { batches: [{ seq, from: now, to: now, counts }], gap: false }, seq, ...WELL }
    const reaction = watchMachine.react(state, { kind: 'tick', seen }, now)
    state = reaction.state
    const every = reaction.wakeAt! - now
    now += every
    return { every, said: reaction.entries.map(({ kind }) => kind) }
  }
  const rate = 50
  let { every } = closes(0, 0)
  assert.equal(every, LOOK_MS)
  for (let n = 0; n < 3; n++) every = closes((rate * every) / 1_000, 0).every
  assert.equal(every, 1_000)
  let harmed = 0
  for (let paged = false; !paged; ) {
    harmed += (rate * every) / 1_000
    const look = closes(0, (rate * every) / 1_000)
    every = look.every
    paged = look.said.includes('watch.paged')
  }
  assert.ok(harmed <= 100, `${harmed} harmed`)
})

test('a release on trial, bots and our own probes are nobody that this watch looks at', () => {
  const day = morning()
  for (let n = 0; n < 50; n++)
    day.counts([
      { arm: 'canary', failed: 9 },
      { visitor: 'bot', failed: 9 },
      { visitor: 'probe', failed: 9 },
    ])
  assert.deepEqual(day.said, [])
  assert.match(statusOf(day.state, day.now).says, /Nobody has tried/)
})

test('counts that do not arrive page after a minute, once, and the page is taken back when they do', () => {
  const day = morning()
  for (let n = 0; n < 40; n++) day.look({ counts: null, seq: null, why: 'the gateway does not answer' })
  assert.deepEqual(day.said, ['watch.blind'])
  assert.match(
    String(day.spawned[0]!.state.says),
    /nobody can tell whether citizens get through: the gateway does not answer/,
  )
  assert.match(statusOf(day.state, day.now).says, /^Cannot tell/)
  day.counts([{ ok: 1 }])
  assert.deepEqual(day.said, ['watch.blind', 'watch.sees'])
  assert.equal(day.posted.at(-1)!.to, day.spawned[0]!.id)
})

test('a watch that no engine turns says that it cannot tell', () => {
  const day = morning()
  day.counts([{ ok: 5 }])
  assert.match(statusOf(day.state, day.now).says, /^Citizens get through/)
  assert.match(statusOf(day.state, day.now + 5 * MINUTE).says, /^Cannot tell/)
})

test('what was counted before the watch began, or by a traffic layer that began anew, is not judged', () => {
  const day = morning()
  day.seq = 0
  const old: CountBatch = { seq: 5, from: START, to: START, counts: [{ ...ROW, failed: 50 }] }
  day.look({ counts: { batches: [old], gap: false }, seq: 5 })
  assert.deepEqual(day.said, [])
  assert.equal(day.state.cursor, 5)
})

test('a definition with other numbers begins anew only where they differ', () => {
  const day = morning()
  day.counts([{ ok: 5 }, { step: 'start', ok: 5 }])
  const steps = plan.steps.map((step) => (step.step === 'submit' ? { ...step, b0: 0.2 } : step))
  const payload = JSON.parse(JSON.stringify({ ...plan, steps }))
  const message = { kind: 'message', id: 'm', name: 'plan', who: 'holdfast', payload } as const
  const { state } = watchMachine.react(day.state, message, day.now)
  assert.deepEqual(state.steps['apply/start'], day.state.steps['apply/start'])
  assert.notDeepEqual(state.steps['apply/submit']!.detector, day.state.steps['apply/submit']!.detector)
  assert.deepEqual(state.steps['apply/submit']!.minutes, day.state.steps['apply/submit']!.minutes)
})

test('a recording says when we would have paged, and when it was over', () => {
  const watch = new WatchReplay(plan, () => 4_000)
  const events = []
  for (let n = 0; n < 1_200; n++) {
    const t = START + n * 1_000
    const ok = n < 300 || n > 500
    const request = { journey: 'apply', step: 'submit', arm: 'stable', kind: 'citizen', segment: '', ms: 90 } as const
    events.push(...watch.add({ ...request, t, session: `s${n}`, ok }))
  }
  events.push(...watch.end())
  assert.deepEqual(
    events.map(({ event }) => event),
    ['page', 'clear'],
  )
  const [page] = events
  assert.ok(page!.t - (START + 300_000) < 30_000, 'within half a minute of the fault')
  assert.ok(Math.abs(page!.since - (START + 300_000)) <= 10_000)
  assert.ok(page!.harmedSoFar <= 15)
})

test('explaining a threshold shows the arithmetic and what each fault would do', () => {
  const step = plan.steps.find((one) => one.step === 'submit')!
  const told = explain(service, plan, step)
  assert.match(told.arithmetic.join('\n'), /÷ 4 false pages a month\) = \d+\.\d\d nats/)
  const outage = told.demands.find(({ demand, failing }) => demand === 'peak' && failing === 1)!
  assert.ok(outage.pageMinutes !== null && outage.pageMinutes < 1)
  assert.ok(outage.complaintMinutes! > outage.pageMinutes)
})
