import { productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const actionsPinned: Rule = {
  id: 'actions-pinned',
  question: 8,
  title: 'Other people’s actions in a production deployment are pinned to a commit',
  formats: ['github-workflow'],
  severity: 'info',
  reach: 1,
  harm: 'Whoever moves a tag of that action decides what is deployed to citizens.',
  defaults: 'A tag or branch may be moved by its owner at any time.',
  fix: 'Pin to the full commit, with the version in a comment: uses: owner/action@<40 hex> # v4.1.0.',
  cites: 'GitHub documentation: security hardening for GitHub Actions',
  bad: {
    '.github/workflows/cd.yml': `on: push
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - uses: somebody/deploy-action@main
`,
  },
  good: {
    '.github/workflows/cd.yml': `on: push
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - uses: somebody/deploy-action@0123456789abcdef0123456789abcdef01234567
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (pipeline.tool !== 'github') continue
      for (const { job } of productionJobs(pipeline)) {
        for (const step of job.steps) {
          const [name = '', version = ''] = step.uses.split('@')
          if (!name.includes('/') || name.startsWith('./') || name.startsWith('docker://')) continue
          if (/^(actions|github|aws-actions|azure|google-github-actions)\//i.test(name)) continue
          if (/^[0-9a-f]{40}$/.test(version)) yield pass(step.at)
          else yield fail(step.at, `${name} is used at "${version}", which its owner can move.`)
        }
      }
    }
  },
}
