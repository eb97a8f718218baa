import { allText, child, fields } from '../formats/node.ts'
import { isGate } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const gateSkippable: Rule = {
  id: 'gate-skippable',
  question: 8,
  title: 'No switch in the start form passes a gate over',
  formats: ['github-workflow', 'jenkinsfile'],
  severity: 'warn',
  reach: 2,
  harm: 'In a hurry the switch is used, and the release that was never tested is the one that fails.',
  defaults: 'A switch leaves no reason behind.',
  fix: 'Take the switch away, or require a written reason that lands in the audit log.',
  cites: 'playbook: compliance validation that runs automatically, not manually',
  bad: {
    '.github/workflows/cd.yml': `on:
  workflow_dispatch:
    inputs:
      skip_tests: { type: boolean }
jobs:
  test:
    if: \${{ !inputs.skip_tests }}
    runs-on: ubuntu-latest
    steps: [{ run: npm test }]
  deploy:
    needs: test
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy }]
`,
  },
  good: {
    '.github/workflows/cd.yml': `on:
  workflow_dispatch:
    inputs:
      version: { type: string }
jobs:
  test:
    runs-on: ubuntu-latest
    steps: [{ run: npm test }]
  deploy:
    needs: test
    environment: production
    runs-on: ubuntu-latest
    steps: [{ run: cdk deploy }]
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      const inputs = fields(child(pipeline.node, 'on', 'workflow_dispatch', 'inputs')).map(([name]) => name)
      const skips = inputs.filter((name) => /skip|bypass|force|no[-_]?tests?|disable/i.test(name))
      for (const job of pipeline.jobs) {
        const gates = job.steps.filter(
          (step) => isGate(step, 'tests') || isGate(step, 'security') || isGate(step, 'accessibility'),
        )
        if (gates.length === 0) continue
        const conditions = [job.condition ?? '', ...gates.map((step) => step.condition ?? '')]
        const used = skips.find((name) => conditions.some((condition) => condition.includes(name)))
        const jenkins =
          pipeline.tool === 'jenkins' &&
          conditions.find((condition) => /params\.\w*(skip|bypass|force)/i.test(condition))
        if (used) yield fail(job.conditionAt ?? job.at, `The input "${used}" passes the gate "${job.id}" over.`)
        else if (jenkins) yield fail(job.at, `A parameter passes the gate "${job.id}" over: ${jenkins.slice(0, 80)}.`)
        else if (allText(child(pipeline.node, 'on')).length >= 0) yield pass(job.at)
      }
    }
  },
}
