import { codedeployWaysBack } from '../rollback/codedeploy.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeCodedeploy: Rule = {
  id: 'rollback-time-codedeploy',
  question: 1,
  title: 'A CodeDeploy group is back on the old release within 15 minutes',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Citizens stay on the bad release while the old one is installed again, instance after instance.',
  defaults: 'CodeDeployDefault.OneAtATime; deregistration 300 s; target health 30 s × 5; blue is stopped at once.',
  fix: 'Replace more instances at once (HalfAtATime), drain for less time, or shift to a second fleet (blue/green) that is kept for 15 minutes or more.',
  cites: 'playbook: can the deployment be reversed within 15 minutes? CodeDeploy user guide: deployment configurations',
  bad: {
    'cd.tf': `resource "aws_autoscaling_group" "web" {
  min_size         = 8
  desired_capacity = 8
}
resource "aws_codedeploy_deployment_group" "web" {
  autoscaling_groups     = [aws_autoscaling_group.web.name]
  deployment_config_name = "CodeDeployDefault.OneAtATime"
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "IN_PLACE"
  }
}
resource "aws_lb_target_group" "web" {
  port                 = 8080
  deregistration_delay = 120
}
`,
  },
  good: {
    'cd.tf': `resource "aws_autoscaling_group" "web" {
  min_size         = 8
  desired_capacity = 8
}
resource "aws_codedeploy_deployment_group" "web" {
  autoscaling_groups     = [aws_autoscaling_group.web.name]
  deployment_config_name = "CodeDeployDefault.HalfAtATime"
  deployment_style {
    deployment_option = "WITH_TRAFFIC_CONTROL"
    deployment_type   = "IN_PLACE"
  }
}
resource "aws_lb_target_group" "web" {
  port                 = 8080
  deregistration_delay = 120
}
`,
  },
  *check(world): Iterable<Verdict> {
    for (const answer of codedeployWaysBack(world)) yield judgeWay(answer)
  },
}
