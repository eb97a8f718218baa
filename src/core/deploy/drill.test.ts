import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DAY } from '../time.ts'
import { judgeAlerts } from './alert-proof.ts'
import { judgeDrill } from './drill.ts'

const NOW = Date.UTC(2026, 10, 23, 9)
const seen = (daysAgo: number, kind = 'rollback.confirmed') => ({
  at: NOW - daysAgo * DAY,
  kind,
  subject: `dep-${daysAgo}`,
})

test('a release taken back for real counts as much as a rehearsal; the newest one counts', () => {
  const real = judgeDrill([seen(20), seen(3)], NOW, 14 * DAY)
  assert.ok(real.passed)
  assert.match(real.says, /^A release was taken back Fri 20 Nov.*\(dep-3\); 14 days are allowed\.$/)
  assert.match(judgeDrill([seen(1, 'drill.passed')], NOW, 14 * DAY).says, /^A rollback was rehearsed/)
})

test('too long ago, or never, is a no that says what to do', () => {
  const old = judgeDrill([seen(15)], NOW, 14 * DAY)
  assert.ok(!old.passed)
  assert.match(old.says, /The last rollback was 15 days ago \(dep-15\); 14 days are allowed\. Rehearse one/)
  assert.match(judgeDrill([], NOW, 14 * DAY).says, /The log shows no rollback, for real or rehearsed, within 14 days/)
})

const rules = (expr: string, severity = 'page') =>
  `groups:\n  - name: citizens\n    rules:\n      - alert: SubmitFails\n        expr: ${expr}\n        for: 2m\n        labels: { severity: ${severity} }\n`
const judge = (text: string) => judgeAlerts({ files: [{ path: 'monitoring/rules.yml', text }], problems: [] }, NOW)
const RATIO = `sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) >`

test('every alert that wakes somebody must fire on a made-up fault; one that cannot is named', () => {
  const good = judge(rules(`${RATIO} 0.1`))
  assert.ok(good.passed, good.says)
  assert.match(good.says, /1 paging alert/)
  const never = judge(rules(`${RATIO} 1.5`))
  assert.ok(!never.passed)
  assert.match(never.says, /SubmitFails \(never fires\)/)
})

test('no alert that pages, or one that cannot be read, proves nothing', () => {
  assert.match(judge(rules(`${RATIO} 0.1`, 'ticket')).says, /No alert that wakes somebody was found/)
  assert.match(judge(rules(`${RATIO} (`)).says, /cannot be read/)
})

test('the alerts that the kit writes for the sample service all fire', () => {
  const path = new URL('../../../test/golden/heating-payment/ops/alerts/heating-payment.rules.yml', import.meta.url)
  assert.ok(judge(readFileSync(path, 'utf8')).passed)
})

const alarm = (datapoints: number, action: string) =>
  `Resources:\n  Topic: { Type: AWS::SNS::Topic }\n  Scale: { Type: AWS::AutoScaling::ScalingPolicy, Properties: {} }\n  Errors:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      Namespace: AWS/ApplicationELB\n      MetricName: HTTPCode_Target_5XX_Count\n      Statistic: Sum\n      Period: 60\n      EvaluationPeriods: 3\n      DatapointsToAlarm: ${datapoints}\n      Threshold: 5\n      ComparisonOperator: GreaterThanThreshold\n      TreatMissingData: notBreaching\n      Dimensions: [{ Name: LoadBalancer, Value: app/web/1 }]\n      AlarmActions: [!Ref ${action}]\n`
const judgeAlarm = (text: string) => judgeAlerts({ files: [{ path: 'alarms.yaml', text }], problems: [] }, NOW)

test('CloudWatch alarms that wake somebody are tried as well; one that only adds machines wakes nobody', () => {
  const good = judgeAlarm(alarm(2, 'Topic'))
  assert.ok(good.passed, good.says)
  const never = judgeAlarm(alarm(5, 'Topic'))
  assert.ok(!never.passed)
  assert.match(never.says, /Errors \(never fires\)/)
  assert.match(judgeAlarm(alarm(2, 'Scale')).says, /No alert that wakes somebody was found/)
})
