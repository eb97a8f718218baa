import { parseRunbook } from '../../respond/runbook.ts'
import type { Source } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { runbooksOf } from '../runbook.ts'

const FIRST_SCREEN = 12

export const runbookShape: Rule = {
  id: 'runbook-shape',
  question: 4,
  title: 'A runbook begins with what to do, keeps its order, and ends with the citizen served',
  formats: ['runbook'],
  severity: 'warn',
  reach: 1,
  harm: 'The reader scrolls for the first safe step, and closes the incident before citizens are served.',
  defaults: 'None.',
  fix: 'First screen: what citizens see, how to confirm it, one safe action, who to wake. Last step: walk the journey.',
  cites: 'playbook: what the on-call person sees and does first',
  bad: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter.\n\n1. Look at the queue.\n2. Restart the worker.\n4. Tell the on-call lead, or escalate after ten minutes if the queue has not moved by then.\n',
  },
  good: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. If there is no answer, escalate to the on-call lead.\n\n1. Look at the queue.\n2. Restart the worker.\n3. Send a test letter and check that it arrives: the journey works again.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const found = /^[ \t]*```step\b/m.test(src.text) ? typed(src) : [...shape(src)]
      if (found.length > 0) yield* found
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}

/** Typed steps are read as `holdfast respond` reads them. */
function typed(src: Source): readonly Verdict[] {
  return parseRunbook(src.text, src.file)
    .findings.slice(0, 5)
    .map((finding) =>
      fail({ file: src.file, line: finding.line, col: 1 }, finding.says, {
        fix: finding.fix,
        ...(finding.severity === 'error' ? {} : { severity: 'info' }),
      }),
    )
}

function* shape(src: Source): Iterable<Verdict> {
  const gap = numberingGap(src)
  if (gap)
    yield fail(
      { file: src.file, ...src.lines.placeOf(gap.at) },
      `Step ${gap.missing} is missing: ${gap.before} is followed by ${gap.after}.`,
    )
  const twice = headingTwice(src)
  if (twice)
    yield fail({ file: src.file, ...src.lines.placeOf(twice.at) }, `There are two sections called "${twice.title}".`, {
      severity: 'info',
    })
  const screen = src.text
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, FIRST_SCREEN)
    .join('\n')
  if (!/citizen|user|applicant|customer|claimant|people|public|visitor|cannot|can't|see(s)? /i.test(screen))
    yield fail({ file: src.file, line: 1, col: 1 }, 'The first screen does not say what citizens meet.', {
      severity: 'info',
    })
  if (
    !/\b(?:journey|apply|submit|application|smoke ?test|end[- ]to[- ]end|citizens? can|users? can|sign in|as a citizen|as a user|health)\b/i.test(
      src.text.slice(-1_500),
    )
  )
    yield fail(
      { file: src.file, line: Math.max(1, src.text.split('\n').length - 1), col: 1 },
      'Nothing at the end shows that citizens are served again.',
      { severity: 'info' },
    )
}

/** 1, 2, 4. A list that is written 1, 1, 1 numbers itself. */
function numberingGap(
  src: Source,
): { readonly missing: number; readonly before: number; readonly after: number; readonly at: number } | undefined {
  let last = 0
  for (const match of src.text.slice(0, 200_000).matchAll(/^(?:(#{1,6})\s|(\d{1,3})\.\s)/gm)) {
    if (match[1]) last = 0
    const number = match[2] ? Number(match[2]) : undefined
    if (number === undefined) continue
    if (last > 0 && number > last + 1) return { missing: last + 1, before: last, after: number, at: match.index }
    last = number
  }
  return undefined
}

function headingTwice(src: Source): { readonly title: string; readonly at: number } | undefined {
  const seen = new Set<string>()
  for (const match of src.text.slice(0, 200_000).matchAll(/^#{1,2}\s+(.{1,200})$/gm)) {
    const title = match[1]!.trim().toLowerCase()
    if (seen.has(title)) return { title: match[1]!.trim(), at: match.index }
    seen.add(title)
  }
  return undefined
}
