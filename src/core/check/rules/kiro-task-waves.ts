import { tasksOf, wavesOf } from '../kiro/spec.ts'
import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Sessions ended early from 6 to 19 KB on (kirodotdev/Kiro#2324).
const BYTES_MAX = 16_000

export const kiroTaskWaves: Rule = {
  id: 'kiro-task-waves',
  question: 8,
  title: 'The graph of tasks names the tasks there are, and the spec is short enough to run',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: '“Run all” stops at the first wave, and the work on recovery is left half done.',
  defaults: 'Ids that disagree break Kiro’s parser (kirodotdev/Kiro#9405).',
  fix: 'List in waves exactly the ids of the tasks above, and split a spec of more than 16 KB.',
  cites: 'Kiro documentation: specs',
  everywhere: true,
  bad: {
    '.kiro/specs/rollback/tasks.md':
      '- [ ] 1. Rehearse the rollback on staging\n  - Done when: under 15 minutes\n\n## Task Dependency Graph\n\n```json\n{"waves":[["1","2"]]}\n```\n',
  },
  good: {
    '.kiro/specs/rollback/tasks.md':
      '- [ ] 1. Rehearse the rollback on staging\n  - Done when: under 15 minutes\n\n## Task Dependency Graph\n\n```json\n{"waves":[["1"]]}\n```\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/specs\/[^/]+\/(tasks|design|requirements)\.md$/)) {
      const at = { file: src.file, line: 1, col: 1 }
      if (src.text.length > BYTES_MAX)
        yield fail(
          at,
          `The file has ${Math.round(src.text.length / 1_000)} KB; sessions on specs this large end early.`,
          {
            severity: 'warn',
          },
        )
      if (!src.file.endsWith('/tasks.md')) continue
      const waves = wavesOf(src)
      if (!waves) continue
      const ids = new Set(tasksOf(src).map((task) => task.id))
      const strange = waves.ids?.find((id) => !ids.has(id))
      if (waves.ids === undefined) yield fail(waves.at, 'The graph of tasks is not {"waves":[["1","2"],["3"]]}.')
      else if (strange !== undefined) yield fail(waves.at, `The graph names task ${strange}, which does not exist.`)
      else yield pass(waves.at)
    }
  },
}
