import { child, flag, keySpot, spotOf } from '../formats/node.ts'
import { isDeploy, productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const deployWaits: Rule = {
  id: 'deploy-waits',
  question: 6,
  title: 'The pipeline waits until the new release really serves',
  formats: ['github-workflow', 'jenkinsfile'],
  severity: 'error',
  reach: 2,
  harm: 'The pipeline is green while citizens meet a release that never came up; nobody looks.',
  defaults:
    'kubectl apply, aws ecs update-service and the ECS action all return before a single new task is healthy; helm upgrade needs --wait or --atomic.',
  fix: 'kubectl rollout status --timeout, aws ecs wait services-stable, wait-for-service-stability: true, helm upgrade --atomic.',
  cites: 'playbook: are health checks configured to prevent premature traffic shift?',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: kubectl apply -f k8s/\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: kubectl apply -f k8s/\n      - run: kubectl rollout status deployment/web --timeout=10m\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      for (const { job, sure } of productionJobs(pipeline)) {
        const at = job.steps.findIndex(isDeploy)
        const step = job.steps[at]
        if (!step) continue
        const severity = sure ? {} : ({ severity: 'warn' } as const)
        const later = pipeline.jobs
          .filter((other) => other === job || other.needs.includes(job.id))
          .flatMap((other) => other.steps)
        const words = later.map((other) => `${other.run}\n${other.uses}\n${other.name}`).join('\n')
        if (/amazon-ecs-deploy-task-definition/.test(step.uses)) {
          const waits = child(step.with, 'wait-for-service-stability')
          if (flag(waits) === true || /services-stable/.test(words)) yield pass(step.at)
          else
            yield fail(
              waits ? spotOf(waits) : step.with ? keySpot(step.with, 'service') : step.at,
              'The ECS action does not wait: wait-for-service-stability is not true.',
              severity,
            )
        } else if (/\bkubectl\b[^\n]*\b(apply|set\s+image|replace|rollout\s+restart)\b/.test(step.run)) {
          if (/rollout\s+status|kubectl\s+wait|argo\s+rollouts\s+status|argocd\s+app\s+wait/.test(words))
            yield pass(step.at)
          else yield fail(step.at, '"kubectl apply" returns at once; nothing waits for the rollout.', severity)
        } else if (/\baws\s+ecs\s+update-service\b/.test(step.run)) {
          if (/services-stable|ecs-deploy|smoke|health/i.test(words)) yield pass(step.at)
          else yield fail(step.at, '"aws ecs update-service" returns at once; nothing waits for the service.', severity)
        } else if (/\bhelm\s+(upgrade|install)\b/.test(step.run)) {
          if (/--(atomic|wait|rollback-on-failure)\b|rollout\s+status|helm\s+test/.test(words)) yield pass(step.at)
          else
            yield fail(
              step.at,
              '"helm upgrade" without --atomic or --wait returns before the new pods are ready.',
              severity,
            )
        }
      }
    }
  },
}
