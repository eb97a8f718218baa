import { child, flag, keySpot } from '../formats/node.ts'
import { section } from '../models/jenkins.ts'
import { callersOf, localCall, productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const deployConcurrency: Rule = {
  id: 'deploy-concurrency',
  question: 5,
  title: 'Production deployments run one after another, and none is cut off half-way',
  formats: ['github-workflow', 'jenkinsfile'],
  severity: 'error',
  reach: 3,
  harm: 'A deployment that is killed half-way or overtaken by an older one leaves citizens on a mixture of releases.',
  defaults: 'GitHub runs any number at once without concurrency; Jenkins without disableConcurrentBuilds() too.',
  fix: 'concurrency: { group: production, cancel-in-progress: false }, or options { disableConcurrentBuilds() }.',
  cites: 'GitHub documentation: concurrency',
  bad: {
    '.github/workflows/cd.yml': `on: push
concurrency: { group: deploy, cancel-in-progress: true }
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy }]
`,
  },
  good: {
    '.github/workflows/cd.yml': `on: push
concurrency: { group: deploy, cancel-in-progress: false }
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy }]
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      for (const { job, sure } of productionJobs(pipeline)) {
        if (job.remote !== undefined || pipeline.tool === 'codepipeline') continue
        if (pipeline.tool === 'jenkins') {
          const file = world.jenkinsfiles.find((candidate) => candidate.src.file === pipeline.file)
          const options = file && section(file, 'options')
          const held =
            (options?.block ?? []).some((call) => /disableConcurrentBuilds|lock/.test(call.name)) ||
            job.steps.some((step) => /^lock\b|^milestone\b/.test(step.uses))
          if (held) yield pass(job.at)
          else yield fail(job.at, `Two runs of "${job.id}" may overlap.`, { severity: 'warn' })
          continue
        }
        const called = world.pipelines.find((other) => other.file === localCall(job))
        const inside = called ? [...productionJobs(called).map((one) => one.job.node), called.node] : []
        const holder = [job.node, pipeline.node, ...inside].find((node) => node && child(node, 'concurrency'))
        if (!holder && callersOf(world.pipelines, pipeline).length > 0) continue
        const rule = holder && child(holder, 'concurrency')
        const cancels = child(rule, 'cancel-in-progress')
        if (!rule || !holder)
          yield fail(job.at, `Two runs of "${job.id}" may overlap: the workflow has no concurrency group.`, {
            severity: 'warn',
          })
        else if (flag(cancels) === true)
          yield fail(
            keySpot(rule, 'cancel-in-progress'),
            `A newer push cancels "${job.id}" while it is changing production.`,
            sure ? {} : { severity: 'warn' },
          )
        else yield pass(job.at)
      }
    }
  },
}
