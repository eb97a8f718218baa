import type { Source } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { runbooksOf } from '../runbook.ts'
import { pathsOf } from '../tree.ts'

const ELSEWHERE = /\b(?:staging|stage|stg|dev|test|uat|preprod|pre-prod|integration|int|sandbox)\b/i

export const runbookLinks: Rule = {
  id: 'runbook-links',
  question: 4,
  title: 'What a runbook points at is there, and belongs to production',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The link leads nowhere, or to the test environment, where everything looks well.',
  defaults: 'None.',
  fix: 'Mend the path, or copy what is needed into the page; link to the production console.',
  cites: 'Holdfast: runbook checks, life; right target',
  bad: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Look at [the dashboard](https://grafana.staging.example.gov.uk/d/letters): more than 100 waiting is bad, and then escalate to the on-call lead.\n',
  },
  good: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Look at [the dashboard](https://grafana.live.example.gov.uk/d/letters): more than 100 waiting is bad, and then escalate to the on-call lead.\n',
  },
  *check(world): Iterable<Verdict> {
    const known = new Set(pathsOf(world.tree))
    for (const src of runbooksOf(world)) {
      const dead = world.tree.paths === undefined ? undefined : deadLink(src, known)
      const astray = /(?:staging|test|dev|uat|rehears)/i.test(src.file) ? undefined : testLink(src)
      if (dead) yield fail({ file: src.file, ...src.lines.placeOf(dead.at) }, `${dead.link} is not there.`)
      else if (astray)
        yield fail(
          { file: src.file, ...src.lines.placeOf(astray.at) },
          `The runbook leads to a test environment: ${astray.link}.`,
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}

function deadLink(src: Source, known: ReadonlySet<string>): { readonly link: string; readonly at: number } | undefined {
  for (const match of src.text
    .slice(0, 200_000)
    .matchAll(/\]\((?!https?:|mailto:|tel:|#|\/|<|\$)([^)\s#?]{1,300})(?:[#?][^)\s]*)?\)/g)) {
    const path = joined(src.file, match[1]!)
    if (
      path === undefined ||
      known.has(path) ||
      [...known].some((one) => one.startsWith(`${path.replace(/\/$/, '')}/`))
    )
      continue
    return { link: match[1]!, at: match.index }
  }
  return undefined
}

function joined(file: string, link: string): string | undefined {
  const parts = file.split('/').slice(0, -1)
  for (const part of decodeURI(link.replace(/%(?![0-9a-f]{2})/gi, '%25')).split('/')) {
    if (part === '..') {
      if (parts.length === 0) return undefined
      parts.pop()
    } else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** A link whose host is a test environment’s, on a line that does not say so. */
function testLink(src: Source): { readonly link: string; readonly at: number } | undefined {
  for (const match of src.text.slice(0, 200_000).matchAll(/https?:\/\/([\w.-]{1,200})[^\s)>"'`]*/g)) {
    if (!ELSEWHERE.test(match[1]!.replaceAll(/[.-]/g, ' '))) continue
    const start = src.text.lastIndexOf('\n', match.index) + 1
    const words = src.text.slice(start, match.index)
    if (!/\b(staging|test|dev|uat|preprod|integration|sandbox|rehears\w*|first try)\b/i.test(words))
      return { link: match[0].slice(0, 80), at: match.index }
  }
  return undefined
}
