import { child, keySpot, text } from '../formats/node.ts'
import { callersOf, productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const workflowPermissions: Rule = {
  id: 'workflow-permissions',
  question: 9,
  title: 'The deploying workflow says what it may do',
  formats: ['github-workflow'],
  severity: 'info',
  reach: 1,
  harm: 'A tampered step could rewrite the code or the releases that citizens depend on.',
  defaults: 'The repository’s setting decides, which may be write access to everything.',
  fix: 'Add permissions with only what the jobs need (contents: read, id-token: write).',
  cites: 'GitHub documentation: permissions for the GITHUB_TOKEN',
  bad: {
    '.github/workflows/cd.yml':
      'on: push\npermissions: write-all\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    '.github/workflows/cd.yml':
      'on: push\npermissions: { contents: read }\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (pipeline.tool !== 'github' || !pipeline.node) continue
      for (const { job } of productionJobs(pipeline)) {
        const said = child(job.node, 'permissions') ?? child(pipeline.node, 'permissions')
        // A called workflow has at most what its callers have.
        if (!said && callersOf(world.pipelines, pipeline).length > 0) continue
        if (!said) yield fail(job.at, `Nothing limits what the token of "${job.id}" may do.`)
        else if (text(said) === 'write-all')
          yield fail(keySpot(pipeline.node, 'permissions'), `The token of "${job.id}" may do everything.`)
        else yield pass(job.at)
      }
    }
  },
}
