import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Missing } from '../models/alarm.ts'
import { worldOf } from '../world.ts'
import { ruleHolds, type State, stateOf } from './alarm-state.ts'
import { proveAlarms } from './cloudwatch.ts'
import { metricMath } from './metric-math.ts'
import type { Proof } from './prove.ts'
import { Unsupported } from './series.ts'

// "0 - X - X": a good point, a missing one, a bad one … oldest first; the table of the CloudWatch user guide.
const TABLE: readonly [
  range: string,
  datapoints: number,
  missing: State | 'kept',
  ignore: State | 'kept',
  breaching: State,
  notBreaching: State,
][] = [
  ['0 - X - X', 3, 'OK', 'OK', 'OK', 'OK'],
  ['- - - - 0', 3, 'OK', 'OK', 'OK', 'OK'],
  ['- - - - -', 3, 'INSUFFICIENT_DATA', 'kept', 'ALARM', 'OK'],
  ['0 X X - X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['- - X - -', 3, 'ALARM', 'kept', 'ALARM', 'OK'],
  ['0 - X - X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['0 0 X 0 X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['0 - X - -', 2, 'OK', 'OK', 'ALARM', 'OK'],
  ['- - - - 0', 2, 'OK', 'OK', 'ALARM', 'OK'],
  ['- - - X -', 2, 'ALARM', 'kept', 'ALARM', 'OK'],
]

for (const [range, datapoints, ...wanted] of TABLE)
  test(`missing data: ${range}, ${datapoints} of 3`, () => {
    const points = range.split(' ').map((point) => (point === '-' ? undefined : point === 'X'))
    for (const before of ['OK', 'ALARM'] as const)
      for (const [i, missing] of (['missing', 'ignore', 'breaching', 'notBreaching'] satisfies Missing[]).entries()) {
        const state = wanted[i] === 'kept' ? before : wanted[i]
        assert.equal(
          stateOf(points, { periods: 3, datapoints, missing }, before),
          state,
          `${missing}, before ${before}`,
        )
      }
  })

test('a first bad point among missing ones is not yet an alarm: others may come late', () => {
  const state = (range: readonly (boolean | undefined)[]) =>
    stateOf(range, { periods: 3, datapoints: 3, missing: 'missing' }, 'INSUFFICIENT_DATA')
  assert.equal(state([undefined, undefined, undefined, undefined, true]), 'INSUFFICIENT_DATA')
  assert.equal(state([undefined, undefined, undefined, true, undefined]), 'INSUFFICIENT_DATA')
  assert.equal(state([undefined, undefined, true, undefined, undefined]), 'ALARM')
  assert.equal(state([undefined, false, undefined, undefined, true]), 'OK')
})

function proveOne(properties: string, more = ''): Proof {
  const text = `Resources:\n  A:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      AlarmActions: [ topic ]\n${properties
    .trim()
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n')}\n${more}`
  const proof = proveAlarms(worldOf({ files: [{ path: 'alarms.yaml', text }], problems: [] }, 0)).find(
    ({ alert }) => alert === 'A',
  )
  assert.ok(proof)
  return proof
}

const count = (more: string) =>
  `Namespace: AWS/ApplicationELB\nMetricName: HTTPCode_Target_5XX_Count\nStatistic: Sum\nPeriod: 60\nEvaluationPeriods: 3\nThreshold: 5\nComparisonOperator: GreaterThanThreshold\n${more}`

const seen = (proof: Proof, fault: string, demand: string) =>
  proof.trials.find((trial) => trial.fault === fault && trial.demand === demand)

test('a count is seen when demand suffices, after as many periods as it asks for', () => {
  const proof = proveOne(count('TreatMissingData: notBreaching'))
  assert.equal(proof.verdict, 'fires')
  assert.equal(seen(proof, 'total', 'peak')?.minutes, 3)
  assert.equal(seen(proof, 'total', 'peak')?.harmed, 1_800)
  assert.equal(seen(proof, 'total', 'low')?.minutes, undefined, 'two requests a minute never make six failures')
  assert.match(proof.why, /misses a total outage in the quietest hour/)
  assert.deepEqual(
    proof.smallest?.map(({ demand }) => demand),
    ['peak'],
  )
})

test('ignored missing data latches: the count stops, and the alarm keeps its state', () => {
  assert.equal(proveOne(count('TreatMissingData: ignore')).verdict, 'latches')
  const missing = proveOne(count('TreatMissingData: missing'))
  assert.equal(missing.verdict, 'fires')
  assert.equal(seen(missing, 'total', 'peak')?.minutes, 3)
})

test('a threshold in the wrong unit, or more points than periods, can never be reached', () => {
  const slow = (threshold: number) =>
    `Namespace: AWS/ApplicationELB\nMetricName: TargetResponseTime\nStatistic: Average\nPeriod: 60\nEvaluationPeriods: 2\nThreshold: ${threshold}\nComparisonOperator: GreaterThanThreshold\n`
  assert.match(proveOne(slow(2_000)).why, /seconds/)
  assert.equal(proveOne(slow(2_000)).verdict, 'never')
  assert.equal(proveOne(slow(2)).verdict, 'fires')
  assert.equal(proveOne(count('DatapointsToAlarm: 4')).verdict, 'never')
})

test('an alarm on too few requests sees silence only where missing data is breaching', () => {
  const few = (missing: string) =>
    `Namespace: AWS/ApplicationELB\nMetricName: RequestCount\nStatistic: Sum\nPeriod: 300\nEvaluationPeriods: 2\nThreshold: 1\nComparisonOperator: LessThanThreshold\nTreatMissingData: ${missing}\n`
  // Four periods, not two: as long as two real points are within its evaluation range, CloudWatch goes by them.
  assert.equal(seen(proveOne(few('breaching')), 'silent', 'peak')?.minutes, 24)
  assert.equal(seen(proveOne(few('missing')), 'silent', 'peak')?.minutes, undefined)
})

test('metric math with FILL keeps a share defined, and a composite alarm waits for both', () => {
  const share =
    'ComparisonOperator: GreaterThanThreshold\nThreshold: 10\nEvaluationPeriods: 2\nMetrics:\n  - { Id: e, Expression: "FILL(bad, 0) / all * 100" }\n  - { Id: bad, ReturnData: false, MetricStat: { Stat: Sum, Period: 60, Metric: { Namespace: AWS/ApplicationELB, MetricName: HTTPCode_Target_5XX_Count } } }\n  - { Id: all, ReturnData: false, MetricStat: { Stat: Sum, Period: 60, Metric: { Namespace: AWS/ApplicationELB, MetricName: RequestCount } } }\n'
  const both =
    '  B:\n    Type: AWS::CloudWatch::CompositeAlarm\n    Properties:\n      AlarmActions: [ topic ]\n      AlarmRule: ALARM(A) AND NOT ALARM(Missing)\n'
  const proof = proveOne(share)
  assert.equal(seen(proof, 'partial', 'low')?.minutes !== undefined, true)
  assert.equal(seen(proof, 'total', 'peak')?.minutes, 2)
  const text = (rule: string) =>
    `Resources:\n  A:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n${share
      .trim()
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n')}\n${rule}`
  const proofs = (rule: string) =>
    proveAlarms(worldOf({ files: [{ path: 'a.yaml', text: text(rule) }], problems: [] }, 0))
  assert.match(proofs(both)[1]!.why, /the alarm Missing/)
  const composite = proofs(both.replace(' AND NOT ALARM(Missing)', ' AND NOT OK(A)'))[1]!
  assert.equal(seen(composite, 'total', 'peak')?.minutes, 2)
})

test('what CloudWatch learns from the past, and metrics that we do not know, stay open', () => {
  assert.equal(
    proveOne(
      'ThresholdMetricId: b\nComparisonOperator: GreaterThanUpperThreshold\nEvaluationPeriods: 2\nMetrics:\n  - { Id: b, Expression: "ANOMALY_DETECTION_BAND(m)" }\n',
    ).verdict,
    'unknown',
  )
  assert.equal(proveOne(count('').replace('HTTPCode_Target_5XX_Count', 'Whatever')).verdict, 'unknown')
})

test('names that tell what they count: bad ones, what is wrong now, how old the newest is', () => {
  const own = (name: string, more: string) =>
    proveOne(`Namespace: Claim\nMetricName: ${name}\nEvaluationPeriods: 1\n${more}`)
  const above = 'ComparisonOperator: GreaterThanThreshold\nStatistic: Maximum\nPeriod: 60\n'
  const sum = 'ComparisonOperator: GreaterThanThreshold\nStatistic: Sum\nPeriod: 300\nTreatMissingData: notBreaching\n'
  assert.equal(own('journey_step_bad_total', `${sum}Threshold: 5\n`).verdict, 'fires')
  assert.equal(own('journey_step_total', `${sum}Threshold: 5\n`).verdict, 'always', 'what everybody does is no fault')
  assert.equal(own('badge_total', `${sum}Threshold: 5\n`).verdict, 'always', 'a badge is not bad')
  assert.equal(own('receipts_unmatched', `${above}Threshold: 0\n`).verdict, 'fires')
  assert.equal(own('file_age_seconds', `${above}Threshold: 3600\n`).verdict, 'fires')
  assert.equal(own('file_age_seconds', `${above}Threshold: 30\n`).verdict, 'always')
})

test('a setting that is left to a parameter is not replaced by its default', () => {
  const settings = {
    Statistic: 'Statistic: !Ref S',
    Period: 'Period: !Ref S',
    DatapointsToAlarm: 'DatapointsToAlarm: !Ref S',
    TreatMissingData: 'TreatMissingData: !Ref S',
    ComparisonOperator: 'ComparisonOperator: !Ref S',
  }
  for (const [name, line] of Object.entries(settings)) {
    const plain = count('')
      .split('\n')
      .filter((one) => one !== '' && !one.startsWith(`${name}:`))
    const proof = proveOne([...plain, line].join('\n'))
    assert.equal(proof.verdict, 'unknown', name)
    assert.match(proof.why, new RegExp(`the setting ${name}, which the files leave open`))
  }
  const query = (more: string) =>
    proveOne(
      `ComparisonOperator: GreaterThanThreshold\nThreshold: 10\nEvaluationPeriods: 2\nMetrics:\n  - { Id: m, MetricStat: { ${more}, Metric: { Namespace: AWS/ApplicationELB, MetricName: HTTPCode_Target_5XX_Count } } }\n`,
    )
  assert.match(query('Stat: Sum, Period: !Ref S').why, /MetricStat.Period of a query/)
  assert.match(query('Stat: !Ref S, Period: 60').why, /MetricStat.Stat of a query/)
  assert.equal(query('Stat: Sum, Period: 60').verdict, 'fires')
})

test('actions that are off, dimensions that name nothing, and names that nobody emits are noted', () => {
  const filter =
    '  F:\n    Type: AWS::Logs::MetricFilter\n    Properties:\n      MetricTransformations: [ { MetricName: SubmitErrors, MetricNamespace: Claim, MetricValue: "1" } ]\n'
  assert.match(proveOne(count('ActionsEnabled: false')).notes![0]!, /switched off/)
  assert.match(proveOne(count('Dimensions: [ { Name: TargetGroup, Value: x } ]')).notes![0]!, /LoadBalancer/)
  const misspelt = count('').replace('AWS/ApplicationELB', 'Claim').replace('HTTPCode_Target_5XX_Count', 'SubmitErors')
  assert.match(proveOne(misspelt, filter).notes![0]!, /one emits Claim SubmitErrors/)
})

test('metric math: precedence, missing points, division by zero, lists', () => {
  const of = (id: string) => (id === 'a' ? [1, 2, undefined] : [2, 0, 4])
  assert.deepEqual(metricMath('a + b * 2', ['a', 'b'], of, 3), [5, 2, undefined])
  assert.deepEqual(metricMath('a / b', ['a', 'b'], of, 3), [0.5, undefined, undefined])
  assert.deepEqual(metricMath('SUM(METRICS())', ['a', 'b'], of, 3), [3, 2, 4])
  assert.deepEqual(metricMath('IF(FILL(a, 0) > 1, MAX([a, b]), -1)', ['a', 'b'], of, 3), [-1, 2, -1])
  for (const broken of ['a +', 'NOPE(a)', '(a', 'a b', 'FILL(a, REPEAT)'])
    assert.throws(() => metricMath(broken, ['a'], of, 3), Unsupported, broken)
})

test('rules of composite alarms: brackets, quotes, ARNs, precedence', () => {
  const state = (name: string): State => (name === 'x' ? 'ALARM' : 'OK')
  assert.equal(ruleHolds('ALARM(x) OR ALARM(y) AND ALARM(y)', state), true)
  assert.equal(ruleHolds('(ALARM("x") OR TRUE) AND NOT ALARM(arn:aws:cloudwatch:eu-west-2:1:alarm:x)', state), false)
  assert.equal(ruleHolds('OK(y) AND INSUFFICIENT_DATA(x)', state), false)
  for (const broken of ['', 'ALARM(x', 'x', 'ALARM(x) AND', 'TRUE FALSE'])
    assert.throws(() => ruleHolds(broken, state), Unsupported, broken)
})
