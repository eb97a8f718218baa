import { productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const deploymentRecord: Rule = {
  id: 'deployment-record',
  question: 9,
  title: 'Each production deployment leaves a record of who, what and when',
  formats: ['github-workflow'],
  severity: 'warn',
  reach: 1,
  harm: 'After an incident nobody can show which release citizens were using, or who put it there.',
  defaults: 'Without environment GitHub creates no deployment record.',
  fix: 'Name the environment on the job that deploys: environment: production.',
  cites: 'playbook: are audit logs captured for deployment actions?',
  bad: {
    '.github/workflows/deploy-production.yml':
      'name: production\non: push\njobs:\n  deploy-production:\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    '.github/workflows/deploy-production.yml':
      'name: production\non: push\njobs:\n  deploy-production:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (pipeline.tool !== 'github') continue
      for (const { job } of productionJobs(pipeline)) {
        if (job.remote !== undefined) continue
        const records = job.steps.some((step) =>
          /holdfast\s+(deploy|prove)|create-?deployment|chrnorm\/deployment|bobheadxi\/deployments/i.test(
            `${step.run} ${step.uses}`,
          ),
        )
        if (job.environment || records) yield pass(job.at)
        else
          yield fail(
            job.at,
            `"${job.id}" changes production without naming an environment, so GitHub keeps no deployment record.`,
          )
      }
    }
  },
}
