import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const incidentReport: Rule = {
  id: 'incident-report',
  question: 11,
  title: 'An incident report can be believed and acted on',
  formats: ['incident-report'],
  severity: 'warn',
  reach: 1,
  harm: 'The same incident happens to citizens again, because its report changed nothing.',
  defaults: 'None.',
  fix: 'Give real times in order, how it was noticed, how many citizens, and actions with an owner and a date.',
  cites: 'playbook: post-incident reviews capture actionable improvements',
  bad: { 'incidents/2026-03-01.md': '# Outage\n\n## Timeline\n\n- 14:10 Alert\n- 25:61 Mended\n\n## Actions\n\n' },
  good: {
    'incidents/2026-03-01.md':
      '# Outage\n\nNoticed by alert; 240 citizens could not submit.\n\n## Timeline\n\n- 14:10 Alert\n- 14:31 Mended\n\n## Actions\n\n- Raise the pool size (owner: platform team, due 2026-04-01)\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('incident-report')) {
      if (/(^|\/)(readme|index|template|_?template[\w-]*)\.md$/i.test(src.file)) continue
      const start = { file: src.file, line: 1, col: 1 }
      const place = (index: number) => ({ file: src.file, ...src.lines.placeOf(index) })
      const impossible = /(?<![\d:.-])(?:2[4-9]|[3-9]\d):\d{2}(?!\d)|(?<![\d:.-])\d{1,2}:[6-9]\d(?![\d:])/.exec(
        src.text,
      )
      const actions =
        /^#+\s*(?:actions?|follow[- ]?ups?|next steps|improvements|remedial[^\n]*)[^\n]*\n([\s\S]*?)(?=^#+\s|(?![\s\S]))/im.exec(
          src.text,
        )
      const listed = actions?.[1]?.replace(/<!--[\s\S]*?-->/g, '').trim() ?? ''
      if (impossible) yield fail(place(impossible.index), `There is no time ${impossible[0]}.`)
      else if (!actions) yield fail(start, 'The report names no actions.')
      else if (listed === '' || /^(?:[-*|]?\s*(?:none|n\/a|tbc|tbd)\.?)$/i.test(listed))
        yield fail(place(actions.index), 'The list of actions is empty.')
      else if (!/owner|assigned|responsible|@\w|\|\s*\w/i.test(listed))
        yield fail(place(actions.index), 'No action has an owner.')
      else if (!/alert|alarm|monitor|detect|noticed|report(?:ed)? by|complain|paged/i.test(src.text))
        yield fail(start, 'The report does not say how the incident was noticed.')
      else yield pass(start)
    }
  },
}
