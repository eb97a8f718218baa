import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { blocksOf, EXPECTS, isCommand, runbooksOf } from '../runbook.ts'

export const runbookResult: Rule = {
  id: 'runbook-result',
  question: 4,
  title: 'Each command of a runbook says what to expect',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'Somebody runs the command, does not know whether it worked, and goes on; citizens wait while the fault stays.',
  defaults: 'None.',
  fix: 'After each command write what a stranger should see, and where to go when it is not so.',
  cites: 'playbook: how to confirm the problem is real; recovery actions assuming no prior knowledge',
  bad: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Escalate to the on-call lead after 10 minutes.\n\n```sh\nsystemctl status worker\n```\n\n## Restart\n\n```sh\nsystemctl restart worker\n```\n',
  },
  good: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Escalate to the on-call lead after 10 minutes.\n\n```sh\nsystemctl status worker\n```\n\nExpect: "active (running)". If not, restart it:\n\n```sh\nsystemctl restart worker\n```\n\nYou should see "active" within a minute.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const commands = blocksOf(src).filter(isCommand)
      // A colon before the block belongs to the command; what it should give stands after it, or in the words before.
      const mute = commands.filter((block) => !EXPECTS.test(block.after) && !EXPECTS.test(block.before))
      const [first] = mute
      if (first)
        yield fail(
          { file: src.file, ...src.lines.placeOf(first.at) },
          `${mute.length} of ${commands.length} commands ${mute.length === 1 ? 'does' : 'do'} not say what to expect.`,
        )
      else if (commands.length > 0) yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
