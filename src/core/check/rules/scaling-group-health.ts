import { items, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const scalingGroupHealth: Rule = {
  id: 'scaling-group-health',
  question: 6,
  title: 'An auto scaling group believes the load balancer, not only the hardware',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'An instance whose application is dead stays in service because its virtual machine runs.',
  defaults: 'HealthCheckType EC2.',
  fix: 'HealthCheckType: ELB with a grace period above the start.',
  cites: 'Amazon EC2 Auto Scaling user guide: health checks',
  bad: {
    'asg.tf':
      'resource "aws_autoscaling_group" "fleet" {\n  min_size = 2\n  target_group_arns = [aws_lb_target_group.web.arn]\n}\n',
  },
  good: {
    'asg.tf':
      'resource "aws_autoscaling_group" "fleet" {\n  min_size = 2\n  target_group_arns = [aws_lb_target_group.web.arn]\n  health_check_type = "ELB"\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'scaling-group')) {
      const balanced = items(field(group, 'TargetGroupARNs', 'LoadBalancerNames', 'load_balancers')).length > 0
      if (!balanced) continue
      const node = field(group, 'HealthCheckType')
      if (node?.kind === 'opaque') continue
      if (/ELB/.test(text(node) ?? 'EC2')) yield pass(node ? spotOf(node) : group.at)
      else
        yield fail(
          node ? spotOf(node) : group.at,
          `${group.id} keeps an instance whose application does not answer: HealthCheckType is ${text(node) ?? 'absent, so EC2'}.`,
        )
    }
  },
}
