import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { runbooksOf } from '../runbook.ts'

const DAYS_MAX = 365
const RAN =
  /\b(?:last\s+)?(?:run|ran|rehears\w+|drill\w*|tested|exercised|executed|walked through|followed|verified|practi[sc]ed)\b[^\n]{0,60}?(\d{4}-\d{2}-\d{2}|\d{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\s+\d{4})/i

export const runbookRehearsed: Rule = {
  id: 'runbook-rehearsed',
  question: 4,
  title: 'A runbook says when somebody last followed it',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The recovery was never tried, and its first rehearsal is the incident.',
  defaults: 'A date of review says that somebody read it, not that it works.',
  fix: 'Write "Last rehearsed 2026-11-01 by the on-call pair: 8 minutes", and do it again within a year.',
  cites: 'playbook: recovery procedures never actually tested',
  bad: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Last rehearsed 2023-02-01.\n\n```sh\nsystemctl restart worker\n```\n\nExpect: active. If not, escalate to the on-call lead.\n',
  },
  good: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Last rehearsed 2026-10-01: 8 minutes.\n\n```sh\nsystemctl restart worker\n```\n\nExpect: active. If not, escalate to the on-call lead.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const match = RAN.exec(src.text)
      const at = { file: src.file, ...src.lines.placeOf(match?.index ?? 0) }
      const when = match ? Date.parse(/^\d{4}-/.test(match[1]!) ? match[1]! : `${match[1]!} UTC`) : Number.NaN
      const days = Math.floor((world.today - when) / 86_400_000)
      if (Number.isNaN(when))
        yield fail(at, 'The runbook does not say when somebody last followed it.', { severity: 'info' })
      else if (days > DAYS_MAX)
        yield fail(at, `The runbook was last followed ${days} days ago.`, { arithmetic: `${days} days > ${DAYS_MAX}` })
      else yield pass(at)
    }
  },
}
