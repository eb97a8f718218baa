import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const runbookFilled: Rule = {
  id: 'runbook-filled',
  question: 4,
  title: 'A runbook is finished',
  formats: ['runbook'],
  severity: 'error',
  reach: 2,
  harm: 'Somebody at 3am reaches the line "TBC" while citizens wait.',
  defaults: 'Most copies of a template never fill a section.',
  fix: 'Fill the section in, or take it out.',
  cites: 'playbook: runbooks executable by someone with no prior service knowledge',
  bad: {
    'runbooks/queue.md':
      '# Queue is stuck\n\nCitizens see "Application received" and get no letter.\n\n## Steps\n\n1. Restart the worker: TBC\n',
  },
  good: {
    'runbooks/queue.md':
      '# Queue is stuck\n\nCitizens see "Application received" and get no letter.\n\n## Steps\n\n1. Restart the worker:\n\n```sh\nsystemctl restart worker\n```\n\nExpect: active. If not, escalate to the on-call lead.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('runbook')) {
      const match =
        /\b(TBC|TBD|TODO|FIXME|XXX)\b|\[(?:insert|add|your|name of|link to|describe)[^\]\n]{0,100}\](?!\()|<(?:insert|your|add)[^>\n]{0,80}>|lorem ipsum|coming soon/i.exec(
          src.text,
        )
      if (match)
        yield fail(
          { file: src.file, ...src.lines.placeOf(match.index) },
          `The runbook still holds "${match[0].slice(0, 40)}".`,
        )
      else if (/(^|\/)(readme|index|template)\.md$/i.test(src.file)) continue
      else if (src.text.split(/\s+/).length < 20)
        yield fail({ file: src.file, line: 1, col: 1 }, 'The runbook is a stub.')
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
