import { ecsServices } from '../models/ecs.ts'
import { numberAt, shown } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsGrace: Rule = {
  id: 'ecs-grace',
  question: 6,
  title: 'The grace period covers the start, and does not hide a dead release',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'Too short, and tasks are killed while they still start; near 15 minutes, and a dead release is believed for the whole time in which it should have been taken back.',
  defaults: 'healthCheckGracePeriodSeconds 0: the load balancer’s first failures count from the first second.',
  fix: 'Set the grace period a little above the slowest start that you have measured (60 to 300 s).',
  cites: 'ECS developer guide: healthCheckGracePeriodSeconds',
  bad: {
    'service.tf':
      'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  health_check_grace_period_seconds = 1800\n  load_balancer { container_port = 8080 }\n}\n',
  },
  good: {
    'service.tf':
      'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  health_check_grace_period_seconds = 90\n  load_balancer { container_port = 8080 }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const service of ecsServices(world.cloud)) {
      if (!service.hasLoadBalancer) continue
      const { resource } = service
      const grace = numberAt(resource, 0, 'HealthCheckGracePeriodSeconds')
      if (!grace.known) continue
      const unhealthy =
        service.targetGroup &&
        numberAt(service.targetGroup, 2, 'UnhealthyThresholdCount', 'health_check.unhealthy_threshold')
      const interval =
        service.targetGroup && numberAt(service.targetGroup, 30, 'HealthCheckIntervalSeconds', 'health_check.interval')
      const patience = unhealthy?.known && interval?.known ? unhealthy.value * interval.value : 60
      if (grace.value >= 900)
        yield fail(grace.at, `A dead release of ${resource.id} is believed for ${grace.value} s.`, {
          arithmetic: `grace ${grace.value} s ≥ 900 s promised for the whole rollback`,
        })
      else if (grace.value === 0 && patience < 60)
        yield fail(
          grace.at,
          `Tasks of ${resource.id} that take longer than ${patience} s to start are killed and started again, for ever.`,
          {
            arithmetic: `grace ${shown(grace)} s + ${unhealthy ? shown(unhealthy) : 2} × ${interval ? shown(interval) : 30} s = ${patience} s`,
          },
        )
      else yield pass(grace.at)
    }
  },
}
