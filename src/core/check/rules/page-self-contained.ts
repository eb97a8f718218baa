import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const pageSelfContained: Rule = {
  id: 'page-self-contained',
  question: 11,
  title: 'The page for when the service is away needs nothing from the service',
  formats: ['unavailable-page'],
  severity: 'error',
  reach: 2,
  harm: 'When everything is down, the page that should say so is blank or broken.',
  defaults: 'Every link to a style, script, font or image is another request, to something that may be down too.',
  fix: 'Put the styles into the page itself and leave scripts, fonts and outside images out.',
  cites: 'playbook: incident communication templates ready for your service’s stakeholders',
  bad: {
    'public/unavailable.html':
      '<!doctype html><html lang="en"><head><title>Sorry</title><link rel="stylesheet" href="/assets/app.css"></head><body><h1>Sorry, the service is unavailable</h1><p>Call 0300 123 4567 after 9am.</p></body></html>',
  },
  good: {
    'public/unavailable.html':
      '<!doctype html><html lang="en"><head><title>Sorry</title><style>body{font-family:arial}</style></head><body><h1>Sorry, the service is unavailable</h1><p>Call 0300 123 4567 after 9am.</p></body></html>',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('unavailable-page')) {
      const visible = src.text.replace(/<!--[\s\S]*?-->/g, (comment) => comment.replace(/[^\n]/g, ' '))
      const match =
        /<(?:link\b[^>]{0,300}\brel=["']?(?:stylesheet|preload|icon)[^>]{0,300}\bhref=["']?(?!data:)|(?:script|img|iframe|source|video)\b[^>]{0,300}\bsrc=["']?(?!data:))|@import\b|url\(\s*["']?(?!data:)[^)"']/i.exec(
          visible,
        )
      if (match)
        yield fail(
          { file: src.file, ...src.lines.placeOf(match.index) },
          'The page asks for something else, which may be down as well.',
        )
      else if (src.text.length > 60_000)
        yield fail(
          { file: src.file, line: 1, col: 1 },
          `The page has ${Math.round(src.text.length / 1_000)} KB; when everything is slow, it does not arrive.`,
          { severity: 'warn' },
        )
      else yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}
