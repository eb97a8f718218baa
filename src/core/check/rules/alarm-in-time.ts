import { num, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { minutes } from '../rollback-time.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alarmInTime: Rule = {
  id: 'alarm-in-time',
  question: 10,
  title: 'A CloudWatch alarm notices a fault within minutes',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'Citizens fail for longer than the whole rollback was to take, before anybody is told.',
  defaults: 'DatapointsToAlarm equals EvaluationPeriods.',
  fix: 'Use a period of 60 s and two or three datapoints.',
  cites: 'playbook: detection of problems before citizens report them',
  bad: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "errors" {\n  metric_name = "HTTPCode_Target_5XX_Count"\n  period = 900\n  evaluation_periods = 3\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  good: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "errors" {\n  metric_name = "HTTPCode_Target_5XX_Count"\n  period = 60\n  evaluation_periods = 3\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const alarm of world.cloud.filter((resource) => resource.type === 'alarm')) {
      const node = field(alarm, 'Period')
      const period = num(node)
      const periods = num(field(alarm, 'DatapointsToAlarm')) ?? num(field(alarm, 'EvaluationPeriods')) ?? 1
      if (!node || period === undefined) continue
      // One period more, because a fault begins somewhere inside one.
      const total = period * (periods + 1)
      // Not faults of this minute: what grows slowly, runs rarely, or that nobody exports yet.
      const slow =
        /Reconcil|NobodyMeasures|Fresh|Backlog|Oldest|Heartbeat|Never|Batch|Unmatched|Storage|Disk|Certificate|DaysToExpiry|Age|Backup|Cost|Budget|Utilization/i
      if (
        slow.test(alarm.id) ||
        /Reconcil|Fresh|Backlog|Oldest|Heartbeat|Unmatched|Storage|DaysToExpiry|Backup|EstimatedCharges|Utilization|FreeableMemory/i.test(
          String(metricOf(alarm)),
        )
      )
        continue
      if (total > 900)
        yield fail(spotOf(node), `${alarm.id} notices a fault after up to ${minutes(total)}.`, {
          arithmetic: `${period} s × (${periods} + 1) = ${total} s > 900 s`,
        })
      else yield pass(spotOf(node))
    }
  },
}

function metricOf(alarm: Parameters<typeof field>[0]): string {
  const node = field(alarm, 'MetricName')
  return node?.kind === 'scalar' ? node.text : ''
}
