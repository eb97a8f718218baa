import { flag } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { isDeploy, productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const stableButRolledBack: Rule = {
  id: 'stable-but-rolled-back',
  question: 10,
  title: 'The pipeline checks that the intended release runs, not only that the service is stable',
  formats: ['github-workflow', 'jenkinsfile', 'ecs', 'cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'The team believes the fix is live while citizens still use the release it was meant to replace.',
  defaults: 'services-stable is also true after the circuit breaker has put the old release back.',
  fix: 'After waiting, compare the running task definition or image digest with the intended one, and fail when they differ.',
  cites: 'aws/amazon-ecs-deploy-task-definition: stability after an automatic rollback',
  bad: {
    '.github/workflows/cd.yml': `on: push
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: |
          aws ecs update-service --cluster live --service web --task-definition web
          aws ecs wait services-stable --cluster live --services web
`,
    'service.json':
      '{ "serviceName": "web", "cluster": "live", "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } } }',
  },
  good: {
    '.github/workflows/cd.yml': `on: push
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - run: |
          aws ecs update-service --cluster live --service web --task-definition "$NEW"
          aws ecs wait services-stable --cluster live --services web
          running=$(aws ecs describe-services --cluster live --services web --query 'services[0].taskDefinition' --output text)
          test "$running" = "$NEW"
`,
    'service.json':
      '{ "serviceName": "web", "cluster": "live", "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": true } } }',
  },
  *check(world): Iterable<Verdict> {
    const rollsBack = world.cloud.some(
      (resource) =>
        resource.type === 'ecs-service' &&
        flag(
          field(
            resource,
            'DeploymentConfiguration.DeploymentCircuitBreaker.Rollback',
            'deployment_circuit_breaker.rollback',
          ),
        ) === true,
    )
    if (!rollsBack) return
    for (const pipeline of world.pipelines) {
      for (const { job } of productionJobs(pipeline)) {
        const words = job.steps.map((step) => `${step.run}\n${step.uses}\n${step.name}`).join('\n')
        if (!job.steps.some((step) => isDeploy(step) && /ecs/.test(`${step.run}${step.uses}`))) continue
        if (/describe-services|describe-tasks|describe-task-definition|\/version|holdfast/.test(words))
          yield pass(job.at)
        else
          yield fail(
            job.at,
            `"${job.id}" takes a stable service as success; after an automatic rollback it is stable too.`,
          )
      }
    }
  },
}
