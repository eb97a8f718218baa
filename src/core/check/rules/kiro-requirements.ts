import { criteriaOf, tasksOf } from '../kiro/spec.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const EARS = /^\s*(?:\*\*)?(?:WHEN|WHILE|IF|WHERE)\b[\s\S]*\bSHALL\b|^\s*(?:\*\*)?THE\b[\s\S]*\bSHALL\b/i

export const kiroRequirements: Rule = {
  id: 'kiro-requirements',
  question: 8,
  title: 'Requirements can be tested, and every task serves one that exists',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'Nobody can show that the work on rollback did what was asked, and an auditor sees a list without a thread.',
  defaults: 'Kiro does not read _Requirements:_ lines; nothing warns of an id that does not exist.',
  fix: 'WHEN <event> THE <system> SHALL <one result>; and _Requirements: 1.2_ below each task, with an id from requirements.md.',
  cites: 'playbook: traceable links between failure modes and response steps',
  everywhere: true,
  bad: {
    '.kiro/specs/rollback/requirements.md':
      '### Requirement 1: Rollback\n\n#### Acceptance Criteria\n\n1. WHEN a release fails THE pipeline SHALL take it back within 15 minutes\n',
    '.kiro/specs/rollback/tasks.md':
      '- [ ] 1. Rehearse the rollback on staging\n  - Done when: the drill report says under 15 minutes\n  - _Requirements: 2.1_\n',
  },
  good: {
    '.kiro/specs/rollback/requirements.md':
      '### Requirement 1: Rollback\n\n#### Acceptance Criteria\n\n1. WHEN a release fails THE pipeline SHALL take it back within 15 minutes\n',
    '.kiro/specs/rollback/tasks.md':
      '- [ ] 1. Rehearse the rollback on staging\n  - Done when: the drill report says under 15 minutes\n  - _Requirements: 1.1_\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/specs\/[^/]+\/requirements\.md$/)) {
      const criteria = criteriaOf(src)
      const loose = criteria.find((one) => !EARS.test(one.text))
      const double = criteria.find((one) => (one.text.match(/\bSHALL\b/g)?.length ?? 0) > 1)
      if (loose)
        yield fail(loose.at, `Criterion ${loose.id} is not one that can be tested: "${loose.text.slice(0, 60)}".`, {
          severity: 'warn',
        })
      if (double) yield fail(double.at, `Criterion ${double.id} asks for two things (two SHALL).`, { severity: 'warn' })
      if (!loose && !double && criteria.length > 0) yield pass({ file: src.file, line: 1, col: 1 })
      const folder = src.file.slice(0, src.file.lastIndexOf('/'))
      const tasksFile = kiroSources(world, /\/tasks\.md$/).find((other) => other.file === `${folder}/tasks.md`)
      if (!tasksFile || criteria.length === 0) continue
      const known = new Set([...criteria.map((one) => one.id), ...criteria.map((one) => one.id.split('.')[0]!)])
      const tasks = tasksOf(tasksFile)
      const served = new Set(tasks.flatMap((task) => task.requirements))
      for (const task of tasks.filter((one) => one.leaf && !one.done)) {
        const dangling = task.requirements.find((id) => !known.has(id))
        if (dangling) yield fail(task.at, `Task ${task.id} serves requirement ${dangling}, which does not exist.`)
        else if (task.requirements.length === 0 && !/checkpoint/i.test(task.title))
          yield fail(task.at, `Task ${task.id || `"${task.title.slice(0, 40)}"`} serves no requirement.`, {
            severity: 'warn',
          })
        else yield pass(task.at)
      }
      const idle = criteria.find((one) => !served.has(one.id) && !served.has(one.id.split('.')[0]!))
      if (idle) yield fail(idle.at, `No task serves requirement ${idle.id}.`, { severity: 'warn' })
    }
  },
}
