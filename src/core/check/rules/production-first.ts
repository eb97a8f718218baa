import { ancestorsOf, productionJobs, targetOf } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const productionFirst: Rule = {
  id: 'production-first',
  question: 8,
  title: 'Production comes after the rehearsal environment, not beside it',
  formats: ['github-workflow', 'jenkinsfile', 'codepipeline', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'Citizens are the first to try the release.',
  defaults: 'Jobs without needs run side by side.',
  fix: 'Let the production job need the job that deploys to the rehearsal environment.',
  cites: 'playbook: quality gates must pass before deployment proceeds',
  bad: {
    '.github/workflows/cd.yml': `on: push
jobs:
  staging: { environment: staging, runs-on: ubuntu-latest, steps: [{ run: cdk deploy }] }
  production: { environment: production, runs-on: ubuntu-latest, steps: [{ run: cdk deploy }] }
`,
  },
  good: {
    '.github/workflows/cd.yml': `on: push
jobs:
  staging: { environment: staging, runs-on: ubuntu-latest, steps: [{ run: cdk deploy }] }
  production: { needs: staging, environment: production, runs-on: ubuntu-latest, steps: [{ run: cdk deploy }] }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      const rehearsals = pipeline.jobs.filter(
        (job) =>
          targetOf(job) === 'elsewhere' &&
          !/preview|review|docs|pages|storybook/i.test(`${job.id} ${job.environment ?? ''}`),
      )
      if (rehearsals.length === 0) continue
      for (const { job, sure } of productionJobs(pipeline)) {
        if (!sure) continue
        const before = ancestorsOf(pipeline, job)
        const exclusive = job.condition !== undefined && rehearsals.every((other) => other.condition !== undefined)
        if (rehearsals.some((other) => before.includes(other))) yield pass(job.at)
        else if (!exclusive) yield fail(job.at, `"${job.id}" does not wait for "${rehearsals[0]!.id}".`)
      }
    }
  },
}
