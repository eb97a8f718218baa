import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const pageHelps: Rule = {
  id: 'page-helps',
  question: 11,
  title: 'The page for when the service is away says what to do instead',
  formats: ['unavailable-page'],
  severity: 'warn',
  reach: 2,
  harm: 'Somebody with a deadline does not learn whom to call, or whether to try again.',
  defaults: 'None.',
  fix: 'Name a telephone number or address, say when to come back, set lang on <html> and a <title>.',
  cites: 'GOV.UK Design System: service unavailable pages',
  bad: {
    'public/503.html':
      '<!doctype html><html lang="en"><head><title>Sorry</title></head><body><h1>Error</h1><p>Something went wrong.</p></body></html>',
  },
  good: {
    'public/503.html':
      '<!doctype html><html lang="en"><head><title>Sorry</title></head><body><h1>Sorry, the service is unavailable</h1><p>You can use the service from 9am on Monday. Call 0300 123 4567.</p></body></html>',
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('unavailable-page')) {
      const at = { file: src.file, line: 1, col: 1 }
      const words = src.text.replace(/<(style|script)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]{0,2000}>/g, ' ')
      const contact =
        /\b0\d{2,4}[\s-]?\d{3}|\+44|mailto:|[\w.]+@[\w.]+|tel:|\{\{|telephone|call us|contact us|ffoniwch/i.test(
          `${words} ${src.text.match(/(?:mailto|tel):/)?.[0] ?? ''}`,
        )
      const when =
        /\b\d{1,2}(:\d{2})?\s?(am|pm)|later|tomorrow|try again|available (?:from|again)|will be able|\{\{/i.test(words)
      const missing = [
        contact ? '' : 'whom to call',
        when ? '' : 'when to come back',
        /<html\b[^>]*\blang=/i.test(src.text) ? '' : 'its language (lang)',
      ].filter(Boolean)
      if (missing.length > 0) yield fail(at, `The page does not say ${missing.join(', nor ')}.`)
      else yield pass(at)
    }
  },
}
