import { flag, items, type Source, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alarmActs: Rule = {
  id: 'alarm-acts',
  question: 10,
  title: 'A CloudWatch alarm tells somebody',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'The alarm turns red on a screen that nobody looks at.',
  defaults: 'No actions; ActionsEnabled true.',
  fix: 'AlarmActions with the topic of the rota, and ActionsEnabled left on.',
  cites: 'Amazon CloudWatch API reference: PutMetricAlarm',
  bad: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "errors" {\n  metric_name = "HTTPCode_Target_5XX_Count"\n  namespace = "AWS/ApplicationELB"\n  actions_enabled = false\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  good: {
    'alarms.tf':
      'resource "aws_cloudwatch_metric_alarm" "errors" {\n  metric_name = "HTTPCode_Target_5XX_Count"\n  namespace = "AWS/ApplicationELB"\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const mentions = mentionsIn(
      world.cloud.filter((resource) => resource.type !== 'alarm').map((resource) => resource.src),
    )
    for (const alarm of world.cloud.filter((resource) => resource.type === 'alarm')) {
      const enabled = field(alarm, 'ActionsEnabled')
      const actions = field(alarm, 'AlarmActions')
      // An alarm may serve a deployment or a composite alarm instead of a topic.
      const used = (mentions.get(alarm.id) ?? 0) > 0
      if (flag(enabled) === false)
        yield fail(spotOf(enabled!), `The actions of ${alarm.id} are switched off.`, { soft: enabled?.soft })
      else if (items(actions).length === 0 && actions?.kind !== 'opaque' && !used)
        yield fail(alarm.at, `${alarm.id} tells nobody: it has no AlarmActions.`)
      else yield pass(alarm.at)
    }
  },
}

/** How often each word stands in these files, other than as a key on a line of its own. */
function mentionsIn(sources: readonly Source[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const add = (word: string, n: number) => counts.set(word, (counts.get(word) ?? 0) + n)
  for (const { text } of new Set(sources)) {
    for (const [word] of text.matchAll(/[\w-]+/g)) add(word, 1)
    for (const match of text.matchAll(/^[ \t]*([\w-]+):[ \t]*$/gm)) add(match[1]!, -1)
  }
  return counts
}
