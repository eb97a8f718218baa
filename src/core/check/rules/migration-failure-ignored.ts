import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const MIGRATES =
  /(?:\bmigrate\b|\bmigration:run\b|\bdb:migrate\b|\balembic upgrade\b|\bflyway\b|\bliquibase\b|\bpsql\b[^\n]*-f\s+\S*migrat)/

export const migrationFailureIgnored: Rule = {
  id: 'migration-failure-ignored',
  question: 3,
  title: 'A migration that fails stops the deployment',
  formats: ['github-workflow', 'jenkinsfile', 'buildspec'],
  severity: 'error',
  reach: 3,
  harm: 'The new release meets a schema that is not there, and citizens meet its errors.',
  defaults: 'A failing command fails its step.',
  fix: 'Let the migration’s failure fail the step; deploy in a step that needs it.',
  cites: 'Holdfast: migration success is a gate',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: npx prisma migrate deploy || true\n      - run: cdk deploy\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps:\n      - run: npx prisma migrate deploy\n      - run: cdk deploy\n',
  },
  *check(world): Iterable<Verdict> {
    for (const step of world.pipelines.flatMap((pipeline) => pipeline.jobs.flatMap((job) => job.steps))) {
      const line = step.run
        .split('\n')
        .find((candidate) => MIGRATES.test(candidate) && !/--dry-run|status|lint|validate|\binfo\b/.test(candidate))
      if (line === undefined) continue
      const swallowed = /\|\|\s*(?:true|:|exit 0|echo)/.exec(line)
      if (swallowed) yield fail(step.at, `The migration's failure is thrown away: "${line.trim().slice(0, 80)}".`)
      else if (step.ignoresFailure)
        yield fail(step.ignoresFailure.at, `The migration's failure is thrown away: ${step.ignoresFailure.how}.`)
      else yield pass(step.at)
    }
  },
}
