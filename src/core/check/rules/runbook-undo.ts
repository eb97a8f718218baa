import { fail, pass, type Rule, type Verdict } from '../rule.ts'

const DESTROYS =
  /\b(kubectl\s+delete|drop\s+(?:table|database)|truncate\s+\w|rm\s+-r?f|terraform\s+destroy|delete\s+from|--force\b|purge-queue|flushall|scale\b[^\n]*--replicas[= ]0|terminate-instances|failover)/i

export const runbookUndo: Rule = {
  id: 'runbook-undo',
  question: 4,
  title: 'A step that destroys warns first and says how to undo it',
  formats: ['runbook'],
  severity: 'warn',
  reach: 3,
  harm: 'A tired person makes a small incident into lost applications.',
  defaults: 'None.',
  fix: 'Put a warning before the command with what it hits, and "Undo:" or "cannot be undone" after it.',
  cites: 'Holdfast: runbook checks, destructive steps',
  bad: {
    'runbooks/queue.md':
      '# Queue is full\n\nCitizens get no letter.\n\n```sh\naws sqs purge-queue --queue-url "$QUEUE"\n```\n\nExpect: no output. Otherwise escalate to the on-call lead within ten minutes.\n',
  },
  good: {
    'runbooks/queue.md':
      '# Queue is full\n\nCitizens get no letter.\n\n**Warning:** this deletes every waiting letter; it cannot be undone. Ask the service owner first.\n\n```sh\naws sqs purge-queue --queue-url "$QUEUE"\n```\n\nExpect: no output. Otherwise escalate to the on-call lead within ten minutes.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('runbook')) {
      const match = DESTROYS.exec(src.text)
      if (!match) continue
      const at = { file: src.file, ...src.lines.placeOf(match.index) }
      const before = src.text.slice(Math.max(0, match.index - 600), match.index)
      const around = `${before}${src.text.slice(match.index, match.index + 600)}`
      if (
        /warning|caution|danger|careful|before you|this (?:deletes|removes|stops|empties)|cannot be undone/i.test(
          before,
        ) &&
        /undo|restore|cannot be undone|put (?:it|them) back|roll(?:ing)? back/i.test(around)
      )
        yield pass(at)
      else yield fail(at, `"${match[0].trim()}" destroys something, with no warning before it or no way to undo it.`)
    }
  },
}
