import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { runbooksOf } from '../runbook.ts'

// Given names that no role, product or place is called by; enough to notice, and never a reason to flag a team.
const NAMES =
  'Adam|Alice|Amit|Andrew|Anna|Ben|Bob|Chris|Claire|Dan|Daniel|Dave|David|Emily|Emma|Fatima|Gary|George|Hannah|Harry|Helen|Ian|Jack|James|Jane|Jenny|Joe|John|Julie|Karen|Kate|Kevin|Laura|Liam|Lucy|Luke|Maria|Martin|Mary|Matt|Michael|Mike|Mohammed|Neil|Nick|Oliver|Paul|Pete|Peter|Phil|Priya|Rachel|Raj|Richard|Rob|Robert|Sam|Sarah|Simon|Sophie|Steve|Sue|Tom|Tony|Vikram|Wei|Yusuf'
const ASKS = new RegExp(
  `\\b(?:[Aa]sk|[Cc]all|[Pp]ing|[Pp]hone|[Cc]ontact|[Mm]essage|[Ee]mail|[Pp]age|[Ww]ake|[Tt]ext|[Ss]peak to|[Tt]alk to)\\s+@?(${NAMES})\\b`,
)
const MOBILE = /(?<![\d-])(?:\+44\s?7\d{3}|07\d{3})[\s-]?\d{3}[\s-]?\d{3}(?!\d)/

export const runbookPeople: Rule = {
  id: 'runbook-people',
  question: 10,
  title: 'A runbook wakes a role, not a person',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The one person who is named is on leave or has left, and nobody comes while citizens wait.',
  defaults: 'None.',
  fix: 'Name the role, and the route that reaches whoever holds it tonight.',
  cites: 'playbook: runbooks requiring knowledge only one person has; escalation out of hours',
  bad: {
    'runbooks/db.md':
      '# The database is away\n\nCitizens see an error page. Call Dave, he knows how to fail over.\n\nExpect him to answer within ten minutes, and escalate if he does not.\n',
  },
  good: {
    'runbooks/db.md':
      '# The database is away\n\nCitizens see an error page. Page "database on call"; it is answered day and night.\n\nExpect an answer within ten minutes, and escalate to the duty manager if there is none.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const person = ASKS.exec(src.text)
      const mobile = MOBILE.exec(src.text)
      if (person)
        yield fail(
          { file: src.file, ...src.lines.placeOf(person.index) },
          `The runbook needs ${person[1]}, whoever is on call tonight.`,
        )
      else if (mobile && !/07700 ?900/.test(mobile[0]))
        yield fail(
          { file: src.file, ...src.lines.placeOf(mobile.index) },
          'Somebody’s own mobile number stands in the runbook.',
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
