import { flag, items, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const codedeployAlarms: Rule = {
  id: 'codedeploy-alarms',
  question: 10,
  title: 'CodeDeploy watches at least one alarm while it shifts traffic',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'Nothing but citizens’ complaints stops a release that runs and answers wrongly.',
  defaults: 'No alarms.',
  fix: 'Name the alarms of the citizen journeys in alarmConfiguration.',
  cites: 'CodeDeploy API reference: AlarmConfiguration',
  bad: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  alarm_configuration {\n    enabled = true\n    alarms  = []\n  }\n}\n',
  },
  good: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  alarm_configuration {\n    enabled = true\n    alarms  = ["submissions-failing"]\n  }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'codedeploy-group')) {
      const alarms = field(group, 'AlarmConfiguration.Alarms')
      if (alarms?.kind === 'opaque') continue
      const on = flag(field(group, 'AlarmConfiguration.Enabled'))
      const at = alarms ? spotOf(alarms) : group.at
      const ignored = flag(field(group, 'AlarmConfiguration.IgnorePollAlarmFailure')) === true
      if (items(alarms).length === 0 || on === false)
        yield fail(at, `${group.id} shifts traffic without watching any alarm.`)
      else if (ignored) yield fail(at, `${group.id} goes on when the state of its alarms cannot be read.`)
      else yield pass(at)
    }
  },
}
