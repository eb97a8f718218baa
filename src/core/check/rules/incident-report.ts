import type { Source } from '../formats/node.ts'
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
      '# Outage\n\nIncident lead: primary on call. Noticed by alert; 240 citizens could not submit.\n\n## Timeline\n\n- 14:10 Alert\n- 14:31 Mended\n\n## Actions\n\n- Raise the pool size (owner: platform team, due 2026-04-01)\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('incident-report')) {
      if (/(^|\/)(readme|index|template|_?template[\w-]*)\.md$/i.test(src.file)) continue
      const flaws = [...flawsOf(src)]
      for (const { at, says, severity } of flaws)
        yield fail({ file: src.file, ...src.lines.placeOf(at) }, says, severity ? { severity } : {})
      if (flaws.length === 0) yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}

interface Flaw {
  readonly at: number
  readonly says: string
  readonly severity?: 'info'
}

function* flawsOf(src: Source): Iterable<Flaw> {
  const { text } = src
  const impossible = /(?<![\d:.-])(?:2[4-9]|[3-9]\d):\d{2}(?!\d)|(?<![\d:.-])\d{1,2}:[6-9]\d(?![\d:])/.exec(text)
  if (impossible) yield { at: impossible.index, says: `There is no time ${impossible[0]}.` }
  const day = impossibleDate(text)
  if (day) yield { at: day.at, says: `There is no ${day.written}.` }
  if (!impossible) {
    yield* disorder(text)
    yield* endsBeforeItBegins(text)
  }
  yield* actionsOf(text)
  // "Detected: 10:30" says when, and not how.
  if (!/alert|alarm|monitor|detect(?!ed\W{1,9}(?:at\s+)?\d)|noticed|report(?:ed)? by|complain|paged/i.test(text))
    yield { at: 0, says: 'The report does not say how the incident was noticed.' }
  if (
    !/\b(?:incident (?:lead|commander|manager)|scribe|comms? lead|communications lead|led by|responders?:|roles?\b|on-call)\b/i.test(
      text,
    )
  )
    yield { at: 0, says: 'The report names nobody in a role: who led, who wrote, who told citizens.', severity: 'info' }
}

function impossibleDate(text: string): { readonly written: string; readonly at: number } | undefined {
  for (const match of text.matchAll(/\b(\d{4})-(\d{2})-(\d{2})\b/g)) {
    const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
    const date = new Date(Date.UTC(year, month - 1, day))
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return { written: match[0], at: match.index }
  }
  return undefined
}

/** Times of the timeline that go backwards by less than half a day; more is the next morning. */
function* disorder(text: string): Iterable<Flaw> {
  const section = /^#+\s*(?:timeline|chronology|sequence of events)[^\n]*\n([\s\S]*?)(?=^#{1,6}\s|(?![\s\S]))/im.exec(
    text,
  )
  if (!section) return
  const start = section.index + section[0].length - section[1]!.length
  let last: { readonly minutes: number; readonly written: string; readonly day: string | undefined } | undefined
  for (const match of section[1]!.matchAll(/^[\s|*+-]*(?:(\d{4}-\d{2}-\d{2})[T ,]*)?\**(\d{1,2}):(\d{2})\b/gm)) {
    const minutes = Number(match[2]) * 60 + Number(match[3])
    const written = `${match[2]}:${match[3]}`
    const day = match[1] ?? last?.day
    const back = last && minutes < last.minutes
    // Without dates, more than half a day back is the next morning; with them, the dates decide.
    const wrong = match[1] && last?.day ? match[1] < last.day || (match[1] === last.day && back) : !match[1] && back
    if (last && wrong && (match[1] || last.minutes - minutes < 12 * 60)) {
      const from = match[1] && match[1] !== last.day ? `${last.day} ${last.written}` : last.written
      const to = match[1] && match[1] !== last.day ? `${match[1]} ${written}` : written
      yield { at: start + match.index, says: `The timeline goes back from ${from} to ${to}.` }
      return
    }
    last = { minutes, written, day }
  }
}

/** "Started", "Detected" and "Resolved" with a full date each, as fields or table rows: none may come before the one above it. */
function* endsBeforeItBegins(text: string): Iterable<Flaw> {
  const moments = [
    ['start', /\b(?:started|began|start(?: time)?|impact start)\b/i],
    ['detection', /\b(?:detected|noticed|detection(?: time)?)\b/i],
    ['end', /\b(?:resolved|ended|mended|end(?: time)?|impact end)\b/i],
  ] as const
  let last: { readonly name: string; readonly written: string } | undefined
  for (const [name, word] of moments) {
    const field = new RegExp(
      `^[\\s|*+-]{0,9}(?:${word.source})[\\s|:*]{1,9}(\\d{4}-\\d{2}-\\d{2})[T ,]{1,3}(\\d{2}:\\d{2})`,
      'im',
    ).exec(text)
    if (!field) continue
    const written = `${field[1]} ${field[2]}`
    if (last && written < last.written) {
      yield { at: field.index, says: `The ${name} (${written}) comes before the ${last.name} (${last.written}).` }
      return
    }
    last = { name, written }
  }
}

function* actionsOf(text: string): Iterable<Flaw> {
  const actions =
    /^#+\s*(?:actions?|follow[- ]?ups?|next steps|improvements|remedial[^\n]*)[^\n]*\n([\s\S]*?)(?=^#+\s|(?![\s\S]))/im.exec(
      text,
    )
  if (!actions) {
    yield { at: 0, says: 'The report names no actions.' }
    return
  }
  const listed = actions[1]!.replace(/<!--[\s\S]*?-->/g, '').trim()
  if (listed === '' || /^(?:[-*|]?\s*(?:none|n\/a|tbc|tbd)\.?)$/i.test(listed))
    yield { at: actions.index, says: 'The list of actions is empty.' }
  else if (!/owner|assigned|responsible|@\w|\|\s*\w/i.test(listed))
    yield { at: actions.index, says: 'No action has an owner.' }
  else if (
    !/\d{4}-\d{2}-\d{2}|\b(?:due|by|within|before)\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\s+\d{4}|done|closed|complete/i.test(
      listed,
    )
  )
    yield { at: actions.index, says: 'No action has a date.', severity: 'info' }
}
