import { child, flag, num, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const scalingGroupRollback: Rule = {
  id: 'scaling-group-rollback',
  question: 1,
  title: 'An auto scaling group waits for its new instances, and goes back when they fail',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Instances are replaced without waiting for the new ones, and citizens meet errors or a mixture of releases.',
  defaults:
    'CloudFormation without UpdatePolicy leaves old instances running; MinInstancesInService 0, WaitOnResourceSignals false. Terraform without instance_refresh changes nothing; auto_rollback false.',
  fix: 'AutoScalingRollingUpdate with MinInstancesInService ≥ 1, WaitOnResourceSignals true; instance_refresh with auto_rollback = true.',
  cites: 'CloudFormation user guide: UpdatePolicy attribute',
  bad: {
    'asg.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Fleet:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy:\n      AutoScalingRollingUpdate: { MaxBatchSize: 2 }\n    Properties: { MinSize: "4", MaxSize: "8", DesiredCapacity: "4" }\n',
  },
  good: {
    'asg.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Fleet:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy:\n      AutoScalingRollingUpdate: { MaxBatchSize: 2, MinInstancesInService: 4, WaitOnResourceSignals: true, PauseTime: PT5M }\n    Properties: { MinSize: "4", MaxSize: "8", DesiredCapacity: "4" }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'scaling-group')) {
      if (group.from === 'terraform') {
        const refresh = field(group, 'instance_refresh')
        const back = field(group, 'instance_refresh.preferences.auto_rollback')
        if (!refresh) continue
        if (flag(back) === true) yield pass(spotOf(back!))
        else if (back?.kind !== 'opaque')
          yield fail(
            back ? spotOf(back) : group.at,
            `An instance refresh of ${group.id} that fails leaves a mixture of releases: auto_rollback is not true.`,
          )
        continue
      }
      const policy = child(group.whole, 'UpdatePolicy', 'AutoScalingRollingUpdate')
      if (policy?.kind !== 'map') continue
      const at = spotOf(policy)
      const kept = num(group.resolve(child(policy, 'MinInstancesInService') ?? policy)) ?? 0
      const waits = flag(child(policy, 'WaitOnResourceSignals')) === true
      if (child(policy, 'MinInstancesInService')?.kind === 'opaque') continue
      if (kept < 1)
        yield fail(
          at,
          `An update of ${group.id} may stop every instance at once: MinInstancesInService is ${child(policy, 'MinInstancesInService') ? kept : 'absent, so 0'}.`,
        )
      else if (!waits)
        yield fail(
          at,
          `An update of ${group.id} goes on without waiting for the new instances: WaitOnResourceSignals is not true.`,
        )
      else yield pass(at)
    }
  },
}
