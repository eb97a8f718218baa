import { spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Metrics that count good things: when they stop coming, something is wrong.
const GOOD =
  /HealthyHostCount|SuccessPercent|RequestCount|Heartbeat|RunningTaskCount|Success|Submitted|Completed|Invocations$/i

export const alarmSilence: Rule = {
  id: 'alarm-silence',
  question: 10,
  title: 'When the measurements stop, somebody is told',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'In a total outage nothing is measured any more, and the alarm stays quiet.',
  defaults: 'TreatMissingData is missing: the alarm becomes INSUFFICIENT_DATA and does nothing.',
  fix: 'TreatMissingData: breaching on alarms that watch for too little.',
  cites: 'Amazon CloudWatch user guide: configuring how alarms treat missing data',
  bad: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "hosts" {\n  metric_name = "HealthyHostCount"\n  comparison_operator = "LessThanThreshold"\n  threshold = 1\n  treat_missing_data = "notBreaching"\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  good: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "hosts" {\n  metric_name = "HealthyHostCount"\n  comparison_operator = "LessThanThreshold"\n  threshold = 1\n  treat_missing_data = "breaching"\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const alarms = world.cloud.filter((resource) => resource.type === 'alarm')
    for (const alarm of alarms) {
      const metric = text(field(alarm, 'MetricName')) ?? ''
      const below = /^Less/.test(text(field(alarm, 'ComparisonOperator')) ?? '')
      if (!below || !GOOD.test(metric)) continue
      const node = field(alarm, 'TreatMissingData')
      const how = text(node) ?? 'missing'
      // A second alarm that covers silence makes a pair.
      const pair = alarms.some(
        (other) =>
          other !== alarm &&
          text(field(other, 'MetricName')) === metric &&
          text(field(other, 'TreatMissingData')) === 'breaching',
      )
      if (how === 'breaching' || pair || node?.kind === 'opaque') yield pass(alarm.at)
      else
        yield fail(
          node ? spotOf(node) : alarm.at,
          `When ${metric} is not measured any more, ${alarm.id} says nothing: missing data is ${node ? how : 'missing by default'}.`,
        )
    }
  },
}
