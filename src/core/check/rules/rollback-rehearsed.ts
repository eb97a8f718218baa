import { productionJobs } from '../models/pipeline.ts'
import { cannotTell, pass, type Rule, type Verdict } from '../rule.ts'

export const rollbackRehearsed: Rule = {
  id: 'rollback-rehearsed',
  question: 4,
  title: 'Taking a release back has been rehearsed',
  formats: ['github-workflow', 'jenkinsfile', 'runbook'],
  severity: 'info',
  reach: 2,
  harm: 'A way back that was never walked fails on the night it is needed.',
  defaults: 'Nothing rehearses by itself.',
  fix: 'Rehearse on a schedule (holdfast rehearse rollback) and keep the measured time.',
  cites: 'playbook: rollback procedure tested and completes within 15 minutes',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
    '.github/workflows/drill.yml':
      'on: { schedule: [{ cron: "0 10 * * 2" }] }\njobs:\n  drill:\n    runs-on: ubuntu-latest\n    steps: [{ run: holdfast rehearse rollback }]\n',
  },
  *check(world): Iterable<Verdict> {
    const first = world.pipelines.flatMap((pipeline) => productionJobs(pipeline))[0]
    if (!first) return
    const drill = /\b(?:rollback|recovery|disaster)[- ](?:drill|test|rehearsal)|game[- ]?day|\brehears|chaos\b/i
    const formats = ['github-workflow', 'jenkinsfile', 'runbook'] as const
    if (formats.some((format) => world.sources(format).some((src) => drill.test(src.text)))) yield pass(first.job.at)
    else
      yield cannotTell(
        first.job.at,
        'No rehearsal of a rollback is visible in this repository.',
        'the date and the measured time of the last rollback drill',
      )
  },
}
