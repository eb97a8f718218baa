import { allowancesOf, flawOf } from '../allowance.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const allowanceHolds: Rule = {
  id: 'allowance-holds',
  question: 9,
  title: 'Each exception has a reason, an owner and an end',
  formats: [
    'github-workflow',
    'dockerfile',
    'sql',
    'terraform',
    'kubernetes',
    'compose',
    'cloudformation',
    'prometheus',
  ],
  severity: 'error',
  reach: 1,
  harm: 'A danger that somebody once accepted stays for ever, and nobody remembers why.',
  defaults: 'None: an exception without reason, owner or date does not hold.',
  fix: 'holdfast-allow: <rule> reason="…" owner="…" approver="…" expires=YYYY-MM-DD, at most 90 days ahead.',
  cites: 'Holdfast: exceptions are promises to come back',
  everywhere: true,
  bad: { Dockerfile: '# holdfast-allow: docker-signal reason="later"\nFROM node:20\nCMD npm start\n' },
  good: {
    Dockerfile:
      '# holdfast-allow: docker-signal reason="base image replaced in January" owner="platform team" approver="service owner" expires=2027-01-15\nFROM node:20\nCMD npm start\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.all) {
      for (const allowance of allowancesOf(src)) {
        const at = { file: src.file, line: allowance.line, col: 1 }
        const flaw = flawOf(allowance, world.today)
        if (flaw) yield fail(at, `The exception for ${allowance.rule} does not hold. ${flaw}`)
        else yield pass(at)
      }
    }
  },
}
