import { scalingWaysBack } from '../rollback/scaling-group.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeScalingGroup: Rule = {
  id: 'rollback-time-scaling-group',
  question: 1,
  title: 'An auto scaling group is back on the old release within 15 minutes',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Instances are replaced so slowly that citizens stay on the bad release for longer than was promised.',
  defaults: 'MaxBatchSize 1; an instance refresh keeps 90 % healthy and warms up for the grace period (300 s).',
  fix: 'Replace more instances at once: raise MaxBatchSize or max_healthy_percentage, and shorten the warm-up.',
  cites: 'CloudFormation user guide: UpdatePolicy attribute; EC2 Auto Scaling user guide: instance refresh',
  bad: {
    'asg.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Fleet:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy:\n      AutoScalingRollingUpdate: { MaxBatchSize: 1, MinInstancesInService: 4, WaitOnResourceSignals: true, PauseTime: PT5M }\n    Properties: { MinSize: "8", MaxSize: "16", DesiredCapacity: "8" }\n',
  },
  good: {
    'asg.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Fleet:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy:\n      AutoScalingRollingUpdate: { MaxBatchSize: 4, MinInstancesInService: 4, WaitOnResourceSignals: true, PauseTime: PT5M }\n    Properties: { MinSize: "8", MaxSize: "16", DesiredCapacity: "8" }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const answer of scalingWaysBack(world)) yield judgeWay(answer)
  },
}
