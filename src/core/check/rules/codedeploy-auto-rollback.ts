import { flag, items, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const codedeployAutoRollback: Rule = {
  id: 'codedeploy-auto-rollback',
  question: 1,
  title: 'CodeDeploy takes a release back when it fails and when an alarm rings',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'A release that starts and then fails citizens stays, because only a failed start takes it back.',
  defaults: 'Automatic rollback is off.',
  fix: 'autoRollbackConfiguration { enabled, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM] } with alarms.',
  cites: 'CodeDeploy API reference: AutoRollbackConfiguration',
  bad: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  auto_rollback_configuration {\n    enabled = true\n    events  = ["DEPLOYMENT_FAILURE"]\n  }\n}\n',
  },
  good: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  auto_rollback_configuration {\n    enabled = true\n    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]\n  }\n  alarm_configuration {\n    enabled = true\n    alarms  = ["submissions-failing"]\n  }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'codedeploy-group')) {
      const whole = field(group, 'AutoRollbackConfiguration')
      const enabled = field(group, 'AutoRollbackConfiguration.Enabled')
      const list = field(group, 'AutoRollbackConfiguration.Events')
      const events = items(list).map((item) => text(item) ?? '')
      if (whole?.kind === 'opaque' || list?.kind === 'opaque') continue
      const at = list ? spotOf(list) : whole ? spotOf(whole) : group.at
      const missing = ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'].filter((event) => !events.includes(event))
      if (!whole || flag(enabled) !== true) yield fail(at, `${group.id} never takes a release back by itself.`)
      else if (missing.length > 0)
        yield fail(at, `${group.id} does not take a release back on ${missing.join(' and ')}.`)
      else yield pass(at)
    }
  },
}
