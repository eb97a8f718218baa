import { child, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const healthAcceptsErrors: Rule = {
  id: 'health-accepts-errors',
  question: 6,
  title: 'The health check does not take an error for health',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 3,
  harm: 'The load balancer sends citizens to a release that answers nothing but errors.',
  defaults: 'Matcher 200 for HTTP target groups.',
  fix: 'Accept only what the health route answers when it is well: Matcher { HttpCode: "200" }.',
  cites: 'playbook: health checks detect actual service problems, not just container status',
  bad: {
    'lb.tf':
      'resource "aws_lb_target_group" "web" {\n  port = 8080\n  health_check {\n    path    = "/health/ready"\n    matcher = "200-499"\n  }\n}\n',
  },
  good: {
    'lb.tf':
      'resource "aws_lb_target_group" "web" {\n  port = 8080\n  health_check {\n    path    = "/health/ready"\n    matcher = "200"\n  }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const group of world.cloud.filter((resource) => resource.type === 'target-group')) {
      const node = field(group, 'Matcher.HttpCode', 'health_check.matcher')
      const matcher = text(node)
      if (!node || matcher === undefined) {
        if (field(group, 'HealthCheckPath', 'health_check.path')) yield pass(group.at)
        continue
      }
      const bad = matcher.split(',').find((part) => {
        const [from = 0, to = from] = part.split('-').map(Number)
        return to >= 400 || from >= 400
      })
      if (bad) yield fail(spotOf(child(node) ?? node), `${group.id} counts the answers ${bad.trim()} as healthy.`)
      else yield pass(spotOf(node))
    }
  },
}
