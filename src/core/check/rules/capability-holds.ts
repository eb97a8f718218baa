import { capabilitiesOf, flawOfCapability } from '../capability.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const capabilityHolds: Rule = {
  id: 'capability-holds',
  question: 9,
  title: 'Whoever vouches for what the files do not show is named, with a digest, for a time',
  formats: ['github-workflow', 'jenkinsfile', 'terraform', 'helm', 'kustomization'],
  severity: 'warn',
  reach: 1,
  harm: 'A gate counts as there because somebody once said so, and a bad release passes through where it was.',
  defaults: 'An entry that does not hold vouches for nothing: the questions it answered are open again.',
  fix: 'Look at what runs now, then renew digest, evidence, owner and expires in holdfast-capabilities.yaml.',
  cites: 'Holdfast: capability maps',
  everywhere: true,
  bad: {
    'holdfast-capabilities.yaml':
      'capabilities:\n  - match: org/shared/deploy.yml@*\n    digest: git:8f4b7f84864484a7bf31766abe9204da3cbe65b3\n    provides: [gate.scan]\n    evidence: docs/review.md\n    owner: platform team\n    expires: 2026-01-31\n',
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    uses: org/shared/deploy.yml@8f4b7f84864484a7bf31766abe9204da3cbe65b3\n    with: { environment: production }\n',
  },
  good: {
    'holdfast-capabilities.yaml':
      'capabilities:\n  - match: org/shared/deploy.yml@*\n    digest: git:8f4b7f84864484a7bf31766abe9204da3cbe65b3\n    provides: [gate.scan]\n    evidence: docs/review.md\n    owner: platform team\n    expires: 2027-01-31\n',
    '.github/workflows/cd.yml':
      'on: push\njobs:\n  deploy:\n    uses: org/shared/deploy.yml@8f4b7f84864484a7bf31766abe9204da3cbe65b3\n    with: { environment: production }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const capability of capabilitiesOf(world)) {
      const flaw = flawOfCapability(capability, world.tree, world.today)
      if (flaw) yield fail(capability.at, `Nobody can rely on the entry for ${capability.match || 'nothing'}: ${flaw}`)
      else yield pass(capability.at)
    }
  },
}
