import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const runbookEscalation: Rule = {
  id: 'runbook-escalation',
  question: 10,
  title: 'A runbook says when to stop and whom to wake',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'One tired person tries alone for an hour while citizens wait.',
  defaults: 'None.',
  fix: 'Say after how many minutes to escalate, to which role, and how to reach it out of hours.',
  cites: 'playbook: decision points clear: when to escalate, when to rollback, when to communicate',
  bad: {
    'runbooks/slow.md':
      '# Pages are slow\n\nCitizens wait longer than 5 seconds for a page.\n\n```sh\nkubectl top pods\n```\n\nExpect less than 500m for each pod. If not, scale up.\n',
  },
  good: {
    'runbooks/slow.md':
      '# Pages are slow\n\nCitizens wait longer than 5 seconds for a page.\n\n```sh\nkubectl top pods\n```\n\nExpect less than 500m for each pod. If not after 10 minutes, escalate to the on-call lead.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('runbook')) {
      if (/(^|\/)(readme|index|template)\.md$/i.test(src.file)) continue
      const at = { file: src.file, line: 1, col: 1 }
      if (
        /escalat|\bwake\b|\bpage (?:the|your)|\bcall (?:the|your)|on-?call|out[- ]of[- ]hours|incident lead|duty manager/i.test(
          src.text,
        )
      )
        yield pass(at)
      else yield fail(at, 'The runbook does not say when to stop and whom to call.')
    }
  },
}
