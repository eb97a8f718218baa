import { num, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const codedeployKeepsBlue: Rule = {
  id: 'codedeploy-keeps-blue',
  question: 1,
  title: 'The old release stays warm for at least 15 minutes after the switch',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'When the fault shows a few minutes later, the old release is gone and has to be deployed from nothing.',
  defaults: 'termination_wait_time_in_minutes 0: the old tasks are stopped at once.',
  fix: 'Set terminationWaitTimeInMinutes to 15 or more (up to 2,880).',
  cites: 'CodeDeploy API reference: BlueInstanceTerminationOption',
  bad: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  blue_green_deployment_config {\n    terminate_blue_instances_on_deployment_success {\n      action = "TERMINATE"\n      termination_wait_time_in_minutes = 1\n    }\n  }\n}\n',
  },
  good: {
    'cd.tf':
      'resource "aws_codedeploy_deployment_group" "web" {\n  blue_green_deployment_config {\n    terminate_blue_instances_on_deployment_success {\n      action = "TERMINATE"\n      termination_wait_time_in_minutes = 60\n    }\n  }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'codedeploy-group')) {
      const option = field(
        group,
        'BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess',
        'blue_green_deployment_config.terminate_blue_instances_on_deployment_success',
      )
      if (!option || option.kind === 'opaque') continue
      const path = 'TerminateBlueInstancesOnDeploymentSuccess'
      const wait = field(
        group,
        `BlueGreenDeploymentConfiguration.${path}.TerminationWaitTimeInMinutes`,
        `blue_green_deployment_config.${path}.termination_wait_time_in_minutes`,
      )
      const action = text(
        field(group, `BlueGreenDeploymentConfiguration.${path}.Action`, `blue_green_deployment_config.${path}.action`),
      )
      const minutes = wait ? num(wait) : 0
      if (action === 'KEEP_ALIVE') yield pass(spotOf(option))
      else if (minutes === undefined) continue
      else if (minutes < 15)
        yield fail(spotOf(wait ?? option), `${group.id} stops the old release ${minutes} min after the switch.`, {
          arithmetic: `${wait ? '' : 'default '}${minutes} min < 15 min`,
          soft: wait?.soft,
        })
      else yield pass(spotOf(wait!))
    }
  },
}
