import { ecsWaysBack } from '../rollback/ecs.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeEcs: Rule = {
  id: 'rollback-time-ecs',
  question: 1,
  title: 'An ECS service is back on the old release within 15 minutes',
  formats: ['ecs', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Citizens stay on the bad release, in growing part mixed with the good one, for longer than was promised.',
  defaults:
    'minimum healthy 100 %, maximum 200 %; target health 30 s × 5; deregistration 300 s; stop time-out 30 s; the old revision of a blue-green service is kept for 36 h.',
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
    for (const answer of ecsWaysBack(world)) yield judgeWay(answer)
  },
}
