import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const runbookSteps: Rule = {
  id: 'runbook-steps',
  question: 4,
  title: 'A stranger finds something to do in a runbook',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The recovery stops at the first step that only its author understands.',
  defaults: 'None.',
  fix: 'Give the command or the exact label to press, what to expect, and where to go when it is not so.',
  cites: 'playbook: step-by-step recovery actions assuming no prior knowledge of the service',
  bad: {
    'runbooks/down.md':
      '# The service is down\n\nCitizens see an error page. Check the logs and restart things as appropriate. Then ask someone who knows the database whether it is all right, and investigate further.\n',
  },
  good: {
    'runbooks/down.md':
      '# The service is down\n\nCitizens see an error page.\n\n```sh\nkubectl get pods\n```\n\nExpect: every pod is "Running". If not, call the on-call lead (escalate after 10 minutes).\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('runbook')) {
      if (/(^|\/)(readme|index|template)\.md$/i.test(src.file)) continue
      const at = { file: src.file, line: 1, col: 1 }
      const place = (index: number) => ({ file: src.file, ...src.lines.placeOf(index) })
      const code =
        /^\s*```/m.test(src.text) ||
        /^\s*(?:run|ui):/m.test(src.text) ||
        /(?:press|click|choose|select|open|go to)\**\s+["“*]/i.test(src.text)
      const prompt = /^```(?:sh|bash|shell|console)?\s*\n\s*(?:\$|#|>)\s+\w/m.exec(src.text)
      const quotes = /^\s*```[^\n]*\n(?:(?!```)[^\n]*\n)*?[^\n]*[“”‘’…]/m.exec(src.text)
      if (!code) yield fail(at, 'No step has a command, or a label to press, that a stranger could repeat.')
      else if (quotes)
        yield fail(place(quotes.index), 'A command holds typographic quotes or dots, so a pasted copy fails.')
      else if (prompt)
        yield fail(place(prompt.index), 'A command begins with a prompt, so a pasted copy fails.', { severity: 'info' })
      else yield pass(at)
    }
  },
}
