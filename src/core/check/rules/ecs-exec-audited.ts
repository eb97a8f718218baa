import { flag, spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { ecsServices } from '../models/ecs.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const ecsExecAudited: Rule = {
  id: 'ecs-exec-audited',
  question: 9,
  title: 'Shells opened in production containers are logged',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 1,
  harm: 'Somebody can read or change citizens’ data by hand, and nothing shows it.',
  defaults: 'enableExecuteCommand false; when it is on, sessions are logged only where the cluster says so.',
  fix: 'Turn it off, or set executeCommandConfiguration { logging = "OVERRIDE" … } on the cluster.',
  cites: 'ECS developer guide: monitor containers with ECS Exec',
  bad: {
    'service.tf': 'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  enable_execute_command = true\n}\n',
  },
  good: {
    'service.tf': 'resource "aws_ecs_service" "web" {\n  desired_count = 2\n  enable_execute_command = false\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const clusters = world.cloud.filter(
      (resource) => resource.written === 'aws_ecs_cluster' || resource.written === 'AWS::ECS::Cluster',
    )
    const logged = clusters.some((cluster) => {
      const logging = text(field(cluster, 'Configuration.ExecuteCommandConfiguration.Logging'))
      return logging !== undefined && logging !== 'NONE'
    })
    for (const { resource } of ecsServices(world.cloud)) {
      const node = field(resource, 'EnableExecuteCommand')
      if (!node) continue
      if (flag(node) === true && !logged)
        yield fail(
          spotOf(node),
          `Anybody with the right may open a shell in ${resource.id}, and no log of it is declared.`,
        )
      else yield pass(spotOf(node))
    }
  },
}
