import { ecsServices } from '../models/ecs.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsCapacity: Rule = {
  id: 'ecs-capacity',
  question: 5,
  title: 'An ECS deployment never stops the last task that serves',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 3,
  harm: 'During each deployment citizens meet an error page, or the few tasks left are overrun.',
  defaults: 'minimum healthy 100 %.',
  fix: 'Set minimum healthy to 100 % and let new tasks start first (maximum 200 %).',
  cites: 'playbook: will in-flight citizen requests complete successfully?',
  bad: {
    'service.tf':
      'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  deployment_minimum_healthy_percent = 0\n  load_balancer { container_port = 8080 }\n}\n',
  },
  good: {
    'service.tf':
      'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  deployment_minimum_healthy_percent = 100\n  load_balancer { container_port = 8080 }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const service of ecsServices(world.cloud)) {
      const { resource, desired, minPercent } = service
      if (service.controller !== 'ECS' || !minPercent.known || !service.hasLoadBalancer) continue
      const count = desired.known ? desired.value : undefined
      const kept = count === undefined ? undefined : Math.ceil((count * minPercent.value) / 100)
      const soft = minPercent.soft || (desired.known && desired.soft)
      if (minPercent.value === 0)
        yield fail(minPercent.at, `A deployment of ${resource.id} may stop every task before a new one serves.`, {
          soft,
        })
      else if (count !== undefined && count <= 2 && minPercent.value < 100)
        yield fail(minPercent.at, `A deployment of ${resource.id} leaves ${kept} of ${count} tasks.`, {
          arithmetic: `⌈${count} × ${minPercent.value} %⌉ = ${kept}`,
          soft,
        })
      else yield pass(minPercent.at)
    }
  },
}
