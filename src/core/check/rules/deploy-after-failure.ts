import { isDeploy, productionJobs, runsAfterFailure, type Step } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const deployAfterFailure: Rule = {
  id: 'deploy-after-failure',
  question: 8,
  title: 'Nothing deploys after something failed',
  formats: ['github-workflow', 'jenkinsfile'],
  severity: 'error',
  reach: 3,
  harm: 'A release whose build or tests failed is put in front of citizens.',
  defaults: 'A job is skipped when a job it needs failed, unless its if holds always(), !cancelled() or failure().',
  fix: "Take the status function away, or ask for needs.<job>.result == 'success' beside it.",
  cites: 'GitHub documentation: status check functions',
  bad: {
    '.github/workflows/cd.yml': `on: push
jobs:
  test: { runs-on: ubuntu-latest, steps: [{ run: npm test }] }
  deploy:
    needs: test
    if: always()
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy --all }]
`,
  },
  good: {
    '.github/workflows/cd.yml': `on: push
jobs:
  test: { runs-on: ubuntu-latest, steps: [{ run: npm test }] }
  deploy:
    needs: test
    if: \${{ !cancelled() && needs.test.result == 'success' }}
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy --all }]
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      const waits = pipeline.triggers.some((trigger) => trigger.startsWith('workflow_run:'))
      for (const { job, sure } of productionJobs(pipeline)) {
        const severity = sure ? {} : ({ severity: 'warn' } as const)
        const step = job.steps.find(
          (candidate, index) =>
            isDeploy(candidate) &&
            runsAfterFailure(candidate.condition) &&
            !isWayBack(candidate, job.steps.slice(0, index)),
        )
        if (/rollback|roll-back|revert/i.test(job.id)) continue
        if (job.needs.length > 0 && runsAfterFailure(job.condition))
          yield fail(
            job.conditionAt ?? job.at,
            `"${job.id}" deploys even when a job before it failed: ${job.condition}.`,
            severity,
          )
        else if (step)
          yield fail(step.at, `This step deploys even when a step before it failed: ${step.condition}.`, severity)
        else if (waits && !/conclusion/.test(`${job.condition ?? ''}`))
          yield fail(job.at, `"${job.id}" starts when another workflow has ended, whether it succeeded or not.`, {
            ...severity,
            fix: "Add if: github.event.workflow_run.conclusion == 'success'.",
          })
        else yield pass(job.at)
      }
    }
  },
}

/** What runs only after a failure, in a job that has deployed before or by its own words, puts the old release back. */
function isWayBack(step: Step, before: readonly Step[]): boolean {
  if (/roll-?_?\s?back|revert|undo|previous|last[-_ ]?good|restore/i.test(`${step.name} ${step.run}`)) return true
  const onlyThen =
    /\bfailure\(\)/.test(step.condition ?? '') && !/\balways\(\)|!\s*cancelled\(\)/.test(step.condition ?? '')
  return onlyThen && before.some(isDeploy)
}
