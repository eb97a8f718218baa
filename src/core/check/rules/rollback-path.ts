import { productionJobs } from '../models/pipeline.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

const WORDS =
  /holdfast\s+deploy|roll(?:ing)?[- _]?back|rollout\s+undo|redeploy[- _]previous|revert[- _](?:release|deploy)/i

export const rollbackPath: Rule = {
  id: 'rollback-path',
  question: 1,
  title: 'There is a written or automatic way back',
  formats: [
    'github-workflow',
    'jenkinsfile',
    'codepipeline',
    'runbook',
    'ecs',
    'cloudformation',
    'terraform',
    'appspec',
  ],
  severity: 'warn',
  reach: 2,
  harm: 'At 3am somebody has to invent the way back while citizens cannot use the service.',
  defaults:
    'None: without a rollback job, an automatic rollback or a runbook the way back is whatever the on-call person thinks of.',
  fix: 'Add a rollback workflow that a person starts, turn an automatic rollback on, or write the runbook.',
  cites: 'playbook: is there a tested rollback procedure documented?',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl apply -f k8s/ }]\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl apply -f k8s/ }]\n',
    '.github/workflows/rollback.yml':
      'on: workflow_dispatch\njobs:\n  rollback:\n    environment: production\n    timeout-minutes: 15\n    runs-on: ubuntu-latest\n    steps: [{ run: kubectl rollout undo deployment/web }]\n',
  },
  *check(world): Iterable<Verdict> {
    const deploys = world.pipelines.flatMap((pipeline) =>
      productionJobs(pipeline).map(({ job }) => ({ pipeline, job })),
    )
    const first = deploys.find(({ job }) => !WORDS.test(job.id))
    if (!first) return
    const formats = [
      'github-workflow',
      'jenkinsfile',
      'runbook',
      'cloudformation',
      'terraform',
      'ecs',
      'codepipeline',
      'kubernetes',
    ] as const
    const written = formats.some((format) =>
      world.sources(format).some((src) => WORDS.test(src.text) || /--atomic\b|--rollback-on-failure/.test(src.text)),
    )
    if (written || world.tree.files.some((file) => WORDS.test(file.path))) yield pass(first.job.at)
    else if (first.job.remote)
      yield cannotTell(
        first.job.at,
        'No way back is written in this repository.',
        `whether ${first.job.remote} takes a bad release back`,
        first.job.remote,
      )
    else
      yield fail(
        first.job.at,
        `"${first.job.id}" changes production, and nothing in this repository says how to take it back.`,
      )
  },
}
