import { kiroSources } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const TASK = /^\s*[-*+]\s+\[[ xX\-~]\]\\?\*?\s+\S/

export const kiroTasks: Rule = {
  id: 'kiro-tasks',
  question: 8,
  title: 'Tasks can be started, are of one sitting, and say when they are done',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The work on rollback and runbooks is never started, or never known to be finished.',
  defaults: 'A line that is not "- [ ] …" is not a task.',
  fix: '- [ ] 1.2 Verb and object of 30 to 60 minutes, with "Done when: <command and result>" and _Requirements: 1.1_ below it.',
  cites: 'playbook: spec task granularity mismatch',
  everywhere: true,
  bad: { '.kiro/specs/runbooks/tasks.md': '# Tasks\n\n- [] 1. Write the runbook for a stuck queue\n' },
  good: {
    '.kiro/specs/runbooks/tasks.md':
      '# Tasks\n\n- [ ] 1. Write the runbook for a stuck queue\n  - Done when: a colleague follows it against the rehearsal queue in 20 minutes\n  - _Requirements: 1.1_\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/specs\/[^/]+\/tasks\.md$/)) {
      const lines = src.text.split('\n', 20_000)
      const tasks = lines.filter((line) => TASK.test(line))
      if (tasks.length === 0) yield fail({ file: src.file, line: 1, col: 1 }, 'Kiro finds no task in this file.')
      for (const [index, line] of lines.entries()) {
        const at = { file: src.file, line: index + 1, col: 1 }
        if (TASK.test(line)) yield pass(at)
        else if (/^\s*[-*+]\s+\[\s*\]\s*\S|^\s*\d+\.\s+\[[ xX]?\]/.test(line))
          yield fail(at, `Kiro does not see this line as a task: "${line.trim().slice(0, 60)}".`)
      }
      if (tasks.length > 0 && !/done when|acceptance|verify|expected/i.test(src.text))
        yield fail({ file: src.file, line: 1, col: 1 }, 'No task says when it is done.', { severity: 'warn' })
      const vague = lines.findIndex(
        (line) =>
          TASK.test(line) &&
          /\]\*?\s+(?:[\d.]+\s+)?(?:handle|manage|implement all|deal with|take care of)\b/i.test(line),
      )
      if (vague >= 0)
        yield fail(
          { file: src.file, line: vague + 1, col: 1 },
          `This task is too broad to finish in an hour: "${lines[vague]!.trim().slice(0, 60)}".`,
          { severity: 'warn' },
        )
    }
  },
}
