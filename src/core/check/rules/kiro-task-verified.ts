import { tasksOf } from '../kiro/spec.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroTaskVerified: Rule = {
  id: 'kiro-task-verified',
  question: 4,
  title: 'A task on rollback or a runbook ends with somebody else following it',
  formats: ['kiro'],
  severity: 'warn',
  reach: 1,
  harm: 'The recovery works for its author, who is asleep.',
  defaults: 'None.',
  fix: 'Done when: somebody other than the author has followed it, with the time it took.',
  cites: 'playbook: recovery steps verified by someone other than the author',
  everywhere: true,
  bad: {
    '.kiro/specs/runbooks/tasks.md':
      '- [ ] 1. Write the runbook for a stuck letter queue\n  - Done when: the file runbooks/queue.md exists\n',
  },
  good: {
    '.kiro/specs/runbooks/tasks.md':
      '- [ ] 1. Write the runbook for a stuck letter queue\n  - Done when: a colleague follows it in 20 minutes\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/specs\/[^/]+\/tasks\.md$/)) {
      const tasks = tasksOf(src)
      const about = tasks.filter(
        (task) => task.leaf && /\brunbook|\brollback\b|\broll back\b|\brecovery (?:steps?|procedure)/i.test(task.title),
      )
      const open = about.filter((task) => !task.done)
      // One walk-through by somebody else may cover them all.
      const covered = tasks.some((task) => BY_ANOTHER.test(`${task.title}\n${task.body}`))
      for (const task of open.slice(0, 1)) {
        if (covered) yield pass(task.at)
        else
          yield fail(
            task.at,
            `Nobody but its author has to follow what task ${task.id} writes: "${task.title.slice(0, 60)}".`,
          )
      }
    }
  },
}

const BY_ANOTHER =
  /colleague|somebody (?:else|other)|someone (?:else|other)|second person|other than the author|not the author|new (?:starter|joiner)|peer|game ?day|drill|rehears|unfamiliar|on-call (?:person|engineer) follows/i
