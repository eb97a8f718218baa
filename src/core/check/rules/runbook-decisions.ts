import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { runbooksOf } from '../runbook.ts'

// Words that leave the decision to a reader who does not know the service.
const HIDES =
  /\b(if (?:you are |you're )?confident|as (?:appropriate|needed|necessary|required)|(?:you )?may want to|investigate(?: further)?|check the logs(?!\s*(?:for|with|:|in\s+\S+\s+for))|the usual (?:tools|way|suspects|process)|should be fine|use your judge?ment|it depends|somehow|ask (?:someone|somebody|anyone) who knows|do the needful|try (?:some|a few) things|various things)\b/i

export const runbookDecisions: Rule = {
  id: 'runbook-decisions',
  question: 4,
  title: 'A runbook decides, so that its reader does not have to',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'Somebody who has never seen the service has to decide at 3am what its author would not.',
  defaults: 'None.',
  fix: 'Say what to look at, from which number on, and what to do on either side of it.',
  cites: 'playbook: decision points clear: when to escalate, when to rollback, when to communicate',
  bad: {
    'runbooks/slow.md':
      '# Pages are slow\n\nCitizens wait. Escalate to the on-call lead after 10 minutes.\n\n```sh\nkubectl top pods\n```\n\nExpect low numbers. Otherwise investigate further and scale up as appropriate.\n',
  },
  good: {
    'runbooks/slow.md':
      '# Pages are slow\n\nCitizens wait. Escalate to the on-call lead after 10 minutes.\n\n```sh\nkubectl top pods\n```\n\nExpect less than 500m for each pod. If one has more, double the replicas (next step).\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const prose = src.text.replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, (block) => block.replace(/[^\n]/g, ' '))
      const match = HIDES.exec(prose)
      if (match)
        yield fail(
          { file: src.file, ...src.lines.placeOf(match.index) },
          `"${match[0]}" leaves the decision to somebody who does not know the service.`,
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
