import { productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const assetSkew: Rule = {
  id: 'asset-skew',
  question: 12,
  title: 'A page that is already open still finds its scripts and styles',
  formats: ['github-workflow', 'jenkinsfile', 'buildspec'],
  severity: 'warn',
  reach: 3,
  harm: 'Citizens who opened the form before the deployment press a button that no longer works.',
  defaults: 's3 sync --delete, rsync --delete and azcopy --delete-destination take the old files away at once.',
  fix: 'Leave the files of earlier releases for some days: sync without --delete and expire them by age.',
  cites: 'playbook: what happens to citizens using the service during deployment?',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: aws s3 sync dist s3://assets --delete\n      - run: cdk deploy\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: aws s3 sync dist s3://assets\n      - run: cdk deploy\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      const jobs = productionJobs(pipeline).map(({ job }) => job)
      for (const step of jobs.flatMap((job) => job.steps)) {
        const line = step.run
          .split('\n')
          .find((candidate) => /\b(?:aws\s+s3\s+sync|gsutil\b.*\brsync|rsync)\b/.test(candidate))
        if (line === undefined) continue
        if (/--delete\b|\brsync\b.*\s-\w*d\b/.test(line))
          yield fail(step.at, `"${line.trim().slice(0, 80)}" deletes the files that open pages still ask for.`)
        else yield pass(step.at)
      }
    }
  },
}
