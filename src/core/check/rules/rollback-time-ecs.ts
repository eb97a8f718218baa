import { deregistration, ecsServices, stopTimeout, targetHealth } from '../models/ecs.ts'
import { shown, unknownOf } from '../models/value.ts'
import { ecsSlots, estimate, minutes, ROLLBACK_PROMISE_S } from '../rollback-time.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

// ECS calls a task without load balancer or container check healthy after 40 s (ECS developer guide, deployment circuit breaker).
const HEALTH_WITHOUT_CHECK_S = 40

export const rollbackTimeEcs: Rule = {
  id: 'rollback-time-ecs',
  question: 1,
  title: 'A rolling ECS service is back on the old release within 15 minutes',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Citizens stay on the bad release, in growing part mixed with the good one, for longer than was promised.',
  defaults: 'minimum healthy 100 %, maximum 200 %; target health 30 s × 5; deregistration 300 s; stop time-out 30 s.',
  fix: 'Let more tasks be replaced at once (MaximumPercent 200), shorten the health interval (10 s × 2), or drain for less time.',
  cites: 'playbook: can the deployment be reversed within 15 minutes? ECS developer guide: rolling update',
  bad: {
    'service.tf': `resource "aws_ecs_service" "web" {
  desired_count                      = 10
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 110
  load_balancer { target_group_arn = aws_lb_target_group.web.arn }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}
resource "aws_lb_target_group" "web" { port = 8080 }
`,
  },
  good: {
    'service.tf': `resource "aws_ecs_service" "web" {
  desired_count                      = 10
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  load_balancer { target_group_arn = aws_lb_target_group.web.arn }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}
resource "aws_lb_target_group" "web" { port = 8080 }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const service of ecsServices(world.cloud)) {
      const { resource, desired, minPercent, maxPercent } = service
      if (service.controller !== 'ECS' || service.strategy !== 'ROLLING') continue
      const unknown = unknownOf(desired, minPercent, maxPercent)
      if (unknown) {
        yield cannotTell(
          unknown.at,
          `How long taking ${resource.id} back takes depends on ${unknown.text}.`,
          `the value of ${unknown.text} in production`,
        )
        continue
      }
      if (!desired.known || !minPercent.known || !maxPercent.known || desired.value <= 0) continue
      const { up, down } = ecsSlots(desired.value, minPercent.value, maxPercent.value)
      if (up === 0 && down === 0) continue
      const health = service.targetGroup && targetHealth(service.targetGroup)
      const healthS =
        health?.interval.known && health.threshold.known
          ? health.interval.value * health.threshold.value
          : HEALTH_WITHOUT_CHECK_S
      const healthSum = health ? `${shown(health.interval)} × ${shown(health.threshold)} = ${healthS}` : `${healthS}`
      const drain = service.targetGroup && deregistration(service.targetGroup)
      const drainS = up === 0 && drain?.known ? drain.value + stopTimeout(service.task) : 0
      const sum = estimate({
        count: desired.value,
        atOnce: up > 0 ? up : down,
        healthS,
        healthSum,
        drainS,
        ...(drain ? { drainSum: `${shown(drain)} + stop ${stopTimeout(service.task)} = ${drainS}` } : {}),
      })
      const at = maxPercent.said ? maxPercent.at : desired.at
      const soft = desired.soft || minPercent.soft || maxPercent.soft
      if (sum.likely > ROLLBACK_PROMISE_S)
        yield fail(at, `Taking ${resource.id} back takes about ${minutes(sum.likely)}; 15 min are promised.`, {
          arithmetic: sum.arithmetic,
          soft,
        })
      else if (sum.high > ROLLBACK_PROMISE_S)
        yield fail(
          at,
          `Taking ${resource.id} back may take ${minutes(sum.high)} when start is slow; 15 min are promised.`,
          { arithmetic: sum.arithmetic, severity: 'info' },
        )
      else yield pass(at)
    }
  },
}
