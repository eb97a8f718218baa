import { buildspecSteps } from '../gates.ts'
import { isDeploy, isGate, weaknessOf } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const buildGoesOn: Rule = {
  id: 'build-goes-on',
  question: 8,
  title: 'A failed check in CodeBuild fails the build',
  formats: ['buildspec'],
  severity: 'error',
  reach: 2,
  harm: 'A release whose tests failed goes on to citizens.',
  defaults: 'on-failure is ABORT; a command that ends with a non-zero code fails its phase.',
  fix: 'Take on-failure: CONTINUE and || true away from the phase that tests or scans.',
  cites: 'AWS CodeBuild: build specification reference, phases/*/on-failure',
  bad: {
    'buildspec.yml': 'version: 0.2\nphases:\n  build:\n    on-failure: CONTINUE\n    commands:\n      - npm test\n',
  },
  good: { 'buildspec.yml': 'version: 0.2\nphases:\n  build:\n    commands:\n      - npm test\n' },
  *check(world): Iterable<Verdict> {
    for (const step of buildspecSteps(world)) {
      for (const kind of ['tests', 'security', 'accessibility'] as const) {
        if (!isGate(step, kind) || isDeploy(step)) continue
        const weak = weaknessOf(step, kind)
        if (weak) yield fail(weak.at, `"${step.run.slice(0, 60)}" cannot stop the release: ${weak.how}.`)
        else yield pass(step.at)
      }
    }
  },
}
