import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DRILL_KINDS } from '../deploy/drill.ts'
import { BENCH_PLAN } from '../../testing/deployment-bench.ts'
import {
  type DrillFigures,
  drillLines,
  judgeRehearsal,
  type Rehearsal,
  rehearsalEntry,
  rehearsalPassed,
  rehearsalSays,
  spreadOf,
} from './drill.ts'
import { drillPlan } from './drill-plan.ts'
import { type DrillFault, faultName, faultWords, parseFault } from './fault.ts'

const GOOD: DrillFigures = {
  fault: '20%',
  end: 'rolled-back',
  noticed: true,
  detectMs: 4_000,
  actMs: 12,
  drainMs: 300,
  wholeMs: 2_500,
  sessions: 20,
  harmed: 5,
  harmedAfter: 1,
  failedByOld: 0,
  failedByDeployment: 0,
  old: 'r1-before',
  serving: 'r1-before',
  journeys: { ok: true, why: '7 steps tried' },
  why: 'evidence 2,000 : 1 that release r1 is worse at submit',
}
const PROMISED_MS = 900_000

const MISSES: readonly (readonly [string, Partial<DrillFigures>, RegExp])[] = [
  ['it was promoted', { end: 'promoted' }, /ended as "promoted"/],
  ['nobody noticed', { noticed: false }, /taken back by hand/],
  ['another release answers', { serving: 'r1-drill' }, /r1-drill answers citizens; it should be r1-before/],
  ['nobody knows what answers', { serving: null }, /Nobody knows what answers/],
  ['the journeys are broken', { journeys: { ok: false, why: 'answered 500' } }, /do not work afterwards: answered 500/],
  ['it took longer than promised', { wholeMs: 900_001 }, /15 min are promised/],
  ['requests were lost', { failedByDeployment: 1 }, /1 request failed because of the deployment itself/],
]

test('a drill passes when everything was as promised', () => {
  assert.deepEqual(judgeRehearsal(GOOD, PROMISED_MS), { passed: true, misses: [] })
})

for (const [name, change, says] of MISSES) {
  test(`a drill does not pass when ${name}`, () => {
    const judged = judgeRehearsal({ ...GOOD, ...change }, PROMISED_MS)
    assert.equal(judged.passed, false)
    assert.match(judged.misses.join(' '), says)
  })
}

const rehearsal = (change: Partial<Rehearsal> = {}, drill: Partial<DrillFigures> = {}): Rehearsal => {
  const figures = { ...GOOD, ...drill }
  const drills = [{ ...figures, ...judgeRehearsal(figures, PROMISED_MS) }]
  return { release: 'r1', wanted: 1, drills, aborted: null, wholeMsMax: PROMISED_MS, ...change }
}

test('a rehearsal that passed is an entry that the drill gate counts, with a sentence and figures', () => {
  const { kind, subject, who, why, data } = rehearsalEntry(rehearsal(), 'asha')
  assert.ok(DRILL_KINDS.has(kind))
  assert.deepEqual([kind, subject, who], ['drill.passed', 'r1', 'asha'])
  assert.match(
    why,
    /^Taking a release back works: .* last request at most 12 ms after the decision; .* 5 citizen sessions harmed/,
  )
  const { done, wholeMs } = data as { done: number; wholeMs: unknown }
  assert.deepEqual([done, wholeMs], [1, { median: 2_500, worst: 2_500 }])
})

test('failed, interrupted, unfinished and never begun: none of these counts as a rehearsal', () => {
  const none = [
    rehearsal({}, { end: 'promoted' }),
    rehearsal({ aborted: 'interrupted at the keyboard.' }),
    rehearsal({ wanted: 2 }),
    rehearsal({ drills: [] }),
    rehearsal({ drills: [], wanted: 0 }),
  ]
  for (const one of none) {
    assert.equal(rehearsalPassed(one), false)
    const { kind } = rehearsalEntry(one, 'asha')
    assert.equal(kind, 'drill.failed')
    assert.ok(!DRILL_KINDS.has(kind))
  }
  assert.match(rehearsalSays(none[0]!), /does not work as promised\. The deployment ended as "promoted"/)
  assert.match(rehearsalSays(none[1]!), /^Not rehearsed: interrupted/)
})

test('a person reads what it did to citizens, and what was not as promised', () => {
  const figures = { ...GOOD, ...judgeRehearsal({ ...GOOD, failedByDeployment: 2 }, PROMISED_MS) }
  const lines = drillLines(figures, 'r1').join('\n')
  assert.match(lines, /20 citizen sessions met r1; 5 were harmed, 1 of them after the decision\./)
  assert.match(lines, /2 requests failed because of the deployment/)
})

test('middle and worst leave out what was not measured', () => {
  assert.deepEqual(spreadOf([3, null, 1, 10]), { median: 3, worst: 10 })
  assert.deepEqual(spreadOf([4, 2]), { median: 3, worst: 4 })
  assert.equal(spreadOf([null]), null)
})

test('faults are read as they are written, and nothing else is one', () => {
  const faults: DrillFault[] = [{ kind: 'total' }, { kind: 'share', share: 0.125 }, { kind: 'slow' }, { kind: 'dead' }]
  for (const fault of faults) assert.deepEqual(parseFault(faultName(fault)), fault)
  for (const text of ['', '0%', '101%', '20', 'broken', '-5%', '1e2%']) assert.equal(parseFault(text), undefined)
  assert.equal(faultWords({ kind: 'share', share: 0.2 }, 'apply/submit'), '20 % of attempts at apply/submit fail')
})

test('a drill keeps the definition’s trial, and leaves out what has no place in a sandbox', () => {
  const plan = { ...BENCH_PLAN, approvals: 2, gates: [], rings: { rings: [] } as never }
  const drill = drillPlan(plan, { as: 'r2-drill' })
  assert.deepEqual(drill.trial, { ...plan.trial, canary: 'r2-drill' })
  assert.deepEqual(
    [drill.next.release, drill.application, drill.approvals, drill.rings],
    ['r2-drill', 'r2', 0, undefined],
  )
  assert.deepEqual(drillPlan(plan, { as: 'x', weight: 0.3 }).trial.rungs, [0.3])
})
