import { minutesOf, tasksOf } from '../kiro/spec.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// The playbook asks for 30 to 60 minutes; the guess is rough, so it only speaks well outside.
const LEAST = 20
const MOST = 75

export const kiroTaskSize: Rule = {
  id: 'kiro-task-size',
  question: 8,
  title: 'A task is done in one sitting',
  formats: ['kiro'],
  severity: 'warn',
  reach: 1,
  harm: '“Handle database failures” is never finished, and “check connection string” is finished without anything being safer.',
  defaults: 'Minutes are guessed: 15, and 10 a file, 10 a further verb, 5 a bullet.',
  fix: 'Split it, or merge it with its neighbour, until it takes 30 to 60 minutes and ends with something to see.',
  cites: 'playbook: request tasks completable in 30-60 minutes with clear done criteria',
  everywhere: true,
  bad: {
    '.kiro/specs/runbooks/tasks.md':
      '- [ ] 1. Set up runbooks\n  - [ ] 1.1 Write and test and document and deploy runbooks for api.ts, worker.ts, queue.ts and db.ts\n    - Done when: a colleague follows each\n',
  },
  good: {
    '.kiro/specs/runbooks/tasks.md':
      '- [ ] 1. Set up runbooks\n  - [ ] 1.1 Write the runbook for a stuck letter queue in runbooks/queue.md\n    - Follow it once on the rehearsal queue\n    - Done when: a colleague follows it in 20 minutes\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/specs\/[^/]+\/tasks\.md$/)) {
      for (const task of tasksOf(src).filter((one) => one.leaf && !one.done)) {
        const { minutes, sum } = minutesOf(task)
        const words = task.title.split(/\s+/).length
        if (minutes > MOST)
          yield fail(task.at, `Task ${task.id} looks like ${minutes} minutes of work.`, { arithmetic: sum })
        else if (words < 4 && minutes < LEAST && !/checkpoint/i.test(task.title))
          yield fail(task.at, `Task ${task.id} is too small to be worth a line: "${task.title}".`, { severity: 'info' })
        else yield pass(task.at)
      }
    }
  },
}
