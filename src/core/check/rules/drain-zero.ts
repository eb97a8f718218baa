import { text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { deregistration } from '../models/ecs.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const drainZero: Rule = {
  id: 'drain-zero',
  question: 5,
  title: 'The load balancer lets requests finish before it drops a target',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 3,
  harm: 'Every request that is under way when a task leaves is cut off: a citizen sees an error after pressing "Submit".',
  defaults: 'deregistration_delay.timeout_seconds 300.',
  fix: 'Set the delay above the longest honest request, for example 60 s.',
  cites: 'Elastic Load Balancing: deregistration delay (0–3600 s, default 300)',
  bad: { 'lb.tf': 'resource "aws_lb_target_group" "web" {\n  port = 8080\n  deregistration_delay = 0\n}\n' },
  good: { 'lb.tf': 'resource "aws_lb_target_group" "web" {\n  port = 8080\n  deregistration_delay = 60\n}\n' },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'target-group')) {
      if (text(field(group, 'TargetType')) === 'lambda') continue
      const delay = deregistration(group)
      if (!delay.known) continue
      if (delay.value < 5)
        yield fail(delay.at, `${group.id} drops requests that are under way after ${delay.value} s.`, {
          soft: delay.soft,
        })
      else yield pass(delay.at)
    }
  },
}
