import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePromql } from '../formats/promql.ts'
import { firing } from '../models/attainable.ts'
import { worldOf } from '../world.ts'
import { evaluate } from './evaluate.ts'
import { type Proof, proveAlerts } from './prove.ts'
import type { Database, Series } from './series.ts'

function prove(expr: string, forS = '0s', demand = { low: 2, peak: 600 }): Proof {
  const text = `groups:\n  - name: g\n    rules:\n      - alert: A\n        for: ${forS}\n        expr: |\n          ${expr}\n`
  const [proof] = proveAlerts(worldOf({ files: [{ path: 'alerts.yml', text }], problems: [] }, 0), demand)
  assert.ok(proof)
  return proof
}

const share = (window: string) => `sum(rate(r_total{code=~"5.."}[${window}])) / sum(rate(r_total[${window}]))`

const VERDICTS: readonly [expr: string, verdict: Proof['verdict']][] = [
  [`${share('5m')} > 0.05`, 'fires'],
  [`${share('5m')} > 1`, 'never'],
  [`${share('5m')} * 100 > 1`, 'fires'],
  [`${share('5m')} * 100 > 100`, 'never'],
  [`1 - ${share('5m')} < 0.95`, 'fires'],
  [`${share('1h')} > 14.4 * 0.1 and ${share('5m')} > 14.4 * 0.1`, 'never'],
  ['histogram_quantile(0.95, sum by (le) (rate(s_bucket[5m]))) > 1', 'fires'],
  ['absent(r_total)', 'fires'],
  ['up{job="a"} == 0', 'fires'],
  ['up{job="a"} == 2', 'never'],
  ['r_errors_total > 5', 'latches'],
  ['sum(rate(r_total[5m])) >= 0', 'always'],
  ['node_load1 > 5', 'unknown'],
  ['predict_linear(x_total[1h], 3600) > 1', 'unknown'],
  ['sum(rate(r_total[5m])) > 1000', 'unknown'],
]

for (const [expr, verdict] of VERDICTS) {
  test(`${verdict}: ${expr.slice(0, 70)}`, () => assert.equal(prove(expr).verdict, verdict))
}

test('a total outage is seen after the time that arithmetic says', () => {
  // time = factor × budget × long window ÷ share: 14.4 × 1 % × 60 min = 8.6 min; at 30 % it takes 28.8 min (SRE Workbook).
  const burn = prove(`${share('1h')} > 14.4 * 0.01 and ${share('5m')} > 14.4 * 0.01`)
  const minutes = (fault: string) =>
    burn.trials.find((trial) => trial.fault === fault && trial.demand === 'peak')?.minutes
  assert.equal(minutes('total'), 9)
  assert.equal(minutes('partial'), 29)
  assert.equal(minutes('slow'), undefined)
})

test('harm is counted until the alert fires, and grows with demand', () => {
  const proof = prove(`${share('5m')} > 0.05`, '2m')
  const total = proof.trials.filter((trial) => trial.fault === 'total')
  for (const { demand, minutes, harmed } of total) assert.equal(harmed, minutes! * (demand === 'peak' ? 600 : 2))
})

test('"for" longer than the fault is visible never completes', () => {
  assert.equal(prove('sum(increase(r_failed_total[5m])) > 0', '7h').verdict === 'fires', false)
})

test('at night a short window stops and starts, and loses its condition before it fires; at the peak it does neither', () => {
  const partial = (expr: string, forS: string, low: number) =>
    prove(expr, forS, { low, peak: 600 }).trials.filter(({ fault }) => fault === 'partial')
  // One request in five minutes, three in ten of them failing: a window of five minutes is empty of failures most of the time.
  const [night, peak] = partial(`${share('5m')} > 0.05`, '0s', 0.2)
  assert.ok((night?.flaps ?? 0) > 10, `${night?.flaps}`)
  assert.equal(peak?.flaps, undefined)
  const [slow, busy] = partial(`${share('10m')} > 0.2`, '2m', 0.5)
  assert.equal(slow?.resets, 1)
  assert.equal(busy?.resets, undefined)
})

test('what cannot be parsed is said, with the reason', () => {
  for (const broken of ['sum(', 'a{b=}', 'a[5m', 'rate(a[5m]) >', '((((', 'a b', '{'])
    assert.ok('problem' in parsePromql(broken), broken)
  assert.ok('problem' in parsePromql('('.repeat(5_000)))
})

test('ranges follow recording rules and arithmetic', () => {
  const parse = (text: string) => {
    const parsed = parsePromql(text)
    assert.ok('expr' in parsed, text)
    return parsed.expr
  }
  const recorded = new Map([['job:ratio', parse('sum(rate(a_total{o="failed"}[5m])) / sum(rate(a_total[5m]))')]])
  assert.equal(firing(parse('job:ratio > 1'), recorded).can, 'never')
  assert.equal(firing(parse('job:ratio > 0.5'), recorded).can, 'yes')
  assert.equal(firing(parse('clamp_max(x, 3) > 4'), recorded).can, 'never')
  assert.equal(firing(parse('count(up) < 0'), recorded).can, 'never')
  assert.equal(firing(parse('a_total / b_total > 5'), recorded).can, 'yes')
})

test('rate() counts through a reset, and a missing series joins nothing', () => {
  const series: Readonly<Record<string, Series>> = {
    a: { labels: { __name__: 'a', x: '1' }, values: Float64Array.from([0, 30, 60, 0, 30, 60, 90]) },
    b: { labels: { __name__: 'b', x: '2' }, values: Float64Array.from([1, 1, 1, 1, 1, 1, 1]) },
  }
  const db: Database = { scrapeS: 30, seriesOf: (metric) => [series[metric]!] }
  const value = (text: string) => {
    const parsed = parsePromql(text)
    assert.ok('expr' in parsed)
    return evaluate(parsed.expr, 180, db).map((sample) => sample.value)
  }
  assert.deepEqual(value('increase(a[3m])'), [150])
  assert.deepEqual(value('a * b'), [])
  assert.deepEqual(value('a * on() group_left() b'), [90])
  assert.deepEqual(value('a unless on() b'), [])
  assert.deepEqual(value('sum(a) + sum(b) > bool 90'), [1])
})
