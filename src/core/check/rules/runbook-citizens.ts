import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const runbookCitizens: Rule = {
  id: 'runbook-citizens',
  question: 11,
  title: 'A runbook begins with what citizens meet, and says what to tell them',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The system is mended, and for hours nobody told citizens that their deadline would be moved.',
  defaults: 'None.',
  fix: 'Write what citizens see in the first lines, and link the message to publish.',
  cites: 'playbook: start with citizen impact; what to communicate to affected citizens',
  bad: {
    'runbooks/pool.md':
      '# Connection pool exhausted\n\nThe pool has 20 connections. When they are used up, restart the API.\n\n```sh\nsystemctl restart api\n```\n\nExpect: active. If not, escalate to the platform team after 10 minutes.\n',
  },
  good: {
    'runbooks/pool.md':
      '# Connection pool exhausted\n\nCitizens see "Sorry, there is a problem" after pressing Submit. Publish the message in comms/outage.md.\n\n```sh\nsystemctl restart api\n```\n\nExpect: active. If not, escalate to the platform team after 10 minutes.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('runbook')) {
      if (/(^|\/)(readme|index|template)\.md$/i.test(src.file)) continue
      const at = { file: src.file, line: 1, col: 1 }
      if (/citizen|user|applicant|customer|claimant|people (?:see|cannot)|the public|visitor/i.test(src.text))
        yield pass(at)
      else yield fail(at, 'The runbook does not say what citizens meet, or what to tell them.')
    }
  },
}
