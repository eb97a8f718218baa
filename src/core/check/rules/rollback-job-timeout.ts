import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const rollbackJobTimeout: Rule = {
  id: 'rollback-job-timeout',
  question: 1,
  title: 'The rollback job ends, well or badly, within 15 minutes',
  formats: ['github-workflow'],
  severity: 'warn',
  reach: 2,
  harm: 'A rollback that hangs leaves citizens on the bad release while everybody waits for it.',
  defaults: 'timeout-minutes is 360.',
  fix: 'Set timeout-minutes: 15 on the job, so that a person is called when it does not work.',
  cites: 'playbook: can the deployment be reversed within 15 minutes?',
  bad: {
    '.github/workflows/rollback.yml':
      'on: workflow_dispatch\njobs:\n  rollback:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl rollout undo deployment/web }]\n',
  },
  good: {
    '.github/workflows/rollback.yml':
      'on: workflow_dispatch\njobs:\n  rollback:\n    environment: production\n    timeout-minutes: 15\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl rollout undo deployment/web }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (pipeline.tool !== 'github') continue
      for (const job of pipeline.jobs) {
        if (!/roll-?_?back|revert/i.test(`${job.id} ${pipeline.file}`) || job.remote !== undefined) continue
        if (/on-?failure|notify|comment/i.test(job.id)) continue
        const minutes = job.timeoutMinutes ?? 360
        if (minutes <= 15) yield pass(job.at)
        else
          yield fail(job.at, `"${job.id}" may hang for ${minutes} minutes.`, {
            arithmetic: `${job.timeoutMinutes === undefined ? 'default' : 'timeout-minutes'} ${minutes} min > 15 min`,
          })
      }
    }
  },
}
